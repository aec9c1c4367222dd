import { cutText } from '../cut-text.js';
import type { Capabilities } from '../provisioners/provisioner.js';
import type { Hold, VmItem, Warning, WorkOrder, WorkOrderItem } from '../schemas/work-order.js';
import { holdFor, type HoldReason } from './hold-reasons.js';
import type { DraftPart, PlanDraft } from './plan.js';

/** A data centre as far as planning has to know it before its catalogue is read. */
export interface PlatformSummary {
  id: string;
  name: string;
  kind: string;
  state: 'open' | 'maintenance' | 'disabled';
  capabilities: Capabilities;
}

/**
 * Makes parts of an order's items and says which VM each disk and address belongs to, before any cloud is asked.
 * Every reason not to build is named at once, each with its place: a person looks at a held order once, not five times.
 */
export function draftPlan(order: WorkOrder, known: PlatformSummary[]): { draft: PlanDraft } | { holds: Hold[] } {
  // Before anything else: built, it would be a new purchase that nobody made.
  const foreign = notUnderstoodIn(order);
  if (foreign.length > 0) return { holds: foreign };
  const root = findRoot(order);
  const holds = [...root.holds, ...order.items.flatMap((item, index) => holdsOf(order, item, index, known, root.vm))];
  if (holds.length > 0) return { holds };

  const vms = order.items.flatMap((item, itemIndex) =>
    item.resourceType === 'VM' ? partsOf(item, itemIndex, () => ({ vmKey: null, zoneId: item.config.zoneId })) : [],
  );
  const masters = vms.filter((part) => part.item === root.vm?.item);
  const deal = dealer(masters);
  const others = order.items.flatMap((item, itemIndex) =>
    item.resourceType === 'VM' ? [] : partsOf(item, itemIndex, () => belonging(item, deal(item.resourceType))),
  );
  const parts = [...vms.map((vm) => ({ ...vm, bandwidthMbps: bandwidthOf(vm.key, others) })), ...others].toSorted(
    (a, b) => a.itemIndex - b.itemIndex || a.index - b.index,
  );
  return { draft: { order, parts, warnings: [...root.warnings, ...unevenWarnings(order, masters.length, others)] } };
}

/** The key of a part, unique in its order: `EBS/5656019a-…#1`. */
export function partKey(item: Pick<WorkOrderItem, 'resourceType' | 'resourceId'>, index: number): string {
  return `${item.resourceType}/${item.resourceId}#${index}`;
}

const resourceTypes: readonly string[] = ['VM', 'EBS', 'NETWORK'];

/** What asks for anything but a new purchase (Q28). The intake has held it for this; held it stays, whoever has it planned. */
function notUnderstoodIn({ workOrderType, resourceType, items }: WorkOrder): Hold[] {
  const holds: Hold[] = [];
  if (workOrderType !== 1) {
    const message = `workOrderType ${workOrderType} is not known; 1 is a new purchase.`;
    holds.push(holdFor('order_type_unknown', 'workOrderType', message));
  }
  if (!resourceTypes.includes(resourceType)) {
    const message = `The main resource's type "${cut(resourceType)}" is not known.`;
    holds.push(holdFor('order_type_unknown', 'resourceType', message));
  }
  items.forEach((item, index) => {
    const path = `workOrderItems[${index}]`;
    const action = item.echo['resourceAction'] ?? null;
    if (action !== null && action !== '' && Number(action) !== 0) {
      const message = `resourceAction ${cut(JSON.stringify(action))} is not known; 0 is create.`;
      holds.push(holdFor('action_unknown', `${path}.resourceAction`, message));
    }
    if (!resourceTypes.includes(item.resourceType)) {
      const message = `The type "${cut(item.resourceType)}" is not known.`;
      holds.push(holdFor('resource_type_unknown', `${path}.resourceType`, message));
    }
  });
  return holds;
}

interface Root {
  vm: { item: VmItem; index: number } | null;
  holds: Hold[];
  warnings: Warning[];
}

/** The VM that disks and addresses belong to: the master; without one the only VM (Q7). */
function findRoot(order: WorkOrder): Root {
  const indexed = order.items.map((item, index) => ({ item, index }));
  const masters = indexed.filter(({ item }) => item.master);
  const vms = indexed.flatMap(({ item, index }) => (item.resourceType === 'VM' ? [{ item, index }] : []));
  const held = (path: string, reason: HoldReason, message: string): Root => ({
    vm: null,
    holds: [holdFor(reason, path, message)],
    warnings: [],
  });
  const clear = (vm: Root['vm'], warnings: Warning[] = []): Root => ({ vm, holds: [], warnings });

  if (masters.length > 1) {
    const names = masters.map(({ item }) => nameOf(item)).join(', ');
    return held(
      'workOrderItems',
      'several_masters',
      `${masters.length} items are marked as master (${names}): it is unclear which one the others belong to.`,
    );
  }
  const [master] = masters;
  if (master) {
    const vm = vms.find(({ index }) => index === master.index);
    if (vm || vms.length === 0) return clear(vm ?? null);
    return held(
      `workOrderItems[${master.index}].master`,
      'master_not_vm',
      `The master is ${nameOf(master.item)}, yet the order has ${vms.map(({ item }) => nameOf(item)).join(', ')}: ` +
        `disks and addresses can only belong to a VM.`,
    );
  }
  const [only] = vms;
  if (only && vms.length === 1) {
    const message = `No item is marked as master; ${nameOf(only.item)}, the only VM, was taken for it.`;
    return clear(only, [{ path: `workOrderItems[${only.index}].master`, code: 'ITM_MASTER_ASSUMED', message }]);
  }
  if (vms.length > 1 && vms.length < order.items.length) {
    return held(
      'workOrderItems',
      'master_missing',
      `No item is marked as master and there are ${vms.length} VMs ` +
        `(${vms.map(({ item }) => nameOf(item)).join(', ')}): it is unclear which one the disks and addresses belong to.`,
    );
  }
  return clear(null);
}

function holdsOf(
  order: WorkOrder,
  item: WorkOrderItem,
  index: number,
  known: PlatformSummary[],
  vm: Root['vm'],
): Hold[] {
  const path = `workOrderItems[${index}]`;
  const platformPath = `${path}.workOrderItemConfig.platformId`;
  const platform = known.find(({ id }) => id === item.platformId);
  const holds: Hold[] = [];
  const hold = (where: string, reason: HoldReason, message: string) => holds.push(holdFor(reason, where, message));

  if (!platform) {
    hold(
      platformPath,
      'unknown_platform',
      `No platform "${cut(item.platformId)}" is configured. Add it with \`orderwright platforms add\`, then resume the order.`,
    );
  } else if (platform.state === 'maintenance') {
    hold(
      platformPath,
      'platform_in_maintenance',
      `${titleOf(platform)} is in maintenance. Resume the order when it is open again.`,
    );
  } else if (platform.state === 'disabled') {
    hold(
      platformPath,
      'platform_disabled',
      `${titleOf(platform)} is disabled. Enable it and resume the order, or cancel the order.`,
    );
  }

  if (item.resourceType === 'VM') return holds;
  if (vm && vm.item.platformId !== item.platformId) {
    hold(
      platformPath,
      'platform_mixed',
      `${nameOf(item)} is ordered on platform "${cut(item.platformId)}", but ${nameOf(vm.item)} it belongs to is ordered on ` +
        `"${cut(vm.item.platformId)}" (workOrderItems[${vm.index}]).`,
    );
  }
  // A cloud without detached disks (CLC) can still give a VM more disks; its folder lets `ebs.create` wait for the VM.
  // With several VMs and no master the order is held already: it is not known whether this disk has a VM.
  const standsAlone = !vm && !order.items.some(({ resourceType }) => resourceType === 'VM');
  if (platform && item.resourceType === 'EBS' && standsAlone && !platform.capabilities.detachedDisk) {
    hold(
      path,
      'unsupported',
      `${titleOf(platform)} has no disks without a VM, and the order has no VM for ${nameOf(item)}.`,
    );
  }
  if (platform && item.resourceType === 'NETWORK' && !platform.capabilities.publicAddress) {
    hold(
      path,
      'unsupported',
      `${titleOf(platform)} has no public addresses, so ${nameOf(item)} cannot be built there.`,
    );
  }
  if (item.resourceType === 'EBS' && item.config.backupVolumeId !== null) {
    hold(
      `${path}.workOrderItemConfig.backupVolumeId`,
      'backup_restore_unsupported',
      `${nameOf(item)} is to be made from the backup "${cut(item.config.backupVolumeId)}". Disks are only made empty for now.`,
    );
  }
  return holds;
}

/** One part per piece ordered (Q14): index 1..quantity. */
function partsOf(
  item: WorkOrderItem,
  itemIndex: number,
  belongs: () => Pick<DraftPart, 'vmKey' | 'zoneId'>,
): DraftPart[] {
  const quantity = item.resourceType === 'NETWORK' ? 1 : item.config.quantity;
  return Array.from({ length: quantity }, (_, zeroBased) => ({
    key: partKey(item, zeroBased + 1),
    itemIndex,
    index: zeroBased + 1,
    resourceType: item.resourceType,
    platformId: item.platformId,
    item,
    ...belongs(),
    bandwidthMbps: null,
  }));
}

/**
 * Whose turn it is to get the next disk or address (Q16, Q8). With one VM there is no question. A master of quantity n
 * is n VMs, and no order says which disk is for which of them: they are dealt like cards in item order, disks and
 * addresses each from the first VM on. So n disks for n VMs are one for each, everything that was sold is built, nothing
 * twice, and the next reading of the same order gives the same plan. Where it cannot come out even the order says so in
 * a warning: a disk can be moved, an order that waits for a person for this cannot be used.
 */
function dealer(masters: DraftPart[]): (kind: 'EBS' | 'NETWORK') => DraftPart | null {
  const dealt = { EBS: 0, NETWORK: 0 };
  return (kind) => masters[dealt[kind]++ % masters.length] ?? null;
}

/** Zone after Q15: its own, its VM's, or null for the platform's only one. */
function belonging(item: WorkOrderItem, vm: DraftPart | null): Pick<DraftPart, 'vmKey' | 'zoneId'> {
  const own = item.resourceType === 'EBS' ? item.config.zoneId : null;
  return { vmKey: vm?.key ?? null, zoneId: own ?? vm?.zoneId ?? null };
}

function bandwidthOf(vmKey: string, parts: DraftPart[]): number | null {
  const sold = parts.flatMap(({ item, vmKey: bound }) =>
    bound === vmKey && item.resourceType === 'NETWORK' ? [item.config.bandwidthMbps] : [],
  );
  return sold.length === 0 ? null : sold.reduce((sum, mbps) => sum + mbps, 0);
}

function unevenWarnings(order: WorkOrder, vmCount: number, parts: DraftPart[]): Warning[] {
  if (vmCount < 2) return [];
  return order.items.flatMap((item, itemIndex) => {
    const mine = parts.filter((part) => part.itemIndex === itemIndex);
    if (mine.length % vmCount === 0) return [];
    const message =
      `${mine.length} of ${nameOf(item)} cannot be shared out evenly among ${vmCount} VMs: ` +
      mine.map((part) => `${part.key} goes to ${part.vmKey}`).join(', ');
    return [{ path: `workOrderItems[${itemIndex}]`, code: 'SEM_SHARED_UNEVENLY', message: `${message}.` }];
  });
}

const nameOf = (item: WorkOrderItem) => `${item.resourceType}/${cut(item.resourceId)}`;
const titleOf = (platform: PlatformSummary) => `Platform "${cut(platform.id)}" (${cut(platform.name)})`;
const cut = (text: string) => cutText(text, 80);
