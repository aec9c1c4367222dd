import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  concludeLook,
  type Finding,
  type LookResult,
  readKnowledge,
  takeDueLooks,
  type TakenLook,
} from '../../src/store/late-looks.js';
import { saveSteps } from '../../src/store/steps.js';
import { fullStep, openStore, operationOf, storedOrders } from './support.js';

const minute = 60_000;
const now = { settleMs: 0, secondMs: 10 * minute, leaseMs: minute, limit: 100 };

describe('looks after the end of orders', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());

  const query = async (text: string) => (await store.pool.query<Record<string, unknown>>(text)).rows;
  const ended = async (count = 1) => {
    const states = await storedOrders(store.pool, count);
    await saveSteps(
      store.pool,
      'w1',
      states.map((state) => fullStep(state)),
    );
    return states.map(({ orderId }) => orderId);
  };
  const taken = async (): Promise<TakenLook> => {
    const [one] = await takeDueLooks(store.pool, now);
    if (!one) throw new Error('no look is due');
    return one;
  };
  const result = (change: Partial<LookResult> = {}): LookResult => ({
    next: { looks: 1, dueAt: Date.now() + 10 * minute },
    problem: null,
    findings: [],
    present: [],
    ...change,
  });
  const finding = (orderId: string, change: Partial<Finding> = {}): Finding => ({
    what: 'extra',
    platformId: 'p1',
    resourceId: 'vm-2',
    operation: 'vm.create',
    stage: null,
    marker: 'ow-1',
    orderId,
    seen: 'vm-1 was delivered',
    remove: false,
    ...change,
  });

  it('are due from the statement on that ends an order which made something', async () => {
    const [orderId] = await ended();
    expect(await query('select order_id, looks, in_doubt from late_look')).toEqual([
      { order_id: orderId, looks: 0, in_doubt: true },
    ]);
  });

  it('are not made of an order that never asked a cloud to make anything, nor of one that is open', async () => {
    const states = await storedOrders(store.pool, 2);
    const steps = states.map((state, i) => {
      const save = fullStep(state, { audit: [] });
      const next = i === 0 ? { ...save.step.state, operations: [] } : { ...save.step.state, status: 'held' as const };
      return { ...save, step: { ...save.step, state: next, changedOperations: [], orphans: [] } };
    });
    expect((await saveSteps(store.pool, 'w1', steps)).size).toBe(2);
    expect(await query('select * from late_look')).toEqual([]);
  });

  it('begin ten minutes later where nothing was ever in doubt', async () => {
    const [state] = await storedOrders(store.pool, 1);
    if (!state) throw new Error('no order');
    const save = fullStep(state);
    const operation = operationOf(state);
    operation.machine.value = 'done';
    const step = { ...save.step, state: { ...save.step.state, operations: [operation] } };
    await saveSteps(store.pool, 'w1', [{ ...save, step: { ...step, changedOperations: [operation], orphans: [] } }]);
    // Also when the worker that asks has no hand free for a look.
    expect(await takeDueLooks(store.pool, { ...now, limit: 0 })).toEqual([]);
    expect(await takeDueLooks(store.pool, now)).toEqual([]);
    expect(await query(`select looks, due_at - ended_at = interval '10 minutes' as later from late_look`)).toEqual([
      { looks: 1, later: true },
    ]);
  });

  it('are each given to one of several workers that ask at once', async () => {
    await ended(40);
    const asked = await Promise.all(Array.from({ length: 6 }, () => takeDueLooks(store.pool, { ...now, limit: 10 })));
    const orders = asked.flat().map(({ orderId }) => orderId);
    expect(orders).toHaveLength(40);
    expect(new Set(orders).size).toBe(40);
    expect(await takeDueLooks(store.pool, now)).toEqual([]);
  });

  it('are due again when the worker that took one is gone, and what it says after that is not noted', async () => {
    const [orderId = ''] = await ended();
    const first = await taken();
    await query(`update late_look set due_at = now() - interval '1 second'`);
    const second = await taken();
    expect(second.turn).toBe(first.turn + 1);
    expect(await concludeLook(store.pool, first, result({ findings: [finding(orderId)] }))).toBeNull();
    expect(await query(`select * from orphan where why = 'late'`)).toEqual([]);
    expect(await concludeLook(store.pool, second, result({ findings: [finding(orderId)] }))).toHaveLength(1);
  });

  it('that could not be made stay due with the reason, and with what was seen elsewhere', async () => {
    const [orderId = ''] = await ended();
    const problem = { platformId: 'p1', message: 'the cloud does not answer', againInMs: minute };
    expect(
      await concludeLook(store.pool, await taken(), result({ problem, findings: [finding(orderId)] })),
    ).toHaveLength(1);
    expect(await query('select looks, tries, problem, due_at > now() as later from late_look')).toEqual([
      { looks: 0, tries: 1, problem: 'the cloud does not answer', later: true },
    ]);
    expect(await readKnowledge(store.pool, null)).toMatchObject({
      lookedAt: 0,
      due: 0,
      blocked: [{ platformId: 'p1', orders: 1, problem: 'the cloud does not answer' }],
    });
  });

  it('list a thing once, and one that was adopted or destroyed not again', async () => {
    const [orderId = ''] = await ended();
    const look = async (found: Finding[]) => {
      await query(`update late_look set due_at = now()`);
      return (await concludeLook(store.pool, await taken(), result({ findings: found }))) ?? [];
    };
    expect(await look([finding(orderId)])).toHaveLength(1);
    expect(await look([finding(orderId)])).toEqual([]);
    for (const state of ['adopted', 'destroying', 'destroyed']) {
      await query(`update orphan set state = '${state}' where why = 'late'`);
      expect(await look([finding(orderId, { remove: true })])).toEqual([]);
      expect(await query(`select state from orphan where resource_id = 'vm-2'`)).toEqual([{ state }]);
    }
    expect(await query('select * from audit')).toEqual([]);
  });

  it('list what was said to be gone and is there', async () => {
    const [orderId = ''] = await ended();
    await query(`insert into orphan (platform_id, resource_id, operation, marker, order_id, why, state, on_word)
                 values ('p1', 'vm-2', 'vm.create', 'ow-1', '${orderId}', 'undo', 'destroyed', true)`);
    expect(await concludeLook(store.pool, await taken(), result({ findings: [finding(orderId)] }))).toHaveLength(1);
    expect(await query(`select why, state, on_word from orphan where resource_id = 'vm-2'`)).toEqual([
      { why: 'late', state: 'found', on_word: false },
    ]);
  });

  it('have it removed where the producer wants it so, what was listed before as well, each with its entry', async () => {
    const [orderId = ''] = await ended();
    await query(`insert into orphan (platform_id, resource_id, operation, marker, order_id, why)
                 values ('p1', 'vm-3', 'vm.create', 'ow-1', '${orderId}', 'twin')`);
    const both = ['vm-2', 'vm-3'].map((resourceId) => finding(orderId, { resourceId, remove: true }));
    await concludeLook(store.pool, await taken(), result({ findings: both }));
    expect(
      await query(`select resource_id, state from orphan where resource_id like 'vm%' order by resource_id`),
    ).toEqual(both.map(({ resourceId }) => ({ resource_id: resourceId, state: 'destroying' })));
    expect(await query('select actor, subject from audit order by subject')).toEqual(
      both.map(({ resourceId }) => ({ actor: 'orderwright', subject: `p1/${resourceId}` })),
    );
  });

  it('take off the list what an order has delivered after all, or what was missing and is there', async () => {
    const [orderId = ''] = await ended();
    for (const [id, why] of [
      ['vm-2', 'late'],
      ['vm-3', 'missing'],
    ]) {
      await query(`insert into orphan (platform_id, resource_id, operation, marker, order_id, why)
                   values ('p1', '${id}', 'vm.create', 'ow-1', '${orderId}', '${why}')`);
    }
    const present = ['vm-2', 'vm-3'].map((resourceId) => ({ platformId: 'p1', resourceId, orderId }));
    await concludeLook(store.pool, await taken(), result({ present }));
    expect(await query(`select resource_id, state from orphan where resource_id like 'vm%'`)).toEqual([
      { resource_id: 'vm-2', state: 'adopted' },
    ]);
  });

  it('are counted for an account as far as its own orders go', async () => {
    await ended();
    const one = await taken();
    await concludeLook(store.pool, one, result({ next: { looks: 3, dueAt: null } }));
    const [order] = await query(`select account_id from work_order`);
    expect(await readKnowledge(store.pool, String(order?.['account_id']))).toMatchObject({
      lookedAt: 1,
      ahead: 0,
      due: 0,
    });
    expect(await readKnowledge(store.pool, randomUUID())).toMatchObject({ lookedAt: 0, since: null });
  });
});
