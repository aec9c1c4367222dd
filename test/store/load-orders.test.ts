import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Sql } from '../../src/store/data-source.js';
import { loadOrders } from '../../src/store/load-orders.js';
import { saveSteps } from '../../src/store/steps.js';
import { fullStep, openStore, storedOrders } from './support.js';

describe('reading orders back', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeAll(async () => {
    store = await openStore();
  });
  afterAll(() => store.close());

  it.each(['from work_order o left join work_order_document', 'work_order_item', 'cloud_operation'])(
    'gives whole ones, also when a step is stored just before the statement on %s',
    async (late) => {
      const [state] = await storedOrders(store.pool, 1);
      if (!state) throw new Error('no order was stored');
      let stored = false;
      // The other statements have been answered by then: they know nothing of the step.
      const answered: Promise<unknown>[] = [];
      const query = async (text: string, values: unknown[]) => {
        if (!text.includes(late) || stored) {
          const answer = store.pool.query(text, values);
          answered.push(answer);
          return answer;
        }
        stored = true;
        await new Promise(setImmediate);
        await Promise.all(answered);
        await saveSteps(store.pool, 'w1', [fullStep(state)]);
        return store.pool.query(text, values);
      };
      const [loaded] = await loadOrders({ query } as unknown as Sql, [state.orderId]);
      expect(loaded).toMatchObject({ revision: 2, state: { status: 'completed' } });
      expect(loaded?.state.items.map(({ status }) => status)).toEqual(state.items.map(() => 'completed'));
      expect(loaded?.state.operations).toHaveLength(1);
    },
  );

  it.each(['from work_order o left join work_order_item', 'cloud_operation'])(
    'gives a whole one, also when it was not there yet for the statement on %s',
    async (early) => {
      const [state] = await storedOrders(store.pool, 1);
      if (!state) throw new Error('no order was stored');
      let tooEarly = true;
      const query = async (text: string, values: unknown[]) => {
        if (!text.includes(early) || !tooEarly) return store.pool.query(text, values);
        tooEarly = false;
        return { rows: [] };
      };
      const [loaded] = await loadOrders({ query } as unknown as Sql, [state.orderId]);
      expect(tooEarly).toBe(false);
      expect(loaded?.state.items).toHaveLength(state.items.length);
      expect(loaded).toMatchObject({ revision: 1 });
    },
  );

  it('gives orders that have begun nothing', async () => {
    const [state] = await storedOrders(store.pool, 1);
    const [loaded] = await loadOrders(store.pool, [state?.orderId ?? '']);
    expect(loaded?.state.operations).toEqual([]);
    expect(await loadOrders(store.pool, ['5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0aa'])).toEqual([]);
  });
});
