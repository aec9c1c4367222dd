import { describe, expect, test } from '@jest/globals';
import { waitingFor, type Scene } from '../../src/http/waiting-for.js';
import type { OperationContext } from '../../src/machines/operation.machine.js';
import { operationMachine } from '../../src/machines/operation.machine.js';
import { itemMachines, type PartKind } from '../../src/machines/move.js';
import {
  finalStatuses,
  type ItemStatus,
  type OperationState,
  type OrderState,
  type OrderStatus,
} from '../../src/machines/order-state.js';
import { type WorkOrderContext, workOrderMachine } from '../../src/machines/work-order.machine.js';
import type { Weather } from '../../src/runner/weather-report.js';

const at = Date.parse('2026-03-01T12:00:00Z');
const scene: Scene = {
  userId: 'u1',
  createdAt: new Date(at),
  updatedAt: new Date(at + 500),
  now: at + 60_000,
  weather: () => null,
  standing: () => null,
  platform: () => ({ name: 'Beijing-1', cloud: 'CloudStack' }),
  preparations: [],
};

const orderContext = workOrderMachine.config.context as WorkOrderContext;

function operation(
  value: string,
  context: Partial<OperationContext> = {},
  dueAt: number | null = null,
): OperationState {
  return {
    partKey: 'VM',
    itemIndex: 0,
    name: 'vm.create',
    platformId: 'p',
    marker: 'ow-1',
    requestId: 'r',
    machine: { value, context: { ...(operationMachine.config.context as OperationContext), ...context } },
    dueAt,
    createdAt: at,
    submittedAt: value === 'inFlight' ? at + 1_000 : null,
    finishedAt: null,
  };
}

/** An order of one VM whose only operation is in this state. */
function order(operations: OperationState[], change: Partial<OrderState> = {}): OrderState {
  const stuck = operations.some((one) => one.machine.value === 'stuck');
  return {
    orderId: 'o',
    kind: 'billing',
    producer: 'default',
    accountId: 'a1',
    workOrderId: 'WO1',
    status: 'provisioning',
    machine: { value: 'provisioning', context: orderContext },
    dueAt: null,
    sequence: 1,
    plan: {
      warnings: [],
      preparations: [{ key: 'default-network/u1', kind: 'default-network', platformId: 'p', settings: {}, lines: [] }],
      parts: [
        {
          key: 'VM',
          itemIndex: 0,
          index: 1,
          resourceType: 'VM',
          platformId: 'p',
          needs: { 'vm.create': ['default-network/u1'] },
          inputs: {},
          settings: {},
          lines: [],
        },
      ],
    },
    items: [
      {
        workOrderItemId: '83',
        resourceId: 'r-1',
        resourceType: 'VM',
        platformId: 'p',
        master: true,
        status: stuck ? 'held' : operations.length > 0 ? 'provisioning' : 'pending',
      },
    ],
    parts: [
      {
        key: 'VM',
        itemIndex: 0,
        machine: {
          value: stuck ? 'needsOperator' : operations.length > 0 ? 'creating' : 'waitingForNetwork',
          context: {
            hasVm: false,
            facts: {},
            failure: stuck ? { disposition: 'ask-human', code: 'CLD_AUTH', message: 'the key was refused' } : null,
          },
        },
      },
    ],
    operations,
    preparations: {},
    ...change,
  };
}

const says = (state: OrderState, seen: Scene = scene) => waitingFor(state, seen)[0];

describe('an item says what it waits for', () => {
  test.each([
    ['requesting', {}, 'the answer of Beijing-1 to vm.create'],
    ['inFlight', { jobId: 'j1' }, 'CloudStack job j1 for vm.create on Beijing-1'],
    [
      'settling',
      { lookUps: 1 },
      'settling: looking on Beijing-1 for what a lost answer to vm.create left behind, look-up 2 of 3',
    ],
    ['verifying', {}, 'a look at what vm.create made on Beijing-1'],
    ['watching', { watches: 3 }, 'what vm.create made on Beijing-1 to get ready, look 3 of at most 240'],
    ['leaving', {}, 'the removal of what vm.create left broken on Beijing-1'],
    [
      'backingOff',
      { retries: 1, failure: { disposition: 'retry', code: 'CLD_THROTTLED', message: 'too many calls' } },
      'try 2 of vm.create on Beijing-1: too many calls',
    ],
  ] as [string, Partial<OperationContext>, string][])('while it is %s', (state, context, what) => {
    expect(says(order([operation(state, context)]))?.what).toBe(what);
  });

  test('since when, and until when', () => {
    expect(says(order([operation('inFlight', { jobId: 'j1' })]))).toMatchObject({
      since: '2026-03-01T12:00:01.000Z',
      until: null,
    });
    expect(says(order([operation('backingOff', {}, at + 4_000)]))?.until).toBe('2026-03-01T12:00:04.000Z');
  });

  test('that its request may still be running, and until when nothing is sent again', () => {
    const asked = (mayRunUntil: number) => says(order([operation('settling', { lookUps: 1, mayRunUntil })]))?.what;
    expect(asked(at + 600_000)).toBe(
      'settling: looking on Beijing-1 for what a lost answer to vm.create left behind, look-up 2 of 3; the request may still be running there, and nothing is sent again before 2026-03-01T12:10:00.000Z',
    );
    expect(asked(scene.now)).not.toContain('still be running');
  });

  test('that what nobody wants any more is removed once it is there', () => {
    for (const [state, context] of [
      ['inFlight', { jobId: 'j1' }],
      ['watching', { watches: 3 }],
    ] as const) {
      expect(says(order([operation(state, { ...context, abandoned: true })]))?.what).toMatch(
        /, to be removed once it is there$/,
      );
    }
  });

  test('for a person, or else to be undone at its time', () => {
    const reason = { code: 'CLD_QUOTA', message: 'no quota left' };
    const failing = order([], {
      status: 'held',
      machine: { value: 'failing', context: { ...orderContext, reason } },
      dueAt: at + 120_000,
    });
    expect(says(failing)).toMatchObject({
      what: 'an operator, or else it is undone: no quota left',
      until: '2026-03-01T12:02:00.000Z',
    });
  });

  test('when only a person can help', () => {
    expect(says(order([operation('stuck')]))?.what).toBe('an operator: the key was refused');
  });

  test('for an operator, and until when, before an order of which the only item has failed is undone', () => {
    const failed = order([], {
      status: 'held',
      machine: { value: 'failing', context: { ...orderContext, reason: { code: 'CLD_QUOTA', message: 'no quota' } } },
      dueAt: at + 900_000,
    });
    const items = failed.items.map((item) => ({ ...item, status: 'failed' as const }));
    expect(says({ ...failed, items })).toMatchObject({
      what: 'an operator, or else it is undone: no quota',
      until: '2026-03-01T12:15:00.000Z',
    });
  });

  test('when the catalogue of a cloud cannot be read', () => {
    const reason = { code: 'CLD_AUTH', message: 'no answer' };
    const state = order([], {
      machine: { value: 'waitingForCloud', context: { ...orderContext, reason, tries: 1 } },
      dueAt: at + 2_000,
      plan: null,
      parts: [],
    });
    expect(says(state)).toMatchObject({
      what: 'the catalogue of Beijing-1: no answer',
      until: '2026-03-01T12:00:02.000Z',
    });
  });

  test('when others prepare something for it, with their job', () => {
    expect(says(order([]))?.what).toBe('the default network of user u1 on Beijing-1');
    const made = {
      platformId: 'p',
      key: 'default-network/u1',
      orderId: 'x',
      createdAt: new Date(at),
      submittedAt: null,
      failure: null,
    };
    const seen = (state: string, jobId: string | null, failure: string | null = null): Scene => ({
      ...scene,
      preparations: [{ ...made, state, jobId, failure }],
    });
    expect(says(order([]), seen('inFlight', 'j9'))?.what).toBe(
      'the default network of user u1 on Beijing-1 (CloudStack job j9)',
    );
    expect(says(order([]), seen('stuck', null, 'no such offering'))?.what).toMatch(/^an operator: .*no such offering$/);
    expect(says(order([]), seen('done', null))?.what).toBe('its turn');
  });

  test('and nothing once it is over', () => {
    expect(says(order([operation('inFlight')], { status: 'partial' }))).toBeNull();
  });

  describe('in every state that is not its end', () => {
    const orderStates = Object.entries(workOrderMachine.states).map(([name, { tags }]): [string, OrderStatus] => [
      name,
      [...tags][0] as OrderStatus,
    ]);
    const kinds: PartKind[] = ['VM', 'EBS', 'NETWORK'];
    const statuses: ItemStatus[] = ['pending', 'provisioning', 'held', 'compensating'];
    const operationStates = [null, ...Object.keys(operationMachine.states)];

    test.each(orderStates.filter(([, status]) => !finalStatuses.includes(status)))(
      'of the order: %s',
      (value, status) => {
        const silent: string[] = [];
        for (const kind of kinds) {
          for (const state of Object.keys(itemMachines[kind].states)) {
            for (const itemStatus of statuses) {
              for (const operationState of operationStates) {
                const begun = operationState === null ? [] : [operation(operationState)];
                const ended = ['done', 'failed'].includes(operationState ?? '');
                const base = order(begun.map((one) => ({ ...one, finishedAt: ended ? at : null })));
                const seen = says({
                  ...base,
                  status,
                  machine: { value, context: orderContext },
                  items: base.items.map((item) => ({ ...item, resourceType: kind, status: itemStatus })),
                  parts: base.parts.map((part) => ({ ...part, machine: { ...part.machine, value: state } })),
                });
                if (!/\w/.test(seen?.what ?? '') || !seen?.since.startsWith('2026-03-01T')) {
                  silent.push(`${value} ${kind} ${state} ${itemStatus} ${operationState}: ${JSON.stringify(seen)}`);
                }
              }
            }
          }
        }
        expect(silent).toEqual([]);
      },
    );
  });

  describe('of its cloud', () => {
    const weather = (changes: Partial<Weather>): Scene => ({
      ...scene,
      weather: () => ({
        state: 'open',
        since: '2026-03-01T11:00:00.000Z',
        reason: 'ECONNREFUSED',
        nextProbeAt: null,
        parked: 1,
        queued: 0,
        ...changes,
      }),
    });
    const received = order([], {
      status: 'received',
      machine: { value: 'received', context: orderContext },
      plan: null,
    });

    test('that is down, since when, and when it is tried again', () => {
      const seen = weather({ state: 'broken', nextProbeAt: '2026-03-01T12:01:00.000Z' });
      const down =
        'cloud Beijing-1, which is down since 2026-03-01T11:00:00.000Z (ECONNREFUSED), next probe at 2026-03-01T12:01:00.000Z';
      expect(says(order([operation('requesting')]), seen)).toEqual({
        what: `${down}; then: the answer of Beijing-1 to vm.create`,
        since: '2026-03-01T11:00:00.000Z',
        until: '2026-03-01T12:01:00.000Z',
      });
      expect(says(received, seen)?.what).toBe(`${down}; then: its plan`);
    });

    test('that is in maintenance, or cannot be used as it is configured', () => {
      expect(says(received, weather({ state: 'maintenance', reason: null }))?.what).toBe(
        'the end of the maintenance of Beijing-1; then: its plan',
      );
      expect(says(received, weather({ state: 'maintenance', reason: 'new disks' }))?.what).toBe(
        'the end of the maintenance of Beijing-1 (new disks); then: its plan',
      );
      // What was planned before goes on.
      expect(says(order([operation('requesting')]), weather({ state: 'maintenance' }))?.what).toBe(
        'the answer of Beijing-1 to vm.create',
      );
      expect(says(received, weather({ state: 'unusable', reason: 'zoneId is missing' }))?.what).toBe(
        'platform Beijing-1 to be mended (zoneId is missing); then: its plan',
      );
    });

    test('that is well: its turn, at which place of how many, and until about when', () => {
      const seen = (position: number): Scene => ({
        ...weather({}),
        standing: () => ({ position, of: 200, expectedMs: 30_000 }),
      });
      expect(says(order([operation('requesting')]), seen(14))).toMatchObject({
        what: 'its turn: 14th of 200 at Beijing-1; then: the answer of Beijing-1 to vm.create',
        until: '2026-03-01T12:01:30.000Z',
      });
      const places = [1, 2, 3, 4, 11, 12, 13, 21, 112].map(
        (place) => /(\d+\w\w) of/.exec(says(received, seen(place))?.what ?? '')?.[1],
      );
      expect(places).toEqual(['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '112th']);
    });

    test('is not what an item waits for that needs a person', () => {
      expect(says(order([operation('stuck')]), weather({ state: 'broken' }))?.what).toMatch(/^an operator/);
    });
  });
});
