import { describe, expect, it } from '@jest/globals';
import { beginPreparation } from '../../src/machines/begin-order.js';
import { forecast, type Lever, leverProblem } from '../../src/machines/levers.js';
import { finalStatuses, type OrderState } from '../../src/machines/order-state.js';
import type { OperationName, Preparation, PreparationKind } from '../../src/planner/plan.js';
import { preparationOperations } from '../../src/planner/plan.js';
import { samplePlatformId } from '../support/orders.js';
import { operationEvents } from './samples.js';
import { bundlePlan, sataDisk, Story, storyOrderId, vm } from './story.js';

const { REJECTED, NEEDS_OPERATOR, TRY_LATER, TIMER } = operationEvents;
const reason = 'because';
const rollback = { policy: 'rollback', undoAfterMs: 60_000 } as const;
const levers = {
  replay: { act: 'replay', reason },
  cancel: { act: 'cancel', reason },
  hold: { act: 'hold', reason },
  resume: { act: 'resume', reason },
  skip: { act: 'skip', itemIndex: 0, reason },
  'mark-done': { act: 'mark-done', itemIndex: 0, resourceId: 'v-9', reason },
} as const satisfies Record<string, Lever>;

const planned = (bundle?: typeof rollback) => new Story(undefined, bundle).planned(bundlePlan());
const away = { code: 'CLD_UNREACHABLE', message: 'away' };
const undoing = () => planned().prepared().done(sataDisk, 'ebs.create', { volumeId: 'v-1' }).pull(levers.cancel);

/** An order in each state that is not its end, and what may be done to it; item 0 is a disk. */
const states: Record<string, { begin: () => Story; levers: string; back?: string }> = {
  received: { begin: () => new Story(), levers: 'cancel hold' },
  waitingForCloud: {
    begin: () => new Story().happen({ about: 'order', event: { type: 'CLOUD_AWAY', ...away } }),
    levers: 'replay cancel hold',
    back: 'received',
  },
  held: {
    begin: () => new Story().happen({ about: 'order', event: { type: 'HELD', ...away } }),
    levers: 'replay cancel resume',
  },
  // Its one disk is not begun: it waits, as an address does, for what it shares with others.
  planned: { begin: plannedWithoutDisks, levers: 'cancel hold skip' },
  provisioning: { begin: () => planned().prepared(), levers: 'cancel hold skip' },
  needsOperator: {
    begin: () => planned().on(sataDisk, 'ebs.create', NEEDS_OPERATOR),
    levers: 'replay cancel hold skip mark-done',
    // What needed a person is tried again with it.
    back: 'provisioning',
  },
  failing: {
    begin: () => planned(rollback).on(sataDisk, 'ebs.create', REJECTED),
    levers: 'replay cancel hold skip mark-done',
  },
  paused: { begin: () => planned().prepared().pull(levers.hold), levers: 'cancel resume' },
  undoing: { begin: undoing, levers: '' },
  undoStuck: {
    begin: () => settledBut(undoing().on(sataDisk, 'ebs.delete', REJECTED)),
    levers: 'replay mark-done',
    back: 'undoing',
  },
};

function plannedWithoutDisks(): Story {
  const plan = bundlePlan();
  const parts = plan.parts.map((part) => ({ ...part, needs: needing(plan.preparations[0]?.key ?? '', part.needs) }));
  return new Story().planned({ ...plan, parts });
}

const needing = (key: string, needs: object) =>
  Object.fromEntries(Object.entries(needs).map(([name, keys]) => [name, [...(keys as string[]), key]]));

/** What else was out has come to nothing. */
function settledBut(story: Story): Story {
  for (const { partKey, name, machine } of story.state.operations) {
    if (machine.value === 'requesting') story.on(partKey, name, REJECTED);
  }
  return story;
}

/** As the engine does when a step could not be stored: it stops where it was, and nothing of it is in memory. */
function quarantined(story: Story): Story {
  const { machine } = story.state;
  const why = { code: 'SYS_STEP_REFUSED', message: 'a bug' };
  const interrupted = { state: machine.value, reason: machine.context.reason };
  story.state = {
    ...story.state,
    status: 'held',
    machine: { value: 'quarantined', context: { ...machine.context, reason: why, interrupted } },
    dueAt: null,
    preparations: {},
  };
  return story;
}

const allowed = (state: OrderState) =>
  Object.keys(levers)
    .filter((act) => leverProblem(state, levers[act as keyof typeof levers]) === null)
    .join(' ');

describe.each(Object.entries(states))('an order in %s', (value, { begin, levers: expected, back = value }) => {
  it(`may be moved by: ${expected || 'nothing'}`, () => {
    const { state } = begin();
    expect(state.machine.value).toBe(value);
    expect(allowed(state)).toBe(expected);
  });

  it('says of each lever that is refused why, and does nothing', () => {
    const { state } = begin();
    for (const lever of Object.values(levers)) {
      const said = forecast(state, lever);
      if (said.allowed === null) continue;
      expect(said.allowed.message).toMatch(/^\p{Lu}.*\.$/su);
      expect(said).toMatchObject({ outcome: { status: state.status, ends: state.status }, lines: [] });
    }
  });

  it('is only replayed or cancelled out of a quarantine', () => {
    expect(allowed(quarantined(begin()).state)).toBe('replay cancel');
  });

  it('stands where it stood when it is replayed out of a quarantine, and knows why it waited there', () => {
    const before = begin().state;
    const { state } = quarantined(begin()).pull(levers.replay);
    expect(state.machine.value).toBe(back);
    expect(state.machine.context.interrupted).toBeNull();
    if (back === value && ['held', 'paused', 'failing'].includes(value)) {
      expect(state.machine.context.reason).toEqual(before.machine.context.reason);
    }
  });

  it('is undone when it is cancelled out of a quarantine, and what was out is asked about', () => {
    const story = quarantined(begin());
    const out = story.state.operations.filter(({ machine }) => machine.value === 'requesting');
    expect(forecast(story.state, levers.cancel).outcome.ends).toBe(
      value === 'undoStuck' ? 'compensating' : 'cancelled',
    );
    story.pull(levers.cancel);
    expect(story.state.machine.context.ending).toBe('cancelled');
    for (const { partKey, name } of out) expect(story.operation(partKey, name).machine.value).toBe('lookingUp');
    expect(story.begun().filter((one) => one.endsWith('create: requesting'))).toEqual([]);
  });
});

describe('something that many orders share', () => {
  const kinds = Object.keys(preparationOperations) as PreparationKind[];
  const begun = (kind: PreparationKind) => {
    const preparation: Preparation = { key: `${kind}/u`, kind, platformId: samplePlatformId, settings: {}, lines: [] };
    const step = beginPreparation(storyOrderId, `${samplePlatformId}/${kind}/u#1`, preparation);
    const story = new Story();
    story.state = step.state;
    story.events.length = 0;
    const name = preparationOperations[kind];
    if (step.state.plan) story.planned(step.state.plan);
    return { story, key: preparation.key, name };
  };
  /** Its operation in every state in which it may be found. */
  type Reach = (story: Story, key: string, name: OperationName) => Story;
  const found: Record<string, Reach> = {
    requesting: (story) => story,
    inFlight: (story, key, name) => story.on(key, name, { type: 'ACCEPTED', jobId: 'j', resourceId: 'n-1' }),
    verifying: (story, key, name) =>
      reach('inFlight')(story, key, name).on(key, name, { type: 'JOB_SUCCEEDED', resourceId: 'n-1' }),
    watching: (story, key, name) => reach('verifying')(story, key, name).on(key, name, { type: 'PENDING' }),
    lookingUp: (story, key, name) =>
      story.on(key, name, { type: 'OUTCOME_UNKNOWN', code: 'CLD_RESPONSE_UNKNOWN', message: 'lost', how: 'silent' }),
    settling: (story, key, name) => reach('lookingUp')(story, key, name).on(key, name, { type: 'ABSENT' }),
    backingOff: (story, key, name) => story.on(key, name, TRY_LATER),
    stuck: (story, key, name) => story.on(key, name, NEEDS_OPERATOR),
  };

  const reach = (state: string): Reach => found[state] ?? ((story) => story);

  it.each(Object.keys(found))('is cancelled or refuses it while its operation is %s; it never hangs', (state) => {
    for (const kind of kinds) {
      const { story, key, name } = begun(kind);
      reach(state)(story, key, name);
      expect(story.operation(key, name).machine.value).toBe(state);
      const said = forecast(story.state, levers.cancel);
      const isStopped = !['tenant.ensure', 'tenant.remove', 'default-network.remove'].includes(name);
      expect({ kind, allowed: said.allowed === null, ends: said.outcome.ends }).toEqual({
        kind,
        allowed: isStopped,
        ends: isStopped ? 'cancelled' : story.state.status,
      });
    }
  });

  it('is taken away again when it was made while it was being cancelled', () => {
    const { story, key, name } = begun('default-network');
    reach('inFlight')(story, key, name).pull(levers.cancel);
    story.on(key, name, { type: 'JOB_SUCCEEDED', resourceId: 'n-1' });
    story.on(key, name, { type: 'READY', resourceId: 'n-1', facts: { networkId: 'n-1' }, startedAt: null });
    expect(story.last.effects.map(({ type }) => type)).toEqual(['discard']);
    story.on(key, name, { type: 'GONE' });
    expect(story.state.status).toBe('cancelled');
  });

  it('waits while it is on hold, and goes on after', () => {
    const { story, key, name } = begun('default-network');
    reach('backingOff')(story, key, name).pull(levers.hold).on(key, name, TIMER);
    expect(story.last.effects).toEqual([]);
    story.now += 600_000;
    story.pull(levers.resume);
    expect(story.operation(key, name).machine.value).toBe('requesting');
    story.done(key, name, { networkId: 'n-1' });
    expect(story.state.status).toBe('completed');
  });

  it('is asked about first when it is replayed, and looked at when somebody names it', () => {
    for (const kind of kinds) {
      const stuck = () => {
        const { story, key, name } = begun(kind);
        return reach('stuck')(story, key, name);
      };
      expect(
        stuck()
          .pull(levers.replay)
          .last.effects.map(({ type }) => type),
      ).toContain('lookUp');
      const named = stuck().pull(levers['mark-done']);
      expect(named.last.effects.map(({ type }) => type)).toContain('inspect');
    }
  });

  it('has no items to give up', () => {
    for (const kind of kinds) {
      expect(leverProblem(begun(kind).story.state, levers.skip)?.message).toMatch(/one thing that orders share/);
    }
  });

  it('tells those who would change its end that it has one', () => {
    const { story, key, name } = begun('default-network');
    story.done(key, name, { networkId: 'n-1' });
    expect(finalStatuses).toContain(story.state.status);
    for (const lever of Object.values(levers)) expect(leverProblem(story.state, lever)?.message).toMatch(/It is there/);
  });
});

describe('what a cloud takes away while it is being built', () => {
  const story = () => {
    const one = planned().prepared().on(vm, 'vm.create', { type: 'ACCEPTED', jobId: 'j', resourceId: 'vm-1' });
    one.surroundings = () => ({
      ...Story.prototype.surroundings.call(one),
      canDiscardWhileBuilding: (_, name) => name === 'vm.create',
    });
    return one.pull(levers.cancel);
  };

  it('goes at once when its order is cancelled', () => {
    expect(story().effects()).toContain('discard vm vm.create');
  });

  it('stays gone whatever its job says later', () => {
    for (const late of [
      { type: 'JOB_SUCCEEDED', resourceId: 'vm-1' },
      { type: 'JOB_LOST' },
      { type: 'OVERDUE' },
      { type: 'JOB_FAILED', disposition: 'retry', code: 'CLD_RESOURCE_ERROR', message: 'deleted' },
    ] as const) {
      const one = story().on(vm, 'vm.create', late);
      expect(one.operation(vm, 'vm.create').machine.value).toBe('discarding');
      one.on(vm, 'vm.create', { type: 'GONE' }).on(vm, 'vm.create', late);
      expect(one.operation(vm, 'vm.create').machine.value).toBe('failed');
    }
  });

  it('is removed when a look-up finds it after the cancel', () => {
    const one = planned().prepared();
    one.surroundings = () => ({
      ...Story.prototype.surroundings.call(one),
      canDiscardWhileBuilding: (_, name) => name === 'vm.create',
    });
    one.on(vm, 'vm.create', { type: 'OUTCOME_UNKNOWN', code: 'CLD_RESPONSE_UNKNOWN', message: 'lost' });
    one.pull(levers.cancel).on(vm, 'vm.create', { type: 'FOUND', resourceId: 'vm-1', others: [] });
    expect(one.effects()).toEqual(['discard vm vm.create']);
  });
});
