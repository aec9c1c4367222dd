/** PostgreSQL is restarted without warning, its answers to commits are lost, its backends killed; no order is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpSender } from '../support/scenario-http.js';
import { makeScenario } from '../support/scenario-orders.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { progress, untilQuiet } from '../support/scenario-wait.js';
import { World } from '../support/scenario-world.js';
import { ToxicProxy } from '../support/toxic-proxy.js';
import { ChaosPostgres, drained, size, Supervisor, verdict } from './support.js';

const orders = size('ORDERS', 300);
const seconds = size('SECONDS', 6);
const seed = scenarioSeed('chaos-postgres');
const isLong = seconds >= 60;
/** Short runs restart more often, so that several restarts fall into them. */
const everyMs = isLong ? ([5_000, 10_000] as const) : ([1_200, 2_000] as const);
const drainMs = 60_000;
/** A machine that is busy with other things may take long; only the long run has a bar for that. */
const timeoutMs = seconds * 1_000 + orders * 200 + 600_000;

describe(`PostgreSQL restarted again and again for ${seconds} s while ${orders} orders come in`, () => {
  let postgres: ChaosPostgres;
  let proxy: ToxicProxy;
  let world: World;
  let supervisor: Supervisor;
  beforeAll(async () => {
    postgres = await ChaosPostgres.start();
    const database = await postgres.database();
    proxy = await ToxicProxy.start(postgres.port);
    world = await World.start('chaos-postgres', {
      latency: '50-300',
      database,
      env: { DATABASE_URL: database.workerUrl(proxy.port) },
    });
    supervisor = new Supervisor(world);
  }, 240_000);
  afterAll(async () => {
    supervisor?.stop();
    await world?.stop();
    await proxy?.close();
  }, 60_000);

  it(
    'loses no order, builds none twice and says nothing twice',
    async () => {
      const random = seededRandom(seed);
      const scenario = makeScenario(random, { orders, duplicates: 0.1, damage: 0.05 });
      await supervisor.add();
      await supervisor.add();
      // One answer to a write in so many never arrives: it is committed, and the worker does not know.
      proxy.lostAnswer = {
        request: /commit\0|save-steps|insert-|update |delete /i,
        // ReadyForQuery, outside a transaction.
        answer: 'Z\0\0\0\x05I',
        // The first one certainly, so that no run is without.
        chance: () => proxy.counters.lostAnswers === 0 || random.next() < 0.02,
      };
      const posted = scenario.messages.filter(() => random.next() < 0.5);
      const sent = scenario.messages.filter((message) => !posted.includes(message));
      let turn = 0;
      const http = new HttpSender(world, () => supervisor.any((turn += 1)));
      for (const message of posted) http.post(message, random.int(0, seconds * 1_000));
      const sending = sendSlowly(world, sent, seconds * 1_000);
      let [killed, atWork] = [0, 0];
      const until = Date.now() + seconds * 1_000;
      for (let i = 0; Date.now() < until || i < 3; i++) {
        await sleep(random.int(everyMs[0], everyMs[1]));
        killed += await killBackends(world, random.int(0, 4));
        atWork += (await openOrders(world)) > 0 ? 1 : 0;
        // Every third time it comes back with too few connections for everybody.
        const few = { max_connections: '10', superuser_reserved_connections: '3' };
        await postgres.restart(i % 3 === 1 ? few : {}, random.int(0, 1_500));
      }
      const lastRestart = Date.now();
      // The faults are over; what is left is to finish.
      const { lostAnswers } = proxy.counters;
      proxy.lostAnswer = null;
      const left = await progress(world);
      await sending;
      await http.done();
      const { unanswered } = http;
      await drained(world, scenario.messages.length, timeoutMs / 2);
      const drainedMs = Date.now() - lastRestart;
      await untilQuiet(world, scenario.messages.length, timeoutMs / 2);
      const late = isLong && drainedMs > drainMs ? [`drained only ${drainedMs} ms after the last restart`] : [];
      // A lost connection is no reason to end: seen once, a listener that came a moment too late.
      const ended = supervisor.ends.map((line) => `a worker ended by itself: ${line}`);
      const figures = {
        'postgres.orders': orders,
        'postgres.restarts': postgres.restarts,
        'postgres.restartsAtWork': atWork,
        'postgres.backendsKilled': killed,
        'postgres.lostAnswers': lostAnswers,
        'postgres.unansweredPosts': unanswered,
        'postgres.workersRestarted': supervisor.ends,
        'postgres.openAtLastRestart': left.open,
        'postgres.drainedMs': drainedMs,
      };
      expect(lostAnswers).toBeGreaterThan(0);
      expect(
        await verdict(world, { ...scenario, unanswered }, figures, { posted: http.sent, more: [...late, ...ended] }),
      ).toEqual([]);
    },
    timeoutMs,
  );
});

async function openOrders(world: World): Promise<number> {
  const now = await progress(world).catch(() => null);
  return now?.open ?? 0;
}

/** Ends so many of the workers' connections, whatever they are doing. */
async function killBackends(world: World, count: number): Promise<number> {
  const rows = await world
    .query(
      `select pg_terminate_backend(pid) from (select pid from pg_stat_activity
        where application_name like 'orderwright%' and pid <> pg_backend_pid() order by random() limit $1) as picked`,
      [count],
    )
    .catch((error: unknown) => {
      process.stderr.write(`no backend killed: ${String(error)}\n`);
      return [];
    });
  return rows.length;
}

async function sendSlowly(
  world: World,
  messages: Parameters<World['billing']['send']>[0],
  overMs: number,
): Promise<void> {
  const parts = 20;
  for (let i = 0; i < parts; i++) {
    const from = Math.floor((i * messages.length) / parts);
    await world.billing.send(messages.slice(from, Math.floor(((i + 1) * messages.length) / parts)));
    await sleep(overMs / parts);
  }
}
