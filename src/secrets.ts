import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { RefusedError } from './errors.js';

/** Seals texts and bytes before they come near a database, and opens them again. */
export interface Sealer {
  /** @param aad what the text belongs to (order, item, field): sealed bytes copied elsewhere do not open there */
  seal(content: string | Uint8Array, aad: string): Uint8Array;
  /** @throws UnsealError when the key is not among ours, the bytes were changed, or they belong to something else */
  open(sealed: Uint8Array, aad: string): string;
  /** As `open`, for what was sealed as bytes. */
  openBytes(sealed: Uint8Array, aad: string): Uint8Array;
  /** Name of the key that seals, 8 hex digits that tell nothing of it. Stored with what was sealed, for rotation. */
  readonly keyId: string;
  /** For keyed content hashes (HMAC-SHA256), derived from the key that seals. */
  readonly hashKey: Uint8Array;
  /** One per key, in the given order: after a rotation a hash stored earlier is still found under an older one. */
  readonly hashKeys: readonly Uint8Array[];
}

/** Sealed bytes that cannot be opened. The message never holds any of the text. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
}

const keyBytes = 32;
const version = 1;
const idBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 1 + idBytes + nonceBytes;

/**
 * AES-256-GCM. Sealed bytes are: version, 4 bytes key id, 12 bytes nonce, ciphertext, 16 bytes tag. Nonces are random,
 * which is safe for about 4 billion texts per key (NIST SP 800-38D, 8.3): rotate long before that.
 *
 * @param keys 32 bytes each; the first seals, all of them open
 */
export function createSealer(keys: Uint8Array | readonly Uint8Array[]): Sealer {
  const all = (ArrayBuffer.isView(keys) ? [keys] : keys).map(deriveKey);
  const [first] = all;
  if (!first) throw new Error('A sealer needs a key');
  const header = Buffer.concat([Buffer.of(version), first.id]);

  return {
    keyId: first.id.toString('hex'),
    hashKey: first.hashKey,
    hashKeys: all.map((key) => key.hashKey),

    seal(content, aad) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', first.sealKey, nonce, { authTagLength: tagBytes });
      cipher.setAAD(Buffer.concat([header, Buffer.from(aad, 'utf8')]));
      return Buffer.concat([header, nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    },

    open(sealed, aad) {
      return Buffer.from(this.openBytes(sealed, aad)).toString('utf8');
    },

    openBytes(sealed, aad) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < headerBytes + tagBytes) throw new UnsealError('These bytes are too short to be a sealed text');
      if (bytes[0] !== version) throw new UnsealError(`Version ${bytes[0]} of sealed texts is not known here`);
      const id = bytes.subarray(1, 1 + idBytes);
      const key = all.find((one) => one.id.equals(id));
      if (!key) {
        throw new UnsealError(`Sealed with key ${id.toString('hex')}, which is not among the configured secret keys`);
      }
      const decipher = createDecipheriv('aes-256-gcm', key.sealKey, bytes.subarray(1 + idBytes, headerBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(Buffer.concat([bytes.subarray(0, 1 + idBytes), Buffer.from(aad, 'utf8')]));
      decipher.setAuthTag(bytes.subarray(-tagBytes));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(headerBytes, -tagBytes)), decipher.final()]);
      } catch {
        throw new UnsealError('The sealed text was changed, or it belongs to something else');
      }
    },
  };
}

/** One key is never used for two purposes: sealing, hashing and its public name each get their own derivation. */
function deriveKey(key: Uint8Array) {
  if (key.length !== keyBytes) throw new Error(`A secret key has ${keyBytes} bytes, not ${key.length}`);
  const derive = (purpose: string, length: number) =>
    Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `orderwright/${purpose}/1`, length));
  return {
    id: derive('key-id', idBytes),
    sealKey: derive('seal', keyBytes),
    hashKey: derive('content-hash', keyBytes),
  };
}

/**
 * A key as it stands in the environment: 32 bytes as base64 (with or without padding, also base64url) or 64 hex digits.
 *
 * @throws RefusedError that says what is wrong without repeating the text
 */
export function parseSecretKey(text: string): Uint8Array {
  const given = text.trim();
  const key = decodeKey(given);
  if (!key || key.length !== keyBytes) {
    const found = key ? `${key.length} bytes` : `${given.length} characters that are neither base64 nor hex`;
    throw new RefusedError(
      'SYS_SECRET_KEY',
      `A secret key is 32 random bytes in base64 (44 characters) or hex (64 digits); this one is ${found}. Make one with: openssl rand -base64 32`,
    );
  }
  if (key.every((byte) => byte === key[0])) {
    throw new RefusedError(
      'SYS_SECRET_KEY',
      'This secret key is one byte repeated. Make one with: openssl rand -base64 32',
    );
  }
  return key;
}

function decodeKey(text: string): Buffer | null {
  // 64 hex digits are base64 as well, of 48 bytes that nobody meant.
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : null;
}
