import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { ItemStatus } from '../../src/machines/order-state.js';
import type { Envelope } from '../../src/publishers/callback-message.js';
import { CallbackDelivery, type CallbackOptions } from '../../src/publishers/deliver-callbacks.js';
import { parseAllowList } from '../../src/publishers/url-guard.js';
import { saveSteps } from '../../src/store/steps.js';
import { fullStep, openStore, storedOrders, until } from '../store/support.js';

interface Call {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

describe('the outcome of an order', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  let receiver: Server;
  let port: number;
  let calls: Call[];
  let answer: { status: number; headers?: Record<string, string> };
  let delivery: CallbackDelivery | null;

  beforeEach(async () => {
    [store, calls, answer, delivery] = [await openStore(), [], { status: 200 }, null];
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        calls.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(answer.status, answer.headers).end('thanks');
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    ({ port } = receiver.address() as AddressInfo);
  });
  afterEach(async () => {
    await delivery?.stop();
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
    await store.close();
  });

  async function endedOrder(
    path = '/done',
    status: 'completed' | 'failed' = 'completed',
    items: readonly ItemStatus[] = [],
  ): Promise<string> {
    const [state] = await storedOrders(store.pool, 1);
    if (!state) throw new Error('no order');
    const step = fullStep(state, { callbackUrl: `http://127.0.0.1:${port}${path}` });
    step.step.state.status = status;
    step.step.state.items = step.step.state.items.map((item, i) => ({ ...item, status: items[i] ?? item.status }));
    await saveSteps(store.pool, 'w1', [step]);
    return state.orderId;
  }
  function deliver(change: Partial<CallbackOptions> = {}): void {
    delivery = new CallbackDelivery({
      sql: store.pool,
      allow: parseAllowList(`127.0.0.1:${port}`).rules,
      path: '',
      secrets: [],
      unsigned: true,
      log: pino({ level: 'silent' }),
      pollMs: 5,
      ...change,
    });
    delivery.start();
  }
  const stored = async () => {
    const { rows } = await store.pool.query<{
      state: string;
      attempts: number;
      last_outcome: string | null;
      in_seconds: number;
    }>(
      `select state, attempts, last_outcome, extract(epoch from next_attempt_at - now())::float as in_seconds from callback_delivery`,
    );
    return rows[0] ?? { state: 'missing', attempts: 0, last_outcome: null, in_seconds: 0 };
  };
  const noted = (attempts: number) =>
    until(`attempt ${attempts} is noted`, async () => {
      const now = await stored();
      // While an attempt is under way the row still has the outcome of the one before.
      return now.attempts === attempts && now.last_outcome !== null && calls.length >= attempts && now;
    });
  /** The time until the next attempt has gone by. */
  const comeDue = () => store.pool.query(`update callback_delivery set next_attempt_at = now(), last_outcome = null`);
  const envelope = (call: Call | undefined) => JSON.parse(call?.body ?? '{}') as Envelope;

  it('says of every line what became of it, also of what was delivered and removed again', async () => {
    const items = ['compensated', 'failed', 'cancelled', 'compensated'] as const;
    await endedOrder('/done', 'failed', items);
    deliver();
    await noted(1);
    const lines = envelope(calls[0]).results['items'] as { verdict: string; chargeable: boolean }[];
    expect(lines.map(({ verdict, chargeable }) => [verdict, chargeable])).toEqual(items.map((one) => [one, false]));
  });

  it('is posted in the envelope of the source platform, with every id that billing sent', async () => {
    const orderId = await endedOrder();
    deliver();
    expect(await noted(1)).toMatchObject({ state: 'accepted', last_outcome: 'answered 200' });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ path: '/done', headers: { 'content-type': 'application/json' } });
    expect(envelope(calls[0])).toMatchObject({
      errstatus: 'SUCCESS',
      errcode: 0,
      results: {
        orderwrightId: orderId,
        orderId: 60,
        workOrderNo: 42,
        userId: 'bac9eabf2308ee0410980e05c48af0a77eb',
        status: 'completed',
        items: [
          { workOrderItemId: '82', verdict: 'completed', chargeable: true, innerOrderItemId: 113 },
          { workOrderItemId: '83', master: true },
          { workOrderItemId: '84' },
          { workOrderItemId: '85' },
        ],
      },
    });
  });

  it('is an error to the envelope when it did not end well', async () => {
    await endedOrder('/done', 'failed');
    deliver();
    await noted(1);
    expect(envelope(calls[0])).toMatchObject({ errstatus: 'ERROR', results: { status: 'failed' } });
  });

  it('is posted once for each of many orders', async () => {
    const orderIds = await Promise.all(Array.from({ length: 30 }, () => endedOrder()));
    deliver();
    await until('all are accepted', async () => {
      const { rowCount } = await store.pool.query(`select from callback_delivery where state = 'accepted'`);
      return rowCount === 30;
    });
    const told = calls.map((call) => envelope(call).results['orderwrightId']);
    expect(told.toSorted()).toEqual(orderIds.toSorted());
  });

  it('is signed as Standard Webhooks says', async () => {
    const secret = Buffer.alloc(32, 7);
    await endedOrder();
    deliver({ secrets: [`whsec_${secret.toString('base64')}`] });
    await noted(1);
    const { headers, body } = await until('it has come', () => calls[0]);
    const text = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', secret).update(text).digest('base64')}`);
  });

  it('is posted again by schedule while the receiver is unwell, under the same id', async () => {
    answer = { status: 500 };
    await endedOrder();
    deliver();
    const first = await noted(1);
    expect(first).toMatchObject({ state: 'due', last_outcome: 'answered 500' });
    expect(first.in_seconds).toBeGreaterThan(3);
    expect(first.in_seconds).toBeLessThan(6);
    await comeDue();
    const second = await noted(2);
    expect(second.state).toBe('due');
    expect(second.in_seconds).toBeGreaterThan(265);
    expect(second.in_seconds).toBeLessThan(331);
    answer = { status: 204 };
    await comeDue();
    expect(await noted(3)).toMatchObject({ state: 'accepted' });
    expect(new Set(calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(calls.map(({ body }) => body)).size).toBe(1);
  });

  it('waits as long as the receiver asks for', async () => {
    answer = { status: 503, headers: { 'retry-after': '120' } };
    await endedOrder();
    deliver();
    const { state, in_seconds } = await noted(1);
    expect(state).toBe('due');
    expect(in_seconds).toBeGreaterThan(110);
  });

  it('is posted again when nobody answers', async () => {
    await endedOrder();
    receiver.close();
    deliver();
    const now = await until('it is noted', async () => {
      const row = await stored();
      return row.last_outcome !== null && row;
    });
    expect(now).toMatchObject({ state: 'due', attempts: 1 });
  });

  it('is not posted any more to one that is gone for good', async () => {
    answer = { status: 410 };
    await endedOrder();
    deliver();
    expect(await noted(1)).toMatchObject({ state: 'disabled' });
  });

  it('is given up after the tenth attempt', async () => {
    answer = { status: 500 };
    await endedOrder();
    await store.pool.query('update callback_delivery set attempts = 9');
    deliver();
    const now = await until('it is given up', async () => {
      const row = await stored();
      return row.state !== 'due' && row;
    });
    expect(now).toMatchObject({ state: 'gave-up', attempts: 10 });
  });

  it('is not posted where the operator has not allowed it, and that is noted with its reason', async () => {
    await endedOrder();
    deliver({ allow: [] });
    const now = await until('it is noted', async () => {
      const row = await stored();
      return row.state !== 'due' && row;
    });
    expect(now).toMatchObject({ state: 'gave-up', last_outcome: expect.stringMatching(/^URL_/) });
    expect(calls).toEqual([]);
  });

  it.each([
    ['', '/callback'],
    ['/', '/callback'],
    ['/own/path', '/own/path'],
  ])('goes to the path the operator set when the url has none (%p)', async (path, wanted) => {
    await endedOrder(path);
    deliver({ path: '/callback' });
    await noted(1);
    expect(calls.map((call) => call.path)).toEqual([wanted]);
  });
});
