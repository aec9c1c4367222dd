/** A worker is frozen for longer than its lease, wakes up with requests in its hands, and does no harm with them (I6). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SentMessage } from '../invariants/evidence.js';
import { HttpSender } from '../support/scenario-http.js';
import { makeScenario, type Scenario } from '../support/scenario-orders.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { progress, until, untilQuiet } from '../support/scenario-wait.js';
import { type RunningWorker, World } from '../support/scenario-world.js';
import { drained, size, verdict } from './support.js';

const rounds = size('ROUNDS', 2);
const orders = size('ORDERS', 30);
const seed = scenarioSeed('chaos-zombie');
const timeoutMs = rounds * (120_000 + orders * 400) + 600_000;

describe(`a worker frozen beyond its lease, ${rounds} times, each with ${orders} orders under way`, () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start('chaos-zombie', { latency: '100-500', env: { ORDERWRIGHT_LEASE_MS: '3000' } });
  }, 240_000);
  afterAll(() => world?.stop(), 60_000);

  /** Open orders of billing by the worker that has them. */
  async function openOrders(): Promise<Map<string, number>> {
    const rows = await world.query<{ owner: string; orders: number }>(
      `select worker_id as owner, count(*)::int as orders from work_order
        where finished_at is null and status <> 'held' and kind = 'billing' group by worker_id`,
    );
    return new Map(rows.map((row) => [row.owner, row.orders]));
  }

  it(
    'changes nothing that others have taken over, and goes on as a new worker',
    async () => {
      const random = seededRandom(seed);
      const zombie = await world.startWorker();
      const other = await world.startWorker();
      const scenario: Scenario = { orders: [], lost: [], messages: [], secrets: [], unanswered: 0 };
      const posted: SentMessage[] = [];
      const taken: number[] = [];
      for (let round = 1; round <= rounds; round++) {
        const part = makeScenario(random, { orders, duplicates: 0.1, damage: 0 });
        for (const name of ['orders', 'lost', 'messages', 'secrets'] as const)
          (scenario[name] as unknown[]).push(...part[name]);
        // Two thirds go to the one that will freeze, while both are at work.
        const http = new HttpSender(world, () => (random.next() < 2 / 3 ? zombie : other));
        for (const message of part.messages) http.post(message, random.int(0, 1_000));
        const { steps } = await progress(world);
        await http.done();
        scenario.unanswered += http.unanswered;
        posted.push(...http.sent);
        const wanted = steps + random.int(orders * 4, orders * 14);
        await until(
          'the orders to be half-way',
          async () => {
            const now = await progress(world);
            return { done: now.steps >= wanted || now.open === 0, seen: `${now.steps} of ${wanted} steps` };
          },
          180_000,
        );
        taken.push(await freezeOnce(zombie, other, round % 2 === 0));
        await drained(world, scenario.messages.length, 180_000);
      }
      await untilQuiet(world, scenario.messages.length, timeoutMs / 2);
      const figures = {
        'zombie.rounds': rounds,
        'zombie.orders': scenario.orders.length,
        'zombie.ordersTakenOver': taken,
      };
      expect(Math.max(...taken)).toBeGreaterThan(0);
      expect(zombie.process.exit).toBeNull();
      expect(await verdict(world, scenario, figures, { posted })).toEqual([]);
    },
    timeoutMs,
  );

  /** @returns how many open orders the frozen worker had */
  async function freezeOnce(zombie: RunningWorker, other: RunningWorker, untilAllIsOver: boolean): Promise<number> {
    const lives = (): number => zombie.process.log().split('starts anew').length;
    const before = lives();
    const frozenAt = new Date().toISOString();
    process.kill(zombie.process.pid, 'SIGSTOP');
    try {
      const owned = await openOrders();
      const had = [...owned].reduce((sum, [owner, count]) => sum + (owner === other.workerId ? 0 : count), 0);
      await until(
        'the other to have everything',
        async () => {
          const [left, workers] = [await openOrders(), await world.query('select from worker')];
          left.delete(other.workerId);
          const done =
            left.size === 0 && workers.length === 1 && (!untilAllIsOver || (await progress(world)).open === 0);
          return { done, seen: JSON.stringify([...left]) };
        },
        180_000,
      );
      return had;
    } finally {
      // To be laid beside the cloud's log of effects, should there be too many of them.
      process.stderr.write(`frozen from ${frozenAt} to ${new Date().toISOString()}\n`);
      process.kill(zombie.process.pid, 'SIGCONT');
      await until(
        'it to find out and go on',
        async () => ({ done: lives() > before, seen: zombie.process.log().slice(-300) }),
        120_000,
      );
      await sleep(200);
    }
  }
});
