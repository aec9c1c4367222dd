import type { SimulatorControl } from '../control.js';
import type { HttpAnswer, HttpRequest } from '../http.js';
import type { Scheduler } from '../scheduler.js';
import { Call, type Caller, type Reply } from './call.js';
import { badRequest, errorBody, notFound, Refusal, unauthorized, type Service } from './errors.js';
import { basePaths } from './keystone/catalog.js';
import { callerOf, dropTokensOf } from './keystone/tokens.js';
import { askedVersion, type VersionRange } from './microversion.js';
import { defaultGroupOf } from './neutron/default-group.js';
import { Router, type Match } from './route.js';
import { routes } from './routes.js';
import { plantSeedData, type SeedOptions } from './seed-data.js';
import { Cloud } from './state/cloud.js';
import { versionDocument } from './versions.js';
import { Works } from './work.js';

export interface ApiOptions {
  control: SimulatorControl;
  scheduler: Scheduler;
  newId: () => string;
  region: string;
  tokenLifeMs: number;
  quotaFactor: number;
  withoutExtensions: string[];
  ranges: { compute: VersionRange; volume: VersionRange };
  seeds: SeedOptions;
}

/** A request whose service and operation are known; it has had no effect yet. */
export interface Prepared {
  request: HttpRequest;
  service: Service;
  operation: string;
  match: Match | null;
  body: unknown;
  requestId: string;
  origin: string;
}

/** A body over this is refused by Nova: 413. */
const novaBodyLimitBytes = 114_688;
const router = new Router(routes);

/** From a request to an answer: which service, who is calling, what does the call do. */
export class Api {
  cloud: Cloud;

  constructor(private readonly options: ApiOptions) {
    this.cloud = this.#newCloud();
  }

  reset(): void {
    this.options.scheduler.clear();
    this.cloud = this.#newCloud();
  }

  /** Null for a path that is no service's. */
  prepare(request: HttpRequest): Prepared | HttpAnswer | null {
    const origin = `http://${request.headers.host ?? '127.0.0.1'}`;
    const path = request.path.replace(/\/+$/, '');
    const document = request.method === 'GET' ? versionDocument(path, origin, this.options.ranges) : null;
    if (document !== null) return document;
    const service = serviceOf(path);
    if (service === null) return null;
    const rest = path.slice(basePaths[service].length);
    // Neutron's old habit: `/networks.json`.
    const match = router.match(
      service,
      request.method,
      service === 'cinder' ? rest.replace(/^\/[^/]+/, '') : service === 'neutron' ? rest.replace(/\.json$/, '') : rest,
    );
    const body = readJson(request.body);
    const operation = match?.route.operation;
    return {
      request,
      service,
      match,
      body: body.value,
      operation: typeof operation === 'function' ? operation(body.value) : (operation ?? `${service}.(unknown)`),
      requestId: `req-${this.options.newId()}`,
      origin,
    };
  }

  answer(prepared: Prepared): HttpAnswer {
    try {
      const reply = this.#run(prepared);
      return this.#finish(prepared, reply);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.refuse(prepared, error);
    }
  }

  refuse(prepared: Prepared, refusal: Refusal): HttpAnswer {
    const identityUrl = `${prepared.origin}/identity/v3`;
    const { body, headers } = errorBody(prepared.service, refusal, identityUrl);
    return this.#finish(prepared, { status: refusal.status, body, headers });
  }

  /** Ends the tokens of whoever sends this request. */
  expireTokens({ request }: Prepared): void {
    const caller = this.#callerOf(request);
    if (caller !== null) dropTokensOf(this.cloud, caller.user.id);
  }

  #run(prepared: Prepared): Reply {
    const { request, service, match, operation } = prepared;
    const { control } = this.options;
    if (
      service === 'nova' &&
      Buffer.byteLength(request.body ?? ' '.repeat(novaBodyLimitBytes + 1)) > novaBodyLimitBytes
    ) {
      throw new Refusal(413, 'Request is too large.', { fromMiddleware: true });
    }
    const caller = this.#callerOf(request);
    if (caller === null && match?.route.open !== true) throw unauthorized();
    const version = this.#versionOf(service, request);
    const isMissing = service === 'neutron' && isQos(request.path) && !this.cloud.extensions.has('qos');
    if (match === null || isMissing) throw notFound('The resource could not be found.');
    if (service === 'cinder') this.#checkProject(request.path, caller);
    // A body that is no JSON is read as none at all.
    if (request.body !== '' && prepared.body === undefined) throw badRequest('Malformed request body');
    // The first touch of Neutron makes the default group of the project.
    if (service === 'neutron' && caller?.project) defaultGroupOf(this.cloud, caller.project.id);
    const { params } = match;
    const { cloud } = this;
    const call = new Call({ ...prepared, params, cloud, caller, version });
    cloud.createdInCall = [];
    const reply = match.route.run(call);
    const made = cloud.createdInCall;
    const hide = made.length === 0 ? null : control.takeFault('list', operation);
    if (hide !== null) cloud.hidden.hide(made, hide.hideMs);
    return reply;
  }

  /** Cinder's paths name the project of the token. */
  #checkProject(path: string, caller: Caller | null): void {
    const named = path.slice(basePaths.cinder.length + 1).split('/')[0];
    if (named !== caller?.project?.id) throw badRequest('Malformed request url');
  }

  #versionOf(service: Service, request: HttpRequest): number {
    const { compute, volume } = this.options.ranges;
    if (service === 'nova') return askedVersion(compute, request);
    return service === 'cinder' ? askedVersion(volume, request) : 0;
  }

  #callerOf(request: HttpRequest): Caller | null {
    const token = request.headers['x-auth-token'];
    return callerOf(this.cloud, typeof token === 'string' ? token : undefined);
  }

  #finish(prepared: Prepared, reply: Reply): HttpAnswer {
    const { service, requestId, request } = prepared;
    const headers: Record<string, string> = { 'x-openstack-request-id': requestId, ...reply.headers };
    if (service === 'nova' || service === 'cinder') {
      headers['x-compute-request-id'] = requestId;
      headers['vary'] = 'OpenStack-API-Version';
      const range = this.options.ranges[service === 'nova' ? 'compute' : 'volume'];
      headers['openstack-api-version'] = `${range.name} ${range.major}.${this.#shownVersion(range, request)}`;
    }
    if (reply.body === undefined || request.method === 'HEAD') return { status: reply.status, headers, body: '' };
    headers['content-type'] ??= 'application/json';
    return { status: reply.status, headers, body: JSON.stringify(reply.body) };
  }

  /** A version that was refused is answered with the lowest. */
  #shownVersion(range: VersionRange, request: HttpRequest): number {
    try {
      return askedVersion(range, request);
    } catch (error) {
      if (error instanceof Refusal) return range.minimum;
      throw error;
    }
  }

  #newCloud(): Cloud {
    const { control, scheduler, newId, region, tokenLifeMs, quotaFactor, withoutExtensions, seeds } = this.options;
    const cloud = new Cloud(control, new Works(control, scheduler), newId, control.random, region, tokenLifeMs);
    cloud.quotas.factor = quotaFactor;
    for (const alias of withoutExtensions) cloud.extensions.delete(alias);
    plantSeedData(cloud, seeds);
    return cloud;
  }
}

/** Without the extension Neutron has no such paths. */
function isQos(path: string): boolean {
  return path.startsWith(`${basePaths.neutron}/qos/`);
}

function serviceOf(path: string): Service | null {
  for (const [service, base] of Object.entries(basePaths)) {
    if (path === base || path.startsWith(`${base}/`)) return service as Service;
  }
  return null;
}

function readJson(text: string | null): { value: unknown } {
  try {
    return { value: text === null || text === '' ? undefined : (JSON.parse(text) as unknown) };
  } catch {
    return { value: undefined };
  }
}
