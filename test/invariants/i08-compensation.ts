import { boughtKinds, type Checker, endedStatuses, isUnseen, nameOf, ownerOf, undeliveredStatuses } from './facts.js';

/**
 * I8 compensation: of an item that got nothing in the end (failed, cancelled, undone) nothing is left, or what is left
 * stands in `orphan`. Only what is ours was ever removed or changed, and what an operator had destroyed is gone.
 */
export const compensation: Checker = {
  invariant: 'I8',
  check(facts, { figures }) {
    const { evidence, rows } = facts;
    if (evidence.clouds.length === 0) return null;
    const wrong: string[] = [];
    for (const thing of facts.things) {
      if (!thing.alive || !boughtKinds.includes(thing.kind) || facts.listed.has(thing.id)) continue;
      if (isUnseen(facts, thing)) continue;
      const owner = ownerOf(facts, thing);
      if (!owner?.order.finished || !endedStatuses.includes(owner.order.status)) continue;
      const { order, item } = owner;
      if (!undeliveredStatuses.includes(item.status)) continue;
      figures.unlistedOrphans += 1;
      wrong.push(`${nameOf(thing)} is left of item ${item.itemIndex} of ${order.workOrderId}, which is ${item.status}`);
    }
    const recorded = new Set([...rows.operations, ...rows.orphans].map(({ resourceId }) => resourceId));
    for (const { effects, foreignIds } of evidence.clouds) {
      const foreign = new Set(foreignIds);
      const made = new Set(effects.filter(({ effect }) => effect === 'created').map(({ id }) => id));
      for (const { effect, operation, id } of effects) {
        if (effect === 'created') continue;
        const thing = facts.thingById.get(id);
        if (foreign.has(id)) wrong.push(`${operation} has ${effect} ${thing?.kind} ${id}, which is not ours`);
        else if (effect === 'deleted' && thing && boughtKinds.includes(thing.kind) && !recorded.has(id)) {
          // An address has no marker before its tag; that it was made in this log and is nobody else's must do.
          const isOurs = thing.marker === null ? made.has(id) : facts.operationsByMarker.has(thing.marker);
          if (!isOurs) wrong.push(`${operation} has deleted ${nameOf(thing)}, which nothing records as ours`);
        }
      }
    }
    for (const { resourceId, state } of rows.orphans) {
      const thing = facts.thingById.get(resourceId);
      if (state === 'destroyed' && thing?.alive) wrong.push(`orphan ${nameOf(thing)} is destroyed and still there`);
    }
    return wrong;
  },
};
