import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OrderEvent } from '../../src/machines/advance.js';
import { finalStatuses, type Effect, type OperationState, type OrderState } from '../../src/machines/order-state.js';
import type { OperationName } from '../../src/planner/plan.js';
import { type Lever, leverProblem } from '../../src/machines/levers.js';
import { type CloudEffect, FaultyCloud } from './faulty-cloud.js';
import { address, bundlePlan, keepsItsRules, sataDisk, ssdDisk, Story, vm } from './story.js';

const seed = Number(process.env['ORDERWRIGHT_TEST_SEED'] ?? Date.now() % 2 ** 31);
const runs = Number(process.env['ORDERWRIGHT_TEST_RUNS'] ?? 150);

/** What the machines may send again without asking: nothing but what the cloud itself said had no effect. */
class SendWatch {
  private readonly open = new Map<string, { absences: number; free: boolean }>();

  saw(effect: string, key: string): void {
    if (effect !== 'send') return;
    const before = this.open.get(key);
    if (before && !before.free && before.absences < 3) {
      throw new Error(`${key} was sent again after ${before.absences} look-ups that found nothing`);
    }
    this.open.set(key, { absences: 0, free: false });
  }

  heard(effect: string, type: string, key: string): void {
    const sent = this.open.get(key);
    if (!sent) return;
    if (effect === 'lookUp' && type === 'ABSENT') sent.absences += 1;
    if (type === 'FOUND' || type === 'FOUND_JOB') sent.absences = 0;
    if (type === 'GONE' || type === 'NEXT_STAGE') sent.free = true;
  }

  /** An answer to the request itself that says nothing was done. */
  refused(key: string): void {
    const sent = this.open.get(key);
    if (sent) sent.free = true;
  }
}

/** One order against one cloud, until it is over, held, or nothing is left to happen. */
class Life {
  readonly story: Story;
  readonly cloud: FaultyCloud;
  private readonly watch = new SendWatch();
  private pending: Effect[] = [];
  steps = 0;

  constructor(
    private readonly draws: number[],
    private readonly operators = false,
  ) {
    const policy = policies[this.draw(policies.length)] ?? 'best-effort';
    this.story = new Story(undefined, { policy, undoAfterMs: this.draw(2) * 60_000 });
    this.cloud = new FaultyCloud((choices) => this.draw(choices));
    this.take({ about: 'order', event: { type: 'PLANNED' }, plan: bundlePlan() });
  }

  /** Chance, as long as the script has some; then everything goes well. */
  private draw(choices: number): number {
    return (this.draws.shift() ?? 0) % choices;
  }

  live(moments = Number.POSITIVE_INFINITY): void {
    const until = this.steps + moments;
    while (this.pending.length > 0 && this.steps < until && !finalStatuses.includes(this.story.state.status)) {
      this.steps += 1;
      if (this.operators && this.draw(25) === 1) this.pullSomething();
      if (this.steps > 3_000) throw new Error(`no end after ${this.steps} steps`);
      const [effect] = this.pending.splice(this.draw(this.pending.length), 1);
      if (effect) this.carryOut(effect);
    }
  }

  private carryOut(effect: Effect): void {
    if (effect.type === 'plan') return;
    if (effect.type === 'prepare') {
      const failed = this.draw(20) === 1;
      const failure = { disposition: 'reject', code: 'CLD_QUOTA', message: 'No network.' } as const;
      this.take({
        about: 'preparation',
        platformId: bundlePlan().preparations[0]?.platformId ?? '',
        key: bundlePlan().preparations[0]?.key ?? '',
        outcome: failed ? { state: 'failed', failure } : { state: 'ready', facts: { networkId: 'n-1' } },
      });
      return;
    }
    const { operation } = effect;
    if (!operation) {
      if (this.story.state.dueAt === effect.dueAt) this.take({ about: 'order', event: { type: 'TIMER' } });
      return;
    }
    const { partKey, name } = operation;
    if (effect.type === 'timer') {
      // As the engine does: a wake-up that was overtaken wakes nobody.
      if (this.now(operation)?.dueAt === effect.dueAt) {
        this.take({ about: 'operation', partKey, name, event: { type: 'TIMER' } });
      }
      return;
    }
    const key = `${partKey} ${name}`;
    this.watch.saw(effect.type, key);
    const answer = this.cloud.answer(effect.type as CloudEffect, operation);
    if (!answer) {
      this.restart();
      return;
    }
    if (effect.type === 'send' && ['TRY_LATER', 'REJECTED', 'NEEDS_OPERATOR'].includes(answer.type)) {
      this.watch.refused(key);
    } else {
      this.watch.heard(effect.type, answer.type, key);
    }
    this.take({ about: 'operation', partKey, name, event: answer });
    if (this.draw(40) === 1) this.restart();
  }

  /** An operator does what is allowed at the moment, whatever it is. */
  private pullSomething(): void {
    const itemIndex = this.draw(4);
    const levers: Lever[] = [
      ...(['replay', 'hold', 'resume', 'cancel'] as const).map((act) => ({ act, reason })),
      { act: 'skip', itemIndex, reason },
    ];
    const lever = levers[this.draw(levers.length)];
    if (lever && leverProblem(this.story.state, lever) === null) this.pull(lever);
  }

  /** Pulls a lever and lives on with what follows. */
  pull(lever: Lever): void {
    this.take({ about: 'lever', lever });
  }

  /** The worker dies and another takes the order up: what was to be done is forgotten, what was stored is not. */
  private restart(): void {
    this.pending = [];
    this.story.resumed();
    const sends = this.story.last.effects.filter((effect) => effect.type === 'send');
    expect(sends).toEqual([]);
    this.pending.push(...this.story.last.effects);
  }

  private take(event: OrderEvent): void {
    this.story.happen(event);
    keepsItsRules(this.story);
    this.pending.push(...this.story.last.effects);
  }

  private now({ partKey, name }: OperationState): OperationState | undefined {
    return this.story.state.operations.find((one) => one.partKey === partKey && one.name === name);
  }
}

const policies = ['best-effort', 'rollback', 'keep-master'] as const;
const reason = 'because';

const alive = (life: Life, partKey: string, name: OperationName) => life.cloud.truth(partKey, name).alive.length;

const madeBy: Record<string, OperationName[]> = {
  [sataDisk]: ['ebs.create', 'ebs.attach'],
  [vm]: ['vm.create'],
  [ssdDisk]: ['ebs.create', 'ebs.attach'],
  [address]: ['network.reserve', 'network.bind'],
};

function partOf(state: OrderState, itemIndex: number): string {
  return state.parts.find((part) => part.itemIndex === itemIndex)?.key ?? '';
}

describe('an order on a cloud that loses answers, works late, lies, breaks and hides things', () => {
  it('is never built twice, always comes to an end or to a person, and charges exactly what is there', () => {
    console.info(`fast-check seed ${seed}, ${runs} runs`);
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { maxLength: 140 }), (script) => {
        const life = new Life([...script]);
        life.live();
        const { state } = life.story;
        expect([...finalStatuses, 'held', 'compensating']).toContain(state.status);
        if (state.status === 'compensating') expect(state.machine.value).toBe('undoStuck');
        for (const [index, item] of state.items.entries()) {
          const key = partOf(state, index);
          const operations = madeBy[key] ?? [];
          const there = operations.map((name) => alive(life, key, name));
          if (item.status === 'completed') expect({ key, there }).toEqual({ key, there: operations.map(() => 1) });
          // What is not delivered leaves nothing behind; only a person's case may.
          if (['failed', 'cancelled', 'compensated'].includes(item.status) && finalStatuses.includes(state.status))
            expect({ key, there: there[0] }).toEqual({ key, there: 0 });
          if (finalStatuses.includes(state.status)) expect(item.status).not.toBe('held');
        }
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });

  it('leaves nothing behind when it is cancelled at any moment, or says what it left', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { maxLength: 140 }), fc.nat(60), (script, moment) => {
        const life = new Life([...script]);
        life.live(moment);
        const cancel: Lever = { act: 'cancel', reason };
        if (leverProblem(life.story.state, cancel) !== null) return;
        life.pull(cancel);
        life.live();
        // What the cloud refused to remove is tried again, as often as it takes: it refuses less and less.
        const replay: Lever = { act: 'replay', reason };
        for (let tries = 0; tries < 200 && leverProblem(life.story.state, replay) === null; tries += 1) {
          life.pull(replay);
          life.live();
        }
        const { state } = life.story;
        expect(state.status).toBe('cancelled');
        for (const [key, names] of Object.entries(madeBy)) {
          expect({ key, there: names.map((name) => alive(life, key, name)) }).toEqual({ key, there: names.map(() => 0) });
        }
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });

  it('keeps all of it true while operators replay, hold, resume, skip and cancel as they like', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { maxLength: 240 }), (script) => {
        const life = new Life([...script], true);
        life.live();
        const release: Lever = { act: 'resume', reason };
        if (leverProblem(life.story.state, release) === null) life.pull(release);
        life.live();
        const { state } = life.story;
        expect([...finalStatuses, 'held', 'compensating']).toContain(state.status);
        for (const [index, item] of state.items.entries()) {
          const there = (madeBy[partOf(state, index)] ?? []).map((name) => alive(life, partOf(state, index), name));
          if (item.status === 'completed') expect({ item, there }).toEqual({ item, there: there.map(() => 1) });
          if (['failed', 'cancelled', 'compensated'].includes(item.status) && finalStatuses.includes(state.status)) {
            expect({ item, there: there[0] ?? 0 }).toEqual({ item, there: 0 });
          }
        }
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });

  it('comes through whole when the cloud only loses answers', () => {
    // Every request is carried out and its answer lost (choice 5 of 11), every look-up tells the truth.
    const life = new Life([]);
    const lost = life.cloud.answer.bind(life.cloud);
    let losses = 0;
    life.cloud.answer = (type, operation) => {
      const answer = lost(type, operation);
      if (type !== 'send') return answer;
      losses += 1;
      return { type: 'OUTCOME_UNKNOWN', code: 'CLD_RESPONSE_UNKNOWN', message: 'The answer was lost.' };
    };
    life.live();
    expect(life.story.state.status).toBe('completed');
    expect(losses).toBe(7);
    for (const [key, names] of Object.entries(madeBy)) {
      for (const name of names) expect(life.cloud.truth(key, name).everMade).toBe(1);
    }
  });
});
