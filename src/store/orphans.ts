import { type AuditEntry, writeAudit } from './audit.js';
import { inTransaction } from './accept.js';
import type { Sql } from './data-source.js';
import type pg from 'pg';

/** Something on a cloud that carries a marker of ours and that nobody charges for; `missing`: one that is charged for, and not there. */
export interface Orphan {
  platformId: string;
  resourceId: string;
  operation: string;
  marker: string;
  orderId: string;
  /** The stage of the operation that made it; null for the first. */
  stage: string | null;
  why: 'twin' | 'undo' | 'late' | 'missing';
  state: 'found' | 'adopted' | 'destroying' | 'destroyed';
}

const columns = 'platform_id, resource_id, operation, marker, order_id, stage, why, state';

interface Row {
  platform_id: string;
  resource_id: string;
  operation: string;
  marker: string;
  order_id: string;
  stage: string | null;
  why: Orphan['why'];
  state: Orphan['state'];
}

const toOrphan = (row: Row): Orphan => ({
  platformId: row.platform_id,
  resourceId: row.resource_id,
  operation: row.operation,
  marker: row.marker,
  orderId: row.order_id,
  stage: row.stage,
  why: row.why,
  state: row.state,
});

/** @param tenant the account that asks; null: all */
export async function readOrphan(
  sql: Sql,
  tenant: string | null,
  platformId: string,
  resourceId: string,
): Promise<Orphan | null> {
  const { rows } = await sql.query<Row>(
    `select ${columns} from orphan p
      where platform_id = $1 and resource_id = $2
        and ($3::text is null or exists (
              select from work_order o where o.order_id = p.order_id and o.account_id = $3 and o.kind = 'billing'))`,
    [platformId, resourceId, tenant],
  );
  return rows[0] ? toOrphan(rows[0]) : null;
}

/** What somebody decided about one, with the audit entry in the same transaction. */
export function decideOrphan(
  pool: pg.Pool,
  orphan: Orphan,
  state: 'adopted' | 'destroying',
  entry: AuditEntry,
): Promise<void> {
  return inTransaction(pool, async (sql) => {
    await sql.query(
      `update orphan set state = $3, last_outcome = null, changed_at = now() where platform_id = $1 and resource_id = $2`,
      [orphan.platformId, orphan.resourceId, state],
    );
    await writeAudit(sql, entry);
  });
}

export async function noteOrphan(
  sql: Sql,
  { platformId, resourceId }: Pick<Orphan, 'platformId' | 'resourceId'>,
  state: 'destroying' | 'destroyed' | 'adopted',
  outcome: string,
): Promise<void> {
  await sql.query(
    `update orphan set state = $3, last_outcome = $4, changed_at = now(),
            seen_at = case when $4 = 'in-progress' then now() else seen_at end
      where platform_id = $1 and resource_id = $2 and state = 'destroying'`,
    [platformId, resourceId, state, outcome],
  );
}

/** Those that are to go and have not been asked about for a while; whoever gets one here is the only one who asks. */
export async function orphansToDestroy(sql: Sql, quietMs: number, limit: number): Promise<Orphan[]> {
  const { rows } = await sql.query<Row>(
    `with due as materialized (
       select platform_id, resource_id from orphan
        where state = 'destroying' and changed_at < now() - make_interval(secs => $1 / 1000.0)
        order by changed_at limit $2 for update skip locked)
     update orphan p set changed_at = now() from due
      where p.platform_id = due.platform_id and p.resource_id = due.resource_id
      returning ${columns
        .split(', ')
        .map((name) => `p.${name}`)
        .join(', ')}`,
    [quietMs, limit],
  );
  return rows.map(toOrphan);
}
