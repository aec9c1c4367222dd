import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findKafkaBroker, type KafkaBroker } from '../../embedded/kafka-broker.js';
import { type EmbeddedProfile, startEmbeddedProfile } from '../../embedded/profile.js';
import type { OrderJson } from '../../http/order-schemas.js';
import { Api } from '../api.js';
import type { Io } from '../io.js';
import { LiveRegion } from '../live.js';
import { isSettled } from '../progress.js';
import { cut, duration } from '../terminal.js';
import { untilAsked } from '../until-asked.js';
import { screenOf } from '../watch.js';
import { type CloudResource, judge, type Observed } from './expectation.js';
import { type OrderNumber, readSamples, type Sample, workOrderIds } from './samples.js';
import { httpSender, kafkaSender, type Sender } from './senders.js';
import { closing, PlainStage, type SentMessage, stage } from './stage.js';

export interface DemoOptions {
  /** Keeps the data here; without it a temporary folder is used and removed. */
  data: string | null;
  /** What all data centres are; null: one of each kind. */
  cloud: string | null;
  kafka: boolean;
  keep: boolean;
  /** Of the sample orders. */
  samples: URL;
}

const giveUpMs = 120_000;
const betweenMessagesMs = 350;

/** Starts everything, sends real work orders, shows how they are built, and judges the outcome. @returns the exit code */
export async function runDemo(options: DemoOptions, io: Io): Promise<number> {
  const began = io.now();
  if (options.data !== null && existsSync(join(options.data, 'postgres'))) {
    io.err(`There is data of an earlier run in ${options.data}, and the demo begins with nothing. Name a new folder.`);
    return 1;
  }
  const dataDir = options.data ?? (await mkdtemp(join(tmpdir(), 'orderwright-demo-')));
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  };
  const asked = untilAsked(io);
  const interrupted = new AbortController();
  void asked.promise.then(() => interrupted.abort());
  let good = false;
  try {
    io.out(
      `\n  ${io.paint('bold', 'Orderwright demo')}  ${io.paint('grey', 'real work orders of a cloud reseller, two simulated clouds')}\n`,
    );
    const broker = options.kafka ? await startBroker(dataDir, io, stops) : null;
    if (options.kafka && !broker) return 1;
    const profile = await start(dataDir, options.cloud, broker, io, stops);
    const samples = readSamples(options.samples);
    const api = new Api(profile.url, undefined);
    const sender = broker ? await kafkaSender(api, broker.brokers, topicsOf(profile)) : httpSender(api);
    stops.push(() => sender.close());

    const observed = await play(samples, api, sender, io, interrupted.signal);
    if (interrupted.signal.aborted) return 130;
    const clouds = await Promise.all(profile.simulators.map(readCloud));
    const findings = judge({ ...observed, resources: clouds.flatMap((cloud) => cloud.resources) });
    io.out(['', ...closing(clouds, findings, io)].slice(io.isTerminal ? 1 : 0).join('\n'));
    good = findings.every((one) => one.ok);
    io.out(
      good
        ? `  ${io.paint('green', 'Everything is as it should be')}, after ${duration(io.now() - began)}.\n`
        : `  ${io.paint('red', 'This is not as it should be.')} Logs: ${dataDir}\n`,
    );
    if (options.keep) {
      io.out(`  It stays up: ${io.paint('bold', profile.url)}   npx orderwright orders list --url ${profile.url}`);
      io.out(`  ${io.paint('grey', 'Ctrl-C stops it.')}\n`);
      await asked.promise;
    } else {
      io.out(
        `  ${io.paint('grey', `The API was at ${profile.url}; "npm run demo -- --keep" leaves it up, "npx orderwright up" starts your own.`)}\n`,
      );
    }
    return good ? 0 : 1;
  } finally {
    await stopAll();
    if (options.data === null && (good || interrupted.signal.aborted)) {
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

async function start(
  dataDir: string,
  cloud: string | null,
  broker: KafkaBroker | null,
  io: Io,
  stops: (() => Promise<void>)[],
): Promise<EmbeddedProfile> {
  // What the user's environment says is meant for "up" and "serve"; the demo is the same everywhere.
  const { KAFKA_BROKERS: _, ORDERWRIGHT_API_TOKENS: __, ...rest } = io.env;
  const profile = await startEmbeddedProfile({
    dataDir,
    cloud,
    port: null,
    guarded: true,
    env: broker ? { ...rest, KAFKA_BROKERS: broker.brokers.join(',') } : rest,
    latencyMs: { min: 300, max: 1_300 },
    say: (line) => io.status(`  ${line}`),
  });
  stops.push(() => profile.stop());
  const { simulators, postgres, url } = profile;
  const clouds = simulators.map(({ name, cloud: kind, origin }) => `${name} ${kind} ${origin}`).join('  ');
  io.out(
    cut(`  API ${io.paint('bold', url)}  ${io.paint('grey', `PostgreSQL ${postgres.port}  ${clouds}`)}`, io.columns),
  );
  io.out('');
  return profile;
}

async function startBroker(dataDir: string, io: Io, stops: (() => Promise<void>)[]): Promise<KafkaBroker | null> {
  const say = (line: string) => io.status(`  ${line}`);
  say('starting Kafka…');
  let last = '';
  const log = (line: string) => {
    last = line;
    say(line);
  };
  const broker = await findKafkaBroker({ dataDir: join(dataDir, 'kafka'), log });
  if (!broker) {
    io.err(`  ${last}`);
    return null;
  }
  stops.push(() => broker.stop());
  io.out(`  Kafka ${broker.version} at ${broker.brokers.join(', ')}  ${io.paint('grey', `(${broker.how})`)}`);
  return broker;
}

function topicsOf({ config }: EmbeddedProfile): { orders: string; events: string } {
  if (!config.kafka) throw new Error('the demo was started without Kafka');
  return config.kafka.topics;
}

/** Sends the messages while their orders are shown, until no order moves any more. */
async function play(
  samples: Sample[],
  api: Api,
  sender: Sender,
  io: Io,
  interrupted: AbortSignal,
): Promise<Omit<Observed, 'resources'>> {
  const messages: SentMessage[] = [];
  const ids = workOrderIds(samples);
  const titles = new Map([...ids].map(([number, id]) => [id, `order ${number}`]));
  const orders = new Map<OrderNumber, OrderJson>();
  const region = io.isTerminal ? new LiveRegion(screenOf(io)) : null;
  const plain = new PlainStage();
  const shown = () => [...ids.keys()].flatMap((number) => orders.get(number) ?? []);
  const draw = (frame: number) => {
    if (region) region.draw(stage(messages, shown(), titles, io, frame, process.stdout.rows ?? 24));
    else for (const line of plain.lines(messages, shown())) io.out(line);
  };
  const sending = sendAll(samples, sender, messages, interrupted);
  let sent = false;
  let failure: unknown = null;
  void sending.then(
    () => (sent = true),
    (error: unknown) => (failure = error),
  );
  const deadline = Date.now() + giveUpMs;
  try {
    for (let frame = 0; ; frame++) {
      if (failure !== null) throw failure;
      if (frame % 3 === 0) await look(api, sender, ids, orders, messages);
      const settled = ids.size === orders.size && shown().every(isSettled);
      const answered = messages.every((message) => message.verdict !== null);
      if ((sent && settled && answered && allEventsCame(sender, shown())) || interrupted.aborted) break;
      if (Date.now() > deadline) break;
      draw(frame);
      await sleep(100);
    }
    if (region) region.finish(stage(messages, shown(), titles, io, 0, Number.POSITIVE_INFINITY));
    else draw(0);
  } finally {
    region?.restore();
  }
  return { messages, orders, events: sender.events() };
}

async function sendAll(
  samples: Sample[],
  sender: Sender,
  messages: SentMessage[],
  interrupted: AbortSignal,
): Promise<void> {
  for (const sample of samples) {
    if (interrupted.aborted) return;
    const message: SentMessage = { sample, verdict: null };
    messages.push(message);
    message.verdict = await sender.send(sample);
    await sleep(betweenMessagesMs);
  }
}

async function look(
  api: Api,
  sender: Sender,
  ids: Map<OrderNumber, string>,
  orders: Map<OrderNumber, OrderJson>,
  messages: SentMessage[],
): Promise<void> {
  await Promise.all(
    [...ids].map(async ([number, id]) => {
      const before = orders.get(number);
      if (before && isSettled(before)) return;
      // Not there yet is no error here.
      const order = await api.get<OrderJson>(`/v1/work-orders/${id}`).catch(() => null);
      if (order) orders.set(number, order);
    }),
  );
  const waiting = messages.filter((message) => message.verdict === null);
  if (waiting.length === 0) return;
  const known = await sender.look([...ids.values()]);
  for (const message of waiting) message.verdict ??= known.get(message.sample.file) ?? null;
}

/** The events of an order are on their way a moment longer than the order itself. */
function allEventsCame(sender: Sender, orders: OrderJson[]): boolean {
  const events = sender.events();
  if (events === null) return true;
  return orders.every(
    (order) => events.get(order.workOrderId)?.at(-1)?.type === `orderwright.work-order.${order.status}.v1`,
  );
}

async function readCloud({
  name,
  origin,
}: {
  name: string;
  origin: string;
}): Promise<{ name: string; resources: CloudResource[] }> {
  const answer = await fetch(`${origin}/_sim/resources`, { signal: AbortSignal.timeout(10_000) });
  const { resources } = (await answer.json()) as { resources: CloudResource[] };
  return { name, resources };
}
