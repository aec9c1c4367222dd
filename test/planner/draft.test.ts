import { describe, expect, it } from '@jest/globals';
import { draftPlan, type PlatformSummary } from '../../src/planner/draft.js';
import type { PlanDraft } from '../../src/planner/plan.js';
import type { Hold, WorkOrder } from '../../src/schemas/work-order.js';
import { bundleOrder, ebsItem, networkItem, orderOf, samplePlatformId, vmItem, vmOrder } from '../support/orders.js';

const open: PlatformSummary = {
  id: samplePlatformId,
  name: 'Beijing 1',
  kind: 'cloudstack',
  state: 'open',
  capabilities: { detachedDisk: true, publicAddress: true },
};
const elsewhere: PlatformSummary = { ...open, id: 'shanghai', name: 'Shanghai 2' };

function drafted(order: WorkOrder, known = [open]): PlanDraft {
  const result = draftPlan(order, known);
  if ('holds' in result) throw new Error(JSON.stringify(result.holds));
  return result.draft;
}

function held(order: WorkOrder, known = [open]): Hold[] {
  const result = draftPlan(order, known);
  return 'holds' in result ? result.holds : [];
}

/** The reason's name stands first in the message; the code belongs to several reasons. */
const reasonOf = ({ message }: Hold) => message.split(':', 1)[0];
const places = (holds: Hold[]) => holds.map((hold) => [reasonOf(hold), hold.path]);
const vmKey = 'VM/7e9cef89-2cc5-44fb-8e03-12989ad7c37a#1';

describe('an order with one VM', () => {
  it('becomes one part', () => {
    expect(drafted(vmOrder()).parts).toMatchObject([
      {
        key: vmKey,
        itemIndex: 0,
        index: 1,
        vmKey: null,
        bandwidthMbps: null,
        zoneId: '0d86f114-7153-4d71-a835-7916a41ab0b7',
      },
    ]);
  });

  it('becomes as many parts as were ordered', () => {
    const { parts } = drafted(vmOrder({ config: { quantity: 3 } }));
    expect(parts.map(({ key, index }) => [key.slice(-2), index])).toEqual([
      ['#1', 1],
      ['#2', 2],
      ['#3', 3],
    ]);
  });

  it('may name no master, with a warning', () => {
    const { warnings } = drafted(vmOrder({ master: false }));
    expect(warnings).toMatchObject([{ code: 'ITM_MASTER_ASSUMED', path: 'workOrderItems[0].master' }]);
  });
});

describe('a bundle shaped like order 60', () => {
  const { parts, warnings } = drafted(bundleOrder());

  it('keeps the order of its items', () => {
    expect(parts.map((part) => part.resourceType)).toEqual(['EBS', 'VM', 'EBS', 'NETWORK']);
    expect(warnings).toEqual([]);
  });

  it('gives disks and the address to the master VM, which stands second', () => {
    expect(parts.map((part) => part.vmKey)).toEqual([vmKey, null, vmKey, vmKey]);
  });

  it("builds disks in the VM's zone when they name none", () => {
    expect(new Set(parts.map((part) => part.zoneId))).toEqual(new Set(['0d86f114-7153-4d71-a835-7916a41ab0b7']));
  });

  it('tells the VM how much bandwidth its address was sold with', () => {
    expect(parts.map((part) => part.bandwidthMbps)).toEqual([null, 2, null, null]);
  });

  it('adds up the bandwidth of several addresses', () => {
    const second = networkItem({ workOrderItemId: '86', resourceId: 'second', config: { bandwidthMbps: 5 } });
    const order = orderOf([...bundleOrder().items, second]);
    expect(drafted(order).parts.find((part) => part.key === vmKey)?.bandwidthMbps).toBe(7);
  });

  it('leaves a disk in the zone it names', () => {
    const order = orderOf([vmItem(), ebsItem({ config: { zoneId: 'z2' } })]);
    expect(drafted(order).parts[1]?.zoneId).toBe('z2');
  });
});

describe('disks and addresses without a VM', () => {
  it('are built and stay by themselves', () => {
    const { parts } = drafted(orderOf([ebsItem({ master: true, config: { quantity: 2 } }), networkItem()]));
    expect(parts.map(({ vmKey: vm, zoneId }) => [vm, zoneId])).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ]);
  });

  it('are unsupported where the cloud has none', () => {
    const poor = { ...open, capabilities: { detachedDisk: false, publicAddress: false } };
    expect(places(held(orderOf([ebsItem(), networkItem()]), [poor]))).toEqual([
      ['unsupported', 'workOrderItems[0]'],
      ['unsupported', 'workOrderItems[1]'],
    ]);
  });

  it('do not stop a VM with disks on a cloud that only lacks detached ones', () => {
    const noDetached = { ...open, capabilities: { detachedDisk: false, publicAddress: true } };
    expect(held(bundleOrder(), [noDetached])).toEqual([]);
  });
});

describe('a master VM ordered more than once', () => {
  const goesTo = (draft: PlanDraft) => draft.parts.filter((part) => part.vmKey).map((part) => part.vmKey?.slice(-1));

  it('gets one disk each when there are as many', () => {
    const order = orderOf([vmItem({ config: { quantity: 2 } }), ebsItem({ config: { quantity: 2 } })]);
    expect(goesTo(drafted(order))).toEqual(['1', '2']);
    expect(drafted(order).warnings).toEqual([]);
  });

  it('gets addresses in turn, each VM with the bandwidth of its own', () => {
    const second = networkItem({ resourceId: 'second', config: { bandwidthMbps: 5 } });
    const { parts } = drafted(orderOf([vmItem({ config: { quantity: 2 } }), networkItem(), second]));
    expect(parts.map((part) => part.bandwidthMbps)).toEqual([2, 5, null, null]);
  });

  it('says who gets what when it does not come out even', () => {
    const order = orderOf([vmItem({ config: { quantity: 2 } }), ebsItem({ config: { quantity: 3 } })]);
    expect(goesTo(drafted(order))).toEqual(['1', '2', '1']);
    expect(drafted(order).warnings).toMatchObject([
      {
        code: 'SEM_SHARED_UNEVENLY',
        path: 'workOrderItems[1]',
        message: expect.stringContaining(`#3 goes to ${vmKey}`),
      },
    ]);
  });
});

describe('an order is held', () => {
  it('when it is not clear which master the others belong to', () => {
    const twoVms = [vmItem(), vmItem({ resourceId: 'other' })];
    expect(places(held(orderOf(twoVms)))).toEqual([['several_masters', 'workOrderItems']]);
    const noMaster = twoVms.map((vm) => ({ ...vm, master: false }));
    expect(places(held(orderOf([...noMaster, ebsItem()])))).toEqual([['master_missing', 'workOrderItems']]);
    expect(held(orderOf(noMaster))).toEqual([]);
  });

  it('when a disk is the master of a VM', () => {
    const order = orderOf([vmItem({ master: false }), ebsItem({ master: true })]);
    expect(places(held(order))).toEqual([['master_not_vm', 'workOrderItems[1].master']]);
  });

  it('when a platform is not known, closed or switched off', () => {
    const path = 'workOrderItems[0].workOrderItemConfig.platformId';
    expect(places(held(vmOrder(), []))).toEqual([['unknown_platform', path]]);
    expect(places(held(vmOrder(), [{ ...open, state: 'maintenance' }]))).toEqual([['platform_in_maintenance', path]]);
    expect(places(held(vmOrder(), [{ ...open, state: 'disabled' }]))).toEqual([['platform_disabled', path]]);
  });

  it('when a disk is on another platform than its VM, naming both', () => {
    const order = orderOf([vmItem(), ebsItem({ platformId: 'shanghai' })]);
    expect(held(order, [open, elsewhere])).toEqual([
      {
        code: 'SEM_PLATFORM_MIXED',
        path: 'workOrderItems[1].workOrderItemConfig.platformId',
        message: expect.stringMatching(new RegExp(`shanghai.*${samplePlatformId}`)),
      },
    ]);
  });

  it('but not when things that do not depend on each other are on two platforms', () => {
    const order = orderOf([ebsItem(), ebsItem({ resourceId: 'other', platformId: 'shanghai' })]);
    expect(held(order, [open, elsewhere])).toEqual([]);
  });

  it('when a disk is to be made from a backup', () => {
    const order = orderOf([vmItem(), ebsItem({ config: { backupVolumeId: 'b1' } })]);
    expect(places(held(order))).toEqual([
      ['backup_restore_unsupported', 'workOrderItems[1].workOrderItemConfig.backupVolumeId'],
    ]);
  });

  it('with every reason at once', () => {
    const items = [vmItem(), ebsItem({ platformId: 'nowhere', config: { backupVolumeId: 'b1' } }), networkItem()];
    const noAddress = {
      ...open,
      state: 'maintenance' as const,
      capabilities: { detachedDisk: true, publicAddress: false },
    };
    expect(held(orderOf(items), [noAddress]).map(reasonOf)).toEqual([
      'platform_in_maintenance',
      'unknown_platform',
      'platform_mixed',
      'backup_restore_unsupported',
      'platform_in_maintenance',
      'unsupported',
    ]);
  });
});

describe('an order that is not understood', () => {
  const [disk = ebsItem()] = bundleOrder().items;
  const renewed = { ...vmOrder(), workOrderType: 3 };
  const changed = orderOf([{ ...disk, echo: { ...disk.echo, resourceAction: 2 } }]);
  const foreign = { ...vmOrder(), resourceType: 'CDN' };

  it.each([
    ['a type of its own', renewed as WorkOrder, [['order_type_unknown', 'workOrderType']]],
    ['an action of its own', changed, [['action_unknown', 'workOrderItems[0].resourceAction']]],
    ['a main resource of its own', foreign as WorkOrder, [['order_type_unknown', 'resourceType']]],
  ])('is held again whenever it is planned again: %s', (_, order, expected) => {
    expect(places(held(order))).toEqual(expected);
  });
});
