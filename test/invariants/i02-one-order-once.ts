import { groupBy } from '../../src/group-by.js';
import type { Checker } from './facts.js';
import { sha256 } from './rows.js';

/**
 * I2 one order once: one row per order key, made by exactly one message; what says the same again is a duplicate of it,
 * what says something else is a conflict, and neither makes new work. A record redelivered is kept once.
 */
export const oneOrderOnce: Checker = {
  invariant: 'I2',
  check({ evidence, rows }) {
    const wrong: string[] = [];
    const orders = rows.orders.filter(({ kind }) => kind === 'billing');
    for (const [key, same] of groupBy(orders, ({ producer, workOrderId }) => `${producer} ${workOrderId}`)) {
      if (same.length > 1) wrong.push(`${key} is ${same.length} orders`);
    }
    const ofOrder = groupBy(rows.messages, ({ orderId }) => orderId);
    for (const { orderId, workOrderId } of orders) {
      const messages = ofOrder.get(orderId) ?? [];
      const first = messages.filter(({ verdict }) => verdict === 'accepted' || verdict === 'held');
      if (first.length !== 1) wrong.push(`${workOrderId} was accepted ${first.length} times`);
      for (const { messageId, verdict, sha256: hash } of messages) {
        if (verdict === 'conflict' && first.some((one) => one.sha256 === hash)) {
          wrong.push(`${workOrderId}: message ${messageId} is a conflict with its own bytes`);
        }
      }
    }
    for (const { messageId, verdict, orderId, workOrderId } of rows.messages) {
      if (verdict !== 'duplicate' && verdict !== 'conflict') continue;
      if (!ofOrder.get(orderId)?.some((one) => one.verdict === 'accepted' || one.verdict === 'held')) {
        wrong.push(`message ${messageId} is a ${verdict} of ${workOrderId}, which nothing was accepted for`);
      }
    }
    const records = rows.messages.filter(({ channel }) => channel === 'kafka');
    for (const [origin, same] of groupBy(records, (row) => row.origin)) {
      if (same.length > 1) wrong.push(`record ${origin} is kept ${same.length} times`);
    }
    if (evidence.sent) {
      const sent = new Set(evidence.sent.map(({ bytes }) => sha256(bytes)));
      for (const { messageId, sha256: hash, resubmitted } of rows.messages) {
        if (!sent.has(hash) && !resubmitted) wrong.push(`message ${messageId} is kept, and nobody sent it`);
      }
    }
    return wrong;
  },
};
