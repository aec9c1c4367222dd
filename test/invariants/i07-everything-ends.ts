import { groupBy } from '../../src/group-by.js';
import { type Checker, type Facts, itemsOf } from './facts.js';
import type { OperationRow, OrderRow } from './rows.js';

/**
 * I7 everything ends: at the end of a run every order is at its end or held for a person with a reason. In the middle of
 * one, whatever is open has an alarm, a job that is asked about, a call under way, something made for several orders
 * that it waits for, or a person's turn; never nothing.
 */
export const everythingEnds: Checker = {
  invariant: 'I7',
  check(facts, { options, figures }) {
    const { rows } = facts;
    const wrong: string[] = [];
    const operations = groupBy(rows.operations, ({ orderId }) => orderId);
    for (const order of rows.orders) {
      if (order.finished) continue;
      const { workOrderId, status, kind } = order;
      const own = operations.get(order.orderId) ?? [];
      if (isForPerson(order, own)) {
        const reason = needOfPerson(facts, order, own);
        if (reason === null && kind === 'billing') figures.notTerminal += 1;
        if (reason === null) wrong.push(`${workOrderId} is ${status} and nothing says why`);
        else if (options.nobodyHelps) wrong.push(`${workOrderId} waits for a person: ${reason}`);
        continue;
      }
      if (kind === 'billing') figures.notTerminal += 1;
      const waking = wakes(facts, order, own);
      if (waking === null) wrong.push(`${workOrderId} is ${status}, and nothing will ever wake it`);
      else if (!options.stillRunning) wrong.push(`${workOrderId} is ${status} at the end: ${waking}`);
    }
    for (const order of rows.orders.filter(({ finished, kind }) => finished && kind === 'billing')) {
      const pending = itemsOf(facts, order.orderId).filter(({ status }) => !verdicts.includes(status));
      for (const { itemIndex, status } of pending) {
        wrong.push(`${order.workOrderId} is ${order.status}, and its item ${itemIndex} is ${status}`);
      }
    }
    return wrong;
  },
};

const verdicts = ['completed', 'failed', 'cancelled', 'compensated'];

/** Held, or nothing goes on but what only a person can move. */
function isForPerson({ status, machine }: OrderRow, operations: OperationRow[]): boolean {
  if (status === 'held' || machine.value === 'undoStuck') return true;
  const open = operations.filter(({ finished }) => !finished);
  return open.length > 0 && open.every(({ state }) => state === 'stuck');
}

function needOfPerson({ rows }: Facts, order: OrderRow, operations: OperationRow[]): string | null {
  const { machine, holds, orderId } = order;
  const reason = machine.context?.reason;
  if (reason) return `${reason.code}: ${reason.message}`;
  if (holds > 0) return `${holds} holds`;
  const stuck = operations.find(({ state }) => state === 'stuck');
  if (stuck) return `${stuck.name} is stuck`;
  const lever = rows.audit.findLast((one) => one.orderId === orderId);
  return lever ? `${lever.action}: ${lever.reason}` : null;
}

/** What the order waits for; null when nothing would ever move it. */
function wakes({ rows }: Facts, { machine, preparations }: OrderRow, operations: OperationRow[]): string | null {
  if (machine.dueAt != null) return `it wakes at ${new Date(machine.dueAt).toISOString()}`;
  for (const { finished, state, name, dueAt, jobId, submittedAt } of operations) {
    if (finished || state === 'stuck') continue;
    if (dueAt !== null) return `${name} is ${state} until ${dueAt.toISOString()}`;
    // The deadline of a job follows from when it was taken.
    if (state === 'inFlight') return jobId !== null && submittedAt !== null ? `job ${jobId} for ${name}` : null;
    // A call that is under way, with a deadline of its own; whoever takes over a dead worker's order makes it again.
    return sleeping.includes(state) ? null : `${name} is ${state}`;
  }
  const made = preparations.find((key) =>
    rows.orders.some(
      ({ kind, workOrderId }) => kind === 'preparation' && workOrderId.startsWith(`${key.replace(' ', '/')}#`),
    ),
  );
  // Whoever works on the order looks again and again whether it is there.
  if (made !== undefined) return `it waits for ${made}`;
  // Being planned, or about to ask for what is to be prepared: its worker's next step, or the next one's when it is gone.
  return machine.value === 'received' || machine.value === 'planned' ? `it is ${machine.value}` : null;
}

/** States that only an alarm leads out of. */
const sleeping = ['settling', 'watching', 'leaving', 'backingOff'];
