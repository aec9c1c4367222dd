import { groupBy } from '../../src/group-by.js';
import {
  boughtKinds,
  type Checker,
  type Facts,
  isUnseen,
  livingByMarker,
  nameOf,
  ownerOf,
  type Thing,
} from './facts.js';

/**
 * I3 effect once, modulo the cloud: at most one living thing carries a marker, one thing of billing's (its resourceId) is there as
 * often as it was ordered and no more, whatever orders named it, every extra one is listed in `orphan`, and
 * every living bought thing belongs to an item that got it or still works on it, or is listed. What was made for an item
 * that got nothing in the end is I8.
 */
export const effectOnce: Checker = {
  invariant: 'I3',
  check(facts, { figures }) {
    if (facts.evidence.clouds.length === 0) return null;
    const wrong: string[] = [];
    const extra = new Set<Thing>();
    for (const things of livingByMarker(facts).values()) {
      // A default network is several things (VPC, rules, tier) that may share a marker, one of each kind.
      for (const same of groupBy(things, groupKind(facts)).values()) {
        figures.duplicates += same.length - 1;
        const unlisted = same.filter((thing) => !facts.listed.has(thing.id) && !isUnseen(facts, thing));
        if (unlisted.length < 2) continue;
        wrong.push(
          `${unlisted[0]?.marker} is carried by ${unlisted.map(({ kind, id }) => `${kind} ${id}`).join(' and ')}`,
        );
        for (const thing of unlisted.slice(1)) extra.add(thing);
      }
    }
    wrong.push(...soldTwice(facts));
    const deliveredTo = new Map<string, string>();
    for (const [item, ids] of facts.deliveredIds) {
      for (const id of ids) {
        const other = deliveredTo.get(id);
        if (other !== undefined) wrong.push(`${id} was delivered to item ${other} and to item ${item}`);
        deliveredTo.set(id, item);
      }
    }
    for (const thing of facts.things) {
      if (!thing.alive || !boughtKinds.includes(thing.kind) || facts.listed.has(thing.id)) continue;
      if (thing.cloud.foreignIds?.includes(thing.id) || isUnseen(facts, thing)) continue;
      const reason = extra.has(thing) ? 'is one too many' : unowned(facts, thing, deliveredTo);
      if (reason === null) continue;
      figures.unlistedOrphans += 1;
      if (!extra.has(thing)) wrong.push(`${nameOf(thing)} ${reason} and is no listed orphan`);
    }
    return wrong;
  },
};

/** A marker has its order in it: two orders of one thing are seen by billing's own id of it alone. */
function soldTwice(facts: Facts): string[] {
  const living = facts.things.flatMap((thing) => {
    if (!thing.alive || !boughtKinds.includes(thing.kind) || facts.listed.has(thing.id)) return [];
    if (isUnseen(facts, thing)) return [];
    const owner = ownerOf(facts, thing);
    return owner?.order.kind === 'billing' ? [{ thing, ...owner }] : [];
  });
  const same = groupBy(living, ({ thing, order, item }) => `${order.producer} ${item.resourceId} ${thing.kind}`);
  return [...same].flatMap(([, things]) => {
    const [first] = things;
    const orders = [...new Set(things.map(({ order }) => order.workOrderId))];
    // Several of one order's: that is for I21, which knows when that order is at its end.
    if (!first || orders.length < 2) return [];
    const most = Math.max(...things.map(({ item }) => item.ordered?.quantity ?? 1));
    if (things.length <= most) return [];
    const names = things.map(({ thing }) => nameOf(thing)).join(' and ');
    return [
      `${first.item.resourceId} of billing's is there ${things.length} times, for ${orders.join(' and ')}: ${names}`,
    ];
  });
}

/** Why a living bought thing has no business being there; null when it has, or when I8 speaks of it. */
function unowned(facts: Facts, thing: Thing, deliveredTo: Map<string, string>): string | null {
  if (deliveredTo.has(thing.id)) return null;
  const isWorkedOn = facts.rows.operations.some((one) => !one.finished && one.resourceId === thing.id);
  if (isWorkedOn) return null;
  if (thing.marker === null) return 'carries no marker';
  const owner = ownerOf(facts, thing);
  if (!owner) return 'carries a marker that nobody knows';
  const { order, item } = owner;
  if (item.status === 'completed' && order.finished) return `is not what its item of ${order.workOrderId} got`;
  return null;
}

const groupKind =
  ({ operationsByMarker, orderById }: Facts) =>
  ({ marker, kind }: Thing): string => {
    const [operation] = operationsByMarker.get(marker ?? '') ?? [];
    const isShared = operation && orderById.get(operation.orderId)?.kind === 'preparation';
    return isShared ? kind : '';
  };
