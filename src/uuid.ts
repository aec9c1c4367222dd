import { createHash } from 'node:crypto';

/** Namespaces of RFC 9562, section 6.6. */
export const dnsNamespace = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
export const urlNamespace = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';

/** The uuid that always belongs to this name in this namespace (RFC 9562, section 5.5), lower-case. */
export function uuidV5(namespace: string, name: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(namespace)) {
    throw new Error(`The namespace "${namespace}" is not a uuid`);
  }
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
