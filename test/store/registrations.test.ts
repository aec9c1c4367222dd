import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { beginPreparation } from '../../src/machines/begin-order.js';
import type { Preparation } from '../../src/planner/plan.js';
import { orderIdFor } from '../../src/order-id.js';
import { insertOrders } from '../../src/store/accept.js';
import { newestTries } from '../../src/store/registrations.js';
import { openStore } from './support.js';

describe('the tries of a preparation', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());

  const place = async (key: string, count: number) => {
    const tries = Array.from({ length: count }, (_, i) => {
      const workOrderId = `p1/${key}#${i + 1}`;
      const preparation: Preparation = { key, kind: 'tenant', platformId: 'p1', settings: {}, lines: [] };
      const step = beginPreparation(orderIdFor('orderwright', workOrderId), workOrderId, preparation);
      const nothing = { order: null, warnings: [], repairs: [], holds: [], secrets: [] };
      return { step, workerId: 'w1', contentHash: '', plan: JSON.stringify(step.state.plan), ...nothing };
    });
    await insertOrders(store.pool, tries);
    await store.pool.query(
      `update work_order set status = case when work_order_id = $1 then 'completed' else 'failed' end
        where starts_with(work_order_id, $2)`,
      [`p1/${key}#${count}`, `p1/${key}#`],
    );
  };

  it.each([1, 2, 50, 51, 130])('are all looked at, the newest of %i counts', async (count) => {
    await place('tenant/u-1', count);
    await place('tenant/u-2', 3);
    const found = await newestTries(store.pool, 'p1', ['tenant/u-1', 'tenant/u-2', 'tenant/u-3']);
    expect([...found].map(([key, { status }]) => [key, status])).toEqual([
      ['tenant/u-1', 'completed'],
      ['tenant/u-2', 'completed'],
    ]);
  });
});
