import { z } from 'zod';
import { type MissingAnswer, OutcomeUnknownError, ProvisioningError } from '../../errors.js';
import type { Json } from '../../json.js';
import { howItFailed, type HttpAnswer, NoAnswerError } from '../http.js';
import { NotSentError } from '../pace.js';
import type { Kind } from './refusals.js';

/** Values of a query; a list stands for the key several times. */
export type Query = Record<string, string | number | boolean | string[] | undefined>;

const Link = z.object({ rel: z.string(), href: z.string() });

/**
 * The query of the next page, or null after the last. Of the address only the query is taken: behind a proxy its host is
 * often the service's own, and so may its path be.
 */
export function nextPage(body: Record<string, unknown>, key: string): Query | null {
  const links = z.array(Link).safeParse(body[`${key}_links`]).data;
  const keystone = z.object({ next: z.string() }).safeParse(body['links']).data;
  const href = links?.find(({ rel }) => rel === 'next')?.href ?? keystone?.next ?? body['next'];
  if (typeof href !== 'string') return null;
  const query: Record<string, string[]> = {};
  for (const [name, value] of new URL(href, 'http://page.invalid').searchParams) (query[name] ??= []).push(value);
  return query;
}

export function queryText(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) for (const one of [value].flat()) params.append(name, String(one));
  }
  return params.size === 0 ? '' : `?${params.toString()}`;
}

/** Fields of our requests whose values must not come back in a message. */
const secretFields = new Set(['password', 'adminPass', 'secret', 'user_data']);

export function secretsIn(body: Json | undefined): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([key, value]) =>
    typeof value === 'string' && secretFields.has(key) ? [value] : secretsIn(value),
  );
}

/** 202 and 204 come without a body: null. */
export function bodyOf(answer: HttpAnswer, what: string, kind: Kind): unknown {
  if (answer.text.trim() === '') return null;
  try {
    return JSON.parse(answer.text);
  } catch {
    throw unreadable(what, kind, 'the answer is no JSON', 'CLD_RESPONSE_TYPE');
  }
}

export function shaped<T>(body: unknown, schema: z.ZodType<T>, what: string, kind: Kind): T {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const where = read.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw unreadable(what, kind, `the answer has not the expected form (${where.slice(0, 120)})`, 'CLD_RESPONSE_TYPE');
}

/** What the want of an answer means: nothing was sent, or for a change nobody knows. */
export function withoutAnswer(error: unknown, what: string, kind: Kind, readCode: string): Error {
  if (error instanceof NotSentError) {
    const code = error.why === 'queue-full' ? 'CLD_THROTTLED' : 'CLD_UNAVAILABLE';
    const { message, retryAfterMs } = error;
    return new ProvisioningError('retry', code, `OpenStack ${what} was not sent: ${message}`, { retryAfterMs });
  }
  if (!(error instanceof NoAnswerError)) return error instanceof Error ? error : new Error(String(error));
  if (error.sent) return unreadable(what, kind, whyNot(error.reason), readCode, howItFailed(error));
  return new ProvisioningError('retry', readCode, `OpenStack ${what}: the service cannot be reached (${error.reason})`);
}

/** A timeout is called one: it is what the seed's users look for in the log (O17). */
function whyNot(reason: string): string {
  return /timeout/i.test(reason) ? `timed out (${reason})` : reason;
}

function unreadable(what: string, kind: Kind, why: string, readCode: string, how: MissingAnswer = 'cut'): Error {
  const message = `OpenStack ${what}: no usable answer, ${why}`;
  if (kind === 'change') return new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message, how);
  return new ProvisioningError('retry', readCode, message);
}
