import { groupBy } from '../../src/group-by.js';
import { type Checker, endedStatuses, firstOf, itemsOf } from './facts.js';

/**
 * I9 stable events: a fact has one id and one content however often it is told, and there is at most one ending per item
 * and one per order, for ever: the one that the order's row tells of, and nothing after it. A callback likewise.
 */
export const stableEvents: Checker = {
  invariant: 'I9',
  check(facts, { figures }) {
    const { rows, evidence, told } = facts;
    const wrong: string[] = [];
    const stored = groupBy(rows.events, ({ orderId }) => orderId);
    for (const order of rows.orders) {
      if (order.kind !== 'billing') continue;
      const { orderId, workOrderId, finished, status } = order;
      const events = stored.get(orderId) ?? [];
      const ends = events.filter(({ type }) => isOrderEnd(type));
      figures.secondTerminalEvents += Math.max(0, ends.length - 1);
      if (ends.length > 1)
        wrong.push(`${workOrderId} ends ${ends.length} times: ${ends.map(({ type }) => type).join(', ')}`);
      const expected = finished ? `work-order.${status}` : undefined;
      if (ends[0]?.type !== expected)
        wrong.push(`${workOrderId} is ${status}, and its events end it with ${ends[0]?.type ?? 'nothing'}`);
      if (ends[0] && events.at(-1) !== ends.at(-1))
        wrong.push(`${workOrderId}: ${events.at(-1)?.type} is told after its end`);
      const ofItem = groupBy(
        events.filter(({ type }) => isItemEnd(type)),
        ({ itemIndex }) => itemIndex,
      );
      for (const [itemIndex, all] of ofItem) {
        figures.secondTerminalEvents += all.length - 1;
        if (all.length > 1)
          wrong.push(
            `${workOrderId}: item ${itemIndex} ends ${all.length} times: ${all.map(({ type }) => type).join(', ')}`,
          );
      }
      if (!finished) continue;
      for (const { itemIndex, status: verdict } of itemsOf(facts, orderId)) {
        const type = ofItem.get(itemIndex)?.[0]?.type;
        // An order that ended before it was planned has nothing to say of its items.
        if (type === undefined ? verdict === 'completed' : type !== `item.${verdict}`) {
          wrong.push(`${workOrderId}: item ${itemIndex} is ${verdict}, and its events say ${type ?? 'nothing'}`);
        }
      }
    }
    const changed = (evidence.events ?? []).filter(differs(evidence.events ?? []));
    for (const id of new Set(changed.map((event) => event.id))) wrong.push(`event ${id} came twice with other content`);
    for (const [subject, events] of told ?? []) {
      for (const [sequence, same] of groupBy(events, (event) => event.sequence)) {
        if (same.length < 2) continue;
        const types = same.map(({ type }) => type);
        figures.secondTerminalEvents +=
          types.filter((type) => isOrderEnd(shortType(type)) || isItemEnd(shortType(type))).length > 1 ? 1 : 0;
        wrong.push(`${subject}: event ${sequence} has ${same.length} ids (${types.join(', ')})`);
      }
    }
    const callbacks = evidence.callbacks ?? [];
    for (const id of new Set(callbacks.filter(differs(callbacks, ({ body }) => body)).map((one) => one.id))) {
      wrong.push(`callback ${id} came twice with other content`);
    }
    for (const [workOrderId, same] of groupBy(firstOf(callbacks), (one) => one.workOrderId)) {
      if (same.length > 1) wrong.push(`${workOrderId} was called back under ${same.length} ids`);
    }
    return wrong;
  },
};

/** `orderwright.item.completed.v1` as the table has it. */
export const shortType = (type: string): string => type.replace(/^orderwright\./, '').replace(/\.v1$/, '');
const isOrderEnd = (type: string): boolean => endedStatuses.some((status) => type === `work-order.${status}`);
const isItemEnd = (type: string): boolean =>
  ['completed', 'failed', 'cancelled', 'compensated'].some((status) => type === `item.${status}`);

/** Whether one of these says something else than the first with its id. */
function differs<Told extends { id: string }>(
  all: readonly Told[],
  textOf: (one: Told) => string = (one) => (one as unknown as { text: string }).text,
): (one: Told) => boolean {
  const first = new Map(firstOf(all).map((one) => [one.id, textOf(one)]));
  return (one) => first.get(one.id) !== textOf(one);
}
