import { randomBytes } from 'node:crypto';
import type { Call, CommandFamily } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { withoutNulls } from '../envelope.js';
import { entityExists, invalidParameter } from '../errors.js';
import type { Account, User } from '../state/model.js';
import { userView } from '../views/account.js';

export const userCommands: CommandFamily = {
  createUser: {
    kind: 'S',
    admin: true,
    required: ['account', 'username', 'password', 'email', 'firstname', 'lastname'],
    run(call) {
      const { cloud, params } = call;
      const domainId = params.text('domainid') ?? call.caller.account.domainId;
      const account = cloud.accountByName.get(`${domainId}/${params.required('account')}`);
      if (account === undefined)
        throw invalidParameter(`Unable to find account ${params.required('account')} in domain id=${domainId}`);
      return { user: userView(call, addUser(call, account)) };
    },
  },
  updateUser: {
    kind: 'S',
    required: ['id'],
    run(call) {
      const { cloud, params } = call;
      const user = call.row(cloud.users, 'id');
      const fields = ['firstname', 'lastname', 'email'] as const;
      for (const field of fields) {
        if (params.isEmpty(field)) throw invalidParameter(`${field[0]?.toUpperCase()}${field.slice(1)} is empty`);
      }
      const username = params.text('username');
      if (username !== undefined && username !== user.username) rename(call, user, username);
      // Only now: what is refused changes nothing.
      for (const field of fields) user[field] = params.text(field) ?? user[field];
      user.password = params.text('password') ?? user.password;
      user.timezone = params.text('timezone') ?? user.timezone;
      call.effect('changed', 'user', user.id, [user.username]);
      return { user: userView(call, user) };
    },
  },
  deleteUser: {
    kind: 'S',
    admin: true,
    required: ['id'],
    run(call) {
      const { cloud } = call;
      const user = call.row(cloud.users, 'id');
      if (user.username === 'admin') throw invalidParameter('The default admin user cannot be deleted');
      const domainId = cloud.accounts.get(user.accountId)?.domainId ?? '';
      cloud.users.remove(user);
      cloud.userByName.delete(`${domainId}/${user.username}`);
      if (user.apiKey !== null) cloud.userByApiKey.delete(user.apiKey);
      call.effect('deleted', 'user', user.id, [user.username]);
      return call.success();
    },
  },
  listUsers: {
    kind: 'S',
    run(call) {
      const username = call.params.text('username');
      const state = call.params.text('state')?.toLowerCase();
      const rows = listRows(call, call.cloud.users, {
        keyword: (user) => [user.username],
        accept: (user) =>
          (username === undefined || user.username === username) && (state === undefined || user.state === state),
      });
      return listAnswer(call, 'user', rows, (user) => userView(call, user));
    },
  },
  registerUserKeys: {
    kind: 'S',
    required: ['id'],
    run(call) {
      const { cloud } = call;
      const user = call.row(cloud.users, 'id');
      // The old pair stops working at once.
      if (user.apiKey !== null) cloud.userByApiKey.delete(user.apiKey);
      user.apiKey = randomBytes(64).toString('base64url');
      user.secretKey = randomBytes(64).toString('base64url');
      cloud.userByApiKey.set(user.apiKey, user);
      call.effect('changed', 'user', user.id, [user.username]);
      return { userkeys: { apikey: user.apiKey, secretkey: user.secretKey } };
    },
  },
  getUserKeys: {
    kind: 'S',
    since: 10,
    required: ['id'],
    run(call) {
      const user = call.row(call.cloud.users, 'id');
      return { userkeys: withoutNulls({ apikey: user.apiKey, secretkey: user.secretKey }) };
    },
  },
};

function addUser(call: Call, account: Account): User {
  const user = newUser(call, account);
  if (call.cloud.hasEntity(user.id)) throw entityExists();
  return keepUser(call, account, user);
}

/** A user from the parameters of createUser or createAccount; names are unique in their domain. */
export function newUser(call: Call, account: Account): User {
  const { cloud, params } = call;
  const username = params.required('username');
  if (cloud.userByName.has(`${account.domainId}/${username}`))
    throw invalidParameter(`The user ${username} already exists in domain ${account.domainId}`);
  return {
    id: params.text('userid') ?? cloud.newId(),
    accountId: account.id,
    created: Date.now(),
    username,
    password: params.required('password'),
    firstname: params.required('firstname'),
    lastname: params.required('lastname'),
    email: params.required('email'),
    state: 'enabled',
    timezone: params.text('timezone') ?? null,
    apiKey: null,
    secretKey: null,
  };
}

export function keepUser(call: Call, account: Account, user: User): User {
  const { cloud } = call;
  const key = `${account.domainId}/${user.username}`;
  cloud.users.add(user);
  if (!cloud.userByName.has(key)) cloud.userByName.set(key, user);
  call.effect('created', 'user', user.id, [user.username]);
  return user;
}

function rename(call: Call, user: User, username: string): void {
  const { cloud } = call;
  const domainId = cloud.accounts.get(user.accountId)?.domainId ?? '';
  if (cloud.userByName.has(`${domainId}/${username}`)) {
    throw invalidParameter(`The user ${username} already exists in domain ${domainId}`);
  }
  cloud.userByName.delete(`${domainId}/${user.username}`);
  user.username = username;
  cloud.userByName.set(`${domainId}/${username}`, user);
}
