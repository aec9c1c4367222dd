import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { nextAttemptDelayMs, sendCallback } from '../../src/publishers/send-callback.js';
import { verifyWebhook } from '../../src/publishers/standard-webhooks.js';
import { parseAllowList } from '../../src/publishers/url-guard.js';

const now = new Date('2026-03-01T12:00:00Z');
const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'];
const eventId = '2ed6657d-e927-568b-95e1-2665a8aea6a2';
const body = '{"msg":"Auftrag 月 fertig"}';

/** Billing: answers what it is told to and remembers what it got. */
const billing = {
  status: 200,
  headers: {} as Record<string, string>,
  received: [] as { headers: IncomingHttpHeaders; body: string }[],
};
const server = createServer((incoming, answer) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    billing.received.push({ headers: incoming.headers, body: Buffer.concat(chunks).toString('utf8') });
    answer.writeHead(billing.status, billing.headers).end('<html>secret of billing</html>');
  });
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/msghandler`;
});
beforeEach(() => {
  Object.assign(billing, { status: 200, headers: {}, received: [] });
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const allow = parseAllowList('127.0.0.1').rules;
const send = (
  status: number,
  headers: Record<string, string> = {},
  changes: Partial<Parameters<typeof sendCallback>[0]> = {},
) => {
  Object.assign(billing, { status, headers });
  return sendCallback({ url, eventId, body, secrets, unsigned: false, allow, now, ...changes });
};

describe('a callback', () => {
  it('arrives as it was written, signed so that billing can tell who sent it', async () => {
    expect(await send(204)).toEqual({ result: 'accepted', status: 204, reason: 'answered 204' });
    const [got] = billing.received;
    expect(got?.body).toBe(body);
    expect(got?.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': eventId });
    const headers = Object.fromEntries(
      Object.entries(got?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    expect(verifyWebhook({ headers, body: got?.body ?? '', secrets, now })).toEqual({ ok: true });
  });

  it('does not go out where no secret is set', async () => {
    expect(await send(200, {}, { secrets: [] })).toMatchObject({ result: 'refused' });
    expect(billing.received).toEqual([]);
  });

  it('goes out unsigned where the operator said so', async () => {
    expect(await send(200, {}, { secrets: [], unsigned: true })).toMatchObject({ result: 'accepted' });
    expect(billing.received[0]?.headers).not.toHaveProperty('webhook-signature');
    expect(billing.received[0]?.headers['webhook-id']).toBe(eventId);
  });

  it('stops for good when billing says that it is gone', async () => {
    expect(await send(410)).toMatchObject({ result: 'disabled', status: 410 });
  });

  it.each([301, 307, 400, 401, 404, 409, 422, 500, 502])('is tried again after %i', async (status) => {
    const delivery = await send(status, { location: '/msghandler', 'retry-after': '60' });
    expect(delivery).toEqual({ result: 'retry', status, reason: expect.stringContaining(`answered ${status}`) });
    expect(billing.received).toHaveLength(1);
  });

  it.each([
    ['seconds', '120', 120_000],
    ['a date', 'Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    ['a date gone by', 'Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['half an eternity', '1000000000', 86_400_000],
    ['nonsense', 'soon', undefined],
  ])('waits as long as billing asks, in %s', async (_, retryAfter, retryAfterMs) => {
    for (const status of [429, 503]) {
      const delivery = await send(status, { 'retry-after': retryAfter });
      expect([delivery.result, delivery.retryAfterMs]).toEqual(['retry', retryAfterMs]);
    }
  });

  it('is not sent to where the operator has not allowed', async () => {
    const delivery = await send(200, {}, { allow: [] });
    expect(delivery).toMatchObject({ result: 'refused', reason: expect.stringContaining('URL_FORBIDDEN_ADDRESS') });
    expect(billing.received).toEqual([]);
  });

  it('is tried again when nobody answers', async () => {
    const delivery = await send(200, {}, { url: 'http://127.0.0.1:1/', allow: parseAllowList('127.0.0.1:1').rules });
    expect(delivery).toEqual({ result: 'retry', reason: 'no answer (ECONNREFUSED)' });
  });

  it('never brings back what billing wrote', async () => {
    for (const status of [200, 302, 410, 429, 500]) expect(JSON.stringify(await send(status))).not.toContain('secret');
  });
});

describe('the attempts', () => {
  it('follow the Standard Webhooks schedule and end after the tenth', () => {
    const hours = (attempt: number) => (nextAttemptDelayMs(attempt, () => 0.5) ?? -1) / 3_600_000;
    expect([
      nextAttemptDelayMs(0, () => 0.5),
      nextAttemptDelayMs(1, () => 0.5),
      nextAttemptDelayMs(2, () => 0.5),
    ]).toEqual([0, 5_000, 300_000]);
    expect([3, 4, 5, 6, 7, 8, 9].map(hours)).toEqual([0.5, 2, 5, 10, 14, 20, 24]);
    expect(nextAttemptDelayMs(10, () => 0.5)).toBeNull();
  });

  it('are spread by a tenth to either side', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
        const [plain, spread] = [
          nextAttemptDelayMs(attempt, () => 0.5) ?? 0,
          nextAttemptDelayMs(attempt, () => chance) ?? 0,
        ];
        expect(Math.abs(spread - plain)).toBeLessThanOrEqual(plain / 10 + 1);
      }),
    );
  });
});
