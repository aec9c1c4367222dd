import { describe, expect, it } from '@jest/globals';
import { type AnyStateMachine, initialTransition, transition } from 'xstate';
import { begin, itemMachines, move, outcomeOf } from '../../src/machines/move.js';
import { operationLimits, operationMachine } from '../../src/machines/operation.machine.js';
import { workOrderMachine } from '../../src/machines/work-order.machine.js';
import {
  itemEvents,
  itemMemory,
  later,
  missingNeed,
  operationEvents,
  operationMemory,
  question,
  reason,
  rejection,
  workOrderEvents,
} from './samples.js';
import { deepFreeze, inWords } from './support.js';

interface Kind {
  machine: AnyStateMachine;
  events: { type: string }[];
  memories: object[];
}

const ofItems = (machine: AnyStateMachine): Kind => ({
  machine,
  events: Object.values(itemEvents),
  memories: [
    itemMemory(),
    itemMemory({ hasVm: true, facts: { made: 'yes' } }),
    itemMemory({ hasVm: true, failure: missingNeed }),
    itemMemory({ failure: rejection }),
  ],
});

const kinds: Record<string, Kind> = {
  operation: {
    machine: operationMachine,
    events: Object.values(operationEvents),
    memories: [
      operationMemory(),
      operationMemory({ resourceId: 'r', jobId: 'j', lookUps: 2, memo: { vpcId: 'v' }, stage: 'rules' }),
      operationMemory({ attempt: operationLimits.attempts, retries: operationLimits.retries, lookUps: 2 }),
      operationMemory({ watches: operationLimits.watches, failure: later, lookUps: 2 }),
      operationMemory({ failure: rejection, lookUps: 2 }),
      operationMemory({ failure: question, lookUps: 2 }),
    ],
  },
  'work order': {
    machine: workOrderMachine,
    events: Object.values(workOrderEvents),
    memories: [
      { reason: null, tries: 0 },
      { reason, tries: 3 },
    ],
  },
  VM: ofItems(itemMachines.VM),
  EBS: ofItems(itemMachines.EBS),
  NETWORK: ofItems(itemMachines.NETWORK),
  PREPARATION: ofItems(itemMachines.PREPARATION),
};

/** What XState itself says of it: the machines are its statecharts, and nobody else's reading of them counts. */
function asXStateDoes(machine: AnyStateMachine, value: string, context: object, event: { type: string }) {
  const before = machine.resolveState({ value, context });
  const [next, actions] = transition(machine, before, event);
  return {
    next: { value: next.value as string, context: next.context as object },
    actions: actions.map(({ type, params }) => ({ type, params })),
    taken: next !== before || actions.length > 0,
  };
}

describe.each(Object.entries(kinds))('a step of the %s machine', (_, { machine, events, memories }) => {
  it('is the step that XState takes, in every state, for every event, with every kind of memory', () => {
    const different: object[] = [];
    for (const value of Object.keys(machine.states)) {
      for (const context of memories) {
        for (const event of events) {
          const moved = move(machine, deepFreeze({ value, context: structuredClone(context) }), deepFreeze(event));
          const expected = asXStateDoes(machine, value, context, event);
          if (JSON.stringify(moved) !== JSON.stringify(expected))
            different.push({ value, context, event, moved, expected });
        }
      }
    }
    expect(different).toEqual([]);
  });

  it('begins as XState begins', () => {
    const [first, actions] = initialTransition(machine);
    const begun = begin(machine);
    expect(begun.next).toEqual({ value: first.value, context: first.context });
    expect(begun.actions.map((action) => action.type)).toEqual(actions.map((action) => action.type));
  });

  it('leaves the memory of one order out of the next', () => {
    const [value = ''] = Object.keys(machine.states);
    for (const context of memories) {
      const before = structuredClone(context);
      for (const event of events) move(machine, { value, context }, event);
      expect(context).toEqual(before);
    }
    const [first, second] = [begin(machine), begin(machine)];
    expect(first.next).toEqual(second.next);
  });
});

describe('an event that means nothing in a state', () => {
  it('changes nothing and asks for nothing', () => {
    const stored = { value: 'running', context: itemMemory() };
    const moved = move(itemMachines.VM, stored, itemEvents.NEEDS_MET);
    expect(moved).toEqual({ next: stored, actions: [], taken: false });
    expect(inWords(moved)).toBe('ignored');
  });
});

describe('how an item stands for everybody else', () => {
  it('is read from the tags of its states', () => {
    expect(outcomeOf('VM', 'creating')).toBe('open');
    expect(outcomeOf('VM', 'running')).toBe('completed');
    expect(outcomeOf('EBS', 'available')).toBe('completed');
    expect(outcomeOf('EBS', 'removing')).toBe('open');
    expect(outcomeOf('NETWORK', 'cancelled')).toBe('cancelled');
    expect(outcomeOf('PREPARATION', 'failed')).toBe('failed');
    expect(outcomeOf('NETWORK', 'undone')).toBe('compensated');
    expect(outcomeOf('EBS', 'remains')).toBe('remains');
  });
});
