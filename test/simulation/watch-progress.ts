/**
 * Whether an open order is on its way: for each of its operations there is what its state says there is (a call, a job that is
 * asked about, an alarm), and the order as a whole is never silent for long. Pure; `Watch` asks at every look.
 */
import type { OperationState, OrderState } from '../../src/machines/order-state.js';
import { keyOf } from './watch-wanted.js';

/** An order as its worker holds it, and what that worker has under way for it. */
export interface Held {
  state: OrderState;
  revision: number;
  /** A step of it is being stored, or has to wait for that. */
  isMoving: boolean;
}

export interface Around {
  /** The worker's clock, ms since epoch. */
  now: number;
  /** Work that waits for its turn or has it; `operation` is null for what is the order's own (planning). */
  calls: { operation: OperationState | null }[];
  hasJob(platformId: string, jobId: string): boolean;
  /** Shared things that are being made by an open order, as {@link keyOf} writes them. */
  inPreparation: ReadonlySet<string>;
}

/** An alarm may be late by as much as the timers look away, and a little. */
export const lateAlarmMs = 90_000;

const calling = ['requesting', 'lookingUp', 'verifying', 'discarding'];

/** What each open operation lacks that would move it, in words; nothing when all have it. */
export function lacksOf({ state, isMoving }: Held, around: Around): string[] {
  if (isMoving) return [];
  return state.operations.filter((one) => one.finishedAt === null).flatMap((one) => lackOf(one, around) ?? []);
}

function lackOf(operation: OperationState, { now, calls, hasJob }: Around): string | null {
  const { name, marker, machine, dueAt, requestId } = operation;
  const { value, context } = machine;
  const what = `${name} (${marker}) is ${value}, attempt ${context.attempt}`;
  if (value === 'stuck') return null;
  if (value === 'inFlight') {
    const isAsked = context.jobId !== null && hasJob(operation.platformId, context.jobId);
    return isAsked ? null : `${what}, and nobody asks about job ${context.jobId}`;
  }
  if (!calling.includes(value)) {
    if (dueAt === null) return `${what}, and has no alarm`;
    return now - dueAt > lateAlarmMs ? `${what}, and its alarm is ${Math.round((now - dueAt) / 1_000)} s late` : null;
  }
  const isOut = calls.some(({ operation: one }) => isSame(one, operation) && one?.requestId === requestId);
  return isOut ? null : `${what}, and no call is under way`;
}

const isSame = (one: OperationState | null, other: OperationState): boolean =>
  one?.partKey === other.partKey && one.name === other.name && one.machine.value === other.machine.value;

/** What an order that nothing is wrong with waits for; null when it is silent. */
export function waitsFor({ state, isMoving }: Held, around: Around): string | null {
  const { machine, dueAt, plan, preparations } = state;
  if (isMoving) return 'a step';
  if (['held', 'paused', 'quarantined'].includes(machine.value)) return 'a person';
  if (dueAt !== null && around.now - dueAt <= lateAlarmMs) return 'its alarm';
  if (around.calls.length > 0) return 'a call';
  const open = state.operations.filter((one) => one.finishedAt === null);
  // Each of them is looked at by itself, above.
  if (open.some(({ machine: { value } }) => value !== 'stuck')) return 'an operation';
  if (open.length > 0 && ['needsOperator', 'undoStuck', 'failing'].includes(machine.value)) return 'a person';
  const missing = (plan?.preparations ?? []).filter((one) => preparations[keyOf(one)]?.state !== 'ready');
  return missing.some((one) => around.inPreparation.has(keyOf(one))) ? 'what is shared' : null;
}
