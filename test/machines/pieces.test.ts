import { describe, expect, it } from '@jest/globals';
import type { OrderState } from '../../src/machines/order-state.js';
import type { Plan } from '../../src/planner/plan.js';
import { operationEvents } from './samples.js';
import { address, bundlePlan, sataDisk, ssdDisk, Story, vm } from './story.js';

const { REJECTED } = operationEvents;
const bestEffort = { policy: 'best-effort', undoAfterMs: 0 } as const;
const second = (key: string) => key.replace('#1', '#2');
const pieces = (state: OrderState, itemIndex: number) =>
  state.parts.filter((part) => part.itemIndex === itemIndex).map(({ machine }) => machine.value);

/** Order 60 with one of its items twice; what belongs to a VM belongs to the first one. */
function twice(key: string): Plan {
  const plan = bundlePlan();
  const parts = plan.parts.flatMap((part) =>
    part.key === key ? [part, { ...part, key: second(key), index: 2 }] : [part],
  );
  return { ...plan, parts };
}

describe('an item of two pieces of which one fails, when the rest is kept', () => {
  it('is not charged, and its other piece is removed: half of it is not what was ordered', () => {
    const story = new Story(undefined, bestEffort).planned(twice(ssdDisk)).prepared();
    story.done(ssdDisk, 'ebs.create', { volumeId: 'v-1' }).done(vm, 'vm.create', { vmId: 'vm-1' });
    story.done(ssdDisk, 'ebs.attach').on(second(ssdDisk), 'ebs.create', REJECTED);
    expect(story.effects()).toContain('send ssd ebs.detach');
    story.done(ssdDisk, 'ebs.detach').done(ssdDisk, 'ebs.delete');
    story.done(sataDisk, 'ebs.create', { volumeId: 'v-0' }).done(sataDisk, 'ebs.attach');
    story.done(address, 'network.reserve').done(address, 'network.bind');
    expect(story.items()).toEqual(['completed', 'completed', 'failed', 'completed']);
    expect(story.state.status).toBe('partial');
    expect(story.verdict()[2]).toMatchObject({ chargeable: false, failure: { code: REJECTED.code } });
  });

  it('begins no more of it, and what is under way ends before it is removed', () => {
    const story = new Story(undefined, bestEffort).planned(twice(ssdDisk)).prepared();
    story.on(second(ssdDisk), 'ebs.create', REJECTED);
    expect(pieces(story.state, 2)).toEqual(['creating', 'failed']);
    story.done(ssdDisk, 'ebs.create', { volumeId: 'v-1' });
    expect(story.effects()).toEqual(['send ssd ebs.delete']);
    story.done(vm, 'vm.create', { vmId: 'vm-1' });
    expect(story.begun()).not.toContain('ssd ebs.attach: requesting');
  });

  it('takes down a VM only after what stands on it, which goes with it', () => {
    const story = new Story(undefined, bestEffort).planned(twice(vm)).prepared();
    story.done(sataDisk, 'ebs.create', { volumeId: 'v-0' }).done(ssdDisk, 'ebs.create', { volumeId: 'v-1' });
    story.done(vm, 'vm.create', { vmId: 'vm-1' }).done(sataDisk, 'ebs.attach').done(ssdDisk, 'ebs.attach');
    story.done(address, 'network.reserve', { addressId: 'a-1' }).done(address, 'network.bind');
    expect(story.begun()).not.toContain('vm vm.delete: requesting');
    story.on(second(vm), 'vm.create', REJECTED);
    expect(story.begun()).not.toContain('vm vm.delete: requesting');
    for (const disk of [sataDisk, ssdDisk]) story.done(disk, 'ebs.detach').done(disk, 'ebs.delete');
    story.done(address, 'network.unbind').done(address, 'network.release');
    expect(story.begun()).toContain('vm vm.delete: requesting');
    story.done(vm, 'vm.delete');
    expect(story.items()).toEqual(['compensated', 'failed', 'compensated', 'compensated']);
    expect(story.state.status).toBe('failed');
    expect(story.verdict().map((line) => line['chargeable'])).toEqual([false, false, false, false]);
  });
});

it('of an item that an operator gives up, what is there already is removed under rollback too, and the rest is delivered', () => {
  const story = new Story(undefined, { policy: 'rollback', undoAfterMs: 60_000 }).planned(twice(ssdDisk)).prepared();
  story.done(ssdDisk, 'ebs.create', { volumeId: 'v-1' }).done(vm, 'vm.create', { vmId: 'vm-1' });
  story.done(ssdDisk, 'ebs.attach').on(second(ssdDisk), 'ebs.create', REJECTED);
  expect(story.state.status).toBe('held');
  story.pull({ act: 'skip', itemIndex: 2, reason: 'out of SSD' });
  story.done(ssdDisk, 'ebs.detach').done(ssdDisk, 'ebs.delete');
  story.done(sataDisk, 'ebs.create', { volumeId: 'v-0' }).done(sataDisk, 'ebs.attach');
  story.done(address, 'network.reserve').done(address, 'network.bind');
  expect(story.state.status).toBe('partial');
  expect(story.verdict().map((line) => line['chargeable'])).toEqual([true, true, false, true]);
});

it('a VM that goes because an operator gave its item up takes what stands on it along, under rollback too', () => {
  const story = new Story(undefined, { policy: 'rollback', undoAfterMs: 60_000 }).planned(twice(vm)).prepared();
  story.done(sataDisk, 'ebs.create', { volumeId: 'v-0' }).done(ssdDisk, 'ebs.create', { volumeId: 'v-1' });
  story.done(vm, 'vm.create', { vmId: 'vm-1' }).done(sataDisk, 'ebs.attach').done(ssdDisk, 'ebs.attach');
  story.done(address, 'network.reserve', { addressId: 'a-1' }).done(address, 'network.bind');
  story.on(second(vm), 'vm.create', REJECTED).pull({ act: 'skip', itemIndex: 1, reason: 'no room' });
  for (const disk of [sataDisk, ssdDisk]) story.done(disk, 'ebs.detach').done(disk, 'ebs.delete');
  story.done(address, 'network.unbind').done(address, 'network.release').done(vm, 'vm.delete');
  expect(story.state.status).toBe('failed');
  expect(story.verdict().map((line) => line['chargeable'])).toEqual([false, false, false, false]);
});
