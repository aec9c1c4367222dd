import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Problem } from '../errors.js';
import type { Registration, Who } from '../runner/registrar.js';
import type { Tenant } from '../store/tenants.js';
import { tooMany } from './auth.js';
import type { App } from './context.js';
import { byUserId, findCaller, findDatacenter, findUser, needDatacenter } from './find-user.js';
import { refusalsAsAnswers } from './lever-routes.js';
import {
  pageOfUsers,
  presentDetail,
  presentMany,
  presentUsers,
  RegistrationsJson,
  UserDetailJson,
  UserJson,
  UsersJson,
} from './present-user.js';
import { RateLimit } from './rate-limit.js';
import { answer, byOf, success, Text, writing } from './source-answer.js';
import { noteUnused, parameter, refused, secretOf, textOf } from './source-fields.js';
import { readSourceRequest, type SourceRequest } from './source-request.js';
import { refusalOf, type UserContext } from './user-context.js';
import { nameOf, newPasswordOf, readUserPage } from './user-fields.js';

/** An action's request, and who asks. */
interface Asking {
  context: UserContext;
  request: FastifyRequest;
  asked: SourceRequest;
  by: { actor: string; reason: string };
}

interface Action {
  /** Fields that mean something, beside `action`, `ct_user_id` and `os_id`. */
  fields: readonly string[];
  act(asking: Asking): Promise<UserDetailJson | UserJson | UsersJson | RegistrationsJson>;
}

/** Tries at one name from one address: more than a person makes. The waits after misses are the database's (`PasswordGate`). */
const triesPerSecond = 5;

/** The actions of E54-E65 and E68 by name. guess: what `active_users` means, and that "initialise" is registering with a network. */
function actionsOf(): Readonly<Record<string, Action>> {
  const tries = new RateLimit(triesPerSecond);
  const user = ['user_id', 'id'];
  const datacenter = 'sysplatforms_id';
  return {
    active_users: {
      fields: ['page', 'page_size', 'username'],
      act: ({ context, asked }) => pageOfUsers(context, readUserPage(asked, 'active')),
    },
    deactivate_user: { fields: user, act: (asking) => setState(asking, 'inactive') },
    activate_user: { fields: user, act: (asking) => setState(asking, 'active') },
    initialize_user: { fields: [...user, datacenter], act: (asking) => registerOne(asking, { withNetwork: true }) },
    initialize_all_user: { fields: [datacenter], act: (asking) => registerAll(asking, { withNetwork: true }) },
    dc_register_user: { fields: [...user, datacenter], act: linkUser },
    dc_unregister_user: { fields: [...user, datacenter], act: unlinkUser },
    dc_unregister_all_users: {
      fields: [datacenter],
      act: async (asking) => {
        const { platformId } = await needDatacenter(asking.context, asking.asked);
        const all = await change(asking, 'unregister', { userIds: null, platformIds: [platformId] });
        return presentMany(asking.context, all);
      },
    },
    dc_register_all_user: {
      fields: [datacenter],
      act: async (asking) => {
        await needDatacenter(asking.context, asking.asked);
        return registerAll(asking, {});
      },
    },
    unlink_user: {
      fields: user,
      act: async (asking) => {
        const tenant = await findUser(asking.context, asking.asked, byUserId);
        await change(asking, 'unregister', { userIds: [tenant.userId], platformIds: null });
        return presentDetail(asking.context, tenant);
      },
    },
    login_user: { fields: ['username', 'password'], act: (asking) => logIn(asking, tries) },
    logout_user: {
      fields: user,
      act: async ({ context, asked, by }) => {
        const tenant = await findCaller(context, asked);
        await refusalsAsAnswers(() => context.users.logOut(tenant.userId, by));
        return inShort(context, tenant);
      },
    },
    change_password: { fields: [...user, 'old_password', 'new_password', 'firm_password'], act: changePassword },
  };
}

/** One route for all of the actions, as the source platform has it: `action` says which. */
export function userActionRoute(app: App, context: UserContext): void {
  const actions = actionsOf();
  const known = Object.keys(actions);
  const Body = z.looseObject({
    action: z.enum(known),
    ct_user_id: Text.describe("The caller's; with logout_user alone the user's"),
    os_id: Text,
    user_id: Text.describe('Number or ct_user_id of the user'),
    sysplatforms_id: Text.describe('Number or uuid of a data centre'),
    username: Text.describe('User name or e-mail address'),
    password: Text,
    old_password: Text,
    new_password: Text,
    firm_password: Text.describe('The new password again'),
  });
  const Results = success(z.union([UserDetailJson, UserJson, UsersJson, RegistrationsJson]));
  app.post(
    '/api/users/action/',
    writing('actOnUser', `Users and their registrations; action is one of ${known.join(', ')}`, Body, Results),
    async (request) => {
      const asked = readSourceRequest(request);
      const name = textOf(asked.fields, 'action') ?? '';
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action) throw refused([parameter('action', `must be one of ${known.join(', ')}`)]);
      noteUnused(asked, ['action', 'ct_user_id', 'os_id', ...action.fields]);
      const by = byOf(request, asked);
      return answer(name, asked, await action.act({ context, request, asked, by }));
    },
  );
}

/** E59, E66: registers a user in a data centre. @throws ApiError */
export async function linkUser(asking: Asking): Promise<UserDetailJson> {
  await needDatacenter(asking.context, asking.asked);
  return registerOne(asking, {});
}

/** E60, E67: takes a user's registration in a data centre back. @throws ApiError */
export async function unlinkUser(asking: Asking): Promise<UserDetailJson> {
  const { context, asked } = asking;
  const { platformId } = await needDatacenter(context, asked);
  const tenant = await findUser(context, asked, byUserId);
  await change(asking, 'unregister', { userIds: [tenant.userId], platformIds: [platformId] });
  return presentDetail(context, tenant);
}

/** In the data centre that is named, or in all of them. */
async function registerOne(asking: Asking, options: { withNetwork?: boolean }): Promise<UserDetailJson> {
  const { context, asked } = asking;
  const datacenter = await findDatacenter(context, asked);
  const tenant = await findUser(context, asked, byUserId);
  const who = { userIds: [tenant.userId], platformIds: datacenter && [datacenter.platformId] };
  await change(asking, 'register', who, options);
  return presentDetail(context, tenant);
}

async function registerAll(asking: Asking, options: { withNetwork?: boolean }): Promise<RegistrationsJson> {
  const datacenter = await findDatacenter(asking.context, asking.asked);
  const who = { userIds: null, platformIds: datacenter && [datacenter.platformId] };
  return presentMany(asking.context, await change(asking, 'register', who, options));
}

async function change(
  { context, by }: Asking,
  act: 'register' | 'unregister',
  who: Who,
  options: { withNetwork?: boolean } = {},
): Promise<Registration[]> {
  const { registrar } = context;
  return refusalsAsAnswers(() =>
    act === 'register' ? registrar.register(who, by, options) : registrar.unregister(who, by),
  );
}

async function setState({ context, asked, by }: Asking, state: 'active' | 'inactive'): Promise<UserDetailJson> {
  const { userId } = await findUser(context, asked, byUserId);
  return presentDetail(context, await refusalsAsAnswers(() => context.users.setState(userId, state, by)));
}

async function logIn({ context, request, asked, by }: Asking, tries: RateLimit): Promise<UserJson> {
  const name = nameOf(asked.fields, 'username');
  const password = secretOf(asked, 'password');
  const problems: Problem[] = [];
  if (name === null) problems.push(parameter('username', 'is needed'));
  if (password === null) problems.push(parameter('password', 'is needed'));
  if (name === null || password === null) throw refused(problems);
  const waitMs = tries.take(`${request.ip} ${name.toLowerCase()}`);
  if (waitMs > 0) throw tooMany(waitMs);
  const verdict = await refusalsAsAnswers(() => context.users.logIn(name, password, by));
  if (verdict.outcome !== 'right') throw refusalOf(verdict);
  return inShort(context, verdict.tenant);
}

async function changePassword({ context, asked, by }: Asking): Promise<UserDetailJson> {
  const problems: Problem[] = [];
  const before = secretOf(asked, 'old_password');
  const after = newPasswordOf(asked, 'new_password', problems);
  const again = secretOf(asked, 'firm_password');
  if (before === null) problems.push(parameter('old_password', 'is needed'));
  if (after === null) problems.push(parameter('new_password', 'is needed'));
  if (again !== after) problems.push(parameter('firm_password', 'is not the same as new_password'));
  if (before === null || after === null || problems.length > 0) throw refused(problems);
  const tenant = await findUser(context, asked, byUserId);
  const verdict = await refusalsAsAnswers(() => context.users.changePassword(tenant, before, after, by));
  if (verdict.outcome !== 'right') throw refusalOf(verdict);
  return presentDetail(context, tenant);
}

/** Without what is personal: nothing of it was asked for, and nothing of it was written. */
async function inShort(context: UserContext, tenant: Tenant): Promise<UserJson> {
  const [user] = await presentUsers(context, [tenant]);
  if (!user) throw new Error('a user that was found is not shown');
  return user;
}
