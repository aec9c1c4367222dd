import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { insertMessages, type MessageToKeep } from '../../src/store/accept.js';
import { holdCursor, moveCursor } from '../../src/store/cursors.js';
import { beginning, type Cursor, readEvents } from '../../src/store/events.js';
import { buryWorkers, registerWorker, unregisterWorker } from '../../src/store/ownership.js';
import { readRejectedMessages } from '../../src/store/rejected-messages.js';
import { saveSteps } from '../../src/store/steps.js';
import { fullStep, openStore, storedOrders, until } from './support.js';

let store: Awaited<ReturnType<typeof openStore>>;
beforeEach(async () => {
  store = await openStore();
});
afterEach(() => store.close());

/**
 * What there is to read, once it is so much. What is held back by a running transaction comes later, and PostgreSQL counts
 * the transactions of all databases of a server: of tests that run beside this one as well.
 */
const events = (after: Cursor, count: number) =>
  until(`${count} events`, async () => {
    const read = await readEvents(store.pool, after, 100);
    return read.events.length >= count && read;
  });
const rejectedMessages = (after: Cursor, limit: number, count: number) =>
  until(`${count} rejected messages`, async () => {
    const read = await readRejectedMessages(store.pool, after, limit);
    return read.length >= count && read;
  });

describe('reading what happened', () => {
  it('skips nothing while slow and quick transactions write at the same time', async () => {
    const states = await storedOrders(store.pool, 60);
    const seen: string[] = [];
    let cursor: Cursor = beginning;
    let writing = true;
    const reader = async () => {
      for (let last = false; ;) {
        const { events, cursor: next } = await readEvents(store.pool, cursor, 7);
        seen.push(...events.map((event) => `${event.workOrderId} ${event.sequence}`));
        cursor = next;
        if (seen.length >= 2 * states.length && last) return;
        last = !writing && events.length === 0;
      }
    };
    const writer = async (i: number) => {
      for (const state of states.filter((_, at) => at % 4 === i)) {
        const client = await store.pool.connect();
        await client.query('begin');
        await saveSteps(client as never, 'w1', [fullStep(state)]);
        // Every other transaction stays open while others commit.
        if (Number.parseInt(state.orderId.slice(0, 1), 16) % 2 === 0)
          await new Promise((resolve) => setTimeout(resolve, 10));
        await client.query('commit');
        client.release();
      }
    };
    const reading = reader();
    await Promise.all([0, 1, 2, 3].map(writer));
    writing = false;
    await reading;
    const wanted = states.flatMap(({ workOrderId }) => [`${workOrderId} 1`, `${workOrderId} 2`]);
    expect(seen.toSorted()).toEqual(wanted.toSorted());
    // Each order's own events came in their order.
    for (const { workOrderId } of states) {
      expect(seen.indexOf(`${workOrderId} 1`)).toBeLessThan(seen.indexOf(`${workOrderId} 2`));
    }
  });

  it('gives out what a slow transaction commits after quicker ones, from the same cursor', async () => {
    const [slow, quick] = await storedOrders(store.pool, 2);
    if (!slow || !quick) throw new Error('no orders');
    const { cursor } = await events(beginning, 2);
    const client = await store.pool.connect();
    await client.query('begin');
    await saveSteps(client as never, 'w1', [fullStep(slow)]);
    await saveSteps(store.pool, 'w1', [fullStep(quick)]);
    const before = await readEvents(store.pool, cursor, 100);
    expect(before).toEqual({ events: [], cursor, more: false });
    await client.query('commit');
    client.release();
    const after = await events(before.cursor, 2);
    expect(after.events.map((event) => event.workOrderId)).toEqual([slow.workOrderId, quick.workOrderId]);
  });

  it('passes over what a transaction wrote and took back', async () => {
    const [kept, dropped] = await storedOrders(store.pool, 2);
    if (!kept || !dropped) throw new Error('no orders');
    const { cursor } = await events(beginning, 2);
    const client = await store.pool.connect();
    await client.query('begin');
    await saveSteps(client as never, 'w1', [fullStep(dropped)]);
    await saveSteps(store.pool, 'w1', [fullStep(kept)]);
    await client.query('rollback');
    client.release();
    const after = await events(cursor, 1);
    expect(after.events.map((event) => event.workOrderId)).toEqual([kept.workOrderId]);
  });
});

describe('the right to publish', () => {
  const lease = 3_600_000;

  it('belongs to one worker at a time', async () => {
    for (let i = 0; i < 8; i++) await registerWorker(store.pool, `w${i}`);
    const held = await Promise.all(
      Array.from({ length: 8 }, (_, i) => holdCursor(store.pool, 'kafka', `w${i}`, lease)),
    );
    expect(held.filter((cursor) => cursor !== null)).toEqual([beginning]);
  });

  it('is kept by the one that has it, with the place it has come to', async () => {
    await registerWorker(store.pool, 'w1');
    await holdCursor(store.pool, 'kafka', 'w1', lease);
    const to: Cursor = { tx: '4711', orderId: randomUUID(), sequence: 3 };
    expect(await moveCursor(store.pool, 'kafka', 'w1', to)).toBe(true);
    expect(await holdCursor(store.pool, 'kafka', 'w1', lease)).toEqual(to);
    expect(await holdCursor(store.pool, 'another', 'w1', lease)).toEqual(beginning);
  });

  it('goes to another when its lease is over, and the former one cannot move the place any more', async () => {
    await registerWorker(store.pool, 'w1');
    await registerWorker(store.pool, 'w2');
    await holdCursor(store.pool, 'kafka', 'w1', -1);
    expect(await holdCursor(store.pool, 'kafka', 'w2', lease)).toEqual(beginning);
    expect(await holdCursor(store.pool, 'kafka', 'w1', lease)).toBeNull();
    expect(await moveCursor(store.pool, 'kafka', 'w1', { ...beginning, tx: '9' })).toBe(false);
    expect(await holdCursor(store.pool, 'kafka', 'w2', lease)).toEqual(beginning);
  });

  it('goes to another at once when its worker is gone', async () => {
    await registerWorker(store.pool, 'w1');
    await holdCursor(store.pool, 'kafka', 'w1', lease);
    await unregisterWorker(store.pool, 'w1');
    await buryWorkers(store.pool, lease);
    expect(await holdCursor(store.pool, 'kafka', 'w2', lease)).toEqual(beginning);
  });
});

describe('messages that could not be taken', () => {
  const message = (verdict: MessageToKeep['verdict'], change: Partial<MessageToKeep> = {}): MessageToKeep => ({
    messageId: randomUUID(),
    channel: 'kafka',
    origin: `work-orders/0@${randomUUID()}`,
    verdict,
    code: 'MSG_JSON_SYNTAX',
    problems: [{ path: '', code: 'MSG_JSON_SYNTAX', message: 'cut off' }],
    orderId: null,
    workOrderId: 'WO-1',
    bodySha256: Buffer.alloc(32, 1),
    sealedBody: Buffer.from('sealed'),
    sealedProposal: null,
    headers: {},
    repairs: [],
    ...change,
  });

  it('are told once each, page by page, and taken ones are not', async () => {
    const rejected = [
      message('set-aside'),
      message('conflict'),
      message('refused'),
      message('refused', { code: null }),
    ];
    const taken = (['accepted', 'held', 'duplicate', 'skipped'] as const).map((verdict) => message(verdict));
    await insertMessages(store.pool, [...taken, ...rejected]);
    const first = await rejectedMessages(beginning, 3, 3);
    const rest = await readRejectedMessages(store.pool, first.at(-1)?.cursor ?? beginning, 3);
    expect([...first, ...rest].map((one) => one.messageId).toSorted()).toEqual(
      rejected.map((one) => one.messageId).toSorted(),
    );
    expect(await readRejectedMessages(store.pool, rest.at(-1)?.cursor ?? beginning, 3)).toEqual([]);
    expect([...first, ...rest]).toContainEqual(
      expect.objectContaining({
        messageId: rejected[0]?.messageId,
        code: 'MSG_JSON_SYNTAX',
        verdict: 'set-aside',
        workOrderId: 'WO-1',
      }),
    );
    expect(JSON.stringify(first)).not.toMatch(/sealed|(01){32}/);
  });

  it('are not skipped when they are committed late', async () => {
    const [late, early] = [message('refused'), message('refused')];
    const client = await store.pool.connect();
    await client.query('begin');
    await insertMessages(client as never, [late]);
    await insertMessages(store.pool, [early]);
    expect(await readRejectedMessages(store.pool, beginning, 10)).toEqual([]);
    await client.query('commit');
    client.release();
    const told = await rejectedMessages(beginning, 10, 2);
    expect(told.map((one) => one.messageId)).toEqual([late.messageId, early.messageId]);
  });

  it('are told page by page where the number of a transaction gets a digit more', async () => {
    const rejected = [message('refused'), message('refused'), message('refused'), message('refused')];
    for (const [i, one] of rejected.entries()) {
      await insertMessages(store.pool, [one]);
      await store.pool.query('update received_message set tx = $2::xid8 where message_id = $1', [
        one.messageId,
        `${98 + i}`,
      ]);
    }
    const first = await rejectedMessages(beginning, 2, 2);
    const rest = await readRejectedMessages(store.pool, first.at(-1)?.cursor ?? beginning, 10);
    expect([...first, ...rest].map(({ messageId }) => messageId)).toEqual(rejected.map(({ messageId }) => messageId));
  });

  it('are kept once when Kafka delivers the same record again', async () => {
    const record = message('refused');
    await insertMessages(store.pool, [record]);
    await insertMessages(store.pool, [{ ...record, messageId: randomUUID() }]);
    const told = await rejectedMessages(beginning, 10, 1);
    expect(told.map((one) => one.messageId)).toEqual([record.messageId]);
  });
});
