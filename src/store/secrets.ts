import type pg from 'pg';
import { inTransaction } from './accept.js';
import { writeAudit } from './audit.js';
import type { Sql } from './data-source.js';

/** A sealed secret of an item, or null. Opened only inside the one cloud call that needs it. */
export async function readSecret(sql: Sql, orderId: string, itemIndex: number, field: string): Promise<Buffer | null> {
  const { rows } = await sql.query<{ sealed: Buffer }>(
    'select sealed from sealed_secret where order_id = $1 and item_index = $2 and field = $3',
    [orderId, itemIndex, field],
  );
  return rows[0]?.sealed ?? null;
}

/** A password that a cloud made, on its way to whoever may have it. */
export interface CloudSecret {
  itemIndex: number;
  workOrderItemId: string;
  field: string;
  sealed: Buffer;
  /** The cloud's id of the machine that it opens; null where nobody knows it (yet), and for what is the whole item's. */
  cloudResourceId: string | null;
}

/** How long a secret that was collected can be collected again: an answer may be lost on its way. */
const collectAgain = `interval '1 hour'`;
/** How long secrets are kept at the most, and original messages after their order has ended. */
const longest = `interval '7 days'`;

/** Takes the secrets that clouds made for an order: marks them collected, and writes down who did. One transaction. */
export function collectSecrets(pool: pg.Pool, orderId: string, by: { actor: string; reason: string }) {
  return inTransaction(pool, async (sql): Promise<CloudSecret[]> => {
    const { rows } = await sql.query<{
      item_index: number;
      work_order_item_id: string;
      field: string;
      sealed: Buffer;
      work_order_id: string;
      resource_id: string | null;
    }>(
      `update sealed_secret s set collected_at = coalesce(s.collected_at, now())
         from work_order_item i join work_order o using (order_id)
        where s.order_id = $1 and s.origin = 'cloud' and i.order_id = s.order_id and i.item_index = s.item_index
          and (s.collected_at is null or s.collected_at > now() - ${collectAgain})
          and s.created_at > now() - ${longest}
      returning s.item_index, i.work_order_item_id, s.field, s.sealed, o.work_order_id,
        (select c.resource_id from cloud_operation c
          where c.order_id = s.order_id and c.item_index = s.item_index and c.name = 'vm.create'
            and substring(c.part_key from '#[0-9]+$') = substring(s.field from '#[0-9]+$')) as resource_id`,
      [orderId],
    );
    if (rows.length > 0) {
      await writeAudit(sql, {
        actor: by.actor,
        action: 'secrets.read',
        subject: rows[0]?.work_order_id ?? orderId,
        orderId,
        reason: by.reason,
        detail: { fields: rows.map((row) => `${row.work_order_item_id}/${row.field}`) },
      });
    }
    return rows
      .toSorted((a, b) => a.item_index - b.item_index || a.field.localeCompare(b.field, 'en', { numeric: true }))
      .map((row) => ({
        itemIndex: row.item_index,
        workOrderItemId: row.work_order_item_id,
        field: row.field,
        sealed: row.sealed,
        cloudResourceId: row.resource_id,
      }));
  });
}

/**
 * Erases secrets nobody needs any more: those an order brought, when it has ended; those a cloud made, an hour after they
 * were collected; all of them after seven days.
 *
 * @returns how many were erased; at most `limit`
 */
export async function eraseSecrets(sql: Sql, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `with due as materialized (
       select s.order_id, s.item_index, s.field from sealed_secret s
        where s.created_at < now() - ${longest} or s.collected_at < now() - ${collectAgain}
           or (s.origin = 'order' and exists (
                 select from work_order o where o.order_id = s.order_id and o.finished_at is not null))
        limit $1 for update skip locked)
     delete from sealed_secret s using due
      where s.order_id = due.order_id and s.item_index = due.item_index and s.field = due.field`,
    [limit],
  );
  return rowCount ?? 0;
}

/**
 * Empties the original messages of orders that ended more than seven days ago; they hold the same passwords. What was set
 * aside or refused is kept: a person may still mend it.
 *
 * @returns how many were emptied; at most `limit`
 */
export async function eraseBodies(sql: Sql, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `with due as materialized (
       select m.message_id from received_message m join work_order o using (order_id)
        where m.verdict in ('accepted', 'held', 'duplicate') and octet_length(m.sealed_body) > 0
          and m.received_at < now() - ${longest} and o.finished_at < now() - ${longest}
        order by m.received_at limit $1 for update of m skip locked)
     update received_message m set sealed_body = '', sealed_proposal = null from due
      where m.message_id = due.message_id`,
    [limit],
  );
  return rowCount ?? 0;
}

/** One sealed cell with what finds it again. */
export interface SealedCell {
  /** The columns of the row's key, as text. */
  key: string[];
  sealed: Buffer;
}

/** Where sealed bytes stand: table, key and column; the associated data follow from the key (`src/rotate-keys.ts`). */
export const sealedColumns = {
  secret: { table: 'sealed_secret', key: ['order_id', 'item_index', 'field'], column: 'sealed' },
  platform: { table: 'platform', key: ['platform_id'], column: 'sealed_credentials' },
  body: { table: 'received_message', key: ['message_id'], column: 'sealed_body' },
  proposal: { table: 'received_message', key: ['message_id'], column: 'sealed_proposal' },
} as const;
export type SealedColumn = keyof typeof sealedColumns;

/** Types of the keys' columns, so that a page goes on behind the last key of the one before. */
const keyTypes: Readonly<Record<string, string>> = {
  order_id: 'uuid',
  item_index: 'smallint',
  field: 'text',
  platform_id: 'text',
  message_id: 'uuid',
};

/** Cells that another key than `keyId` (8 hex digits) sealed, in the order of their keys, locked until the transaction ends. */
export async function cellsToRewrap(
  sql: Sql,
  which: SealedColumn,
  keyId: string,
  after: string[] | null,
  limit: number,
): Promise<SealedCell[]> {
  const { table, key, column } = sealedColumns[which];
  const placeholders = key.map((name, i) => `$${i + 3}::${keyTypes[name]}`).join(', ');
  const { rows } = await sql.query<{ key: string[]; sealed: Buffer }>(
    `select array[${key.map((name) => `${name}::text`).join(', ')}] as key, ${column} as sealed from ${table}
      where octet_length(${column}) > 5 and substring(${column} from 2 for 4) <> decode($1, 'hex')
        ${after ? `and (${key.join(', ')}) > (${placeholders})` : ''}
      order by ${key.join(', ')} limit $2 for update`,
    [keyId, limit, ...(after ?? [])],
  );
  return rows;
}

/** Puts the cells back, sealed anew. */
export async function rewriteCells(sql: Sql, which: SealedColumn, cells: SealedCell[]): Promise<void> {
  const { table, key, column } = sealedColumns[which];
  const values: unknown[] = [cells.map(({ sealed }) => sealed)];
  const sources = key.map((name, i) => {
    values.push(cells.map((cell) => cell.key[i]));
    return `$${values.length}::${keyTypes[name]}[]`;
  });
  await sql.query(
    `update ${table} t set ${column} = given.sealed
       from unnest($1::bytea[], ${sources.join(', ')}) as given (sealed, ${key.join(', ')})
      where ${key.map((name) => `t.${name} = given.${name}`).join(' and ')}`,
    values,
  );
}

/** The content hash of the order that a message was accepted as, and how that message was labelled; null for any other. */
export async function hashOfMessage(
  sql: Sql,
  messageId: string,
): Promise<{ orderId: string; contentHash: string; contentType: string | null } | null> {
  const { rows } = await sql.query<{ order_id: string; hash: string; content_type: string | null }>(
    `select d.order_id, encode(d.content_hash, 'hex') as hash, m.headers ->> 'content-type' as content_type
       from received_message m join work_order_document d using (order_id)
      where m.message_id = $1 and m.verdict in ('accepted', 'held')`,
    [messageId],
  );
  const [row] = rows;
  return row ? { orderId: row.order_id, contentHash: row.hash, contentType: row.content_type } : null;
}

export async function rewriteHash(sql: Sql, orderId: string, contentHash: string): Promise<void> {
  await sql.query(`update work_order_document set content_hash = decode($2, 'hex') where order_id = $1`, [
    orderId,
    contentHash,
  ]);
}
