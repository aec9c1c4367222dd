import { groupBy } from '../../src/group-by.js';
import type { Checker } from './facts.js';

/**
 * I10 event order: each order's events are numbered 1…n without a gap, and reach a consumer in that order (what comes
 * again may come again), under the order's own key.
 */
export const eventOrder: Checker = {
  invariant: 'I10',
  check({ rows, told, evidence, orderById }, { figures }) {
    const wrong: string[] = [];
    for (const [orderId, events] of groupBy(rows.events, (event) => event.orderId)) {
      const sequences = events.map(({ sequence }) => sequence);
      if (sequences.every((sequence, i) => sequence === i + 1)) continue;
      figures.sequenceGaps += 1;
      wrong.push(`${orderById.get(orderId)?.workOrderId}: stored events are numbered ${sequences.join(' ')}`);
    }
    for (const [subject, events] of told ?? []) {
      // That one number has two events is I9.
      const sequences = [...new Set(events.map(({ sequence }) => sequence))];
      if (sequences.every((sequence, i) => sequence === i + 1)) continue;
      figures.sequenceGaps += 1;
      wrong.push(`${subject}: events came as ${sequences.join(' ')}`);
    }
    for (const { key, subject, id } of evidence.events ?? []) {
      if (key !== undefined && key !== subject) wrong.push(`event ${id} of ${subject} has the key ${key}`);
    }
    return wrong;
  },
};
