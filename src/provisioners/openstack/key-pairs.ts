import { type OpenStackClient, orNull, pathOf } from './client.js';
import { contradiction } from './account.js';
import { isRefusal } from './refusals.js';
import { Anything, type KeyPair, KeyPairMade, KeyPairRow } from './schema.js';

/**
 * Key pairs of the account that is logged in; Nova keeps them by user and not by project. Without a public key Nova makes
 * a pair and shows its private half in this answer only (versions below 2.92, which is what we speak).
 *
 * @throws ProvisioningError 'ask-human' `CLD_CONTRADICTION` when the name is taken by another key
 */
export async function createKeyPair(
  client: OpenStackClient,
  name: string,
  publicKey?: string,
): Promise<{ keyPair: KeyPair; privateKey: string | null }> {
  const keypair = { name, type: 'ssh', ...(publicKey === undefined ? {} : { public_key: publicKey }) };
  try {
    const change = { service: 'compute', method: 'POST', path: '/os-keypairs', body: { keypair } } as const;
    const { value } = await client.change(change, KeyPairMade);
    return { keyPair: value.keypair, privateKey: value.keypair.private_key ?? null };
  } catch (error) {
    if (!isRefusal(error, 409)) throw error;
    const existing = await readKeyPair(client, name);
    if (!existing) throw error;
    if (publicKey === undefined || keyOf(existing.public_key ?? '') !== keyOf(publicKey)) {
      throw contradiction(`the key pair ${name} exists with another key`);
    }
    return { keyPair: existing, privateKey: null };
  }
}

/** Type and key, without the comment behind them. */
const keyOf = (publicKey: string): string => publicKey.trim().split(/\s+/).slice(0, 2).join(' ');

export async function listKeyPairs(client: OpenStackClient): Promise<KeyPair[]> {
  const rows = await client.list({ service: 'compute', path: '/os-keypairs', key: 'keypairs', row: KeyPairRow });
  return rows.map(({ keypair }) => keypair);
}

export async function readKeyPair(client: OpenStackClient, name: string): Promise<KeyPair | null> {
  const call = { service: 'compute', path: `/os-keypairs/${pathOf(name)}` } as const;
  return (await orNull(client.read(call, KeyPairRow)))?.keypair ?? null;
}

/** Gone already is as good as deleted. */
export async function deleteKeyPair(client: OpenStackClient, name: string): Promise<void> {
  const path = `/os-keypairs/${pathOf(name)}`;
  await orNull(client.change({ service: 'compute', method: 'DELETE', path }, Anything));
}
