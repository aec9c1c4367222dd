import type { Lever } from '../machines/levers.js';
import type { Sql } from './data-source.js';

/** A lever that somebody pulled for an order which another worker holds in its memory. */
export interface LeverRequest {
  requestId: string;
  orderId: string;
  lever: Lever;
  actor: string;
  seenRevision: number | null;
}

/** What became of it. `code` of the register when it was refused. */
export type LeverAnswer = { pulled: true } | { pulled: false; code: string; message: string };

export async function askOwner(sql: Sql, request: LeverRequest): Promise<void> {
  await sql.query(
    `insert into lever_request (request_id, order_id, lever, actor, seen_revision) values ($1, $2, $3::jsonb, $4, $5)`,
    [request.requestId, request.orderId, JSON.stringify(request.lever), request.actor, request.seenRevision],
  );
}

/** Requests for orders of this worker. Whoever asked has given up on those older than a minute. */
export async function leversFor(sql: Sql, workerId: string): Promise<LeverRequest[]> {
  const { rows } = await sql.query<{
    request_id: string;
    order_id: string;
    lever: Lever;
    actor: string;
    seen_revision: number | null;
  }>(
    `select r.request_id, r.order_id, r.lever, r.actor, r.seen_revision
       from lever_request r join work_order o using (order_id)
      where r.answered_at is null and r.claimed_at is null and r.asked_at > now() - interval '1 minute' and o.worker_id = $1
      order by r.asked_at`,
    [workerId],
  );
  return rows.map((row) => ({
    requestId: row.request_id,
    orderId: row.order_id,
    lever: row.lever,
    actor: row.actor,
    seenRevision: row.seen_revision,
  }));
}

/** @returns false when somebody else carries it out, or whoever asked has given up */
export async function claimLever(sql: Sql, requestId: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    'update lever_request set claimed_at = now() where request_id = $1 and claimed_at is null and answered_at is null',
    [requestId],
  );
  return rowCount === 1;
}

export async function answerLever(sql: Sql, requestId: string, answer: LeverAnswer): Promise<void> {
  await sql.query(
    `update lever_request set answer = $2::jsonb, answered_at = now() where request_id = $1 and answered_at is null`,
    [requestId, JSON.stringify(answer)],
  );
}

/** Null while nobody has answered. */
export async function readLeverAnswer(sql: Sql, requestId: string): Promise<LeverAnswer | null> {
  const { rows } = await sql.query<{ answer: LeverAnswer | null }>(
    'select answer from lever_request where request_id = $1',
    [requestId],
  );
  return rows[0]?.answer ?? null;
}

/** Nobody is to carry it out any more: whoever asked has been told that it was not. @returns whether that came in time */
export async function withdrawLever(sql: Sql, requestId: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    'update lever_request set answered_at = now() where request_id = $1 and claimed_at is null and answered_at is null',
    [requestId],
  );
  return rowCount === 1;
}

/**
 * Takes an order that rests (held, quarantined) and has nothing under way, to move it. Raises the epoch like any take-over.
 *
 * @returns whether it is ours now; if not, somebody else has it, or it does not rest any more
 */
export async function takeResting(sql: Sql, orderId: string, workerId: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update work_order set worker_id = $2, epoch = epoch + 1
      where order_id = $1 and finished_at is null and status = 'held' and machine ->> 'value' in ('held', 'quarantined')`,
    [orderId, workerId],
  );
  return rowCount === 1;
}
