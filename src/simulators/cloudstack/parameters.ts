import { ApiError, invalidParameter } from './errors.js';
import type { HttpRequest } from '../http.js';

/** Parameters by name as sent; the query string wins over the body, and of a repeated name the first value counts. */
export type RawParameters = Map<string, string>;

const maxFormKeys = 5000;

/** @throws ApiError 400 for a body over the limits. guess: the reference gives the limits, not the answer. */
export function readParameters(request: HttpRequest): RawParameters {
  if (request.body === null) throw new ApiError(400, 'the form is larger than 1 MiB', null, true);
  const raw: RawParameters = new Map();
  const take = (text: string) => {
    for (const [name, value] of new URLSearchParams(text)) if (!raw.has(name)) raw.set(name, value);
  };
  if (request.query !== '') take(request.query);
  const isForm = /^application\/x-www-form-urlencoded/i.test(request.headers['content-type'] ?? '');
  if (request.method === 'POST' && isForm && request.body !== '') take(request.body);
  if (raw.size > maxFormKeys) throw new ApiError(400, `the form has more than ${maxFormKeys} keys`, null, true);
  return raw;
}

/** A parameter by its name in any case: only `apikey`, `signature`, `signatureversion`, `expires` and `sessionkey` use it. */
export function anyCase(raw: RawParameters, name: string): string | undefined {
  const exact = raw.get(name);
  if (exact !== undefined) return exact;
  for (const [key, value] of raw) if (key.toLowerCase() === name) return value;
  return undefined;
}

/** The parameters of one command, after the signature check: names lower-cased except after the dot of a map. */
export class Parameters {
  readonly #values = new Map<string, string>();
  readonly #maps = new Map<string, Map<number, Record<string, string>>>();

  constructor(
    raw: RawParameters,
    private readonly command: string,
  ) {
    for (const [name, value] of raw) {
      if (hasControlCharacter(value)) {
        throw invalidParameter(
          `Received value for parameter ${name} is invalid, contains illegal ASCII non-printable characters`,
        );
      }
      if (name.includes('[') || name.includes(']')) this.#takeMapEntry(name, value);
      else this.#values.set(name.toLowerCase(), value);
    }
  }

  #takeMapEntry(name: string, value: string): void {
    const found = /^([^[\].]+)\[(\d+)\](?:\.([^[\]]+))?$/.exec(name);
    if (found === null) {
      throw new ApiError(430, `Invalid parameter ${name}: a map is written name[0].key=value`, 4350);
    }
    const [, map = '', index = '0', key = 'value'] = found;
    const lower = map.toLowerCase();
    const entries = this.#maps.get(lower) ?? new Map<number, Record<string, string>>();
    this.#maps.set(lower, entries);
    const entry = entries.get(Number(index)) ?? {};
    entries.set(Number(index), { ...entry, [key]: value });
  }

  /** An empty value counts as absent, as the server treats ids and numbers. guess: for texts too. */
  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === '' ? undefined : value;
  }

  /** Given, and given as nothing. */
  isEmpty(name: string): boolean {
    return this.#values.get(name) === '';
  }

  has(name: string): boolean {
    return this.text(name) !== undefined || this.#maps.has(name);
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw this.missing(name);
    return value;
  }

  missing(name: string): ApiError {
    return new ApiError(
      431,
      `Unable to execute API command ${this.command.toLowerCase()} due to missing parameter ${name}`,
    );
  }

  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^-?\d{1,15}$/.test(value)) {
      throw new ApiError(
        431,
        `Unable to execute API command ${this.command.toLowerCase()} due to invalid value ${value} for parameter ${name}`,
      );
    }
    return Number(value);
  }

  flag(name: string): boolean | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : value.toLowerCase() === 'true';
  }

  list(name: string): string[] | undefined {
    const value = this.text(name);
    return value
      ?.split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }

  date(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const at = Date.parse(value.replace(/^(\d{4}-\d{2}-\d{2}) /, '$1T').replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
    if (Number.isNaN(at)) throw invalidParameter(`Unable to parse date ${value} of parameter ${name}`);
    return at;
  }

  /** The entries of `name[n].key=value`, in the order of n. */
  entries(name: string): Record<string, string>[] {
    const entries = this.#maps.get(name);
    if (entries === undefined) return [];
    return [...entries].sort(([a], [b]) => a - b).map(([, entry]) => entry);
  }

  /** All entries of a map flattened into one object, as `details` is read. */
  merged(name: string): Record<string, string> {
    return Object.assign({}, ...this.entries(name)) as Record<string, string>;
  }
}

function hasControlCharacter(value: string): boolean {
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if ((code < 0x20 && code !== 0x0a && code !== 0x0d) || code === 0x7f) return true;
  }
  return false;
}
