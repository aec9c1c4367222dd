import { describe, expect, it } from '@jest/globals';
import { createAccount } from '../../../src/provisioners/cloudstack/accounts.js';
import { createKeyPair, deleteKeyPair, listKeyPairs } from '../../../src/provisioners/cloudstack/key-pairs.js';
import { anOperator } from './operator.js';

describe.each(['4.9', '4.22'])('a key pair of CloudStack %s', (version) => {
  it('that the server makes shows its private half once', async () => {
    const { client } = await anOperator({ version });
    const { keyPair, privateKey } = await createKeyPair(client, { name: 'k1' });
    expect(privateKey).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    expect(keyPair).toMatchObject({ name: 'k1', fingerprint: expect.stringMatching(/^[0-9a-f:]+$/) });
    expect(JSON.stringify(await listKeyPairs(client))).not.toContain('PRIVATE');
    await expect(createKeyPair(client, { name: 'k1' })).rejects.toMatchObject({ disposition: 'reject' });
  });

  it('that the customer brings has no private half here', async () => {
    const { client } = await anOperator({ version });
    const { privateKey } = await createKeyPair(client, { name: 'k1', publicKey: 'ssh-rsa AAAAB3NzaC1yc2E= me' });
    expect(privateKey).toBeNull();
    await deleteKeyPair(client, { name: 'k1' });
    expect(await listKeyPairs(client)).toEqual([]);
    await expect(deleteKeyPair(client, { name: 'k1' })).rejects.toMatchObject({ disposition: 'reject' });
  });

  it('is listed for each account that has one of that name', async () => {
    const { client } = await anOperator({ version });
    const { name: account, domainid: domainId } = await createAccount(client, {
      username: 'zhangsi',
      password: 'a-Password-1',
      email: 'zhangsi@example.invalid',
      firstName: 'Si',
      lastName: 'Zhang',
      type: 'user',
    });
    await createKeyPair(client, { name: 'k1' });
    await createKeyPair(client, { name: 'k1', owner: { account, domainId } });
    const accounts = (await listKeyPairs(client, { name: 'k1', all: true })).map((pair) => pair.account);
    expect(accounts.toSorted()).toEqual(['admin', 'zhangsi']);
    expect(await listKeyPairs(client, { owner: { account, domainId } })).toMatchObject([{ name: 'k1', account }]);
  });
});
