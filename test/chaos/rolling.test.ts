/** Workers are replaced one after the other while orders come in, as a deployment does; and one while the database is away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { testDatabase } from '../support/database.js';
import { HttpSender } from '../support/scenario-http.js';
import { makeScenario } from '../support/scenario-orders.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { progress, until, untilQuiet } from '../support/scenario-wait.js';
import { World } from '../support/scenario-world.js';
import { ToxicProxy } from '../support/toxic-proxy.js';
import { size, Supervisor, verdict } from './support.js';

const orders = size('ORDERS', 150);
/** How many times all workers are replaced. */
const rounds = size('ROUNDS', 1);
const seed = scenarioSeed('chaos-rolling');
/** What a supervisor waits before it kills. */
const graceMs = 30_000;
const timeoutMs = rounds * 120_000 + orders * 400 + 600_000;

describe('a worker that is asked to stop', () => {
  let world: World;
  let proxy: ToxicProxy | null = null;
  afterEach(async () => {
    await world?.stop();
    await proxy?.close();
    proxy = null;
  }, 60_000);

  it(
    `and is replaced, three of them in turn, ${rounds} times while ${orders} orders come in, leaves no order behind`,
    async () => {
      world = await World.start('chaos-rolling', { latency: '100-500' });
      const supervisor = new Supervisor(world);
      const random = seededRandom(seed);
      const scenario = makeScenario(random, { orders, duplicates: 0.1, damage: 0.05 });
      for (let i = 0; i < 3; i++) await supervisor.add();
      const posted = scenario.messages.filter(() => random.next() < 0.5);
      const sent = scenario.messages.filter((message) => !posted.includes(message));
      // Over about as long as the replacing takes.
      const overMs = rounds * 9_000;
      let turn = 0;
      const http = new HttpSender(world, () => supervisor.any((turn += 1)));
      for (const message of posted) http.post(message, random.int(0, overMs));
      const sending = (async () => {
        for (let i = 0; i < 20; i++) {
          await world.billing.send(sent.slice((i * sent.length) / 20, ((i + 1) * sent.length) / 20));
          await sleep(overMs / 20);
        }
      })();
      const stops: { code: number | null; ms: number }[] = [];
      let atWork = 0;
      for (let i = 0; i < 3 * rounds; i++) {
        await sleep(random.int(200, 1_500));
        const [oldest] = supervisor.workers;
        if (!oldest) throw new Error('no worker');
        atWork += (await progress(world)).open > 0 ? 1 : 0;
        stops.push(await supervisor.end(oldest, 'SIGTERM'));
        await supervisor.add();
      }
      await sending;
      await http.done();
      await untilQuiet(world, scenario.messages.length, timeoutMs / 2);
      supervisor.stop();
      const figures = {
        'rolling.orders': orders,
        'rolling.stops': stops.length,
        'rolling.atWork': atWork,
        'rolling.slowestStopMs': Math.max(...stops.map(({ ms }) => ms)),
        'rolling.workersRestarted': supervisor.ends,
      };
      const wrong = stops.flatMap(({ code, ms }) =>
        code === 0 && ms < graceMs ? [] : [`a worker ended with ${code} after ${ms} ms`],
      );
      expect(atWork).toBeGreaterThan(0);
      expect(
        await verdict(world, { ...scenario, unanswered: http.unanswered }, figures, { posted: http.sent, more: wrong }),
      ).toEqual([]);
    },
    timeoutMs,
  );

  it.each(process.env['DATABASE_AWAY'] === 'all' ? ['answers nothing', 'refuses connections'] : ['answers nothing'])(
    'while the database %s ends in time all the same, and the next one goes on with its orders',
    async (how) => {
      const database = await testDatabase();
      const url = new URL(database.url);
      proxy = await ToxicProxy.start(Number(url.port));
      url.port = String(proxy.port);
      world = await World.start('chaos-stop', { latency: '300-800', database, env: { DATABASE_URL: url.href } });
      const scenario = makeScenario(seededRandom(seed), { orders: 20, duplicates: 0, damage: 0 });
      const worker = await world.startWorker();
      const http = new HttpSender(world, () => worker);
      for (const message of scenario.messages) http.post(message);
      await http.done();
      await until(
        'the orders to be half-way',
        async () => {
          const { steps } = await progress(world);
          return { done: steps > 20 * 6, seen: `${steps} steps` };
        },
        180_000,
      );
      expect((await progress(world)).open).toBeGreaterThan(0);
      if (how === 'answers nothing') proxy.freeze();
      else proxy.turnAway(true);
      // Long enough for steps to be under way that cannot be stored.
      await sleep(500);
      const started = Date.now();
      const { code } = await worker.process.end('SIGTERM', graceMs);
      const stoppedMs = Date.now() - started;
      if (how === 'answers nothing') proxy.thaw();
      else proxy.turnAway(false);
      await world.startWorker();
      await untilQuiet(world, scenario.messages.length, timeoutMs / 2);
      const figures = { [`rolling.stopWithoutDatabaseMs, it ${how}`]: stoppedMs };
      const wrong = code === 0 ? [] : [`it ended with ${code}`];
      expect(
        await verdict(world, { ...scenario, unanswered: http.unanswered }, figures, { posted: http.sent, more: wrong }),
      ).toEqual([]);
    },
    timeoutMs,
  );
});
