import { describe, expect, it } from '@jest/globals';
import type { ItemEvent } from '../../src/machines/item.js';
import { vmMachine } from '../../src/machines/vm.machine.js';
import { itemEvents, itemMemory, missingNeed, rejection, skipped } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(itemEvents).join(' ');

const table: Table<ItemEvent['type']> = {
  waitingForNetwork: {
    NEEDS_MET: 'creating: startOperation(vm.create)',
    NEED_FAILED: 'cancelled',
    UNDO: 'cancelled',
    SKIPPED: 'cancelled',
    ignored: 'OPERATION_DONE OPERATION_FAILED REPLAYED MARKED_GONE',
  },
  creating: {
    OPERATION_DONE: 'running',
    OPERATION_FAILED: 'failed',
    SKIPPED: 'creating', // remembered
    ignored: 'NEEDS_MET NEED_FAILED UNDO REPLAYED MARKED_GONE',
  },
  running: {
    UNDO: 'removing: startOperation(vm.delete)',
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED SKIPPED REPLAYED MARKED_GONE',
  },
  removing: {
    OPERATION_DONE: 'undone',
    OPERATION_FAILED: 'remains',
    ignored: 'NEEDS_MET NEED_FAILED UNDO SKIPPED REPLAYED MARKED_GONE',
  },
  failed: {
    REPLAYED: 'creating: startOperation(vm.create)',
    SKIPPED: 'cancelled',
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED UNDO MARKED_GONE',
  },
  cancelled: { ignored: everything },
  withdrawn: { ignored: everything },
  undone: { ignored: everything },
  remains: {
    REPLAYED: 'removing: startOperation(vm.delete)',
    MARKED_GONE: 'undone',
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED UNDO SKIPPED',
  },
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
    expect(take(vmMachine, 'waitingForNetwork', memory, itemEvents.NEED_FAILED).next.context.failure).toEqual(
      missingNeed,
    );
  });

  it('goes again when it was given up while its request was out', () => {
    const memory = itemMemory({ failure: skipped });
    expect(inWords(take(vmMachine, 'creating', memory, itemEvents.OPERATION_DONE))).toMatch(/^removing: /);
    expect(take(vmMachine, 'removing', memory, itemEvents.OPERATION_DONE).next.value).toBe('withdrawn');
    expect(take(vmMachine, 'creating', memory, itemEvents.OPERATION_FAILED).next.value).toBe('cancelled');
  });

  it('does not go on from a state that was renamed away', () => {
    expect(() => take(vmMachine, 'booting', itemMemory(), itemEvents.OPERATION_DONE)).toThrow(/booting/);
  });
});
