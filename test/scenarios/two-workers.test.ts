/** Two workers share a database and a consumer group; one of them goes away and does not come back. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { violations } from '../support/scenario-checks.js';
import { gather } from '../support/scenario-evidence.js';
import { makeScenario, type Scenario } from '../support/scenario-orders.js';
import { scenarioSeed, scenarioSize, seededRandom } from '../support/scenario-random.js';
import { progress, until, untilQuiet } from '../support/scenario-wait.js';
import { type RunningWorker, World } from '../support/scenario-world.js';

const size = scenarioSize(150);
const seed = scenarioSeed('two-workers');
const timeoutMs = 120_000 + size * 200;

describe('of two workers', () => {
  let world: World;
  let workers: RunningWorker[];
  let scenario: Scenario;

  beforeEach(async () => {
    world = await World.start('two-workers', { latency: '200-400' });
    workers = [await world.startWorker(), await world.startWorker()];
    const random = seededRandom(seed);
    scenario = makeScenario(random, { orders: size, duplicates: 0.1, damage: 0.05 });
    // Both are in the group and have partitions before anything comes.
    for (const worker of workers) {
      await until(
        'the worker to join the group',
        async () => {
          const { status } = await world.api(worker, '/readyz');
          return { done: status === 200, seen: `readyz ${status}` };
        },
        30_000,
      );
    }
    await world.billing.send(scenario.messages);
    await until(
      'both to be at work',
      async () => {
        const { steps } = await progress(world);
        const owners = await openOrdersByOwner();
        const done = steps > random.int(size * 2, size * 6) && Object.keys(owners).length === 2;
        return { done, seen: `${steps} steps, ${JSON.stringify(owners)}` };
      },
      60_000,
    );
  }, 240_000);
  afterEach(() => world?.stop(), 60_000);

  /** Open orders by the worker that has them. */
  async function openOrdersByOwner(): Promise<Record<string, number>> {
    const rows = await world.query<{ owner: string; orders: number }>(
      `select worker_id as owner, count(*)::int as orders from work_order
        where finished_at is null and status <> 'held' group by worker_id`,
    );
    return Object.fromEntries(rows.map(({ owner, orders }) => [owner, orders]));
  }

  /** How long the orders of a worker that is gone wait for another one. */
  async function waitForTakeover(gone: string): Promise<number> {
    const started = Date.now();
    await until(
      'its orders to be taken over',
      async () => {
        const owners = await openOrdersByOwner();
        return { done: owners[gone] === undefined, seen: JSON.stringify(owners) };
      },
      30_000,
    );
    return Date.now() - started;
  }

  it(
    'one is killed: the other takes its orders over within seconds and ends them all',
    async () => {
      const [killed] = workers;
      const gone = killed?.workerId ?? '';
      expect((await openOrdersByOwner())[gone]).toBeGreaterThan(0);
      await killed?.process.end('SIGKILL');
      const waitedMs = await waitForTakeover(gone);
      process.stderr.write(`after kill -9 taken over in ${waitedMs} ms\n`);
      expect(waitedMs).toBeLessThan(6_000);
      await untilQuiet(world, scenario.messages.length, timeoutMs / 2);
      expect(violations(scenario, await gather(world))).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'one is asked to stop: it ends with 0, and the other takes its orders over at once',
    async () => {
      const [stopped] = workers;
      const gone = stopped?.workerId ?? '';
      expect((await openOrdersByOwner())[gone]).toBeGreaterThan(0);
      const started = Date.now();
      expect(await stopped?.process.end('SIGTERM')).toEqual({ code: 0, signal: null });
      const stoppedMs = Date.now() - started;
      const waitedMs = await waitForTakeover(gone);
      process.stderr.write(`stopped in ${stoppedMs} ms, then taken over in ${waitedMs} ms\n`);
      expect(waitedMs).toBeLessThan(2_500);
      await untilQuiet(world, scenario.messages.length, timeoutMs / 2);
      expect(violations(scenario, await gather(world))).toEqual([]);
    },
    timeoutMs,
  );
});
