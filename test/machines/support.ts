import { begin, move, type Move } from '../../src/machines/move.js';
import type { Stored } from '../../src/machines/order-state.js';
import type { AnyStateMachine } from 'xstate';

/** What happens in one state: the outcome of each event that means something there, and the names of those that do not. */
export type Row<EventType extends string> = { ignored: string } & { [T in EventType]?: string };
export type Table<EventType extends string> = Record<string, Row<EventType>>;

/** As PostgreSQL would give it back. */
export function stored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}

/** One step of a machine, from memory that went through the database and is not to be touched. */
export function take<Context>(
  machine: AnyStateMachine,
  value: string,
  context: Context,
  event: { type: string },
): Move<Context> {
  const from: Stored<Context> = deepFreeze(stored({ value, context }));
  const moved = move<Context>(machine, from, deepFreeze(event));
  return { ...moved, next: stored(moved.next) };
}

/** `state: effect, effect(detail)`, or `ignored`. A state alone: the machine moves there, or remembers something. */
export function inWords(moved: Move<unknown>): string {
  if (!moved.taken) return 'ignored';
  const effects = moved.actions.map(({ type, params }) => {
    const detail = Object.values(params ?? {}).join(' ');
    return detail === '' ? type : `${type}(${detail})`;
  });
  return effects.length === 0 ? moved.next.value : `${moved.next.value}: ${effects.join(', ')}`;
}

export function beginning(machine: AnyStateMachine): string {
  return inWords(begin(machine));
}

/** Names what a table leaves out, says twice or invents: every state of the machine, and every event in each. */
export function gapsOf(table: Table<string>, machine: AnyStateMachine, eventTypes: string[]): string[] {
  const states = Object.keys(machine.states);
  const known = machine.events.filter((type) => !eventTypes.includes(type)).map((type) => `no sample of ${type}`);
  const gaps = states.flatMap((state) => {
    const row = table[state];
    if (!row) return [`no row for ${state}`];
    const { ignored, ...taken } = row;
    const named = [...ignored.split(/\s+/).filter(Boolean), ...Object.keys(taken)];
    return [
      ...eventTypes.filter((type) => !named.includes(type)).map((type) => `${state} says nothing of ${type}`),
      ...named.filter((type, index) => !eventTypes.includes(type) || named.indexOf(type) !== index),
    ];
  });
  return [...known, ...gaps, ...Object.keys(table).filter((state) => !states.includes(state))];
}

/** Every pair of a state and an event type, with what the table says of it. */
export function pairs<EventType extends string>(table: Table<EventType>): [string, EventType, string][] {
  return Object.entries(table).flatMap(([state, { ignored, ...taken }]) => [
    ...Object.entries(taken).map(([type, words]): [string, EventType, string] => [
      state,
      type as EventType,
      words as string,
    ]),
    ...ignored
      .split(/\s+/)
      .filter(Boolean)
      .map((type): [string, EventType, string] => [state, type as EventType, 'ignored']),
  ]);
}
