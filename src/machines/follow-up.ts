import { itemFailure } from './delivery.js';
import { givenUpCodes, type ItemEvent, needFailedCode } from './item.js';
import type { Failure } from './operation.machine.js';
import { hasOperations, placeOfPart, placesOfItem } from './order-index.js';
import type { ItemStatus, OrderState, PartState } from './order-state.js';
import {
  firstLack,
  hasFacts,
  hasToGo,
  isBusy,
  isReady,
  keepsTheRest,
  lossOf,
  modeOf,
  ownFailure,
  partOutcome,
  plannedOperations,
  unexplained,
} from './part.js';
import { tallyOf } from './tally.js';
import type { WorkOrderEvent } from './work-order.machine.js';

export { kindOf, modeOf, openOperation, operationsOf, partOutcome, preparationId, unexplained } from './part.js';

/**
 * What follows from how things stand: which part may begin its next operation, which is undone next, how each item stands, and
 * what that means for the order. Pure; asked again after every move until nothing follows any more. What it takes to know is
 * counted beside the state (`tally.ts`), so that one event costs what it changes and not what there is.
 */

/** The next move that is due, of the first part in the order of the plan; null when none is. To be made at once, and then asked again. */
export function nextMove(state: OrderState): { part: PartState; event: ItemEvent } | null {
  for (;;) {
    const place = tallyOf(state).takeDue();
    if (place === undefined) return null;
    const part = state.parts[place];
    const event = part ? moveOf(state, part) : null;
    if (part && event) return { part, event };
  }
}

/** The next item that stands otherwise than it says, by its index, and how it stands; null when none does. To be settled at once. */
export function nextSettlement(state: OrderState): { itemIndex: number; status: ItemStatus } | null {
  for (;;) {
    const itemIndex = tallyOf(state).takeUnsettled();
    if (itemIndex === undefined) return null;
    const status = itemStatus(state, itemIndex);
    if (state.items[itemIndex] && status !== state.items[itemIndex].status) return { itemIndex, status };
  }
}

/** The move of a part that is due, or null. */
export function moveOf(state: OrderState, part: PartState): ItemEvent | null {
  switch (modeOf(state)) {
    case 'building':
      return buildingMove(state, part);
    case 'undoing':
      return undoingMove(state, part);
    case 'resting':
      return null;
  }
}

function buildingMove(state: OrderState, part: PartState): ItemEvent | null {
  if (isBusy(state, part)) return null;
  const outcome = partOutcome(state, part);
  // There, and useless without what it was for. Under rollback it waits with the whole order.
  if (outcome === 'failed' && keepsTheRest(state) && hasFacts(part)) return { type: 'UNDO' };
  if (outcome === 'completed') {
    return !standsUnderAnother(state, part) && spoiledBy(state, part) ? { type: 'UNDO' } : null;
  }
  if (outcome !== 'open') return null;
  const spoiled = spoiledBy(state, part);
  if (spoiled) return { type: 'NEED_FAILED', failure: spoiled };
  const { ahead, needs, platformId } = plannedOperations(state, part);
  const lost = ahead
    .flatMap((name) => needs[name] ?? [])
    .map((need) => needFailure(state, platformId, need))
    .find((failure) => failure !== null);
  if (lost) {
    return keepsTheRest(state) || givenUpCodes.includes(lost.code) ? { type: 'NEED_FAILED', failure: lost } : null;
  }
  const [next] = ahead;
  const ready = next !== undefined && (needs[next] ?? []).every((need) => isReady(state, platformId, need));
  return ready ? { type: 'NEEDS_MET' } : null;
}

function undoingMove(state: OrderState, part: PartState): ItemEvent | null {
  if (isBusy(state, part) || !hasToGo(state, part)) return null;
  return standsUnderAnother(state, part) ? null : { type: 'UNDO' };
}

/** Whether something that stands on it has to go first. */
function standsUnderAnother(state: OrderState, part: PartState): boolean {
  return tallyOf(state).carriesWhatHasToGo(placeOf(state, part));
}

/**
 * Why a part with which nothing is wrong cannot stay: another piece of its item is lost, and an item is sold and charged as a whole
 * (two disks of three are not what was ordered); or it belongs to a machine that goes for this reason. Null: it can stay. Under rollback
 * a failure is the whole order's, and only what a person gave up is undone alone.
 */
function spoiledBy(state: OrderState, part: PartState): Failure | null {
  const tally = tallyOf(state);
  if (tally.spoilers === 0) return null;
  const place = placeOf(state, part);
  const piece = state.parts[tally.spoilerFor(state, place, part.itemIndex) ?? -1];
  if (piece) return lackOf(piece.key, piece.machine.context.failure ?? unexplained);
  for (const below of tally.neededBy(place)) {
    const other = state.parts[below];
    const lack = other ? spoiledBy(state, other) : null;
    if (other && lack) return lackOf(other.key, lack);
  }
  return null;
}

const placeOf = (state: OrderState, part: PartState) => placeOfPart(state, part.key) ?? -1;

/** Why something needed will never be there, in the words of what needs it; null while it may come. */
function needFailure(state: OrderState, platformId: string, need: string): Failure | null {
  const cause = lossOf(state, platformId, need);
  return cause && lackOf(need, cause);
}

/** The failure of what cannot be without something else; that a person gave it up is kept. */
function lackOf(need: string, cause: Failure): Failure {
  const code = givenUpCodes.includes(cause.code) ? cause.code : needFailedCode;
  return { disposition: 'reject', code, message: `${need}: ${cause.message}` };
}

/** How an item stands, from its parts and their operations. */
export function itemStatus(state: OrderState, itemIndex: number): ItemStatus {
  const item = tallyOf(state).ofItem(itemIndex);
  // Cancelled before it was planned: there is nothing to undo.
  if (placesOfItem(state, itemIndex).length === 0)
    return state.machine.context.ending === null ? 'pending' : 'cancelled';
  if (item.remains > 0 || item.stuck > 0) return 'held';
  if (modeOf(state) === 'undoing' && item.toGo > 0) return 'compensating';
  if (item.open > 0) return hasOperations(state, itemIndex) ? 'provisioning' : 'pending';
  if (item.failed > 0) return 'failed';
  if (item.compensated > 0) return 'compensated';
  return item.cancelled > 0 ? 'cancelled' : 'completed';
}

/** What all of it means for the order itself; null when nothing new. */
export function orderVerdict(state: OrderState): WorkOrderEvent | null {
  switch (modeOf(state)) {
    case 'building':
      return state.parts.length === 0 ? null : buildingVerdict(state);
    case 'undoing':
      return undoingVerdict(state);
    case 'resting':
      return null;
  }
}

function buildingVerdict(state: OrderState): WorkOrderEvent | null {
  const { value, context } = state.machine;
  if (value === 'planned' && state.operations.length > 0) return { type: 'STARTED' };
  const failed = rollbackCause(state);
  if (failed) return { type: 'ITEM_FAILED', code: failed.code, message: failed.message };
  const stuck = stuckCause(state);
  if (stuck && value !== 'needsOperator') return { type: 'ITEM_STUCK', code: stuck.code, message: stuck.message };
  if (!stuck && value === 'needsOperator') return { type: 'ITEM_FREED' };
  if (!state.items.every(({ status }) => settledStatuses.includes(status))) return null;
  if (state.items.every(({ status }) => status === 'completed')) return { type: 'ALL_COMPLETED' };
  const anyCompleted = state.items.some(({ status }) => status === 'completed');
  if (context.policy === 'keep-master' && anyCompleted) {
    const master = state.items.find((item) => item.master);
    const others = state.items.some((item) => !item.master && item.status === 'completed');
    const ending = master?.status === 'completed' ? 'partial' : 'failed';
    const { code, message } = firstFailure(state) ?? unexplained;
    if (others) return { type: 'REST_FAILED', ending, code, message };
  }
  return { type: anyCompleted ? 'SOME_COMPLETED' : 'NONE_COMPLETED' };
}

const settledStatuses: readonly ItemStatus[] = ['completed', 'failed', 'cancelled', 'compensated'];

function undoingVerdict(state: OrderState): WorkOrderEvent | null {
  if (tallyOf(state).going > 0) return null;
  const stuck = stuckCause(state);
  if (!stuck) return { type: 'UNDONE' };
  const { value } = state.machine;
  return value === 'undoing' ? { type: 'UNDO_STUCK', code: stuck.code, message: stuck.message } : null;
}

/** What a person has to see to: an operation that is stuck, something that remains, a preparation that is stuck. */
function stuckCause(state: OrderState): Failure | null {
  const stuck = state.items.findIndex((item) => item.status === 'held');
  if (stuck !== -1) return itemFailure(state, stuck) ?? unexplained;
  if (modeOf(state) !== 'building') return null;
  for (const [id, outcome] of Object.entries(state.preparations)) {
    if (outcome.state === 'stuck' && tallyOf(state).isWanted(id)) return outcome.failure;
  }
  return null;
}

/** The failure that the policy `rollback` undoes the order for; null under another policy, or when nothing failed. */
export function rollbackCause(state: OrderState): Failure | null {
  if (keepsTheRest(state)) return null;
  const failed = firstFailure(state);
  if (failed) return failed;
  if (tallyOf(state).lacking === 0) return null;
  for (const part of state.parts) {
    const lack = firstLack(state, part);
    if (lack) return lackOf(lack.need, lack.cause);
  }
  return null;
}

/** The first failure that nobody asked for. */
function firstFailure(state: OrderState): Failure | null {
  if (tallyOf(state).failures === 0) return null;
  for (const part of state.parts) {
    const failure = ownFailure(state, part);
    if (failure) return failure;
  }
  return null;
}
