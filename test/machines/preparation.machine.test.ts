import { describe, expect, it } from '@jest/globals';
import type { ItemEvent } from '../../src/machines/item.js';
import { preparationMachine } from '../../src/machines/preparation.machine.js';
import { itemEvents, itemMemory, rejection } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(itemEvents).join(' ');

const table: Table<ItemEvent['type']> = {
  waiting: {
    NEEDS_MET: 'preparing: startOperation(prepare)',
    NEED_FAILED: 'failed',
    UNDO: 'cancelled',
    ignored: 'OPERATION_DONE OPERATION_FAILED SKIPPED REPLAYED MARKED_GONE',
  },
  preparing: {
    OPERATION_DONE: 'ready',
    OPERATION_FAILED: 'failed',
    ignored: 'NEEDS_MET NEED_FAILED UNDO SKIPPED REPLAYED MARKED_GONE',
  },
  ready: { UNDO: 'cancelled', ignored: everything.replace('UNDO ', '') },
  cancelled: { ignored: everything },
  failed: { ignored: everything },
};

describe('something that many orders share', () => {
  it('waits until it may be prepared', () => {
    expect(beginning(preparationMachine)).toBe('waiting');
  });

  it('has an answer in the table for every event in every state', () => {
    expect(gapsOf(table, preparationMachine, Object.keys(itemEvents))).toEqual([]);
  });

  it.each(pairs(table))('%s, %s: %s', (state, type, expected) => {
    expect(inWords(take(preparationMachine, state, itemMemory(), itemEvents[type]))).toBe(expected);
  });

  it('remembers what the cloud told of it, and why it failed', () => {
    const after = (event: ItemEvent) => take(preparationMachine, 'preparing', itemMemory(), event).next.context;
    expect(after(itemEvents.OPERATION_DONE)).toEqual(itemMemory({ facts: { made: 'yes' } }));
    expect(after(itemEvents.OPERATION_FAILED)).toEqual(itemMemory({ failure: rejection }));
  });

  it('does not go on from a state that was renamed away', () => {
    expect(() => take(preparationMachine, 'making', itemMemory(), itemEvents.OPERATION_DONE)).toThrow(/making/);
  });
});
