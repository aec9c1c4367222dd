import type { EbsItem, NetworkItem, VmItem, WorkOrder, WorkOrderItem } from '../../src/schemas/work-order.js';

/** The data centre that the sample orders name. */
export const samplePlatformId = 'sjif259a8d3011e7aebb005056aaa8be';

const sampleMasterResourceId = '7e9cef89-2cc5-44fb-8e03-12989ad7c37a';
const bundleId = '2493e0f1-ff5f-4f80-bbf6-8c852e4aedc6';

/** What may differ from the sample: any field of the item, and single fields of its config. */
type Changes<Item extends WorkOrderItem> = Partial<Omit<Item, 'config' | 'resourceType'>> & {
  config?: Partial<Item['config']>;
};

/** Billing's own fields of an item, as order 60 has them. */
const itemEcho = (workOrderItemNo: number, innerOrderItemId: number, productId: number) => ({
  orderId: 60,
  orderItemId: '',
  innerOrderId: 55,
  innerOrderItemId,
  workOrderItemNo,
  masterOrderId: '87b632bb-ff7a-4e2c-8e0e-637e22c34227',
  masterResourceId: bundleId,
  productId,
  serviceTag: 'CVMS',
  resourceAction: 0,
  cycleType: 5,
});

/** One core, 1 GB, 40 GB root disk, root of its bundle. */
export function vmItem({ config, ...fields }: Changes<VmItem> = {}): VmItem {
  return {
    resourceType: 'VM',
    workOrderItemId: '83',
    resourceId: sampleMasterResourceId,
    platformId: samplePlatformId,
    master: true,
    echo: itemEcho(83, 114, 5),
    ...fields,
    config: {
      vmName: 'MyHost-OMS1',
      quantity: 1,
      cpuCount: 1,
      memoryMib: 1024,
      rootDiskGib: 40,
      rootDiskType: 'SATA',
      imageId: '357fb0ae-3543-4893-9d1f-ef0d04da60dd',
      zoneId: '0d86f114-7153-4d71-a835-7916a41ab0b7',
      networkId: null,
      networkCards: [],
      securityGroupId: null,
      keyPairId: null,
      hasRootPassword: true,
      extra: {},
      ...config,
    },
  };
}

/** An empty SATA disk of 80 GB without a zone of its own. */
export function ebsItem({ config, ...fields }: Changes<EbsItem> = {}): EbsItem {
  return {
    resourceType: 'EBS',
    workOrderItemId: '82',
    resourceId: '5656019a-6728-41be-97ad-120b778efb8f',
    platformId: samplePlatformId,
    master: false,
    echo: itemEcho(82, 113, 4),
    ...fields,
    config: {
      volumeName: 'OMS-Volume',
      quantity: 1,
      sizeGib: 80,
      volumeType: 'SATA',
      zoneId: null,
      backupVolumeId: null,
      extra: {},
      ...config,
    },
  };
}

/** A public address with 2 Mbit/s. */
export function networkItem({ config, ...fields }: Changes<NetworkItem> = {}): NetworkItem {
  return {
    resourceType: 'NETWORK',
    workOrderItemId: '85',
    resourceId: '4b81bbbc-a7c6-4d88-b64d-160bb0a89dfa',
    platformId: samplePlatformId,
    master: false,
    echo: itemEcho(85, 116, 6),
    ...fields,
    config: { bandwidthMbps: 2, extra: {}, ...config },
  };
}

/** An order of these items, with everything billing wants back. */
export function orderOf(items: WorkOrderItem[], fields: Partial<Omit<WorkOrder, 'items'>> = {}): WorkOrder {
  return {
    producer: 'default',
    workOrderId: 'WO20171214074649656662xb0y',
    userId: 'bac9eabf2308ee0410980e05c48af0a77eb',
    accountId: 'bacedc3cefb4da54b3790d2013e4734b0ef',
    resourceType: items[0]?.resourceType ?? 'VM',
    workOrderType: 1,
    callbackUrl: 'http://127.0.0.1:8895',
    systemOfferingIds: { 'System Offering For Software Router': '53db3c3e-2136-4579-8424-3497b9ed751e' },
    echo: {
      orderId: 60,
      masterOrderId: '87b632bb-ff7a-4e2c-8e0e-637e22c34227',
      innerOrderId: 55,
      resourceId: bundleId,
      workOrderNo: 42,
      accountType: '1',
    },
    ...fields,
    items,
  };
}

/** A single VM. */
export function vmOrder(changes: Changes<VmItem> = {}): WorkOrder {
  return orderOf([vmItem(changes)]);
}

/** Shaped like order 60: a SATA disk, the VM they belong to, an SSD disk, an address. */
export function bundleOrder(
  changes: { vm?: Changes<VmItem>; order?: Partial<Omit<WorkOrder, 'items'>> } = {},
): WorkOrder {
  const ssd = ebsItem({
    workOrderItemId: '84',
    resourceId: 'a11c3b09-f8fa-4c98-8e93-44e2508b889f',
    echo: itemEcho(84, 115, 3),
    config: { sizeGib: 40, volumeType: 'SSD' },
  });
  return orderOf([ebsItem(), vmItem(changes.vm), ssd, networkItem()], { resourceType: 'VM', ...changes.order });
}
