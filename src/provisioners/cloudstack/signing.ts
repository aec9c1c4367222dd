import { createHmac } from 'node:crypto';

/**
 * The signature CloudStack expects (reference section 3.1). The server sorts the names as they were sent, before it
 * lower-cases anything, so we sort by code unit and never by locale.
 */
export function sign(params: Record<string, string>, secretKey: string): string {
  return createHmac('sha1', secretKey).update(textToSign(params)).digest('base64');
}

export function textToSign(params: Record<string, string>): string {
  return Object.entries(params)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${encodeLikeJava(value)}`)
    .join('&')
    .toLowerCase();
}

/**
 * Java's `URLEncoder` with `+` turned into `%20`. `encodeURIComponent` leaves `! ' ( ) ~` alone and Java does not; the
 * tilde is where two widely used clients fail with a 401 (vector V3).
 */
export function encodeLikeJava(value: string): string {
  // Half a surrogate pair cannot be encoded; the form body sends the replacement character for it, so sign that too.
  return encodeURIComponent(value.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /[!'()~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Versions up to 4.9 parse only this odd form of a date, later ones take it as well. */
export function expiresAt(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z+0000`;
}
