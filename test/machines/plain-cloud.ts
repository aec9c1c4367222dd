import { expect } from '@jest/globals';
import { advance, type OrderEvent, type Surroundings } from '../../src/machines/advance.js';
import { beginOrder } from '../../src/machines/begin-order.js';
import { partOutcome } from '../../src/machines/follow-up.js';
import { type Lever, leverProblem } from '../../src/machines/levers.js';
import type { OperationEvent } from '../../src/machines/operation.machine.js';
import { type Effect, finalStatuses, type OperationState, type OrderState } from '../../src/machines/order-state.js';
import { defaultPace } from '../../src/machines/pace.js';
import type { BundlePolicy } from '../../src/machines/work-order.machine.js';
import { type OperationName, type Plan, waysBack } from '../../src/planner/plan.js';
import { bundleOrder, orderOf } from '../support/orders.js';
import { reason, rejection } from './samples.js';
import { bundlePlan, network, storyOrderId } from './story.js';

const undoes: Partial<Record<OperationName, OperationName>> = {
  'vm.delete': 'vm.create',
  'ebs.delete': 'ebs.create',
  'network.release': 'network.reserve',
};
const later: OperationEvent = { type: 'TRY_LATER', ...reason, retryAfterMs: null };
const policies: readonly BundlePolicy[] = ['best-effort', 'rollback', 'keep-master'];

/**
 * One order of any shape on a cloud that hides nothing: it refuses, puts off, asks for people, loses answers and fails jobs as chance
 * wants, and what it says is so. Once chance is used up, or `behaves` is set, everything works.
 */
export class PlainLife {
  state: OrderState;
  /** What the last step asked of the outside. */
  effects: Effect[] = [];
  readonly plan: Plan;
  private now = 1_000;
  behaves = false;
  /** Things there now, by part and first operation. */
  readonly alive = new Map<string, number>();
  readonly made = new Map<string, number>();
  /** Creations sent since this was last emptied. */
  readonly sent: string[] = [];
  private readonly broken = new Set<string>();
  private pending: Effect[];
  private network: 'unasked' | 'none' | 'ready' | 'failed' | 'stuck' = 'unasked';

  constructor(private readonly draws: number[]) {
    const shape = 1 + this.draw(15);
    const chosen = bundleOrder().items.flatMap((item, index) => ((shape >> index) & 1 ? [{ item, index }] : []));
    const twice = this.draw(6);
    this.plan = planOf(
      chosen.map(({ index }) => index),
      twice,
    );
    const policy = policies[this.draw(3)] ?? 'best-effort';
    const order = orderOf(chosen.map(({ item }) => item));
    const bundle = { policy, undoAfterMs: this.draw(2) * 60_000 };
    const first = beginOrder(storyOrderId, order, [], this.surroundings(), bundle);
    this.state = first.state;
    this.pending = [...first.effects];
  }

  draw(choices: number): number {
    return (this.behaves ? 0 : (this.draws.shift() ?? 0)) % choices;
  }

  private surroundings(): Surroundings {
    return { installationId: 'here', at: this.now, pace: () => defaultPace };
  }

  /** Until nothing is left to happen, or for some moments. */
  live(moments = 2_000): void {
    for (let left = moments; left > 0; left -= 1) {
      if (finalStatuses.includes(this.state.status)) return;
      // What was asked of another order, and not heard of yet, is there some day when nothing goes wrong.
      if (this.pending.length === 0 && this.behaves && this.network === 'none') this.pending.push({ type: 'prepare' });
      if (this.pending.length === 0) return;
      if (left === 1 && moments === 2_000) throw new Error(`no end in ${this.state.machine.value}`);
      const [effect] = this.pending.splice(this.draw(this.pending.length), 1);
      if (effect) this.carryOut(effect);
    }
  }

  /** What is known of the things it shares is told, as it is at once when somebody looks. */
  hears(): void {
    const asked = this.pending.filter(({ type }) => type === 'prepare');
    this.pending = this.pending.filter((effect) => !asked.includes(effect));
    for (const effect of asked) this.carryOut(effect);
  }

  take(event: OrderEvent): void {
    this.now += 1_000;
    const { state, effects } = advance(this.state, event, this.surroundings());
    this.state = state;
    this.effects = effects;
    this.pending.push(...effects);
  }

  pull(lever: Lever): void {
    expect(leverProblem(this.state, lever)).toBeNull();
    // A replay has what is shared tried again, too: it is under way.
    if (lever.act === 'replay' && this.network === 'stuck') this.network = 'none';
    if (lever.act === 'mark-done') this.believe(lever.itemIndex);
    this.take({ about: 'lever', lever });
  }

  /** People say what is so: what they say is gone is not there. */
  private believe(itemIndex: number): void {
    for (const part of this.state.parts) {
      if (part.itemIndex !== itemIndex || partOutcome(this.state, part) !== 'remains') continue;
      for (const key of this.alive.keys()) if (key.startsWith(`${part.key} `)) this.alive.set(key, 0);
    }
  }

  /** As the engine does: it stops where it was last stored, and nothing of it is in anybody's memory. */
  quarantine(): void {
    const { machine } = this.state;
    if (machine.value === 'quarantined' || finalStatuses.includes(this.state.status)) return;
    const why = { code: 'SYS_STEP_REFUSED', message: 'a bug' };
    const interrupted = { state: machine.value, reason: machine.context.reason };
    this.state = {
      ...this.state,
      status: 'held',
      machine: { value: 'quarantined', context: { ...machine.context, reason: why, interrupted } },
      dueAt: null,
      preparations: {},
    };
    this.pending = [];
  }

  private carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'plan':
        return this.plans();
      case 'prepare':
        return this.prepares(effect.only === 'look');
      case 'timer':
        return this.rings(effect);
      default: {
        const now = this.standing(effect.operation);
        if (now?.machine.value !== effect.operation.machine.value || now.requestId !== effect.operation.requestId)
          return;
        const { partKey, name } = now;
        const event = this.answer(effect.type, now);
        this.take({ about: 'operation', partKey, name, event });
      }
    }
  }

  private plans(): void {
    const choice = this.draw(8);
    if (choice === 1)
      return this.take({ about: 'order', event: { type: 'HELD', code: 'SEM_EBS_SIZE', message: 'which?' } });
    if (choice === 2) return this.take({ about: 'order', event: { type: 'CLOUD_AWAY', ...reason } });
    this.take({ about: 'order', event: { type: 'PLANNED' }, plan: this.plan });
  }

  private prepares(onlyLooks: boolean): void {
    if (!onlyLooks && this.network !== 'ready' && this.network !== 'stuck') {
      this.network = (['ready', 'ready', 'ready', 'failed', 'stuck', 'none'] as const)[this.draw(6)] ?? 'ready';
    }
    if (this.network === 'none' || this.network === 'unasked') return;
    const [preparation] = this.plan.preparations;
    if (!preparation) return;
    const { platformId } = preparation;
    const failure = rejection;
    this.take({
      about: 'preparation',
      platformId,
      key: network,
      outcome:
        this.network === 'ready' ? { state: 'ready', facts: { networkId: 'n-1' } } : { state: this.network, failure },
    });
  }

  private rings(effect: Extract<Effect, { type: 'timer' }>): void {
    this.now = Math.max(this.now, effect.dueAt);
    if (effect.operation === null) {
      if (this.state.dueAt === effect.dueAt) this.take({ about: 'order', event: { type: 'TIMER' } });
      return;
    }
    const { partKey, name } = effect.operation;
    if (this.standing(effect.operation)?.dueAt !== effect.dueAt) return;
    this.take({ about: 'operation', partKey, name, event: { type: 'TIMER' } });
  }

  private answer(type: 'send' | 'lookUp' | 'track' | 'inspect' | 'discard', operation: OperationState): OperationEvent {
    const { partKey, name } = operation;
    const key = `${partKey} ${name}`;
    const resourceId = operation.machine.context.resourceId ?? `id of ${key}`;
    const there = (this.alive.get(key) ?? 0) > 0;
    switch (type) {
      case 'send': {
        if (!waysBack.includes(name)) this.sent.push(key);
        const choice = this.draw(9);
        if (choice === 1) return { type: 'REJECTED', code: 'CLD_QUOTA', message: 'no' };
        if (choice === 2) return { type: 'NEEDS_OPERATOR', code: 'CLD_AUTH', message: 'who?' };
        if (choice === 3) return later;
        if (choice === 4) return { type: 'OUTCOME_UNKNOWN', code: 'CLD_RESPONSE_UNKNOWN', message: 'lost' };
        this.make(key, operation);
        if (choice === 5) return { type: 'OUTCOME_UNKNOWN', code: 'CLD_RESPONSE_UNKNOWN', message: 'lost' };
        return {
          type: 'ACCEPTED',
          jobId: `job ${operation.requestId}`,
          resourceId: this.draw(2) === 0 ? resourceId : null,
        };
      }
      case 'track': {
        const choice = this.draw(7);
        if (choice === 1 || choice === 2 || choice === 3) {
          this.broken.add(key);
          // A removal that failed removed nothing.
          const kept = undoes[name];
          if (kept) this.alive.set(`${partKey} ${kept}`, 1);
          const disposition = (['reject', 'retry', 'ask-human'] as const)[choice - 1] ?? 'reject';
          if (operation.machine.context.resourceId === null) this.alive.set(key, 0);
          return { type: 'JOB_FAILED', disposition, code: 'CLD_RESOURCE_ERROR', message: 'it broke' };
        }
        if (choice === 4) return { type: 'OVERDUE' };
        return { type: 'JOB_SUCCEEDED', resourceId };
      }
      case 'lookUp':
        return there ? { type: 'FOUND', resourceId, others: [] } : { type: 'ABSENT' };
      case 'inspect':
        if (resourceId.startsWith('named ') && !there) this.make(key, operation);
        else if (!there) return { type: 'ABSENT' };
        if (this.broken.has(key)) return { type: 'BROKEN', code: 'CLD_RESOURCE_ERROR', message: 'it broke' };
        if (this.draw(5) === 1) return { type: 'PENDING' };
        return { type: 'READY', resourceId, facts: waysBack.includes(name) ? {} : { id: resourceId }, startedAt: null };
      case 'discard':
        if (this.draw(5) === 1) return { type: 'IN_PROGRESS' };
        this.alive.set(key, 0);
        this.broken.delete(key);
        return { type: 'GONE' };
    }
  }

  private make(key: string, { partKey, name }: OperationState): void {
    this.broken.delete(key);
    this.alive.set(key, 1);
    this.made.set(key, (this.made.get(key) ?? 0) + 1);
    const undone = undoes[name];
    if (undone) this.alive.set(`${partKey} ${undone}`, 0);
  }

  private standing({ partKey, name }: OperationState): OperationState | undefined {
    return this.state.operations.find((one) => one.partKey === partKey && one.name === name);
  }
}

/** Order 60 with some of its items only, and one of these twice. */
function planOf(chosen: number[], twice: number): Plan {
  const whole = bundlePlan();
  const parts = chosen.flatMap((original, itemIndex) => {
    const part = whole.parts[original];
    if (!part) return [];
    const first = { ...part, itemIndex };
    return original === twice ? [first, { ...first, key: first.key.replace('#1', '#2'), index: 2 }] : [first];
  });
  const keys = new Set([...parts.map(({ key }) => key), network]);
  const known = parts.map((part) => ({
    ...part,
    needs: Object.fromEntries(Object.entries(part.needs).filter(([, needs]) => needs.every((need) => keys.has(need)))),
  }));
  return { ...whole, parts: known };
}
