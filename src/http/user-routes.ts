import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readTenant } from '../store/tenants.js';
import { PasswordGate } from '../tenants/password-gate.js';
import { Passwords } from '../tenants/passwords.js';
import { UserChanges } from '../tenants/user-changes.js';
import type { App, Context } from './context.js';
import { byBodysId, byIdToDelete, byUserId, findUser } from './find-user.js';
import { refusalsAsAnswers } from './lever-routes.js';
import {
  pageOfUsers,
  presentDatacenters,
  presentDetail,
  presentUsers,
  UserDetailJson,
  type UsersJson,
  UsersWithDatacentersJson,
} from './present-user.js';
import { ApiError } from './problem.js';
import { answer, byOf, readingRoute, success, takeForms, Text, writing } from './source-answer.js';
import { noteUnused, readPage, textOf } from './source-fields.js';
import { readSourceRequest } from './source-request.js';
import { userActionRoute } from './user-actions.js';
import { refusalOf, type UserContext } from './user-context.js';
import { userDatacenterRoutes } from './user-datacenter-routes.js';
import { readNewUser, readUserChange, readUserPage } from './user-fields.js';

const One = success(UserDetailJson);
const Nothing = success(z.object({}));
const Page = success(UsersWithDatacentersJson);
const Caller = { ct_user_id: Text.describe("In the query string: the caller's, for the audit"), os_id: Text };
/** For the description only: the fields are read by `readSourceRequest`, blanks and all. */
const NewBody = z.looseObject({
  ...Caller,
  ct_user_id: Text.describe('Of the new user; drawn when it is not given'),
  ct_account_id: Text.describe('The user id when it is not given'),
  username: Text,
  password: Text,
  mobile: Text,
  email: Text,
});
const ChangeBody = NewBody.extend({ ct_user_id: Text.describe('The user to change'), user_id: Text, id: Text });
const DeleteBody = z.looseObject({ ...Caller, del_ct_user_id: Text, id: Text, user_id: Text });
const Filter = z.looseObject({
  ...Caller,
  username: Text.describe('Part of the user name'),
  page: Text,
  page_size: Text,
});
const QueryFilter = Filter.extend({
  ct_user_id_regist: Text.describe('Where the registration of this user succeeded or failed'),
  id: Text,
  user_id: Text,
});

/** The source platform's own routes for its users and their registrations (E49-E68). */
export function userRoutes(app: App, base: Context): void {
  // Off, the whole of the source platform's surface is not there.
  if (base.config.legacyIntake === 'off') return;
  const { sql, log, registrar, passwords = new Passwords() } = base;
  const gate = new PasswordGate({ sql, passwords, log });
  const context: UserContext = { ...base, users: new UserChanges({ pool: sql, passwords, gate }) };
  const { users } = context;
  takeForms(app);
  userActionRoute(app, context);
  userDatacenterRoutes(app, context);

  app.post(
    '/api/users/create/',
    writing('createUser', 'Adds a user and registers it in every data centre', NewBody, One),
    async (request) => {
      const asked = readSourceRequest(request);
      const given = readNewUser(asked);
      const by = byOf(request, asked, { bodyNamesUser: true });
      const { verdict, isNew } = await refusalsAsAnswers(() => users.add(given, by));
      if (verdict.outcome !== 'right') throw refusalOf(verdict);
      const { tenant } = verdict;
      const who = { userIds: [tenant.userId], platformIds: null };
      // The first answer may have been lost before anything was registered. What somebody took back since stays as it is.
      if (isNew || (await registrar.list(who)).length === 0) {
        await refusalsAsAnswers(() => registrar.register(who, by));
      }
      const what = isNew ? 'created' : 'this user is there already, with the same content; nothing was changed';
      return answer(what, asked, await presentDetail(context, tenant));
    },
  );

  app.post(
    '/api/users/update/',
    writing(
      'updateUser',
      'Changes what is given of a user, named by user_id, or by ct_user_id in the body',
      ChangeBody,
      One,
    ),
    async (request) => {
      const asked = readSourceRequest(request);
      const change = readUserChange(asked);
      const before = await findUser(context, asked, byBodysId);
      const by = byOf(request, asked, { bodyNamesUser: true });
      const { tenant, changed } = await refusalsAsAnswers(() => users.edit(before.userId, change, by));
      const what = changed.length > 0 ? 'updated' : 'nothing was changed';
      return answer(what, asked, await presentDetail(context, tenant));
    },
  );

  app.post(
    '/api/users/delete/',
    writing(
      'deleteUser',
      'Takes back every registration of a user, and then the user; its row stays',
      DeleteBody,
      Nothing,
    ),
    async (request) => {
      const asked = readSourceRequest(request);
      noteUnused(asked, ['del_ct_user_id', 'id', 'user_id', 'ct_user_id', 'os_id']);
      const { userId } = await findUser(context, asked, byIdToDelete);
      const by = byOf(request, asked);
      // First, so that a failure leaves a user that can be deleted again, and not registrations of nobody.
      await refusalsAsAnswers(() => registrar.unregister({ userIds: [userId], platformIds: null }, by));
      await refusalsAsAnswers(() => users.remove(userId, by));
      return answer('deleted', asked, {});
    },
  );

  readingRoute(
    app,
    '/api/users/list/',
    { name: 'listUsers', summary: 'Users by page, and by part of their name', filter: Filter, results: Page },
    async (request: FastifyRequest) => {
      const asked = readSourceRequest(request);
      return answer('ok', asked, await pageOfUsers(context, readUserPage(asked)));
    },
  );

  readingRoute(
    app,
    '/api/users/query/',
    {
      name: 'queryUsers',
      summary: 'One user by id, or the data centres where the registration of a user succeeded or failed',
      filter: QueryFilter,
      results: Page,
    },
    async (request: FastifyRequest) => {
      const asked = readSourceRequest(request);
      const { fields } = asked;
      const page = readPage(asked);
      const registered = textOf(fields, 'ct_user_id_regist');
      if (registered !== null) return answer('ok', asked, await whereRegistered(context, registered, page));
      if (fields['id'] === undefined && fields['user_id'] === undefined) {
        return answer('ok', asked, await pageOfUsers(context, readUserPage(asked)));
      }
      const tenant = await orNull(findUser(context, asked, byUserId));
      return answer('ok', asked, listed(page, tenant ? [await presentDetail(context, tenant)] : []));
    },
  );
}

/** E53. Also of a user whom only orders brought here. */
async function whereRegistered(
  context: Context,
  userId: string,
  page: { page: number; pageSize: number },
): Promise<UsersWithDatacentersJson> {
  const all = await context.registrar.list({ userIds: [userId], platformIds: null });
  const decided = all.filter(({ state }) => state === 'registered' || state === 'failed');
  const tenant = await readTenant(context.sql, userId);
  const users = await presentUsers(context, tenant?.removedAt === null ? [tenant] : []);
  return { ...listed(page, users), datacenters: await presentDatacenters(context, decided) };
}

function listed({ page, pageSize }: { page: number; pageSize: number }, users: UsersJson['users']): UsersJson {
  return { count: users.length, page, page_size: pageSize, users };
}

async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
