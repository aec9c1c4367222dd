import type { JsonObject } from '../../../json.js';
import type { Call } from '../call.js';
import { cloudDate, withoutNulls } from '../envelope.js';
import { limitOf, resourceTypes, usedBy, type ResourceName } from '../state/limits.js';
import type { Account, Project, User } from '../state/model.js';

/** The names of the quota fields: `vmlimit`, `vmtotal`, `vmavailable`, … */
const quotaFields: [string, ResourceName][] = [
  ['vm', 'vm'],
  ['ip', 'publicIp'],
  ['volume', 'volume'],
  ['snapshot', 'snapshot'],
  ['template', 'template'],
  ['project', 'project'],
  ['network', 'network'],
  ['vpc', 'vpc'],
  ['cpu', 'cpu'],
  ['memory', 'memory'],
  ['primarystorage', 'primaryStorage'],
  ['secondarystorage', 'secondaryStorage'],
];

/** Limits are numbers as text, or `Unlimited`; totals are numbers. */
export function quotaView(call: Call, account: Account): JsonObject {
  const view: JsonObject = {};
  for (const [field, name] of quotaFields) {
    const limit = limitOf(account, resourceTypes[name]);
    const used = usedBy(call.cloud, account, name);
    view[`${field}limit`] = limit < 0 ? 'Unlimited' : String(limit);
    view[`${field}total`] = used;
    view[`${field}available`] = limit < 0 ? 'Unlimited' : String(Math.max(0, limit - used));
  }
  return view;
}

/** @param users its users; those the tables have, when left out */
export function accountView(
  call: Call,
  account: Account,
  users: Iterable<User> = call.cloud.users.ofAccount(account.id),
): JsonObject {
  const { cloud } = call;
  return withoutNulls({
    id: account.id,
    name: account.name,
    accounttype: account.type,
    domainid: account.domainId,
    domain: cloud.domains.get(account.domainId)?.name,
    state: account.state,
    networkdomain: account.networkDomain,
    isdefault: account.name === 'admin',
    created: call.behaviour.minor >= 13 ? cloudDate(account.created) : null,
    ...quotaView(call, account),
    user: [...users].map((user) => userView(call, user, account)),
  });
}

/** 4.4 prints the keys of users in lists; later versions never do. */
export function userView(call: Call, user: User, account = call.cloud.accounts.get(user.accountId)): JsonObject {
  return withoutNulls({
    id: user.id,
    username: user.username,
    firstname: user.firstname,
    lastname: user.lastname,
    email: user.email,
    created: cloudDate(user.created),
    state: user.state,
    account: account?.name,
    accounttype: account?.type,
    accountid: user.accountId,
    domainid: account?.domainId,
    domain: call.cloud.domains.get(account?.domainId ?? '')?.name,
    timezone: user.timezone,
    apikey: call.behaviour.keysInUserLists ? user.apiKey : null,
    secretkey: call.behaviour.keysInUserLists ? user.secretKey : null,
    isdefault: user.username === 'admin',
  });
}

export function projectView(call: Call, project: Project): JsonObject {
  const account = call.cloud.accounts.get(project.accountId);
  const owner = call.cloud.accounts.get(project.ownerAccountId);
  return withoutNulls({
    id: project.id,
    name: project.name,
    displaytext: project.displaytext,
    domainid: project.domainId,
    domain: call.cloud.domains.get(project.domainId)?.name,
    account: owner?.name,
    state: project.state,
    created: call.behaviour.minor >= 13 ? cloudDate(project.created) : null,
    ...(account === undefined ? {} : quotaView(call, account)),
    tags: call.tagFields(project.id),
  });
}
