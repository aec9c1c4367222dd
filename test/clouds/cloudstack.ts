import { defaultApiKey, defaultSecretKey } from '../../src/simulators/cloudstack/seed-data.js';
import { simulatedCloudStack } from '../../src/simulators/cloudstack/server.js';
import { simulatedCloudOf } from '../../src/simulators/registry.js';
import { strangerOfCloudStack } from './stranger-cloudstack.js';
import { adminPassword, latencyOf, type TestCloud } from './test-cloud.js';

const creates = ['deployVirtualMachine', 'createVolume', 'associateIpAddress'];

export const cloudstack: TestCloud = {
  operations: {
    'create a VM': 'deployVirtualMachine',
    'create a disk': 'createVolume',
    'reserve an address': 'associateIpAddress',
    'mark an address': 'createTags',
    'attach a disk': 'attachVolume',
    'bind an address': 'enableStaticNat',
    'destroy a VM': 'destroyVirtualMachine',
    'make a network': 'createVPC',
    'make a part of a network': 'createNetwork',
    'make an offering': 'createServiceOffering',
  },
  refusals: {
    quota: { kind: 'error', status: 535, errorcode: 535, errortext: 'quota' },
    'not yours': { kind: 'error', status: 531, errorcode: 531, errortext: 'not yours' },
    'no room': { kind: 'job-fails', errorcode: 533 },
    impossible: { kind: 'job-fails', errorcode: 431 },
  },
  world: {
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
    creates,
    some: ['*', '*', 'list*', 'query*', 'create*', 'attach*', 'associate*', 'deploy*', ...creates],
    changes: ['*', 'create*', 'attachVolume', 'associate*', ...creates],
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
    isChange: (command) => !/^(list|query|get|login|logout)/.test(command),
    shared: ['createVPC', 'createNetworkACLList', 'createNetworkACL', 'createNetwork', 'createServiceOffering'],
    stuck: () => ({ errorcode: 531, errortext: 'The caller may not do that' }),
    // One management server answers for everything.
    services: [''],
    rotated: (before): Record<string, string> =>
      'apiKey' in before
        ? { username: 'admin', password: adminPassword, domain: '/' }
        : { apiKey: defaultApiKey, secretKey: defaultSecretKey },
    stranger: strangerOfCloudStack,
    // It refuses the second of two deployments, but makes a second disk or address without a word.
    mayDouble: (command) => !/^(create|associate)/.test(command),
  },
};
