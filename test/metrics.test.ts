import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { createMetrics } from '../src/metrics.js';
import type { Worker } from '../src/runner/worker.js';
import { openStore, storedOrders } from './store/support.js';

describe('what a monitoring system reads', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  const engine = { openOrders: 3, counters: { steps: 40, commits: 5, lostRaces: 1, ignoredEvents: 2 } };
  const weather = { state: 'broken', since: null, reason: null, nextProbeAt: null, parked: 12, queued: 3 };
  const platforms = { views: () => [{ id: 'dc-1', weather }] };
  const lateLooks = { counters: { looks: 6 } };
  const worker = { engine, poller: { inFlight: 7 }, platforms, lateLooks } as unknown as Worker;
  beforeEach(async () => {
    store = await openStore(2);
  });
  afterEach(() => store.close());

  it('has the work of this worker and the orders of all', async () => {
    const [first, second] = await storedOrders(store.pool, 3);
    await store.pool.query(`update work_order set status = 'completed' where order_id = $1`, [first?.orderId]);
    const registry = createMetrics(worker, store.pool);
    const text = await registry.metrics();
    for (const line of [
      'orderwright_open_orders 3',
      'orderwright_jobs_in_flight 7',
      'orderwright_steps_total 40',
      'orderwright_commits_total 5',
      'orderwright_lost_races_total 1',
      'orderwright_ignored_events_total 2',
      'orderwright_looks_made_total 6',
      'orderwright_platform_weather{platform="dc-1",state="broken"} 1',
      'orderwright_platform_parked{platform="dc-1"} 12',
      'orderwright_platform_queued{platform="dc-1"} 3',
      'orderwright_orders{status="completed"} 1',
      'orderwright_orders{status="received"} 2',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    // No label that grows with the number of orders.
    expect(text).not.toContain(second?.orderId);
    expect(text).not.toContain(second?.workOrderId);
  });

  it('forgets a status that no order has any more', async () => {
    await storedOrders(store.pool, 1);
    const registry = createMetrics(worker, store.pool);
    expect(await registry.metrics()).toContain('status="received"');
    await store.pool.query(`update work_order set status = 'completed'`);
    expect(await registry.metrics()).not.toContain('status="received"');
  });

  it('can still be read while the database is away', async () => {
    const away = { query: () => Promise.reject(new Error('away')), waitingCount: 4 } as unknown as pg.Pool;
    const text = await createMetrics(worker, away).metrics();
    expect(text).toContain('orderwright_database_waiting 4');
    expect(text).not.toContain('orderwright_orders{');
  });
});
