import type { Sql } from './data-source.js';

/** Events that are stored and told to nobody, because a transaction that began to write before them has not ended. */
export interface HeldBack {
  /** How long the oldest of them has waited, s. */
  seconds: number;
  /** What holds them back, for a person: process or prepared transaction, application, database. */
  by: string;
}

/**
 * Events are told below the oldest transaction of the server that has written something, in whatever database, so that none can be
 * missed (`readEvents`). A forgotten one holds all of them back, and only its own end helps.
 *
 * @returns null while nothing waits
 */
export async function heldBack(sql: Sql): Promise<HeldBack | null> {
  const { rows } = await sql.query<{ seconds: number; by: string }>(
    `with oldest as materialized (
       select pg_snapshot_xmin(now_.snapshot) as number, event_position(pg_snapshot_xmin(now_.snapshot)) as position
         from (select pg_current_snapshot() as snapshot) as now_)
     select extract(epoch from clock_timestamp() - waiting.at)::float as seconds,
            coalesce(
              (select format('process %s of %s in the database %s', a.pid,
                             coalesce(nullif(a.application_name, ''), 'an application without a name'), a.datname)
                 from pg_stat_activity a where a.backend_xid = oldest.number::xid limit 1),
              (select format('the prepared transaction %L of %s in the database %s', p.gid, p.owner, p.database)
                 from pg_prepared_xacts p where p.transaction = oldest.number::xid limit 1),
              'a transaction that has just ended') as by
       from oldest,
            lateral (select at from event where tx >= oldest.position order by tx limit 1) as waiting`,
  );
  return rows[0] ?? null;
}
