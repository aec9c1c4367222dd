import type pg from 'pg';
import type { Sql } from './data-source.js';

/**
 * How many places one numbering of the events has. More than a cluster gives out transactions between a dump and the last
 * thing that somebody read of what came after it: a reader's place in what was lost by a restore is then before everything that is
 * written after it.
 */
const eraBits = 40;

/** The numbering that a place in the stream belongs to: 0 before the first restore, then growing. */
export function eraOf(position: string): number {
  return Number(BigInt(position) >> BigInt(eraBits));
}

/** What tells where the database is: SQL for one row `cluster`. Both parts may be asked by everybody, unless they were revoked. */
const whereItIs = `
  select system_identifier::text || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as cluster
    from pg_control_system()`;

/** The greatest place that is stored or was read, and whether it is one that this cluster has given out. */
const standing = `
  select n.cluster, newest.position, newest.position < event_position(pg_snapshot_xmax(pg_current_snapshot())) as is_past
    from (values (true)) as always (only_row) left join event_numbering n using (only_row),
    lateral (select position from (
        (select tx as position from event order by tx desc limit 1) union all
        (select tx from received_message where verdict in ('conflict', 'set-aside', 'refused') order by tx desc limit 1) union all
        (select tx from event_cursor order by tx desc limit 1) union all
        select '0'::xid8) as known
      order by position desc limit 1) as newest`;

/**
 * Sees to it that what is written over this connection is numbered after everything that is stored. For every new connection of a
 * writer: a database that is suddenly another one (restored from a dump, gone back to an earlier moment, another node) is reached
 * by new connections only. In the same cluster as before it is one look and nothing more; several may find themselves elsewhere
 * at once, and the first of them begins a new numbering. Nothing that is stored is rewritten, and places that readers know stay
 * as they are.
 *
 * @returns whether a new numbering was begun
 * @throws what pg throws: the connection is not to be used then
 */
export async function settleNumbering(client: Pick<pg.ClientBase, 'query'>): Promise<boolean> {
  const sql = client as unknown as Sql;
  const cluster = await clusterOf(sql);
  if (await isSettled(sql, cluster)) return false;
  await sql.query('begin');
  try {
    const { rowCount } = await sql.query(
      'insert into event_numbering (shift, cluster) values (0, $1) on conflict do nothing',
      [cluster],
    );
    // Whoever else is at it is waited for, and has done it then.
    if (rowCount === 0) await sql.query('select from event_numbering for update');
    const isBegun = !(await isSettled(sql, cluster));
    if (isBegun) await beginNumbering(sql, cluster);
    await sql.query('commit');
    return isBegun;
  } catch (error) {
    await sql.query('rollback').catch(() => {});
    throw error;
  }
}

async function isSettled(sql: Sql, cluster: string | null): Promise<boolean> {
  const { rows } = await sql.query<{ cluster: string | null; is_past: boolean; is_known: boolean }>(
    `select standing.*, exists (select from event_numbering) as is_known from (${standing}) as standing`,
  );
  const [row] = rows;
  return row !== undefined && row.is_known && row.is_past && row.cluster === cluster;
}

/**
 * The next numbering, or one soon after it: two clusters into which one dump was restored do not go on under the same
 * numbers, so that a reader who comes from one of them to the other is noticed.
 */
async function beginNumbering(sql: Sql, cluster: string | null): Promise<void> {
  await sql.query(
    `update event_numbering set cluster = $1, changed_at = now(),
            shift = (((newest.position::text::bigint >> ${eraBits}) + 1 + floor(random() * 1000)::bigint) << ${eraBits})
                    - pg_current_xact_id()::text::bigint
       from (${standing}) as newest`,
    [cluster],
  );
}

/** Null where a role may not ask; what the numbers themselves say has to do then. */
async function clusterOf(sql: Sql): Promise<string | null> {
  try {
    const { rows } = await sql.query<{ cluster: string }>(whereItIs);
    return rows[0]?.cluster ?? null;
  } catch (error) {
    if ((error as { code?: string }).code === '42501') return null;
    throw error;
  }
}
