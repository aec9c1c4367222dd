import { simulatedOpenStack } from '../../src/simulators/openstack/server.js';
import { simulatedCloudOf } from '../../src/simulators/registry.js';
import { strangerOfOpenStack } from './stranger-openstack.js';
import { adminPassword, latencyOf, type TestCloud } from './test-cloud.js';

const creates = ['nova.servers.create', 'cinder.volumes.create', 'neutron.floatingips.create'];

export const openstack: TestCloud = {
  operations: {
    'create a VM': 'nova.servers.create',
    'create a disk': 'cinder.volumes.create',
    'reserve an address': 'neutron.floatingips.create',
    // Its description carries the marker from the start.
    'mark an address': null,
    'attach a disk': 'nova.volume_attachments.create',
    'bind an address': 'neutron.floatingips.update',
    'destroy a VM': 'nova.servers.delete',
    'make a network': 'neutron.networks.create',
    'make a part of a network': 'neutron.subnets.create',
    'make an offering': 'neutron.qos.policies.create',
  },
  refusals: {
    quota: {
      kind: 'error',
      status: 403,
      errortext: 'Quota exceeded for resources: Requested 1, but already used 1 of 1',
    },
    'not yours': { kind: 'error', status: 403, errortext: "Policy doesn't allow it to be performed." },
    impossible: { kind: 'error', status: 400, errortext: 'Invalid volume: it cannot be attached.' },
    'no room': { kind: 'job-fails', errortext: 'No valid host was found. There are not enough hosts available.' },
  },
  world: {
    build: (random) =>
      simulatedOpenStack({
        seed: random.int(1, 1e9),
        latencyMs: latencyOf(random),
        adminPassword,
        // Ten orders of one account are more than DevStack's ten volumes.
        quotaFactor: 10,
        tokenLifeMs: random.pick([3_000, 60_000, 3_600_000]),
        computeMaximum: random.pick(['2.67', '2.79', '2.93']),
      }),
    servicePath: simulatedCloudOf('openstack').servicePath,
    settings: simulatedCloudOf('openstack').settings,
    credentials: () => ({ username: 'admin', password: adminPassword }),
    creates,
    some: ['*', '*', 'keystone.*', 'nova.*', 'cinder.*', 'neutron.*', 'nova.servers.*', ...creates],
    changes: ['*', 'neutron.*', 'cinder.volumes.*', 'nova.volume_attachments.create', ...creates],
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
    isChange: (name) => !/^(GET|HEAD) /.test(name) && !name.endsWith('/auth/tokens'),
    shared: [
      'keystone.projects.create',
      'keystone.users.create',
      'neutron.networks.create',
      'neutron.subnets.create',
      'neutron.routers.create',
      'neutron.qos.policies.create',
    ],
    stuck: () => ({ status: 403, errortext: "Policy doesn't allow it to be performed." }),
    services: ['', '/identity/', '/compute/', '/volume/', '/network/'],
    // One administrator and one password: it is set anew at the platform, and stays what it was.
    rotated: (before) => before,
    stranger: strangerOfOpenStack,
    // No OpenStack service knows a request again.
    mayDouble: (name) => !name.startsWith('POST') || name.endsWith('/auth/tokens'),
  },
};
