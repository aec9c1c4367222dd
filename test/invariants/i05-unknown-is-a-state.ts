import { boughtKinds, type Checker, nameOf, settleWindowOf, type Thing } from './facts.js';

/**
 * I5 unknown is a state: nothing is made again under a marker while what the first request made is there, unless the
 * settle window has passed (a lost answer is looked up, not sent again blindly); and nothing is told as delivered on a
 * job's word alone: what an item got is there, alive, carrying the marker.
 */
export const unknownIsAState: Checker = {
  invariant: 'I5',
  check(facts, { figures }) {
    const { evidence, rows } = facts;
    if (evidence.clouds.length === 0) return null;
    const wrong: string[] = [];
    for (const cloud of evidence.clouds) {
      const windowMs = settleWindowOf(facts, cloud);
      const standing = new Map<string, { id: string; at: number }>();
      for (const { effect, kind, id, at } of cloud.effects) {
        const marker = facts.thingById.get(id)?.marker;
        if (marker == null || !boughtKinds.includes(kind) || cloud.addedByOthers?.[id] !== undefined) continue;
        const key = `${kind} ${marker}`;
        const first = standing.get(key);
        if (effect === 'deleted' && first?.id === id) standing.delete(key);
        if (effect !== 'created' || first?.id === id) continue;
        const afterMs = first ? Date.parse(at) - first.at : 0;
        if (first && windowMs !== null && afterMs < windowMs) {
          wrong.push(
            `${kind} ${id} was made ${afterMs} ms after ${first.id}, which carries ${marker} too and was there`,
          );
        }
        standing.set(key, { id, at: Date.parse(at) });
      }
    }
    const byHand = new Set(rows.audit.filter(({ action }) => action.includes('mark-done')).map((one) => one.orderId));
    const touched = new Set(evidence.clouds.flatMap(({ touchedIds }) => touchedIds ?? []));
    for (const [item, ids] of facts.deliveredIds) {
      const order = facts.orderById.get(item.slice(0, item.lastIndexOf('/')));
      if (ids.length === 0) wrong.push(`${order?.workOrderId}: item ${item} is told as delivered, and as nothing`);
      for (const id of ids) {
        const thing = facts.thingById.get(id);
        // A person may name a thing of his own, which carries no marker; it has to be there all the same.
        const reason = notThere(thing, byHand.has(order?.orderId ?? null));
        if (reason === null || touched.has(id)) continue;
        figures.lost += 1;
        wrong.push(`${order?.workOrderId}: ${thing ? nameOf(thing) : id} was told as delivered and ${reason}`);
      }
    }
    return wrong;
  },
};

function notThere(thing: Thing | undefined, isNamedByHand: boolean): string | null {
  if (!thing?.alive) return 'is not there';
  if (thing.marker === null && !isNamedByHand) return 'carries no marker';
  const state = thing.alive.state?.toLowerCase() ?? '';
  return ['error', 'destroyed', 'expunging', 'releasing', 'destroy'].includes(state) ? `is in state ${state}` : null;
}
