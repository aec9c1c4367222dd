import { createHash, generateKeyPairSync } from 'node:crypto';
import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { compact, isoMicros, ok, type Call, type Reply } from '../call.js';
import { badRequest, conflict, forbidden, notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { KeyPair } from '../state/model.js';

/** Key pairs belong to the user, not to the project. */
export const keyPairRoutes = routesOf('nova', [
  ['POST', '/os-keypairs', 'keypairs.create', create],
  ['GET', '/os-keypairs', 'keypairs.list', list],
  ['GET', '/os-keypairs/{name}', 'keypairs.show', show],
  ['DELETE', '/os-keypairs/{name}', 'keypairs.delete', remove],
]);

const Create = z.object({
  keypair: z.strictObject({
    name: z.string().min(1).max(255),
    type: z.enum(['ssh', 'x509']).optional(),
    public_key: z.string().min(1).optional(),
    user_id: z.string().optional(),
  }),
});

/** An administrator may work on somebody else's, from 2.10 on. */
function userIdOf(call: Call, wanted: string | null | undefined): string {
  if (!wanted || wanted === call.caller.user.id) return call.caller.user.id;
  if (call.version < 10) throw badRequest("Additional properties are not allowed ('user_id' was unexpected)");
  call.requireAdmin('os_compute_api:os-keypairs');
  return wanted;
}

function create(call: Call): Reply {
  const { keypair: fields } = call.read(Create);
  const { cloud } = call;
  const userId = userIdOf(call, fields.user_id);
  const key = `${userId}/${fields.name}`;
  if (fields.public_key === undefined && call.version >= 92) {
    throw badRequest("Invalid input for field/attribute keypair. 'public_key' is a required property");
  }
  const own = [...cloud.keyPairs.values()].filter((pair) => pair.userId === userId);
  if (own.length >= cloud.quotas.limit('nova', call.projectId, 'key_pairs')) {
    throw forbidden('Quota exceeded, too many key pairs.');
  }
  if (cloud.keyPairs.has(key)) throw conflict(`Key pair '${fields.name}' already exists.`);
  const generated = fields.public_key === undefined ? generate() : null;
  const publicKey = fields.public_key ?? generated?.publicKey ?? '';
  const material = /^[a-z0-9@.-]+ ([A-Za-z0-9+/=]+)/.exec(publicKey.trim())?.[1];
  if (material === undefined) {
    throw badRequest('Keypair data is invalid: failed to generate fingerprint');
  }
  const digest = createHash('md5').update(Buffer.from(material, 'base64')).digest('hex');
  const pair: KeyPair = {
    id: cloud.newId(),
    userId,
    name: fields.name,
    type: fields.type ?? 'ssh',
    publicKey,
    fingerprint: digest.replace(/(..)(?=.)/g, '$1:'),
    createdMs: Date.now(),
  };
  cloud.keyPairs.set(key, pair);
  call.effect('created', 'keypair', pair.id, [pair.name]);
  return {
    status: call.version >= 2 ? 201 : 200,
    body: {
      keypair: { ...view(call, pair), user_id: userId, ...(generated && { private_key: generated.privateKey }) },
    },
  };
}

/** Below 2.92 Nova makes one and shows the private key once. 1024 bits keep a simulated cloud quick. */
function generate(): { publicKey: string; privateKey: string } {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 1024,
    publicKeyEncoding: { type: 'pkcs1', format: 'der' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return {
    publicKey: `ssh-rsa ${pair.publicKey.toString('base64')} Generated-by-Nova`,
    privateKey: pair.privateKey,
  };
}

function list(call: Call): Reply {
  const userId = userIdOf(call, call.query.get('user_id'));
  const own = [...call.cloud.keyPairs.values()].filter(
    (pair) => pair.userId === userId && !call.cloud.hidden.has(pair.id),
  );
  // Each one is wrapped again.
  return ok({ keypairs: own.map((pair) => ({ keypair: view(call, pair) })) });
}

function find(call: Call): KeyPair {
  const userId = userIdOf(call, call.query.get('user_id'));
  const pair = call.cloud.keyPairs.get(`${userId}/${call.param('name')}`);
  if (pair === undefined) throw notFound(`Keypair ${call.param('name')} not found for user ${userId}`);
  return pair;
}

function show(call: Call): Reply {
  const pair = find(call);
  return ok({
    keypair: { ...view(call, pair), user_id: pair.userId, created_at: isoMicros(pair.createdMs), deleted: false },
  });
}

function remove(call: Call): Reply {
  const pair = find(call);
  call.cloud.keyPairs.delete(`${pair.userId}/${pair.name}`);
  call.effect('deleted', 'keypair', pair.id, [pair.name]);
  return { status: call.version >= 2 ? 204 : 202 };
}

function view(call: Call, pair: KeyPair): JsonObject {
  return compact({
    name: pair.name,
    fingerprint: pair.fingerprint,
    public_key: pair.publicKey,
    type: call.version >= 2 ? pair.type : undefined,
  });
}
