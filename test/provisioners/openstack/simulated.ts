import type { OperationName } from '../../../src/planner/plan.js';
import { openAccount, openstack } from '../../../src/provisioners/openstack/index.js';
import type { Account } from '../../../src/provisioners/openstack/account.js';
import type { PlatformConfig, ResolveRequest } from '../../../src/provisioners/provisioner.js';
import { startSimulatedOpenStack } from '../../../src/simulators/openstack/server.js';
import type { CloudUnderTest } from '../../conformance/provisioner.js';
import { anOrder, platformId, zoneId } from '../an-order.js';
import { type Controlled, controlled } from '../controlled.js';

const credentials = { username: 'admin', password: 'test-password' };

/** The call whose answer is lost when an operation's is. */
const calls: Partial<Record<OperationName, string>> = {
  'vm.create': 'nova.servers.create',
  'vm.delete': 'nova.servers.delete',
  'ebs.create': 'cinder.volumes.create',
  'ebs.attach': 'nova.volume_attachments.create',
  'ebs.detach': 'nova.volume_attachments.delete',
  'ebs.delete': 'cinder.volumes.delete',
  'network.reserve': 'neutron.floatingips.create',
  'network.bind': 'neutron.floatingips.update',
  'network.unbind': 'neutron.floatingips.update',
  'network.release': 'neutron.floatingips.delete',
};

export interface Simulated extends CloudUnderTest, Controlled {
  config: PlatformConfig;
  /** The adapter's own way in, for what is done beside orders and for looking. */
  account: Account;
}

export interface SimulatedOptions {
  settings?: PlatformConfig['settings'];
  credentials?: Record<string, string>;
  computeMaximum?: string;
  volumeMaximum?: string;
  withoutExtensions?: string[];
  request?: ResolveRequest;
}

export async function simulated(options: SimulatedOptions = {}): Promise<Simulated> {
  const { computeMaximum, volumeMaximum, withoutExtensions } = options;
  const server = await startSimulatedOpenStack({
    adminUsername: credentials.username,
    adminPassword: credentials.password,
    latencyMs: { min: 5, max: 25 },
    ...(computeMaximum === undefined ? {} : { computeMaximum }),
    ...(volumeMaximum === undefined ? {} : { volumeMaximum }),
    ...(withoutExtensions && { withoutExtensions }),
  });
  const config: PlatformConfig = {
    id: platformId,
    name: 'simulated',
    kind: 'openstack',
    serviceUrl: server.serviceUrl,
    credentials: options.credentials ?? credentials,
    settings: { zones: { [zoneId]: 'az1' }, callsPerSecond: 5000, requestTimeoutMs: 20_000, ...options.settings },
  };
  const provisioner = openstack(config);
  const account = openAccount(config);
  const control = controlled(server.url, {
    lives: ({ kind, state }) =>
      kind !== 'port' && !['DELETED', 'SOFT_DELETED', 'deleting', 'deleted'].includes(state ?? ''),
    isBought: () => true,
  });
  return {
    config,
    account,
    provisioner,
    request: options.request ?? anOrder(),
    ...control,
    loseNextAnswer: (operation) => control.fault(calls[operation] ?? operation, 'lose-answer'),
    async close() {
      await account.client.close();
      await provisioner.close();
      await server.close();
    },
  };
}
