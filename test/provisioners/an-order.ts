/** The sample order in small, as adapters are asked to resolve it, whatever the cloud. */
import type { DraftPart } from '../../src/planner/plan.js';
import type { ResolveRequest } from '../../src/provisioners/provisioner.js';
import type { EbsConfig, NetworkConfig, VmConfig, WorkOrder, WorkOrderItem } from '../../src/schemas/work-order.js';
import { ebsItem } from '../support/orders.js';

export const zoneId = '0d86f114-7153-4d71-a835-7916a41ab0b7';
export const imageId = '357fb0ae-3543-4893-9d1f-ef0d04da60dd';
export const platformId = 'p1';

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
export const ebsConfig: EbsConfig = ebsItem().config;

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
