/** Tenants share a cloud account, and platforms share a worker; decided by counting effects, not by time. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { OneWorker } from '../support/one-worker.js';
import { scenarioSeed, scenarioSize, seededRandom } from '../support/scenario-random.js';
import { until } from '../support/scenario-wait.js';
import { platformIds } from '../support/clouds.js';

const size = scenarioSize(150);
const [first, second] = platformIds;

describe('a worker', () => {
  let site: OneWorker;
  afterEach(() => site?.stop());

  const isCompleted = (workOrderId: string) => async () => {
    const [row] = await site.query<{ status: string }>('select status from work_order where work_order_id = $1', [
      workOrderId,
    ]);
    return { done: row?.status === 'completed', seen: JSON.stringify([row, await site.statuses()]) };
  };
  /** Completed orders of billing, by platform. */
  const completedOn = async (platformId: string) => {
    const [row] = await site.query<{ count: number }>(
      `select count(distinct o.order_id)::int as count from work_order o join work_order_item i using (order_id)
        where o.kind = 'billing' and o.status = 'completed' and i.platform_id = $1`,
      [platformId],
    );
    return row?.count ?? 0;
  };

  /** What the cloud did for a tenant's orders. */
  const effectsOf = async (tenant: string) => {
    const rows = await site.query<{ marker: string }>(
      `select c.marker from cloud_operation c join work_order o using (order_id) where o.account_id = $1`,
      [tenant],
    );
    const markers = new Set(rows.map(({ marker }) => marker));
    return (await site.cloud(first).effects()).filter(({ marker }) => marker !== null && markers.has(marker));
  };

  it('gives a tenant with one order its turns while another floods the same account', async () => {
    const random = seededRandom(scenarioSeed('fairness'));
    site = await OneWorker.start({ platformIds: [first], callsPerSecond: 300 });
    // Both tenants have been there before: their networks stand.
    for (const tenant of ['flood', 'small']) {
      await until(
        `${tenant}'s first order to be completed`,
        isCompleted(await site.order(random, tenant, first)),
        60_000,
      );
    }
    // All of them wait before any is begun, the one order behind all others: so what decides is the queue alone.
    const set = async (state: string) => {
      await site.query(`update platform set state = $1, updated_at = clock_timestamp()`, [state]);
      await site.worker.platforms.refresh();
    };
    await set('maintenance');
    let last = '';
    for (let i = 0; i < size; i++) last = await site.order(random, 'flood', first);
    const workOrderId = await site.order(random, 'small', first);
    await until(
      'all of them to wait',
      async () => {
        const { parked } = site.worker.platforms.weatherOf(first);
        return { done: parked > size, seen: `${parked} parked` };
      },
      60_000,
    );
    const ofOneOrder = (await effectsOf('flood')).length;
    await set('open');
    await until("the small tenant's order to be completed", isCompleted(workOrderId), 120_000);
    const meanwhile = (await effectsOf('flood')).length - ofOneOrder;
    process.stderr.write(`${meanwhile} of ${size * ofOneOrder} effects for the flood while the one order was built\n`);
    // First come, first served would have let all of the flood begin before it. How many turns each call waits is counted in
    // test/runner/fair-turns.test.ts; here jobs take their time, and how much of the flood that lets through is no promise.
    expect((await isCompleted(last)()).done).toBe(false);
  }, 240_000);

  it("goes on with one cloud's orders while another cloud hangs", async () => {
    const random = seededRandom(scenarioSeed('hanging'));
    site = await OneWorker.start({ platformIds: [first, second], callsPerSecond: 300, requestTimeoutMs: 500 });
    await site.cloud(first).fault({ operation: '*', kind: 'late', delayMs: 60_000, times: 1_000_000 });
    for (let i = 0; i < 10; i++) {
      await site.order(random, 'tenant', first);
      await site.order(random, 'tenant', second);
    }
    await until(
      'all on the good cloud to be completed',
      async () => ({ done: (await completedOn(second)) === 10, seen: JSON.stringify(await site.statuses()) }),
      60_000,
    );
    expect(await completedOn(first)).toBe(0);
    await site.cloud(first).clearFaults();
    await until(
      'the others to be completed too',
      async () => ({ done: (await completedOn(first)) === 10, seen: JSON.stringify(await site.statuses()) }),
      60_000,
    );
  }, 180_000);
});
