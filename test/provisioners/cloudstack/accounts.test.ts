import { describe, expect, it } from '@jest/globals';
import {
  createAccount,
  deleteAccount,
  disableAccount,
  enableAccount,
  listAccounts,
  type NewAccount,
  renameAccount,
} from '../../../src/provisioners/cloudstack/accounts.js';
import { anOperator, newId } from './operator.js';

const zhang: NewAccount = {
  username: 'zhangning',
  password: 'a-Password-1',
  email: 'zhangning@example.invalid',
  firstName: 'Ning',
  lastName: 'Zhang',
  type: 'user',
};
const names = (rows: { name: string }[]): string[] => rows.map(({ name }) => name).toSorted();

describe('accounts', () => {
  it('are listed one, our own, even to an administrator, unless all are asked for', async () => {
    const { client } = await anOperator();
    await createAccount(client, zhang);
    expect(names(await listAccounts(client))).toEqual(['admin']);
    expect(await listAccounts(client, { name: 'zhangning' })).toEqual([]);
    expect(names(await listAccounts(client, { all: true }))).toEqual(['admin', 'zhangning']);
    expect(names(await listAccounts(client, { name: 'zhangning', all: true }))).toEqual(['zhangning']);
  });

  it('are made with their first user, whose name they have', async () => {
    const { client } = await anOperator();
    expect(await createAccount(client, zhang)).toMatchObject({
      name: 'zhangning',
      accounttype: 0,
      state: 'enabled',
      user: [{ username: 'zhangning', state: 'enabled' }],
    });
    await expect(createAccount(client, zhang)).rejects.toMatchObject({
      disposition: 'reject',
      details: { cloudCode: '431/4350' },
    });
  });

  it('are renamed, locked, disabled and enabled again', async () => {
    const { client, done } = await anOperator();
    const { id } = await createAccount(client, zhang);
    expect(await renameAccount(client, id, 'zhangsi')).toMatchObject({ id, name: 'zhangsi' });
    const stateOf = async () => (await listAccounts(client, { name: 'zhangsi', all: true }))[0]?.state;
    await done(disableAccount(client, { id, isLocked: true }, newId()));
    expect(await stateOf()).toBe('locked');
    await done(disableAccount(client, { id, isLocked: false }, newId()));
    expect(await stateOf()).toBe('disabled');
    expect(await enableAccount(client, id)).toMatchObject({ state: 'enabled' });
  });

  it('are deleted by a job', async () => {
    const { client, done } = await anOperator();
    const { id } = await createAccount(client, zhang);
    await done(deleteAccount(client, id, newId()));
    expect(names(await listAccounts(client, { all: true }))).toEqual(['admin']);
  });
});

describe('a login', () => {
  it('with user name, password and domain opens a session that everything else goes through', async () => {
    const { client, cloud } = await anOperator({
      version: '4.4',
      credentials: { username: 'admin', password: 'password', domain: '/' },
    });
    expect(names(await listAccounts(client))).toEqual(['admin']);
    expect((await cloud.calls())['login']).toBe(1);
  });

  it('with a wrong password waits for a person', async () => {
    const { client } = await anOperator({ credentials: { username: 'admin', password: 'wrong', domain: '/' } });
    await expect(listAccounts(client)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_AUTH',
    });
  });
});
