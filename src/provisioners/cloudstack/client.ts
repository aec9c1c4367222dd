import { z } from 'zod';
import { crashPoint } from '../../crash-point.js';
import { type MissingAnswer, OutcomeUnknownError, ProvisioningError } from '../../errors.js';
import { howItFailed, type Http, type HttpAnswer, NoAnswerError } from '../http.js';
import { NotSentError, type Pace, type Sign } from '../pace.js';
import { failureInside, readableText, refusalFor, retryAfterMs } from './refusals.js';
import { openSession, type Session } from './session.js';
import type { Credentials } from './settings.js';
import { expiresAt, sign } from './signing.js';

export type Params = Record<string, string | number | boolean | undefined>;

/**
 * Speaks to one CloudStack account: signs or logs in, keeps the pace, and sorts every way of not answering into the
 * house's two errors. Which one depends on what was asked: a `read` may simply be asked again, a `change` whose answer
 * is missing or unreadable has an unknown outcome.
 */
export interface CloudStackClient {
  read<T>(command: string, params: Params, answer: z.ZodType<T>): Promise<T>;
  change<T>(command: string, params: Params, answer: z.ZodType<T>): Promise<T>;
  /** All pages of a list. `object` is the key of the rows; an empty list has none. */
  list<T extends { id: string | null }>(
    command: string,
    params: Params,
    object: string,
    row: z.ZodType<T>,
  ): Promise<T[]>;
  /** One page and the total; for readers who decide themselves how far to go. */
  page<T>(command: string, params: Params, object: string, row: z.ZodType<T>): Promise<{ rows: T[]; count: number }>;
  close(): Promise<void>;
}

export interface ClientOptions {
  serviceUrl: string;
  credentials: Credentials;
  http: Http;
  pace: Pace;
  /** For `createAccount`; without it that is given the account's ordinary patience. */
  slowRequestTimeoutMs?: number;
  /** The account's ordinary patience, of which commands that work before they answer get `longerFor` times as much. */
  requestTimeoutMs?: number;
}

/**
 * Commands that do much of their work before they answer: under load `createNetwork` was seen to take 10.5 s and `associateIpAddress`
 * 5.2 s (`deployVirtualMachine` 2.7 s). More patience costs nothing when they are quick.
 */
const slow = new Set(['createNetwork', 'associateIpAddress']);
const longerFor = 3;

/** `default.page.size` of a fresh install, and the most it accepts. */
export const pageSize = 500;
const mostPages = 200;
/** Judged by the server's clock, hence generous; 4.20+ can be set to refuse more than 15 minutes. */
const signatureLifetimeMs = 10 * 60_000;

type Kind = 'read' | 'change';

/**
 * The server's clock as far as its answers tell it (`Date`): signatures expire by that clock, and ours may be an hour off
 * (I16). Small differences are the road's, and not followed.
 */
function serverClock() {
  const tolerableMs = 60_000;
  let aheadMs = 0;
  let corrections = 0;
  return {
    now: () => Date.now() + aheadMs,
    /** How often it was set. */
    get corrections() {
      return corrections;
    },
    hear({ headers }: HttpAnswer): void {
      const said = Date.parse(String(headers['date'] ?? ''));
      if (Number.isNaN(said) || Math.abs(said - (Date.now() + aheadMs)) <= tolerableMs) return;
      aheadMs = said - Date.now();
      corrections += 1;
    },
  };
}

export function cloudStackClient({
  serviceUrl,
  credentials,
  http,
  pace,
  slowRequestTimeoutMs,
  requestTimeoutMs,
}: ClientOptions): CloudStackClient {
  const session = 'apiKey' in credentials ? null : openSession(credentials, (params) => post(() => params, 'read'));
  const clock = serverClock();

  /** One request, signed or with the session's key. Everything by POST: a query string ends up in access logs, keys and all. */
  async function attempt(params: Record<string, string>, kind: Kind, login: Session | null): Promise<unknown> {
    if (login) return (await post(() => ({ ...params, sessionkey: login.key }), kind, login.cookie)).wrapper;
    if (!('apiKey' in credentials)) throw new Error('a session client was asked to sign');
    const { apiKey, secretKey } = credentials;
    // When it leaves, not when it is asked for: it may have waited for its turn longer than a signature lives.
    const signed = () => {
      const expires = expiresAt(new Date(clock.now() + signatureLifetimeMs));
      const named = { ...params, apikey: apiKey, signatureversion: '3', expires };
      return { ...named, signature: sign(named, secretKey) };
    };
    return (await post(signed, kind)).wrapper;
  }

  /** A dead session shows as 401: nothing was done, so log in once (all callers share that login) and ask once more. */
  async function call(command: string, given: Params, kind: Kind): Promise<unknown> {
    const params: Record<string, string> = { command, response: 'json' };
    for (const [name, value] of Object.entries(given)) if (value !== undefined) params[name] = String(value);
    if (!session) {
      const before = clock.corrections;
      try {
        return await attempt(params, kind, null);
      } catch (error) {
        // Refused for a signature whose time was over by the server's clock. By now we know that clock.
        const isLate = error instanceof ProvisioningError && error.code === 'CLD_AUTH' && clock.corrections > before;
        if (!isLate) throw error;
        return attempt(params, kind, null);
      }
    }
    const login = await session.current();
    try {
      return await attempt(params, kind, login);
    } catch (error) {
      if (!(error instanceof ProvisioningError) || error.code !== 'CLD_AUTH') throw error;
      session.forget(login);
      return attempt(params, kind, await session.current());
    }
  }

  async function post(fill: () => Record<string, string>, kind: Kind, cookie?: string) {
    let answer: HttpAnswer;
    let params = fill();
    const command = params['command'] ?? '';
    try {
      answer = await pace.run(() => {
        params = fill();
        const body = new URLSearchParams(params).toString();
        return http.post(serviceUrl, body, cookie === undefined ? {} : { cookie }, patienceFor(command));
      }, signOf);
      clock.hear(answer);
      crashPoint('call.answered', () => [command]);
    } catch (error) {
      throw withoutAnswer(error, command, kind);
    }
    return { wrapper: unwrap(answer, command, kind, secretsOf(params)), headers: answer.headers };
  }

  /** Undefined for the ordinary one. */
  function patienceFor(command: string): number | undefined {
    // Hashes a password in several ways before it answers, and is seen by nobody until then: 3 s alone, 30 s with sixteen.
    if (command === 'createAccount') return slowRequestTimeoutMs;
    return slow.has(command) && requestTimeoutMs !== undefined ? longerFor * requestTimeoutMs : undefined;
  }

  function secretsOf(params: Record<string, string>): string[] {
    const names = ['password', 'userdata', 'apikey', 'signature', 'sessionkey'];
    const own = 'apiKey' in credentials ? [credentials.secretKey] : [credentials.password];
    return [...own, ...names.flatMap((name) => params[name] ?? [])];
  }

  async function ask<T>(command: string, params: Params, schema: z.ZodType<T>, kind: Kind): Promise<T> {
    return shaped(await call(command, params, kind), schema, command, kind);
  }

  async function page<T>(command: string, params: Params, object: string, row: z.ZodType<T>) {
    const answer = shaped(await call(command, params, 'read'), z.record(z.string(), z.unknown()), command, 'read');
    const rows = shaped(answer[object] ?? [], z.array(row), command, 'read');
    const count = Number(answer['count']);
    return { rows, count: Number.isInteger(count) ? count : rows.length };
  }

  return {
    read: (command, params, answer) => ask(command, params, answer, 'read'),
    change: (command, params, answer) => ask(command, params, answer, 'change'),
    page,
    async list(command, params, object, row) {
      const found = new Map<string, z.infer<typeof row>>();
      for (let number = 1; number <= mostPages; number += 1) {
        const { rows, count } = await page(command, { ...params, page: number, pagesize: pageSize }, object, row);
        // Rows can shift between two pages while others work: one row twice is normal.
        for (const one of rows) found.set(one.id ?? `${number}/${found.size}`, one);
        if (rows.length === 0 || number * pageSize >= count) return [...found.values()];
      }
      throw new ProvisioningError('retry', 'CLD_RESPONSE_TYPE', `CloudStack ${command}: more than ${mostPages} pages`);
    },
    close: () => http.close(),
  };
}

/** Takes the only key of the envelope, whatever it is called: `restorevmresponse` and its like cannot be computed. */
function unwrap(answer: HttpAnswer, command: string, kind: Kind, secrets: string[]): unknown {
  const wrapper = onlyValue(answer.text);
  const said = CloudError.safeParse(wrapper).data ?? {};
  const fine = answer.status >= 200 && answer.status < 300;
  if (wrapper !== null && fine && said.errorcode === undefined) return wrapper;

  const status = said.errorcode ?? answer.status;
  const cloudCode = said.cserrorcode === undefined ? `${status}` : `${status}/${said.cserrorcode}`;
  const text = readableText(said.errortext ?? '', secrets);
  const message = `CloudStack ${command} answered ${cloudCode}${wrapper === null ? ' without the usual envelope' : ''}${text === '' ? '' : `: ${text}`}`;
  const refusal = refusalFor(status);
  // Only CloudStack's own envelope proves a refusal; a proxy's HTML page may hide that the command went through.
  // A 429 is the exception: whoever throttles does not pass the request on.
  if (refusal && (said.errorcode !== undefined || status === 429)) {
    const waitMs = refusal.disposition === 'retry' ? retryAfterMs(answer, text) : undefined;
    throw new ProvisioningError(refusal.disposition, refusal.code, message, {
      cloudCode,
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    });
  }
  if (kind === 'change') {
    if (said.errorcode === 530) throw failureInside(message, text, said.cserrorcode);
    throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message, proxyGaveUp.has(status) ? 'silent' : 'cut');
  }
  const code = said.errorcode === undefined ? 'CLD_UNREACHABLE' : 'CLD_UNAVAILABLE';
  throw new ProvisioningError('retry', code, message, { cloudCode });
}

/** What a proxy in front says when its own patience ended, not the server's work. */
const proxyGaveUp = new Set([408, 504]);

const WireNumber = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const CloudError = z.object({
  errorcode: WireNumber.optional().catch(undefined),
  cserrorcode: WireNumber.optional().catch(undefined),
  errortext: z.string().optional().catch(undefined),
});

function onlyValue(text: string): object | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  const values: unknown[] = Object.values(body);
  const value = values[0];
  return values.length === 1 && typeof value === 'object' && value !== null ? value : null;
}

function withoutAnswer(error: unknown, command: string, kind: Kind): Error {
  if (error instanceof NotSentError) {
    const code = error.why === 'queue-full' ? 'CLD_THROTTLED' : 'CLD_UNAVAILABLE';
    return new ProvisioningError('retry', code, `CloudStack ${command} was not sent: ${error.message}`, {
      retryAfterMs: error.retryAfterMs,
    });
  }
  if (!(error instanceof NoAnswerError)) return error instanceof Error ? error : new Error(String(error));
  if (error.sent) return unreadable(command, kind, 'CLD_UNREACHABLE', error.reason, howItFailed(error));
  return new ProvisioningError('retry', 'CLD_UNREACHABLE', `CloudStack cannot be reached (${error.reason})`);
}

/**
 * What an answer says of the cloud as a whole. 530 to 537 are CloudStack's own refusals and prove that it is up; a page
 * of HTML comes from a proxy in front of a server that is not.
 */
function signOf(answer: HttpAnswer): Sign | null {
  const waitMs = () => retryAfterMs(answer, answer.text.slice(0, 1_000)) ?? null;
  if (answer.status === 429) return { kind: 'throttled', reason: 'answered 429', retryAfterMs: waitMs() };
  const html = answer.text.trimStart().startsWith('<');
  if (![500, 502, 503, 504].includes(answer.status) && !html) return null;
  const reason = `answered ${answer.status}${html ? ' with a page of HTML' : ''}`;
  return { kind: 'trouble', reason, retryAfterMs: answer.status === 503 ? waitMs() : null };
}

function shaped<T>(answer: unknown, schema: z.ZodType<T>, command: string, kind: Kind): T {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  const where = read.error.issues.map((issue) => issue.path.join('.')).join(', ');
  const why = `the answer has not the expected form (${where.slice(0, 120)})`;
  throw unreadable(command, kind, 'CLD_RESPONSE_TYPE', why);
}

function unreadable(command: string, kind: Kind, readCode: string, why: string, how: MissingAnswer = 'cut'): Error {
  const message = `CloudStack ${command}: no usable answer, ${why}`;
  if (kind === 'change') return new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message, how);
  return new ProvisioningError('retry', readCode, message);
}
