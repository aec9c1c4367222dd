import { groupBy } from '../../src/group-by.js';
import { endedStatuses, type Checker } from './facts.js';

/**
 * I6 fencing: a step of a worker that lost the order changes no row. Rows that are only ever written by one step tell of
 * a stale writer when they disagree: an order at its end with open operations, a final status without an end, more or
 * fewer events than the order counts, one job in two operations. That the compare-and-set itself holds is shown by
 * test/store/steps.test.ts and test/store/ownership.test.ts.
 */
export const fencing: Checker = {
  invariant: 'I6',
  check({ rows }) {
    const wrong: string[] = [];
    const operations = groupBy(rows.operations, ({ orderId }) => orderId);
    const events = groupBy(rows.events, ({ orderId }) => orderId);
    const audited = new Set(rows.audit.map(({ orderId }) => orderId));
    for (const order of rows.orders) {
      const { orderId, workOrderId, status, finished, eventSequence } = order;
      if (finished !== endedStatuses.includes(status)) {
        wrong.push(`${workOrderId} is ${status} and ${finished ? 'at its end' : 'open'}`);
      }
      const own = operations.get(orderId) ?? [];
      for (const { name, state, finished: done, number } of own) {
        // A person may call gone what the cloud would not remove: its step stays as it was.
        const isLeftToPerson = state === 'stuck' && audited.has(orderId);
        if (finished && !done && !isLeftToPerson)
          wrong.push(`${workOrderId} is ${status}, and its ${name} is ${state}`);
        if (done !== (state === 'done' || state === 'failed')) {
          wrong.push(`${workOrderId}: operation ${number}, ${name}, is ${state} and ${done ? 'at its end' : 'open'}`);
        }
      }
      if (own.some(({ number }, i) => number !== i)) wrong.push(`${workOrderId}: operations are missing`);
      const told = events.get(orderId)?.length ?? 0;
      if (told !== eventSequence) wrong.push(`${workOrderId} counts ${eventSequence} events, and ${told} are stored`);
    }
    const jobs = rows.operations.filter(({ jobId }) => jobId !== null);
    for (const [job, same] of groupBy(jobs, ({ platformId, jobId }) => `${platformId} ${jobId}`)) {
      const holders = new Set(same.map(({ orderId, number }) => `${orderId}/${number}`));
      if (holders.size > 1) wrong.push(`job ${job} belongs to ${[...holders].join(' and ')}`);
    }
    return wrong;
  },
};
