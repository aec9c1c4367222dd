import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProblemJson } from '../http/problem.js';
import { CommandError, exitCodes, type Io } from './io.js';
import { clean } from './terminal.js';

/** Where commands find the API, and what the embedded profile leaves in its data folder for them. */
export interface UpFile {
  url: string;
  pid: number;
}

export const defaultDataDir = '.orderwright';

/** `--url`, else ORDERWRIGHT_URL, else the address that `orderwright up` wrote down, else the default port. */
export function apiUrl(
  options: { url?: string | undefined; data?: string | undefined },
  env: NodeJS.ProcessEnv,
): string {
  const url =
    options.url ??
    (env['ORDERWRIGHT_URL'] || undefined) ??
    readUpFile(options.data ?? defaultDataDir)?.url ??
    'http://127.0.0.1:8080';
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new CommandError(`"${clean(url)}" is not an address like http://127.0.0.1:8080.`, exitCodes.usage);
  }
  return url.replace(/\/+$/, '');
}

export function readUpFile(dataDir: string): UpFile | null {
  try {
    const read = JSON.parse(readFileSync(join(dataDir, 'up.json'), 'utf8')) as Partial<UpFile>;
    return typeof read.url === 'string' && typeof read.pid === 'number' ? { url: read.url, pid: read.pid } : null;
  } catch {
    return null;
  }
}

export interface Answer<T> {
  status: number;
  json: T;
}

/** The API over HTTP. Refusals become a CommandError with everything that is wrong. */
export class Api {
  constructor(
    readonly url: string,
    private readonly token: string | undefined,
  ) {}

  static of(io: Io, options: { url?: string | undefined; data?: string | undefined }): Api {
    return new Api(apiUrl(options, io.env), io.env['ORDERWRIGHT_API_TOKEN'] || undefined);
  }

  /** @throws CommandError when the API is away or refuses */
  async get<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T> {
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = new URLSearchParams(given).toString();
    const { status, json } = await this.ask<T>('GET', search === '' ? path : `${path}?${search}`);
    if (status < 300) return json;
    throw new CommandError(describeProblem(json as Partial<ProblemJson>, status));
  }

  /** The answer whatever its status. @throws CommandError when the API is away */
  post<T>(path: string, body: Uint8Array, headers: Record<string, string>): Promise<Answer<T>> {
    return this.ask<T>('POST', path, body, headers);
  }

  /** JSON there and back. @throws CommandError when the API is away or refuses, with everything that is wrong */
  async send<T>(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body: object | null,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const bytes = body && Buffer.from(JSON.stringify(body));
    const type: Record<string, string> = body ? { 'content-type': 'application/json' } : {};
    const { status, json } = await this.ask<T>(method, path, bytes, { ...type, ...headers });
    if (status < 300) return json;
    throw new CommandError(describeProblem(json as object, status));
  }

  private async ask<T>(
    method: string,
    path: string,
    body: Uint8Array | null = null,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(this.url + path, {
        method,
        body: body as Uint8Array<ArrayBuffer> | null,
        headers: { ...headers, ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }) },
        signal: AbortSignal.timeout(30_000),
        redirect: 'error',
      });
      text = await answer.text();
    } catch (error) {
      const { cause, message } = error as Error;
      const reason = (cause as { code?: string } | undefined)?.code ?? message;
      throw new CommandError(
        `Nothing answers at ${this.url} (${reason}). Start Orderwright with "orderwright up", or name it with --url.`,
      );
    }
    try {
      return { status: answer.status, json: JSON.parse(text) as T };
    } catch {
      throw new CommandError(`${this.url} answers, but it is not Orderwright (status ${answer.status}, no JSON).`);
    }
  }
}

/** A problem document as lines for people. */
export function describeProblem(problem: Partial<ProblemJson>, status: number): string {
  const head = `${problem.title ?? 'Refused'} (${problem.code ?? status}). ${problem.detail ?? ''}`.trim();
  const errors = problem.errors ?? [];
  const lines = errors.map(({ path, code, message }) => `  ${path === '' ? '' : `${path}: `}${message} (${code})`);
  const differences = (problem.differences ?? []).map(({ path, first, second }) => `  ${path}: ${first} → ${second}`);
  return [head, ...lines, ...differences].map(clean).join('\n');
}
