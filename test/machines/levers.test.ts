import { describe, expect, it } from '@jest/globals';
import { type Forecast, forecast, type Lever, leverProblem } from '../../src/machines/levers.js';
import { finalStatuses } from '../../src/machines/order-state.js';
import { alive, Life, madeBy, reason } from './life.js';
import { operationEvents } from './samples.js';
import { address, bundlePlan, diskPlan, network, sataDisk, ssdDisk, Story, vm } from './story.js';

const { REJECTED, NEEDS_OPERATOR, TRY_LATER, TIMER } = operationEvents;
const cancel: Lever = { act: 'cancel', reason };
const replay: Lever = { act: 'replay', reason };
const hold: Lever = { act: 'hold', reason };
const resume: Lever = { act: 'resume', reason };
const skip = (itemIndex: number): Lever => ({ act: 'skip', itemIndex, reason });
const rollback = { policy: 'rollback', undoAfterMs: 60_000 } as const;

const told = ({ lines }: Forecast) => Object.fromEntries(lines.map(({ partKey, what }) => [partKey, what]));

describe('a forecast', () => {
  it('of a cancel says at every moment of a bundle what then happens', () => {
    for (let moment = 0; moment < 40; moment += 1) {
      const life = new Life([]);
      life.live(moment);
      if (finalStatuses.includes(life.story.state.status)) return;
      const said = forecast(life.story.state, cancel);
      expect(said).toMatchObject({ allowed: null, outcome: { status: 'compensating', ends: 'cancelled' } });
      life.pull(cancel);
      life.live();
      expect(life.story.state.status).toBe(said.outcome.ends);
      for (const [key, names] of Object.entries(madeBy)) {
        const made = names[0] ? life.cloud.truth(key, names[0]).everMade : 0;
        expect({ moment, key, there: alive(life, key, names[0] ?? 'vm.create') }).toEqual({ moment, key, there: 0 });
        expect({ moment, key, what: told(said)[key] }).toEqual({ moment, key, what: made > 0 ? 'undone' : 'given-up' });
      }
    }
    throw new Error('the bundle was never through');
  });

  it('of a cancel names what is undone in the order in which it is undone', () => {
    const life = new Life([]);
    life.live(20);
    const said = forecast(life.story.state, cancel).lines.filter(({ what }) => what === 'undone');
    life.pull(cancel);
    life.live();
    const removals = life.story.state.operations.filter(({ name }) => /\.(delete|release)$/.test(name));
    const gone = removals.toSorted((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0)).map(({ partKey }) => partKey);
    expect(said.at(-1)?.partKey).toBe(vm);
    expect(gone.at(-1)).toBe(vm);
    expect(forecast(new Story().planned(bundlePlan()).state, cancel).lines.at(-1)).toMatchObject({
      partKey: network,
      what: 'stays',
    });
    expect([...gone].toSorted()).toEqual(said.map(({ partKey }) => partKey).toSorted());
  });

  it('of a replay says what is reused, asked about first, repeated and made, from every operation that can fail', () => {
    const failures = [
      ['REJECTED', 'repeated'],
      ['NEEDS_OPERATOR', 'asked-first'],
    ] as const;
    for (const [failure, expected] of failures) {
      for (const [key, names] of Object.entries(madeBy)) {
        for (const name of names) {
          const life = new Life([1, 1]); // rollback, held for a while
          const answer = life.cloud.answer.bind(life.cloud);
          let refused = false;
          life.cloud.answer = (effect, operation) => {
            if (effect !== 'send' || refused || operation.partKey !== key || operation.name !== name) {
              return answer(effect, operation);
            }
            refused = true;
            return operationEvents[failure];
          };
          life.live(60, (effect) => !(effect.type === 'timer' && effect.operation === null));
          const said = forecast(life.story.state, replay);
          expect({ key, name, allowed: said.allowed, what: told(said)[key] }).toEqual({
            key,
            name,
            allowed: null,
            what: expected,
          });
          const before = new Map(said.lines.map(({ partKey, what }) => [partKey, what]));
          life.pull(replay);
          life.live();
          expect(life.story.state.status).toBe(said.outcome.ends);
          for (const [part, operations] of Object.entries(madeBy)) {
            // Nothing was made twice, whatever was said of it; what was to be reused was not sent again.
            for (const one of operations) expect(life.cloud.truth(part, one).everMade).toBe(1);
            const attempts = life.story.state.operations.filter(({ partKey }) => partKey === part);
            const most = Math.max(...attempts.map(({ machine }) => machine.context.attempt));
            if (before.get(part) === 'reused') expect(most).toBe(1);
          }
        }
      }
    }
  });

  it('of something that means nothing says why, and does nothing', () => {
    const story = Story.ofOneDisk().planned(diskPlan());
    expect(forecast(story.state, replay)).toMatchObject({
      allowed: { code: 'OPS_REPLAY_STATE' },
      outcome: { status: 'provisioning', ends: 'provisioning' },
      lines: [],
    });
  });
});

describe('all or nothing', () => {
  it('waits for a person when an item fails, and begins nothing more meanwhile', () => {
    const story = new Story(undefined, rollback).planned(bundlePlan()).prepared();
    story.on(sataDisk, 'ebs.create', REJECTED);
    expect(story.state).toMatchObject({ status: 'held', machine: { value: 'failing' }, dueAt: story.now + 60_000 });
    expect(story.events.at(-1)).toMatchObject({ type: 'work-order.held', data: { reason: { code: 'CLD_QUOTA' } } });
    story.done(vm, 'vm.create', { vmId: 'vm-1' }).done(ssdDisk, 'ebs.create', { volumeId: 'v-2' });
    expect(story.begun()).not.toContain('ssd ebs.attach: requesting');
    expect(story.items()).toEqual(['failed', 'completed', 'provisioning', 'provisioning']);
  });

  it('undoes everything when nobody came, what stands on another thing before that thing', () => {
    const story = new Story(undefined, rollback).planned(bundlePlan()).prepared();
    story.done(vm, 'vm.create', { vmId: 'vm-1' }).done(ssdDisk, 'ebs.create', { volumeId: 'v-2' });
    story
      .done(ssdDisk, 'ebs.attach')
      .done(address, 'network.reserve', { addressId: 'a-1' })
      .done(address, 'network.bind');
    story.on(sataDisk, 'ebs.create', REJECTED).rings();
    expect(story.state).toMatchObject({ status: 'compensating', machine: { value: 'undoing' } });
    expect(story.effects()).toEqual(['send ssd ebs.detach', 'send address network.unbind']);
    expect(story.items()).toEqual(['failed', 'compensating', 'compensating', 'compensating']);
    story.done(ssdDisk, 'ebs.detach').done(ssdDisk, 'ebs.delete').done(address, 'network.unbind');
    expect(story.begun()).not.toContain('vm vm.delete: requesting');
    story.done(address, 'network.release').done(vm, 'vm.delete');
    expect(story.items()).toEqual(['failed', 'compensated', 'compensated', 'compensated']);
    expect(story.announced().slice(-5)).toEqual([
      'item.failed 0',
      'item.compensated 1',
      'item.compensated 2',
      'item.compensated 3',
      'work-order.failed',
    ]);
    expect(story.verdict().some((line) => line['chargeable'])).toBe(false);
  });

  it('goes on with what it removes after a restart, and after a cancel that finds it at that already', () => {
    const story = new Story(undefined, { ...rollback, undoAfterMs: 0 }).planned(bundlePlan()).prepared();
    story.done(ssdDisk, 'ebs.create', { volumeId: 'v-2' }).on(sataDisk, 'ebs.create', REJECTED).resumed();
    expect(story.operation(ssdDisk, 'ebs.delete').machine).toMatchObject({ context: { abandoned: false } });
    const other = new Story().planned(bundlePlan()).prepared().done(ssdDisk, 'ebs.create', { volumeId: 'v-2' });
    other.on(vm, 'vm.create', REJECTED).pull(cancel);
    expect(other.operation(ssdDisk, 'ebs.delete').machine).toMatchObject({ context: { abandoned: false } });
  });

  it('waits with what is out, and removes it when it is there', () => {
    const story = new Story(undefined, { ...rollback, undoAfterMs: 0 }).planned(bundlePlan()).prepared();
    story.on(sataDisk, 'ebs.create', REJECTED);
    expect(story.state.machine.value).toBe('undoing');
    expect(story.effects()).toEqual([]);
    story.done(ssdDisk, 'ebs.create', { volumeId: 'v-2' });
    expect(story.effects()).toEqual(['send ssd ebs.delete']);
  });

  it('gives up at once what only waits to be tried again', () => {
    const story = new Story(undefined, { ...rollback, undoAfterMs: 0 }).planned(bundlePlan()).prepared();
    story.on(address, 'network.reserve', TRY_LATER).on(sataDisk, 'ebs.create', REJECTED);
    expect(story.items()[3]).toBe('cancelled');
    expect(story.state.operations.find((one) => one.partKey === address)?.machine.value).toBe('failed');
  });

  it('is mended by a replay in time: the failed step again, the rest reused', () => {
    const story = new Story(undefined, rollback).planned(bundlePlan()).prepared();
    story.on(sataDisk, 'ebs.create', REJECTED).pull(replay);
    expect(story.effects()).toContain('send sata ebs.create');
    expect(story.state).toMatchObject({ status: 'provisioning', dueAt: null });
    story.done(sataDisk, 'ebs.create', { volumeId: 'v-1' }).done(vm, 'vm.create').done(sataDisk, 'ebs.attach');
    story.done(ssdDisk, 'ebs.create').done(ssdDisk, 'ebs.attach');
    story.done(address, 'network.reserve').done(address, 'network.bind');
    expect(story.state.status).toBe('completed');
    expect(story.operation(sataDisk, 'ebs.create').machine.context.attempt).toBe(2);
  });

  it('keeps the end of its wait over a restart', () => {
    const story = new Story(undefined, rollback).planned(bundlePlan()).prepared().on(sataDisk, 'ebs.create', REJECTED);
    const { dueAt } = story.state;
    story.resumed();
    expect(story.state.dueAt).toBe(dueAt);
    expect(story.effects()).toContain('timer');
  });

  it('fails as a whole when what it shares with others cannot be had', () => {
    const story = new Story(undefined, { ...rollback, undoAfterMs: 0 }).planned(bundlePlan());
    story.done(sataDisk, 'ebs.create', { volumeId: 'v-1' }).done(ssdDisk, 'ebs.create', { volumeId: 'v-2' });
    const failure = { disposition: 'reject', code: 'CLD_QUOTA', message: 'No network.' } as const;
    story.prepared({ state: 'failed', failure }).done(sataDisk, 'ebs.delete').done(ssdDisk, 'ebs.delete');
    expect(story.state.status).toBe('failed');
    expect(story.items()).toEqual(['compensated', 'cancelled', 'compensated', 'cancelled']);
  });
});

describe('keep the master', () => {
  const keepMaster = { policy: 'keep-master', undoAfterMs: 60_000 } as const;

  it('undoes the rest when one of the rest fails, and charges the master alone', () => {
    const story = new Story(undefined, keepMaster).planned(bundlePlan()).prepared();
    story.done(vm, 'vm.create', { vmId: 'vm-1' }).on(sataDisk, 'ebs.create', REJECTED);
    story.done(ssdDisk, 'ebs.create', { volumeId: 'v-2' }).done(ssdDisk, 'ebs.attach');
    story.done(address, 'network.reserve', { addressId: 'a-1' }).done(address, 'network.bind');
    expect(story.state.status).toBe('compensating');
    story.done(ssdDisk, 'ebs.detach').done(ssdDisk, 'ebs.delete');
    story.done(address, 'network.unbind').done(address, 'network.release');
    expect(story.items()).toEqual(['failed', 'completed', 'compensated', 'compensated']);
    expect(story.state.status).toBe('partial');
    expect(story.verdict().map((line) => line['chargeable'])).toEqual([false, true, false, false]);
  });

  it('keeps nothing when the master fails', () => {
    const story = new Story(undefined, keepMaster).planned(bundlePlan()).prepared();
    story.done(ssdDisk, 'ebs.create', { volumeId: 'v-2' }).done(sataDisk, 'ebs.create', { volumeId: 'v-1' });
    story.done(address, 'network.reserve', { addressId: 'a-1' }).on(vm, 'vm.create', REJECTED);
    story.done(ssdDisk, 'ebs.delete').done(sataDisk, 'ebs.delete').done(address, 'network.release');
    expect(story.state.status).toBe('failed');
  });
});

describe('an undo that the cloud refuses', () => {
  const refused = () => {
    const story = Story.ofOneDisk().planned(diskPlan());
    story.on(sataDisk, 'ebs.create', { type: 'ACCEPTED', jobId: 'j', resourceId: null }).pull(cancel);
    return story
      .on(sataDisk, 'ebs.create', { type: 'JOB_SUCCEEDED', resourceId: 'v-1' })
      .on(sataDisk, 'ebs.create', { type: 'READY', resourceId: 'v-1', facts: { volumeId: 'v-1' }, startedAt: null })
      .on(sataDisk, 'ebs.delete', REJECTED);
  };

  it('is a state of its own: neither failed nor cancelled, what remains is listed and told', () => {
    const story = refused();
    expect(story.state).toMatchObject({ status: 'compensating', machine: { value: 'undoStuck' } });
    expect(story.last.orphans).toMatchObject([
      { resourceIds: ['v-1'], why: 'undo', operation: { name: 'ebs.create' } },
    ]);
    expect(story.events.at(-1)?.type).toBe('work-order.held');
    expect(story.items()).toEqual(['held']);
  });

  it('is tried again by a replay, and ends the order when it is done', () => {
    const story = refused().pull(replay);
    expect(story.state.machine.value).toBe('undoing');
    story.done(sataDisk, 'ebs.delete');
    expect(story.state.status).toBe('cancelled');
    expect(story.last.removed).toEqual([
      { platformId: story.state.items[0]?.platformId, resourceId: `ebs.delete of ${sataDisk}` },
    ]);
  });

  it('ends when a person says that it is gone', () => {
    const story = refused().pull({ act: 'mark-done', itemIndex: 0, resourceId: 'v-1', reason });
    expect(story.state.status).toBe('cancelled');
    // Off the list, on that word.
    expect(story.last.removed).toEqual([
      { platformId: story.state.items[0]?.platformId, resourceId: 'v-1', onWord: true },
    ]);
  });
});

describe('an operator', () => {
  it('holds an order: what is under way ends, nothing new begins, and a resume goes on from there', () => {
    const story = new Story().planned(bundlePlan()).prepared().pull(hold);
    expect(story.state.status).toBe('held');
    story.done(vm, 'vm.create', { vmId: 'vm-1' }).done(sataDisk, 'ebs.create', { volumeId: 'v-1' });
    expect(story.effects()).toEqual([]);
    story.pull(resume);
    expect(story.effects()).toEqual(['prepare', 'send sata ebs.attach']);
  });

  it('holds an order before it is planned, and a plan that comes late does not build it', () => {
    const story = Story.ofOneDisk().pull(hold).planned(diskPlan());
    expect(story.state).toMatchObject({ status: 'held', parts: [] });
    story.pull(resume);
    expect(story.effects()).toEqual(['plan']);
  });

  it('accepts a held message as it is, or cancels it: nothing was built', () => {
    const held = () => Story.ofOneDisk().happen({ about: 'order', event: { type: 'HELD', code: 'X', message: 'y' } });
    expect(held().pull(resume).effects()).toEqual(['plan']);
    const cancelled = held().pull(cancel);
    expect(cancelled.state.status).toBe('cancelled');
    expect(cancelled.items()).toEqual(['cancelled']);
    expect(cancelled.announced().slice(-2)).toEqual(['item.cancelled 0', 'work-order.cancelled']);
  });

  it('has a stuck step tried again: the cloud is asked first', () => {
    const story = new Story().planned(bundlePlan()).on(sataDisk, 'ebs.create', NEEDS_OPERATOR).pull(replay);
    expect(story.effects()).toContain('lookUp sata ebs.create');
    expect(story.state.status).toBe('provisioning');
  });

  it('gives an item up: it is removed if it is there, whatever stands on it too, and the rest is delivered', () => {
    const story = new Story(undefined, rollback).planned(bundlePlan()).prepared();
    story.on(sataDisk, 'ebs.create', REJECTED).pull(skip(0));
    expect(story.items()[0]).toBe('cancelled');
    story.done(vm, 'vm.create', { vmId: 'vm-1' }).done(ssdDisk, 'ebs.create').done(ssdDisk, 'ebs.attach');
    story.done(address, 'network.reserve').done(address, 'network.bind');
    expect(story.state.status).toBe('partial');
    expect(story.verdict()[0]).toMatchObject({
      status: 'cancelled',
      chargeable: false,
      failure: { code: 'OPS_SKIPPED' },
    });
  });

  it('gives a stuck item up: what the cloud has of it is looked up and removed', () => {
    const story = new Story().planned(bundlePlan()).on(sataDisk, 'ebs.create', NEEDS_OPERATOR).pull(skip(0));
    expect(story.effects()).toEqual(['lookUp sata ebs.create']);
    story.on(sataDisk, 'ebs.create', { type: 'FOUND', resourceId: 'v-1', others: [] });
    story.on(sataDisk, 'ebs.create', { type: 'READY', resourceId: 'v-1', facts: { volumeId: 'v-1' }, startedAt: null });
    expect(story.effects()).toEqual(['send sata ebs.delete']);
  });

  it('names the outcome of a stuck step: it is looked at before it is believed', () => {
    const mark: Lever = { act: 'mark-done', itemIndex: 0, resourceId: 'v-9', reason };
    const story = new Story().planned(bundlePlan()).on(sataDisk, 'ebs.create', NEEDS_OPERATOR).pull(mark);
    expect(story.effects()).toEqual(['inspect sata ebs.create']);
    story.on(sataDisk, 'ebs.create', { type: 'READY', resourceId: 'v-9', facts: { volumeId: 'v-9' }, startedAt: null });
    expect(story.operation(sataDisk, 'ebs.create').machine).toMatchObject({
      value: 'done',
      context: { resourceId: 'v-9' },
    });
    expect(story.state.status).toBe('provisioning');
  });

  it('names the outcome of a step that had failed', () => {
    const story = new Story(undefined, rollback).planned(bundlePlan()).on(sataDisk, 'ebs.create', REJECTED);
    story.pull({ act: 'mark-done', itemIndex: 0, resourceId: 'v-9', reason });
    story.on(sataDisk, 'ebs.create', { type: 'READY', resourceId: 'v-9', facts: { volumeId: 'v-9' }, startedAt: null });
    expect(story.state.parts[0]?.machine.value).toBe('waitingForVm');
  });

  it('cannot take back a final word', () => {
    const story = Story.ofOneDisk().planned(diskPlan()).done(sataDisk, 'ebs.create', { volumeId: 'v-1' });
    for (const lever of [replay, cancel, hold, resume, skip(0)]) {
      expect(leverProblem(story.state, lever)?.message).toMatch(/final word/);
    }
  });

  it('wakes nothing by an alarm that was overtaken', () => {
    const story = new Story().planned(bundlePlan()).on(sataDisk, 'ebs.create', TRY_LATER).pull(hold);
    story.on(sataDisk, 'ebs.create', TIMER);
    expect(story.effects()).toEqual([]); // nothing is sent while the order waits
    story.pull(resume);
    story.on(sataDisk, 'ebs.create', TIMER);
    expect(story.operation(sataDisk, 'ebs.create').machine.context.attempt).toBe(2);
  });

  it('sets the alarm again that rang in vain while the order waited, when by the wall it was too early', () => {
    const story = new Story().planned(bundlePlan()).on(sataDisk, 'ebs.create', TRY_LATER).pull(hold);
    const { dueAt } = story.operation(sataDisk, 'ebs.create');
    // Alarms go by a clock that never steps; the wall's was set back by an hour meanwhile.
    story.now -= 3_600_000;
    story.on(sataDisk, 'ebs.create', TIMER).pull(resume);
    expect(story.last.effects).toContainEqual(expect.objectContaining({ type: 'timer', dueAt }));
    story.on(sataDisk, 'ebs.create', TIMER);
    expect(story.operation(sataDisk, 'ebs.create').machine.context.attempt).toBe(2);
  });
});
