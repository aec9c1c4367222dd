import type { Sql } from './data-source.js';

/**
 * The book-keeping of log-ins in the table of users. None of it touches `updated_at`: nothing that workers take up has changed.
 */

/** How guessing gets slower. Milliseconds. */
export interface Slowing {
  /** So many misses in a row cost nothing; the wait begins with the last of them. */
  freeMisses: number;
  /** Doubled with each further miss. */
  firstWaitMs: number;
  longestWaitMs: number;
}

/**
 * Allows one try at a user's password, and counts it as a miss at once: {@link recordLogIn} or {@link forgetMisses} takes that back.
 * So a hundred tries at the same time, on however many workers, are a hundred misses before the first of them is judged.
 *
 * @returns null when there is no such user, or it has to wait ({@link readWaitMs} says how long)
 */
export async function claimTry(
  sql: Sql,
  userId: string,
  { freeMisses, firstWaitMs, longestWaitMs }: Slowing,
): Promise<{ passwordHash: string | null; misses: number } | null> {
  const { rows } = await sql.query<{ password_hash: string | null; failed_log_ins: number }>(
    // The exponent is cut so that years of misses cannot overflow it.
    `update tenant set failed_log_ins = failed_log_ins + 1,
            log_in_after = case when failed_log_ins + 1 >= $2::int then now() + interval '1 millisecond'
              * least($3::float8 * power(2::float8, least(failed_log_ins + 1 - $2::int, 40)), $4::float8) end
      where user_id = $1 and removed_at is null and (log_in_after is null or log_in_after <= now())
     returning password_hash, failed_log_ins`,
    [userId, freeMisses, firstWaitMs, longestWaitMs],
  );
  const [row] = rows;
  return row ? { passwordHash: row.password_hash, misses: row.failed_log_ins } : null;
}

/** How long a user's next try has to wait, in ms; 0 when it need not, or when there is no such user. */
export async function readWaitMs(sql: Sql, userId: string): Promise<number> {
  const { rows } = await sql.query<{ wait_ms: number }>(
    `select greatest(0, ceil(extract(epoch from log_in_after - now()) * 1000))::int as wait_ms
       from tenant where user_id = $1 and removed_at is null and log_in_after is not null`,
    [userId],
  );
  return rows[0]?.wait_ms ?? 0;
}

/**
 * Notes a good log-in and forgets the misses.
 *
 * @param passwordHash the one that was found right
 * @returns false when the user may not log in any more: inactive, removed, or of another password since it was looked at
 */
export async function recordLogIn(sql: Sql, userId: string, passwordHash: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update tenant set failed_log_ins = 0, log_in_after = null, logged_in_at = now()
      where user_id = $1 and removed_at is null and state = 'active' and password_hash = $2`,
    [userId, passwordHash],
  );
  return rowCount === 1;
}

/** @returns false when there is no such user */
export async function recordLogOut(sql: Sql, userId: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    'update tenant set logged_out_at = now() where user_id = $1 and removed_at is null',
    [userId],
  );
  return rowCount === 1;
}

/** After a password that was right, where nobody logs in. */
export async function forgetMisses(sql: Sql, userId: string): Promise<void> {
  await sql.query('update tenant set failed_log_ins = 0, log_in_after = null where user_id = $1', [userId]);
}

/**
 * Puts another hash in the place of one, and forgets the misses.
 *
 * @param before the hash that it replaces; null: whatever is there
 * @returns false when there is no such user, or somebody else was faster
 */
export async function replacePassword(
  sql: Sql,
  userId: string,
  before: string | null,
  passwordHash: string,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update tenant set password_hash = $3, failed_log_ins = 0, log_in_after = null
      where user_id = $1 and removed_at is null and ($2::text is null or password_hash = $2)`,
    [userId, before, passwordHash],
  );
  return rowCount === 1;
}
