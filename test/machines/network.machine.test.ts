import { describe, expect, it } from '@jest/globals';
import { networkMachine } from '../../src/machines/network.machine.js';
import type { ItemContext, ItemEvent } from '../../src/machines/item.js';
import { itemEvents, itemMemory, missingNeed, rejection, skipped, undone } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(itemEvents).join(' ');
const make = 'startOperation(network.reserve)';
const bind = 'startOperation(network.bind)';
const unbind = 'startOperation(network.unbind)';
const remove = 'startOperation(network.release)';

/** Ordered without a VM, nothing remembered. */
const table: Table<ItemEvent['type']> = {
  waitingForNetwork: {
    NEEDS_MET: `reserving: ${make}`,
    NEED_FAILED: 'cancelled',
    UNDO: 'cancelled',
    SKIPPED: 'cancelled',
    ignored: 'OPERATION_DONE OPERATION_FAILED REPLAYED MARKED_GONE',
  },
  reserving: {
    OPERATION_DONE: 'reserved',
    OPERATION_FAILED: 'failed',
    SKIPPED: 'reserving', // remembered
    ignored: 'NEEDS_MET NEED_FAILED UNDO REPLAYED MARKED_GONE',
  },
  waitingForVm: {
    NEEDS_MET: `binding: ${bind}`,
    NEED_FAILED: `releasing: ${remove}`,
    UNDO: `releasing: ${remove}`,
    SKIPPED: `releasing: ${remove}`,
    ignored: 'OPERATION_DONE OPERATION_FAILED REPLAYED MARKED_GONE',
  },
  binding: {
    OPERATION_DONE: 'bound',
    OPERATION_FAILED: 'unbound',
    SKIPPED: 'binding', // remembered
    ignored: 'NEEDS_MET NEED_FAILED UNDO REPLAYED MARKED_GONE',
  },
  bound: {
    UNDO: `unbinding: ${unbind}`,
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED SKIPPED REPLAYED MARKED_GONE',
  },
  reserved: {
    UNDO: `releasing: ${remove}`,
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED SKIPPED REPLAYED MARKED_GONE',
  },
  unbound: {
    UNDO: `releasing: ${remove}`,
    SKIPPED: `releasing: ${remove}`,
    REPLAYED: `binding: ${bind}`,
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED MARKED_GONE',
  },
  unbinding: {
    OPERATION_DONE: `releasing: ${remove}`,
    OPERATION_FAILED: 'remains',
    ignored: 'NEEDS_MET NEED_FAILED UNDO SKIPPED REPLAYED MARKED_GONE',
  },
  releasing: {
    OPERATION_DONE: 'undone',
    OPERATION_FAILED: 'remains',
    ignored: 'NEEDS_MET NEED_FAILED UNDO SKIPPED REPLAYED MARKED_GONE',
  },
  failed: {
    REPLAYED: `reserving: ${make}`,
    SKIPPED: 'cancelled',
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED UNDO MARKED_GONE',
  },
  cancelled: { ignored: everything },
  withdrawn: { ignored: everything },
  removed: { ignored: everything },
  undone: { ignored: everything },
  remains: {
    REPLAYED: `releasing: ${remove}`,
    MARKED_GONE: 'undone',
    ignored: 'NEEDS_MET NEED_FAILED OPERATION_DONE OPERATION_FAILED UNDO SKIPPED',
  },
};

/** Where the memory decides: state, what it remembers, event, what follows, what it remembers then. */
const branches: Record<string, [string, Partial<ItemContext>, ItemEvent, string, Partial<ItemContext>]> = {
  'made for a VM, it waits for the VM': [
    'reserving',
    { hasVm: true },
    itemEvents.OPERATION_DONE,
    'waitingForVm',
    { facts: { made: 'yes' } },
  ],
  'given up while its request was out, it goes again when it is there': [
    'reserving',
    { hasVm: true, failure: skipped },
    itemEvents.OPERATION_DONE,
    `releasing: ${remove}`,
    { facts: { made: 'yes' } },
  ],
  'given up while its request was out, and nothing came of it: never delivered': [
    'reserving',
    { failure: skipped },
    itemEvents.OPERATION_FAILED,
    'cancelled',
    { failure: skipped },
  ],
  'its order was undone before anything came of its request': [
    'reserving',
    {},
    { type: 'OPERATION_FAILED', failure: undone },
    'cancelled',
    {},
  ],
  'given up while it was being joined to its VM': [
    'binding',
    { hasVm: true, failure: skipped },
    itemEvents.OPERATION_DONE,
    `unbinding: ${unbind}`,
    { facts: { made: 'yes' } },
  ],
  'its order was undone before it was joined to its VM': [
    'binding',
    { hasVm: true, facts: { made: 'yes' } },
    { type: 'OPERATION_FAILED', failure: undone },
    `releasing: ${remove}`,
    {},
  ],
  'the VM will never come': [
    'waitingForVm',
    { hasVm: true, facts: { made: 'yes' } },
    itemEvents.NEED_FAILED,
    `releasing: ${remove}`,
    { failure: missingNeed, facts: { made: 'yes' } },
  ],
  'it cannot be joined to its VM, and says why': [
    'binding',
    { hasVm: true, facts: { made: 'yes' } },
    itemEvents.OPERATION_FAILED,
    'unbound',
    { failure: rejection },
  ],
  'joined in a second try, nothing is held against it': [
    'unbound',
    { hasVm: true, failure: rejection },
    itemEvents.REPLAYED,
    `binding: ${bind}`,
    { failure: null },
  ],
  'gone for want of a VM: never delivered, nothing to blame it for': [
    'releasing',
    { hasVm: true, failure: missingNeed, facts: { made: 'yes' } },
    itemEvents.OPERATION_DONE,
    'withdrawn',
    { failure: missingNeed, facts: {} },
  ],
  'gone because it could not be joined: failed': [
    'releasing',
    { hasVm: true, failure: rejection, facts: { made: 'yes' } },
    itemEvents.OPERATION_DONE,
    'removed',
    { failure: rejection, facts: {} },
  ],
  'never tried for want of something that may come after all': [
    'cancelled',
    { failure: missingNeed },
    itemEvents.REPLAYED,
    'waitingForNetwork',
    { failure: null },
  ],
  'it could not be removed, and is taken off its VM first when that is tried again': [
    'remains',
    { hasVm: true, failure: rejection },
    itemEvents.REPLAYED,
    `unbinding: ${unbind}`,
    { failure: null },
  ],
  'it cannot be removed: what it is stays known': [
    'releasing',
    { hasVm: true, failure: missingNeed, facts: { made: 'yes' } },
    itemEvents.OPERATION_FAILED,
    'remains',
    { failure: rejection, facts: { made: 'yes' } },
  ],
};

describe('a public address', () => {
  it('waits until its needs are met', () => {
    expect(beginning(networkMachine)).toBe('waitingForNetwork');
  });

  it('has an answer in the table for every event in every state', () => {
    expect(gapsOf(table, networkMachine, Object.keys(itemEvents))).toEqual([]);
  });

  it.each(pairs(table))('%s, %s: %s', (state, type, expected) => {
    expect(inWords(take(networkMachine, state, itemMemory(), itemEvents[type]))).toBe(expected);
  });

  it.each(Object.entries(branches))('%s', (_, [state, memory, event, expected, remembered]) => {
    const moved = take(networkMachine, state, itemMemory(memory), event);
    expect(inWords(moved)).toBe(expected);
    expect(moved.next.context).toEqual(itemMemory({ ...memory, ...remembered }));
  });

  it('does not go on from a state that was renamed away', () => {
    expect(() => take(networkMachine, 'formatting', itemMemory(), itemEvents.OPERATION_DONE)).toThrow(/formatting/);
  });
});
