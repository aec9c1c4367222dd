import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadOrders } from '../../src/store/load-orders.js';
import { readStandings, saveSteps } from '../../src/store/steps.js';
import { everything, fullStep, openStore, storedOrders } from './support.js';

describe('storing steps', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());

  async function order() {
    const [state] = await storedOrders(store.pool, 1);
    if (!state) throw new Error('no order was stored');
    return state;
  }

  it('puts everything a step says where it belongs', async () => {
    const state = await order();
    const given = fullStep(state);
    expect(await saveSteps(store.pool, 'w1', [given])).toEqual(new Set([state.orderId]));
    const now = await everything(store.pool);
    expect(now).toMatchObject({
      work_order: [{ status: 'completed', revision: 2, epoch: 1, event_sequence: 2 }],
      work_order_plan: [{ plan: { parts: [] }, warnings: [{ code: 'W' }] }],
      cloud_operation: [{ name: 'vm.create', job_id: 'job-1', attempt: 1 }],
      callback_delivery: [{ url: 'http://127.0.0.1:8895/', state: 'due' }],
      orphan: [{ resource_id: `extra of ${state.orderId}` }],
    });
    expect(now['event']).toHaveLength(2);
    expect(now['sealed_secret']).toHaveLength(2);
    expect(now['work_order']).not.toMatchObject([{ finished_at: null }]);
    expect(now['work_order_item']).toMatchObject(state.items.map(() => ({ status: 'completed' })));
  });

  it('is read back as the machines knew it', async () => {
    const state = await order();
    const given = fullStep(state);
    await saveSteps(store.pool, 'w1', [given]);
    const [loaded] = await loadOrders(store.pool, [state.orderId]);
    expect(loaded).toMatchObject({ revision: 2, epoch: 1, callbackUrl: 'http://127.0.0.1:8895' });
    expect(loaded?.state).toEqual({ ...given.step.state, plan: { parts: [] } });
  });

  it.each([
    ['of an older revision', { seenRevision: 0 }, 'w1'],
    ['of a revision that is not there yet', { seenRevision: 2 }, 'w1'],
    ['of an epoch that is over', { epoch: 0 }, 'w1'],
    ['of a worker that does not own the order', {}, 'w2'],
  ])('leaves nothing behind of a step %s', async (_what, change, workerId) => {
    const state = await order();
    const before = await everything(store.pool);
    expect(await saveSteps(store.pool, workerId, [fullStep(state, change)])).toEqual(new Set());
    expect(await everything(store.pool)).toEqual(before);
  });

  it('stores a step once, however often it is sent', async () => {
    const state = await order();
    const given = fullStep(state);
    const answers = await Promise.all(Array.from({ length: 8 }, () => saveSteps(store.pool, 'w1', [given])));
    expect(answers.flatMap((answer) => [...answer])).toEqual([state.orderId]);
    expect(await readStandings(store.pool, [state.orderId])).toEqual(
      new Map([[state.orderId, { revision: 2, epoch: 1, workerId: 'w1', stepId: given.stepId }]]),
    );
    expect((await everything(store.pool))['event']).toHaveLength(2);
  });

  it('stores of two steps of one order, should they ever meet in one call, the one, whole, and nothing of the other', async () => {
    const state = await order();
    const [one, other] = [1, 2].map((number) => {
      const step = fullStep(state, { stepId: `5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0a${number}` });
      const sequence = state.sequence + number;
      return {
        ...step,
        step: { ...step.step, announcements: step.step.announcements.map((told) => ({ ...told, sequence })) },
      };
    });
    if (!one || !other) throw new Error('unreachable');
    // The other begins nothing that the first does, so that no constraint stands in its way.
    const harmless = { ...other, step: { ...other.step, changedOperations: [] }, planDocument: null, secrets: [] };
    const stored = await saveSteps(store.pool, 'w1', [one, harmless]);
    expect(stored.size).toBe(1);
    const { rows } = await store.pool.query(
      'select e.sequence, o.step_id from event e join work_order o using (order_id) where e.order_id = $1 and e.sequence > $2',
      [state.orderId, state.sequence],
    );
    const winner = stored.has(one.stepId) ? one : harmless;
    expect(rows).toEqual([{ sequence: winner.step.announcements[0]?.sequence, step_id: winner.stepId }]);
  });

  it('takes 400 orders in one call, and of those that lost their race nothing', async () => {
    const states = await storedOrders(store.pool, 400);
    const isStale = (i: number) => i % 4 === 0;
    const steps = states.map((state, i) => fullStep(state, isStale(i) ? { seenRevision: 7 } : {}));
    const saved = await saveSteps(store.pool, 'w1', steps);
    expect(saved).toEqual(new Set(states.filter((_, i) => !isStale(i)).map((state) => state.orderId)));
    const { rows } = await store.pool.query<{ stale: boolean; whole: boolean }>(
      `select o.revision = 1 as stale,
              (select count(*) from event e where e.order_id = o.order_id) = 2
          and (select count(*) from cloud_operation c where c.order_id = o.order_id) = 1
          and (select count(*) from orphan r where r.order_id = o.order_id) = 1
          and (select count(*) from callback_delivery b where b.order_id = o.order_id) = 1
          and (select count(*) from sealed_secret s where s.order_id = o.order_id) = 2
          and (select bool_and(i.status = 'completed') from work_order_item i where i.order_id = o.order_id) as whole
         from work_order o`,
    );
    expect(rows.filter((row) => row.stale)).toHaveLength(100);
    // A stale order has nothing of its step, every other one has all of it.
    expect(rows.filter((row) => row.stale === row.whole)).toEqual([]);
  });

  it('lets two workers race over the same orders without both winning one', async () => {
    const states = await storedOrders(store.pool, 40);
    const steps = states.map((state) => fullStep(state));
    const [forwards, backwards] = await Promise.all([
      saveSteps(store.pool, 'w1', steps),
      saveSteps(store.pool, 'w1', steps.toReversed()).catch((error: unknown) => {
        // Two groups that lock the same rows in opposite order: PostgreSQL ends one of them, and the engine asks again.
        expect(error).toMatchObject({ code: '40P01' });
        return new Set<string>();
      }),
    ]);
    expect(forwards.size + backwards.size).toBe(40);
    expect([...forwards].filter((orderId) => backwards.has(orderId))).toEqual([]);
  });
});
