import { createHash, generateKeyPairSync } from 'node:crypto';
import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { invalidParameter } from '../errors.js';
import type { KeyPair } from '../state/model.js';

export const keyPairCommands: CommandFamily = {
  createSSHKeyPair: {
    kind: 'S',
    required: ['name'],
    run(call) {
      // 1024 bits keep a simulated cloud quick; the private key is shown here and never again.
      const pair = generateKeyPairSync('rsa', {
        modulusLength: 1024,
        publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      });
      const saved = save(call, pair.publicKey);
      return { keypair: { ...keyPairView(call, saved), privatekey: pair.privateKey } };
    },
  },
  registerSSHKeyPair: {
    kind: 'S',
    required: ['name', 'publickey'],
    run: (call) => ({ keypair: keyPairView(call, save(call, call.params.required('publickey'))) }),
  },
  deleteSSHKeyPair: {
    kind: 'S',
    required: ['name'],
    run(call) {
      const { cloud, params } = call;
      const name = params.required('name');
      const owner = call.owner();
      const pair = [...cloud.keyPairs.ofAccount(owner.id)].find((one) => one.name === name);
      if (pair === undefined) {
        throw invalidParameter(`A key pair with name '${name}' does not exist for account ${owner.name}`);
      }
      cloud.keyPairs.remove(pair);
      call.effect('deleted', 'keypair', pair.id, [pair.name]);
      return call.success();
    },
  },
  listSSHKeyPairs: {
    kind: 'S',
    run(call) {
      const name = call.params.text('name');
      const fingerprint = call.params.text('fingerprint');
      const rows = listRows(call, call.cloud.keyPairs, {
        keyword: (pair) => [pair.name],
        accept: (pair) =>
          (name === undefined || pair.name === name) && (fingerprint === undefined || pair.fingerprint === fingerprint),
      });
      return listAnswer(call, 'sshkeypair', rows, (pair) => keyPairView(call, pair));
    },
  },
};

function save(call: Call, publicKey: string): KeyPair {
  const { cloud, params } = call;
  const owner = call.owner();
  const name = params.required('name');
  if ([...cloud.keyPairs.ofAccount(owner.id)].some((pair) => pair.name === name)) {
    throw invalidParameter(`A key pair with name '${name}' already exists.`);
  }
  const digest = createHash('md5').update(publicKey).digest('hex');
  const pair: KeyPair = {
    id: cloud.newId(),
    accountId: owner.id,
    created: Date.now(),
    name,
    fingerprint: digest.replace(/(..)(?=.)/g, '$1:'),
    publicKey,
  };
  cloud.keyPairs.add(pair);
  call.effect('created', 'keypair', pair.id, [pair.name]);
  return pair;
}

function keyPairView(call: Call, pair: KeyPair): JsonObject {
  const id: JsonObject = call.behaviour.minor >= 16 ? { id: pair.id } : {};
  return { ...id, name: pair.name, fingerprint: pair.fingerprint, ...call.ownerFields(pair) };
}
