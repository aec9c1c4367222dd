import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { routeAccess } from '../../src/http/route-access.js';
import { beginning, printCursor } from '../../src/store/events.js';
import { fixture, startApi, token } from './support.js';

let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

describe('without tokens', () => {
  test('the API answers this machine', async () => {
    for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080']) {
      expect((await api.get('/v1/platforms', { host })).status).toBe(200);
    }
  });

  test('it does not answer a name that somebody else points here, nor the pages of other sites', async () => {
    const foreign: Record<string, string>[] = [
      { host: 'orders.example' },
      { host: 'localhost', origin: 'https://evil.example' },
      { host: 'localhost', 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of foreign) {
      expect(await api.get('/v1/work-orders', headers)).toMatchObject({ status: 403, json: { code: 'AUT_FORBIDDEN' } });
    }
  });
});

describe('with tokens', () => {
  let guarded: Awaited<ReturnType<typeof startApi>>;
  beforeAll(async () => {
    guarded = await startApi({ requireToken: true });
  });
  afterAll(() => guarded.stop());

  test('nothing but the health and the description is answered without one', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/asyncapi.json']) {
      expect((await guarded.get(path)).status).toBe(200);
    }
    for (const path of [
      '/v1/work-orders',
      '/v1/work-orders/x',
      '/v1/platforms',
      '/v1/jobs',
      '/v1/events',
      '/metrics',
      '/no',
    ]) {
      const answer = await guarded.get(path);
      expect(answer).toMatchObject({ status: 401, json: { code: 'AUT_MISSING' } });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect((await guarded.post('/api/msg/order/', fixture('order-23.json'))).json).toMatchObject({ errcode: 401 });
  });

  test('a wrong one is refused, in whatever place it stands', async () => {
    for (const authorization of ['Bearer wrong', `Basic ${token}`, `Bearer ${token}x`, 'Bearer']) {
      expect(await guarded.get('/v1/jobs', { authorization })).toMatchObject({
        status: 401,
        json: { code: 'AUT_INVALID' },
      });
    }
    expect((await guarded.get(`/v1/jobs?token=${token}`)).status).toBe(401);
  });

  test('the right one opens', async () => {
    expect((await guarded.get('/v1/jobs', { authorization: `Bearer ${token}` })).status).toBe(200);
  });
});

describe('every answer', () => {
  test('carries the headers that keep a browser from making more of it', async () => {
    const { headers } = await api.get('/healthz');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    });
  });

  test('to an unknown path is 404, to a wrong method 405 with the right ones', async () => {
    expect(await api.get('/v2/work-orders')).toMatchObject({
      status: 404,
      json: { code: 'API_NOT_FOUND', instance: '/v2/work-orders' },
    });
    const wrong = await api.app.inject({ method: 'DELETE', url: '/v1/work-orders/x' });
    expect(wrong.statusCode).toBe(405);
    expect(wrong.headers['allow']).toBe('GET, HEAD');
    expect(wrong.json()).toMatchObject({ code: 'API_METHOD', status: 405 });
    expect((await api.app.inject({ method: 'PUT', url: '/v1/work-orders' })).headers['allow']).toBe('GET, HEAD, POST');
  });

  test('of platforms leaves credentials out, wherever somebody wrote them', async () => {
    const { json, text } = await api.get('/v1/platforms');
    expect(json['platforms']).toMatchObject([
      { id: 'dc-1', name: 'Beijing-1', kind: 'cloudstack', serviceUrl: 'http://127.0.0.1:9/client/api', state: 'open' },
    ]);
    expect(text + (await api.get('/v1/platforms/dc-1')).text).not.toMatch(/hunter2|key-of-dc-1|secret-of-dc-1/);
  });

  test('says when the service is not ready', async () => {
    expect(await api.get('/readyz')).toMatchObject({ status: 200, json: { ready: true } });
    api.readiness.ready = false;
    expect(await api.get('/readyz')).toMatchObject({
      status: 503,
      json: { ready: false, checks: [{ what: 'database' }] },
    });
    api.readiness.ready = true;
  });

  test('is counted', async () => {
    const { text, headers } = await api.get('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toContain('orderwright_http_request_seconds_count{method="GET",route="/readyz",status="503"} 1');
  });
});

describe('the descriptions', () => {
  test('name every route there is', async () => {
    const { json } = await api.get('/openapi.json');
    expect(json['openapi']).toBe('3.1.0');
    const described = Object.entries(json['paths'] ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // The table of who may ask what knows every route, or nothing starts; the two descriptions leave themselves out.
    const routes = Object.keys(routeAccess).map((route) => route.replaceAll(/:(\w+)/g, '{$1}'));
    const hidden = ['GET /openapi.json', 'GET /asyncapi.json'];
    expect(described.sort()).toEqual(routes.filter((route) => !hidden.includes(route)).sort());
    const body = json['paths']?.['/v1/work-orders']?.['post']?.['requestBody']?.['content'];
    expect(Object.keys(body ?? {})).toEqual(['application/json', 'application/x-www-form-urlencoded']);
  });

  test('name every event there is', async () => {
    const { json } = await api.get('/asyncapi.json');
    expect(json['asyncapi']).toBe('3.0.0');
    const messages = Object.values(json['components']?.['messages'] ?? {}).map(
      (one) => one?.['name'] as unknown as string,
    );
    for (const name of ['work-order.received', 'work-order.completed', 'item.job-submitted', 'item.failed']) {
      expect(messages).toContain(`orderwright.${name}.v1`);
    }
  });
});

describe('GET /v1/events', () => {
  /** The first events of the stream. */
  async function follow(count: number, headers: Record<string, string> = {}, query = '') {
    const stop = new AbortController();
    const address = api.app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await fetch(`http://127.0.0.1:${port}/v1/events${query}`, { headers, signal: stop.signal });
    const found: { id: string; event: { type: string; subject: string; sequence: number; specversion: string } }[] = [];
    if (answer.status !== 200) return { status: answer.status, found };
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const records = text.split('\n\n');
      text = records.pop() ?? '';
      for (const record of records) {
        const [, id, data] = /^id: (.*)\ndata: (.*)$/.exec(record) ?? [];
        if (id && data) found.push({ id, event: JSON.parse(data) as (typeof found)[number]['event'] });
      }
      if (found.length >= count) break;
    }
    stop.abort();
    return { status: answer.status, found };
  }

  beforeAll(async () => {
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    await api.post('/v1/work-orders', fixture('order-84-hand-edited.json'));
  });

  test('tells what happened before as CloudEvents and goes on with what happens', async () => {
    const { found } = await follow(2);
    expect(found.map(({ event }) => event.type)).toEqual([
      'orderwright.work-order.received.v1',
      'orderwright.work-order.held.v1',
    ]);
    expect(found[0]?.event).toMatchObject({ specversion: '1.0', sequence: 1, subject: expect.stringMatching(/^WO/) });
    const later = follow(1, {}, '?from=now');
    await sleep(100);
    await api.post('/v1/work-orders', fixture('order-23.json'));
    expect((await later).found[0]?.event).toMatchObject({ type: 'orderwright.work-order.received.v1', sequence: 1 });
  });

  test('goes on after the event that was seen last', async () => {
    const { found } = await follow(2);
    const rest = await follow(1, { 'last-event-id': found[0]?.id ?? '' });
    expect(rest.found[0]).toEqual(found[1]);
    expect((await follow(1, { 'last-event-id': printCursor(beginning) })).found[0]).toEqual(found[0]);
  });

  test('tells everything to a reader who comes from a later moment than there is, as after a restore that nobody noticed', async () => {
    const [first] = (await follow(1)).found;
    const ahead = printCursor({ ...beginning, tx: '4611686018427387904' });
    expect((await follow(1, { 'last-event-id': ahead })).found[0]).toEqual(first);
  });

  test('refuses the id of something else', async () => {
    expect((await follow(1, { 'last-event-id': 'abc' })).status).toBe(400);
  });
  test('is refused, like every path, to headers without end', async () => {
    const address = api.app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(answer.status).toBe(431);
    expect(await answer.json()).toMatchObject({ code: 'API_HEADERS_TOO_LARGE', status: 431 });
  });
});
