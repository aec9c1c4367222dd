import { describe, expect, it } from '@jest/globals';
import { type WorkOrderContext, type WorkOrderEvent, workOrderMachine } from '../../src/machines/work-order.machine.js';
import { tagOf } from '../../src/machines/move.js';
import { reason, workOrderEvents } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(workOrderEvents).join(' ');

const table: Table<WorkOrderEvent['type']> = {
  received: {
    PLANNED: 'planned: prepare, announce(planned)',
    HELD: 'held: announce(held)',
    CLOUD_AWAY: 'waitingForCloud: wait',
    RESUMED: 'received: plan',
    ignored: 'STARTED ALL_COMPLETED SOME_COMPLETED NONE_COMPLETED ITEM_STUCK ITEM_FREED TIMER',
  },
  waitingForCloud: {
    TIMER: 'received: plan',
    RESUMED: 'received: plan',
    ignored: 'PLANNED HELD CLOUD_AWAY STARTED ALL_COMPLETED SOME_COMPLETED NONE_COMPLETED ITEM_STUCK ITEM_FREED',
  },
  planned: {
    STARTED: 'provisioning: announce(started)',
    ALL_COMPLETED: 'completed: announce(completed)',
    SOME_COMPLETED: 'partial: announce(partial)',
    NONE_COMPLETED: 'failed: announce(failed)',
    RESUMED: 'planned: prepare',
    ignored: 'PLANNED HELD CLOUD_AWAY ITEM_STUCK ITEM_FREED TIMER',
  },
  provisioning: {
    ALL_COMPLETED: 'completed: announce(completed)',
    SOME_COMPLETED: 'partial: announce(partial)',
    NONE_COMPLETED: 'failed: announce(failed)',
    ITEM_STUCK: 'needsOperator: announce(held)',
    RESUMED: 'provisioning: prepare',
    ignored: 'PLANNED HELD CLOUD_AWAY STARTED ITEM_FREED TIMER',
  },
  needsOperator: {
    ITEM_FREED: 'provisioning',
    RESUMED: 'needsOperator: prepare',
    ignored: 'PLANNED HELD CLOUD_AWAY STARTED ALL_COMPLETED SOME_COMPLETED NONE_COMPLETED ITEM_STUCK TIMER',
  },
  held: { ignored: everything },
  completed: { ignored: everything },
  partial: { ignored: everything },
  failed: { ignored: everything },
};

const memory = (changes: Partial<WorkOrderContext> = {}): WorkOrderContext => ({ reason: null, tries: 0, ...changes });

describe('a work order', () => {
  it('begins by being planned', () => {
    expect(beginning(workOrderMachine)).toBe('received: plan');
  });

  it('has an answer in the table for every event in every state', () => {
    expect(gapsOf(table, workOrderMachine, Object.keys(workOrderEvents))).toEqual([]);
  });

  it.each(pairs(table))('%s, %s: %s', (state, type, expected) => {
    expect(inWords(take(workOrderMachine, state, memory(), workOrderEvents[type]))).toBe(expected);
  });

  it('counts its tries to be planned, knows why, and forgets it once it is planned', () => {
    const away = take(workOrderMachine, 'received', memory({ tries: 2 }), workOrderEvents.CLOUD_AWAY).next.context;
    expect(away).toEqual({ reason, tries: 3 });
    expect(take(workOrderMachine, 'waitingForCloud', away, workOrderEvents.TIMER).next.context).toEqual(away);
    expect(take(workOrderMachine, 'received', away, workOrderEvents.PLANNED).next.context).toEqual(memory());
  });

  it.each(['HELD', 'ITEM_STUCK'] as const)('says why it is held: %s', (type) => {
    const { code, message } = workOrderEvents[type];
    const state = type === 'HELD' ? 'received' : 'provisioning';
    const held = take(workOrderMachine, state, memory(), workOrderEvents[type]).next.context;
    expect(held.reason).toEqual({ code, message });
  });

  it('forgets why it was held when the item is freed', () => {
    const freed = take(workOrderMachine, 'needsOperator', memory({ reason, tries: 1 }), workOrderEvents.ITEM_FREED);
    expect(freed.next.context).toEqual(memory());
  });

  it('has a status for the world in every state', () => {
    const statuses = Object.keys(workOrderMachine.states).map((state) => [state, tagOf(workOrderMachine, state)]);
    expect(Object.fromEntries(statuses)).toEqual({
      received: 'received',
      waitingForCloud: 'received',
      planned: 'planned',
      provisioning: 'provisioning',
      needsOperator: 'held',
      held: 'held',
      completed: 'completed',
      partial: 'partial',
      failed: 'failed',
    });
  });

  it('does not go on from a state that was renamed away', () => {
    expect(() => take(workOrderMachine, 'queued', memory(), workOrderEvents.PLANNED)).toThrow(/queued/);
  });
});
