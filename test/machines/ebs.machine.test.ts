import { describe, expect, it } from '@jest/globals';
import { ebsMachine } from '../../src/machines/ebs.machine.js';
import type { ItemContext, ItemEvent } from '../../src/machines/item.js';
import { itemEvents, itemMemory, missingNeed, question, rejection } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(itemEvents).join(' ');

/** Ordered without a VM, nothing remembered. */
const table: Table<ItemEvent['type']> = {
  waiting: {
    NEEDS_MET: 'creating: startOperation(ebs.create)',
    NEED_FAILED: 'cancelled',
    ignored: 'OPERATION_DONE OPERATION_FAILED OPERATION_STUCK',
  },
  creating: {
    OPERATION_DONE: 'available',
    OPERATION_FAILED: 'failed',
    OPERATION_STUCK: 'needsOperator',
    NEED_FAILED: 'creating', // remembered
    ignored: 'NEEDS_MET',
  },
  waitingForVm: {
    NEEDS_MET: 'attaching: startOperation(ebs.attach)',
    NEED_FAILED: 'removing: startOperation(ebs.delete)',
    ignored: 'OPERATION_DONE OPERATION_FAILED OPERATION_STUCK',
  },
  attaching: {
    OPERATION_DONE: 'attached',
    OPERATION_FAILED: 'removing: startOperation(ebs.delete)',
    OPERATION_STUCK: 'needsOperator',
    ignored: 'NEEDS_MET NEED_FAILED',
  },
  removing: {
    OPERATION_DONE: 'failed',
    OPERATION_FAILED: 'needsOperator',
    OPERATION_STUCK: 'needsOperator',
    ignored: 'NEEDS_MET NEED_FAILED',
  },
  attached: { ignored: everything },
  available: { ignored: everything },
  failed: { ignored: everything },
  cancelled: { ignored: everything },
  needsOperator: { ignored: everything },
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
  'a VM that will never come is remembered while it is made': [
    'creating',
    { hasVm: true },
    itemEvents.NEED_FAILED,
    'creating',
    { failure: missingNeed },
  ],
  'made for a VM that will never come, it goes again': [
    'creating',
    { hasVm: true, failure: missingNeed },
    itemEvents.OPERATION_DONE,
    'removing: startOperation(ebs.delete)',
    { facts: { made: 'yes' } },
  ],
  'the VM will never come': [
    'waitingForVm',
    { hasVm: true, facts: { made: 'yes' } },
    itemEvents.NEED_FAILED,
    'removing: startOperation(ebs.delete)',
    { failure: missingNeed, facts: { made: 'yes' } },
  ],
  'it cannot be joined to its VM': [
    'attaching',
    { hasVm: true, facts: { made: 'yes' } },
    itemEvents.OPERATION_FAILED,
    'removing: startOperation(ebs.delete)',
    { failure: rejection },
  ],
  'gone for want of a VM: never delivered, nothing to blame it for': [
    'removing',
    { hasVm: true, failure: missingNeed, facts: { made: 'yes' } },
    itemEvents.OPERATION_DONE,
    'cancelled',
    { failure: missingNeed, facts: {} },
  ],
  'gone because it could not be joined: failed': [
    'removing',
    { hasVm: true, failure: rejection, facts: { made: 'yes' } },
    itemEvents.OPERATION_DONE,
    'failed',
    { failure: rejection, facts: {} },
  ],
  'it cannot be removed: a person has to know, and what it is stays known': [
    'removing',
    { hasVm: true, failure: missingNeed, facts: { made: 'yes' } },
    itemEvents.OPERATION_STUCK,
    'needsOperator',
    { failure: question, facts: { made: 'yes' } },
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
