import type { Sql } from './data-source.js';

export const registrationStates = ['asked', 'working', 'waiting', 'registered', 'unregistered', 'failed'] as const;
export type RegistrationState = (typeof registrationStates)[number];

/** A row of `tenant_registration`. */
export interface RegistrationRow {
  userId: string;
  platformId: string;
  /** See `userKey`. */
  generation: number;
  wanted: 'registered' | 'unregistered';
  withNetwork: boolean;
  state: RegistrationState;
  detail: string;
  stateSince: Date;
  wantedAt: Date;
}

/** Which users and data centres; null is every active user, and every data centre that is neither removed nor disabled. */
export interface Chosen {
  userIds: string[] | null;
  platformIds: string[] | null;
}

/** Which of them, in the order of users and then of data centres. */
export interface RegistrationPage {
  state: RegistrationState | null;
  /** The user and the data centre's number that the page before ended with. */
  after: { userId: string; platformNumber: number } | null;
  limit: number;
}

/** A registration with the data centre's name. */
export interface ListedRegistration extends RegistrationRow {
  platformName: string;
  platformNumber: number;
}

interface Row {
  user_id: string;
  platform_id: string;
  generation: number;
  wanted: RegistrationRow['wanted'];
  with_network: boolean;
  state: RegistrationState;
  detail: string;
  state_since: Date;
  wanted_at: Date;
}

const columns =
  'r.user_id, r.platform_id, r.generation, r.wanted, r.with_network, r.state, r.detail, r.state_since, r.wanted_at';
/** Users ($1) and data centres ($2) that are meant. A user need not be known to us: orders may have brought him. */
const meant = `
  meant_users as (
    select unnest($1::text[]) as user_id where $1::text[] is not null
    union select user_id from tenant where $1::text[] is null and removed_at is null and state = 'active'),
  meant_platforms as (
    select platform_id from platform
     where removed_at is null and case when $2::text[] is null then state <> 'disabled' else platform_id = any ($2) end)`;

/**
 * Notes that users are to be registered. One that was to be unregistered begins its next registration; one that failed, or
 * was asked for before, is looked at again.
 *
 * @returns how many rows there are for it now
 */
export async function wantRegistered(sql: Sql, chosen: Chosen, by: string, withNetwork: boolean): Promise<number> {
  const { rowCount } = await sql.query(
    `with ${meant}
     insert into tenant_registration as r (user_id, platform_id, wanted, with_network, wanted_by)
     select user_id, platform_id, 'registered', $4, $3 from meant_users, meant_platforms
     on conflict (user_id, platform_id) do update set
       generation = r.generation + (r.wanted = 'unregistered')::int,
       with_network = excluded.with_network or (r.with_network and r.wanted = 'registered'),
       wanted = 'registered', wanted_at = now(), wanted_by = excluded.wanted_by, state = 'asked', detail = '',
       state_since = now(), look_at = now(), updated_at = clock_timestamp()`,
    [chosen.userIds, chosen.platformIds, by, withNetwork],
  );
  return rowCount ?? 0;
}

/**
 * Notes that registrations are to be taken back, after `delayMs`: until then every worker has heard of it and plans this user's
 * orders under his next registration. One that is on its way back already goes on.
 */
export async function wantUnregistered(sql: Sql, chosen: Chosen, by: string, delayMs: number): Promise<number> {
  const { rowCount } = await sql.query(
    `with ${meant}
     insert into tenant_registration as r (user_id, platform_id, wanted, wanted_by, look_at)
     select user_id, platform_id, 'unregistered', $3, now() + $4 * interval '1 millisecond' from meant_users, meant_platforms
     on conflict (user_id, platform_id) do update set
       -- An order may have registered him anew since the last one was taken back.
       generation = r.generation + (r.wanted = 'unregistered' and r.state = 'unregistered')::int,
       wanted = 'unregistered', wanted_at = now(), wanted_by = excluded.wanted_by, state = 'asked', detail = '',
       state_since = now(), updated_at = clock_timestamp(),
       look_at = case when r.wanted = 'unregistered' and r.state <> 'unregistered' then now() else excluded.look_at end`,
    [chosen.userIds, chosen.platformIds, by, delayMs],
  );
  return rowCount ?? 0;
}

/**
 * How registrations stand, by user and data centre: those that were asked for, and those that orders have made, also after an
 * earlier one was taken back. Keys are `tenant/<user>` and `tenant/<user>~<generation>` (`userKey`).
 *
 * @param page null: all of them
 */
export async function listRegistrations(
  sql: Sql,
  { userIds, platformIds }: Chosen,
  page: RegistrationPage | null = null,
): Promise<ListedRegistration[]> {
  const { rows } = await sql.query<Row & { name: string; number: number }>(
    `with places as (
       select platform_id, name, number from platform
        where removed_at is null and ($2::text[] is null or platform_id = any ($2))),
     asked as (
       select ${columns} from tenant_registration r join places using (platform_id)
        where $1::text[] is null or r.user_id = any ($1)),
     by_orders as (
       select distinct on (made.key[1], p.platform_id)
              made.key[1] as user_id, p.platform_id, coalesce(made.key[2], '1')::int as generation,
              'registered' as wanted, false as with_network,
              case o.status when 'completed' then 'registered' when 'failed' then 'failed' when 'held' then 'waiting'
                            else 'working' end as state,
              coalesce(o.machine -> 'context' -> 'reason' ->> 'message', '') as detail,
              coalesce(o.finished_at, o.created_at) as state_since, o.created_at as wanted_at
         from places p
         join work_order o on o.producer = 'orderwright' and o.kind = 'preparation'
          and starts_with(o.work_order_id, p.platform_id || '/tenant/')
        cross join lateral regexp_match(substr(o.work_order_id, length(p.platform_id) + 9), '^(.+?)(?:~(\\d+))?#\\d+$') as made (key)
        where $1::text[] is null or made.key[1] = any ($1)
        order by made.key[1], p.platform_id, o.created_at desc)
     select all_.*, places.name, places.number from (
       select * from asked a
        where not exists (select from by_orders b where b.user_id = a.user_id and b.platform_id = a.platform_id
                             and a.wanted = 'unregistered' and b.generation > a.generation)
       union all
       select * from by_orders b
        where not exists (select from asked a where a.user_id = b.user_id and a.platform_id = b.platform_id
                             and not (a.wanted = 'unregistered' and b.generation > a.generation))) as all_
       join places using (platform_id)
      where ($3::text is null or all_.state = $3)
        and ($4::text is null or (all_.user_id, places.number) > ($4, $5::bigint))
      order by all_.user_id, places.number
      limit $6`,
    [
      userIds,
      platformIds,
      page?.state ?? null,
      page?.after?.userId ?? null,
      page?.after?.platformNumber ?? null,
      page?.limit ?? null,
    ],
  );
  return rows.map((row) => ({ ...toRow(row), platformName: row.name, platformNumber: Number(row.number) }));
}

/** Those that somebody has to look at now; no other worker gets them within `forMs`. */
export async function takeDueRegistrations(sql: Sql, limit: number, forMs: number): Promise<RegistrationRow[]> {
  const { rows } = await sql.query<Row>(
    `with due as materialized (
       select user_id, platform_id from tenant_registration where look_at <= now()
        order by look_at limit $1 for update skip locked)
     update tenant_registration r set look_at = now() + $2 * interval '1 millisecond'
       from due where r.user_id = due.user_id and r.platform_id = due.platform_id
     returning ${columns}`,
    [limit, forMs],
  );
  return rows.map(toRow);
}

/**
 * What came of looking at it, unless it is wanted otherwise by now.
 *
 * @param lookAgainMs null: nobody has to look again
 */
export async function noteRegistration(
  sql: Sql,
  { userId, platformId, generation, wanted }: RegistrationRow,
  found: { state: RegistrationState; detail: string; lookAgainMs: number | null },
): Promise<void> {
  await sql.query(
    `update tenant_registration set state = $5, detail = $6, look_at = now() + $7 * interval '1 millisecond',
            state_since = case when state = $5 then state_since else now() end, updated_at = clock_timestamp()
      where user_id = $1 and platform_id = $2 and generation = $3 and wanted = $4`,
    [userId, platformId, generation, wanted, found.state, found.detail, found.lookAgainMs],
  );
}

/** What planning has to know of users: who may not order, and whose registrations were taken back. */
export interface UserNews {
  closed: { userId: string; isClosed: boolean }[];
  registrations: { userId: string; platformId: string; generation: number }[];
  /** To ask from the next time. */
  until: Date;
}

/** All of it with `since` null, else what has changed since (and a little before: clocks of transactions overlap). */
export async function readUserNews(sql: Sql, since: Date | null): Promise<UserNews> {
  const overlap = `interval '1 minute'`;
  const { rows } = await sql.query<{
    until: Date;
    closed: UserNews['closed'] | null;
    registrations: UserNews['registrations'] | null;
  }>(
    `select now() as until,
       (select json_agg(json_build_object('userId', user_id, 'isClosed', state <> 'active' or removed_at is not null))
          from tenant where case when $1::timestamptz is null then state <> 'active' or removed_at is not null
                                 else updated_at > $1 - ${overlap} end) as closed,
       (select json_agg(json_build_object('userId', user_id, 'platformId', platform_id,
                                          'generation', generation + (wanted = 'unregistered')::int))
          from tenant_registration
         where case when $1::timestamptz is null then generation > 1 or wanted = 'unregistered'
                    else updated_at > $1 - ${overlap} end) as registrations`,
    [since],
  );
  const [row] = rows;
  return { closed: row?.closed ?? [], registrations: row?.registrations ?? [], until: row?.until ?? new Date(0) };
}

/** The account of a user: as he was created, else as an order of his says, else his own id. */
export async function accountOf(sql: Sql, userId: string): Promise<string> {
  const { rows } = await sql.query<{ account_id: string }>(
    `select coalesce((select account_id from tenant where user_id = $1),
                     (select account_id from work_order where user_id = $1 and kind = 'billing' limit 1), $1) as account_id`,
    [userId],
  );
  return rows[0]?.account_id ?? userId;
}

/** Whether a user was created and not removed, or is named by an order. */
export async function isKnownUser(sql: Sql, userId: string): Promise<boolean> {
  const { rows } = await sql.query<{ known: boolean }>(
    `select exists (select from tenant where user_id = $1 and removed_at is null)
         or exists (select from work_order where user_id = $1 and kind = 'billing') as known`,
    [userId],
  );
  return rows[0]?.known ?? false;
}

/** Billing's orders of a user that are open in a data centre. */
export async function openOrdersOf(sql: Sql, userId: string, platformId: string): Promise<string[]> {
  const { rows } = await sql.query<{ work_order_id: string }>(
    `select distinct o.work_order_id from work_order o join work_order_item i using (order_id)
      where o.finished_at is null and o.kind = 'billing' and o.user_id = $1 and i.platform_id = $2 limit 100`,
    [userId, platformId],
  );
  return rows.map((row) => row.work_order_id);
}

/** Our newest order for a preparation. */
export interface PreparationTry {
  status: string;
  /** Why it waits or failed. */
  reason: string | null;
  createdAt: Date;
}

/** Of these preparations the newest try of each, by key; another one follows only when one has failed, so there is no gap before it. */
export async function newestTries(sql: Sql, platformId: string, keys: string[]): Promise<Map<string, PreparationTry>> {
  const { rows } = await sql.query<{ key: string; status: string; reason: string | null; created_at: Date }>(
    `with recursive tries (key, n, order_id) as (
       select k.key, 1, o.order_id from unnest($2::text[]) as k (key)
         join work_order o on o.producer = 'orderwright' and o.kind = 'preparation'
          and o.work_order_id = $1::text || '/' || k.key || '#1'
       union all
       select t.key, t.n + 1, o.order_id from tries t
         join work_order o on o.producer = 'orderwright' and o.kind = 'preparation'
          and o.work_order_id = $1::text || '/' || t.key || '#' || (t.n + 1))
     select distinct on (t.key) t.key, o.status, o.created_at,
            coalesce(o.machine -> 'context' -> 'reason' ->> 'message',
              (select c.context -> 'failure' ->> 'message' from cloud_operation c where c.order_id = o.order_id
                order by c.number desc limit 1)) as reason
       from tries t join work_order o using (order_id)
      order by t.key, t.n desc`,
    [platformId, keys],
  );
  return new Map(rows.map(({ key, status, reason, created_at }) => [key, { status, reason, createdAt: created_at }]));
}

function toRow(row: Row): RegistrationRow {
  return {
    userId: row.user_id,
    platformId: row.platform_id,
    generation: row.generation,
    wanted: row.wanted,
    withNetwork: row.with_network,
    state: row.state,
    detail: row.detail,
    stateSince: row.state_since,
    wantedAt: row.wanted_at,
  };
}
