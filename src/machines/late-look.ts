import { creations } from '../planner/plan.js';
import { finalStatuses, type OperationState, type OrderState } from './order-state.js';

/** What of an order may have left something on a cloud: everything that was to be made, for its intent was stored. */
export function creationsOf(state: OrderState): OperationState[] {
  return state.operations.filter(({ name }) => creations.includes(name));
}

/** Whether an order that has ended is to be looked at again: it has, when it asked a cloud to make something. */
export function isToBeLookedAt(state: OrderState): boolean {
  return finalStatuses.includes(state.status) && creationsOf(state).length > 0;
}

/**
 * Whether anything of an order was ever in doubt, or was taken back: then it is looked at as soon as it has ended. Not so when
 * every request was answered at the first attempt, and all it made was delivered.
 */
export function wasInDoubt(state: OrderState): boolean {
  return creationsOf(state).some(({ itemIndex, machine: { value, context } }) => {
    const isDelivered = value === 'done' && state.items[itemIndex]?.status === 'completed';
    const isFirstAttempt = context.attempt === context.stages + 1 && context.attemptsBefore === context.stages;
    return !isDelivered || !isFirstAttempt || context.mayRunUntil > 0 || context.others.length > 0;
  });
}

/** Until when a request of the order's that got no answer may be running yet, ms since epoch; 0 when none may. */
export function mayRunUntil(state: OrderState): number {
  return Math.max(0, ...creationsOf(state).map(({ machine }) => machine.context.mayRunUntil));
}
