import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { fc } from './support/properties.js';
import { createSealer, parseSecretKey, UnsealError } from '../src/secrets.js';

const oldKey = randomBytes(32);
const newKey = randomBytes(32);
const aad = 'WO1/item/0/rootPassword';

describe('a sealed secret', () => {
  const sealer = createSealer(oldKey);

  it('opens to what was sealed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, place) => {
        expect(sealer.open(sealer.seal(text, place), place)).toBe(text);
      }),
    );
  });

  it('looks different each time, and shows nothing of the text', () => {
    const [one, two] = [sealer.seal('hunter2hunter2', aad), sealer.seal('hunter2hunter2', aad)];
    expect(Buffer.compare(one, two)).not.toBe(0);
    expect(Buffer.from(one).includes('hunter2')).toBe(false);
  });

  it('does not open once a single bit was changed', () => {
    const sealed = sealer.seal('correct horse', aad);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const tampered = Buffer.from(sealed);
      tampered.writeUInt8(tampered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => sealer.open(tampered, aad)).toThrow(UnsealError);
    }
  });

  it('does not open when it was cut', () => {
    const sealed = sealer.seal('correct horse', aad);
    for (let length = 0; length < sealed.length; length++) {
      expect(() => sealer.open(sealed.subarray(0, length), aad)).toThrow(UnsealError);
    }
  });

  it('does not open in another place than it was sealed for', () => {
    expect(() => sealer.open(sealer.seal('x', aad), 'WO2/item/0/rootPassword')).toThrow('belongs to something else');
  });
});

describe('rotation', () => {
  const sealedBefore = createSealer(oldKey).seal('old', aad);

  it('seals with the first key and opens with all of them', () => {
    const both = createSealer([newKey, oldKey]);
    expect(both.open(sealedBefore, aad)).toBe('old');
    expect(createSealer(newKey).open(both.seal('new', aad), aad)).toBe('new');
    expect(both.keyId).toBe(createSealer(newKey).keyId);
  });

  it('says which key is missing when the old one is gone', () => {
    expect(() => createSealer(newKey).open(sealedBefore, aad)).toThrow(
      `key ${createSealer(oldKey).keyId}, which is not among`,
    );
  });

  it('keeps the hash keys of the older keys, so that an order sent again is still recognised', () => {
    expect(createSealer([newKey, oldKey]).hashKeys[1]).toEqual(createSealer(oldKey).hashKey);
    expect(createSealer(newKey).hashKey).not.toEqual(createSealer(oldKey).hashKey);
  });

  it('never uses the key itself for hashing', () => {
    expect(Buffer.from(createSealer(oldKey).hashKey).equals(oldKey)).toBe(false);
  });
});

describe('a secret key in the environment', () => {
  it.each(['base64', 'base64url', 'hex'] as const)('may be written as %s', (encoding) => {
    expect(Buffer.from(parseSecretKey(` ${oldKey.toString(encoding)}\n`))).toEqual(oldKey);
  });

  it.each([
    ['too short', randomBytes(16).toString('base64'), '16 bytes'],
    ['too long', randomBytes(33).toString('base64'), '33 bytes'],
    ['a word', 'correct horse battery staple', 'neither base64 nor hex'],
    ['empty', '', '0 characters'],
    ['all zeros', '0'.repeat(64), 'one byte repeated'],
  ])('is refused when it is %s, without being repeated', (_, text, reason) => {
    let message = '';
    try {
      parseSecretKey(text);
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    expect(message).toContain(reason);
    expect(message).toContain('openssl rand -base64 32');
    if (text !== '') expect(message).not.toContain(text);
  });

  it('has 32 bytes or makes no sealer', () => {
    expect(() => createSealer(randomBytes(31))).toThrow('32 bytes');
    expect(() => createSealer([])).toThrow('needs a key');
  });
});
