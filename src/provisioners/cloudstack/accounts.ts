import { begin, type BegunJob } from './begin.js';
import type { CloudStackClient } from './client.js';
import { CloudAccount, CloudAccountMade } from './schema-operations.js';

/**
 * Accounts of the cloud beside orders (seed C2 to C5); the account an order registers for its user is made by `tenant.ts`.
 * Making and removing is for root administrators, others get 401 or 432 (reference, section 2).
 */
export interface NewAccount {
  username: string;
  /** Goes over the wire in clear; the client sends it by POST and keeps it out of every message. */
  password: string;
  email: string;
  firstName: string;
  lastName: string;
  /** Without one the account is called as its first user. */
  accountName?: string;
  domainId?: string;
  type: 'user' | 'root-admin' | 'domain-admin';
}

/** `accounttype` (reference, section 9.1). */
const accountTypes = { user: 0, 'root-admin': 1, 'domain-admin': 2 } as const;

/** @param filter.all without it even an administrator is shown his own account alone, whatever name he asks for */
export function listAccounts(
  client: CloudStackClient,
  { name, domainId, all }: { name?: string; domainId?: string; all?: boolean } = {},
): Promise<CloudAccount[]> {
  return client.list('listAccounts', { name, domainid: domainId, listall: all }, 'account', CloudAccount);
}

/** With its first user. @throws ProvisioningError 'reject' (431) when account or user name is taken in the domain */
export async function createAccount(client: CloudStackClient, wanted: NewAccount): Promise<CloudAccount> {
  const params = {
    username: wanted.username,
    password: wanted.password,
    email: wanted.email,
    firstname: wanted.firstName,
    lastname: wanted.lastName,
    account: wanted.accountName,
    domainid: wanted.domainId,
    accounttype: accountTypes[wanted.type],
  };
  return (await client.change('createAccount', params, CloudAccountMade)).account;
}

export async function renameAccount(client: CloudStackClient, id: string, newName: string): Promise<CloudAccount> {
  return (await client.change('updateAccount', { id, newname: newName }, CloudAccountMade)).account;
}

/** @param isLocked a locked account keeps what it has and may change nothing; a disabled one is also stopped */
export function disableAccount(
  client: CloudStackClient,
  { id, isLocked }: { id: string; isLocked: boolean },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'disableAccount', { id, lock: isLocked }, requestId);
}

export async function enableAccount(client: CloudStackClient, id: string): Promise<CloudAccount> {
  return (await client.change('enableAccount', { id }, CloudAccountMade)).account;
}

/** With everything it has. */
export function deleteAccount(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'deleteAccount', { id }, requestId);
}
