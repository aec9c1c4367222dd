/**
 * A cloud goes dark with orders under way, more orders arrive, and it comes back. `ORDERS=200 DARK_SECONDS=600` is the long
 * version (U10).
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { OneWorker } from '../support/one-worker.js';
import { type Random, scenarioSeed, scenarioSize, seededRandom } from '../support/scenario-random.js';
import { until } from '../support/scenario-wait.js';
import { platformIds } from '../support/clouds.js';

const size = scenarioSize(30);
const darkSeconds = Number(process.env['DARK_SECONDS'] ?? '') || 3;
const [platformId] = platformIds;

describe('a cloud that goes dark', () => {
  let site: OneWorker;
  let random: Random;
  beforeEach(async () => {
    random = seededRandom(scenarioSeed('weather'));
    site = await OneWorker.start({ platformIds: [platformId], callsPerSecond: 500, latencyMs: { min: 50, max: 200 } });
  });
  afterEach(() => site?.stop());

  const weather = () => site.worker.platforms.weatherOf(platformId);
  const completed = async () => (await site.statuses())['completed'] ?? 0;
  const allCompleted = (count: number) =>
    until(
      'all orders to be completed',
      async () => ({
        done: (await completed()) === count,
        seen: JSON.stringify([await site.statuses(), weather(), await site.reasons()]),
      }),
      60_000 + count * 500,
    );

  it(
    'loses none of the orders that are under way or arrive, is left alone meanwhile, and costs none of them a try',
    async () => {
      for (let i = 0; i < size / 3; i++) await site.order(random, `tenant-${i % 3}`, platformId);
      await until(
        'some work to be under way',
        async () => {
          const { length } = await site.cloud(platformId).effects();
          return { done: length > size / 3, seen: `${length} effects` };
        },
        30_000,
      );
      await site.cloud(platformId).fault({ operation: '*', kind: 'unavailable', times: 1_000_000 });
      await until(
        'it to be noticed',
        async () => ({ done: weather().state === 'broken', seen: weather().state }),
        30_000,
      );
      const before = await site.cloud(platformId).countCalls();
      for (let i = 0; i < (size * 2) / 3; i++) await site.order(random, `tenant-${i % 3}`, platformId);
      await sleep(darkSeconds * 1_000);

      const inTheDark = (await site.cloud(platformId).countCalls()) - before;
      const probes = darkSeconds * 2 + 10;
      // What was under way when it broke, and probes: first every 100 ms, then every second.
      expect(inTheDark).toBeLessThan(16 + probes);
      expect(weather()).toMatchObject({ state: 'broken', reason: 'answered 503' });
      expect(weather().parked).toBeGreaterThan(0);
      const statuses = await site.statuses();
      expect((statuses['failed'] ?? 0) + (statuses['partial'] ?? 0) + (statuses['held'] ?? 0)).toBe(0);
      process.stderr.write(`dark for ${darkSeconds} s: ${inTheDark} calls, ${JSON.stringify(weather())}\n`);

      await site.cloud(platformId).clearFaults();
      const orders = Math.ceil(size / 3) + Math.ceil((size * 2) / 3);
      await allCompleted(orders);
      const [most] = await site.query<{ retries: number }>(
        `select max((context ->> 'retries')::int) as retries from cloud_operation`,
      );
      // Only the few calls by which it was found out count as tries.
      expect(most?.retries ?? 0).toBeLessThanOrEqual(2);
      const made = (await site.cloud(platformId).effects()).filter(
        ({ effect, kind }) => effect === 'created' && kind === 'vm',
      );
      expect(made).toHaveLength(orders);
      expect(new Set(made.map(({ marker }) => marker)).size).toBe(orders);
    },
    180_000 + darkSeconds * 1_000 + size * 1_000,
  );

  it('on purpose, for maintenance, keeps its orders too, and goes on when it is over', async () => {
    const set = async (state: string) => {
      await site.query(`update platform set state = $1, updated_at = clock_timestamp()`, [state]);
      await site.worker.platforms.refresh();
    };
    await set('maintenance');
    for (let i = 0; i < 3; i++) await site.order(random, 'tenant', platformId);
    await until(
      'all three to wait',
      async () => ({ done: weather().parked === 3, seen: JSON.stringify(weather()) }),
      20_000,
    );
    expect(await site.cloud(platformId).countCalls()).toBe(0);
    expect(await site.statuses()).toEqual({ received: 3 });
    await set('open');
    await allCompleted(3);
  });
});
