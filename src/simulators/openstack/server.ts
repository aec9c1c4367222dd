import { randomUUID } from 'node:crypto';
import { SimulatorControl } from '../control.js';
import type { Fault } from '../faults.js';
import {
  startSimulated,
  type HttpAnswer,
  type HttpRequest,
  type SimulatedAnswer,
  type SimulatedCloud,
} from '../http.js';
import { answerOnTheWay } from '../on-the-way.js';
import { randomId, seededRandom } from '../random.js';
import { Scheduler } from '../scheduler.js';
import { Api, type Prepared } from './api.js';
import { servicesAsked } from './services-asked.js';
import { Refusal, unauthorized, type Service } from './errors.js';
import { rangeOf } from './microversion.js';
import { simulatedResources } from './resources.js';
import { defaultExternalCidrs } from './seed-data.js';

export interface SimulatedOpenStackOptions {
  port?: number;
  host?: string;
  /** The administrator: `admin` by default, in the domain Default, with the role admin on the project `admin`. */
  adminUsername?: string;
  adminPassword?: string;
  /** When that password ends, as a time in ms; never, when left out. */
  adminPasswordExpiresMs?: number;
  /** `RegionOne` by default. */
  region?: string;
  /** How long a token lives: an hour by default. */
  tokenLifeMs?: number;
  /** How much larger than the release's own the default quotas of projects are; 1 by default. */
  quotaFactor?: number;
  /** Extensions that Neutron does not have, such as `qos-fip`; it has all of the reference by default. */
  withoutExtensions?: string[];
  /** How long work takes that is accepted first and done later. */
  latencyMs?: { min: number; max: number };
  /** Makes faults, latencies and ids repeatable; without it ids are random. */
  seed?: number;
  /** The highest microversion of Nova, `2.93` by default. */
  computeMaximum?: string;
  /** The highest microversion of Cinder, `3.70` by default. */
  volumeMaximum?: string;
  /** The addresses of the external network. */
  externalCidrs?: string[];
}

/** Made up, and only good for a simulated cloud. */
export const defaultAdminUsername = 'admin';
export const defaultAdminPassword = 'simulated-openstack-password-not-a-secret';

/**
 * Starts a simulated OpenStack (Keystone, Nova, Cinder, Neutron, Glance) on its real wire format, below one origin as
 * DevStack has it, with the control side of the contract on the same port. The code is written from the wire reference alone
 * and shares nothing with the adapter, so that both cannot have the same mistake.
 */
export async function startSimulatedOpenStack(
  options: SimulatedOpenStackOptions = {},
): Promise<{ url: string; serviceUrl: string; port: number; close(): Promise<void> }> {
  return startSimulated(simulatedOpenStack(options), options, '/identity/v3');
}

/** The cloud behind that listener; also for tests that bring a network of their own. */
export function simulatedOpenStack(options: Omit<SimulatedOpenStackOptions, 'port' | 'host'> = {}): SimulatedCloud {
  const control = new SimulatorControl({
    seed: options.seed ?? 1,
    latency: options.latencyMs ?? { min: 200, max: 800 },
  });
  const scheduler = new Scheduler();
  const idRandom = options.seed === undefined ? null : seededRandom(options.seed + 0x9e37);
  const api = new Api({
    control,
    scheduler,
    newId: idRandom === null ? randomUUID : () => randomId(idRandom),
    region: options.region ?? 'RegionOne',
    tokenLifeMs: options.tokenLifeMs ?? 3_600_000,
    quotaFactor: options.quotaFactor ?? 1,
    withoutExtensions: options.withoutExtensions ?? [],
    ranges: {
      compute: rangeOf('compute', options.computeMaximum ?? '2.93'),
      volume: rangeOf('volume', options.volumeMaximum ?? '3.70'),
    },
    seeds: {
      adminUsername: options.adminUsername ?? defaultAdminUsername,
      adminPassword: options.adminPassword ?? defaultAdminPassword,
      ...(options.adminPasswordExpiresMs !== undefined && {
        adminPasswordExpiresMs: options.adminPasswordExpiresMs,
      }),
      externalCidrs: options.externalCidrs ?? defaultExternalCidrs,
    },
  });
  control.attach({
    resources: () => simulatedResources(api.cloud),
    reset: () => api.reset(),
  });

  function handle(request: HttpRequest): SimulatedAnswer {
    if (request.path.startsWith('/_sim')) return control.handle(request);
    const prepared = api.prepare(request);
    if (prepared === null) {
      return { status: 404, headers: { 'content-type': 'text/html' }, body: '<html><body>404 Not Found</body></html>' };
    }
    if ('status' in prepared) return prepared;
    const { operation, match } = prepared;
    control.countCall(match === null ? '(unknown)' : operation);
    return control.frozen.whenThawed(
      control.frozen.any ? [operation, ...servicesAsked(prepared, api)] : [operation],
      () => {
        const fault = control.takeFault('request', operation);
        return fault === null ? api.answer(prepared) : answerWithFault(fault, prepared);
      },
    );
  }

  function answerWithFault(fault: Fault, prepared: Prepared): HttpAnswer | 'cut' {
    const work = () => api.answer(prepared);
    const refuse = (status: number, text: string, more: Refusal['more'] = {}) => {
      if (fault.afterEffect === true) work();
      return api.refuse(prepared, new Refusal(fault.status ?? status, fault.errortext ?? text, more));
    };
    switch (fault.kind) {
      case 'error':
        return refuse(500, unexpected[prepared.service], { type: 'HTTPInternalServerError' });
      case 'throttle':
        // By a proxy in front: the services have no rate limit of their own.
        return refuse(429, 'This request was rate-limited.', {
          fromMiddleware: true,
          headers: { 'retry-after': String(Math.ceil(fault.waitMs / 1000)) },
        });
      case 'unavailable':
        return refuse(503, 'The server is currently unavailable. Please try again at a later time.', {
          fromMiddleware: true,
        });
      case 'expire-session':
        api.expireTokens(prepared);
        return api.refuse(prepared, unauthorized());
      default:
        return answerOnTheWay(fault, work);
    }
  }

  function close(): void {
    scheduler.clear();
    control.frozen.clear();
  }

  return { handle, close };
}

/** What each service says of a defect of its own. */
const unexpected: Record<Service, string> = {
  keystone: 'An unexpected error prevented the server from fulfilling your request.',
  nova: "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n<class 'oslo_messaging.exceptions.MessagingTimeout'>",
  cinder: 'The server has either erred or is incapable of performing the requested operation.',
  neutron: 'Request Failed: internal server error while processing your request.',
  glance: 'The server has either erred or is incapable of performing the requested operation.',
};
