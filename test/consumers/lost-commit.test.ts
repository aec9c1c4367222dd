import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { pino } from 'pino';
import { InProcessCloud } from '../../bench/in-process-cloud.js';
import { Worker } from '../../src/runner/worker.js';
import { createSealer } from '../../src/secrets.js';
import { createHotPool } from '../../src/store/data-source.js';
import { applicationName, registerWorker, unregisterWorker } from '../../src/store/ownership.js';
import { insertPlatform } from '../../src/store/platforms.js';
import { openStore, storedOrders, until } from '../store/support.js';
import { samplePlatformId } from '../support/orders.js';
import { fixture } from './messages.js';

const sealer = createSealer(Buffer.alloc(32, 3).fill(9, 0, 4));
const pace = { settleMs: 5, holdMs: 10, cutMs: 10, watchMs: 5, retryMs: 5, pollMinMs: 1, pollMaxMs: 5 };

/** The connection is cut after PostgreSQL has done what it was asked for, and before it can say so. */
function losesAnswerTo(
  pool: pg.Pool,
  text: RegExp,
  /** Whether of what is asked on a client that was taken for a transaction, or on the pool itself. */
  of: (onClient: boolean) => boolean = () => true,
): { lost: number } {
  const counter = { lost: 0 };
  type Query = (...given: unknown[]) => Promise<unknown>;
  const cut = (query: Query, onClient: boolean): Query => {
    return async (...given) => {
      const answer = await query(...given);
      const [asked] = given;
      const sql = typeof asked === 'string' ? asked : ((asked as { text?: string }).text ?? '');
      if (counter.lost > 0 || !of(onClient) || !text.test(sql)) return answer;
      counter.lost += 1;
      throw new Error('Connection terminated unexpectedly');
    };
  };
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const query = pool.query.bind(pool) as unknown as Query;
  Object.assign(pool, {
    query: cut(query, false),
    connect: async (callback?: unknown) => {
      if (callback) return (connect as unknown as (given: unknown) => unknown)(callback);
      const client = await connect();
      const plain = Object.getPrototypeOf(client) as pg.PoolClient;
      return Object.assign(client, { query: cut(plain.query.bind(client) as unknown as Query, true) });
    },
  });
  return counter;
}

describe('when an answer of the database is lost', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  let pool: pg.Pool;
  let worker: Worker;
  beforeEach(async () => {
    store = await openStore(3);
    pool = createHotPool(store.url, { applicationName: applicationName('w1'), size: 5 });
    const sealedCredentials = sealer.seal('{}', samplePlatformId);
    const common = { name: 'dc', kind: 'in-process', serviceUrl: 'http://127.0.0.1:1', state: 'open' as const };
    await insertPlatform(pool, { ...common, platformId: samplePlatformId, settings: { pace }, sealedCredentials });
    worker = await Worker.build({
      pool,
      sealer,
      log: pino({ level: 'silent' }),
      workerId: 'w1',
      leaseMs: 15_000,
      createProvisioner: () => new InProcessCloud(),
      callbackWarnings: () => [],
      mayCallBack: () => false,
    });
  });
  afterEach(async () => {
    await worker.stop();
    await pool.end();
    await store.close();
  });
  const statuses = async () => {
    const { rows } = await store.pool.query<{ status: string }>(`select status from work_order where kind = 'billing'`);
    return rows.map(({ status }) => status);
  };
  const order60 = {
    channel: 'http' as const,
    origin: 'test',
    bytes: fixture('order-60.json'),
    contentType: null,
    headers: {},
  };

  it('to the commit of an order, the sender is promised nothing, and the order is built all the same', async () => {
    await worker.start();
    const answers = losesAnswerTo(pool, /^commit$/);
    await expect(worker.intake.receive(order60)).rejects.toThrow('terminated');
    expect(answers.lost).toBe(1);
    await until('it is completed', async () => (await statuses())[0] === 'completed');
    expect(await worker.intake.receive(order60)).toMatchObject({ verdict: 'duplicate', status: 'completed' });
  });

  it('to the placing of what orders share, it is found in our name and made, and no order waits for it for ever', async () => {
    await worker.start();
    // Looking at what is there costs a query that may be asked again; what has been placed must not be placed twice.
    const answers = losesAnswerTo(pool, /^\s*with[^]*insert into work_order /, (client) => !client);
    await worker.intake.receive(order60);
    await until('its placing is lost', () => answers.lost === 1);
    await until('it is completed', async () => (await statuses())[0] === 'completed', 30_000);
  }, 40_000);

  it.each([
    ['the taking over of orders', /update work_order o set worker_id/],
    ['the loading of orders just taken over', /from work_order o left join work_order_item i /],
  ])('to %s, they are found again and go on', async (_what, text) => {
    await worker.start();
    await registerWorker(store.pool, 'gone');
    await storedOrders(store.pool, 3, 'gone');
    const answers = losesAnswerTo(pool, text);
    await unregisterWorker(store.pool, 'gone');
    await until('all have moved on', async () => {
      const now = await statuses();
      return now.length === 3 && now.every((status) => status !== 'received');
    });
    expect(answers.lost).toBe(1);
  });
});
