import { createRequire, syncBuiltinESMExports } from 'node:module';
import { seededRandom } from '../support/scenario-random.js';

/**
 * Sources of chance that all follow from one seed. One for each purpose, so that a fault drawn once more in one place does
 * not change what is drawn in all others, and a failing seed stays much the same while it is being looked at.
 */
export function chance(seed: number, purpose: string) {
  let mixed = seed >>> 0;
  for (const letter of `${purpose}/${Math.floor(seed / 2 ** 32)}`) {
    mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193) >>> 0;
    mixed = (mixed ^ (mixed >>> 15)) >>> 0;
  }
  const random = seededRandom(mixed);
  return {
    ...random,
    /** Whether it happens, with that probability. */
    happens: (probability: number) => probability > 0 && random.next() < probability,
    between: (low: number, high: number) => low + random.next() * (high - low),
  };
}

export type Chance = ReturnType<typeof chance>;

const crypto = createRequire(import.meta.url)('node:crypto') as {
  randomUUID: () => string;
  randomBytes: (size: number) => Buffer;
};

/** Ids, nonces and `Math.random` of everything in this thread come from the seed. @returns puts the real ones back */
export function installChance(seed: number): () => void {
  const before = { randomUUID: crypto.randomUUID, randomBytes: crypto.randomBytes, random: Math.random };
  const ids = chance(seed, 'ids');
  const bytes = chance(seed, 'bytes');
  const numbers = chance(seed, 'Math.random');
  crypto.randomBytes = (size) => {
    const made = Buffer.alloc(size);
    for (let i = 0; i < size; i++) made[i] = bytes.int(0, 255);
    return made;
  };
  crypto.randomUUID = () => {
    const id = ids.uuid();
    return `${id.slice(0, 14)}4${id.slice(15, 19)}8${id.slice(20)}`;
  };
  Math.random = () => numbers.next();
  syncBuiltinESMExports();
  return () => {
    crypto.randomUUID = before.randomUUID;
    crypto.randomBytes = before.randomBytes;
    Math.random = before.random;
    syncBuiltinESMExports();
  };
}
