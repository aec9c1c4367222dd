import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fixture, listOf, startApi, textOf } from './support.js';

let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

const form = { 'content-type': 'application/x-www-form-urlencoded' };

describe("the source platform's own intake", () => {
  test('answers an order with its envelope, our id and its state', async () => {
    const { status, json } = await api.post('/api/msg/order/', fixture('order-86.json'));
    expect(status).toBe(200);
    expect(json).toMatchObject({ errstatus: 'SUCCESS', errcode: 0 });
    expect(json['results']).toMatchObject({
      workOrderId: expect.stringMatching(/^WO/),
      state: 'received',
      duplicate: false,
    });
    expect(json['results']?.['orderId']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each([
    ['as a form', 'order-86.form.txt', form],
    ['as a Python repr', 'order-86.python-repr.txt', { 'content-type': 'application/json' }],
    ['once more', 'order-86.json', { 'content-type': 'application/json; charset=utf-8' }],
  ])('knows the same order %s', async (_, file, headers) => {
    const { status, json } = await api.post('/api/msg/order', fixture(file), headers);
    expect(status).toBe(200);
    expect(json).toMatchObject({ errstatus: 'SUCCESS', errcode: 0, results: { duplicate: true } });
  });

  test('refuses another order under the same id and names what differs, never a password', async () => {
    const changed = fixture('order-86.json')
      .toString()
      .replace(/(\\?"volumeSize\\?": ?\\?")(\d+)/, '$19$2');
    const { status, json, text } = await api.post('/api/msg/order/', changed);
    expect(status).toBe(409);
    expect(json).toMatchObject({ errstatus: 'ERROR', errcode: 409, results: { code: 'ORD_CONFLICT_BODY' } });
    expect(json['results']?.['differences']).toHaveLength(1);
    const password = /rootPassword\\?": ?\\?"([^"\\]+)/.exec(changed)?.[1];
    expect(password).toBeDefined();
    expect(text).not.toContain(password);
  });

  test('takes an order that a person has to look at, and says why it is held', async () => {
    const { status, json } = await api.post('/api/msg/order/', fixture('order-84-hand-edited.json'));
    expect(status).toBe(200);
    expect(json).toMatchObject({
      errstatus: 'SUCCESS',
      results: { held: true, state: 'held', code: 'ITM_ID_REPEATED' },
    });
    expect(json['msg']).toContain('106');
  });

  test('sets a damaged message aside', async () => {
    const { status, json } = await api.post('/api/msg/order/', fixture('order-23-broken-quotes.txt'));
    expect(status).toBe(400);
    expect(json).toMatchObject({ errstatus: 'ERROR', errcode: 400, results: { code: 'MSG_JSON_SYNTAX' } });
    const rejected = await api.get('/v1/rejected-messages');
    expect(rejected.json['messages']?.[0]).toMatchObject({
      verdict: 'set-aside',
      code: 'MSG_JSON_SYNTAX',
      channel: 'http',
    });
    const one = await api.get(`/v1/rejected-messages/${textOf(json['results']?.['messageId'])}`);
    expect(one.json).toMatchObject({
      messageId: json['results']?.['messageId'],
      problems: [{ code: 'MSG_JSON_SYNTAX' }],
    });
  });

  test('refuses in its envelope even what never became a message', async () => {
    const { status, json } = await api.post('/api/msg/order/', Buffer.alloc(1024 * 1024 + 1, 32));
    expect(status).toBe(413);
    expect(json).toMatchObject({ errstatus: 'ERROR', errcode: 413, results: { code: 'MSG_TOO_LARGE' } });
  });

  test('says that nothing came when nothing came', async () => {
    const { status, json } = await api.post('/api/msg/order/', '');
    expect(status).toBe(400);
    expect(json).toMatchObject({ errcode: 400, results: { code: 'MSG_EMPTY' } });
  });
});

describe('POST /v1/work-orders', () => {
  test('answers 202 for a new order, 200 for the same again and 409 for another one', async () => {
    const first = await api.post('/v1/work-orders', fixture('order-60.json'));
    expect(first.status).toBe(202);
    expect(first.json).toMatchObject({ verdict: 'accepted', duplicate: false, status: 'received' });
    expect(first.headers['location']).toBe(`/v1/work-orders/${textOf(first.json['orderId'])}`);
    const again = await api.post('/v1/work-orders', fixture('order-60.json'));
    expect(again.status).toBe(200);
    expect(again.json).toMatchObject({ duplicate: true, orderId: first.json['orderId'] });
    const other = await api.post(
      '/v1/work-orders',
      fixture('order-60.json').toString().replaceAll('MyHost', 'YourHost'),
    );
    expect(other.status).toBe(409);
    expect(other.headers['content-type']).toContain('application/problem+json');
    expect(other.json).toMatchObject({
      status: 409,
      code: 'ORD_CONFLICT_BODY',
      type: 'urn:orderwright:code:ORD_CONFLICT_BODY',
    });
    expect(listOf(other.json['differences']).length).toBeGreaterThan(0);
  });

  test('names every problem of an order with its path into the nested config', async () => {
    const order = fixture('order-60.json')
      .toString()
      .replaceAll(/WO\d{20}/g, 'WO20190101000000000001');
    const broken = order
      .replace(/\\?"volumeSize\\?": ?\\?"\d+/, (found) => found.replace(/\d+$/, '1.5'))
      .replace('"userId"', '"user"');
    const { status, json } = await api.post('/v1/work-orders', broken);
    expect(status).toBe(422);
    const paths = (json['errors'] as unknown as { path: string }[]).map((one) => one.path);
    expect(paths).toContain('userId');
    expect(paths).toContainEqual(expect.stringMatching(/^workOrderItems\[\d\]\.workOrderItemConfig\.volumeSize$/));
  });

  test.each([
    ['plain text', { 'content-type': 'text/plain' }],
    ['no type at all', {}],
    ['another character set', { 'content-type': 'application/json; charset=gbk' }],
    ['a compressed body', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('refuses %s', async (_, headers) => {
    const { status, json } = await api.post(
      '/v1/work-orders',
      fixture('order-23.json'),
      headers as Record<string, string>,
    );
    expect(status).toBe(415);
    expect(json).toMatchObject({ code: 'API_CONTENT_TYPE', errors: [] });
  });

  test('keeps the name of the file that was submitted', async () => {
    const headers = { 'content-type': 'application/json', 'orderwright-file': 'b%00ad.json' };
    await api.post('/v1/work-orders', '{', headers);
    const { json } = await api.get('/v1/rejected-messages?limit=1');
    expect(json['messages']?.[0]).toMatchObject({ channel: 'cli', origin: 'b?ad.json from 127.0.0.1' });
  });
});
