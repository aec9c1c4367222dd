import { type ListScope, type Owner, ownerParams, scopeParams } from './begin.js';
import type { CloudStackClient } from './client.js';
import { Success } from './schema.js';
import { KeyPair, KeyPairMade } from './schema-operations.js';

/**
 * SSH key pairs of an account (seed C37). Without a public key the server makes a pair, and shows its private half in this
 * answer only.
 *
 * @throws ProvisioningError 'reject' (431) when the account has a pair of that name
 */
export async function createKeyPair(
  client: CloudStackClient,
  { name, publicKey, owner }: { name: string; publicKey?: string; owner?: Owner },
): Promise<{ keyPair: KeyPair; privateKey: string | null }> {
  const command = publicKey === undefined ? 'createSSHKeyPair' : 'registerSSHKeyPair';
  const { keypair } = await client.change(command, { ...ownerParams(owner), name, publickey: publicKey }, KeyPairMade);
  const { privatekey, ...keyPair } = keypair;
  return { keyPair, privateKey: privatekey };
}

export async function listKeyPairs(
  client: CloudStackClient,
  { name, ...scope }: ListScope & { name?: string } = {},
): Promise<KeyPair[]> {
  // Before 4.17 they have no id, and names repeat between accounts; `list` goes by id, and takes rows without one as they come.
  const row = KeyPair.transform((keyPair) => ({ id: null, keyPair }));
  const rows = await client.list('listSSHKeyPairs', { ...scopeParams(scope), name }, 'sshkeypair', row);
  return rows.map(({ keyPair }) => keyPair);
}

export async function deleteKeyPair(
  client: CloudStackClient,
  { name, owner }: { name: string; owner?: Owner },
): Promise<void> {
  await client.change('deleteSSHKeyPair', { ...ownerParams(owner), name }, Success);
}
