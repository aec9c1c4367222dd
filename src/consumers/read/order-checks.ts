import type { OrderMessage } from '../../schemas/order-message.js';
import { quoted } from '../../schemas/wire.js';
import type { WorkOrderItem } from '../../schemas/work-order.js';
import { limits } from './limits.js';
import type { Notes } from './notes.js';
import type { ReadItem } from './read-item.js';

/** What an order's parts say about each other. Nothing is guessed: what a person has to decide holds the order. */
export function checkOrder(order: OrderMessage, items: readonly ReadItem[], notes: Notes): void {
  checkPieces(items, notes);
  checkKinds(order, items, notes);
  checkRepeats(items, notes);
  checkParents(order, items, notes);
  checkMaster(items, notes);
}

/** What an order asks for together; quantities of single items are limited where they are read. */
function checkPieces(items: readonly ReadItem[], notes: Notes): void {
  const pieces = items.reduce((sum, { item }) => sum + ('quantity' in item.config ? item.config.quantity : 1), 0);
  if (pieces <= limits.pieces) return;
  const text = `the order has ${pieces} pieces, all quantities added up; at most ${limits.pieces} are taken`;
  notes.problem('ORD_PIECES_LIMIT', 'workOrderItems', text);
}

const supportedMain = new Set(['VM', 'EBS', 'NETWORK']);

/** Q28: only the new purchase is proven. */
function checkKinds(order: OrderMessage, items: readonly ReadItem[], notes: Notes): void {
  if (order.workOrderType !== 1) {
    notes.hold(
      'ORD_TYPE_UNSUPPORTED',
      'workOrderType',
      `workOrderType ${order.workOrderType} is not known; 1 is a new purchase`,
    );
  }
  if (!supportedMain.has(order.resourceType)) {
    notes.hold(
      'ORD_TYPE_UNSUPPORTED',
      'resourceType',
      `the main resource's type ${quoted(order.resourceType)} is not known`,
    );
  }
  items.forEach(({ message }, i) => {
    if (message.resourceAction === null || message.resourceAction === 0) return;
    const text = `resourceAction ${message.resourceAction} is not known; 0 is create`;
    notes.hold('ITM_ACTION_UNSUPPORTED', `workOrderItems[${i}].resourceAction`, text);
  });
}

function checkRepeats(items: readonly ReadItem[], notes: Notes): void {
  const byResource = new Map<string, number>();
  const byLine = new Map<string, number>();
  items.forEach(({ item }, i) => {
    const resource = `${item.resourceType} ${item.resourceId}`;
    const twin = byResource.get(resource);
    if (twin === undefined) byResource.set(resource, i);
    else {
      const text = `${resource} is ordered by workOrderItems[${twin}] as well; a resource is built once`;
      notes.problem('ITM_KEY_DUPLICATE', `workOrderItems[${i}].resourceId`, text);
    }
    const first = byLine.get(item.workOrderItemId);
    if (first === undefined) byLine.set(item.workOrderItemId, i);
    else notes.hold('ITM_ID_REPEATED', `workOrderItems[${i}].workOrderItemId`, repeatedLine(items, first, i));
  });
}

function repeatedLine(items: readonly ReadItem[], first: number, second: number): string {
  const name = (i: number): string => {
    const item = items[i]?.item;
    return `workOrderItems[${i}] (${item?.resourceType ?? ''} ${item?.resourceId ?? ''})`;
  };
  return `duplicate_item_id: workOrderItemId ${items[first]?.item.workOrderItemId ?? ''} stands on ${name(first)} and on ${name(second)}`;
}

/** Q4: billing's numbers may disagree and the order's count; another order's workOrderId may not. */
function checkParents(order: OrderMessage, items: readonly ReadItem[], notes: Notes): void {
  const bundles = new Set(items.map(({ item }) => item.resourceId));
  items.forEach(({ message }, i) => {
    const path = `workOrderItems[${i}]`;
    for (const name of ['orderId', 'innerOrderId', 'masterOrderId'] as const) {
      const [own, parent] = [message[name], order[name]];
      if (own === null || parent === null || own === parent) continue;
      notes.warn(
        'ITM_PARENT_MISMATCH',
        `${path}.${name}`,
        `the item's ${name} is ${quoted(own)}, the order's ${quoted(parent)}; the order's counts`,
      );
    }
    const claimed = message.workOrderId;
    if (claimed !== null && claimed !== order.workOrderId) {
      if (claimed === order.workOrderNo || claimed === order.innerOrderId) {
        const text = `the item's workOrderId ${quoted(claimed)} is the order's running number; its workOrderId counts`;
        notes.warn('ITM_PARENT_MISMATCH', `${path}.workOrderId`, text);
      } else {
        const text = `the item carries the workOrderId of another order, ${quoted(claimed)}; does it belong to ${order.workOrderId}?`;
        notes.hold('ITM_OTHER_ORDER', `${path}.workOrderId`, text);
      }
    }
    const bundle = message.masterResourceId;
    if (bundle !== null && bundle !== order.resourceId && !bundles.has(bundle)) {
      const text = `masterResourceId ${quoted(bundle)} names neither the order's resource nor any item's`;
      notes.warn('ITM_MASTER_UNKNOWN', `${path}.masterResourceId`, text);
    }
  });
}

/** Q7: the item everything else hangs on. Marks the only VM when nobody marked one. */
function checkMaster(items: readonly ReadItem[], notes: Notes): void {
  const masters = items.flatMap(({ item }, i) => (item.master ? [i] : []));
  const machines = items.flatMap(({ item }, i) => (item.resourceType === 'VM' ? [i] : []));
  const [master, ...moreMasters] = masters;
  if (master !== undefined && moreMasters.length > 0) {
    notes.hold('ITM_MASTER', 'workOrderItems', `items ${masters.join(', ')} are all marked as master; one is expected`);
    return;
  }
  const [machine, ...moreMachines] = machines;
  if (machine === undefined) return;
  if (master === undefined && moreMachines.length > 0) {
    notes.hold('ITM_MASTER', 'workOrderItems', `none of the VMs (items ${machines.join(', ')}) is marked as master`);
  } else if (master === undefined) {
    markMaster(items[machine]?.item);
    notes.warn(
      'ITM_MASTER_ASSUMED',
      `workOrderItems[${machine}].master`,
      'no item is marked as master; the only VM was taken',
    );
  } else if (items[master]?.item.resourceType !== 'VM') {
    notes.hold(
      'ITM_MASTER',
      `workOrderItems[${master}].master`,
      'the item marked as master is not a VM, and the order has one',
    );
  }
}

function markMaster(item: WorkOrderItem | undefined): void {
  if (item !== undefined) item.master = true;
}
