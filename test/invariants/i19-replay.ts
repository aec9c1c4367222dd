import { groupBy } from '../../src/group-by.js';
import type { Checker } from './facts.js';

/**
 * I19 replay: whatever an operator did is written down with who and why, once for each time it was answered; a forecast
 * writes nothing. That a replay doubles nothing is I3 and I5 of the same run.
 */
export const replay: Checker = {
  invariant: 'I19',
  check({ rows, evidence, orderById }) {
    const { levers } = evidence;
    if (rows.audit.length === 0 && !levers) return null;
    const wrong: string[] = [];
    for (const { actor, action, subject, reason, orderId } of rows.audit) {
      if (reason.trim() === '') wrong.push(`${action} of ${subject} has no reason`);
      if (actor.trim() === '') wrong.push(`nobody did the ${action} of ${subject}`);
      if (orderId !== null && !orderById.has(orderId))
        wrong.push(`${action} of ${subject} is about an order that is not there`);
    }
    if (!levers) return wrong;
    const key = (action: string, workOrderId: string | undefined, reason: string) =>
      `${action} ${workOrderId} ${reason}`;
    const audited = groupBy(rows.audit, ({ action, orderId, reason }) =>
      key(action, orderById.get(orderId ?? '')?.workOrderId, reason),
    );
    for (const [pulled, same] of groupBy(levers, ({ action, workOrderId, reason }) =>
      key(action, workOrderId, reason),
    )) {
      const real = same.filter(({ dryRun }) => dryRun !== true);
      const done = real.filter(({ answer }) => answer !== null && answer >= 200 && answer < 300).length;
      // One that was not answered may have been done or not.
      const most = done + real.filter(({ answer }) => answer === null).length;
      const written = audited.get(pulled)?.length ?? 0;
      if (written < done || written > most) wrong.push(`${pulled}: done ${done} times, written down ${written} times`);
    }
    return wrong;
  },
};
