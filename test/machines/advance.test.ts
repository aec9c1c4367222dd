import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { preparationId } from '../../src/machines/follow-up.js';
import { beginOrder } from '../../src/machines/begin-order.js';
import { vmOrder } from '../support/orders.js';
import type { OperationEvent } from '../../src/machines/operation.machine.js';
import type { OperationState } from '../../src/machines/order-state.js';
import { defaultPace } from '../../src/machines/pace.js';
import { operationEvents, rejection, workOrderEvents } from './samples.js';
import { address, bundlePlan, diskPlan, keepsItsRules, network, sataDisk, ssdDisk, Story, vm } from './story.js';

const { REJECTED, NEEDS_OPERATOR, BROKEN, OUTCOME_UNKNOWN, ABSENT, TIMER, TRY_LATER } = operationEvents;

describe('an order shaped like order 60', () => {
  let story: Story;
  beforeEach(() => {
    story = new Story();
  });
  afterEach(() => keepsItsRules(story));

  it('asks for its plan first, then for what it shares with other orders, and makes disks without waiting', () => {
    expect(story.effects()).toEqual(['plan']);
    story.planned(bundlePlan());
    expect(story.effects()).toEqual(['prepare', 'send sata ebs.create', 'send ssd ebs.create']);
    expect(story.items()).toEqual(['provisioning', 'pending', 'provisioning', 'pending']);
    expect(story.state.status).toBe('provisioning');
  });

  it('makes the VM and reserves the address once the network is there', () => {
    story.planned(bundlePlan()).prepared();
    expect(story.effects()).toEqual(['send vm vm.create', 'send address network.reserve']);
  });

  it('attaches disks and binds the address only once the VM runs', () => {
    story.planned(bundlePlan()).prepared();
    story.done(sataDisk, 'ebs.create', { volumeId: 'v-1' }).done(address, 'network.reserve', { addressId: 'a-1' });
    expect(story.effects()).toEqual([]);
    story.done(vm, 'vm.create', { vmId: 'vm-1' });
    expect(story.effects()).toEqual(['send sata ebs.attach', 'send address network.bind']);
    story.done(ssdDisk, 'ebs.create', { volumeId: 'v-2' });
    expect(story.effects()).toEqual(['send ssd ebs.attach']);
  });

  it('is told event by event, numbered without gaps, and completed once', () => {
    deliver(story);
    expect(story.announced()).toEqual([
      'work-order.received',
      'work-order.planned',
      'item.started 0',
      'item.started 2',
      'work-order.started',
      'item.started 1',
      'item.started 3',
      'item.job-submitted 0',
      'item.job-submitted 2',
      'item.job-submitted 3',
      'item.job-submitted 1',
      'item.job-submitted 0',
      'item.job-submitted 2',
      'item.job-submitted 3',
      // With the order's own: before that an item's verdict could still change.
      'item.completed 0',
      'item.completed 1',
      'item.completed 2',
      'item.completed 3',
      'work-order.completed',
    ]);
  });

  it('says in its last event what may be charged, with the ids of the cloud and the instant each line came to life', () => {
    deliver(story);
    expect(story.verdict()).toMatchObject([
      { workOrderItemId: '82', status: 'completed', chargeable: true, cloudResourceIds: [`ebs.create of ${sataDisk}`] },
      {
        workOrderItemId: '83',
        chargeable: true,
        cloudResourceIds: [`vm.create of ${vm}`],
        startedAt: '2026-01-02T03:04:05Z',
        facts: [{ vmId: 'vm-1' }],
      },
      { workOrderItemId: '84', chargeable: true, facts: [{ volumeId: 'v-2' }] },
      { workOrderItemId: '85', chargeable: true, facts: [{ addressId: 'a-1' }] },
    ]);
  });

  it('is the same when the database gives the keys of its plan back in another order', () => {
    const plan = bundlePlan();
    for (const part of plan.parts) part.needs = Object.fromEntries(Object.entries(part.needs).toReversed());
    expect(Object.keys(plan.parts[0]?.needs ?? {})).toEqual(['ebs.attach', 'ebs.create']);
    deliver(story, plan);
    const straight = new Story();
    deliver(straight);
    expect(story.announced()).toEqual(straight.announced());
    expect(story.state.operations).toEqual(straight.state.operations);
  });

  it('gives everything done to one thing one marker, and every request an id of its own', () => {
    deliver(story);
    const markers = new Map(story.state.operations.map((one) => [`${one.partKey} ${one.name}`, one.marker]));
    expect(markers.get(`${sataDisk} ebs.attach`)).toBe(markers.get(`${sataDisk} ebs.create`));
    expect(new Set(markers.values()).size).toBe(4);
    expect(new Set(story.state.operations.map((one) => one.requestId)).size).toBe(7);
  });

  it('keeps what two data centres prepare under the same name apart', () => {
    story.planned(bundlePlan()).prepared(undefined, 'another-data-centre');
    expect(story.last.changed).toBe(false);
    expect(story.begun()).toEqual(['sata ebs.create: requesting', 'ssd ebs.create: requesting']);
    expect(story.state.preparations).toHaveProperty([preparationId('another-data-centre', network)]);
    story.prepared({ state: 'failed', failure: rejection }, 'another-data-centre');
    expect(story.items()).toEqual(['provisioning', 'pending', 'provisioning', 'pending']);
    story.prepared();
    expect(story.effects()).toContain('send vm vm.create');
  });

  it('cancels what needs the network when the network cannot be had, removes the disks, and charges nothing', () => {
    story.planned(bundlePlan()).done(sataDisk, 'ebs.create', { volumeId: 'v-1' });
    story.prepared({ state: 'failed', failure: rejection });
    expect(story.effects()).toEqual(['send sata ebs.delete']);
    expect(story.items()).toEqual(['provisioning', 'cancelled', 'provisioning', 'cancelled']);
    story.done(sataDisk, 'ebs.delete').on(ssdDisk, 'ebs.create', REJECTED);
    expect(story.items()).toEqual(['cancelled', 'cancelled', 'failed', 'cancelled']);
    expect(story.state.status).toBe('failed');
  });

  it('removes a finished disk when the VM fails, and cancels its line', () => {
    story.planned(bundlePlan()).prepared().done(sataDisk, 'ebs.create', { volumeId: 'v-1' });
    story.on(vm, 'vm.create', REJECTED);
    expect(story.effects()).toEqual(['send sata ebs.delete']);
    story.done(sataDisk, 'ebs.delete');
    expect(story.items()).toEqual(['cancelled', 'failed', 'provisioning', 'provisioning']);
  });

  it('removes a disk that is being made when the VM fails, once it is there', () => {
    story.planned(bundlePlan()).prepared().on(vm, 'vm.create', REJECTED);
    expect(story.effects()).toEqual([]);
    story.done(ssdDisk, 'ebs.create', { volumeId: 'v-2' });
    expect(story.effects()).toEqual(['send ssd ebs.delete']);
    expect(story.operation(ssdDisk, 'ebs.delete').marker).toBe(story.operation(ssdDisk, 'ebs.create').marker);
    story.done(ssdDisk, 'ebs.delete').done(sataDisk, 'ebs.create').done(sataDisk, 'ebs.delete');
    story.done(address, 'network.reserve').done(address, 'network.release');
    expect(story.items()).toEqual(['cancelled', 'failed', 'cancelled', 'cancelled']);
    expect(story.state.status).toBe('failed');
    expect(story.verdict().every((line) => line['chargeable'] === false && line['failure'] !== null)).toBe(true);
  });

  it('removes a disk that cannot be attached, and is partly delivered', () => {
    story.planned(bundlePlan()).prepared().done(sataDisk, 'ebs.create', { volumeId: 'v-1' });
    story.done(vm, 'vm.create', { vmId: 'vm-1' }).on(sataDisk, 'ebs.attach', REJECTED);
    expect(story.effects()).toEqual(['send sata ebs.delete']);
    story.done(sataDisk, 'ebs.delete').done(ssdDisk, 'ebs.create').done(ssdDisk, 'ebs.attach');
    story.done(address, 'network.reserve').done(address, 'network.bind');
    expect(story.items()).toEqual(['failed', 'completed', 'completed', 'completed']);
    expect(story.state.status).toBe('partial');
    expect(story.verdict()[0]).toMatchObject({ chargeable: false, failure: { code: 'CLD_QUOTA' } });
  });

  it('is held with the reason when an item is stuck, while the others go on', () => {
    story.planned(bundlePlan()).prepared().on(sataDisk, 'ebs.create', NEEDS_OPERATOR);
    const { code, message } = NEEDS_OPERATOR;
    expect(story.state).toMatchObject({ status: 'held', machine: { value: 'needsOperator' } });
    expect(story.events.at(-1)).toMatchObject({ type: 'work-order.held', data: { reason: { code, message } } });
    story.done(vm, 'vm.create', { vmId: 'vm-1' }).done(ssdDisk, 'ebs.create');
    expect(story.effects()).toEqual(['send ssd ebs.attach']);
    expect(story.items()).toEqual(['held', 'completed', 'provisioning', 'provisioning']);
    story.done(ssdDisk, 'ebs.attach').done(address, 'network.reserve').done(address, 'network.bind');
    expect(story.state.status).toBe('held');
    expect(story.announced().filter((type) => type === 'work-order.held')).toHaveLength(1);
  });

  it('is held when a disk that must go cannot be removed', () => {
    story.planned(bundlePlan()).prepared().done(sataDisk, 'ebs.create', { volumeId: 'v-1' });
    story.on(vm, 'vm.create', REJECTED).on(sataDisk, 'ebs.delete', REJECTED);
    expect(story.items()[0]).toBe('held');
    expect(story.state.machine.context.reason).toMatchObject({ code: REJECTED.code });
  });

  it('names what carries its marker and is one too many', () => {
    story.planned(bundlePlan()).on(sataDisk, 'ebs.create', OUTCOME_UNKNOWN);
    story.on(sataDisk, 'ebs.create', { type: 'FOUND', resourceId: 'oldest', others: ['second', 'third'] });
    expect(story.last.orphans).toMatchObject([{ resourceIds: ['second', 'third'], operation: { name: 'ebs.create' } }]);
  });

  it('asks again with the same marker and a new request id when look-ups find nothing after the request may no longer run', () => {
    story.planned(bundlePlan());
    const first = story.operation(sataDisk, 'ebs.create');
    story.on(sataDisk, 'ebs.create', OUTCOME_UNKNOWN, ABSENT, TIMER, ABSENT, TIMER);
    story.now += defaultPace.cutMs;
    story.on(sataDisk, 'ebs.create', ABSENT);
    expect(story.effects()).toEqual(['send sata ebs.create']);
    const second = story.operation(sataDisk, 'ebs.create');
    expect(second.marker).toBe(first.marker);
    expect(second.requestId).not.toBe(first.requestId);
  });

  it('sends nothing again while the request may be running, however often nothing is found, and looks more rarely', () => {
    const silence = { ...OUTCOME_UNKNOWN, how: 'silent' } as OperationEvent;
    story.planned(bundlePlan()).on(sataDisk, 'ebs.create', silence);
    const begun = story.now;
    const waits: number[] = [];
    while (story.now + 1_000 < begun + defaultPace.holdMs) {
      story.on(sataDisk, 'ebs.create', ABSENT);
      const [timer] = story.last.effects;
      if (timer?.type !== 'timer') throw new Error(`sent again after ${story.now - begun} ms`);
      waits.push(timer.dueAt - story.now);
      story.now = timer.dueAt;
      story.on(sataDisk, 'ebs.create', TIMER);
    }
    expect(waits.slice(0, 3)).toEqual([5_000, 5_000, 5_000]);
    expect(Math.max(...waits)).toBe(60_000);
    story.on(sataDisk, 'ebs.create', ABSENT);
    expect(story.effects()).toEqual(['send sata ebs.create']);
  });

  it('need not wait where the cloud would refuse a second one', () => {
    story.planned(bundlePlan()).on(sataDisk, 'ebs.create', OUTCOME_UNKNOWN, ABSENT, TIMER, ABSENT, TIMER);
    story.on(sataDisk, 'ebs.create', { type: 'ABSENT', guarded: true });
    expect(story.effects()).toEqual(['send sata ebs.create']);
  });

  it('begins to count anew what is not found when the cloud gave no sign of life in between', () => {
    story
      .planned(bundlePlan())
      .on(sataDisk, 'ebs.create', OUTCOME_UNKNOWN, ABSENT, TIMER, ABSENT, TIMER, TRY_LATER, TIMER);
    story.now += defaultPace.holdMs;
    story.on(sataDisk, 'ebs.create', ABSENT);
    expect(story.effects()).toEqual(['timer sata ebs.create']);
  });

  it.each<[string, Partial<OperationState>, object]>([
    ['an earlier request', { requestId: 'another' }, {}],
    ['an earlier job', {}, { jobId: 'job-0' }],
    ['an earlier look', {}, { watches: 1 }],
  ])('takes an answer to %s for no news of what is asked now', (_, change, memory) => {
    story.planned(bundlePlan()).on(sataDisk, 'ebs.create', { type: 'ACCEPTED', jobId: 'job-1', resourceId: null });
    const now = story.operation(sataDisk, 'ebs.create');
    const { value, context } = now.machine;
    const of = { ...now, ...change, machine: { value, context: { ...context, ...memory } } };
    const failed = { type: 'JOB_FAILED', disposition: 'retry', code: 'CLD_JOB_FAILED', message: 'no' } as const;
    const told = { about: 'operation', partKey: sataDisk, name: 'ebs.create', event: failed } as const;
    expect(story.happen({ ...told, of }).last.changed).toBe(false);
    expect(story.happen({ ...told, of: now }).operation(sataDisk, 'ebs.create').machine.value).toBe('lookingUp');
  });

  it('names the wake-up with its instant, and forgets it when it is over', () => {
    story.planned(bundlePlan()).on(sataDisk, 'ebs.create', OUTCOME_UNKNOWN, ABSENT);
    const [timer] = story.last.effects;
    expect(timer).toMatchObject({ type: 'timer', dueAt: story.now + 5_000 });
    expect(story.operation(sataDisk, 'ebs.create').dueAt).toBe(story.now + 5_000);
    story.on(sataDisk, 'ebs.create', TIMER);
    expect(story.operation(sataDisk, 'ebs.create').dueAt).toBeNull();
  });

  it('starts from the instant the cloud took the job, and counts it again for a job of its own', () => {
    story.planned(bundlePlan()).on(sataDisk, 'ebs.create', { type: 'ACCEPTED', jobId: 'j1', resourceId: 'r1' });
    const { submittedAt } = story.operation(sataDisk, 'ebs.create');
    expect(submittedAt).toBe(story.now);
    story.resumed();
    expect(story.operation(sataDisk, 'ebs.create').submittedAt).toBe(submittedAt);
    expect(story.effects()).toContain('track sata ebs.create');
  });

  it('ignores what comes late: a finished operation, an unknown one, a second plan', () => {
    deliver(story);
    const before = story.state;
    story.on(vm, 'vm.create', BROKEN).on(vm, 'vm.delete', ABSENT).on('VM/nobody#1', 'vm.create', ABSENT);
    story.planned(bundlePlan()).prepared({ state: 'failed', failure: rejection }).resumed();
    expect(story.state).toEqual({ ...before, preparations: {} });
    expect(story.last.changed).toBe(false);
  });
});

describe('an order that cannot go on yet', () => {
  it('is held at once when its message says so, and nothing is planned', () => {
    const surroundings = new Story().surroundings();
    const hold = { path: '', code: 'SEM_EBS_SIZE', message: 'The two sizes of a disk disagree.' };
    const step = beginOrder('5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0aa', vmOrder(), [hold], surroundings);
    expect(step.effects).toEqual([]);
    expect(step.state.status).toBe('held');
    expect(step.announcements.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, 'work-order.received'],
      [2, 'work-order.held'],
    ]);
  });

  it('waits for a cloud that is away, longer every time, and is planned when it is back', () => {
    const story = Story.ofOneDisk();
    const away = { about: 'order', event: workOrderEvents.CLOUD_AWAY } as const;
    const waits = [1, 2, 3, 4, 5].map(() => {
      story.happen(away);
      expect(story.effects()).toEqual(['timer']);
      const wait = (story.state.dueAt ?? 0) - story.now;
      story.happen({ about: 'order', event: { type: 'TIMER' } });
      expect(story.effects()).toEqual(['plan']);
      return wait;
    });
    expect(Math.max(...waits.slice(0, 2))).toBeLessThan(Math.max(...waits.slice(3)));
    story.planned(diskPlan()).done(sataDisk, 'ebs.create', { volumeId: 'v' });
    expect(story.state.status).toBe('completed');
    keepsItsRules(story);
  });

  it('is not built by a plan that comes after it was held', () => {
    const story = Story.ofOneDisk().happen({ about: 'order', event: workOrderEvents.HELD }).planned(diskPlan());
    expect(story.last).toMatchObject({ changed: false, effects: [], state: { status: 'held', parts: [], plan: null } });
  });

  it('stops on a stored state that no machine knows, instead of starting over', () => {
    const story = Story.ofOneDisk().planned(diskPlan());
    const operations = story.state.operations.map((one) => ({ ...one, machine: { ...one.machine, value: 'sending' } }));
    story.state = { ...story.state, operations };
    expect(() => story.resumed()).toThrow(/sending/);
  });
});

/** Everything goes well. */
function deliver(story: Story, plan = bundlePlan()): void {
  story.planned(plan).prepared();
  story.done(sataDisk, 'ebs.create', { volumeId: 'v-1' }).done(ssdDisk, 'ebs.create', { volumeId: 'v-2' });
  story.done(address, 'network.reserve', { addressId: 'a-1' });
  story.done(vm, 'vm.create', { vmId: 'vm-1' }, '2026-01-02T03:04:05Z');
  story.done(sataDisk, 'ebs.attach').done(ssdDisk, 'ebs.attach').done(address, 'network.bind');
}
