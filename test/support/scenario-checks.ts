/**
 * What must be true when a scenario is over, judged by outside evidence alone. Each check returns its violations in words;
 * none means that it holds.
 */
import { createHash } from 'node:crypto';
import type { Evidence, KeptMessage } from './scenario-evidence.js';
import type { ReceivedEvent } from './scenario-kafka.js';
import type { GoodOrder, Scenario } from './scenario-orders.js';
import type { SimulatedThing } from './scenario-world.js';

type Violations = string[];

/** Everything at once; at most so many of each kind, since one fault can break a thousand orders. */
export function violations(scenario: Scenario, evidence: Evidence): Violations {
  const checks = [
    buildsEveryOrderOnce,
    leavesNothingElse,
    carriesEachMarkerOnce,
    tellsEachOrderInSequence,
    keepsEveryMessage,
    hasNothingLeftToRead,
  ];
  return checks.flatMap((check) => {
    const found = check(scenario, evidence);
    const more = found.length - 5;
    return [...found.slice(0, 5), ...(more > 0 ? [`${check.name}: ${more} more`] : [])];
  });
}

interface Delivered {
  vms: SimulatedThing[];
  volumes: SimulatedThing[];
  addresses: SimulatedThing[];
  missing: string[];
}

/** What an order's events say it got, as the cloud shows it. */
function delivered(order: GoodOrder, { events }: Evidence, byId: Map<string, SimulatedThing>): Delivered {
  const ids = distinct(events.get(order.workOrderId) ?? [])
    .filter(({ type }) => type === 'orderwright.item.completed.v1')
    .flatMap(({ data }) => data['cloudResourceIds'] as string[]);
  const things = ids.map((id) => byId.get(id));
  const of = (kind: string): SimulatedThing[] => things.filter((one) => one?.kind === kind) as SimulatedThing[];
  return {
    vms: of('vm'),
    volumes: of('volume'),
    addresses: of('address'),
    missing: ids.filter((_, i) => things[i] === undefined),
  };
}

/** One VM as ordered, its disks on it, its address bound to it with its Mbit/s, and the order told as completed. */
export function buildsEveryOrderOnce({ orders }: Scenario, evidence: Evidence): Violations {
  const byId = new Map(evidence.things.map((one) => [one.id, one]));
  return orders.flatMap((order) => {
    const wrong: string[] = [];
    const expectSame = (what: string, found: unknown, wanted: unknown): void => {
      const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
      if (a !== b) wrong.push(`${order.workOrderId} (${order.sample}): ${what} is ${a}, not ${b}`);
    };
    const { vms, volumes, addresses, missing } = delivered(order, evidence, byId);
    expectSame('the status', evidence.statuses.get(order.workOrderId), 'completed');
    expectSame('what was told and does not exist', missing, []);
    const vm = vms[0];
    expectSame('the number of VMs', vms.length, 1);
    if (!vm) return wrong;
    const { displayName, cpuNumber, memoryMib, rootDiskGib } = vm.details;
    expectSame(
      'the VM',
      { displayName, cpuNumber, memoryMib, rootDiskGib, state: vm.state },
      { displayName: order.vmName, ...order.vm, state: 'Running' },
    );
    const disks = volumes.map(({ details: { sizeGib, type }, attachedTo }) => ({ sizeGib, type, on: attachedTo }));
    expectSame('the disks', sorted(disks), sorted(order.volumes.map((disk) => ({ ...disk, on: vm.id }))));
    const bound = addresses.map(({ attachedTo, details }) => ({ on: attachedTo, mbps: details['bandwidthMbps'] }));
    expectSame('the address', bound, order.bandwidthMbps === null ? [] : [{ on: vm.id, mbps: order.bandwidthMbps }]);
    return wrong;
  });
}

/** Kinds of things that are bought for an order; the rest (networks, rules, offerings) is shared. */
const bought = ['vm', 'volume', 'address'];

/** No resource that no order was told of, none told to two, nothing made and thrown away, no order that never came. */
export function leavesNothingElse({ orders, lost }: Scenario, evidence: Evidence): Violations {
  const owners = new Map<string, string>();
  const wrong: string[] = [];
  const byId = new Map(evidence.things.map((one) => [one.id, one]));
  for (const order of orders) {
    const { vms, volumes, addresses } = delivered(order, evidence, byId);
    for (const { id, kind } of [...vms, ...volumes, ...addresses]) {
      const other = owners.get(id);
      if (other !== undefined) wrong.push(`${kind} ${id} was told to ${other} and to ${order.workOrderId}`);
      owners.set(id, order.workOrderId);
    }
  }
  for (const { id, kind, marker } of evidence.things) {
    if (bought.includes(kind) && !owners.has(id)) wrong.push(`${kind} ${id} (${marker}) belongs to no order`);
  }
  for (const { effect, kind, id, marker } of evidence.effects) {
    if (effect === 'deleted' && bought.includes(kind)) wrong.push(`${kind} ${id} (${marker}) was made and deleted`);
  }
  for (const id of lost) if (evidence.statuses.has(id)) wrong.push(`${id} came damaged only and is an order now`);
  if (evidence.statuses.size !== orders.length) {
    wrong.push(`there are ${evidence.statuses.size} orders, not ${orders.length}`);
  }
  return [...wrong, ...evidence.orphans.map((id) => `${id} is listed as an orphan`)];
}

/** No two living things with one marker, and none made twice under one; what an order bought carries one. */
export function carriesEachMarkerOnce(_: Scenario, { things, effects, sharedMarkers }: Evidence): Violations {
  const wrong: string[] = [];
  const seen = new Map<string, string>();
  for (const { kind, id, marker } of things) {
    if (marker === null) {
      if (bought.includes(kind)) wrong.push(`${kind} ${id} carries no marker`);
      continue;
    }
    // A default network is several things (VPC, rules, tier) under one marker, one of each kind.
    const key = sharedMarkers.has(marker) ? `${marker} ${kind}` : marker;
    const other = seen.get(key);
    if (other !== undefined) wrong.push(`${marker} is carried by ${other} and by ${kind} ${id}`);
    seen.set(key, `${kind} ${id}`);
  }
  const made = new Map<string, string>();
  for (const { effect, kind, id, marker } of effects) {
    if (effect !== 'created' || marker === null || !bought.includes(kind)) continue;
    const other = made.get(marker);
    if (other !== undefined && other !== id) wrong.push(`${kind} was made twice for ${marker}: ${other}, ${id}`);
    made.set(marker, id);
  }
  return wrong;
}

const endings = ['completed', 'partial', 'failed', 'cancelled'].map((name) => `orderwright.work-order.${name}.v1`);

/** 1 to n without a gap and in that order, one ending, one completion per item, a repetition the same as the first. */
export function tellsEachOrderInSequence({ orders }: Scenario, { events }: Evidence): Violations {
  return orders.flatMap((order) => {
    const all = events.get(order.workOrderId) ?? [];
    const told = distinct(all);
    const wrong = repetitions(all).map((id) => `${order.workOrderId}: event ${id} came twice with other content`);
    const sequences = told.map(({ sequence }) => sequence);
    if (sequences.some((sequence, i) => sequence !== i + 1)) {
      wrong.push(`${order.workOrderId}: sequences are ${sequences.join(' ')}`);
    }
    const ends = told.filter(({ type }) => endings.includes(type)).map(({ type }) => type);
    if (ends.length !== 1 || ends[0] !== endings[0] || told.at(-1)?.type !== endings[0]) {
      wrong.push(`${order.workOrderId}: it ends with ${ends.join(', ') || 'nothing'}`);
    }
    const completed = told.filter(({ type }) => type === 'orderwright.item.completed.v1');
    const items = new Set(completed.map(({ data }) => data['resourceId']));
    if (completed.length !== order.resourceIds.length || order.resourceIds.some((id) => !items.has(id))) {
      wrong.push(`${order.workOrderId}: ${completed.length} items completed of ${order.resourceIds.length}`);
    }
    return wrong;
  });
}

/** One row for each message that was sent, with what had to become of it; the damaged ones are told on their topic. */
export function keepsEveryMessage({ messages, unanswered }: Scenario, evidence: Evidence): Violations {
  const wrong: string[] = [];
  const kept = new Map<string, KeptMessage[]>();
  for (const row of evidence.messages) kept.set(row.sha256, [...(kept.get(row.sha256) ?? []), row]);
  // A record has a place of its own; posts over one connection have not.
  const places = evidence.messages.filter(({ channel }) => channel === 'kafka').map(({ origin }) => origin);
  if (new Set(places).size !== places.length) wrong.push('a record is kept twice');
  const more = evidence.messages.length - messages.length;
  if (more < 0 || more > unanswered) wrong.push(`${evidence.messages.length} messages are kept of ${messages.length}`);
  const told = new Map(evidence.rejections.map(({ messageId, code }) => [messageId, code]));
  const accepted = new Map<string, number>();
  for (const { workOrderId, bytes, becomes, made } of messages) {
    const row = kept.get(createHash('sha256').update(bytes).digest('hex'))?.pop();
    if (!row) {
      wrong.push(`${workOrderId} ${made}: not kept`);
    } else if (becomes.verdict === 'order') {
      // Which of an order's copies came first does not matter: exactly one is accepted.
      if (row.verdict === 'accepted') accepted.set(workOrderId, (accepted.get(workOrderId) ?? 0) + 1);
      else if (row.verdict !== 'duplicate') wrong.push(`${workOrderId} ${made}: ${row.verdict} ${row.code}`);
    } else if (
      row.verdict !== becomes.verdict ||
      row.code !== becomes.code ||
      told.get(row.messageId) !== becomes.code
    ) {
      const found = `${row.verdict} ${row.code}, told as ${told.get(row.messageId)}`;
      wrong.push(`${workOrderId} ${made}: ${found}; not ${becomes.verdict} ${becomes.code}`);
    }
  }
  // What is left was posted, stored, and posted again because the answer was lost on its way.
  for (const row of [...kept.values()].flat()) {
    const id = row.workOrderId ?? '';
    if (row.verdict === 'accepted') accepted.set(id, (accepted.get(id) ?? 0) + 1);
  }
  const good = new Set(messages.filter((one) => one.becomes.verdict === 'order').map((one) => one.workOrderId));
  for (const id of good) if (accepted.get(id) !== 1) wrong.push(`${id} was accepted ${accepted.get(id) ?? 0} times`);
  return wrong;
}

export function hasNothingLeftToRead(_: Scenario, { lag }: Evidence): Violations {
  return lag === 0 ? [] : [`the consumer group is ${lag} messages behind`];
}

/** Each event once, as it came first. */
function distinct(events: ReceivedEvent[]): ReceivedEvent[] {
  const first = new Map<string, ReceivedEvent>();
  for (const event of events) if (!first.has(event.id)) first.set(event.id, event);
  return [...first.values()];
}

function repetitions(events: ReceivedEvent[]): string[] {
  const first = new Map(distinct(events).map((event) => [event.id, event.text]));
  return [...new Set(events.filter((event) => first.get(event.id) !== event.text).map(({ id }) => id))];
}

const sorted = <T>(values: T[]): T[] => values.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
