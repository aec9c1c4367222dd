import type pg from 'pg';
import { inTransaction } from './accept.js';
import { writeAudit } from './audit.js';
import type { Sql } from './data-source.js';

/** A look that a worker has taken. */
export interface TakenLook {
  orderId: string;
  /** Looks that are made, or need not be. */
  looks: number;
  /** Only who still has it may say what came of it. */
  turn: number;
  /** The database's clock, ms since epoch. */
  endedAt: number;
  takenAt: number;
  /** How often this look could not be made. */
  tries: number;
}

/** What a look saw that the order says nothing of, or does not see although the order says so. */
export interface Finding {
  what: 'extra' | 'missing';
  platformId: string;
  resourceId: string;
  operation: string;
  stage: string | null;
  marker: string;
  orderId: string;
  /** In words. */
  seen: string;
  /** Whether the producer wants it removed at once. */
  remove: boolean;
}

/** What came of a look. */
export interface LookResult {
  /** Null: none is left. ms since epoch. */
  next: { looks: number; dueAt: number | null };
  /** Why it, or a part of it, could not be made. */
  problem: { platformId: string; message: string; againInMs: number } | null;
  findings: Finding[];
  /** What was delivered and is there. */
  present: { platformId: string; resourceId: string; orderId: string }[];
}

/**
 * Takes looks that are due; whoever gets one here is the only one who looks, until the lease is over. Orders that were never
 * in doubt need no look at their end: theirs are left out, in the same statement, since it is asked all day for nothing.
 *
 * @param settleMs how long after an order's end the first look waits for the cloud's lists
 * @param secondMs how long after it the second one is due
 * @param limit may be 0: then none is taken
 */
export async function takeDueLooks(
  sql: Sql,
  { settleMs, secondMs, leaseMs, limit }: { settleMs: number; secondMs: number; leaseMs: number; limit: number },
): Promise<TakenLook[]> {
  const { rows } = await sql.query<{
    order_id: string;
    looks: number;
    turn: number;
    ended_at: Date;
    taken_at: Date;
    tries: number;
  }>(
    `with left_out as (
       update late_look set looks = 1, due_at = ended_at + make_interval(secs => $4 / 1000.0)
        where due_at <= now() and looks = 0 and not in_doubt),
     due as materialized (
       select order_id from late_look
        where due_at <= now() and (looks > 0 or (in_doubt and ended_at <= now() - make_interval(secs => $1 / 1000.0)))
        order by due_at limit $3 for update skip locked)
     update late_look l set turn = l.turn + 1, due_at = now() + make_interval(secs => $2 / 1000.0)
       from due where l.order_id = due.order_id
     returning l.order_id, l.looks, l.turn, l.ended_at, now() as taken_at, l.tries`,
    [settleMs, leaseMs, limit, secondMs],
  );
  return rows.map((row) => ({
    orderId: row.order_id,
    looks: row.looks,
    turn: row.turn,
    endedAt: row.ended_at.getTime(),
    takenAt: row.taken_at.getTime(),
    tries: row.tries,
  }));
}

/**
 * Notes what came of a look, all of it or nothing.
 *
 * @returns what was not listed before; null when the look was taken by somebody else meanwhile, and nothing is noted
 */
export function concludeLook(pool: pg.Pool, taken: TakenLook, result: LookResult): Promise<Finding[] | null> {
  return inTransaction(pool, async (sql) => {
    if (!(await keepLook(sql, taken, result))) return null;
    for (const one of result.present) await notePresent(sql, one);
    const news: Finding[] = [];
    for (const finding of result.findings) if (await noteFinding(sql, taken, finding)) news.push(finding);
    return news;
  });
}

async function keepLook(sql: Sql, { orderId, turn }: TakenLook, { next, problem }: LookResult): Promise<boolean> {
  const { rowCount } = problem
    ? await sql.query(
        `update late_look set due_at = now() + make_interval(secs => $3 / 1000.0), tries = least(tries + 1, 1000),
                problem = $4, problem_platform = $5, problem_since = coalesce(problem_since, now())
          where order_id = $1 and turn = $2`,
        [orderId, turn, problem.againInMs, problem.message, problem.platformId],
      )
    : await sql.query(
        `update late_look set looks = $3, due_at = $4, looked_at = now(), tries = 0,
                problem = null, problem_platform = null, problem_since = null
          where order_id = $1 and turn = $2`,
        [orderId, turn, next.looks, next.dueAt === null ? null : new Date(next.dueAt)],
      );
  return rowCount === 1;
}

/** What somebody counted as too many, or as missing, and that an order has delivered and the cloud has. */
async function notePresent(
  sql: Sql,
  { platformId, resourceId, orderId }: LookResult['present'][number],
): Promise<void> {
  await sql.query(
    `delete from orphan where platform_id = $1 and resource_id = $2 and why = 'missing' and state = 'found'`,
    [platformId, resourceId],
  );
  await sql.query(
    `update orphan set state = 'adopted', last_outcome = 'belongs to the order ' || $3::text, changed_at = now(), seen_at = now()
      where platform_id = $1 and resource_id = $2 and state = 'found' and why <> 'missing'`,
    [platformId, resourceId, orderId],
  );
}

/** @returns whether it was not listed before */
async function noteFinding(sql: Sql, { endedAt, takenAt }: TakenLook, finding: Finding): Promise<boolean> {
  const { platformId, resourceId, operation, marker, orderId, stage, seen } = finding;
  const why = finding.what === 'extra' ? 'late' : 'missing';
  const state = finding.remove ? 'destroying' : 'found';
  const afterMs = Math.max(0, takenAt - endedAt);
  const { rowCount } = await sql.query(
    `insert into orphan as o (platform_id, resource_id, operation, marker, order_id, stage, why, state, seen, after_end)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, make_interval(secs => $10 / 1000.0))
     on conflict (platform_id, resource_id) do update
        set why = excluded.why, state = excluded.state, seen = excluded.seen, after_end = excluded.after_end,
            stage = excluded.stage, on_word = false, last_outcome = null, found_at = now(), seen_at = now(), changed_at = now()
      -- Said to be gone, and there all the same.
      where o.state = 'destroyed' and o.on_word and excluded.why = 'late'`,
    [platformId, resourceId, operation, marker, orderId, stage, why, state, seen, afterMs],
  );
  const isNew = rowCount === 1;
  let isRemoved = isNew && finding.remove;
  if (!isNew) {
    await sql.query(
      `update orphan set seen_at = now(), seen = $3 where platform_id = $1 and resource_id = $2 and state <> 'destroyed'`,
      [platformId, resourceId, seen],
    );
    // Listed while it was being built, or before the producer's policy said so, and nobody has decided.
    const taken = finding.remove
      ? await sql.query(
          `update orphan set state = 'destroying', last_outcome = null, changed_at = now()
            where platform_id = $1 and resource_id = $2 and state = 'found' and why in ('twin', 'late')`,
          [platformId, resourceId],
        )
      : null;
    isRemoved = taken?.rowCount === 1;
  }
  if (isRemoved) {
    await writeAudit(sql, {
      actor: 'orderwright',
      action: 'orphans.destroy',
      subject: `${platformId}/${resourceId}`,
      orderId,
      reason: `Too many, and the producer's policy is to remove it: ${seen}`,
      detail: { operation, marker },
    });
  }
  return isNew;
}

/** What is known of what ended orders left, and how. */
export interface Knowledge {
  /** Orders whose looks are all made. */
  lookedAt: number;
  /** Orders whose next look lies ahead. */
  ahead: number;
  /** Orders whose look is due now, without anything being in its way. */
  due: number;
  dueSince: Date | null;
  /** Looks that could not be made, by platform; they are tried again. */
  blocked: { platformId: string; orders: number; since: Date; problem: string }[];
  /** When the first order ended that is looked at; what ended before is not. */
  since: Date | null;
}

/** @param tenant the account that asks, about its own orders; null: all */
export async function readKnowledge(sql: Sql, tenant: string | null): Promise<Knowledge> {
  const ofTenant = `($1::text is null or exists (
    select from work_order o where o.order_id = l.order_id and o.account_id = $1 and o.kind = 'billing'))`;
  const { rows: sums } = await sql.query<{
    looked_at: string;
    ahead: string;
    due: string;
    due_since: Date | null;
    since: Date | null;
  }>(
    `select count(*) filter (where due_at is null) as looked_at,
            count(*) filter (where due_at > now() and problem is null) as ahead,
            count(*) filter (where due_at <= now() and problem is null) as due,
            min(due_at) filter (where due_at <= now() and problem is null) as due_since, min(ended_at) as since
       from late_look l where ${ofTenant}`,
    [tenant],
  );
  const { rows: blocked } = await sql.query<{ platform_id: string; orders: string; since: Date; problem: string }>(
    `select problem_platform as platform_id, count(*) as orders, min(problem_since) as since,
            (array_agg(problem order by problem_since desc))[1] as problem
       from late_look l where due_at is not null and problem is not null and ${ofTenant}
      group by problem_platform order by problem_platform`,
    [tenant],
  );
  const [sum] = sums;
  return {
    lookedAt: Number(sum?.looked_at),
    ahead: Number(sum?.ahead),
    due: Number(sum?.due),
    dueSince: sum?.due_since ?? null,
    blocked: blocked.map((row) => ({
      platformId: row.platform_id,
      orders: Number(row.orders),
      since: row.since,
      problem: row.problem,
    })),
    since: sum?.since ?? null,
  };
}
