import { describe, expect, it } from '@jest/globals';
import type { ItemEvent } from '../../src/machines/item.js';
import { vmMachine } from '../../src/machines/vm.machine.js';
import { itemEvents, itemMemory, missingNeed, question, rejection } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(itemEvents).join(' ');

const table: Table<ItemEvent['type']> = {
  waitingForNetwork: {
    NEEDS_MET: 'creating: startOperation(vm.create)',
    NEED_FAILED: 'cancelled',
    ignored: 'OPERATION_DONE OPERATION_FAILED OPERATION_STUCK',
  },
  creating: {
    OPERATION_DONE: 'running',
    OPERATION_FAILED: 'failed',
    OPERATION_STUCK: 'needsOperator',
    ignored: 'NEEDS_MET NEED_FAILED',
  },
  running: { ignored: everything },
  failed: { ignored: everything },
  cancelled: { ignored: everything },
  needsOperator: { ignored: everything },
};

describe('a virtual machine', () => {
  it('waits for its network before anything is asked of the cloud', () => {
    expect(beginning(vmMachine)).toBe('waitingForNetwork');
  });

  it('has an answer in the table for every event in every state', () => {
    expect(gapsOf(table, vmMachine, Object.keys(itemEvents))).toEqual([]);
  });

  it.each(pairs(table))('%s, %s: %s', (state, type, expected) => {
    expect(inWords(take(vmMachine, state, itemMemory(), itemEvents[type]))).toBe(expected);
  });

  it('remembers what the cloud told of it, and why it failed', () => {
    const memory = itemMemory({ facts: { networkId: 'n' } });
    expect(take(vmMachine, 'creating', memory, itemEvents.OPERATION_DONE).next.context.facts).toEqual({
      networkId: 'n',
      made: 'yes',
    });
    expect(take(vmMachine, 'creating', memory, itemEvents.OPERATION_FAILED).next.context.failure).toEqual(rejection);
    expect(take(vmMachine, 'creating', memory, itemEvents.OPERATION_STUCK).next.context.failure).toEqual(question);
    expect(take(vmMachine, 'waitingForNetwork', memory, itemEvents.NEED_FAILED).next.context.failure).toEqual(
      missingNeed,
    );
  });

  it('does not go on from a state that was renamed away', () => {
    expect(() => take(vmMachine, 'booting', itemMemory(), itemEvents.OPERATION_DONE)).toThrow(/booting/);
  });
});
