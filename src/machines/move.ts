import { type AnyStateMachine, initialTransition, transition } from 'xstate';
import { ebsMachine } from './ebs.machine.js';
import type { ItemOutcome } from './item.js';
import { networkMachine } from './network.machine.js';
import type { Stored } from './order-state.js';
import { preparationMachine } from './preparation.machine.js';
import { vmMachine } from './vm.machine.js';

/** A machine of each kind of thing an item can be. To add an item type: its machine, and its line here. */
export const itemMachines = {
  VM: vmMachine,
  EBS: ebsMachine,
  NETWORK: networkMachine,
  PREPARATION: preparationMachine,
} as const;
export type PartKind = keyof typeof itemMachines;

export interface Move<Context> {
  next: Stored<Context>;
  actions: { type: string; params: unknown }[];
  /** False when the event means nothing in this state. */
  taken: boolean;
}

/**
 * One event against one stored machine. Pure. XState's `transition` returns the same snapshot and no actions for an event
 * that the state does not know (reliability.md X10); the caller sees that as `taken: false`.
 *
 * @throws Error when the stored state is not a state of the machine (a rename without a migration)
 */
export function move<Context>(machine: AnyStateMachine, stored: Stored<Context>, event: { type: string }): Move<Context> {
  const snapshot = machine.resolveState({ value: stored.value, context: stored.context });
  const [next, actions] = transition(machine, snapshot, event);
  return {
    next: { value: next.value as string, context: next.context as Context },
    actions: actions.map(({ type, params }) => ({ type, params })),
    taken: actions.length > 0 || next.value !== snapshot.value || next.context !== snapshot.context,
  };
}

/** The first state of a machine and the effects of entering it. */
export function begin<Context>(machine: AnyStateMachine): Move<Context> {
  const [next, actions] = initialTransition(machine);
  return {
    next: { value: next.value as string, context: next.context as Context },
    actions: actions.map(({ type, params }) => ({ type, params })),
    taken: true,
  };
}

/** The tag of a state (`completed`, `held` …), read from the machine once; '' for a state without one. */
export function tagOf(machine: AnyStateMachine, value: string): string {
  let tags = tagTables.get(machine);
  if (!tags) {
    tags = new Map(Object.entries(machine.states).map(([name, node]) => [name, [...node.tags][0] ?? '']));
    tagTables.set(machine, tags);
  }
  return tags.get(value) ?? '';
}
const tagTables = new Map<AnyStateMachine, Map<string, string>>();

export function outcomeOf(kind: PartKind, value: string): ItemOutcome {
  return (tagOf(itemMachines[kind], value) || 'open') as ItemOutcome;
}
