import { describe, expect, it } from '@jest/globals';
import { ebsMachine } from '../../src/machines/ebs.machine.js';
import type { ItemContext, ItemEvent } from '../../src/machines/item.js';
import { itemEvents, itemMemory, missingNeed, rejection, skipped, undone } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(itemEvents).join(' ');
const make = 'startOperation(ebs.create)';
const bind = 'startOperation(ebs.attach)';
const unbind = 'startOperation(ebs.detach)';
const remove = 'startOperation(ebs.delete)';

/** Ordered without a VM, nothing remembered. */
const table: Table<ItemEvent['type']> = {
  waiting: {
    NEEDS_MET: `creating: ${make}`,
    NEED_FAILED: 'cancelled',
    UNDO: 'cancelled',
    SKIPPED: 'cancelled',
    ignored: 'OPERATION_DONE OPERATION_FAILED REPLAYED MARKED_GONE',
  },
  creating: {
    OPERATION_DONE: 'available',
    OPERATION_FAILED: 'failed',
    SKIPPED: 'creating', // remembered
    ignored: 'NEEDS_MET NEED_FAILED UNDO REPLAYED MARKED_GONE',
  },
  waitingForVm: {
    NEEDS_MET: `attaching: ${bind}`,
    NEED_FAILED: `removing: ${remove}`,
    UNDO: `removing: ${remove}`,
    SKIPPED: `removing: ${remove}`,
    ignored: 'OPERATION_DONE OPERATION_FAILED REPLAYED MARKED_GONE',
  },
  attaching: {
    OPERATION_DONE: 'attached',
    OPERATION_FAILED: 'unattached',
    SKIPPED: 'attaching', // remembered
    ignored: 'NEEDS_MET NEED_FAILED UNDO REPLAYED MARKED_GONE',
  },
  attached: {
    UNDO: `detaching: ${unbind}`,
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED SKIPPED REPLAYED MARKED_GONE',
  },
  available: {
    UNDO: `removing: ${remove}`,
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED SKIPPED REPLAYED MARKED_GONE',
  },
  unattached: {
    UNDO: `removing: ${remove}`,
    SKIPPED: `removing: ${remove}`,
    REPLAYED: `attaching: ${bind}`,
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED MARKED_GONE',
  },
  detaching: {
    OPERATION_DONE: `removing: ${remove}`,
    OPERATION_FAILED: 'remains',
    ignored: 'NEEDS_MET NEED_FAILED UNDO SKIPPED REPLAYED MARKED_GONE',
  },
  removing: {
    OPERATION_DONE: 'undone',
    OPERATION_FAILED: 'remains',
    ignored: 'NEEDS_MET NEED_FAILED UNDO SKIPPED REPLAYED MARKED_GONE',
  },
  failed: {
    REPLAYED: `creating: ${make}`,
    SKIPPED: 'cancelled',
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED UNDO MARKED_GONE',
  },
  cancelled: { ignored: everything },
  withdrawn: { ignored: everything },
  removed: { ignored: everything },
  undone: { ignored: everything },
  remains: {
    REPLAYED: `removing: ${remove}`,
    MARKED_GONE: 'undone',
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED UNDO SKIPPED',
  },
};

/** Where the memory decides: state, what it remembers, event, what follows, what it remembers then. */
const branches: Record<string, [string, Partial<ItemContext>, ItemEvent, string, Partial<ItemContext>]> = {
  'made for a VM, it waits for the VM': [
    'creating',
    { hasVm: true },
    itemEvents.OPERATION_DONE,
    'waitingForVm',
    { facts: { made: 'yes' } },
  ],
  'given up while its request was out, it goes again when it is there': [
    'creating',
    { hasVm: true, failure: skipped },
    itemEvents.OPERATION_DONE,
    `removing: ${remove}`,
    { facts: { made: 'yes' } },
  ],
  'given up while its request was out, and nothing came of it: never delivered': [
    'creating',
    { failure: skipped },
    itemEvents.OPERATION_FAILED,
    'cancelled',
    { failure: skipped },
  ],
  'its order was undone before anything came of its request': [
    'creating',
    {},
    { type: 'OPERATION_FAILED', failure: undone },
    'cancelled',
    {},
  ],
  'given up while it was being joined to its VM': [
    'attaching',
    { hasVm: true, failure: skipped },
    itemEvents.OPERATION_DONE,
    `detaching: ${unbind}`,
    { facts: { made: 'yes' } },
  ],
  'its order was undone before it was joined to its VM': [
    'attaching',
    { hasVm: true, facts: { made: 'yes' } },
    { type: 'OPERATION_FAILED', failure: undone },
    `removing: ${remove}`,
    {},
  ],
  'the VM will never come': [
    'waitingForVm',
    { hasVm: true, facts: { made: 'yes' } },
    itemEvents.NEED_FAILED,
    `removing: ${remove}`,
    { failure: missingNeed, facts: { made: 'yes' } },
  ],
  'it cannot be joined to its VM, and says why': [
    'attaching',
    { hasVm: true, facts: { made: 'yes' } },
    itemEvents.OPERATION_FAILED,
    'unattached',
    { failure: rejection },
  ],
  'joined in a second try, nothing is held against it': [
    'unattached',
    { hasVm: true, failure: rejection },
    itemEvents.REPLAYED,
    `attaching: ${bind}`,
    { failure: null },
  ],
  'gone for want of a VM: never delivered, nothing to blame it for': [
    'removing',
    { hasVm: true, failure: missingNeed, facts: { made: 'yes' } },
    itemEvents.OPERATION_DONE,
    'withdrawn',
    { failure: missingNeed, facts: {} },
  ],
  'gone because it could not be joined: failed': [
    'removing',
    { hasVm: true, failure: rejection, facts: { made: 'yes' } },
    itemEvents.OPERATION_DONE,
    'removed',
    { failure: rejection, facts: {} },
  ],
  'never tried for want of something that may come after all': [
    'cancelled',
    { failure: missingNeed },
    itemEvents.REPLAYED,
    'waiting',
    { failure: null },
  ],
  'it could not be removed, and is taken off its VM first when that is tried again': [
    'remains',
    { hasVm: true, failure: rejection },
    itemEvents.REPLAYED,
    `detaching: ${unbind}`,
    { failure: null },
  ],
  'it cannot be removed: what it is stays known': [
    'removing',
    { hasVm: true, failure: missingNeed, facts: { made: 'yes' } },
    itemEvents.OPERATION_FAILED,
    'remains',
    { failure: rejection, facts: { made: 'yes' } },
  ],
};

describe('a disk', () => {
  it('waits until its needs are met', () => {
    expect(beginning(ebsMachine)).toBe('waiting');
  });

  it('has an answer in the table for every event in every state', () => {
    expect(gapsOf(table, ebsMachine, Object.keys(itemEvents))).toEqual([]);
  });

  it.each(pairs(table))('%s, %s: %s', (state, type, expected) => {
    expect(inWords(take(ebsMachine, state, itemMemory(), itemEvents[type]))).toBe(expected);
  });

  it.each(Object.entries(branches))('%s', (_, [state, memory, event, expected, remembered]) => {
    const moved = take(ebsMachine, state, itemMemory(memory), event);
    expect(inWords(moved)).toBe(expected);
    expect(moved.next.context).toEqual(itemMemory({ ...memory, ...remembered }));
  });

  it('does not go on from a state that was renamed away', () => {
    expect(() => take(ebsMachine, 'formatting', itemMemory(), itemEvents.OPERATION_DONE)).toThrow(/formatting/);
  });
});
