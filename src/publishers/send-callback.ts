import { signWebhook } from './standard-webhooks.js';
import { type AllowRule, guardedRequest } from './url-guard.js';

export interface Callback {
  url: string;
  /** The same for every attempt: receivers recognise a repetition by it. */
  eventId: string;
  /** JSON text, sent as it is. */
  body: string;
  /** Standard Webhooks secrets (`whsec_…`); each of them signs. */
  secrets: readonly string[];
  /** Without a secret: send it unsigned, or not at all. */
  unsigned: boolean;
  allow: AllowRule[];
  now: Date;
  /** For tests; otherwise the system's resolver and 10 s. */
  resolve?: (hostname: string) => Promise<string[]>;
  timeoutMs?: number;
}

export interface Delivery {
  /**
   * `accepted`: a 2xx came. `retry`: try again, not before `retryAfterMs` if that is there. `disabled`: the receiver wants
   * no more of them (410). `refused`: we do not send there; it stays so until the operator changes the allow-list.
   */
  result: 'accepted' | 'refused' | 'retry' | 'disabled';
  status?: number;
  retryAfterMs?: number;
  /** For operators: a code or a few words of ours, never what the receiver wrote. */
  reason: string;
}

/** One attempt to deliver one event. Whether it is repeated, and when, is the caller's to decide and to remember. */
export async function sendCallback(callback: Callback): Promise<Delivery> {
  const { url, eventId, body, secrets, unsigned, allow, now, resolve, timeoutMs } = callback;
  if (secrets.length === 0 && !unsigned) {
    return { result: 'refused', reason: 'there is no secret to sign with (ORDERWRIGHT_CALLBACK_SECRETS)' };
  }
  const headers =
    secrets.length > 0
      ? signWebhook({ id: eventId, at: now, body, secrets })
      : { 'webhook-id': eventId, 'webhook-timestamp': String(Math.floor(now.getTime() / 1000)) };
  const answer = await guardedRequest({
    url,
    allow,
    body,
    headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'orderwright' },
    ...(resolve && { resolve }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  if (answer.state === 'refused') return { result: 'refused', reason: `${answer.code}: ${answer.message}` };
  if (answer.state === 'failed') return { result: 'retry', reason: answer.message };

  const { status } = answer;
  if (status >= 200 && status < 300) return { result: 'accepted', status, reason: `answered ${status}` };
  if (status === 410) return { result: 'disabled', status, reason: 'answered 410: no more callbacks are wanted' };
  if (status >= 300 && status < 400)
    return { result: 'retry', status, reason: `answered ${status}: redirects are not followed` };
  const retryAfterMs = status === 429 || status === 503 ? parseRetryAfter(answer.retryAfter, now) : undefined;
  return { result: 'retry', status, ...(retryAfterMs !== undefined && { retryAfterMs }), reason: `answered ${status}` };
}

/** Standard Webhooks' schedule: after the 1st attempt wait 5 s, after the 9th 24 h, after the 10th give up. */
const scheduleMs = [0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600].map(
  (s) => s * 1000,
);

/**
 * @param attempt how many attempts were made so far
 * @param random 0 to 1: spreads by ±10 %, so that receivers that were down together are not all called at once
 * @returns ms until the next attempt, or null when there is to be none
 */
export function nextAttemptDelayMs(attempt: number, random: () => number): number | null {
  const delay = scheduleMs[attempt];
  return delay === undefined ? null : Math.round(delay * (0.9 + 0.2 * random()));
}

const longestWaitMs = 24 * 3600 * 1000;

/** Seconds or a date (RFC 9110, 10.2.3), never more than a day. */
function parseRetryAfter(text: string | null, now: Date): number | undefined {
  if (text === null) return undefined;
  const waitMs = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now.getTime();
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), longestWaitMs);
}
