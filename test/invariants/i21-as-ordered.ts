import { groupBy } from '../../src/group-by.js';
import type { CloudResource, SeenCallback } from './evidence.js';
import { boughtKinds, type Checker, type Facts, isUnseen, itemsOf, ownerOf, type Thing } from './facts.js';
import type { ItemRow, OrderRow } from './rows.js';

/**
 * I21 as ordered: of an order at its end each completed item is there exactly as often as it was ordered, in the size and at
 * the machine that it was ordered for, and each other item not at all; and that is what billing was told, the Mbit/s of an
 * address included. What is too many stands in `orphan`. Asked again later it holds again: nothing comes after the end.
 */
export const asOrdered: Checker = {
  invariant: 'I21',
  check(facts) {
    const { evidence, rows } = facts;
    if (evidence.clouds.length === 0) return null;
    const things = groupBy(facts.things.filter(isOurs(facts)), (thing) => {
      const owner = ownerOf(facts, thing);
      return owner ? `${owner.order.orderId}/${owner.item.itemIndex}` : '';
    });
    // What a person has named as delivered, or what others have had their hands on, is not as it was ordered.
    const byHand = new Set(rows.audit.filter(({ action }) => action.includes('mark-done')).map((one) => one.orderId));
    const ended = rows.orders.filter(
      ({ kind, finished, orderId }) => kind === 'billing' && finished && !byHand.has(orderId),
    );
    const byWorkOrder = groupBy(evidence.callbacks ?? [], ({ workOrderId }) => workOrderId);
    return ended.flatMap((order) => {
      const items = itemsOf(facts, order.orderId);
      const of = (item: ItemRow): Thing[] => things.get(`${order.orderId}/${item.itemIndex}`) ?? [];
      return [
        ...items.flatMap((item) => (item.status === 'completed' ? deliveredWrong(facts, order, item, items, of) : [])),
        ...(byWorkOrder.get(order.workOrderId) ?? []).flatMap((callback) =>
          callbackWrong(facts, order, items, callback),
        ),
      ];
    });
  },
};

/** Bought, living, nobody else's, and not listed as too many. */
const isOurs =
  (facts: Facts) =>
  (thing: Thing): boolean =>
    thing.alive !== null &&
    boughtKinds.includes(thing.kind) &&
    !facts.listed.has(thing.id) &&
    thing.cloud.foreignIds?.includes(thing.id) !== true &&
    !isUnseen(facts, thing);

const kindOf: Readonly<Record<string, string>> = { VM: 'vm', EBS: 'volume', NETWORK: 'address' };

function deliveredWrong(
  facts: Facts,
  { orderId, workOrderId }: OrderRow,
  item: ItemRow,
  items: ItemRow[],
  of: (item: ItemRow) => Thing[],
): string[] {
  const { itemIndex, resourceType, ordered } = item;
  const name = `${workOrderId}: item ${itemIndex} (${resourceType})`;
  const touched = new Set(facts.evidence.clouds.flatMap(({ touchedIds }) => touchedIds ?? []));
  const told = facts.deliveredIds.get(`${orderId}/${itemIndex}`) ?? [];
  if (told.some((id) => touched.has(id))) return [];
  const living = of(item).filter(({ id }) => !touched.has(id));
  const wrong: string[] = [];
  // Told as nothing, or nothing known of what was ordered: that is I5, or nothing to compare with.
  if (ordered === null || told.length === 0) return wrong;
  const { quantity = 1 } = ordered;
  const right = living.filter(({ kind }) => kind === kindOf[resourceType]);
  // Twins under one marker, and what nobody was told of, are I3; what was told and is gone is I5. Both count as one here.
  const gone = told.filter((id) => facts.thingById.get(id)?.alive == null);
  const there = new Set(right.map(({ marker }) => marker)).size + gone.length;
  if (there !== quantity) wrong.push(`${name} was ordered ${quantity} times and is there ${there} times`);
  // Told, too: that one of them is gone is I5.
  const vms = items.filter((one) => one.resourceType === 'VM');
  const machines = new Set([
    ...vms.flatMap(of).map(({ id }) => id),
    ...vms.flatMap((vm) => facts.deliveredIds.get(`${orderId}/${vm.itemIndex}`) ?? []),
  ]);
  for (const { alive } of right) {
    if (!alive) continue;
    for (const [field, wanted, found] of sizes(item, alive)) {
      if (wanted !== found)
        wrong.push(`${name}: the ${field} of ${alive.id} is ${String(found)}, not ${String(wanted)}`);
    }
    if (resourceType === 'VM') continue;
    if (resourceType === 'NETWORK') wrong.push(...bandwidthWrong(name, item, alive, items, of));
    const isRight = vms.length === 0 ? alive.attachedTo === null : machines.has(alive.attachedTo ?? '');
    if (!isRight)
      wrong.push(`${name}: ${alive.id} is at ${alive.attachedTo ?? 'nothing'}, which is no machine of its order`);
  }
  const event = facts.rows.events.find(
    (one) => one.orderId === orderId && one.itemIndex === itemIndex && one.type === 'item.completed',
  );
  return [...wrong, ...toldWrong(name, item, factsOf(event?.data['facts']), right)];
}

/** What was ordered, and what the cloud has of it. */
function sizes({ resourceType, ordered }: ItemRow, { details }: CloudResource): [string, unknown, unknown][] {
  if (!ordered) return [];
  const { cpuCount, memoryMib, rootDiskGib, sizeGib, volumeType } = ordered;
  switch (resourceType) {
    case 'VM':
      return [
        ['number of processors', cpuCount, details['cpuNumber']],
        ['memory in MiB', memoryMib, details['memoryMib']],
        ['disk in GiB', rootDiskGib, details['rootDiskGib']],
      ];
    case 'EBS':
      return [
        ['size in GiB', sizeGib, details['sizeGib']],
        ['type', volumeType, details['type']],
      ];
    default:
      return [];
  }
}

/**
 * The Mbit/s of an address: its own, or, where the machine holds the rate (CloudStack, decision 0009), the sum of what was sold
 * with the addresses of that machine. One that no machine has is limited by nothing.
 */
function bandwidthWrong(
  name: string,
  { ordered }: ItemRow,
  { id, attachedTo, details }: CloudResource,
  items: ItemRow[],
  of: (item: ItemRow) => Thing[],
): string[] {
  const own = ordered?.bandwidthMbps;
  const found = details['bandwidthMbps'];
  if (own === undefined || attachedTo === null || found === own) return [];
  const addresses = items.filter(({ resourceType }) => resourceType === 'NETWORK');
  const here = addresses.filter((one) => of(one).some(({ alive }) => alive?.attachedTo === attachedTo));
  const sum = (some: ItemRow[]) => some.reduce((all, one) => all + (one.ordered?.bandwidthMbps ?? 0), 0);
  // A machine keeps the rate of an address that it never got.
  if (found === sum(here) || found === sum(addresses)) return [];
  return [`${name}: the Mbit/s of ${id} are ${String(found)}, not ${own}`];
}

/** Facts as an event has them (one set a piece) or as a callback does (one set). */
function factsOf(given: unknown): Record<string, unknown>[] {
  const all = Array.isArray(given) ? given : [given];
  return all.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null);
}

/** What billing was told of an address: the one that is there, with the Mbit/s that were ordered (and are there, see above). */
function toldWrong(name: string, { ordered }: ItemRow, told: Record<string, unknown>[], right: Thing[]): string[] {
  const wrong: string[] = [];
  for (const { alive } of right) {
    if (!alive || alive.kind !== 'address') continue;
    const truths = { ipAddress: alive.details['ipAddress'], bandwidthMbps: ordered?.bandwidthMbps };
    for (const [field, is] of Object.entries(truths)) {
      const said = told.flatMap((one) => (one[field] === undefined ? [] : wordsOf(one[field])));
      if (is !== undefined && said.length > 0 && !said.includes(wordsOf(is)))
        wrong.push(`${name}: ${field} was told as ${said.join()}, and is ${wordsOf(is)}`);
    }
  }
  return wrong;
}

/** Numbers are told as texts. */
const wordsOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

interface CallbackItem {
  resourceId?: string;
  resourceType?: string;
  chargeable?: boolean;
  verdict?: string | null;
  cloudResourceIds?: string[];
  facts?: Record<string, unknown>;
}

/** What a callback says of each line: charged is what was delivered and nothing else. */
function callbackWrong(facts: Facts, order: OrderRow, items: ItemRow[], { body, id }: SeenCallback): string[] {
  const said = itemsIn(body);
  // One that is too large leaves its lines out, and says where they stand.
  if (!said) return [];
  return items.flatMap((item) => {
    const { resourceId, resourceType, status, itemIndex } = item;
    const line = said.find((one) => one.resourceId === resourceId && one.resourceType === resourceType);
    const name = `${order.workOrderId}: callback ${id}, item ${itemIndex}`;
    if (!line) return [`${name} is not in it`];
    const wrong: string[] = [];
    if (line.chargeable !== (status === 'completed'))
      wrong.push(`${name} is ${status} and ${line.chargeable ? 'to be charged' : 'not to be charged'}`);
    const delivered = status === 'completed' ? (facts.deliveredIds.get(`${order.orderId}/${itemIndex}`) ?? []) : [];
    const told = line.cloudResourceIds ?? [];
    if (told.toSorted().join() !== delivered.toSorted().join())
      wrong.push(`${name} is told as ${told.join() || 'nothing'}, and ${delivered.join() || 'nothing'} was delivered`);
    const things = delivered.flatMap((one) => facts.thingById.get(one) ?? []);
    return [...wrong, ...toldWrong(name, item, factsOf(line.facts), things)];
  });
}

function itemsIn(body: string): CallbackItem[] | null {
  try {
    const { results } = JSON.parse(body) as { results?: { items?: CallbackItem[]; shortened?: string } };
    return results?.shortened === 'items' ? null : (results?.items ?? null);
  } catch {
    return null;
  }
}
