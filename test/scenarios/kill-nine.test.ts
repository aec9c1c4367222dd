/** Workers die at random moments, by SIGKILL and by SIGTERM; no order is lost and nothing is built twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { violations } from '../support/scenario-checks.js';
import { gather } from '../support/scenario-evidence.js';
import { HttpSender } from '../support/scenario-http.js';
import { makeScenario } from '../support/scenario-orders.js';
import { type Random, scenarioSeed, scenarioSize, seededRandom } from '../support/scenario-random.js';
import { progress, until, untilQuiet } from '../support/scenario-wait.js';
import { type RunningWorker, World } from '../support/scenario-world.js';

const kills = 20;
/** A part of the Kafka messages is sent before these. */
const waveStarts = [0, 7, 14];
const size = scenarioSize(300);
const seed = scenarioSeed('kill-nine');
const timeoutMs = 240_000 + size * 200;

let world: World;
beforeAll(async () => {
  world = await World.start('kill-nine', { latency: '50-400' });
}, 240_000);
afterAll(() => world?.stop(), 60_000);

/** Waits until so many more steps are stored, or until nothing has been left to do for a while. */
async function someSteps(count: number): Promise<void> {
  const from = (await progress(world)).steps;
  let moved = { steps: from, at: Date.now() };
  for (const giveUpAt = Date.now() + 20_000; Date.now() < giveUpAt; await sleep(5)) {
    const { steps, open } = await progress(world);
    if (steps !== moved.steps) moved = { steps, at: Date.now() };
    if (steps >= from + count || (open === 0 && Date.now() - moved.at > 1_500)) return;
  }
}

/** The i-th of so many shares. */
const share = <T>(all: T[], i: number, shares: number): T[] =>
  all.slice((i * all.length) / shares, ((i + 1) * all.length) / shares);

async function kafkaRecordsStored(): Promise<number> {
  const [row] = await world.query<{ count: number }>(
    `select count(*)::int as count from received_message where channel = 'kafka'`,
  );
  return row?.count ?? 0;
}

describe(`${kills} times kill -9 and a restart while ${size} orders come in by Kafka and HTTP`, () => {
  it(
    'loses no order and builds none twice',
    async () => {
      const random = seededRandom(seed);
      const scenario = makeScenario(random, { orders: size, duplicates: 0.1, damage: 0.05 });
      // Half is posted, little by little; the rest comes through Kafka in waves. Copies may go the other way.
      const posted = scenario.messages.filter(() => random.next() < 0.5);
      const sent = scenario.messages.filter((message) => !posted.includes(message));
      let worker: RunningWorker | null = null;
      const http = new HttpSender(world, () => worker);
      // Billing's message, the plan, and some twenty steps on the way.
      const usualSteps = (size * 22) / kills;
      let atWork = 0;
      for (let i = 0; i < kills; i++) {
        const wave = waveStarts.includes(i) ? share(sent, waveStarts.indexOf(i), waveStarts.length) : null;
        const stored = await kafkaRecordsStored();
        if (wave) await world.billing.send(wave);
        const toPost = share(posted, i, kills);
        for (const message of toPost.slice(1)) http.post(message, random.int(0, 1_500));
        const starting = world.startWorker();
        if (random.next() < 0.1) await killWhileItStarts(starting, random);
        const started = await starting.catch(() => null);
        worker = started?.process.exit === null ? started : null;
        // In a wave it dies in the middle of the intake: the group waits for its dead member first, some 15 s.
        if (wave && worker) {
          const some = random.int(1, Math.ceil(wave.length / 2));
          await until(
            'the wave to come in',
            async () => {
              const seen = (await kafkaRecordsStored()) - stored;
              return { done: seen >= some, seen: `${seen} of ${some} records` };
            },
            60_000,
          );
        }
        if (worker) await someSteps(random.int(1, 2 * usualSteps));
        atWork += (await progress(world)).open > 0 ? 1 : 0;
        // One is always on its way when the end comes.
        for (const message of toPost.slice(0, 1)) http.post(message);
        await sleep(random.int(0, 12));
        const killed = worker;
        worker = null;
        await killed?.process.end('SIGKILL');
      }
      worker = await world.startWorker();
      await http.done();
      const { unanswered } = http;
      await untilQuiet(world, scenario.messages.length, timeoutMs / 2);
      process.stderr.write(`${kills} kills, ${atWork} of them at work; ${unanswered} posts unanswered\n`);
      expect(violations({ ...scenario, unanswered }, await gather(world, http.sent))).toEqual([]);
      expect(await worker.process.end('SIGTERM')).toEqual({ code: 0, signal: null });
    },
    timeoutMs,
  );
});

async function killWhileItStarts(starting: Promise<RunningWorker>, random: Random): Promise<void> {
  starting.catch(() => undefined);
  await sleep(random.int(50, 1_200));
  await world.newestWorker()?.end('SIGKILL');
}
