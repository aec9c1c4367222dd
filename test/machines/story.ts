import { expect } from '@jest/globals';
import { advance, type OrderEvent, type Surroundings } from '../../src/machines/advance.js';
import { beginOrder, type Bundle } from '../../src/machines/begin-order.js';
import { type Lever, leverProblem } from '../../src/machines/levers.js';
import type { OperationEvent } from '../../src/machines/operation.machine.js';
import type {
  Announcement,
  OperationState,
  OrderState,
  PreparationOutcome,
  Step,
} from '../../src/machines/order-state.js';
import { defaultPace } from '../../src/machines/pace.js';
import type { OperationName, Plan, PlannedPart } from '../../src/planner/plan.js';
import { bundleOrder, orderOf, samplePlatformId } from '../support/orders.js';
import { deepFreeze, stored } from './support.js';

export const sataDisk = 'EBS/5656019a-6728-41be-97ad-120b778efb8f#1';
export const vm = 'VM/7e9cef89-2cc5-44fb-8e03-12989ad7c37a#1';
export const ssdDisk = 'EBS/a11c3b09-f8fa-4c98-8e93-44e2508b889f#1';
export const address = 'NETWORK/4b81bbbc-a7c6-4d88-b64d-160bb0a89dfa#1';
export const network = 'default-network/bac9eabf2308ee0410980e05c48af0a77eb';

const part = (
  key: string,
  itemIndex: number,
  needs: PlannedPart['needs'],
  inputs: PlannedPart['inputs'] = {},
): PlannedPart => ({
  key,
  itemIndex,
  index: 1,
  resourceType: key.slice(0, key.indexOf('/')) as PlannedPart['resourceType'],
  platformId: samplePlatformId,
  needs,
  inputs,
  settings: {},
  lines: [],
});

/** What order 60 becomes: a disk, the VM it belongs to, another disk, an address. */
export function bundlePlan(): Plan {
  const ofVm = { vmId: { from: vm, fact: 'vmId' } };
  return {
    preparations: [{ key: network, kind: 'default-network', platformId: samplePlatformId, settings: {}, lines: [] }],
    warnings: [],
    parts: [
      part(sataDisk, 0, { 'ebs.create': [], 'ebs.attach': [vm] }, ofVm),
      part(vm, 1, { 'vm.create': [network] }, { networkId: { from: network, fact: 'networkId' } }),
      part(ssdDisk, 2, { 'ebs.create': [], 'ebs.attach': [vm] }, ofVm),
      part(address, 3, { 'network.reserve': [network], 'network.bind': [vm] }, ofVm),
    ],
  };
}

/** A single disk that belongs to no VM. */
export function diskPlan(): Plan {
  return { preparations: [], warnings: [], parts: [part(sataDisk, 0, { 'ebs.create': [] })] };
}

export const storyOrderId = '5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0aa';

/**
 * One order and everything that happens to it. After every step it goes through the database's JSON, cannot be changed in
 * place, and must come out the same when the step is taken twice.
 */
export class Story {
  state: OrderState;
  last: Step;
  readonly events: Announcement[] = [];
  now = 1_000;

  constructor(order = bundleOrder(), bundle?: Bundle) {
    this.last = beginOrder(storyOrderId, order, [], this.surroundings(), bundle);
    this.state = deepFreeze(stored(this.last.state));
    this.events.push(...this.last.announcements);
  }

  static ofOneDisk(): Story {
    const [disk] = bundleOrder().items;
    return new Story(orderOf(disk ? [{ ...disk, master: true }] : []));
  }

  surroundings(): Surroundings {
    return { installationId: 'here', at: this.now, pace: () => defaultPace };
  }

  happen(event: OrderEvent): this {
    this.now += 1_000;
    deepFreeze(event);
    const step = advance(this.state, event, this.surroundings());
    expect(advance(this.state, event, this.surroundings())).toEqual(step);
    if (!step.changed) {
      expect(step).toMatchObject({
        changedItems: [],
        changedOperations: [],
        announcements: [],
        effects: [],
        orphans: [],
        removed: [],
      });
    }
    this.last = step;
    this.state = deepFreeze(stored(step.state));
    this.events.push(...step.announcements);
    return this;
  }

  planned(plan: Plan): this {
    return this.happen({ about: 'order', event: { type: 'PLANNED' }, plan });
  }

  prepared(
    outcome: PreparationOutcome = { state: 'ready', facts: { networkId: 'n-1' } },
    platformId = samplePlatformId,
  ): this {
    return this.happen({ about: 'preparation', platformId, key: network, outcome });
  }

  resumed(): this {
    // What others prepared is asked again after a restart: it is not stored with the order.
    this.state = deepFreeze({ ...this.state, preparations: {} });
    return this.happen({ about: 'everything', event: { type: 'RESUMED' } });
  }

  /** An operator pulls a lever that is allowed. */
  pull(lever: Lever): this {
    expect(leverProblem(this.state, lever)).toBeNull();
    return this.happen({ about: 'lever', lever });
  }

  /** The order's own alarm rings. */
  rings(): this {
    this.now = Math.max(this.now, (this.state.dueAt ?? 0) - 1_000);
    return this.happen({ about: 'order', event: { type: 'TIMER' } });
  }

  on(partKey: string, name: OperationName, ...events: OperationEvent[]): this {
    for (const event of events) this.happen({ about: 'operation', partKey, name, event });
    return this;
  }

  /** The cloud takes it, works on it, and it is there. */
  done(
    partKey: string,
    name: OperationName,
    facts: Record<string, string> = {},
    startedAt: string | null = null,
  ): this {
    const resourceId = `${name} of ${partKey}`;
    return this.on(
      partKey,
      name,
      { type: 'ACCEPTED', jobId: `job ${name}`, resourceId: null },
      { type: 'JOB_SUCCEEDED', resourceId },
      { type: 'READY', resourceId, facts, startedAt },
    );
  }

  operation(partKey: string, name: OperationName): OperationState {
    const found = this.state.operations.find((one) => one.partKey === partKey && one.name === name);
    if (!found) throw new Error(`${name} of ${partKey} has not begun`);
    return found;
  }

  /** Operations begun so far, in their order, with the state each is in. */
  begun(): string[] {
    return this.state.operations.map((one) => `${words[one.partKey] ?? one.partKey} ${one.name}: ${one.machine.value}`);
  }

  /** What the last step asked of the outside. */
  effects(): string[] {
    return this.last.effects.map((effect) =>
      'operation' in effect && effect.operation
        ? `${effect.type} ${words[effect.operation.partKey] ?? effect.operation.partKey} ${effect.operation.name}`
        : effect.type,
    );
  }

  announced(): string[] {
    return this.events.map(({ type, itemIndex }) => (itemIndex === null ? type : `${type} ${itemIndex}`));
  }

  items(): string[] {
    return this.state.items.map((item) => item.status);
  }

  /** What the final event says: which lines may be charged. */
  verdict(): Record<string, unknown>[] {
    const items = this.events.at(-1)?.data['items'];
    return Array.isArray(items) ? (items as Record<string, unknown>[]) : [];
  }
}

const words: Record<string, string> = { [sataDisk]: 'sata', [ssdDisk]: 'ssd', [vm]: 'vm', [address]: 'address' };

/** Rules that hold after every step of every order. */
export function keepsItsRules(story: Story): void {
  const { state, events } = story;
  expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
  expect(state.sequence).toBe(events.length);
  const ends = (itemIndex: number | null) =>
    events.filter(
      (event) =>
        event.itemIndex === itemIndex && /\.(completed|partial|failed|cancelled|compensated)$/.test(event.type),
    );
  for (const index of [null, ...state.items.keys()]) expect(ends(index).length).toBeLessThanOrEqual(1);
  const [end] = ends(null);
  if (!end) return;
  expect(events.at(-1)).toBe(end);
  expect(state.items.map((_, index) => ends(index).map(({ type }) => type))).toEqual(
    state.items.map(({ status }) => [`item.${status}`]),
  );
  const chargeable = story.verdict().map((line) => line['chargeable']);
  expect(chargeable).toEqual(state.items.map((item) => item.status === 'completed'));
  const total = chargeable.filter(Boolean).length;
  if (state.machine.context.ending === 'cancelled')
    expect({ total, type: end.type }).toEqual({ total: 0, type: 'work-order.cancelled' });
  else if (total === 0) expect(end.type).toBe('work-order.failed');
  else expect(end.type).toBe(`work-order.${total === chargeable.length ? 'completed' : 'partial'}`);
  if (state.machine.context.policy === 'rollback' && !state.items.some((_, index) => wasSkipped(state, index))) {
    expect([0, chargeable.length]).toContain(total);
  }
}

function wasSkipped(state: OrderState, itemIndex: number): boolean {
  return state.parts.some((one) => one.itemIndex === itemIndex && one.machine.context.failure?.code === 'OPS_SKIPPED');
}
