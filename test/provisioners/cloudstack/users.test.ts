import { describe, expect, it } from '@jest/globals';
import { listAccounts } from '../../../src/provisioners/cloudstack/accounts.js';
import {
  createUser,
  deleteUser,
  listUsers,
  registerUserKeys,
  updateUser,
} from '../../../src/provisioners/cloudstack/users.js';
import { anOperator } from './operator.js';

const li = {
  account: 'admin',
  username: 'li',
  password: 'a-Password-1',
  email: 'li@example.invalid',
  firstName: 'Wei',
  lastName: 'Li',
};

describe('users of an account', () => {
  it('are made, listed and changed', async () => {
    const { client } = await anOperator();
    const { id } = await createUser(client, li);
    expect((await listUsers(client)).map(({ username }) => username).toSorted()).toEqual(['admin', 'li']);
    expect(await updateUser(client, id, { email: 'wei@example.invalid', username: 'liwei' })).toMatchObject({
      id,
      username: 'liwei',
      firstname: 'Wei',
      lastname: 'Li',
      email: 'wei@example.invalid',
    });
    expect(await listUsers(client, { username: 'li' })).toEqual([]);
  });

  it.each(['firstName', 'lastName'] as const)('keep their names: an empty %s is 431 with 4350', async (part) => {
    const { client } = await anOperator();
    const { id } = await createUser(client, li);
    await expect(updateUser(client, id, { email: 'new@example.invalid', [part]: '' })).rejects.toMatchObject({
      disposition: 'reject',
      code: 'CLD_PARAMETER',
      details: { cloudCode: '431/4350' },
    });
    expect((await listUsers(client, { username: 'li' }))[0]).toMatchObject({
      firstname: 'Wei',
      lastname: 'Li',
      email: 'li@example.invalid',
    });
  });

  it.each(['4.9', '4.22'])('are deleted, whether %s says "true" or true', async (version) => {
    const { client } = await anOperator({ version });
    const { id } = await createUser(client, li);
    await deleteUser(client, id);
    expect(await listUsers(client, { username: 'li', all: true })).toEqual([]);
  });

  it('work with their keys until they get new ones', async () => {
    const { client, cloud } = await anOperator();
    const { id } = await createUser(client, li);
    const first = await registerUserKeys(client, id);
    const own = await anOperator({ cloud, credentials: { ...first } });
    expect(await listAccounts(own.client)).toMatchObject([{ name: 'admin' }]);
    await registerUserKeys(client, id);
    await expect(listAccounts(own.client)).rejects.toMatchObject({ code: 'CLD_AUTH' });
  });
});
