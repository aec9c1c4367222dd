import { fc } from '../support/properties.js';
import type { OrderEvent, Surroundings } from '../../src/machines/advance.js';
import { beginOrder, type Bundle } from '../../src/machines/begin-order.js';
import type { Lever } from '../../src/machines/levers.js';
import type { OperationEvent } from '../../src/machines/operation.machine.js';
import type { OrderState } from '../../src/machines/order-state.js';
import { defaultPace } from '../../src/machines/pace.js';
import type { Plan, PlannedPart, Preparation } from '../../src/planner/plan.js';
import type { ResourceType } from '../../src/schemas/work-order.js';
import { ebsItem, networkItem, orderOf, samplePlatformId, vmItem } from '../support/orders.js';

export interface RandomItem {
  type: ResourceType;
  quantity: number;
}

export interface RandomOrder {
  items: RandomItem[];
  bundle: Bundle;
  /** Whether disks wait for their VM before they are made, as on clouds without disks of their own. */
  disksWait: boolean;
  /** What happens, as chance: drawn from by `Chance`. */
  draws: number[];
}

export const randomOrder = fc.record({
  items: fc.array(
    fc.record({
      type: fc.constantFrom<ResourceType>('VM', 'EBS', 'EBS', 'NETWORK'),
      quantity: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  bundle: fc.record({
    policy: fc.constantFrom('best-effort' as const, 'rollback' as const, 'keep-master' as const),
    undoAfterMs: fc.constantFrom(0, 60_000),
  }),
  disksWait: fc.boolean(),
  draws: fc.array(fc.nat(100_000), { minLength: 60, maxLength: 400, size: 'max' }),
});

const preparation = (key: string): Preparation => ({
  key,
  kind: 'default-network',
  platformId: samplePlatformId,
  settings: {},
  lines: [],
});
export const preparations = [preparation('default-network/a'), preparation('default-network/b')];

/** VMs need a preparation; what there is beside them is dealt out among the pieces of the first VM item. */
export function planOf({ items, disksWait }: Pick<RandomOrder, 'items' | 'disksWait'>): Plan {
  const keysOf = (index: number) =>
    Array.from({ length: items[index]?.quantity ?? 0 }, (_, i) => `${items[index]?.type ?? ''}/${index}#${i + 1}`);
  const machines = keysOf(items.findIndex(({ type }) => type === 'VM'));
  let dealt = 0;
  const [first = preparation('')] = preparations;
  const parts = items.flatMap(({ type }, itemIndex) =>
    keysOf(itemIndex).map((key, at): PlannedPart => {
      const [machine] = machines.length === 0 ? [] : [machines[dealt++ % machines.length] ?? ''];
      const vm = machine === undefined ? [] : [machine];
      const needs: Record<ResourceType, PlannedPart['needs']> = {
        VM: { 'vm.create': [preparations[at % 2]?.key ?? ''] },
        EBS: { 'ebs.create': disksWait ? vm : [], ...(machine !== undefined && { 'ebs.attach': vm }) },
        NETWORK: { 'network.reserve': [first.key], ...(machine !== undefined && { 'network.bind': vm }) },
      };
      const { [type]: own } = needs;
      return {
        key,
        itemIndex,
        index: at + 1,
        resourceType: type,
        platformId: samplePlatformId,
        needs: own,
        inputs: {},
        settings: {},
        lines: [],
      };
    }),
  );
  return { preparations, parts, warnings: [] };
}

const failure = { code: 'CLD_QUOTA', message: 'There is no room.' };
const good: Partial<Record<string, OperationEvent>> = {
  inFlight: { type: 'JOB_SUCCEEDED', resourceId: 'r' },
  lookingUp: { type: 'FOUND', resourceId: 'r', others: [] },
  discarding: { type: 'GONE' },
};
const ready: OperationEvent = { type: 'READY', resourceId: 'r', facts: { id: 'r' }, startedAt: null };
const bad: OperationEvent[] = [
  { type: 'REJECTED', ...failure },
  { type: 'NEEDS_OPERATOR', ...failure },
  { type: 'OUTCOME_UNKNOWN', ...failure },
  { type: 'TRY_LATER', ...failure, retryAfterMs: null },
  { type: 'JOB_FAILED', disposition: 'reject', ...failure },
  { type: 'JOB_FAILED', disposition: 'ask-human', ...failure },
  { type: 'BROKEN', ...failure },
  { type: 'ABSENT', guarded: true },
  { type: 'JOB_LOST' },
  { type: 'OVERDUE' },
  { type: 'ABANDONED' },
  { type: 'REPLAYED' },
  { type: 'RESUMED' },
  { type: 'TIMER' },
];

/** What may happen to an order as it stands: mostly good things, and now and then anything. */
export function happening(state: OrderState, draw: (choices: number) => number): OrderEvent {
  const unfinished = state.operations.filter((one) => one.finishedAt === null);
  const chance = draw(40);
  if (chance < 2 || unfinished.length === 0) {
    const levers: Lever[] = [
      ...(['replay', 'hold', 'resume', 'cancel'] as const).map((act) => ({ act, reason: 'because' })),
      { act: 'skip', itemIndex: draw(5), reason: 'because' },
      { act: 'mark-done', itemIndex: draw(5), resourceId: 'r-9', reason: 'because' },
    ];
    const [prepare, lever] = [draw(3), levers[draw(levers.length)]];
    if (prepare > 0 || !lever) return prepared(draw);
    return { about: 'lever', lever };
  }
  if (chance === 2) return { about: 'everything', event: { type: 'RESUMED' } };
  if (chance === 3) return { about: 'order', event: { type: 'TIMER' } };
  if (chance < 6) return prepared(draw);
  const operation = unfinished[draw(unfinished.length)] ?? unfinished[0];
  if (!operation) throw new Error('no operation');
  const { partKey, name } = operation;
  const anything = draw(8) === 0 ? bad[draw(bad.length)] : undefined;
  const done: OperationEvent = { type: 'DONE', resourceId: 'r', facts: { id: 'r' }, startedAt: null };
  const { value } = operation.machine;
  const next = value === 'requesting' ? done : (good[value] ?? (draw(2) === 0 ? ready : { type: 'TIMER' as const }));
  return { about: 'operation', partKey, name, event: anything ?? next };
}

function prepared(draw: (choices: number) => number): OrderEvent {
  const { key, platformId } = preparations[draw(2)] ?? preparation('');
  const told = { disposition: 'reject' as const, ...failure };
  const [state] = [draw(9)];
  return {
    about: 'preparation',
    platformId,
    key,
    outcome:
      state === 0
        ? { state: 'failed', failure: told }
        : state === 1
          ? { state: 'stuck', failure: told }
          : { state: 'ready', facts: { networkId: 'n' } },
  };
}

export function surroundings(at: number): Surroundings {
  return { installationId: 'here', at, pace: () => defaultPace };
}

/** The order as it came. The first item that is a VM is its master. */
export function firstStateOf({ items, bundle }: RandomOrder): OrderState {
  const master = Math.max(
    0,
    items.findIndex(({ type }) => type === 'VM'),
  );
  const ordered = items.map(({ type }, index) => {
    const fields = { workOrderItemId: String(index), resourceId: String(index), master: index === master };
    return type === 'VM' ? vmItem(fields) : type === 'EBS' ? ebsItem(fields) : networkItem(fields);
  });
  return beginOrder('5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0aa', orderOf(ordered), [], surroundings(0), bundle).state;
}
