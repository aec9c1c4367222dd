import { randomUUID } from 'node:crypto';

interface OrderedItem {
  type: 'VM' | 'EBS' | 'NETWORK';
  config: object;
}

const zoneId = '0d86f114-7153-4d71-a835-7916a41ab0b7';

/** The wire text of a 3-item order (VM, disk, address) shaped like the real ones, with ids of its own. */
export function threeItemOrder(number: number, platformId: string, user = '0af77eb'): string {
  const address: OrderedItem = { type: 'NETWORK', config: { newBandwidthValue: '2' } };
  return orderText(number, platformId, user, [machines(1), disks(1), address]);
}

/** The wire text of an order of many pieces: a twentieth of them VMs, the rest disks, each attached to one of the VMs. */
export function orderOfPieces(number: number, platformId: string, user: string, pieces: number): string {
  const quantity = pieces / 20;
  return orderText(number, platformId, user, [
    machines(quantity),
    ...Array.from({ length: 19 }, () => disks(quantity)),
  ]);
}

function machines(quantity: number): OrderedItem {
  const config = {
    vmNumber: quantity,
    sysVolumeType: 'SATA',
    securityGroupId: null,
    imageId: '357fb0ae-3543-4893-9d1f-ef0d04da60dd',
    cpuNum: '1',
    keyPairId: null,
    osType: 0,
    sysVolumeSize: 40,
    networkId: '',
    rootPassword: 'Bench-pa55',
    zoneId,
    memSize: '1',
    networkCards: [{}],
    vmName: 'MyHost-OMS123',
    imageType: 0,
  };
  return { type: 'VM', config };
}

function disks(quantity: number): OrderedItem {
  const config = {
    dataVolumes: { type: 'SSD', size: '10' },
    volumeName: 'OMS-Volume',
    volumeType: 'SSD',
    number: `${quantity}.0`,
    zoneId,
    backupVolumeId: null,
    volumeSize: '10',
    volumeNumber: quantity,
    workOrderCount: quantity,
  };
  return { type: 'EBS', config };
}

function orderText(number: number, platformId: string, user: string, items: OrderedItem[]): string {
  const workOrderId = `WO${String(number).padStart(20, '0')}bnch`;
  const master = randomUUID();
  const item = ({ type, config }: OrderedItem, at: number) => ({
    orderId: number,
    serviceTag: 'CVMS',
    orderItemId: '',
    masterResourceId: master,
    workOrderItemId: number * 100 + at,
    resourceDescription: 'CPU: 1个, 内存: 1G, OS: CentOS6.4',
    masterOrderId: master,
    workOrderId,
    innerOrderItemId: number * 100 + at,
    workOrderItemConfig: JSON.stringify({ platformId, cycleType: 5, cycleCnt: 1, ...config }),
    workOrderItemNo: number * 100 + at,
    cycleType: 5,
    master: type === 'VM',
    salesEntryId: 5,
    resourceInfo: '',
    resourceAction: 0,
    innerOrderId: 80,
    resourceId: randomUUID(),
    resourceType: type,
    productId: 5,
  });
  return JSON.stringify({
    orderId: number,
    workOrderConfig: '{"payPattern":"月"}',
    resourceDescription: '',
    serviceTag: 'CVMS',
    resourceType: 'VM',
    resourceId: master,
    masterOrderId: master,
    workOrderId,
    msghandler_url: 'http://127.0.0.1:8895',
    systemOfferingIds: { 'System Offering For Software Router': '53db3c3e-2136-4579-8424-3497b9ed751e' },
    workOrderType: 1,
    cycleType: 3,
    resourceInfo: '',
    workOrderItems: items.map(item),
    accountType: '1',
    workOrderNo: number,
    innerOrderId: 80,
    userId: `bac9eabf2308ee0410980e05c48a${user}`,
    accountId: `bacedc3cefb4da54b3790d2013e4${user}`,
  });
}
