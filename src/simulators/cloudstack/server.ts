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
import { Api } from './api.js';
import { behaviourOf } from './behaviour.js';
import { ApiError, unauthorized } from './errors.js';
import { readParameters, type RawParameters } from './parameters.js';
import { simulatedResources } from './resources.js';
import { defaultApiKey, defaultSecretKey } from './seed-data.js';

export interface SimulatedCloudStackOptions {
  port?: number;
  host?: string;
  /** `4.22` by default; `4.4`, `4.9`, `4.13`, `4.19` switch behaviours (see `behaviour.ts`). */
  version?: string;
  apiKey?: string;
  secretKey?: string;
  adminPassword?: string;
  /** How long jobs take. */
  latencyMs?: { min: number; max: number };
  /** Makes faults, latencies and ids repeatable; without it ids are random. */
  seed?: number;
  /** Reserved: the state lives in memory. */
  dataFile?: string | null;
  sessionTimeoutSeconds?: number;
  jobExpireMinutes?: number;
  expungeDelaySeconds?: number;
  /** How many public addresses there are; without it some 16,000. */
  publicAddresses?: number;
  /** 4.20+: refuse GET for commands that change something, and requests without a near expiry. */
  enforcePostAndTimestamps?: boolean;
}

/**
 * Starts a simulated CloudStack on its real wire format, with the control side of the contract on the same port. The code is
 * written from the wire reference alone and shares nothing with the adapter, so that both cannot have the same mistake.
 */
export async function startSimulatedCloudStack(
  options: SimulatedCloudStackOptions = {},
): Promise<{ url: string; serviceUrl: string; port: number; close(): Promise<void> }> {
  return startSimulated(simulatedCloudStack(options), options, '/client/api');
}

/** The cloud behind that listener; also for tests that bring a network of their own. */
export function simulatedCloudStack(options: Omit<SimulatedCloudStackOptions, 'port' | 'host'> = {}): SimulatedCloud {
  const behaviour = behaviourOf(options.version ?? '4.22');
  const control = new SimulatorControl({
    seed: options.seed ?? 1,
    latency: options.latencyMs ?? { min: 200, max: 800 },
  });
  const scheduler = new Scheduler();
  const idRandom = options.seed === undefined ? null : seededRandom(options.seed + 0x9e37);
  const api = new Api({
    behaviour,
    control,
    scheduler,
    newId: idRandom === null ? randomUUID : () => randomId(idRandom),
    keys: {
      apiKey: options.apiKey ?? defaultApiKey,
      secretKey: options.secretKey ?? defaultSecretKey,
      adminPassword: options.adminPassword ?? 'password',
    },
    sessionTimeoutSeconds: options.sessionTimeoutSeconds ?? 1800,
    jobExpireMs: (options.jobExpireMinutes ?? 1440) * 60_000,
    expungeDelayMs: (options.expungeDelaySeconds ?? 86_400) * 1000,
    publicAddresses: options.publicAddresses,
    enforcePostAndTimestamps: options.enforcePostAndTimestamps ?? false,
  });
  control.attach({
    resources: () => {
      api.cloud.settle(Date.now());
      return simulatedResources(api.cloud);
    },
    reset: () => api.reset(),
  });

  function handle(request: HttpRequest): SimulatedAnswer {
    if (request.path.startsWith('/_sim')) return control.handle(request);
    if (!/^\/client\/api\/?$/.test(request.path)) {
      return {
        status: 404,
        headers: { 'content-type': 'text/html' },
        body: '<html><body>HTTP ERROR 404 Not Found</body></html>',
      };
    }
    let raw: RawParameters;
    try {
      raw = readParameters(request);
    } catch (error) {
      if (error instanceof ApiError) return api.refuse(request, new Map<string, string>(), error);
      throw error;
    }
    const operation = raw.get('command') ?? '(none)';
    control.countCall(api.knows(operation) ? operation : '(unknown)');
    return control.frozen.whenThawed([operation], () => {
      const fault = control.takeFault('request', operation);
      return fault === null ? api.answer(request, raw) : answerWithFault(fault, request, raw);
    });
  }

  function answerWithFault(fault: Fault, request: HttpRequest, raw: RawParameters): HttpAnswer | 'cut' {
    const work = () => api.answer(request, raw);
    const refuse = (errorcode: number, text: string, cserrorcode: number | null) => {
      if (fault.afterEffect === true) work();
      const error = new ApiError(
        fault.errorcode ?? errorcode,
        fault.errortext ?? text,
        fault.cserrorcode ?? cserrorcode,
      );
      const answer = api.refuse(request, raw, error);
      return { ...answer, status: fault.status ?? answer.status };
    };
    switch (fault.kind) {
      case 'error':
        return refuse(530, 'Internal error executing command, please contact your system administrator', 4250);
      case 'throttle':
        return refuse(
          429,
          `The given user has reached his/her account api limit, please retry after ${fault.waitMs} ms.`,
          4545,
        );
      case 'unavailable':
        return refuse(503, 'Service unavailable: the management server is being shut down', 9999);
      case 'expire-session':
        api.endSession(request);
        return api.refuse(request, raw, unauthorized(fault.errortext));
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
