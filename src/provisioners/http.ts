import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import type { MissingAnswer } from '../errors.js';
import { currentPermission, type Permission } from './permission.js';

/** One cloud account's road to its server: a few kept connections, deadlines on everything, a lid on the answer's size. */
export interface Http {
  /** @param timeoutMs for this call alone, where the service is known to be slow; else the account's */
  post(url: string, body: string, headers?: Record<string, string>, timeoutMs?: number): Promise<HttpAnswer>;
  close(): Promise<void>;
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The same for clouds that speak with more than one verb. GET has no effect and asks for no permission. */
export interface RestHttp extends Http {
  request(method: HttpMethod, url: string, body: string | null, headers?: Record<string, string>): Promise<HttpAnswer>;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export interface HttpOptions {
  connections: number;
  /** For one whole call, from the moment a connection is asked for until the last byte of the answer. */
  timeoutMs: number;
  maxAnswerBytes?: number;
  /** PEM; for clouds whose certificate is signed by an authority of their own. */
  caCertificate?: string | undefined;
}

/**
 * No usable answer came. `sent: false` means that the request certainly never left: no connection, no such host, or a
 * certificate we do not trust. Anything later counts as sent, even when it may not have been.
 */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  constructor(
    readonly sent: boolean,
    /** A short code such as ECONNRESET. Never the URL, which may carry credentials. */
    readonly reason: string,
  ) {
    super(`no usable answer (${reason})`);
  }
}

/** Said by whoever stands between, when its own patience ended: the cloud is still holding the request. */
const impatient: readonly unknown[] = [408, 504, 524];

/**
 * How a usable answer failed to come (design D13), told from what was thrown or from the answer that is none: `silent` when patience
 * ended, ours, the system's or a proxy's; `cut` for all else that leaves one in doubt.
 */
export function howItFailed(failure: unknown): MissingAnswer {
  if (failure instanceof NoAnswerError) return /timed?out/i.test(failure.reason) ? 'silent' : 'cut';
  const isAnswer = typeof failure === 'object' && failure !== null && 'status' in failure;
  return isAnswer && impatient.includes(failure.status) ? 'silent' : 'cut';
}

const largestAnswer = 8 * 1024 * 1024;

export function openHttp(options: HttpOptions): RestHttp {
  const agent = new Agent({
    connections: options.connections,
    pipelining: 1,
    connect: { timeout: options.timeoutMs, ...(options.caCertificate ? { ca: options.caCertificate } : {}) },
    maxResponseSize: options.maxAnswerBytes ?? largestAnswer,
    // Shorter than any server's own idle time, so that a request is rarely written to a connection just being closed.
    keepAliveTimeout: 4_000,
  });

  async function ask(
    method: HttpMethod,
    url: string,
    body: string | null,
    headers: Record<string, string>,
    timeoutMs = options.timeoutMs,
  ): Promise<HttpAnswer> {
    const permission = method === 'GET' ? undefined : currentPermission();
    let refusal: unknown = null;
    try {
      // Redirects are not followed: a cloud has no reason to send its signed requests elsewhere.
      const answer = await request(url, {
        method,
        body: permission
          ? Readable.from(
              permitted(body, permission, (error) => (refusal = error)),
              { objectMode: false },
            )
          : body,
        headers: { ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }), ...headers },
        dispatcher: agent,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
    } catch (error) {
      // Not a byte of it has left.
      if (refusal !== null) throw refusal;
      throw new NoAnswerError(!certainlyNotSent(error), reasonOf(error));
    }
  }

  return {
    post: (url, body, headers = {}, timeoutMs) =>
      ask('POST', url, body, { 'content-type': 'application/x-www-form-urlencoded', ...headers }, timeoutMs),
    request: (method, url, body, headers = {}) => ask(method, url, body, headers),
    // destroy, not close: close waits for answers that may never come.
    close: () => agent.destroy(),
  };
}

/** A server that asks for more is asked again after this. */
export const longestAskedWaitMs = 600_000;

/**
 * How long a server asks us to stay away: `Retry-After`, in seconds or as a date (RFC 9110 10.2.3), at most ten minutes.
 * A date is measured against the server's own, so that its clock need not agree with ours.
 */
export function askedWaitMs(headers: HttpAnswer['headers']): number | undefined {
  const asked = single(headers['retry-after'])?.trim();
  if (asked === undefined) return undefined;
  const at = Date.parse(asked);
  if (!/^\d+$/.test(asked) && Number.isNaN(at)) return undefined;
  const serverNow = Date.parse(single(headers['date']) ?? '');
  const waitMs = /^\d+$/.test(asked) ? Number(asked) * 1000 : at - (Number.isNaN(serverNow) ? Date.now() : serverNow);
  return Math.min(Math.max(waitMs, 0), longestAskedWaitMs);
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/**
 * The body, asked for when a connection is ready for it: head and body leave together, and only with permission. So does
 * the head alone: undici 7 writes it when an empty body has ended.
 */
async function* permitted(
  body: string | null,
  permission: Permission,
  refused: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    if (!permission.now()) await permission.later();
  } catch (error) {
    refused(error);
    throw error;
  }
  if (body !== null) yield Buffer.from(body);
}

const certificateTrouble = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT)/;

function certainlyNotSent(error: unknown): boolean {
  // A name with several addresses is tried address by address; all of them have to have failed to connect.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(certainlyNotSent);
  const code = field(error, 'code');
  const syscall = field(error, 'syscall');
  return (
    syscall === 'connect' ||
    syscall === 'getaddrinfo' ||
    code === 'UND_ERR_CONNECT_TIMEOUT' ||
    certificateTrouble.test(code)
  );
}

function reasonOf(error: unknown): string {
  const code = field(error, 'code');
  if (code !== '') return code;
  // The error of a signal is no `Error` of every realm, and its code a number; its name is what counts.
  const name = field(error, 'name');
  return name !== '' ? name : 'unknown';
}

function field(error: unknown, name: 'code' | 'syscall' | 'name'): string {
  if (typeof error !== 'object' || error === null || !(name in error)) return '';
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
}
