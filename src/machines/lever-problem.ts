import { isNotUnderstood } from '../planner/hold-reasons.js';
import { type OperationName, waysBack } from '../planner/plan.js';
import { kindOf, openOperation, partOutcome } from './follow-up.js';
import type { ItemEvent } from './item.js';
import { itemMachines, move } from './move.js';
import { finalStatuses, type OperationState, type OrderState, type PartState } from './order-state.js';
import type { Reason } from './work-order.machine.js';

/** What an operator may do to an order. The reason is kept with who did it and when. */
export type Lever =
  | { act: 'replay' | 'cancel' | 'hold' | 'resume'; reason: string }
  | { act: 'skip'; itemIndex: number; reason: string }
  | { act: 'mark-done'; itemIndex: number; resourceId: string; reason: string };

/**
 * Why a lever means nothing for an order as it stands; null when it may be pulled. `OPS_REPLAY_STATE` for a replay,
 * `OPS_LEVER_STATE` for the others.
 */
export function leverProblem(state: OrderState, lever: Lever): { code: string; message: string } | null {
  const message = finalWord(state) ?? beyondUs(state, lever) ?? ofPreparation(state, lever) ?? byState(state, lever);
  return message === null ? null : { code: lever.act === 'replay' ? 'OPS_REPLAY_STATE' : 'OPS_LEVER_STATE', message };
}

function finalWord({ kind, status }: OrderState): string | null {
  if (!finalStatuses.includes(status)) return null;
  if (kind === 'billing') return `The order is ${status}; billing has been told, and a final word is never taken back.`;
  return status === 'completed'
    ? 'It is there, and others may use it: it is taken back with the registration of its user (registrations unregister).'
    : `It is ${status}; the next order that needs it tries it anew.`;
}

/**
 * What a message asks for and planning does not understand (a change, a renewal, an action or a type of its own) would be built as a new
 * purchase: no word of a person's makes it understood. Null for an order that is understood.
 */
export function notUnderstood({ machine }: OrderState): Reason | null {
  const { notUnderstood: known, interrupted, reason } = machine.context;
  // Orders of before it was noted have the code in why they are held.
  return known ?? [reason, interrupted?.reason ?? null].find((one) => one && isNotUnderstood(one.code)) ?? null;
}

function beyondUs(state: OrderState, { act }: Lever): string | null {
  const what = state.parts.length === 0 ? notUnderstood(state) : null;
  if (act === 'cancel' || what === null) return null;
  return `The order is not understood and is never built: ${what.message} (${what.code}). It can only be cancelled.`;
}

/** Operations of preparations that are not stopped halfway: an account may hold more than we know, and half a removal is none. */
const notStoppedHalfway: readonly OperationName[] = ['tenant.ensure', 'tenant.remove', 'default-network.remove'];

/** What many orders share is one thing, and has no items to give up. */
function ofPreparation({ kind, operations }: OrderState, { act }: Lever): string | null {
  if (kind !== 'preparation') return null;
  if (act === 'skip') return 'It is one thing that orders share: cancel it, or skip the items that need it.';
  const begun = operations.some(({ name }) => notStoppedHalfway.includes(name));
  return act === 'cancel' && begun
    ? 'It is begun, and is not stopped halfway: mend what keeps it and replay it; it is taken back with registrations unregister.'
    : null;
}

function byState(state: OrderState, lever: Lever): string | null {
  const { value } = state.machine;
  const isUndone = value === 'undoing' || value === 'undoStuck';
  switch (lever.act) {
    case 'cancel':
      return isUndone ? 'The order is being undone already.' : null;
    case 'hold':
      if (value === 'paused') return 'The order is on hold already.';
      if (value === 'held' || value === 'quarantined') return 'The order waits for a person already.';
      return isUndone ? 'An order that is being undone cannot wait.' : null;
    case 'resume':
      if (value === 'paused' || value === 'held') return null;
      return ['needsOperator', 'failing', 'quarantined', 'undoStuck'].includes(value)
        ? 'The order is not on hold; a step of it failed: replay it, or cancel the order.'
        : 'The order is not on hold.';
    case 'replay':
      if (['held', 'quarantined', 'needsOperator', 'failing', 'undoStuck', 'waitingForCloud'].includes(value))
        return null;
      if (value === 'paused') return 'The order is on hold: resume it first.';
      if (isUndone) return needsPerson(state) ? null : 'The order is being undone, and nothing of that has failed.';
      return 'Nothing of the order has failed that a replay could mend.';
    case 'skip':
      return ofSkip(state, lever.itemIndex);
    case 'mark-done':
      return ofMarkDone(state, lever.itemIndex);
  }
}

function ofSkip(state: OrderState, itemIndex: number): string | null {
  const { value } = state.machine;
  if (value === 'paused') return 'The order is on hold: resume it first.';
  if (value === 'quarantined') return 'The order stopped on an error of our own: replay it first, or cancel it.';
  if (!['planned', 'provisioning', 'needsOperator', 'failing'].includes(value)) {
    return 'Items can be given up while the order is being built.';
  }
  const parts = partsOf(state, itemIndex);
  if (parts.length === 0) return 'The order has no such item.';
  if (parts.some((part) => takes(state, part, giveUp))) return null;
  return parts.some((part) => partOutcome(state, part) === 'open')
    ? 'The item is being removed already.'
    : 'The item has its verdict; cancel the order to have it removed.';
}

function ofMarkDone(state: OrderState, itemIndex: number): string | null {
  if (state.machine.value === 'quarantined') {
    return 'The order stopped on an error of our own: replay it first, or cancel it.';
  }
  const waiting = markableParts(state, itemIndex);
  if (waiting.length === 1) return null;
  return waiting.length === 0
    ? 'No step of the item has failed or needs a person.'
    : 'Several parts of the item need a person; replay the order, or give the item up.';
}

/** The parts of an item of which a person may say what became of them: a lever is about one, and about no other. */
export function markableParts(state: OrderState, itemIndex: number): PartState[] {
  return partsOf(state, itemIndex).filter((part) => partOutcome(state, part) === 'remains' || markable(state, part));
}

/** Whether a part's step can be said to have come to something. In an order that is undone what was refused is over. */
function markable(state: OrderState, part: PartState): boolean {
  const open = openOperation(state, part.key);
  if (open) return open.machine.value === 'stuck';
  if (['undoing', 'undoStuck'].includes(state.machine.value)) return false;
  return (
    partOutcome(state, part) === 'failed' && failedOperation(state, part) !== undefined && takes(state, part, again)
  );
}

/** The operation that a part failed with, if it failed with one. */
export function failedOperation(state: OrderState, part: PartState): OperationState | undefined {
  return state.operations.findLast(
    (one) => one.partKey === part.key && one.machine.value === 'failed' && !waysBack.includes(one.name),
  );
}

/** Whether something of an order that is being undone has stopped for a person. */
function needsPerson(state: OrderState): boolean {
  return (
    state.operations.some(({ machine }) => machine.value === 'stuck') ||
    state.parts.some((part) => partOutcome(state, part) === 'remains')
  );
}

const again: ItemEvent = { type: 'REPLAYED' };
const giveUp: ItemEvent = { type: 'SKIPPED', failure: { disposition: 'reject', code: 'OPS_SKIPPED', message: '' } };

/** Whether an event means anything to a part as it stands. */
function takes(state: OrderState, part: PartState, event: ItemEvent): boolean {
  return move(itemMachines[kindOf(state, part)], part.machine, event).taken;
}

const partsOf = (state: OrderState, itemIndex: number) => state.parts.filter((part) => part.itemIndex === itemIndex);
