/** What became of a run, counted from outside: what the cloud shows, and what the events told. The same for every worker. */
import type { ReceivedEvent } from '../../support/scenario-kafka.js';
import type { GoodOrder } from '../../support/scenario-orders.js';
import type { CloudResource } from '../../invariants/evidence.js';

export interface Tally {
  orders: number;
  completed: number;
  failed: number;
  /** Orders of which nobody was told how they ended. */
  withoutEnd: number;
  /** Living resources beyond the first for one item. */
  doubled: number;
  /** Living resources that no event and no list of orphans names; what is doubled is not counted again. */
  lost: number;
  /** Endings told beyond the first, repetitions of the same event apart. */
  secondEnds: number;
  /** Told as delivered, and not in the cloud or not where it belongs. */
  notAsTold: number;
}

export interface Seen {
  orders: GoodOrder[];
  things: CloudResource[];
  /** By workOrderId, in the order in which they came. */
  events: Map<string, ReceivedEvent[]>;
  /** Ids of resources that the worker itself lists as nobody's. */
  orphans: string[];
}

const bought = ['vm', 'volume', 'address'];
const uuids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export function tally({ orders, things, events, orphans }: Seen): Tally {
  const told = new Set(orphans);
  for (const { text } of [...events.values()].flat()) for (const [id] of text.matchAll(uuids)) told.add(id);
  const ends = orders.map(({ workOrderId }) => endingsOf(events.get(workOrderId) ?? []));
  const living = things.filter(({ kind }) => bought.includes(kind));
  return {
    orders: orders.length,
    completed: ends.filter(([first]) => first === 'completed').length,
    failed: ends.filter(([first]) => first !== undefined && first !== 'completed').length,
    withoutEnd: ends.filter(({ length }) => length === 0).length,
    ...extra(living, told, orders),
    secondEnds: ends.reduce((sum, { length }) => sum + Math.max(0, length - 1), 0),
    notAsTold: orders.filter((order) => !isAsTold(order, events.get(order.workOrderId) ?? [], living)).length,
  };
}

/** What an order was told to have ended as, each event once. */
function endingsOf(events: ReceivedEvent[]): string[] {
  const byId = new Map(events.map(({ id, type }) => [id, type]));
  return [...byId.values()].flatMap(
    (type) => /\.work-order\.(completed|partial|failed|cancelled)\./.exec(type)?.[1] ?? [],
  );
}

/**
 * A thing says by its marker, or by a name made from the item's id, for which item it was made. An address without a marker
 * does not: of those that nobody was told of, one may be the first for each item that was told of none; the others are
 * certainly too many.
 */
function extra(living: CloudResource[], told: Set<string>, orders: GoodOrder[]): Pick<Tally, 'doubled' | 'lost'> {
  const made = new Map<string, CloudResource[]>();
  const nameless: CloudResource[] = [];
  for (const thing of living) {
    const item = thing.marker ?? (thing.kind === 'address' ? null : thing.name);
    if (item !== null) made.set(item, [...(made.get(item) ?? []), thing]);
    else if (!told.has(thing.id)) nameless.push(thing);
  }
  const groups = [...made.values()];
  const toldAddresses = living.filter(({ kind, id }) => kind === 'address' && told.has(id)).length;
  const withoutAddress = orders.filter(({ bandwidthMbps }) => bandwidthMbps !== null).length - toldAddresses;
  const first = Math.min(nameless.length, Math.max(0, withoutAddress));
  return {
    doubled: groups.reduce((sum, { length }) => sum + length - 1, 0) + nameless.length - first,
    lost: groups.filter((group) => group.every(({ id }) => !told.has(id))).length + first,
  };
}

/** Of an order that was told as completed: one running VM, its disks on it, its address bound to it. */
function isAsTold(order: GoodOrder, events: ReceivedEvent[], living: CloudResource[]): boolean {
  if (!endingsOf(events).includes('completed')) return true;
  const items = events.filter(({ type }) => type === 'orderwright.item.completed.v1');
  const ids = new Set(items.flatMap(({ data }) => data['cloudResourceIds'] as string[]));
  const things = living.filter(({ id }) => ids.has(id));
  const vm = things.find(({ kind }) => kind === 'vm');
  const others = things.filter((one) => one !== vm);
  const expected = order.volumes.length + (order.bandwidthMbps === null ? 0 : 1);
  return vm?.state === 'Running' && others.length === expected && others.every((one) => one.attachedTo === vm.id);
}
