import type { CloudStackClient } from './client.js';
import { Success, UserKeys } from './schema.js';
import { User, UserMade } from './schema-operations.js';

/** Users, the logins of an account (seed C10 to C14). */
export interface UserFields {
  username: string;
  password: string;
  email: string;
  firstName: string;
  lastName: string;
}

const paramsOf = ({ username, password, email, firstName, lastName }: Partial<UserFields>) => ({
  username,
  password,
  email,
  firstname: firstName,
  lastname: lastName,
});

/** For root administrators. @throws ProvisioningError 'reject' (431) when the user name is taken in the domain */
export async function createUser(
  client: CloudStackClient,
  wanted: UserFields & { account: string; domainId?: string },
): Promise<User> {
  const { account, domainId, ...fields } = wanted;
  const params = { ...paramsOf(fields), account, domainid: domainId };
  return (await client.change('createUser', params, UserMade)).user;
}

/**
 * What is not given stays as it is.
 *
 * @throws ProvisioningError 'reject' for a name part that is given as nothing: 431 with 4350, "Lastname is empty"
 */
export async function updateUser(client: CloudStackClient, id: string, changes: Partial<UserFields>): Promise<User> {
  return (await client.change('updateUser', { id, ...paramsOf(changes) }, UserMade)).user;
}

/** Success is the text "true" up to 4.9 and a boolean later. */
export async function deleteUser(client: CloudStackClient, id: string): Promise<void> {
  await client.change('deleteUser', { id }, Success);
}

/** @param filter.all the users of all accounts the caller may see, else those of his own account */
export function listUsers(
  client: CloudStackClient,
  { username, all }: { username?: string; all?: boolean } = {},
): Promise<User[]> {
  return client.list('listUsers', { username, listall: all }, 'user', User);
}

/** A new pair for a user; the old one stops working at once. */
export async function registerUserKeys(
  client: CloudStackClient,
  userId: string,
): Promise<{ apiKey: string; secretKey: string }> {
  const { userkeys } = await client.change('registerUserKeys', { id: userId }, UserKeys);
  return { apiKey: userkeys.apikey, secretKey: userkeys.secretkey };
}
