import { hostname } from 'node:os';
import type { Sql } from './data-source.js';

/**
 * Who works on what (design D4). A worker has one heartbeat row; an order names its worker and the epoch it was taken in.
 * Taking over raises the epoch, so that every later write of the former owner matches no row.
 */

/** `application_name` of every connection of a worker: PostgreSQL itself then shows at once when its process is gone. */
export function applicationName(workerId: string): string {
  return `orderwright ${workerId}`;
}

export async function registerWorker(sql: Sql, workerId: string): Promise<void> {
  await sql.query('insert into worker (worker_id, host, pid) values ($1, $2, $3)', [workerId, hostname(), process.pid]);
}

/** @returns the database's time; null when the row is gone: others took this worker for dead and its orders with it */
export async function heartbeat(sql: Sql, workerId: string): Promise<Date | null> {
  const { rows } = await sql.query<{ at: Date }>(
    'update worker set heartbeat_at = now() where worker_id = $1 returning heartbeat_at as at',
    [workerId],
  );
  return rows[0]?.at ?? null;
}

/** The time by the database's clock. */
export async function databaseTime(sql: Sql): Promise<Date> {
  const { rows } = await sql.query<{ at: Date }>('select now() as at');
  return rows[0]?.at ?? new Date();
}

/** Leaves the row behind as that of a worker long silent: whoever buries it at its next heartbeat takes the orders over. */
export async function unregisterWorker(sql: Sql, workerId: string): Promise<void> {
  await sql.query(`update worker set heartbeat_at = '-infinity' where worker_id = $1`, [workerId]);
}

/**
 * A worker without a database session is taken for dead after this silence. It must be longer than the time for which a
 * worker trusts its last heartbeat (`Ownership.mayAct`), so that nobody acts for an order that somebody else has taken.
 */
export const silenceMs = 3_000;

/**
 * Removes workers that are gone: silent for `leaseMs`, or silent for a short while with no database session left in
 * their name (killed processes lose their sessions at once, so nobody has to wait for the lease). A worker wrongly
 * removed loses time, never truth: its writes match no row any more.
 *
 * @returns the ids removed
 */
export async function buryWorkers(sql: Sql, leaseMs: number): Promise<string[]> {
  const { rows } = await sql.query<{ worker_id: string }>(
    `delete from worker w
      where heartbeat_at < now() - make_interval(secs => $1 / 1000.0)
         or (heartbeat_at < now() - make_interval(secs => $2 / 1000.0)
             and not exists (select from pg_stat_activity a where a.application_name = 'orderwright ' || w.worker_id))
      returning worker_id`,
    [leaseMs, Math.min(leaseMs, silenceMs)],
  );
  return rows.map((row) => row.worker_id);
}

/**
 * Takes open orders that no living worker owns, oldest first. A worker whose own row is gone takes nothing: what it took
 * would still be nobody's, and it would take the same orders for ever (seen: frozen between its heartbeat and this).
 *
 * @returns the ids taken, at most `limit`
 */
export async function takeOver(sql: Sql, workerId: string, limit: number): Promise<string[]> {
  // The CTE is materialised: with a plain sub-select the limit may be exceeded (reliability P8).
  const { rows } = await sql.query<{ order_id: string }>(
    `with free as materialized (
       select order_id from work_order o
        where finished_at is null
          and (status <> 'held' or machine ->> 'value' not in ('held', 'quarantined'))
          and (worker_id is null or not exists (select from worker w where w.worker_id = o.worker_id))
          and exists (select from worker w where w.worker_id = $1)
        order by created_at
        limit $2
        for update skip locked)
     update work_order o set worker_id = $1, epoch = o.epoch + 1, updated_at = now()
       from free where o.order_id = free.order_id
     returning o.order_id`,
    [workerId, limit],
  );
  return rows.map((row) => row.order_id);
}

/** The open orders in a worker's name that it should be working on, with their epochs. */
export async function ownedOrders(sql: Sql, workerId: string): Promise<{ orderId: string; epoch: number }[]> {
  const { rows } = await sql.query<{ order_id: string; epoch: number }>(
    `select order_id, epoch from work_order
      where finished_at is null and worker_id = $1
        and (status <> 'held' or machine ->> 'value' not in ('held', 'quarantined'))`,
    [workerId],
  );
  return rows.map((row) => ({ orderId: row.order_id, epoch: row.epoch }));
}
