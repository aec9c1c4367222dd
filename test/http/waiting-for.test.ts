import { describe, expect, test } from '@jest/globals';
import { waitingFor, type Scene } from '../../src/http/waiting-for.js';
import type { OperationContext } from '../../src/machines/operation.machine.js';
import { operationMachine } from '../../src/machines/operation.machine.js';
import type { OperationState, OrderState } from '../../src/machines/order-state.js';

const at = Date.parse('2026-03-01T12:00:00Z');
const scene: Scene = {
  userId: 'u1',
  createdAt: new Date(at),
  platform: () => ({ name: 'Beijing-1', cloud: 'CloudStack' }),
  preparations: [],
};

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
    workOrderId: 'WO1',
    status: 'provisioning',
    machine: { value: 'provisioning', context: { reason: null, tries: 0 } },
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
    ['watching', { watches: 3 }, 'what vm.create made on Beijing-1 to get ready, look 3 of at most 120'],
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

  test('when only a person can help', () => {
    expect(says(order([operation('stuck')]))?.what).toBe('an operator: the key was refused');
  });

  test('when the catalogue of a cloud cannot be read', () => {
    const reason = { code: 'CLD_AUTH', message: 'no answer' };
    const state = order([], {
      machine: { value: 'waitingForCloud', context: { reason, tries: 1 } },
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
});
