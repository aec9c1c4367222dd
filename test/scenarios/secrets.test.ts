/** A root password is seen by the cloud that needs it, and by nobody and nothing else. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.js';
import { runFolder } from '../support/run-folder.js';
import { freshOrder, makeScenario, messageOf, type Scenario } from '../support/scenario-orders.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { guises } from '../invariants/guises.js';
import { dump, leaks } from '../support/scenario-secrets.js';
import { until, untilQuiet } from '../support/scenario-wait.js';
import { type RunningWorker, World } from '../support/scenario-world.js';

/** Into the config of the VM, which is JSON text inside JSON. */
function setRootPassword(order: JsonObject, rootPassword: string): void {
  for (const item of order['workOrderItems'] as JsonObject[]) {
    if (item['resourceType'] !== 'VM') continue;
    const config = JSON.parse(item['workOrderItemConfig'] as string) as JsonObject;
    item['workOrderItemConfig'] = JSON.stringify({ ...config, rootPassword });
  }
}

describe('the passwords of good, repeated, conflicting and damaged orders', () => {
  let world: World;
  let worker: RunningWorker;
  let scenario: Scenario;
  const answers: string[] = [];
  /** Secrets that are no order's; the token is made below. */
  const own = {
    secretKey: randomBytes(32).toString('base64'),
    webhookSecret: `whsec_${randomBytes(32).toString('base64')}`,
    awkward: `Ka"na\\ri/+é&${randomBytes(9).toString('hex')}%'<>`,
    stray: `Stray-${randomBytes(12).toString('hex')}`,
    guess: `guess-${randomBytes(12).toString('hex')}`,
    token: '',
  };

  beforeAll(async () => {
    world = await World.start('secrets', {
      env: {
        LOG_LEVEL: 'trace',
        ORDERWRIGHT_SECRET_KEY: own.secretKey,
        ORDERWRIGHT_CALLBACK_ALLOW: '127.0.0.1:9',
        ORDERWRIGHT_CALLBACK_SECRETS: own.webhookSecret,
      },
    });
    // PostgreSQL writes down every statement with its values.
    const [row] = await world.query<{ name: string }>('select current_database() as name');
    for (const setting of [
      `log_statement = 'all'`,
      'log_parameter_max_length = -1',
      `log_error_verbosity = 'default'`,
    ]) {
      await world.query(`alter database ${row?.name} set ${setting}`);
    }
    worker = await world.startWorker();
    const random = seededRandom(scenarioSeed('secrets'));
    scenario = makeScenario(random, { orders: 12, duplicates: 0.5, damage: 1 });
    // The same id with another password: a conflict that names what differs.
    const { order, facts } = freshOrder(random, 'order-60.json');
    const other = `Zy-${random.text(24, 'abcdefghijklmnopqrstuvwxyz')}`;
    const first = messageOf(order);
    const second = { ...first, bytes: Buffer.from(first.bytes.toString().replaceAll(facts.rootPassword, other)) };
    // One that every encoding on the way has to escape, and one under a name that nobody announced.
    const awkward = freshOrder(random, 'order-23.json');
    setRootPassword(awkward.order, own.awkward);
    const stray = freshOrder(random, 'order-86.json');
    stray.order['adminPassword'] = own.stray;
    stray.order['msghandler_url'] = 'http://127.0.0.1:9/result';
    scenario.secrets.push(facts.rootPassword, other);
    scenario.messages.push(first, second, messageOf(awkward.order), messageOf(stray.order));
    await world.billing.send(scenario.messages);
    await untilQuiet(world, scenario.messages.length, 60_000);
    // Once more over HTTP, through both doors.
    for (const { bytes, contentType } of scenario.messages) {
      for (const path of ['/api/msg/order/', '/v1/work-orders']) {
        const init = { method: 'POST', body: new Uint8Array(bytes), headers: { 'content-type': contentType } };
        answers.push(await (await world.api(worker, path, init)).text());
      }
    }
    // Tokens: one that was made, and one that somebody guessed, in the header and in the query.
    const made = await world.api(worker, '/v1/tokens', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name": "canary", "role": "viewer"}',
    });
    own.token = ((await made.json()) as { token: string }).token;
    const canary = { headers: { authorization: `Bearer ${own.token}` } };
    expect((await world.api(worker, '/v1/jobs', canary)).status).toBe(200);
    const guess = { headers: { authorization: `Bearer ${own.guess}` } };
    answers.push(await (await world.api(worker, `/v1/jobs?token=${own.guess}`, guess)).text());
    const file = join(runFolder(), `${world.name}.platforms.json`);
    const [platform] = JSON.parse(readFileSync(file, 'utf8')) as { credentials: Record<string, string> }[];
    scenario.secrets.push(...Object.values(own), ...Object.values(platform?.credentials ?? {}), world.token);
    expect(new Set(scenario.secrets).size).toBeGreaterThanOrEqual(12 + scenario.orders.length);
    await collectAnswers();
  }, 240_000);
  afterAll(() => world?.stop(), 60_000);

  async function collectAnswers(): Promise<void> {
    const read = async (path: string): Promise<string> => {
      const answer = await world.api(worker, path);
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 300)}`);
      answers.push(text);
      return text;
    };
    await read('/v1/work-orders?limit=200');
    for (const { workOrderId } of scenario.orders) {
      for (const what of ['', '/timeline', '/plan']) await read(`/v1/work-orders/${workOrderId}${what}`);
    }
    const rejected = JSON.parse(await read('/v1/rejected-messages?limit=200')) as { messages: { messageId: string }[] };
    expect(rejected.messages.length).toBeGreaterThan(12);
    for (const { messageId } of rejected.messages) await read(`/v1/rejected-messages/${messageId}`);
    for (const path of ['/v1/platforms', '/v1/jobs', '/v1/orphans', '/metrics']) await read(path);
    answers.push(await eventStream());
  }

  /** The stream of events until it has told of every order. */
  async function eventStream(): Promise<string> {
    const answer = await world.api(worker, '/v1/events');
    const reader = answer.body?.getReader();
    let text = '';
    await until(
      'the stream to tell everything',
      async () => {
        text += Buffer.from((await reader?.read())?.value ?? []).toString();
        const told = text.split('orderwright.work-order.completed.v1').length - 1;
        return { done: told >= scenario.orders.length, seen: `${told} completed` };
      },
      20_000,
    );
    await reader?.cancel();
    return text;
  }

  it('reach the cloud: the orders are completed', async () => {
    const rows = await world.query(`select from work_order where kind = 'billing' and status = 'completed'`);
    expect(rows).toHaveLength(scenario.orders.length + 3);
  });

  it('are in no answer of the API', () => {
    expect(answers.length).toBeGreaterThan(100);
    expect(leaks(scenario.secrets, { 'the API': answers.join('\n') })).toEqual([]);
  });

  it('are in no event and no rejection that goes to Kafka', () => {
    const { events, rejections } = world.billing;
    expect(rejections.length).toBeGreaterThan(12);
    const texts = {
      events: events.map(({ text }) => text).join('\n'),
      rejections: rejections.map(({ text }) => text).join('\n'),
    };
    expect(leaks(scenario.secrets, texts)).toEqual([]);
  });

  it('are in no log line, at any level', () => {
    const log = world.workerLogs();
    expect(log.includes('"msg":"ready"')).toBe(true);
    expect(leaks(scenario.secrets, { 'the log': log })).toEqual([]);
  });

  it('are in no column of any table', async () => {
    const text = await dump(world);
    expect(scenario.orders.every(({ workOrderId }) => text.includes(workOrderId))).toBe(true);
    expect(leaks(scenario.secrets, { 'the database': text })).toEqual([]);
  });

  it('are in no line of the log of PostgreSQL, which writes down every statement', () => {
    const given = process.env['ORDERWRIGHT_TEST_DATABASE_URL'] ?? '';
    if (given !== '')
      throw new Error('This test reads the log of a server of its own: unset ORDERWRIGHT_TEST_DATABASE_URL.');
    const log = readFileSync(join(runFolder(), 'postgres', 'postgres.log'), 'latin1');
    expect(log.includes('insert into received_message')).toBe(true);
    expect(scenario.orders.every(({ workOrderId }) => log.includes(workOrderId))).toBe(true);
    expect(leaks(scenario.secrets, { 'the log': log })).toEqual([]);
  });
});

describe('the search for passwords', () => {
  const secret = 'Sx-q8Zr5Tn2Wm7Kp4Lc9Vb3Hd6';
  it.each([
    ['raw', secret],
    ['in base64 with something before it', Buffer.from(`ab${secret}cd`).toString('base64')],
    ['in base64url', Buffer.from(`a${secret}`).toString('base64url')],
    ['in hex', Buffer.from(secret).toString('hex')],
    ['escaped', guises(secret).find((one) => one.startsWith('\\u')) ?? ''],
  ])('finds one %s', (_, text) => {
    expect(leaks([secret], { here: `before ${text} after` })).toHaveLength(1);
  });

  it('finds nothing where there is nothing', () => {
    expect(leaks([secret], { here: 'Sx-something else, and Sx-q8Zr cut short' })).toEqual([]);
  });
});
