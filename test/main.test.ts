import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';
import { type Config, loadConfig } from '../src/config.js';
import { createKafka } from '../src/consumers/kafka-client.js';
import { createLog, type Running, startOrderwright } from '../src/main.js';
import type { CloudEvent } from '../src/publishers/cloud-event.js';
import { startSimulatedCloudStack } from '../src/simulators/cloudstack/server.js';
import { buryWorkers } from '../src/store/ownership.js';
import { fixture, order60 } from './consumers/messages.js';
import { until } from './store/support.js';
import { ControlSide } from './support/control-side.js';
import { emptyTestDatabase, testDatabase, type TestDatabase } from './support/database.js';
import { kafkaForTests, uniqueTopic } from './support/kafka.js';

const silent = pino({ level: 'silent' });
const keys = { apiKey: 'the-api-key', secretKey: 'the-secret-key-of-the-tests' };

describe('orderwright as a whole', () => {
  let database: TestDatabase;
  let folder: string;
  let cloud: Awaited<ReturnType<typeof startSimulatedCloudStack>>;
  let running: Running[];

  beforeEach(async () => {
    database = await testDatabase();
    folder = await mkdtemp(join(tmpdir(), 'orderwright-main-'));
    cloud = await startSimulatedCloudStack({ ...keys, latencyMs: { min: 1, max: 20 } });
    running = [];
  });
  afterEach(async () => {
    for (const one of running) await one.stop();
    await cloud.close();
    await database.drop();
    await rm(folder, { recursive: true });
  });

  const platform = (change: object = {}) => ({
    platformId: 'sjif259a8d3011e7aebb005056aaa8be',
    name: 'dc-2',
    kind: 'cloudstack',
    serviceUrl: cloud.serviceUrl,
    credentials: keys,
    settings: {
      createOfferings: true,
      diskOfferings: { SATA: 'SATA', SSD: 'SSD' },
      callsPerSecond: 500,
      pace: { settleMs: 50, holdMs: 100, cutMs: 100, watchMs: 20, retryMs: 50, pollMinMs: 10, pollMaxMs: 50 },
    },
    ...change,
  });
  async function platformsFile(content: unknown): Promise<string> {
    const path = join(folder, 'platforms.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }
  const configOf = (env: Record<string, string> = {}): Config =>
    loadConfig(
      {
        DATABASE_URL: database.url,
        ORDERWRIGHT_SECRET_KEY: Buffer.from('a key of the tests, 32 bytes long').subarray(0, 32).toString('base64'),
        PORT: '0',
        ...env,
      },
      'embedded',
    );
  async function start(env: Record<string, string> = {}, migrate = false): Promise<Running> {
    const one = await startOrderwright(configOf(env), { migrate, log: silent });
    running.push(one);
    return one;
  }
  const query = async <Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const get = async (url: string): Promise<{ status: number; text: string }> => {
    const answer = await fetch(url, { headers: { connection: 'close' } });
    return { status: answer.status, text: await answer.text() };
  };
  const submit = (url: string, body: Uint8Array) =>
    fetch(`${url}/v1/work-orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body,
    });
  const completed = (url: string, id: string) =>
    until(`${id} is final`, async () => {
      const order = JSON.parse((await get(`${url}/v1/work-orders/${id}`)).text) as {
        status: string;
        failure?: unknown;
      };
      if (order.status === 'held' || order.status === 'failed') throw new Error(JSON.stringify(order).slice(0, 2_000));
      return order.status === 'completed' && order;
    });
  const resources = () => ControlSide.at(cloud.url).resources();

  it('takes an order over HTTP all the way to a VM with its disks and its address', async () => {
    const { url } = await start({ ORDERWRIGHT_PLATFORMS: await platformsFile([platform()]) });
    expect(await get(`${url}/readyz`)).toMatchObject({ status: 200 });
    const answer = await submit(url, fixture('order-60.json'));
    expect(answer.status).toBe(202);
    const receipt = (await answer.json()) as { warnings: { code: string; path: string }[] };
    // Nobody has allowed the address that the sample names.
    expect(receipt.warnings).toContainEqual(expect.objectContaining({ path: 'msghandler_url' }));
    await completed(url, order60.workOrderId);
    const made = await resources();
    const vms = made.filter(({ kind }) => kind === 'vm');
    const volumes = made.filter(({ kind, attachedTo }) => kind === 'volume' && attachedTo !== null);
    expect(vms).toHaveLength(1);
    expect(volumes.length).toBeGreaterThanOrEqual(2);
    expect(made.filter(({ kind, attachedTo }) => kind === 'address' && attachedTo !== null)).toHaveLength(1);
    expect((await submit(url, fixture('order-60.json'))).status).toBe(200);
    const { text } = await get(`${url}/metrics`);
    expect(text).toMatch(/^orderwright_orders\{status="completed"\} 1$/m);
    expect(text).toMatch(/^orderwright_open_orders 0$/m);
    expect(text).not.toContain(order60.workOrderId);
  });

  it('takes an order from Kafka and tells of it there', async () => {
    const { brokers } = await kafkaForTests();
    const topics = { orders: uniqueTopic('orders'), events: uniqueTopic('events'), rejected: uniqueTopic('rejected') };
    const { url } = await start({
      ORDERWRIGHT_PLATFORMS: await platformsFile([platform()]),
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_GROUP_ID: topics.orders,
      KAFKA_TOPIC_ORDERS: topics.orders,
      KAFKA_TOPIC_EVENTS: topics.events,
      KAFKA_TOPIC_REJECTED: topics.rejected,
    });
    await until('it is in the consumer group', async () => (await get(`${url}/readyz`)).status === 200);
    const kafka = createKafka({ brokers, clientId: 'tests', groupId: '', topics }, silent);
    const [producer, consumer] = [kafka.producer(), kafka.consumer({ groupId: topics.events })];
    const told: CloudEvent[] = [];
    try {
      await Promise.all([producer.connect(), consumer.connect()]);
      await consumer.subscribe({ topics: [topics.events], fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => void told.push(JSON.parse(String(message.value)) as CloudEvent),
      });
      await producer.send({
        topic: topics.orders,
        messages: [{ key: order60.workOrderId, value: fixture('order-60.json') }],
      });
      await until('it is told that the order is completed', () =>
        told.some(({ type }) => type === 'orderwright.work-order.completed.v1'),
      );
    } finally {
      await Promise.all([producer.disconnect(), consumer.disconnect()]);
    }
    expect(told.map(({ sequence }) => sequence)).toEqual(told.map((_, i) => i + 1));
    expect(told[0]).toMatchObject({ type: 'orderwright.work-order.received.v1', subject: order60.workOrderId });
    expect(JSON.stringify(told)).not.toContain('123456');
  }, 180_000);

  it('goes on with an order when the worker that began it has stopped', async () => {
    const ORDERWRIGHT_PLATFORMS = await platformsFile([platform()]);
    const first = await start({ ORDERWRIGHT_PLATFORMS });
    await ControlSide.at(cloud.url).latency(300, 300);
    await submit(first.url, fixture('order-60.json'));
    await until('something is being built', async () => (await resources()).some(({ kind }) => kind === 'vm'));
    await first.stop();
    const second = await start({ ORDERWRIGHT_PLATFORMS });
    await completed(second.url, order60.workOrderId);
    expect((await resources()).filter(({ kind }) => kind === 'vm')).toHaveLength(1);
  });

  it('applies missing migrations when it is asked to, and says what is wrong when it is not', async () => {
    const empty = await emptyTestDatabase();
    try {
      const env = { DATABASE_URL: empty.url };
      await expect(start(env)).rejects.toThrow(/does not exist/);
      const { url } = await start(env, true);
      expect((await get(`${url}/healthz`)).status).toBe(200);
      await running.pop()?.stop();
    } finally {
      await empty.drop();
    }
  });

  it('leaves nothing open and no living worker behind when it stops, also when nothing ever came', async () => {
    const open = () =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => /TCP|Timeout|Immediate/.test(kind))
        .toSorted();
    const before = open();
    const one = await startOrderwright(configOf({ ORDERWRIGHT_PLATFORMS: await platformsFile([platform()]) }), {
      migrate: false,
      log: silent,
    });
    expect(open().length).toBeGreaterThan(before.length);
    await one.stop();
    await until('everything is closed', () => open().length <= before.length);
    // Whoever comes next buries what is left, without waiting for the lease.
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await buryWorkers(client as never, 2 ** 31);
    await client.end();
    expect(await query('select from worker')).toEqual([]);
    expect(
      await query(
        `select application_name from pg_stat_activity where datname = current_database() and application_name like 'orderwright%'`,
      ),
    ).toEqual([]);
    // A second call has nothing more to do.
    await one.stop();
  });

  it('leaves nothing open when it cannot start', async () => {
    const { url } = await start();
    const port = new URL(url).port;
    await expect(start({ PORT: port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const names = await query<{ name: string }>(
      `select distinct application_name as name from pg_stat_activity where datname = current_database() and application_name like 'orderwright%'`,
    );
    expect(names).toHaveLength(1);
  });

  it.each([
    ['is not there', null, /ORDERWRIGHT_PLATFORMS.*ENOENT/],
    ['is no JSON', '[{"secretKey": "hunter2",]', /^(?!.*hunter2).*ORDERWRIGHT_PLATFORMS.*not JSON/],
    ['misses what a platform needs', [{ platformId: 'p1', name: 'dc' }], /ORDERWRIGHT_PLATFORMS[^]*(kind|serviceUrl)/],
    ['has fields that nobody knows', [{ platformId: 'p1', url: 'http://x' }], /ORDERWRIGHT_PLATFORMS[^]*url/],
  ])('does not start when the platforms file %s, and names it', async (_what, content, message) => {
    const path = content === null ? join(folder, 'nowhere.json') : await platformsFile(content);
    const error = await start({ ORDERWRIGHT_PLATFORMS: path }).then(String, String);
    expect(error).toMatch(message);
    expect(error).toContain(path);
  });

  it('does not show the credentials of a platforms file that it refuses', async () => {
    const path = await platformsFile([platform({ credentials: { apiKey: 'hunter2', secretKey: 7 } })]);
    const error = await start({ ORDERWRIGHT_PLATFORMS: path }).then(String, String);
    expect(error).toContain('ORDERWRIGHT_PLATFORMS');
    expect(error).not.toContain('hunter2');
  });

  it('keeps a platform as it stands when the file names it again', async () => {
    await start({ ORDERWRIGHT_PLATFORMS: await platformsFile([platform()]) });
    await start({ ORDERWRIGHT_PLATFORMS: await platformsFile([platform({ name: 'renamed' })]) });
    expect(await query('select name from platform')).toEqual([{ name: 'dc-2' }]);
    const [row] = await query<{ text: string }>('select p::text as text from platform p');
    expect(row?.text).not.toContain(keys.secretKey);
  });

  it('does not start with a callback allow-list that it cannot read, and names each part', async () => {
    const env = { ORDERWRIGHT_CALLBACK_ALLOW: 'billing.example.com, *.example.com, 10.0.0.1/8, http://x' };
    const message = await start(env).then(String, String);
    for (const part of ['ORDERWRIGHT_CALLBACK_ALLOW', '*.example.com', '10.0.0.1/8', 'http://x'])
      expect(message).toContain(part);
    expect(message).not.toContain('billing.example.com"');
  });
});

describe('its log', () => {
  it('is made at the level that is asked for', () => {
    expect(createLog('silent').level).toBe('silent');
  });
});
