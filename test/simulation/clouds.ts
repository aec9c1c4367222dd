/** The clouds that a world may be built on, and the words their faults are told in. */
import type { FaultRequest } from '../../src/simulators/faults.js';
import type { SimulatedCloud } from '../../src/simulators/http.js';
import { defaultApiKey, defaultSecretKey } from '../../src/simulators/cloudstack/seed-data.js';
import { simulatedCloudStack } from '../../src/simulators/cloudstack/server.js';
import { simulatedOpenStack } from '../../src/simulators/openstack/server.js';
import { simulatedCloudOf } from '../../src/simulators/registry.js';
import type { JsonObject } from '../../src/json.js';
import type { Chance } from './chance.js';

/** Part of every cloud's secrets. */
export const adminPassword = 'simulated-admin-password';

export interface WorldCloud {
  /** With its moods: how long jobs take, how long a log-in lasts. */
  build(random: Chance): SimulatedCloud;
  servicePath: string;
  settings: Readonly<JsonObject>;
  credentials(random: Chance): Record<string, string>;
  /** What makes something that costs money. */
  creates: string[];
  /** Operations, and beginnings of them, that faults of requests strike; and those that faults of effects and jobs do. */
  some: string[];
  changes: string[];
  /** What a job-vanishes may strike instead of this. */
  forgettable(operation: string): string;
  /** A refusal for want of room: at once, nothing done. */
  quota(random: Chance): Partial<FaultRequest>;
  /** Why a job failed: what is said decides whether trying again makes sense. */
  jobError(random: Chance): Partial<FaultRequest>;
  /** What a request is called in the trace. */
  nameOf(method: string, path: string, body: string): string;
  /** Whether the cloud takes a second copy of the same request without making a second thing. */
  mayDouble(name: string): boolean;
}

const latencyOf = (random: Chance) => ({ min: 20, max: random.pick([100, 400, 1_500]) });
const cloudStackCreates = ['deployVirtualMachine', 'createVolume', 'associateIpAddress'];
const openStackCreates = ['nova.servers.create', 'cinder.volumes.create', 'neutron.floatingips.create'];

export const worldClouds: Readonly<Record<string, WorldCloud>> = {
  cloudstack: {
    build: (random) =>
      simulatedCloudStack({
        seed: random.int(1, 1e9),
        latencyMs: latencyOf(random),
        adminPassword,
        sessionTimeoutSeconds: random.pick([3, 60, 1_800]),
      }),
    servicePath: simulatedCloudOf('cloudstack').servicePath,
    settings: { createOfferings: true },
    credentials: (random): Record<string, string> =>
      random.happens(0.5)
        ? { apiKey: defaultApiKey, secretKey: defaultSecretKey }
        : { username: 'admin', password: adminPassword, domain: '/' },
    creates: cloudStackCreates,
    some: ['*', '*', 'list*', 'query*', 'create*', 'attach*', 'associate*', 'deploy*', ...cloudStackCreates],
    changes: ['*', 'create*', 'attachVolume', 'associate*', ...cloudStackCreates],
    // An address has no marker until a second request tags it. When the first one's answer is lost, its job is all that tells
    // of it; a cloud that forgets the job as well leaves an address that nobody can know (docs/operations.md, "What is not
    // covered").
    forgettable: (operation) =>
      operation === '*' || operation.startsWith('associate') ? 'deployVirtualMachine' : operation,
    quota: (random) => ({
      errorcode: random.pick([535, 532, 533, 534, 431]),
      errortext: 'Maximum number of resources is exceeded',
    }),
    jobError: (random) => (random.happens(0.5) ? { errorcode: random.pick([530, 533, 534, 535, 431]) } : {}),
    nameOf: (_method, _path, body) => new URLSearchParams(body).get('command') ?? '',
    // It refuses the second of two deployments, but makes a second disk or address without a word.
    mayDouble: (command) => !/^(create|associate)/.test(command),
  },
  openstack: {
    build: (random) =>
      simulatedOpenStack({
        seed: random.int(1, 1e9),
        latencyMs: latencyOf(random),
        adminPassword,
        tokenLifeMs: random.pick([3_000, 60_000, 3_600_000]),
        computeMaximum: random.pick(['2.67', '2.79', '2.93']),
      }),
    servicePath: simulatedCloudOf('openstack').servicePath,
    settings: simulatedCloudOf('openstack').settings,
    credentials: () => ({ username: 'admin', password: adminPassword }),
    creates: openStackCreates,
    some: ['*', '*', 'keystone.*', 'nova.*', 'cinder.*', 'neutron.*', 'nova.servers.*', ...openStackCreates],
    changes: ['*', 'neutron.*', 'cinder.volumes.*', 'nova.volume_attachments.create', ...openStackCreates],
    forgettable: (operation) => operation,
    quota: (random) => ({
      status: random.pick([403, 409, 413, 400]),
      errortext: random.pick(['Quota exceeded for resources', 'It cannot be done']),
    }),
    jobError: (random) =>
      random.happens(0.5) ? { errortext: random.pick(['No valid host was found.', 'Quota exceeded: no room']) } : {},
    nameOf: (method, path, body) => {
      const action = path.endsWith('/action') ? ` ${Object.keys(JSON.parse(body || '{}') as object).join()}` : '';
      return `${method} ${path.replaceAll(/[0-9a-f]{8}-?[0-9a-f-]{15,}/g, '…')}${action}`;
    },
    // No OpenStack service knows a request again.
    mayDouble: (name) => !name.startsWith('POST') || name.endsWith('/auth/tokens'),
  },
};
