import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  initialTransition,
} from 'xstate';
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
 * One event against one stored machine. Pure: it does what XState's `transition` does, which makes and throws away an actor
 * for every event; ours is made once per machine (design D3: 7 µs instead of 13-25). An event that the state does not know
 * returns the same snapshot and no actions (reliability.md X10); the caller sees that as `taken: false`.
 *
 * @throws Error when the stored state is not a state of the machine (a rename without a migration)
 */
export function move<Context>(
  machine: AnyStateMachine,
  stored: Stored<Context>,
  event: { type: string },
): Move<Context> {
  const snapshot: AnyMachineSnapshot = { ...restingAt(machine, stored.value), context: stored.context };
  const actions: Move<Context>['actions'] = [];
  const next = machine.transition(snapshot, event, collectingScope(machine, actions)) as AnyMachineSnapshot;
  return {
    next: { value: next.value as string, context: next.context as Context },
    actions,
    taken: actions.length > 0 || next.value !== snapshot.value || next.context !== snapshot.context,
  };
}

const scopes = new Map<AnyStateMachine, AnyActorScope>();

/** Where XState puts what it would do: into `actions`, as data, instead of doing it. */
function collectingScope(machine: AnyStateMachine, actions: Move<unknown>['actions']): AnyActorScope {
  let scope = scopes.get(machine);
  if (!scope) {
    const self = createActor(machine);
    const nothing = () => {};
    scope = {
      self,
      id: '',
      sessionId: '',
      system: self.system as AnyActorScope['system'],
      logger: nothing,
      defer: nothing,
      emit: nothing,
      stopChild: nothing,
      actionExecutor: nothing,
    };
    scopes.set(machine, scope);
  }
  scope.actionExecutor = ({ type, params }) => actions.push({ type, params });
  return scope;
}

const resting = new Map<AnyStateMachine, Map<string, AnyMachineSnapshot>>();

/** The snapshot of a machine in a state, resolved once; only the memory differs from one to the next. */
function restingAt(machine: AnyStateMachine, value: string): AnyMachineSnapshot {
  let states = resting.get(machine);
  if (!states) resting.set(machine, (states = new Map()));
  let snapshot = states.get(value);
  if (!snapshot) states.set(value, (snapshot = machine.resolveState({ value, context: {} }) as AnyMachineSnapshot));
  return snapshot;
}

/** The first state of a machine and the effects of entering it: the same for all, so worked out once. Not to be changed. */
export function begin<Context>(machine: AnyStateMachine): Move<Context> {
  let first = beginnings.get(machine);
  if (!first) {
    const [next, actions] = initialTransition(machine);
    first = {
      next: { value: next.value as string, context: next.context as unknown },
      actions: actions.map(({ type, params }) => ({ type, params })),
      taken: true,
    };
    beginnings.set(machine, first);
  }
  return first as Move<Context>;
}
const beginnings = new Map<AnyStateMachine, Move<unknown>>();

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

/** How a part in this state stands, its operations left aside. */
export function outcomeOf(kind: PartKind, value: string): ItemOutcome {
  return (tagOf(itemMachines[kind], value) || 'open') as ItemOutcome;
}
