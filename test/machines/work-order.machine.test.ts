import { describe, expect, it } from '@jest/globals';
import {
  planningTries,
  type WorkOrderContext,
  type WorkOrderEvent,
  workOrderMachine,
} from '../../src/machines/work-order.machine.js';
import { tagOf } from '../../src/machines/move.js';
import { orderMemory, reason, workOrderEvents } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const everything = Object.keys(workOrderEvents).join(' ');

const but = (...taken: string[]) =>
  Object.keys(workOrderEvents)
    .filter((type) => !taken.includes(type))
    .join(' ');
const held = 'held: announce(held)';
const paused = 'paused: announce(held)';
const needsOperator = 'needsOperator: announce(held)';
const undoing = 'undoing';
const endings = {
  ALL_COMPLETED: 'completed: announce(completed)',
  SOME_COMPLETED: 'partial: announce(partial)',
  NONE_COMPLETED: 'failed: announce(failed)',
};

/** Nothing remembered: best effort, and undone at once where something has to be undone. */
const table: Table<WorkOrderEvent['type']> = {
  received: {
    PLANNED: 'planned: announce(planned), prepare',
    HELD: held,
    CLOUD_AWAY: 'waitingForCloud: wait',
    RESUMED: 'received: plan',
    PAUSE: paused,
    CANCEL: undoing,
    ignored: but('PLANNED', 'HELD', 'CLOUD_AWAY', 'RESUMED', 'PAUSE', 'CANCEL'),
  },
  waitingForCloud: {
    TIMER: 'received: plan',
    RESUMED: 'received: plan',
    REPLAY: 'received: plan',
    PAUSE: paused,
    CANCEL: undoing,
    ignored: but('TIMER', 'RESUMED', 'REPLAY', 'PAUSE', 'CANCEL'),
  },
  planned: {
    STARTED: 'provisioning: announce(started)',
    ...endings,
    REST_FAILED: undoing,
    ITEM_STUCK: needsOperator,
    ITEM_FAILED: undoing,
    RESUMED: 'planned: prepare',
    PAUSE: paused,
    CANCEL: undoing,
    ignored: but(
      'STARTED',
      ...Object.keys(endings),
      'REST_FAILED',
      'ITEM_STUCK',
      'ITEM_FAILED',
      'RESUMED',
      'PAUSE',
      'CANCEL',
    ),
  },
  provisioning: {
    ...endings,
    REST_FAILED: undoing,
    ITEM_STUCK: needsOperator,
    ITEM_FAILED: undoing,
    RESUMED: 'provisioning: prepare',
    PAUSE: paused,
    CANCEL: undoing,
    ignored: but(...Object.keys(endings), 'REST_FAILED', 'ITEM_STUCK', 'ITEM_FAILED', 'RESUMED', 'PAUSE', 'CANCEL'),
  },
  needsOperator: {
    ITEM_FREED: 'provisioning',
    ITEM_FAILED: undoing,
    RESUMED: 'needsOperator: prepare',
    REPLAY: 'needsOperator: prepare',
    PAUSE: paused,
    CANCEL: undoing,
    ignored: but('ITEM_FREED', 'ITEM_FAILED', 'RESUMED', 'REPLAY', 'PAUSE', 'CANCEL'),
  },
  held: {
    REPLAY: 'received: plan',
    RELEASE: 'received: plan',
    CANCEL: undoing,
    ignored: but('REPLAY', 'RELEASE', 'CANCEL'),
  },
  paused: {
    RELEASE: 'provisioning: prepare',
    RESUMED: 'paused: prepare(look)',
    CANCEL: undoing,
    ignored: but('RELEASE', 'RESUMED', 'CANCEL'),
  },
  failing: {
    TIMER: undoing,
    RESUMED: 'failing: wait, prepare(look)',
    REPLAY: 'provisioning: prepare',
    PAUSE: paused,
    CANCEL: undoing,
    ignored: but('TIMER', 'RESUMED', 'REPLAY', 'PAUSE', 'CANCEL'),
  },
  undoing: {
    UNDONE: 'failed: announce(failed)',
    UNDO_STUCK: 'undoStuck: announce(held)',
    RESUMED: 'undoing: prepare(look)',
    REPLAY: 'undoing: prepare(look)',
    ignored: but('UNDONE', 'UNDO_STUCK', 'RESUMED', 'REPLAY'),
  },
  undoStuck: {
    UNDONE: 'failed: announce(failed)',
    ITEM_FREED: undoing,
    REPLAY: 'undoing: prepare(look)',
    RESUMED: 'undoStuck: prepare(look)',
    ignored: but('UNDONE', 'ITEM_FREED', 'REPLAY', 'RESUMED'),
  },
  quarantined: { REPLAY: 'provisioning: prepare', CANCEL: 'undoing: prepare(look)', ignored: but('REPLAY', 'CANCEL') },
  completed: { ignored: everything },
  partial: { ignored: everything },
  failed: { ignored: everything },
  cancelled: { ignored: everything },
};

const memory = orderMemory;

/** Where the memory decides: state, what it remembers, event, what follows. */
const branches: [string, string, Partial<WorkOrderContext>, WorkOrderEvent['type'], string][] = [
  [
    'all or nothing waits for a person first',
    'provisioning',
    { undoAfterMs: 5 },
    'ITEM_FAILED',
    'failing: wait, announce(held)',
  ],
  ['also before it was begun', 'planned', { undoAfterMs: 5 }, 'ITEM_FAILED', 'failing: wait, announce(held)'],
  [
    'also while another item needs a person',
    'needsOperator',
    { undoAfterMs: 5 },
    'ITEM_FAILED',
    'failing: wait, announce(held)',
  ],
  ['a day without its cloud, and a person has to see', 'received', { tries: planningTries - 1 }, 'CLOUD_AWAY', held],
  ['a hold ends where it began: being planned', 'paused', { heldFrom: 'received' }, 'RELEASE', 'received: plan'],
  ['a hold ends where it began: planned', 'paused', { heldFrom: 'planned' }, 'RELEASE', 'planned: prepare'],
  [
    'a hold ends where it began: with a question',
    'paused',
    { heldFrom: 'needsOperator' },
    'RELEASE',
    'needsOperator: prepare, announce(held)',
  ],
  [
    'a hold ends where it began: failing',
    'paused',
    { heldFrom: 'failing' },
    'RELEASE',
    'failing: prepare(look), wait, announce(held)',
  ],
  [
    'what was quarantined goes on where it was: being planned',
    'quarantined',
    { heldFrom: 'received' },
    'REPLAY',
    'received: plan',
  ],
  [
    'what was quarantined goes on where it was: planned',
    'quarantined',
    { heldFrom: 'planned' },
    'REPLAY',
    'planned: prepare',
  ],
  [
    'what was quarantined goes on where it was: undone',
    'quarantined',
    { heldFrom: 'undoStuck' },
    'REPLAY',
    'undoing: prepare(look)',
  ],
  ['undone because it was cancelled', 'undoing', { ending: 'cancelled' }, 'UNDONE', 'cancelled: announce(cancelled)'],
  ['undone but for its master', 'undoing', { ending: 'partial' }, 'UNDONE', 'partial: announce(partial)'],
  [
    'undone with help, because it was cancelled',
    'undoStuck',
    { ending: 'cancelled' },
    'UNDONE',
    'cancelled: announce(cancelled)',
  ],
];

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

  it.each(branches)('%s', (_, state, remembered, type, expected) => {
    expect(inWords(take(workOrderMachine, state, memory(remembered), workOrderEvents[type]))).toBe(expected);
  });

  it.each([
    ['received', 'received'],
    ['waitingForCloud', 'received'],
    ['planned', 'planned'],
    ['provisioning', 'provisioning'],
    ['needsOperator', 'needsOperator'],
    ['failing', 'failing'],
  ])('remembers what a hold interrupted: %s', (state, heldFrom) => {
    expect(take(workOrderMachine, state, memory(), workOrderEvents.PAUSE).next.context).toMatchObject({ heldFrom });
  });

  it.each(['received', 'planned', 'provisioning', 'needsOperator', 'held', 'paused', 'failing', 'quarantined'])(
    'ends cancelled when it was cancelled, why it says: from %s',
    (state) => {
      const cancelled = take(workOrderMachine, state, memory({ ending: 'failed' }), workOrderEvents.CANCEL).next
        .context;
      expect(cancelled).toMatchObject({ ending: 'cancelled', reason: { code: 'OPS_CANCELLED' } });
    },
  );

  it('keeps what the rest of it comes to when its master stays', () => {
    const undone = take(workOrderMachine, 'provisioning', memory(), workOrderEvents.REST_FAILED).next.context;
    expect(undone.ending).toBe('partial');
    expect(take(workOrderMachine, 'failing', memory(), workOrderEvents.TIMER).next.context.ending).toBe('failed');
  });

  it('counts its tries to be planned, knows why, and forgets it once it is planned', () => {
    const away = take(workOrderMachine, 'received', memory({ tries: 2 }), workOrderEvents.CLOUD_AWAY).next.context;
    expect(away).toEqual(memory({ reason, tries: 3 }));
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
      paused: 'held',
      failing: 'held',
      quarantined: 'held',
      undoing: 'compensating',
      undoStuck: 'compensating',
      cancelled: 'cancelled',
      completed: 'completed',
      partial: 'partial',
      failed: 'failed',
    });
  });

  it('does not go on from a state that was renamed away', () => {
    expect(() => take(workOrderMachine, 'queued', memory(), workOrderEvents.PLANNED)).toThrow(/queued/);
  });
});
