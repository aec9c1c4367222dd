import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signatures as https://www.standardwebhooks.com describes them: HMAC-SHA256 over `id.timestamp.body`, one `v1,…` for each
 * secret, so that a receiver can move from an old secret to a new one without losing a message.
 */
export interface WebhookHeaders {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
}

/**
 * @param secrets `whsec_` and base64 of 24 to 64 bytes; every one signs
 * @throws Error when a secret has another form
 */
export function signWebhook(message: {
  id: string;
  at: Date;
  body: string;
  secrets: readonly string[];
}): WebhookHeaders {
  const timestamp = String(Math.floor(message.at.getTime() / 1000));
  // The signed text is joined by full stops: an id with one in it would be readable in two ways.
  if (message.id === '' || message.id.includes('.'))
    throw new Error('A webhook id must not be empty or hold a full stop');
  if (message.secrets.length === 0) throw new Error('A webhook needs a secret to be signed with');
  const signatures = message.secrets.map((secret) => `v1,${signature(secret, message.id, timestamp, message.body)}`);
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

export type WebhookVerdict =
  | { ok: true }
  | { ok: false; reason: 'header_missing' | 'timestamp_invalid' | 'too_old' | 'too_new' | 'signature_wrong' };

/**
 * What a receiver does, before it parses the body: give it the bytes as they came. It also has to remember the ids it has
 * seen, since a message may come twice.
 */
export function verifyWebhook(message: {
  headers: Partial<Record<string, string>>;
  body: string;
  secrets: readonly string[];
  now: Date;
  toleranceSeconds?: number;
}): WebhookVerdict {
  const { headers, toleranceSeconds = 300 } = message;
  const [id, timestamp, signatures] = [
    headers['webhook-id'],
    headers['webhook-timestamp'],
    headers['webhook-signature'],
  ];
  if (!id || !timestamp || !signatures) return { ok: false, reason: 'header_missing' };
  if (!/^\d{1,12}$/.test(timestamp)) return { ok: false, reason: 'timestamp_invalid' };
  const age = Math.floor(message.now.getTime() / 1000) - Number(timestamp);
  if (age > toleranceSeconds) return { ok: false, reason: 'too_old' };
  if (age < -toleranceSeconds) return { ok: false, reason: 'too_new' };
  const given = signatures.split(' ').filter((one) => one.startsWith('v1,'));
  const expected = message.secrets.map((secret) => signature(secret, id, timestamp, message.body));
  const matches = given.some((one) => expected.some((other) => isSame(one.slice('v1,'.length), other)));
  return matches ? { ok: true } : { ok: false, reason: 'signature_wrong' };
}

/** Whether a text can be a secret, for the configuration. */
export function isWebhookSecret(text: string): boolean {
  return decodeSecret(text) !== null;
}

function signature(secret: string, id: string, timestamp: string, body: string): string {
  const key = decodeSecret(secret);
  if (!key) throw new Error('A webhook secret is "whsec_" and the base64 of 24 to 64 bytes');
  return createHmac('sha256', key).update(`${id}.${timestamp}.${body}`, 'utf8').digest('base64');
}

function decodeSecret(text: string): Buffer | null {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
  const key = encoded === undefined ? null : Buffer.from(encoded, 'base64');
  return key && key.length >= 24 && key.length <= 64 ? key : null;
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
