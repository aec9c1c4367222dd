import { operationByKey, operationKey } from '../machines/order-index.js';
import { isSameAsk, type OperationState, type OrderState, type Step } from '../machines/order-state.js';

/** Whether an effect's operation still is where it was when the effect was decided. */
export function isCurrent(state: OrderState, wanted: OperationState): boolean {
  return isSameAsk(operationByKey(state, operationKey(wanted)), wanted);
}

/**
 * A step after which only a question is asked (is the resource ready, is there one with our marker) needs no commit: a
 * crash forgets it, and the state before it asks again. Five commits less for an order of three items.
 */
export function onlyLooks(step: Step): boolean {
  return (
    step.announcements.length === 0 &&
    step.orphans.length === 0 &&
    step.removed.length === 0 &&
    step.effects.length > 0 &&
    step.effects.every((effect) => effect.type === 'inspect' || effect.type === 'lookUp')
  );
}

/** Several steps of one order as one: the last state, and all that has to be stored and done, in order. */
export function mergeSteps(steps: Step[]): Step {
  const last = steps.at(-1);
  if (!last || steps.length === 1) return last as Step;
  const operations = new Map(steps.flatMap((step) => step.changedOperations).map((one) => [operationKey(one), one]));
  return {
    state: last.state,
    changed: true,
    changedItems: [...new Set(steps.flatMap((step) => step.changedItems))],
    changedOperations: [...operations.values()],
    orphans: steps.flatMap((step) => step.orphans),
    removed: steps.flatMap((step) => step.removed),
    announcements: steps.flatMap((step) => step.announcements),
    effects: steps.flatMap((step) => step.effects),
  };
}

/** What a step is about, for the crash sweep: its operations and their states, or the order's own when it has none. */
export function stepNames({ state, changedOperations }: Step): string[] {
  if (changedOperations.length === 0) return [`order:${state.machine.value}`];
  return changedOperations.map(({ name, machine }) => `${name}:${machine.value}`);
}
