import { z } from 'zod';
import { crashPoint } from '../../crash-point.js';
import { ProvisioningError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { HttpAnswer, HttpMethod, RestHttp } from '../http.js';
import type { Pace } from '../pace.js';
import { type CatalogService, endpointOf, rootOf } from './endpoints.js';
import { errorOf, isRefusal, type Kind, type Service, signOf } from './refusals.js';
import type { Credentials, OpenStackSettings } from './settings.js';
import { type Scope, type Token, tokenKeeper } from './tokens.js';
import { rangeOf, spokenVersion, type Versioned, VersionList, type VersionRange } from './versions.js';
import { bodyOf, nextPage, type Query, queryText, secretsIn, shaped, withoutAnswer } from './wire.js';

export interface Call {
  service: Service;
  /** Project to work in; left out or null: the platform account's own. */
  scope?: Scope;
  /** Below the service's base address, with a slash at the front: `/servers/<id>`. Ids in it come from {@link pathOf}. */
  path: string;
  query?: Query;
  /** Only where an operation needs another one than the pinned. */
  microversion?: string;
}

export interface Change extends Call {
  method: Exclude<HttpMethod, 'GET'>;
  body?: JsonObject;
  /** Only while the thing is as it was seen: Neutron refuses with 412 when its revision is another. */
  revision?: number;
}

type Sending = Pick<Change, 'body' | 'revision'>;

export interface Changed<T> {
  value: T;
  /** `req-<uuid>`; for Nova's actions this is the id of the action's record (reference 3.4). */
  requestId: string | null;
}

export interface ListCall<T> extends Call {
  /** Key of the rows; the next page's address is under `<key>_links`, `links.next` or `next`. */
  key: string;
  row: z.ZodType<T>;
  /** Asked after every page; true ends the reading early. */
  isEnough?: (rows: T[], pages: number) => boolean;
}

/**
 * Speaks to one OpenStack account: logs in, finds the services, keeps the pace, and sorts every way of not answering into
 * the house's two errors. A `read` may simply be asked again; a `change` whose answer is missing or unreadable has an
 * unknown outcome.
 */
export interface OpenStackClient {
  read<T>(call: Call, answer: z.ZodType<T>): Promise<T>;
  change<T>(change: Change, answer: z.ZodType<T>): Promise<Changed<T>>;
  /** All pages of a list. What it holds has to be compared by the caller: services drop filters silently. */
  list<T>(call: ListCall<T>): Promise<T[]>;
  /** The token of the own project, or of another. */
  token(scope?: Scope): Promise<Token>;
  /** A fresh login, past every cache. */
  login(): Promise<Token>;
  /** Base address of a service, version included. @throws ProvisioningError naming what the catalogue lacks */
  endpoint(service: CatalogService): Promise<string>;
  /** The microversions a service speaks, read once; null when it has none. */
  versions(service: Versioned): Promise<VersionRange | null>;
  /** The version that requests to a service carry. */
  version(service: Versioned): Promise<string>;
  /** The server's time as far as its answers tell it, ms since 1970. */
  now(): number;
  /** False for an application credential: it is bound to one project and there are no tenants. */
  readonly isAdministrator: boolean;
  close(): Promise<void>;
}

export interface ClientOptions {
  serviceUrl: string;
  credentials: Credentials;
  settings: OpenStackSettings;
  http: RestHttp;
  pace: Pace;
}

const mostPages = 200;

/** One id as a part of a path. Ids may come from billing, and `../` in one must not lead elsewhere. */
export const pathOf = (id: string): string => encodeURIComponent(id === '.' || id === '..' ? `_${id}` : id);

export function openStackClient({ serviceUrl, credentials, settings, http, pace }: ClientOptions): OpenStackClient {
  const identity = serviceUrl.replace(/\/+$/, '').replace(/(?<!\/v3)$/, '/v3');
  const ranges = new Map<Versioned, Promise<VersionRange | null>>();
  let aheadMs = 0;
  const keeper = () => tokenKeeper({ credentials, settings, login: postLogin });
  const tokens = keeper();

  async function postLogin(body: JsonObject): Promise<HttpAnswer> {
    const what = 'login';
    let answer: HttpAnswer;
    try {
      answer = await exchange('POST', `${identity}/auth/tokens`, JSON.stringify(body), {});
    } catch (error) {
      // Without Keystone nothing can be asked, and nothing was: not the credentials are to blame (section 9).
      throw withoutAnswer(error, what, 'read', 'CLD_UNAVAILABLE');
    }
    if (answer.status === 201) return answer;
    throw errorOf('identity', what, 'read', answer, secretsIn(body));
  }

  async function exchange(
    method: HttpMethod,
    url: string,
    body: string | null,
    headers: Record<string, string>,
  ): Promise<HttpAnswer> {
    const kind: Record<string, string> = body === null ? {} : { 'content-type': 'application/json' };
    const answer = await pace.run(
      () => http.request(method, url, body, { accept: 'application/json', ...kind, ...headers }),
      signOf,
    );
    const said = Date.parse(String(answer.headers['date'] ?? ''));
    if (!Number.isNaN(said)) aheadMs = said - Date.now();
    return answer;
  }

  async function baseOf(service: Service, token: Token): Promise<string> {
    return service === 'identity' ? identity : endpointOf(token, service, settings);
  }

  async function versionHeader({ service, microversion }: Call): Promise<Record<string, string>> {
    if (service !== 'compute' && service !== 'volume') return {};
    return { 'openstack-api-version': `${service} ${microversion ?? (await version(service))}` };
  }

  /** A token may end or be revoked at any moment: one new login, one repeat. A second 401 is final. */
  async function call(
    method: HttpMethod,
    asked: Call,
    kind: Kind,
    { body, revision }: Sending = {},
  ): Promise<HttpAnswer> {
    const what = `${asked.service} ${method} ${asked.path}`;
    const scope = asked.scope ?? null;
    const headers = {
      ...(await versionHeader(asked)),
      ...(revision === undefined ? {} : { 'if-match': `revision_number=${revision}` }),
    };
    const text = body === undefined ? null : JSON.stringify(body);
    for (let attempt = 1; ; attempt += 1) {
      const token = await tokens.current(scope);
      const url = `${await baseOf(asked.service, token)}${asked.path}${queryText(asked.query ?? {})}`;
      let answer: HttpAnswer;
      try {
        answer = await exchange(method, url, text, { 'x-auth-token': token.id, ...headers });
        crashPoint('call.answered', () => [asked.service, `${method}-${asked.path.split('/')[1] ?? ''}`]);
      } catch (error) {
        throw withoutAnswer(error, what, kind, 'CLD_UNREACHABLE');
      }
      if (answer.status >= 200 && answer.status < 300) return answer;
      if (answer.status === 401) {
        tokens.forget(scope, token);
        if (attempt === 1) continue;
      }
      throw errorOf(asked.service, what, kind, answer, [token.id, ...secretsIn(body)]);
    }
  }

  async function readVersions(service: Versioned): Promise<VersionRange | null> {
    const url = rootOf(await endpoint(service));
    let answer: HttpAnswer;
    try {
      answer = await exchange('GET', url, null, {});
    } catch (error) {
      throw withoutAnswer(error, `${service} versions`, 'read', 'CLD_UNREACHABLE');
    }
    if (answer.status !== 200 && answer.status !== 300) {
      throw errorOf(service, `${service} versions`, 'read', answer, []);
    }
    return rangeOf(
      shaped(bodyOf(answer, `${service} versions`, 'read'), VersionList, `${service} versions`, 'read'),
      service,
    );
  }

  function versions(service: Versioned): Promise<VersionRange | null> {
    let range = ranges.get(service);
    if (!range) {
      range = readVersions(service);
      ranges.set(service, range);
      // A failed read is not kept: the next one who asks tries again.
      range.catch(() => ranges.delete(service));
    }
    return range;
  }

  const version = async (service: Versioned): Promise<string> => spokenVersion(await versions(service), service);

  async function endpoint(service: CatalogService): Promise<string> {
    return endpointOf(await tokens.current(null), service, settings);
  }

  return {
    async read(asked, schema) {
      const what = `${asked.service} GET ${asked.path}`;
      return shaped(bodyOf(await call('GET', asked, 'read'), what, 'read'), schema, what, 'read');
    },
    async change({ method, body, revision, ...asked }, schema) {
      const what = `${asked.service} ${method} ${asked.path}`;
      const answer = await call(method, asked, 'change', {
        ...(body && { body }),
        ...(revision !== undefined && { revision }),
      });
      const value = shaped(bodyOf(answer, what, 'change'), schema, what, 'change');
      const requestId = answer.headers['x-openstack-request-id'] ?? answer.headers['x-compute-request-id'];
      return { value, requestId: typeof requestId === 'string' ? requestId : null };
    },
    async list({ key, row, isEnough, ...asked }) {
      const what = `${asked.service} GET ${asked.path}`;
      const found: z.infer<typeof row>[] = [];
      let query = asked.query ?? {};
      for (let pages = 1; pages <= mostPages; pages += 1) {
        const body = shaped(
          bodyOf(await call('GET', { ...asked, query }, 'read'), what, 'read'),
          z.record(z.string(), z.unknown()),
          what,
          'read',
        );
        found.push(...shaped(body[key] ?? [], z.array(row), what, 'read'));
        const next = nextPage(body, key);
        if (next === null || isEnough?.(found, pages)) return found;
        query = next;
      }
      throw new ProvisioningError('retry', 'CLD_RESPONSE_TYPE', `OpenStack ${what}: more than ${mostPages} pages`);
    },
    token: (scope = null) => tokens.current(scope),
    login: () => keeper().current(null),
    endpoint,
    versions,
    version,
    now: () => Date.now() + aheadMs,
    isAdministrator: 'username' in credentials,
    close: () => http.close(),
  };
}

/** Was the thing asked for simply not there? */
export async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (isRefusal(error, 404)) return null;
    throw error;
  }
}
