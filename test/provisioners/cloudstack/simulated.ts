import type { OperationName } from '../../../src/planner/plan.js';
import type { DraftPart } from '../../../src/planner/plan.js';
import { cloudstack } from '../../../src/provisioners/cloudstack/index.js';
import type { PlatformConfig, ResolveRequest } from '../../../src/provisioners/provisioner.js';
import type { EbsConfig, NetworkConfig, VmConfig, WorkOrder, WorkOrderItem } from '../../../src/schemas/work-order.js';
import { startSimulatedCloudStack } from '../../../src/simulators/cloudstack/server.js';
import type { CloudUnderTest } from '../../conformance/provisioner.js';

export const zoneId = '0d86f114-7153-4d71-a835-7916a41ab0b7';
export const imageId = '357fb0ae-3543-4893-9d1f-ef0d04da60dd';
const keys = { apiKey: 'test-api-key', secretKey: 'test-secret-key' };
const platformId = 'p1';

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

export interface Simulated extends CloudUnderTest {
  fault(operation: string, kind: string, fields?: object): Promise<void>;
  resources(): Promise<SimulatedThing[]>;
  calls(): Promise<Record<string, number>>;
  config: PlatformConfig;
}

export interface SimulatedThing {
  kind: string;
  id: string;
  name: string | null;
  marker: string | null;
  state: string | null;
  attachedTo: string | null;
  details: Record<string, unknown>;
}

export interface SimulatedOptions {
  version?: string;
  settings?: PlatformConfig['settings'];
  credentials?: Record<string, string>;
}

export async function simulated(options: SimulatedOptions = {}): Promise<Simulated> {
  const server = await startSimulatedCloudStack({
    ...keys,
    version: options.version ?? '4.22',
    latencyMs: { min: 5, max: 25 },
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
  const control = async (path: string, body?: unknown): Promise<unknown> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${server.url}/_sim/${path}`, init);
    if (!answer.ok) throw new Error(`/_sim/${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const fault = async (operation: string, kind: string, fields: object = {}): Promise<void> => {
    await control('faults', [{ operation, kind, times: 1, ...fields }]);
  };
  const resources = async (): Promise<SimulatedThing[]> =>
    ((await control('resources')) as { resources: SimulatedThing[] }).resources;
  return {
    config,
    provisioner,
    request: anOrder(),
    fault,
    resources,
    calls: async () => ((await control('calls')) as { calls: Record<string, number> }).calls,
    loseNextAnswer: (operation) => fault(commands[operation] ?? operation, 'lose-answer'),
    alive: async (marker) => (await resources()).filter((one) => one.marker === marker && isAlive(one)),
    countAlive: async () => (await resources()).filter(isAlive).length,
    ids: async () =>
      (await resources())
        .filter((one) => ['vm', 'volume', 'address'].includes(one.kind) && isAlive(one))
        .filter(({ details }) => details['type'] !== 'ROOT' && details['sourceNat'] !== true)
        .map(({ id }) => id),
    async close() {
      await provisioner.close();
      await server.close();
    },
  };
}

const isAlive = ({ kind, state }: SimulatedThing): boolean =>
  kind !== 'nic' && !['Destroyed', 'Expunging', 'Expunged', 'Releasing', 'Free'].includes(state ?? '');

export const vmConfig: VmConfig = {
  vmName: 'MyHost-OMS1',
  quantity: 1,
  cpuCount: 1,
  memoryMib: 1024,
  rootDiskGib: 40,
  rootDiskType: 'SATA',
  imageId,
  zoneId,
  networkId: null,
  networkCards: [],
  securityGroupId: null,
  keyPairId: null,
  hasRootPassword: true,
  extra: {},
};
export const ebsConfig: EbsConfig = {
  volumeName: 'OMS-Volume',
  quantity: 1,
  sizeGib: 80,
  volumeType: 'SATA',
  zoneId: null,
  backupVolumeId: null,
  extra: {},
};

export interface OrderOptions {
  vm?: Partial<VmConfig>;
  ebs?: Partial<EbsConfig>;
  network?: Partial<NetworkConfig>;
  bandwidthMbps?: number | null;
  systemOfferingIds?: Record<string, string>;
}

/** A VM with a disk and an address of 2 Mbit/s, as in the sample orders. */
export function anOrder(options: OrderOptions = {}): ResolveRequest {
  const base = { platformId, echo: {} };
  const items: WorkOrderItem[] = [
    {
      ...base,
      workOrderItemId: '83',
      resourceId: 'vm-1',
      master: true,
      resourceType: 'VM',
      config: { ...vmConfig, ...options.vm },
    },
    {
      ...base,
      workOrderItemId: '82',
      resourceId: 'ebs-1',
      master: false,
      resourceType: 'EBS',
      config: { ...ebsConfig, ...options.ebs },
    },
    {
      ...base,
      workOrderItemId: '85',
      resourceId: 'net-1',
      master: false,
      resourceType: 'NETWORK',
      config: { bandwidthMbps: 2, extra: {}, ...options.network },
    },
  ];
  const order: WorkOrder = {
    producer: 'default',
    workOrderId: 'WO-1',
    userId: 'u1',
    accountId: 'a1',
    resourceType: 'VM',
    workOrderType: 1,
    callbackUrl: null,
    systemOfferingIds: options.systemOfferingIds ?? {},
    items,
    echo: {},
  };
  const vmKey = 'VM/vm-1#1';
  const parts = items.map((item, itemIndex): DraftPart => ({
    key: `${item.resourceType}/${item.resourceId}#1`,
    itemIndex,
    index: 1,
    resourceType: item.resourceType,
    platformId,
    item,
    vmKey: item.resourceType === 'VM' ? null : vmKey,
    zoneId: options.vm?.zoneId ?? zoneId,
    bandwidthMbps:
      item.resourceType === 'VM' ? (options.bandwidthMbps === undefined ? 2 : options.bandwidthMbps) : null,
  }));
  return { order, parts };
}
