import type { OperationName } from '../../../src/planner/plan.js';
import { cloudstack } from '../../../src/provisioners/cloudstack/index.js';
import type { PlatformConfig } from '../../../src/provisioners/provisioner.js';
import { startSimulatedCloudStack } from '../../../src/simulators/cloudstack/server.js';
import type { CloudUnderTest } from '../../conformance/provisioner.js';
import { anOrder, platformId } from '../an-order.js';
import { type Controlled, controlled } from '../controlled.js';

const keys = { apiKey: 'test-api-key', secretKey: 'test-secret-key' };

/** The command whose answer is lost when an operation's is. */
const commands: Partial<Record<OperationName, string>> = {
  'vm.create': 'deployVirtualMachine',
  'vm.delete': 'destroyVirtualMachine',
  'ebs.create': 'createVolume',
  'ebs.attach': 'attachVolume',
  'ebs.detach': 'detachVolume',
  'ebs.delete': 'deleteVolume',
  'network.reserve': 'associateIpAddress',
  'network.bind': 'enableStaticNat',
  'network.unbind': 'disableStaticNat',
  'network.release': 'disassociateIpAddress',
  'service-offering.ensure': 'createServiceOffering',
};

export interface Simulated extends CloudUnderTest, Controlled {
  config: PlatformConfig;
  /** How long the operation takes from now on. */
  takes(operation: string, ms: number): Promise<void>;
}

export interface SimulatedOptions {
  version?: string;
  settings?: PlatformConfig['settings'];
  credentials?: Record<string, string>;
  publicAddresses?: number;
}

export async function simulated(options: SimulatedOptions = {}): Promise<Simulated> {
  const server = await startSimulatedCloudStack({
    ...keys,
    version: options.version ?? '4.22',
    latencyMs: { min: 5, max: 25 },
    ...(options.publicAddresses === undefined ? {} : { publicAddresses: options.publicAddresses }),
  });
  const config: PlatformConfig = {
    id: platformId,
    name: 'simulated',
    kind: 'cloudstack',
    serviceUrl: server.serviceUrl,
    credentials: options.credentials ?? keys,
    settings: { createOfferings: true, callsPerSecond: 5000, requestTimeoutMs: 20_000, ...options.settings },
  };
  const provisioner = cloudstack(config);
  const control = controlled(server.url, {
    lives: ({ kind, state }) =>
      kind !== 'nic' && !['Destroyed', 'Expunging', 'Expunged', 'Releasing', 'Free'].includes(state ?? ''),
    isBought: ({ details }) => details['type'] !== 'ROOT' && details['sourceNat'] !== true,
  });
  return {
    config,
    provisioner,
    request: anOrder(),
    ...control,
    takes: async (operation, ms) => {
      const body = JSON.stringify({ operation: { [operation]: { minMs: ms, maxMs: ms } } });
      const { ok } = await fetch(`${server.url}/_sim/latency`, { method: 'POST', body });
      if (!ok) throw new Error('the latency was not taken');
    },
    loseNextAnswer: (operation) => control.fault(commands[operation] ?? operation, 'lose-answer'),
    async close() {
      await provisioner.close();
      await server.close();
    },
  };
}
