import type { Sql } from './data-source.js';

/** What one worker sees of one cloud account. */
export interface SeenCloud {
  circuit: 'closed' | 'open' | 'half-open';
  /** Milliseconds since epoch, by that worker's clock. */
  since: number | null;
  reason: string | null;
  nextProbeAt: number | null;
  /** Pieces of work waiting, by platform. */
  waiting: Record<string, number>;
}

/** Keyed by the account: the first of its platforms' ids. */
export type SeenClouds = Record<string, SeenCloud>;

/** Tells the others which cloud accounts this worker uses. */
export async function announceClouds(sql: Sql, workerId: string, clouds: SeenClouds): Promise<void> {
  await sql.query('update worker set clouds = $2 where worker_id = $1', [workerId, JSON.stringify(clouds)]);
}

/** What the other living workers use, and what they see of it. */
export async function cloudsOfOthers(sql: Sql, workerId: string): Promise<SeenClouds[]> {
  const { rows } = await sql.query<{ clouds: SeenClouds }>(
    `select clouds from worker
      where worker_id <> $1 and clouds <> '{}' and heartbeat_at > now() - interval '5 seconds'`,
    [workerId],
  );
  return rows.map(({ clouds }) => clouds);
}
