import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily, JobPlan } from '../call.js';
import { like, listAnswer, listRows } from '../call.js';
import { entityExists, invalidParameter, permissionDenied } from '../errors.js';
import { expungeVm, releaseAddress, removeAclList, removeNetwork, removeVolume, removeVpc } from '../state/removal.js';
import type { Account } from '../state/model.js';
import { accountView } from '../views/account.js';
import { keepUser, newUser } from './users.js';

export const accountCommands: CommandFamily = {
  createAccount: {
    kind: 'S',
    admin: true,
    required: ['username', 'password', 'email', 'firstname', 'lastname'],
    run: create,
  },
  updateAccount: {
    kind: 'S',
    run(call) {
      const { cloud, params } = call;
      const account = named(call);
      const newName = params.text('newname');
      if (newName !== undefined && newName !== account.name) {
        if (cloud.accountByName.has(`${account.domainId}/${newName}`)) {
          throw invalidParameter(`There already exists account with the same name=${newName} in the domain`);
        }
        cloud.accountByName.delete(`${account.domainId}/${account.name}`);
        account.name = newName;
        cloud.accountByName.set(`${account.domainId}/${newName}`, account);
      }
      account.networkDomain = params.text('networkdomain') ?? account.networkDomain;
      call.effect('changed', 'account', account.id, [account.name]);
      return { account: accountView(call, account) };
    },
  },
  disableAccount: {
    kind: 'A',
    cmd: 'admin.account.DisableAccount',
    admin: true,
    required: ['lock'],
    run(call) {
      const account = named(call);
      const before = account.state;
      return {
        instanceType: 'Account',
        instanceId: account.id,
        finish() {
          account.state = call.params.flag('lock') === true ? 'locked' : 'disabled';
          call.effect('changed', 'account', account.id, [account.name]);
          return { account: accountView(call, account) };
        },
        undo() {
          account.state = before;
        },
      };
    },
  },
  enableAccount: {
    kind: 'S',
    admin: true,
    run(call) {
      const account = named(call);
      account.state = 'enabled';
      call.effect('changed', 'account', account.id, [account.name]);
      return { account: accountView(call, account) };
    },
  },
  deleteAccount: { kind: 'A', cmd: 'admin.account.DeleteAccount', admin: true, required: ['id'], run: remove },
  listAccounts: {
    kind: 'S',
    run(call) {
      const { params } = call;
      const name = params.text('name');
      const state = params.text('state')?.toLowerCase();
      const type = params.integer('accounttype');
      // An account lists by its own name as well, though that is no `account` parameter of an owner.
      const rows = listRows(call, call.cloud.accounts, {
        keyword: (account) => [account.name],
        accept: (account) =>
          account.type !== 5 &&
          account.name !== 'system' &&
          (name === undefined || account.name === name) &&
          (state === undefined || account.state === state) &&
          (type === undefined || account.type === type),
      });
      return listAnswer(call, 'account', rows, (account) => accountView(call, account));
    },
  },
  listDomains: {
    kind: 'S',
    run(call) {
      const name = call.params.text('name')?.toLowerCase();
      const rows = [...call.cloud.domains.values()].filter((domain) => name === undefined || like(domain.name, name));
      return listAnswer(call, 'domain', rows, (domain) => ({ ...domain, level: 0, haschild: false, state: 'Active' }));
    },
  },
};

function create(call: Call): JsonObject {
  const { cloud, params } = call;
  const username = params.required('username');
  const name = params.text('account') ?? username;
  const domainId = params.text('domainid') ?? call.caller.account.domainId;
  if (!cloud.domains.has(domainId)) throw call.unknownId('domainid', domainId);
  const type = typeOf(call);
  if (cloud.accountByName.has(`${domainId}/${name}`)) {
    throw invalidParameter(`The specified account: ${name} already exists`);
  }
  if (cloud.userByName.has(`${domainId}/${username}`)) {
    throw invalidParameter(`The user ${username} already exists in domain ${domainId}`);
  }
  const id = params.text('accountid') ?? cloud.newId();
  const account: Account = {
    id,
    accountId: id,
    created: Date.now(),
    name,
    type,
    domainId,
    state: 'enabled',
    networkDomain: params.text('networkdomain') ?? null,
    projectId: null,
    limits: new Map(),
  };
  const user = newUser(call, account);
  // The name was checked, and nobody sees the account before its password has been hashed: another one of that name is taken meanwhile.
  const taken = [id, user.id].some((one) => cloud.hasEntity(one) || cloud.isUnderWay(one));
  call.takesTime([id, user.id], () => {
    if (taken) return;
    cloud.accounts.add(account);
    if (!cloud.accountByName.has(`${domainId}/${name}`)) cloud.accountByName.set(`${domainId}/${name}`, account);
    call.effect('created', 'account', id, [name, user.lastname]);
    keepUser(call, account, user);
  });
  // Its ids are unique in the database: it waits there for whoever was first, and is refused then.
  if (taken) throw entityExists();
  return { account: accountView(call, account, [user]) };
}

/** Of several accounts of one name the name means one; when that one goes, the next. */
function forgetName({ cloud }: Call, account: Account): void {
  const key = `${account.domainId}/${account.name}`;
  if (cloud.accountByName.get(key) !== account) return;
  cloud.accountByName.delete(key);
  const twin = [...cloud.accounts.values()].find(
    (one) => one.domainId === account.domainId && one.name === account.name,
  );
  if (!twin) return;
  cloud.accountByName.set(key, twin);
  for (const user of cloud.users.ofAccount(twin.id)) cloud.userByName.set(`${twin.domainId}/${user.username}`, user);
}

/** guess: the built-in roles by number, 1 root admin, 3 domain admin, 4 user; any other role id is a user. */
function typeOf(call: Call): 0 | 1 | 2 {
  const type = call.params.integer('accounttype');
  if (type === 0 || type === 1 || type === 2) return type;
  if (type !== undefined) throw invalidParameter(`Invalid account type ${type}`);
  const role = call.params.text('roleid');
  if (role === undefined) throw invalidParameter('Neither account type and role ID are not provided');
  return role === '1' ? 1 : role === '3' ? 2 : 0;
}

function named(call: Call): Account {
  if (call.params.text('id') !== undefined) return call.row(call.cloud.accounts, 'id');
  const account = call.namedOwner();
  if (account === undefined) throw invalidParameter('Unable to find account: give id, or account and domainid');
  return account;
}

function remove(call: Call): JobPlan {
  const account = call.row(call.cloud.accounts, 'id');
  if (account.type === 1 && (account.name === 'admin' || account.name === 'system')) {
    throw permissionDenied(`The account id=${account.id} manages the system and cannot be deleted`);
  }
  return {
    instanceType: 'Account',
    instanceId: account.id,
    finish() {
      removeAccount(call, account);
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}

/** An account goes with everything it has. */
export function removeAccount(call: Call, account: Account): void {
  const { cloud } = call;
  if (cloud.accounts.get(account.id) !== account) return;
  for (const vm of cloud.vms.ofAccount(account.id)) expungeVm(call, vm);
  for (const volume of cloud.volumes.ofAccount(account.id)) removeVolume(call, volume);
  for (const snapshot of cloud.snapshots.ofAccount(account.id)) {
    cloud.snapshots.remove(snapshot);
    call.effect('deleted', 'snapshot', snapshot.id, [snapshot.name]);
  }
  for (const vpc of cloud.vpcs.ofAccount(account.id)) removeVpc(call, vpc);
  for (const network of cloud.networks.ofAccount(account.id)) removeNetwork(call, network);
  for (const address of cloud.addresses.ofAccount(account.id)) releaseAddress(call, address);
  for (const list of cloud.aclLists.ofAccount(account.id)) removeAclList(call, list);
  for (const group of cloud.securityGroups.ofAccount(account.id)) {
    cloud.securityGroups.remove(group);
    call.effect('deleted', 'security-group', group.id, [group.name]);
  }
  for (const pair of cloud.keyPairs.ofAccount(account.id)) {
    cloud.keyPairs.remove(pair);
    call.effect('deleted', 'keypair', pair.id, [pair.name]);
  }
  for (const user of cloud.users.ofAccount(account.id)) {
    cloud.users.remove(user);
    if (cloud.userByName.get(`${account.domainId}/${user.username}`) === user)
      cloud.userByName.delete(`${account.domainId}/${user.username}`);
    if (user.apiKey !== null) cloud.userByApiKey.delete(user.apiKey);
  }
  cloud.accounts.remove(account);
  forgetName(call, account);
  if (account.type !== 5) call.effect('deleted', 'account', account.id, [account.name]);
}
