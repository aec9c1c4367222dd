import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  beginning,
  eventsOfOrder,
  newestCursor,
  parseCursor,
  printCursor,
  readEvents,
} from '../../src/store/events.js';
import { insertPlatform, listPlatforms, movePlatform } from '../../src/store/platforms.js';
import { listRejectedMessages, readRejectedMessage } from '../../src/store/views-messages.js';
import { listOrphans } from '../../src/store/views-operations.js';
import { findOrderId, listOrders } from '../../src/store/views.js';
import { testDatabase } from '../support/database.js';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;
beforeAll(async () => {
  database = await testDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => {});
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function order(
  workOrderId: string,
  change: { kind?: string; createdAt?: string; producer?: string } = {},
): Promise<string> {
  const orderId = randomUUID();
  await pool.query(
    `insert into work_order (order_id, kind, producer, work_order_id, user_id, account_id, status, machine, created_at)
     values ($1, $2, $3, $4, 'u', 'a', 'received', '{"value":"received","context":{"reason":null}}', $5)`,
    [
      orderId,
      change.kind ?? 'billing',
      change.producer ?? 'default',
      workOrderId,
      change.createdAt ?? new Date().toISOString(),
    ],
  );
  return orderId;
}

const event = (sql: Pick<pg.Pool, 'query'>, orderId: string, sequence: number) =>
  sql.query(
    `insert into event (order_id, sequence, type, item_index, at, data) values ($1, $2, 'work-order.planned', null, now(), '{}')`,
    [orderId, sequence],
  );

const page = { tenant: null, statuses: null, platformId: null, accountId: null, text: null };

/** Transaction numbers are those of the whole server: another test's open transaction delays what may be read. */
async function untilReadable(count: number) {
  for (const giveUpAt = Date.now() + 20_000; ; await sleep(20)) {
    const { events } = await readEvents(pool, beginning, 10);
    if (events.length >= count || Date.now() > giveUpAt) return events;
  }
}

describe('reading events', () => {
  beforeEach(() => pool.query('truncate event'));

  test('never gives out what an older transaction could still come before', async () => {
    const [slow, fast] = [await order('WO-slow'), await order('WO-fast')];
    const writer = await pool.connect();
    await writer.query('begin');
    await event(writer, slow, 1);
    // Committed at once, but with a higher transaction number than the one that is still open.
    await event(pool, fast, 1);
    const early = await readEvents(pool, beginning, 10);
    // Given back first: a connection that a failing test keeps ends the whole run when its database is dropped.
    await writer.query('commit');
    writer.release();
    expect(early).toEqual({ events: [], cursor: beginning, more: false });
    const events = await untilReadable(2);
    expect(events.map((one) => one.workOrderId)).toEqual(['WO-slow', 'WO-fast']);
  });

  test('goes on exactly where a page ended, within one transaction too', async () => {
    const orderId = await order('WO-pages');
    const writer = await pool.connect();
    await writer.query('begin');
    for (let sequence = 1; sequence <= 5; sequence++) await event(writer, orderId, sequence);
    await writer.query('commit');
    writer.release();
    await untilReadable(5);
    const seen: number[] = [];
    let cursor = beginning;
    for (let reads = 0; reads < 4; reads++) {
      const read = await readEvents(pool, cursor, 2);
      seen.push(...read.events.map((one) => one.sequence));
      cursor = parseCursor(printCursor(read.cursor)) ?? beginning;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect((await eventsOfOrder(pool, orderId)).map((one) => one.sequence)).toEqual([1, 2, 3, 4, 5]);
  });

  test('can begin with what happens from now on', async () => {
    const orderId = await order('WO-now');
    await event(pool, orderId, 1);
    await untilReadable(1);
    const now = await newestCursor(pool);
    await event(pool, orderId, 2);
    await untilReadable(2);
    const { events } = await readEvents(pool, now, 10);
    expect(events.map((one) => one.sequence)).toEqual([2]);
  });

  test('does not take the cursor of something else', () => {
    for (const text of [
      '',
      '1',
      '1-2-3',
      `${'9'.repeat(20)}-${randomUUID()}-1`,
      `1-${randomUUID()}-99999999999`,
      `1-${randomUUID()}-1; drop`,
    ]) {
      expect(parseCursor(text)).toBeNull();
    }
  });
});

describe('the list of orders', () => {
  test('is paged without gaps when many came in the same microsecond', async () => {
    const createdAt = '2031-01-01T00:00:00.123456Z';
    const ids = await Promise.all(Array.from({ length: 7 }, (_, i) => order(`WO-same-${i}`, { createdAt })));
    const seen: string[] = [];
    let after: Awaited<ReturnType<typeof listOrders>>['next'] = null;
    for (let reads = 0; reads < 3; reads++) {
      const read = await listOrders(pool, { ...page, text: 'wo-same' }, after, 3);
      seen.push(...read.orders.map((one) => one.orderId));
      after = read.next;
    }
    expect(after).toBeNull();
    expect(seen).toEqual(ids.toSorted());
  });

  test('leaves out what we ordered from ourselves', async () => {
    const orderId = await order('p/default-network/u#1', { kind: 'preparation', producer: 'orderwright' });
    expect(await findOrderId(pool, orderId, null)).toBeNull();
    expect((await listOrders(pool, { ...page, text: orderId }, null, 10)).orders).toEqual([]);
  });

  test('takes what is looked for as text, whatever it holds', async () => {
    const orderId = await order('WO%_\\x');
    expect((await listOrders(pool, { ...page, text: '%_\\' }, null, 10)).orders.map((one) => one.orderId)).toEqual([
      orderId,
    ]);
    expect(await findOrderId(pool, "' or true --", null)).toBeNull();
  });
});

test('rejected messages are told newest first, others not at all', async () => {
  const message = async (verdict: string, at: string): Promise<string> => {
    const messageId = randomUUID();
    await pool.query(
      `insert into received_message (message_id, received_at, channel, origin, verdict, code, body_sha256, sealed_body)
       values ($1, $2, 'http', 'here', $3, 'MSG_EMPTY', '\\x00', '\\x00')`,
      [messageId, at, verdict],
    );
    return messageId;
  };
  const older = await message('set-aside', '2026-01-01T00:00:00Z');
  const newer = await message('conflict', '2026-01-02T00:00:00Z');
  const taken = await message('accepted', '2026-01-03T00:00:00Z');
  const first = await listRejectedMessages(pool, null, null, null, 1);
  expect(first.messages.map((one) => one.messageId)).toEqual([newer]);
  const second = await listRejectedMessages(pool, null, 'MSG_EMPTY', first.next, 1);
  expect(second).toMatchObject({ messages: [{ messageId: older }], next: null });
  expect(await readRejectedMessage(pool, null, taken)).toBeNull();
});

test('a platform is added once and followed to a new address', async () => {
  const platform = {
    platformId: 'p',
    name: 'dc',
    kind: 'cloudstack',
    serviceUrl: 'http://a',
    state: 'open' as const,
    settings: { createOfferings: true },
    sealedCredentials: Buffer.from([1, 2, 255]),
  };
  expect(await insertPlatform(pool, platform)).toBe(true);
  expect(await insertPlatform(pool, { ...platform, name: 'other' })).toBe(false);
  const [before] = await listPlatforms(pool);
  await movePlatform(pool, 'p', 'http://b');
  const [after] = await listPlatforms(pool);
  expect(before).toMatchObject({ ...platform, serviceUrl: 'http://a' });
  expect(after).toMatchObject({ ...platform, serviceUrl: 'http://b' });
  expect(after?.updatedAt.getTime()).toBeGreaterThan(before?.updatedAt.getTime() ?? 0);
});

test('an orphan is listed with the order it was found under', async () => {
  const orderId = await order('WO-orphan');
  await pool.query(
    `insert into orphan (platform_id, resource_id, operation, marker, order_id) values ('p', 'vm-2', 'vm.create', 'ow-1', $1)`,
    [orderId],
  );
  expect(await listOrphans(pool, null, 10)).toMatchObject([{ resourceId: 'vm-2', workOrderId: 'WO-orphan' }]);
});
