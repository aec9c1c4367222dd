import { type OperationName, operationNames } from '../planner/plan.js';
import { itemFailure } from './delivery.js';
import { givenUpCodes, type ItemEvent, type ItemOutcome, needFailedCode } from './item.js';
import { outcomeOf, type PartKind } from './move.js';
import type { Failure } from './operation.machine.js';
import type { ItemStatus, OperationState, OrderState, PartState } from './order-state.js';
import type { WorkOrderEvent } from './work-order.machine.js';

/**
 * What follows from how things stand: which part may begin its next operation, which is undone next, how each item stands, and
 * what that means for the order. Pure; asked again after every move until nothing follows any more.
 */

/** What an order is about at the moment: building, taking down, or neither (held, waiting, final). */
export function modeOf(state: OrderState): 'building' | 'undoing' | 'resting' {
  switch (state.machine.value) {
    case 'planned':
    case 'provisioning':
    case 'needsOperator':
      return 'building';
    case 'undoing':
    case 'undoStuck':
      return 'undoing';
    default:
      return 'resting';
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
  if (outcome !== 'open' && outcome !== 'completed') return null;
  const spoiled = spoiledBy(state, part);
  if (outcome === 'completed') return spoiled && !standsUnderAnother(state, part) ? { type: 'UNDO' } : null;
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
  return state.parts.some((other) => dependsOn(state, other, part.key) && hasToGo(state, other));
}

/**
 * Why a part with which nothing is wrong cannot stay: another piece of its item is lost, and an item is sold and charged as a whole
 * (two disks of three are not what was ordered); or it belongs to a machine that goes for this reason. Null: it can stay. Under rollback
 * a failure is the whole order's, and only what a person gave up is undone alone.
 */
function spoiledBy(state: OrderState, part: PartState): Failure | null {
  const lost = state.parts.filter((other) => lostOutcomes.includes(partOutcome(state, other)));
  if (lost.length === 0) return null;
  const ofItem = lost.filter(
    (other) =>
      other.key !== part.key && other.itemIndex === part.itemIndex && (keepsTheRest(state) || isGivenUp(other)),
  );
  // Rather the piece that failed than one that went because of it.
  const [piece] = ofItem.toSorted((a, b) => Number(failedByItself(b)) - Number(failedByItself(a)));
  if (piece) return lackOf(piece.key, piece.machine.context.failure ?? unexplained);
  for (const other of state.parts) {
    const lack = dependsOn(state, part, other.key) ? spoiledBy(state, other) : null;
    if (lack) return lackOf(other.key, lack);
  }
  return null;
}

/** Whether an order that is being undone still has to deal with this part. What the cloud keeps is listed and over. */
function hasToGo(state: OrderState, part: PartState): boolean {
  if (state.machine.context.ending === 'partial' && state.items[part.itemIndex]?.master) return false;
  if (isBusy(state, part)) return true;
  const outcome = partOutcome(state, part);
  return outcome === 'open' || outcome === 'completed' || (outcome === 'failed' && hasFacts(part));
}

function dependsOn(state: OrderState, part: PartState, partKey: string): boolean {
  const planned = state.plan?.parts.find((one) => one.key === part.key);
  return part.key !== partKey && Object.values(planned?.needs ?? {}).some((needs) => needs.includes(partKey));
}

/** The operations of a part that were not begun yet, in the order they run, and what each needs. */
function plannedOperations(state: OrderState, part: PartState) {
  const planned = state.plan?.parts.find((one) => one.key === part.key);
  const begun = new Set(state.operations.filter((one) => one.partKey === part.key).map((one) => one.name));
  const ahead = operationsOf(planned?.needs ?? {}).filter((name) => !begun.has(name));
  return { ahead, needs: planned?.needs ?? {}, platformId: planned?.platformId ?? '' };
}

/** The operations of a part in the order they run; not the order of the keys, which jsonb does not keep. */
export function operationsOf(needs: object): OperationName[] {
  return operationNames.filter((name) => name in needs);
}

/** A preparation belongs to a platform: two data centres each have a default network of the same user. */
export function preparationId(platformId: string, key: string): string {
  return `${platformId} ${key}`;
}

export function kindOf(state: OrderState, part: PartState): PartKind {
  return (state.items[part.itemIndex]?.resourceType ?? 'PREPARATION') as PartKind;
}

export function partOutcome(state: OrderState, part: PartState): ItemOutcome {
  return outcomeOf(kindOf(state, part), part.machine.value);
}

/** The operation of a part that is under way or needs a person; a part has one at a time. */
export function openOperation(state: OrderState, partKey: string): OperationState | undefined {
  return state.operations.find((one) => one.partKey === partKey && one.finishedAt === null);
}

function isBusy(state: OrderState, part: PartState): boolean {
  return openOperation(state, part.key) !== undefined;
}

const hasFacts = (part: PartState) => Object.keys(part.machine.context.facts).length > 0;

function isReady(state: OrderState, platformId: string, need: string): boolean {
  const part = state.parts.find((one) => one.key === need);
  if (part) return partOutcome(state, part) === 'completed';
  return state.preparations[preparationId(platformId, need)]?.state === 'ready';
}

/** Why something needed will never be there, in the words of what needs it; null while it may come. */
function needFailure(state: OrderState, platformId: string, need: string): Failure | null {
  const part = state.parts.find((one) => one.key === need);
  const preparation = state.preparations[preparationId(platformId, need)];
  const lost = part && lostOutcomes.includes(partOutcome(state, part));
  const cause = lost
    ? (part.machine.context.failure ?? unexplained)
    : !part && preparation?.state === 'failed'
      ? preparation.failure
      : null;
  return cause && lackOf(need, cause);
}

const keepsTheRest = ({ machine }: OrderState) => machine.context.policy !== 'rollback';
const isGivenUp = ({ machine }: PartState) => givenUpCodes.includes(machine.context.failure?.code ?? '');
const failedByItself = ({ machine }: PartState) => ![undefined, needFailedCode].includes(machine.context.failure?.code);

const lostOutcomes: readonly ItemOutcome[] = ['failed', 'cancelled', 'compensated'];

/** The failure of what cannot be without something else; that a person gave it up is kept. */
function lackOf(need: string, cause: Failure): Failure {
  const code = givenUpCodes.includes(cause.code) ? cause.code : needFailedCode;
  return { disposition: 'reject', code, message: `${need}: ${cause.message}` };
}

/** How an item stands, from its parts and their operations. */
export function itemStatus(state: OrderState, itemIndex: number): ItemStatus {
  const parts = state.parts.filter((part) => part.itemIndex === itemIndex);
  // Cancelled before it was planned: there is nothing to undo.
  if (parts.length === 0) return state.machine.context.ending === null ? 'pending' : 'cancelled';
  const operations = state.operations.filter((one) => one.itemIndex === itemIndex);
  const outcomes = parts.map((part) => partOutcome(state, part));
  if (outcomes.includes('remains') || operations.some((one) => one.machine.value === 'stuck')) return 'held';
  if (modeOf(state) === 'undoing' && parts.some((part) => hasToGo(state, part))) return 'compensating';
  if (outcomes.includes('open')) return operations.length > 0 ? 'provisioning' : 'pending';
  if (outcomes.includes('failed')) return 'failed';
  if (outcomes.includes('compensated')) return 'compensated';
  return outcomes.includes('cancelled') ? 'cancelled' : 'completed';
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
  const statuses = state.items.map((item) => item.status);
  if (statuses.every((status) => status === 'completed')) return { type: 'ALL_COMPLETED' };
  if (!statuses.every((status) => settledStatuses.includes(status))) return null;
  const anyCompleted = statuses.includes('completed');
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
  const { value } = state.machine;
  const moving = state.parts.some(
    (part) =>
      hasToGo(state, part) && openOperation(state, part.key)?.machine.value !== 'stuck' && !waitsForStuck(state, part),
  );
  if (moving) return null;
  const stuck = stuckCause(state);
  if (!stuck) return { type: 'UNDONE' };
  return value === 'undoing' ? { type: 'UNDO_STUCK', code: stuck.code, message: stuck.message } : null;
}

/** Whether a part cannot be undone before something that stands on it and needs a person. */
function waitsForStuck(state: OrderState, part: PartState): boolean {
  return state.parts.some(
    (other) => dependsOn(state, other, part.key) && openOperation(state, other.key)?.machine.value === 'stuck',
  );
}

/** What a person has to see to: an operation that is stuck, something that remains, a preparation that is stuck. */
function stuckCause(state: OrderState): Failure | null {
  const stuck = state.items.findIndex((item) => item.status === 'held');
  if (stuck !== -1) return itemFailure(state, stuck) ?? unexplained;
  if (modeOf(state) !== 'building') return null;
  for (const [id, outcome] of Object.entries(state.preparations)) {
    if (outcome.state === 'stuck' && isNeededYet(state, id)) return outcome.failure;
  }
  return null;
}

/** Whether anything that is still to be made needs a preparation. */
function isNeededYet(state: OrderState, id: string): boolean {
  return state.parts.some((part) => {
    if (partOutcome(state, part) !== 'open') return false;
    const { ahead, needs, platformId } = plannedOperations(state, part);
    return ahead.some((name) => needs[name]?.some((need) => preparationId(platformId, need) === id));
  });
}

/** The failure that the policy `rollback` undoes the order for; null under another policy, or when nothing failed. */
export function rollbackCause(state: OrderState): Failure | null {
  if (keepsTheRest(state)) return null;
  const failed = firstFailure(state);
  if (failed) return failed;
  for (const part of state.parts) {
    if (partOutcome(state, part) !== 'open') continue;
    const { ahead, needs, platformId } = plannedOperations(state, part);
    for (const need of ahead.flatMap((name) => needs[name] ?? [])) {
      const failure = needFailure(state, platformId, need);
      if (failure && !givenUpCodes.includes(failure.code)) return failure;
    }
  }
  return null;
}

/** The first failure that nobody asked for. */
function firstFailure(state: OrderState): Failure | null {
  for (const part of state.parts) {
    const { failure } = part.machine.context;
    const lost = ['failed', 'cancelled'].includes(partOutcome(state, part));
    if (lost && failure && !givenUpCodes.includes(failure.code)) return failure;
  }
  return null;
}

export const unexplained: Failure = {
  disposition: 'ask-human',
  code: 'CLD_OUTCOME_UNCLEAR',
  message: 'No reason was given.',
};
