/** Evidence put side by side, so that each checker is a few lines: who made what for which item of which order. */
import { createHash } from 'node:crypto';
import { groupBy } from '../../src/group-by.js';
import type { CloudEffect, CloudEvidence, CloudResource, Evidence, SeenEvent } from './evidence.js';
import type { ItemRow, OperationRow, OrderRow, Rows } from './rows.js';
import type { CheckOptions, Figures } from './check.js';

export const invariantIds = Array.from({ length: 21 }, (_, i) => `I${i + 1}` as InvariantId);
export type InvariantId =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'I11'
  | 'I12'
  | 'I13'
  | 'I14'
  | 'I15'
  | 'I16'
  | 'I17'
  | 'I18'
  | 'I19'
  | 'I20'
  | 'I21';

/** One rule. `check` gives its violations in words; null when the evidence has nothing to look at. */
export interface Checker {
  invariant: InvariantId;
  check(facts: Facts, run: { options: CheckOptions; figures: Figures }): string[] | null;
}

/** A thing on a cloud, alive or known from the log, with the marker that anything ever said of it. */
export interface Thing {
  cloud: CloudEvidence;
  kind: string;
  id: string;
  marker: string | null;
  alive: CloudResource | null;
}

export interface Facts {
  evidence: Evidence;
  rows: Rows;
  orderById: Map<string, OrderRow>;
  /** Operations by the markers that what they make carries. Several of one part share one. */
  operationsByMarker: Map<string, OperationRow[]>;
  /** Everything that any cloud shows or has logged. */
  things: Thing[];
  thingById: Map<string, Thing>;
  /** Ids in table `orphan`. */
  listed: Set<string>;
  /** What the event says that an item got, by `orderId/itemIndex`. */
  deliveredIds: Map<string, string[]>;
  /** Each event once, as it came first; null when no consumer looked. */
  told: Map<string, SeenEvent[]> | null;
}

/** Kinds of things that are bought for one item; the rest (networks, rules, offerings) is shared and costs nothing. */
export const boughtKinds: readonly string[] = ['vm', 'volume', 'address'];

export const endedStatuses: readonly string[] = ['completed', 'partial', 'failed', 'cancelled'];
/** Of an item that nothing may be left of. */
export const undeliveredStatuses: readonly string[] = ['failed', 'cancelled', 'compensated'];

export function factsOf(evidence: Evidence, rows: Rows): Facts {
  const things = evidence.clouds.flatMap(thingsOf);
  return {
    evidence,
    rows,
    orderById: new Map(rows.orders.map((order) => [order.orderId, order])),
    operationsByMarker: operationsByMarker(rows.operations),
    things,
    thingById: new Map(things.map((thing) => [thing.id, thing])),
    listed: new Set(rows.orphans.map(({ resourceId }) => resourceId)),
    deliveredIds: new Map(
      rows.events
        .filter(({ type }) => type === 'item.completed')
        .map(({ orderId, itemIndex, data }) => [
          `${orderId}/${itemIndex}`,
          (data['cloudResourceIds'] as string[] | undefined) ?? [],
        ]),
    ),
    told: evidence.events ? groupBy(firstOf(evidence.events), ({ subject }) => subject) : null,
  };
}

/** An address is tagged after it is made: what any entry, or its own row, says of its marker counts for all of them. */
function thingsOf(cloud: CloudEvidence): Thing[] {
  const things = new Map<string, Thing>();
  for (const { kind, id, marker } of cloud.effects) {
    const known = things.get(id);
    if (known) known.marker ??= marker;
    else things.set(id, { cloud, kind, id, marker, alive: null });
  }
  for (const resource of cloud.resources) {
    const known = things.get(resource.id);
    if (known) Object.assign(known, { alive: resource, marker: resource.marker ?? known.marker });
    else {
      things.set(resource.id, {
        cloud,
        kind: resource.kind,
        id: resource.id,
        marker: resource.marker,
        alive: resource,
      });
    }
  }
  return [...things.values()];
}

/** Stages of an operation that make things of their own. A new one is unknown (I4) until it is named here. */
const stages: [operation: string, stages: string[]][] = [
  // CloudStack: a VPC, its list, its rules, its tier. OpenStack: a network, its subnet, its router.
  ['default-network', ['acl-list', 'rule-10', 'rule-20', 'rule-30', 'rule-40', 'tier', 'subnet', 'router']],
  // Of OpenStack: a project is the first.
  ['tenant', ['user', 'roles', 'default-group']],
  ['bandwidth-policy', ['egress', 'ingress']],
  // Of OpenStack: a server's cards are made before it.
  ['vm.create', ['port']],
];

function operationsByMarker(operations: OperationRow[]): Map<string, OperationRow[]> {
  const byMarker = groupBy(operations, ({ marker }) => marker);
  for (const [operation, names] of stages) {
    const staged = operations.filter(({ name }) => name.startsWith(operation));
    for (const [marker, made] of groupBy(staged, (one) => one.marker)) {
      for (const stage of names) byMarker.set(stageMarker(marker, stage), made);
    }
  }
  return byMarker;
}

/** Written down a second time on purpose: were the markers of a release to change, what it left could not be found again. */
function stageMarker(marker: string, stage: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(['stage', marker, stage]))
    .digest();
  const bits = BigInt(`0x${hash.subarray(0, 10).toString('hex')}`);
  return `ow-${bits.toString(32).padStart(16, '0')}`;
}

/** Each event once, as it came first. */
export function firstOf<Event extends { id: string }>(events: readonly Event[]): Event[] {
  const first = new Map<string, Event>();
  for (const event of events) if (!first.has(event.id)) first.set(event.id, event);
  return [...first.values()];
}

/** Of each kind and marker, what lives. */
export function livingByMarker({ things }: Facts): Map<string, Thing[]> {
  const living = things.filter(({ alive, marker }) => alive !== null && marker !== null);
  return groupBy(living, ({ cloud, marker }) => `${cloud.name} ${marker}`);
}

/** The item that a thing was made for, by its marker; null when no operation is known for it, or it is shared. */
export function ownerOf(facts: Facts, thing: Thing): { order: OrderRow; item: ItemRow } | null {
  const operation = thing.marker === null ? undefined : facts.operationsByMarker.get(thing.marker)?.[0];
  const order = operation && facts.orderById.get(operation.orderId);
  const item = operation && itemsOf(facts, operation.orderId)[operation.itemIndex];
  return order && item ? { order, item } : null;
}

/**
 * Whether others added it under a marker of ours and no look after its order's end has seen it yet, as one made before it or within the
 * time in which lists lag cannot. Until then nobody can know of it; from then on it is one too many like any other.
 */
export function isUnseen(facts: Facts, { cloud, id, marker }: Thing): boolean {
  const addedAt = cloud.addedByOthers?.[id];
  if (addedAt === undefined || marker === null) return false;
  const shownAt = Date.parse(addedAt) + (settleWindowOf(facts, cloud) ?? 0);
  const makers = new Set((facts.operationsByMarker.get(marker) ?? []).map(({ orderId }) => orderId));
  return !facts.rows.looks.some(
    ({ orderId, lookedAt }) => makers.has(orderId) && lookedAt !== null && lookedAt.getTime() > shownAt,
  );
}

const itemsByOrder = new WeakMap<Rows, Map<string, ItemRow[]>>();

/** The items of an order by their index. */
export function itemsOf({ rows }: Facts, orderId: string): ItemRow[] {
  let grouped = itemsByOrder.get(rows);
  if (!grouped) itemsByOrder.set(rows, (grouped = groupBy(rows.items, (item) => item.orderId)));
  return grouped.get(orderId) ?? [];
}

/** How long a cloud's lists may lag behind the truth; null when nobody said. */
export const settleWindowOf = ({ evidence }: Facts, cloud: CloudEvidence): number | null =>
  cloud.settleWindowMs ?? evidence.settleWindowMs ?? null;

export const nameOf = ({ kind, id, marker }: Pick<CloudEffect, 'kind' | 'id' | 'marker'>): string =>
  `${kind} ${id} (${marker ?? 'no marker'})`;
