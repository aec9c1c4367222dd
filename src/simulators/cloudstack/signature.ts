import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * What the server signs, from the parameters as they were sent: sorted by raw name, value encoded as Java's URLEncoder does
 * with `+` as `%20`, everything lower-cased at the end (reference, section 3.1).
 */
export function stringToSign(parameters: Iterable<readonly [string, string]>): string {
  const pairs = [...parameters].filter(([name]) => name.toLowerCase() !== 'signature');
  // Code units, not a locale: the server uses a Java TreeMap-like order of String.compareTo.
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return pairs
    .map(([name, value]) => `${name}=${javaFormEncode(value).replaceAll('+', '%20')}`)
    .join('&')
    .toLowerCase();
}

/** `java.net.URLEncoder.encode(value, UTF_8)`: keeps `A-Z a-z 0-9 . - * _`, space becomes `+`. */
export function javaFormEncode(value: string): string {
  if (/^[A-Za-z0-9.*_-]*$/.test(value)) return value;
  let encoded = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const char = String.fromCharCode(byte);
    if (byte < 0x80 && /[A-Za-z0-9.*_-]/.test(char)) encoded += char;
    else if (byte === 0x20) encoded += '+';
    else encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

export function signatureOf(parameters: Iterable<readonly [string, string]>, secretKey: string): string {
  return createHmac('sha1', secretKey).update(stringToSign(parameters), 'utf8').digest('base64');
}

export function sameSignature(given: string, computed: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(computed);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Milliseconds of an `expires` value, or null when this version's parser does not take it. */
export function parseExpires(text: string, legacyOnly: boolean): number | null {
  const found = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z\+\d{4}|Z|[+-]\d{2}:?\d{2})$/.exec(text);
  if (found === null) return null;
  const [, instant = '', fraction = '', rawZone = 'Z'] = found;
  // Up to 4.9 the pattern was "yyyy-MM-dd'T'HH:mm:ss'Z'Z": a literal Z and then the offset.
  if (legacyOnly && (fraction !== '' || !/^Z[+]\d{4}$/.test(rawZone))) return null;
  const zone = rawZone.length > 1 && rawZone.startsWith('Z') ? rawZone.slice(1) : rawZone;
  const offset = zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const at = Date.parse(`${instant}${fraction.slice(0, 4)}${offset}`);
  return Number.isNaN(at) ? null : at;
}
