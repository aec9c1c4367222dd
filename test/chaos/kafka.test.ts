/** The broker freezes, connections to it are cut, workers join and leave, every tenth record is poison; no record is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { kafkaForTests } from '../support/kafka.js';
import { makeScenario, type Scenario, type ScenarioMessage } from '../support/scenario-orders.js';
import { type Random, scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { until, untilQuiet } from '../support/scenario-wait.js';
import { World } from '../support/scenario-world.js';
import { ToxicProxy } from '../support/toxic-proxy.js';
import { brokerPid, drained, redirect, size, Supervisor, verdict } from './support.js';

const records = size('RECORDS', 1_000);
const seconds = size('SECONDS', 6);
const isLong = seconds >= 60;
const freezeMs = isLong ? 12_000 : 3_000;
const cutEveryMs = isLong ? 3_000 : 2_000;
/** Orders for the figure on poison: so many with it and so many without, in turns. */
const measured = size('MEASURED', 40);
const seed = scenarioSeed('chaos-kafka');
const drainMs = 60_000;
/** A machine that is busy with other things may take long; only the long run has a bar for that. */
const timeoutMs = seconds * 1_000 + records * 100 + measured * 400 + 600_000;

describe(`a broker that freezes for ${freezeMs / 1000} s and connections cut for ${seconds} s while ${records} records come in`, () => {
  let proxy: ToxicProxy;
  let world: World;
  let supervisor: Supervisor;
  beforeAll(async () => {
    const { brokers } = await kafkaForTests();
    const port = Number(brokers[0]?.split(':').at(-1));
    proxy = await ToxicProxy.start(port);
    world = await World.start('chaos-kafka');
    supervisor = new Supervisor(world, redirect(port, proxy.port));
  }, 240_000);
  afterAll(async () => {
    supervisor?.stop();
    await world?.stop();
    await proxy?.close();
  }, 60_000);

  it(
    'loses no record, takes none twice, and builds every order once',
    async () => {
      const random = seededRandom(seed);
      // A tenth of the records are orders, most are copies of them in all clothes, a tenth is damaged.
      const orders = Math.round(records / 10);
      const scenario = makeScenario(random, { orders, duplicates: 8, damage: 1 });
      await supervisor.add();
      await supervisor.add();
      await untilAllJoined(world, supervisor);

      const sending = sendOver(world, scenario.messages, (freezeMs + seconds * 1_000) * 0.9);
      await until(
        'the intake to be at work',
        async () => {
          const stored = await messagesStored(world);
          return { done: stored > records / 50, seen: `${stored} messages` };
        },
        60_000,
      );
      const recoveredMs = await freeze(world, proxy);
      const cuts = proxy.counters.cuts;
      const started = Date.now();
      let rebalances = 0;
      for (let i = 0; Date.now() - started < seconds * 1_000 || i < 3; i++) {
        await sleep(cutEveryMs);
        proxy.cutAll();
        if (i % 4 === 0) {
          rebalances += 2;
          await comeAndGo(supervisor, random);
        }
      }
      const lastCut = Date.now();
      await sending;
      await drained(world, scenario.messages.length, timeoutMs / 2);
      await untilQuiet(world, scenario.messages.length, timeoutMs / 2);
      const drainedMs = Date.now() - lastCut;
      const poison = await poisonFigure(world, random, scenario);
      const figures = {
        'kafka.records': scenario.messages.length,
        'kafka.orders': orders,
        'kafka.cuts': proxy.counters.cuts - cuts,
        'kafka.rebalances': rebalances,
        'kafka.recoveredMs': recoveredMs,
        'kafka.workersRestarted': supervisor.ends,
        'kafka.drainedMs': drainedMs,
        ...poison.figures,
      };
      const late = isLong && drainedMs > drainMs ? [`drained only ${drainedMs} ms after the last cut`] : [];
      expect(proxy.counters.cuts).toBeGreaterThan(cuts);
      expect(await verdict(world, poison.scenario, figures, { more: [...late, ...poison.slower] })).toEqual([]);
    },
    timeoutMs,
  );
});

async function messagesStored(world: World): Promise<number> {
  const [row] = await world.query<{ count: number }>('select count(*)::int as count from received_message');
  return row?.count ?? 0;
}

async function untilAllJoined(world: World, { workers }: Supervisor): Promise<void> {
  for (const worker of workers) {
    await until(
      'the worker to join the group',
      async () => {
        const { status } = await world.api(worker, '/readyz');
        return { done: status === 200, seen: `readyz ${status}` };
      },
      60_000,
    );
  }
}

async function sendOver(world: World, messages: ScenarioMessage[], overMs: number): Promise<void> {
  const parts = 50;
  for (let i = 0; i < parts; i++) {
    const part = messages.slice((i * messages.length) / parts, ((i + 1) * messages.length) / parts);
    await world.billing.send(part);
    await sleep(overMs / parts);
  }
}

/**
 * Nothing from the broker for a while. `CHAOS_FREEZE=broker` stops the broker itself, which only a run that has it for
 * itself may do; else the workers' connections to it stand still.
 *
 * @returns how long after its end the next record was stored, ms
 */
async function freeze(world: World, proxy: ToxicProxy): Promise<number> {
  const pid = process.env['CHAOS_FREEZE'] === 'broker' ? brokerPid() : null;
  if (pid === null) proxy.freeze();
  else process.kill(pid, 'SIGSTOP');
  try {
    await sleep(freezeMs);
  } finally {
    if (pid === null) proxy.thaw();
    else process.kill(pid, 'SIGCONT');
  }
  const thawed = Date.now();
  const before = await messagesStored(world);
  await until(
    'the intake to go on',
    async () => {
      const stored = await messagesStored(world);
      return { done: stored > before, seen: `${stored} messages, ${before} before` };
    },
    120_000,
  );
  return Date.now() - thawed;
}

/** One more worker joins the group and leaves it again, politely or not. */
async function comeAndGo(supervisor: Supervisor, random: Random): Promise<void> {
  const worker = await supervisor.add();
  await sleep(random.int(500, 3_000));
  await supervisor.end(worker, random.next() < 0.5 ? 'SIGTERM' : 'SIGKILL');
}

/** A damaged message as large as a topic takes: reading it costs most. */
function large(message: ScenarioMessage): ScenarioMessage {
  const bytes = Buffer.concat([
    Buffer.from(`{"workOrderId":"${message.workOrderId}","items":[`),
    Buffer.alloc(900_000, ' '),
  ]);
  return { ...message, bytes, becomes: { verdict: 'set-aside', code: 'MSG_JSON_SYNTAX' }, made: 'damaged: large' };
}

/** Whether poison in every tenth record slows the good ones: slices with it and without, in turns, in one run (I12). */
async function poisonFigure(
  world: World,
  random: Random,
  before: Scenario,
): Promise<{ scenario: Scenario; figures: Record<string, unknown>; slower: string[] }> {
  const slices = 8;
  const everyMs = 40;
  const all = { ...before };
  const sentAt = new Map<string, number>();
  const groups = { pure: [] as string[], poisoned: [] as string[] };
  for (let slice = 0; slice < slices; slice++) {
    const kind = slice % 2 === 0 ? 'pure' : 'poisoned';
    const part = makeScenario(random, {
      orders: Math.ceil((2 * measured) / slices),
      duplicates: 0,
      damage: kind === 'pure' ? 0 : 1 / 9,
    });
    const messages = part.messages.map((one) =>
      one.becomes.verdict !== 'order' && random.next() < 0.2 ? large(one) : one,
    );
    for (const message of messages) {
      if (message.becomes.verdict === 'order') {
        sentAt.set(message.workOrderId, Date.now());
        groups[kind].push(message.workOrderId);
      }
      // Not waited for: what is sent must not depend on how fast it is taken.
      void world.billing.send([message]);
      await sleep(everyMs);
    }
    all.orders = [...all.orders, ...part.orders];
    all.lost = [...all.lost, ...part.lost];
    all.messages = [...all.messages, ...messages];
    await untilQuiet(world, all.messages.length, 300_000);
  }
  const rows = await world.query<{ id: string; taken: number; ended: number }>(
    `select o.work_order_id as id, extract(epoch from m.received_at) * 1000 as taken,
            extract(epoch from o.finished_at) * 1000 as ended
       from work_order o join received_message m on m.order_id = o.order_id and m.verdict = 'accepted'
      where o.kind = 'billing'`,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const p99 = (ids: string[], what: 'taken' | 'ended'): number => {
    const waits = ids.map((id) => Number(byId.get(id)?.[what]) - (sentAt.get(id) ?? 0)).toSorted((a, b) => a - b);
    return Math.round(waits[Math.ceil(waits.length * 0.99) - 1] ?? Number.NaN);
  };
  const figures = {
    'kafka.measured': `${groups.pure.length} orders without poison, ${groups.poisoned.length} with`,
    'kafka.takenP99Ms': { without: p99(groups.pure, 'taken'), with: p99(groups.poisoned, 'taken') },
    'kafka.endedP99Ms': { without: p99(groups.pure, 'ended'), with: p99(groups.poisoned, 'ended') },
  };
  const slower = Object.entries(figures).flatMap(([name, figure]) =>
    typeof figure === 'object' && !(figure.with <= 2 * figure.without)
      ? [`${name}: poison slows the good ones from ${figure.without} to ${figure.with} ms`]
      : [],
  );
  // A p99 of a few dozen is their slowest one: a figure to read, no verdict.
  return { scenario: all, figures, slower: groups.poisoned.length >= 300 ? slower : [] };
}
