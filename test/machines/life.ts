import { expect } from '@jest/globals';
import type { OrderEvent } from '../../src/machines/advance.js';
import { type Lever, leverProblem } from '../../src/machines/levers.js';
import { finalStatuses, type Effect, type OperationState, type OrderState } from '../../src/machines/order-state.js';
import type { BundlePolicy } from '../../src/machines/work-order.machine.js';
import type { OperationName } from '../../src/planner/plan.js';
import { type CloudEffect, FaultyCloud } from './faulty-cloud.js';
import { address, bundlePlan, keepsItsRules, sataDisk, ssdDisk, Story, vm } from './story.js';

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
    // A job that names a thing which is not there when it is looked at has told of nothing.
    if ((effect === 'lookUp' || effect === 'inspect') && type === 'ABSENT') sent.absences += 1;
    if (type === 'FOUND') sent.absences = 0;
    if (type === 'GONE' || type === 'NEXT_STAGE') sent.free = true;
  }

  /** An answer to the request itself that says nothing was done. */
  refused(key: string): void {
    const sent = this.open.get(key);
    if (sent) sent.free = true;
  }
}

/** One order against one cloud, until it is over, held, or nothing is left to happen. */
export class Life {
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

  live(moments = Number.POSITIVE_INFINITY, lets: (effect: Effect) => boolean = () => true): void {
    const until = this.steps + moments;
    while (this.pending.length > 0 && this.steps < until && !finalStatuses.includes(this.story.state.status)) {
      this.steps += 1;
      if (this.operators && this.draw(25) === 1) this.pullSomething();
      if (this.steps > 3_000) throw new Error(`no end after ${this.steps} steps`);
      const [effect] = this.pending.splice(this.draw(this.pending.length), 1);
      if (effect && lets(effect)) this.carryOut(effect);
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
      const rings = effect.type === 'timer' && this.story.state.dueAt === effect.dueAt;
      if (rings) this.take({ about: 'order', event: { type: 'TIMER' } });
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

const policies: readonly BundlePolicy[] = ['best-effort', 'rollback', 'keep-master'];
export const reason = 'because';

export const alive = (life: Life, partKey: string, name: OperationName) => life.cloud.truth(partKey, name).alive.length;

export const madeBy: Record<string, OperationName[]> = {
  [sataDisk]: ['ebs.create', 'ebs.attach'],
  [vm]: ['vm.create'],
  [ssdDisk]: ['ebs.create', 'ebs.attach'],
  [address]: ['network.reserve', 'network.bind'],
};

export function partOf(state: OrderState, itemIndex: number): string {
  return state.parts.find((part) => part.itemIndex === itemIndex)?.key ?? '';
}
