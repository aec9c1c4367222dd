/**
 * `npm run bench:naive`: the same four runs with our worker and with the naive one, counted alike from outside. Not a test of
 * `npm test` (it takes minutes); of our worker every count must be zero.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../src/json.js';
import { reportProof } from '../../support/proof-result.js';
import { damaged, damages } from '../../support/scenario-damage.js';
import { freshOrder, type GoodOrder, messageOf, type ScenarioMessage } from '../../support/scenario-orders.js';
import { type Random, scenarioSeed, scenarioSize, seededRandom } from '../../support/scenario-random.js';
import { Contender, type ContenderName, contenders } from './contender.js';
import { DurablePostgres } from './durable-postgres.js';
import type { Tally } from './tally.js';

const numberOf = (name: string, usual: number): number => Number(process.env[name] ?? '') || usual;
const size = scenarioSize(300);
const kills = numberOf('KILLS', 20);
/** A part of the messages is sent before these. */
const waves = Math.min(3, kills);
const waveStarts = Array.from({ length: waves }, (_, i) => Math.floor((i * kills) / waves));
const restarts = numberOf('RESTARTS', 10);
const lost = numberOf('LOST', 0.3);
/** With nothing happening for so long a run is over: longer than Kafka waits for a dead member of the group. */
const quietMs = numberOf('QUIET_SECONDS', 45) * 1_000;
/** Only so that nothing hangs for ever; on a busy machine the naive one needs a quarter of an hour for the kills. */
const timeoutMs = 1_800_000 + size * 2_000;
const seed = scenarioSeed('bench:naive');

/** Effects of the cloud per order of the samples, about. */
const effectsPerOrder = 5;

interface Traffic {
  orders: GoodOrder[];
  messages: ScenarioMessage[];
}

/** Good orders, and a tenth of them once more, byte for byte: what the naive worker's team had in mind too. */
function traffic(random: Random): Traffic {
  const made = Array.from({ length: size }, () => freshOrder(random));
  const messages = made.map(({ order }) => messageOf(order));
  for (let i = 0; i < size / 10; i++) {
    const at = random.int(0, messages.length - 1);
    messages.splice(random.int(at + 1, messages.length), 0, messages[at] as ScenarioMessage);
  }
  return { orders: made.map(({ facts }) => facts), messages };
}

/** So many messages that no order can be made of: cut off, wrongly quoted, wrongly typed, and with a NUL in a name. */
function poison(random: Random, count: number): ScenarioMessage[] {
  return Array.from({ length: count }, (_, i) => {
    const { order } = freshOrder(random);
    const damage = damages[i % (damages.length + 1)];
    return damage === undefined ? withNul(order) : damaged(messageOf(order), order, damage, random);
  });
}

/** Valid JSON, and a text that PostgreSQL cannot hold. */
function withNul(order: JsonObject): ScenarioMessage {
  for (const item of order['workOrderItems'] as JsonObject[]) {
    const config = JSON.parse(item['workOrderItemConfig'] as string) as JsonObject;
    if (item['resourceType'] === 'VM') config['vmName'] = 'host\u0000';
    item['workOrderItemConfig'] = JSON.stringify(config);
  }
  return { ...messageOf(order), made: 'a NUL in a name' };
}

/** Waits until the cloud has seen so many more effects, or until it has seen none for a while. */
async function someEffects(contender: Contender, count: number): Promise<void> {
  const seen = async (): Promise<number> => (await contender.world.cloud.effects()).length;
  const from = await seen();
  let moved = { effects: from, at: Date.now() };
  for (const giveUpAt = Date.now() + 20_000; Date.now() < giveUpAt; await sleep(20)) {
    const effects = await seen();
    if (effects !== moved.effects) moved = { effects, at: Date.now() };
    if (effects >= from + count || Date.now() - moved.at > 4_000) return;
  }
}

/** Waits until the group is behind by no more than so many messages. */
async function untilRead(contender: Contender, behind: number): Promise<void> {
  const { billing, groupId } = contender.world;
  const giveUpAt = Date.now() + 60_000;
  while ((await billing.lag(groupId)) > behind && Date.now() < giveUpAt) await sleep(100);
}

interface Run extends Partial<Tally> {
  seconds: number;
  crashes: number;
  /** Bad messages that nobody was told of. */
  badUnanswered?: number;
}

interface Scenario {
  name: string;
  durable?: boolean;
  run(contender: Contender, traffic: Traffic, random: Random, database: DurablePostgres): Promise<{ bad?: number }>;
}

const scenarios: Scenario[] = [
  {
    name: `kill -9, ${kills} times`,
    async run(contender, { messages }, random) {
      const part = (share: number): number => Math.floor((share * messages.length) / waves);
      for (let i = 0; i < kills; i++) {
        const wave = waveStarts.indexOf(i);
        const sent = messages.slice(part(wave), part(wave + 1));
        if (wave >= 0) await contender.world.billing.send(sent);
        await contender.start();
        // It dies in the middle of the intake, too; the group waits for its dead member first.
        if (wave >= 0) await untilRead(contender, random.int(0, Math.floor(sent.length / 2)));
        await someEffects(contender, random.int(1, (2 * size * effectsPerOrder) / kills));
        await sleep(random.int(0, 20));
        await contender.kill();
      }
      await contender.start();
      return {};
    },
  },
  {
    name: `every create's answer lost with p = ${lost}`,
    async run(contender, { messages }) {
      const creates = ['create*', 'deployVirtualMachine', 'associateIpAddress'];
      await contender.addFaults(creates.map((operation) => ({ operation, kind: 'lose-answer', probability: lost })));
      await contender.start();
      await contender.world.billing.send(messages);
      return {};
    },
  },
  {
    name: `PostgreSQL crashed ${restarts} times`,
    durable: true,
    async run(contender, { messages }, random, database) {
      await contender.start();
      await contender.world.billing.send(messages);
      for (let i = 0; i < restarts; i++) {
        await sleep(random.int(1_500, 3_000));
        await database.crash();
      }
      return {};
    },
  },
  {
    name: 'one message in ten is poison',
    async run(contender, { messages }, random) {
      const bad = poison(random, Math.ceil(size / 10));
      const mixed = [...messages];
      for (const message of bad) mixed.splice(random.int(0, mixed.length), 0, message);
      await contender.start();
      await contender.world.billing.send(mixed);
      return { bad: bad.length };
    },
  },
];

describe(`${size} orders each`, () => {
  let database: DurablePostgres;
  beforeAll(async () => {
    database = await DurablePostgres.start();
  }, 120_000);
  afterAll(() => database?.stop(), 60_000);

  const chosen = scenarios.filter(({ name }) => new RegExp(process.env['ONLY'] ?? '').test(name));
  const runs = chosen.flatMap((scenario) => contenders.map((name) => ({ scenario, name })));
  it.each(runs)(
    '$scenario.name: $name',
    async ({ scenario, name }) => {
      const counted = await compete(scenario, name, database);
      const line = { scenario: scenario.name, worker: name, ...counted };
      process.stderr.write(`${JSON.stringify(line)}\n`);
      const file = process.env['COMPARISON_RESULT'];
      if (file) appendFileSync(file, `${JSON.stringify(line)}\n`);
      if (name === 'naive') return;
      const { completed, failed, withoutEnd, doubled, lost: nobodys, secondEnds, notAsTold, badUnanswered } = counted;
      const figures = { completed, failed, withoutEnd, doubled, lost: nobodys, secondEnds, notAsTold };
      const zeros = { failed: 0, withoutEnd: 0, doubled: 0, lost: 0, secondEnds: 0, notAsTold: 0 };
      reportProof({ runs: 1, violations: [] });
      expect({ ...figures, badUnanswered: badUnanswered ?? 0 }).toEqual({
        completed: size,
        ...zeros,
        badUnanswered: 0,
      });
    },
    timeoutMs,
  );
});

async function compete({ run, durable }: Scenario, name: ContenderName, database: DurablePostgres): Promise<Run> {
  // The same seed for both: the same orders, and the same moments as far as they are chosen.
  const random = seededRandom(seed);
  const options = { latency: '50-400', ...(durable && { database: await database.database() }) };
  const contender = await Contender.enter(name, 'naive-bench', options);
  try {
    const sent = traffic(random);
    const started = Date.now();
    const { bad } = await run(contender, sent, random, database);
    await contender.untilQuiet(sent.orders, quietMs);
    const told = new Set(contender.world.billing.rejections.map(({ messageId }) => messageId)).size;
    return {
      ...(await contender.count(sent.orders)),
      ...(bad !== undefined && { badUnanswered: bad - told }),
      crashes: contender.crashes,
      seconds: Math.round((Date.now() - started) / 1_000),
    };
  } finally {
    await contender.leave();
  }
}
