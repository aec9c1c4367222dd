import { describe, expect, it } from '@jest/globals';
import { beginOrder } from '../../src/machines/begin-order.js';
import { forecast, type Lever, leverProblem } from '../../src/machines/levers.js';
import { vmOrder } from '../support/orders.js';
import { operationEvents } from './samples.js';
import { bundlePlan, sataDisk, Story, vm } from './story.js';

const { REJECTED, TRY_LATER, TIMER } = operationEvents;
const reason = 'because';
const replay: Lever = { act: 'replay', reason };
const cancel: Lever = { act: 'cancel', reason };
const rollback = { policy: 'rollback', undoAfterMs: 60_000 } as const;

describe('an order that is undone', () => {
  it('sends no refused create again when what could not be removed is replayed', () => {
    const story = new Story(undefined, rollback).planned(bundlePlan()).prepared();
    story.done(sataDisk, 'ebs.create', { volumeId: 'v-1' }).on(vm, 'vm.create', REJECTED).pull(cancel);
    story.on(sataDisk, 'ebs.delete', REJECTED).pull(replay);
    expect(story.effects()).not.toContain('send vm vm.create');
    expect(story.effects()).toContain('send sata ebs.detach');
  });

  it('asks about what a quarantine left lying when it is cancelled', () => {
    const story = new Story().planned(bundlePlan());
    story.state = { ...story.state, status: 'held', machine: { ...story.state.machine, value: 'quarantined' } };
    expect(story.pull(cancel).effects()).toContain('lookUp sata ebs.create');
  });
});

it('sends nothing again while it has failed and waits for a person, and goes on after a replay', () => {
  const story = new Story(undefined, rollback).planned(bundlePlan()).prepared();
  story.on(sataDisk, 'ebs.create', TRY_LATER).on(vm, 'vm.create', REJECTED).on(sataDisk, 'ebs.create', TIMER);
  expect(story.effects()).toEqual([]);
  story.now += 600_000;
  expect(story.pull(replay).effects()).toContain('send sata ebs.create');
});

it('can only be cancelled when its kind is not understood, however many other reasons stand before', () => {
  const holds = [
    { path: '', code: 'SEM_EBS_SIZE', message: 'Two sizes.' },
    { path: 'workOrderType', code: 'ORD_TYPE_UNSUPPORTED', message: 'workOrderType 3 is not known' },
  ];
  const { state } = beginOrder('5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0aa', vmOrder(), holds, new Story().surroundings());
  for (const lever of [replay, { act: 'resume', reason } as const]) {
    expect(leverProblem(state, lever)?.message).toMatch(/not understood.*only be cancelled/s);
  }
  expect(forecast(state, cancel).outcome.ends).toBe('cancelled');
});
