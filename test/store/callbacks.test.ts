import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { noteCallback, readDocument, takeDueCallbacks } from '../../src/store/callbacks.js';
import { saveSteps } from '../../src/store/steps.js';
import { fullStep, openStore, storedOrders } from './support.js';

describe('callbacks to be made', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());

  /** Orders that have ended and asked for their outcome. */
  async function ended(count: number): Promise<string[]> {
    const states = await storedOrders(store.pool, count);
    await saveSteps(
      store.pool,
      'w1',
      states.map((state) => fullStep(state)),
    );
    return states.map((state) => state.orderId);
  }

  it('are each taken by one of 8 that ask at once', async () => {
    const orderIds = await ended(100);
    const taken = await Promise.all(Array.from({ length: 8 }, () => takeDueCallbacks(store.pool, 9)));
    for (const page of taken) expect(page.length).toBeLessThanOrEqual(9);
    const all = taken.flat().map((one) => one.orderId);
    for (
      let more = await takeDueCallbacks(store.pool, 9);
      more.length > 0;
      more = await takeDueCallbacks(store.pool, 9)
    ) {
      all.push(...more.map((one) => one.orderId));
    }
    expect(all).toHaveLength(100);
    expect(new Set(all)).toEqual(new Set(orderIds));
  });

  it('are hidden while someone makes them, and come back when that one never says how it went', async () => {
    const [orderId] = await ended(1);
    const [first] = await takeDueCallbacks(store.pool, 10);
    expect(first).toEqual({ orderId, url: 'http://127.0.0.1:8895/', attempts: 1 });
    expect(await takeDueCallbacks(store.pool, 10)).toEqual([]);
    // The minute of the one that died is over.
    await store.pool.query(`update callback_delivery set next_attempt_at = next_attempt_at - interval '61 seconds'`);
    expect(await takeDueCallbacks(store.pool, 10)).toEqual([{ ...first, attempts: 2 }]);
  });

  it('come again when their next attempt is due, not before', async () => {
    const [orderId = ''] = await ended(1);
    await takeDueCallbacks(store.pool, 10);
    await noteCallback(store.pool, orderId, 'due', 'answered 503', 60_000);
    const { rows } = await store.pool.query<{ seconds: number; last_outcome: string }>(
      'select round(extract(epoch from next_attempt_at - now()))::int as seconds, last_outcome from callback_delivery',
    );
    expect(rows).toEqual([{ seconds: 60, last_outcome: 'answered 503' }]);
    expect(await takeDueCallbacks(store.pool, 10)).toEqual([]);
    await noteCallback(store.pool, orderId, 'due', 'answered 503', 0);
    expect(await takeDueCallbacks(store.pool, 10)).toMatchObject([{ attempts: 2 }]);
  });

  it.each(['accepted', 'gave-up', 'disabled'] as const)('do not come again once they are %s', async (state) => {
    const [orderId = ''] = await ended(1);
    await noteCallback(store.pool, orderId, state, 'x'.repeat(1_000), null);
    expect(await takeDueCallbacks(store.pool, 10)).toEqual([]);
  });

  it('have the order as it was sent, and when it ended', async () => {
    const [orderId = ''] = await ended(1);
    const { order, finishedAt } = await readDocument(store.pool, orderId);
    expect(order.echo).toMatchObject({ orderId: 60, workOrderNo: 42 });
    expect(finishedAt).toBeInstanceOf(Date);
    await expect(readDocument(store.pool, '00000000-0000-4000-8000-000000000000')).rejects.toThrow('no document');
  });
});
