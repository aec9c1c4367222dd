import type { WorkOrder } from '../schemas/work-order.js';
import type { Sql } from './data-source.js';

export interface DueCallback {
  orderId: string;
  url: string;
  /** This one included. */
  attempts: number;
}

/** Takes callbacks that are due. Each is hidden from others for a minute: a worker that dies meanwhile loses nothing. */
export async function takeDueCallbacks(sql: Sql, limit: number): Promise<DueCallback[]> {
  const { rows } = await sql.query<{ order_id: string; url: string; attempts: number }>(
    `with due as materialized (
       select order_id from callback_delivery where state = 'due' and next_attempt_at <= now()
        order by next_attempt_at limit $1 for update skip locked)
     update callback_delivery c set attempts = c.attempts + 1, next_attempt_at = now() + interval '1 minute'
       from due where c.order_id = due.order_id
     returning c.order_id, c.url, c.attempts`,
    [limit],
  );
  return rows.map((row) => ({ orderId: row.order_id, url: row.url, attempts: row.attempts }));
}

/** @param nextInMs null when there is to be no further attempt */
export async function noteCallback(
  sql: Sql,
  orderId: string,
  state: 'due' | 'accepted' | 'gave-up' | 'disabled',
  outcome: string,
  nextInMs: number | null,
): Promise<void> {
  await sql.query(
    `update callback_delivery set state = $2, last_outcome = $3,
       next_attempt_at = now() + make_interval(secs => coalesce($4, 0) / 1000.0) where order_id = $1`,
    [orderId, state, outcome.slice(0, 300), nextInMs],
  );
}

/** The order as billing sent it (secrets cut out), and the instant it ended. */
export async function readDocument(sql: Sql, orderId: string): Promise<{ order: WorkOrder; finishedAt: Date | null }> {
  const { rows } = await sql.query<{ document: WorkOrder; finished_at: Date | null }>(
    'select d.document, o.finished_at from work_order o join work_order_document d using (order_id) where o.order_id = $1',
    [orderId],
  );
  const [row] = rows;
  if (!row) throw new Error(`order ${orderId} has no document`);
  return { order: row.document, finishedAt: row.finished_at };
}
