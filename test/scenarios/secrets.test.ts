/** A root password is seen by the cloud that needs it, and by nobody and nothing else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runFolder } from '../support/run-folder.js';
import { freshOrder, makeScenario, messageOf, type Scenario } from '../support/scenario-orders.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { guises } from '../invariants/guises.js';
import { dump, leaks } from '../support/scenario-secrets.js';
import { until, untilQuiet } from '../support/scenario-wait.js';
import { type RunningWorker, World } from '../support/scenario-world.js';

describe('the passwords of good, repeated, conflicting and damaged orders', () => {
  let world: World;
  let worker: RunningWorker;
  let scenario: Scenario;
  const answers: string[] = [];

  beforeAll(async () => {
    world = await World.start('secrets', { env: { LOG_LEVEL: 'trace' } });
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
    scenario.secrets.push(facts.rootPassword, other);
    scenario.messages.push(first, second);
    await world.billing.send(scenario.messages);
    await untilQuiet(world, scenario.messages.length, 60_000);
    // Once more over HTTP, through both doors.
    for (const { bytes, contentType } of scenario.messages) {
      for (const path of ['/api/msg/order/', '/v1/work-orders']) {
        const init = { method: 'POST', body: new Uint8Array(bytes), headers: { 'content-type': contentType } };
        answers.push(await (await world.api(worker, path, init)).text());
      }
    }
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
    expect(rows).toHaveLength(scenario.orders.length + 1);
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
