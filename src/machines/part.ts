import { type OperationName, operationNames } from '../planner/plan.js';
import { givenUpCodes, type ItemOutcome, needFailedCode } from './item.js';
import { outcomeOf, type PartKind } from './move.js';
import { operationsOfPart, partOf, plannedPart } from './order-index.js';
import type { Failure } from './operation.machine.js';
import type { OperationState, OrderState, PartState } from './order-state.js';

/** What one part of an order says by itself, and by what it needs; whatever it says together with others is in `follow-up.ts`. */

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

export function kindOf(state: OrderState, part: PartState): PartKind {
  return (state.items[part.itemIndex]?.resourceType ?? 'PREPARATION') as PartKind;
}

export function partOutcome(state: OrderState, part: PartState): ItemOutcome {
  return outcomeOf(kindOf(state, part), part.machine.value);
}

/** The operation of a part that is under way or needs a person; a part has one at a time. */
export function openOperation(state: OrderState, partKey: string): OperationState | undefined {
  return operationsOfPart(state, partKey).find((one) => one.finishedAt === null);
}

export function isBusy(state: OrderState, part: PartState): boolean {
  return openOperation(state, part.key) !== undefined;
}

export const hasFacts = (part: PartState) => Object.keys(part.machine.context.facts).length > 0;

/** Whether an order that is being undone still has to deal with this part. What the cloud keeps is listed and over. */
export function hasToGo(state: OrderState, part: PartState): boolean {
  if (state.machine.context.ending === 'partial' && state.items[part.itemIndex]?.master) return false;
  if (isBusy(state, part)) return true;
  const outcome = partOutcome(state, part);
  return outcome === 'open' || outcome === 'completed' || (outcome === 'failed' && hasFacts(part));
}

/** The operations of a part that were not begun yet, in the order they run, and what each needs. */
export function plannedOperations(state: OrderState, part: PartState) {
  const planned = plannedPart(state, part.key);
  const begun = new Set(operationsOfPart(state, part.key).map((one) => one.name));
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

export function isReady(state: OrderState, platformId: string, need: string): boolean {
  const part = partOf(state, need);
  if (part) return partOutcome(state, part) === 'completed';
  return state.preparations[preparationId(platformId, need)]?.state === 'ready';
}

/** Why something needed will never be there; null while it may come. */
export function lossOf(state: OrderState, platformId: string, need: string): Failure | null {
  const part = partOf(state, need);
  if (part) return isLost(partOutcome(state, part)) ? (part.machine.context.failure ?? unexplained) : null;
  const preparation = state.preparations[preparationId(platformId, need)];
  return preparation?.state === 'failed' ? preparation.failure : null;
}

export const keepsTheRest = ({ machine }: OrderState) => machine.context.policy !== 'rollback';

/** Whether a person, or the undoing of its order, is why it failed. */
export const isGivenUp = (failure: Failure | null) => givenUpCodes.includes(failure?.code ?? '');

export const isLost = (outcome: ItemOutcome) =>
  outcome === 'failed' || outcome === 'cancelled' || outcome === 'compensated';

/** Whether the other pieces of its item cannot stay because of it. */
export function spoilsItsItem(state: OrderState, part: PartState): boolean {
  return isLost(partOutcome(state, part)) && (keepsTheRest(state) || isGivenUp(part.machine.context.failure));
}

/** Whether it failed, and did not go because of something that it needs. */
export const failedByItself = ({ machine }: PartState) =>
  ![undefined, needFailedCode].includes(machine.context.failure?.code);

/** Its failure, where nobody asked for it. */
export function ownFailure(state: OrderState, part: PartState): Failure | null {
  const { failure } = part.machine.context;
  const outcome = partOutcome(state, part);
  return (outcome === 'failed' || outcome === 'cancelled') && failure && !isGivenUp(failure) ? failure : null;
}

/** Of what an open part will need yet, the first that nobody gave up and that will never be there. */
export function firstLack(state: OrderState, part: PartState): { need: string; cause: Failure } | null {
  if (partOutcome(state, part) !== 'open') return null;
  const { ahead, needs, platformId } = plannedOperations(state, part);
  for (const need of ahead.flatMap((name) => needs[name] ?? [])) {
    const cause = lossOf(state, platformId, need);
    if (cause && !isGivenUp(cause)) return { need, cause };
  }
  return null;
}

export const unexplained: Failure = {
  disposition: 'ask-human',
  code: 'CLD_OUTCOME_UNCLEAR',
  message: 'No reason was given.',
};
