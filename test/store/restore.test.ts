import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { EmbeddedPostgres } from '../../src/embedded/postgres.js';
import type { OrderState } from '../../src/machines/order-state.js';
import { eventMessage } from '../../src/publishers/event-message.js';
import { insertMessages, insertOrders } from '../../src/store/accept.js';
import { holdCursor, moveCursor } from '../../src/store/cursors.js';
import { createHotPool } from '../../src/store/data-source.js';
import { beginning, type Cursor, readEvents, type StoredEvent } from '../../src/store/events.js';
import { registerWorker } from '../../src/store/ownership.js';
import { readRejectedMessages } from '../../src/store/rejected-messages.js';
import { saveSteps } from '../../src/store/steps.js';
import { runMigrations } from '../../src/store/migrate.js';
import { createDatabase, dumpOf, restore, spendTransactions, startCluster, withClient } from '../support/dump.js';
import { fullStep, orderToAccept, until } from './support.js';

/** Everything stored is told, to every reader, in the order of each order, wherever the database is restored to. */
describe('a database that is restored from a dump', () => {
  const clusters: Record<string, EmbeddedPostgres> = {};
  const open: pg.Pool[] = [];
  let count = 0;
  beforeAll(async () => {
    // The numbers of the first lie between those of the others.
    for (const name of ['home', 'low', 'high']) clusters[name] = await startCluster(`restore-${name}`);
    await spendTransactions(clusters['home']?.url ?? '', 5_000);
    await spendTransactions(clusters['high']?.url ?? '', 60_000);
  }, 120_000);
  afterEach(async () => {
    await Promise.all(open.splice(0).map((pool) => pool.end()));
  });
  afterAll(async () => {
    for (const cluster of Object.values(clusters)) await cluster.stop();
  });

  const cluster = (name: string): EmbeddedPostgres => {
    const found = clusters[name];
    if (!found) throw new Error(name);
    return found;
  };
  const fresh = (name: string) => createDatabase(cluster(name), `r${(count += 1)}`);
  const poolOf = (url: string) => {
    const pool = createHotPool(url, { applicationName: 'orderwright test', size: 3 });
    open.push(pool);
    return pool;
  };
  /** An installation at home with so many orders that have begun. */
  const installation = async (): Promise<{ url: string; pool: pg.Pool }> => {
    const url = await fresh('home');
    await runMigrations(url);
    const pool = poolOf(url);
    await registerWorker(pool, 'w1');
    return { url, pool };
  };
  const moved = async (url: string, to: string): Promise<{ url: string; pool: pg.Pool }> => {
    const dump = await dumpOf(url, String((count += 1)));
    const there = await fresh(to);
    await restore(dump, there);
    const pool = poolOf(there);
    await registerWorker(pool, 'w1').catch(() => undefined);
    return { url: there, pool };
  };

  const begin = async (pool: pg.Pool): Promise<OrderState> => {
    const order = orderToAccept(`WO-${randomUUID()}`);
    await insertOrders(pool, [order]);
    return order.step.state;
  };
  const end = (pool: pg.Pool, state: OrderState) => saveSteps(pool, 'w1', [fullStep(state)]);
  const reject = async (pool: pg.Pool): Promise<string> => {
    const messageId = randomUUID();
    const body = { bodySha256: Buffer.alloc(32, 1), sealedBody: Buffer.from('x'), sealedProposal: null };
    const facts = { problems: [], orderId: null, workOrderId: null, headers: {}, repairs: [] };
    const verdict = { verdict: 'refused', code: 'MSG_JSON_SYNTAX' } as const;
    await insertMessages(pool, [{ messageId, channel: 'http', origin: messageId, ...verdict, ...body, ...facts }]);
    return messageId;
  };

  const named = ({ workOrderId, sequence }: StoredEvent) => `${workOrderId} ${sequence}`;
  /** What a reader who was at `from` is told until so much has come. Nothing more may come after it. */
  const read = async (pool: pg.Pool, from: Cursor, wanted: number) => {
    const told: StoredEvent[] = [];
    let at = from;
    await until(
      `${wanted} events, and there are ${told.length}`,
      async () => {
        const page = await readEvents(pool, at, 2);
        at = page.cursor;
        told.push(...page.events);
        return told.length >= wanted && page.events.length === 0;
      },
      10_000,
    );
    return { told, at };
  };
  /** What the publisher sends, as its loop does, at most so many at a time. */
  const publish = async (pool: pg.Pool, wanted: number) => {
    const from = await holdCursor(pool, 'kafka:events', 'w1', 60_000);
    if (!from) throw new Error('another worker publishes');
    const { told, at } = await read(pool, from, wanted);
    await moveCursor(pool, 'kafka:events', 'w1', at);
    return told.map(named);
  };
  const publishRejected = async (pool: pg.Pool, wanted: number) => {
    const from = await holdCursor(pool, 'kafka:rejected', 'w1', 60_000);
    if (!from) throw new Error('another worker publishes');
    return until(
      `${wanted} rejected messages`,
      async () => {
        const told = await readRejectedMessages(pool, from, 100);
        if (told.length < wanted) return null;
        await moveCursor(pool, 'kafka:rejected', 'w1', told.at(-1)?.cursor ?? from);
        return told.map(({ messageId }) => messageId);
      },
      10_000,
    );
  };

  it.each(['low', 'high', 'home'])(
    'in a cluster whose numbers are %s tells what was not told yet, and then what comes',
    async (where) => {
      const home = await installation();
      const [told, untold] = [await begin(home.pool), await begin(home.pool)];
      expect(await publish(home.pool, 2)).toHaveLength(2);
      await end(home.pool, told);
      const kept = await reject(home.pool);
      const there = await moved(home.url, where);
      await end(there.pool, untold);
      const later = await begin(there.pool);
      expect(await publish(there.pool, 3)).toEqual([
        `${told.workOrderId} 2`,
        `${untold.workOrderId} 2`,
        `${later.workOrderId} 1`,
      ]);
      const refused = await reject(there.pool);
      expect(await publishRejected(there.pool, 2)).toEqual([kept, refused]);
    },
    60_000,
  );

  it('tells everything once more when it is restored twice, with new things between', async () => {
    const home = await installation();
    const first = await begin(home.pool);
    const second = await moved(home.url, 'low');
    const state = await begin(second.pool);
    const third = await moved(second.url, 'high');
    await end(third.pool, state);
    const fourth = await moved(third.url, 'low');
    await end(fourth.pool, first);
    expect(await publish(fourth.pool, 4)).toEqual([
      `${first.workOrderId} 1`,
      `${state.workOrderId} 1`,
      `${state.workOrderId} 2`,
      `${first.workOrderId} 2`,
    ]);
  }, 60_000);

  it.each(['low', 'high'])(
    'tells a reader who comes back with his place of before (%s)',
    async (where) => {
      const home = await installation();
      const state = await begin(home.pool);
      const { at } = await read(home.pool, beginning, 1);
      const unread = await begin(home.pool);
      const there = await moved(home.url, where);
      await end(there.pool, state);
      const { told } = await read(there.pool, at, 2);
      expect(told.map(named)).toEqual([`${unread.workOrderId} 1`, `${state.workOrderId} 2`]);
    },
    60_000,
  );

  it.each(['low', 'high', 'home'])(
    'to an earlier moment tells a reader who had read on what comes instead, under ids of its own (%s)',
    async (where) => {
      const home = await installation();
      const state = await begin(home.pool);
      const dump = await dumpOf(home.url, `early-${where}`);
      // What is lost by the restore; a reader knows it.
      await end(home.pool, state);
      for (let i = 0; i < 5; i++) await begin(home.pool);
      const lost = await read(home.pool, beginning, 7);
      const url = await fresh(where === 'home' ? 'low' : where);
      await restore(dump, url);
      const pool = poolOf(url);
      await end(pool, state);
      const { told } = await read(pool, lost.at, 1);
      expect(told.map(named)).toEqual([`${state.workOrderId} 2`]);
      const idOf = (event: StoredEvent | undefined) => event && eventMessage('i', event).id;
      const before = lost.told.find((event) => named(event) === named(told[0] as StoredEvent));
      expect(before).toBeDefined();
      expect(idOf(told[0])).not.toBe(idOf(before));
    },
    60_000,
  );

  it('begins one new numbering when several workers start at once', async () => {
    const home = await installation();
    const state = await begin(home.pool);
    await publish(home.pool, 1);
    const dump = await dumpOf(home.url, 'several');
    const url = await fresh('low');
    await restore(dump, url);
    const pools = Array.from({ length: 4 }, () => poolOf(url));
    const orders = await Promise.all(pools.flatMap((pool) => [begin(pool), begin(pool)]));
    const [pool] = pools;
    if (!pool) throw new Error('no pool');
    await end(pool, state);
    const { rows } = await pool.query<{ eras: number }>(
      `select count(distinct tx::text::bigint >> 40)::int as eras from event where sequence = 1 and order_id <> $1`,
      [state.orderId],
    );
    expect(rows).toEqual([{ eras: 1 }]);
    expect((await publish(pool, 9)).toSorted()).toEqual(
      [...orders.map(({ workOrderId }) => `${workOrderId} 1`), `${state.workOrderId} 2`].toSorted(),
    );
  }, 60_000);

  it('is noticed over new connections by a worker that runs on while the server is exchanged', async () => {
    const home = await installation();
    const state = await begin(home.pool);
    const there = await moved(home.url, 'low');
    // The next worker found the numbers settled; then the dump is restored once more below its pool.
    await begin(there.pool);
    const name = new URL(there.url).pathname.slice(1);
    const dump = await dumpOf(home.url, 'exchanged');
    await withClient(cluster('low').url, async (client) => {
      await client.query(`drop database ${name} with (force)`);
      await client.query(`create database ${name}`);
    });
    await restore(dump, there.url);
    await until('the pool is connected again', () =>
      end(there.pool, state).then(
        () => true,
        () => false,
      ),
    );
    expect(await publish(there.pool, 2)).toEqual([`${state.workOrderId} 1`, `${state.workOrderId} 2`]);
  }, 60_000);

  it('needs no rights but those of the role that works with the tables', async () => {
    const home = await installation();
    const state = await begin(home.pool);
    const there = await moved(home.url, 'low');
    await withClient(there.url, async (client) => {
      await client.query(`create role runner login`);
      await client.query(`grant select, insert, update on all tables in schema public to runner`);
    });
    const url = new URL(there.url);
    url.username = 'runner';
    const pool = poolOf(url.href);
    await end(pool, state);
    expect(await publish(pool, 2)).toEqual([`${state.workOrderId} 1`, `${state.workOrderId} 2`]);
    const { rows } = await pool.query<{ cluster: string }>('select cluster from event_numbering');
    expect(rows[0]?.cluster).toMatch(/^\d{15,}\/[0-9A-F]{8}$/);
  }, 60_000);

  it('goes by its numbers alone where nobody may ask which cluster this is', async () => {
    const home = await installation();
    const state = await begin(home.pool);
    await withClient(home.url, (client) => client.query('revoke execute on function pg_control_system() from public'));
    const dump = await dumpOf(home.url, 'blind');
    const url = await fresh('low');
    await restore(dump, url);
    await withClient(url, async (client) => {
      await client.query('revoke execute on function pg_control_system() from public');
      await client.query(`create role blind login`);
      await client.query(`grant select, insert, update on all tables in schema public to blind`);
    });
    const there = new URL(url);
    there.username = 'blind';
    const pool = poolOf(there.href);
    await end(pool, state);
    expect(await publish(pool, 2)).toEqual([`${state.workOrderId} 1`, `${state.workOrderId} 2`]);
  }, 60_000);

  it('is left as it is: no event is written anew, however many there are', async () => {
    const home = await installation();
    await begin(home.pool);
    await withClient(home.url, (client) =>
      client.query(`insert into event (order_id, sequence, type, at, data)
                    select order_id, n, 'item.started', now(), '{}' from work_order, generate_series(2, 20000) as n`),
    );
    const there = await moved(home.url, 'low');
    const versions = async () => {
      const { rows } = await there.pool.query<{ written: string; count: number }>(
        'select xmin::text as written, count(*)::int from event group by 1',
      );
      return rows;
    };
    // All of them by the one statement that restored them.
    expect(await versions()).toEqual([{ written: expect.any(String), count: 20_000 }]);
    await begin(there.pool);
    expect((await versions()).map(({ count: written }) => written).toSorted((a, b) => a - b)).toEqual([1, 20_000]);
  }, 60_000);
});
