import { preparationMarker } from '../planner/marker.js';
import type { Sql } from './data-source.js';

/** A job that a cloud is working on. */
export interface JobView {
  platformId: string;
  jobId: string;
  operation: string;
  attempt: number;
  orderId: string;
  workOrderId: string;
  /** `preparation`: something many orders share, built by an order of our own. */
  orderKind: 'billing' | 'preparation';
  workOrderItemId: string | null;
  marker: string;
  submittedAt: Date | null;
}

/** Jobs under way, by platform; `after` is the last one of the page before. A tenant sees those of its own orders. */
export async function listJobs(
  sql: Sql,
  tenant: string | null,
  platformId: string | null,
  after: { platformId: string; jobId: string } | null,
  limit: number,
): Promise<{ jobs: JobView[]; more: boolean }> {
  const { rows } = await sql.query<JobRow>(
    `select c.platform_id, c.job_id, c.name, c.attempt, c.order_id, c.marker, c.submitted_at, o.work_order_id, o.kind,
            i.work_order_item_id
       from cloud_operation c join work_order o using (order_id)
       left join work_order_item i on i.order_id = c.order_id and i.item_index = c.item_index
      where c.state = 'inFlight' and c.job_id is not null
        and ($1::text is null or c.platform_id = $1)
        and ($2::text is null or (c.platform_id, c.job_id) > ($2, $3))
        and ($5::text is null or (o.account_id = $5 and o.kind = 'billing'))
      order by c.platform_id, c.job_id limit $4`,
    [platformId, after?.platformId ?? null, after?.jobId ?? null, limit + 1, tenant],
  );
  return {
    jobs: rows.slice(0, limit).map((row) => ({
      platformId: row.platform_id,
      jobId: row.job_id,
      operation: row.name,
      attempt: row.attempt,
      orderId: row.order_id,
      workOrderId: row.work_order_id,
      orderKind: row.kind,
      workOrderItemId: row.kind === 'billing' ? row.work_order_item_id : null,
      marker: row.marker,
      submittedAt: row.submitted_at,
    })),
    more: rows.length > limit,
  };
}

interface JobRow {
  platform_id: string;
  job_id: string;
  name: string;
  attempt: number;
  order_id: string;
  marker: string;
  submitted_at: Date | null;
  work_order_id: string;
  kind: JobView['orderKind'];
  work_order_item_id: string | null;
}

/** Something on a cloud that carries a marker of ours and belongs to nothing, or that was delivered and is not there. */
export interface OrphanView {
  platformId: string;
  resourceId: string;
  operation: string;
  marker: string;
  orderId: string;
  workOrderId: string;
  foundAt: Date;
  /**
   * `twin`: a second thing with one marker, found while the order was open. `undo`: what the cloud would not remove again. `late`: found
   * by a look after the end of the order. `missing`: delivered, and not there.
   */
  why: 'twin' | 'undo' | 'late' | 'missing';
  state: 'found' | 'adopted' | 'destroying' | 'destroyed';
  lastOutcome: string | null;
  /** When it was last seen on its cloud; for what is missing, when it was last looked for. */
  seenAt: Date;
  /** What was seen, in words. */
  seen: string | null;
  /** How long after the end of its order a look found it, seconds; null for what was found before. */
  afterEndSeconds: number | null;
}

/** @param gone whether those that were destroyed are listed as well */
export async function listOrphans(sql: Sql, tenant: string | null, limit: number, gone = true): Promise<OrphanView[]> {
  const { rows } = await sql.query<OrphanRow>(
    `select p.platform_id, p.resource_id, p.operation, p.marker, p.order_id, p.found_at, p.why, p.state, p.last_outcome,
            p.seen_at, p.seen, extract(epoch from p.after_end)::float8 as after_end, o.work_order_id
       from orphan p join work_order o using (order_id)
      where ($2::text is null or (o.account_id = $2 and o.kind = 'billing')) and ($3 or p.state <> 'destroyed')
      order by (p.state in ('adopted', 'destroyed')), p.found_at desc, p.resource_id limit $1`,
    [limit, tenant, gone],
  );
  return rows.map((row) => ({
    platformId: row.platform_id,
    resourceId: row.resource_id,
    operation: row.operation,
    marker: row.marker,
    orderId: row.order_id,
    workOrderId: row.work_order_id,
    foundAt: row.found_at,
    why: row.why,
    state: row.state,
    lastOutcome: row.last_outcome,
    seenAt: row.seen_at,
    seen: row.seen,
    afterEndSeconds: row.after_end,
  }));
}

interface OrphanRow {
  platform_id: string;
  resource_id: string;
  operation: string;
  marker: string;
  order_id: string;
  found_at: Date;
  work_order_id: string;
  why: OrphanView['why'];
  state: OrphanView['state'];
  last_outcome: string | null;
  seen_at: Date;
  seen: string | null;
  after_end: number | null;
}

/** How far a thing is that many orders share. */
export interface PreparationView {
  platformId: string;
  key: string;
  orderId: string;
  /** State of the operation machine. */
  state: string;
  jobId: string | null;
  failure: string | null;
  createdAt: Date;
  submittedAt: Date | null;
}

/** The operations behind preparations, found by their marker: the one thing about them that an index knows. */
export async function readPreparations(
  sql: Sql,
  installationId: string,
  wanted: { platformId: string; key: string }[],
): Promise<PreparationView[]> {
  if (wanted.length === 0) return [];
  const markers = wanted.map(({ platformId, key }) => preparationMarker(installationId, platformId, key));
  const { rows } = await sql.query<PreparationRow>(
    `select platform_id, part_key, order_id, state, job_id, context -> 'failure' ->> 'message' as failure, created_at,
            submitted_at
       from cloud_operation where marker = any($1) order by created_at desc`,
    [markers],
  );
  return rows.map((row) => ({
    platformId: row.platform_id,
    key: row.part_key,
    orderId: row.order_id,
    state: row.state,
    jobId: row.job_id,
    failure: row.failure,
    createdAt: row.created_at,
    submittedAt: row.submitted_at,
  }));
}

interface PreparationRow {
  platform_id: string;
  part_key: string;
  order_id: string;
  state: string;
  job_id: string | null;
  failure: string | null;
  created_at: Date;
  submitted_at: Date | null;
}

/** Every job a cloud ever took for an order, oldest first: an operation's row only knows the last one. */
export async function submittedJobs(
  sql: Sql,
  orderId: string,
): Promise<{ itemIndex: number; jobId: string; operation: string; at: Date }[]> {
  const { rows } = await sql.query<{ item_index: number; job_id: string; operation: string; at: Date }>(
    `select item_index, data ->> 'jobId' as job_id, data ->> 'operation' as operation, at
       from event where order_id = $1 and type = 'item.job-submitted' order by sequence`,
    [orderId],
  );
  return rows.map((row) => ({
    itemIndex: row.item_index,
    jobId: row.job_id,
    operation: row.operation,
    at: row.at,
  }));
}
