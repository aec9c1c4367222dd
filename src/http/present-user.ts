import { z } from 'zod';
import type { Registration } from '../runner/registrar.js';
import { registrationStates } from '../store/registrations.js';
import { listTenants, readTenants, type Tenant, type TenantFilter } from '../store/tenants.js';
import type { Context } from './context.js';

/**
 * What may be seen of users and their registrations: white-lists, as the source platform asks for personal information. guess: the
 * names, where its notes do not show them.
 */

const RegistrationJson = z.object({
  sysplatforms_id: z.int(),
  name: z.string().describe('Of the data centre'),
  state: z.enum(registrationStates),
  wanted: z.enum(['registered', 'unregistered']).describe('Where it is going'),
  reason: z.string().describe('Why it waits, or what failed'),
  since: z.string().meta({ format: 'date-time' }),
});
type RegistrationJson = z.infer<typeof RegistrationJson>;

export const UserJson = z.object({
  id: z.int(),
  ct_user_id: z.string(),
  ct_account_id: z.string(),
  username: z.string(),
  state: z.enum(['active', 'inactive']),
  created: z.string().meta({ format: 'date-time' }),
  registrations: z.array(RegistrationJson),
});
export type UserJson = z.infer<typeof UserJson>;

/** With what is personal: for whoever asks for one user by id, and for whoever has just written it. */
export const UserDetailJson = UserJson.extend({
  mobile: z.string(),
  email: z.string(),
  profile: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type UserDetailJson = z.infer<typeof UserDetailJson>;

/** guess: the source shows no list; these names are ours. */
export const UsersJson = z.object({
  count: z.int(),
  page: z.int(),
  page_size: z.int(),
  users: z.array(z.union([UserDetailJson, UserJson])),
});
export type UsersJson = z.infer<typeof UsersJson>;
export const UsersWithDatacentersJson = UsersJson.extend({
  datacenters: z
    .array(RegistrationJson)
    .optional()
    .describe('With ct_user_id_regist: where the registration succeeded or failed'),
});
export type UsersWithDatacentersJson = z.infer<typeof UsersWithDatacentersJson>;

export const UserDatacenterJson = RegistrationJson.extend({
  user_id: z.int().nullable().describe('Null: orders brought this user here, nobody created it'),
  ct_user_id: z.string(),
});
export type UserDatacenterJson = z.infer<typeof UserDatacenterJson>;
export const UserDatacentersJson = z.object({
  count: z.int(),
  page: z.int(),
  page_size: z.int(),
  user_datacenters: z.array(UserDatacenterJson),
});
export type UserDatacentersJson = z.infer<typeof UserDatacentersJson>;

/** Of many registrations the first ones; all of them are in `user-datacenters list`. */
export const RegistrationsJson = z.object({
  count: z.int(),
  states: z.partialRecord(z.enum(registrationStates), z.int()),
  user_datacenters: z.array(UserDatacenterJson),
});
export type RegistrationsJson = z.infer<typeof RegistrationsJson>;
const mostShown = 200;

/** Users without what is personal, with their registrations. */
export async function presentUsers(context: Context, tenants: Tenant[]): Promise<UserJson[]> {
  // An empty list of ids is nobody; not to be mixed up with null, which is everybody.
  if (tenants.length === 0) return [];
  const userIds = tenants.map(({ userId }) => userId);
  const registrations = await context.registrar.list({ userIds, platformIds: null });
  const present = await presenter(context);
  return tenants.map((tenant) =>
    presentUser(tenant, present(registrations.filter((one) => one.userId === tenant.userId))),
  );
}

/** A page of users, without what is personal. */
export async function pageOfUsers(
  context: Context,
  { page, pageSize, ...filter }: TenantFilter & { page: number; pageSize: number },
): Promise<UsersJson> {
  const { count, tenants } = await listTenants(context.sql, filter, { page, pageSize });
  return { count, page, page_size: pageSize, users: await presentUsers(context, tenants) };
}

/** One user with what is personal. */
export async function presentDetail(context: Context, tenant: Tenant): Promise<UserDetailJson> {
  const [user] = await presentUsers(context, [tenant]);
  const { mobile, email, profile } = tenant;
  return { ...(user ?? presentUser(tenant, [])), mobile: mobile ?? '', email: email ?? '', profile };
}

/** The data centres of registrations. Those that were removed are not there any more for whoever asks in this way. */
export async function presentDatacenters(context: Context, registrations: Registration[]): Promise<RegistrationJson[]> {
  return (await presenter(context))(registrations);
}

/** Registrations of many users, by user and data centre. */
export async function presentUserDatacenters(context: Context, all: Registration[]): Promise<UserDatacenterJson[]> {
  const tenants = await readTenants(context.sql, [...new Set(all.map(({ userId }) => userId))]);
  const numbers = new Map(tenants.map(({ userId, number }) => [userId, number]));
  const present = await presenter(context);
  const rows = all.flatMap((one) =>
    present([one]).map((row) => ({ user_id: numbers.get(one.userId) ?? null, ct_user_id: one.userId, ...row })),
  );
  return rows.toSorted(
    (a, b) =>
      (a.user_id ?? Infinity) - (b.user_id ?? Infinity) ||
      (a.ct_user_id < b.ct_user_id ? -1 : Number(a.ct_user_id > b.ct_user_id)) ||
      a.sysplatforms_id - b.sysplatforms_id,
  );
}

/** What was asked for many users at once. */
export async function presentMany(context: Context, all: Registration[]): Promise<RegistrationsJson> {
  const rows = await presentUserDatacenters(context, all);
  const count: RegistrationsJson['states'] = {};
  for (const { state } of rows) count[state] = (count[state] ?? 0) + 1;
  return { count: rows.length, states: count, user_datacenters: rows.slice(0, mostShown) };
}

function presentUser(tenant: Tenant, registrations: RegistrationJson[]): UserJson {
  return {
    id: tenant.number,
    ct_user_id: tenant.userId,
    ct_account_id: tenant.accountId,
    username: tenant.username,
    state: tenant.state,
    created: tenant.createdAt.toISOString(),
    registrations,
  };
}

async function presenter({ registry }: Context): Promise<(registrations: Registration[]) => RegistrationJson[]> {
  const datacenters = new Map((await registry.list()).map((one) => [one.platformId, one]));
  return (registrations) =>
    registrations
      .flatMap(({ platformId, state, wanted, detail, since }) => {
        const datacenter = datacenters.get(platformId);
        if (!datacenter) return [];
        const { number, name } = datacenter;
        return [{ sysplatforms_id: number, name, state, wanted, reason: detail, since: since.toISOString() }];
      })
      .toSorted((a, b) => a.sysplatforms_id - b.sysplatforms_id);
}
