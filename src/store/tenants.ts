import type { Sql } from './data-source.js';

export type TenantState = 'active' | 'inactive';

/** What billing and its front end say of a user beside the columns: one line each, carried and shown, never acted upon. */
export type TenantProfile = Record<string, string | number | boolean>;

/** A user as the house keeps it. The hash of the password is not in it, so that nothing can show it by mistake. */
export interface Tenant {
  /** Billing's id of the user (`ct_user_id`), which orders carry as `userId`. */
  userId: string;
  /** What the source platform's own routes call `id`. */
  number: number;
  /** Billing's id of the account (`ct_account_id`). */
  accountId: string;
  username: string;
  email: string | null;
  mobile: string | null;
  profile: TenantProfile;
  state: TenantState;
  loggedInAt: Date | null;
  loggedOutAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  removedAt: Date | null;
}

export type TenantContent = Pick<Tenant, 'accountId' | 'username' | 'email' | 'mobile' | 'profile'>;

const columns = `user_id, number, account_id, username, email, mobile, profile, state, logged_in_at, logged_out_at,
  created_at, updated_at, removed_at`;

/** Workers notice a change by `updated_at`, to the millisecond: it grows with every change, whatever the clock says. */
const changedNow = `greatest(clock_timestamp(), t.updated_at + interval '1 millisecond')`;

/**
 * Adds a user; a removed one of this id comes back as what is said now, active and under its old number.
 *
 * @returns null when a user of this id is there; it is left as it is
 * @throws pg's error 23505, constraint `tenant_username` or `tenant_email`, when another user has the name or the address
 */
export async function insertTenant(
  sql: Sql,
  userId: string,
  { accountId, username, email, mobile, profile }: TenantContent,
  passwordHash: string | null,
): Promise<Tenant | null> {
  const { rows } = await sql.query<TenantRow>(
    `insert into tenant as t (user_id, account_id, username, email, mobile, profile, password_hash)
     values ($1, $2, $3, $4, $5, $6::jsonb, $7)
     on conflict (user_id) do update
       set account_id = excluded.account_id, username = excluded.username, email = excluded.email,
           mobile = excluded.mobile, profile = excluded.profile, password_hash = excluded.password_hash,
           state = 'active', failed_log_ins = 0, log_in_after = null, logged_in_at = null, logged_out_at = null,
           created_at = now(), updated_at = ${changedNow}, removed_at = null
      where t.removed_at is not null
     returning ${columns}`,
    [userId, accountId, username, email, mobile, JSON.stringify(profile), passwordHash],
  );
  return rows[0] ? toTenant(rows[0]) : null;
}

/** Writes what a user is now. @returns null when there is none, or it is removed @throws pg's 23505 as {@link insertTenant} */
export async function updateTenant(
  sql: Sql,
  userId: string,
  { accountId, username, email, mobile, profile }: TenantContent,
): Promise<Tenant | null> {
  return one(
    sql,
    `update tenant t set account_id = $2, username = $3, email = $4, mobile = $5, profile = $6::jsonb, updated_at = ${changedNow}
      where user_id = $1 and removed_at is null returning ${columns}`,
    [userId, accountId, username, email, mobile, JSON.stringify(profile)],
  );
}

/** @returns null when there is no such user, or it is removed */
export async function setTenantState(sql: Sql, userId: string, state: TenantState): Promise<Tenant | null> {
  return one(
    sql,
    `update tenant t set state = $2, updated_at = ${changedNow}
      where user_id = $1 and removed_at is null returning ${columns}`,
    [userId, state],
  );
}

/** Takes a user out of use; its row stays for the orders and the audit that name it. @returns null when there is none */
export async function removeTenant(sql: Sql, userId: string): Promise<Tenant | null> {
  return one(
    sql,
    `update tenant t set removed_at = now(), updated_at = ${changedNow}
      where user_id = $1 and removed_at is null returning ${columns}`,
    [userId],
  );
}

/** One user by billing's id; a removed one too. `lock`: until the transaction ends. */
export async function readTenant(sql: Sql, userId: string, { lock = false } = {}): Promise<Tenant | null> {
  return one(sql, `select ${columns} from tenant where user_id = $1${lock ? ' for update' : ''}`, [userId]);
}

/** One user that is not removed, by our number. */
export async function readTenantByNumber(sql: Sql, number: number): Promise<Tenant | null> {
  return one(sql, `select ${columns} from tenant where number = $1 and removed_at is null`, [number]);
}

/** One user that is not removed, by user name or e-mail address, whatever the case of its letters. */
export async function readTenantByName(sql: Sql, name: string): Promise<Tenant | null> {
  return one(
    sql,
    `select ${columns} from tenant where removed_at is null and (lower(username) = lower($1) or lower(email) = lower($1))`,
    [name],
  );
}

/** Those of these ids, removed ones too. */
export async function readTenants(sql: Sql, userIds: string[]): Promise<Tenant[]> {
  const { rows } = await sql.query<TenantRow>(`select ${columns} from tenant where user_id = any($1::text[])`, [
    userIds,
  ]);
  return rows.map(toTenant);
}

export interface TenantFilter {
  /** Part of the user name, whatever the case of its letters; taken literally. */
  username: string | null;
  state: TenantState | null;
}

/** A page of the users that are not removed, in the order they came; pages begin with 1. `count` is of all pages. */
export async function listTenants(
  sql: Sql,
  { username, state }: TenantFilter,
  { page, pageSize }: { page: number; pageSize: number },
): Promise<{ count: number; tenants: Tenant[] }> {
  const matching = `from tenant where removed_at is null and ($1::text is null or username ilike '%' || $1 || '%' escape '\\')
    and ($2::text is null or state = $2)`;
  const filter = [username === null ? null : username.replaceAll(/[\\%_]/g, String.raw`\$&`), state];
  const { rows: counted } = await sql.query<{ count: number }>(`select count(*)::int as count ${matching}`, filter);
  const { rows } = await sql.query<TenantRow>(`select ${columns} ${matching} order by number limit $3 offset $4`, [
    ...filter,
    pageSize,
    (page - 1) * pageSize,
  ]);
  return { count: counted[0]?.count ?? 0, tenants: rows.map(toTenant) };
}

async function one(sql: Sql, text: string, values: unknown[]): Promise<Tenant | null> {
  const { rows } = await sql.query<TenantRow>(text, values);
  return rows[0] ? toTenant(rows[0]) : null;
}

interface TenantRow {
  user_id: string;
  number: number;
  account_id: string;
  username: string;
  email: string | null;
  mobile: string | null;
  profile: TenantProfile;
  state: TenantState;
  logged_in_at: Date | null;
  logged_out_at: Date | null;
  created_at: Date;
  updated_at: Date;
  removed_at: Date | null;
}

function toTenant(row: TenantRow): Tenant {
  return {
    userId: row.user_id,
    number: row.number,
    accountId: row.account_id,
    username: row.username,
    email: row.email,
    mobile: row.mobile,
    profile: row.profile,
    state: row.state,
    loggedInAt: row.logged_in_at,
    loggedOutAt: row.logged_out_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    removedAt: row.removed_at,
  };
}
