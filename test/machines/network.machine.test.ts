import { describe, expect, it } from '@jest/globals';
import { networkMachine } from '../../src/machines/network.machine.js';
import type { ItemContext, ItemEvent } from '../../src/machines/item.js';
import { itemEvents, itemMemory, missingNeed, question, rejection } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(itemEvents).join(' ');

/** Ordered without a VM, nothing remembered. */
const table: Table<ItemEvent['type']> = {
  waitingForNetwork: {
    NEEDS_MET: 'reserving: startOperation(network.reserve)',
    NEED_FAILED: 'cancelled',
    ignored: 'OPERATION_DONE OPERATION_FAILED OPERATION_STUCK',
  },
  reserving: {
    OPERATION_DONE: 'reserved',
    OPERATION_FAILED: 'failed',
    OPERATION_STUCK: 'needsOperator',
    NEED_FAILED: 'reserving', // remembered
    ignored: 'NEEDS_MET',
  },
  waitingForVm: {
    NEEDS_MET: 'binding: startOperation(network.bind)',
    NEED_FAILED: 'releasing: startOperation(network.release)',
    ignored: 'OPERATION_DONE OPERATION_FAILED OPERATION_STUCK',
  },
  binding: {
    OPERATION_DONE: 'bound',
    OPERATION_FAILED: 'releasing: startOperation(network.release)',
    OPERATION_STUCK: 'needsOperator',
    ignored: 'NEEDS_MET NEED_FAILED',
  },
  releasing: {
    OPERATION_DONE: 'failed',
    OPERATION_FAILED: 'needsOperator',
    OPERATION_STUCK: 'needsOperator',
    ignored: 'NEEDS_MET NEED_FAILED',
  },
  bound: { ignored: everything },
  reserved: { ignored: everything },
  failed: { ignored: everything },
  cancelled: { ignored: everything },
  needsOperator: { ignored: everything },
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
  'a VM that will never come is remembered while it is made': [
    'reserving',
    { hasVm: true },
    itemEvents.NEED_FAILED,
    'reserving',
    { failure: missingNeed },
  ],
  'made for a VM that will never come, it goes again': [
    'reserving',
    { hasVm: true, failure: missingNeed },
    itemEvents.OPERATION_DONE,
    'releasing: startOperation(network.release)',
    { facts: { made: 'yes' } },
  ],
  'the VM will never come': [
    'waitingForVm',
    { hasVm: true, facts: { made: 'yes' } },
    itemEvents.NEED_FAILED,
    'releasing: startOperation(network.release)',
    { failure: missingNeed, facts: { made: 'yes' } },
  ],
  'it cannot be joined to its VM': [
    'binding',
    { hasVm: true, facts: { made: 'yes' } },
    itemEvents.OPERATION_FAILED,
    'releasing: startOperation(network.release)',
    { failure: rejection },
  ],
  'gone for want of a VM: never delivered, nothing to blame it for': [
    'releasing',
    { hasVm: true, failure: missingNeed, facts: { made: 'yes' } },
    itemEvents.OPERATION_DONE,
    'cancelled',
    { failure: missingNeed, facts: {} },
  ],
  'gone because it could not be joined: failed': [
    'releasing',
    { hasVm: true, failure: rejection, facts: { made: 'yes' } },
    itemEvents.OPERATION_DONE,
    'failed',
    { failure: rejection, facts: {} },
  ],
  'it cannot be removed: a person has to know, and what it is stays known': [
    'releasing',
    { hasVm: true, failure: missingNeed, facts: { made: 'yes' } },
    itemEvents.OPERATION_STUCK,
    'needsOperator',
    { failure: question, facts: { made: 'yes' } },
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
