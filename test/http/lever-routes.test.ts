import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LeverJson } from '../../src/http/lever-routes.js';
import { startApi } from './support.js';

const sample = (change: Record<string, unknown> = {}) => {
  const path = join(process.cwd(), 'examples', 'work-orders', 'order-23.json');
  return JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change });
};

describe('the levers over HTTP', () => {
  let api: Awaited<ReturnType<typeof startApi>>;
  let count = 0;
  beforeAll(async () => {
    api = await startApi({ withEngine: true });
  });
  afterAll(async () => {
    await api.engine.stop();
    await api.stop();
  });

  /** A new order, waiting to be planned. @returns its workOrderId */
  async function order(): Promise<string> {
    count += 1;
    const workOrderId = `WO-lever-${count}`;
    const body = sample({ workOrderId }).replaceAll('"resourceId":"', `"resourceId":"${count}-`);
    const { status } = await api.post('/v1/work-orders', body);
    expect(status).toBe(202);
    return workOrderId;
  }
  const pull = (id: string, act: string, body: object = { reason: 'because' }, headers: Record<string, string> = {}) =>
    api.post(`/v1/work-orders/${id}/${act}`, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
  const statusOf = async (id: string) => (await api.get(`/v1/work-orders/${id}`)).json['status'];

  test('say first what they would do, then do it, and keep who did it and why', async () => {
    const id = await order();
    const said = await pull(id, 'cancel', { reason: 'changed their mind', dryRun: true });
    expect(said).toMatchObject({ status: 200, json: { dryRun: true, pulled: false, outcome: { ends: 'cancelled' } } });
    expect(await statusOf(id)).toBe('received');
    const done = await pull(id, 'cancel', { reason: 'changed their mind' });
    expect(done.json).toEqual({ ...said.json, dryRun: false, pulled: true });
    expect((done.json as unknown as LeverJson).lines).toMatchObject([{ workOrderItemId: '19', what: 'given-up' }]);
    expect(await statusOf(id)).toBe('cancelled');
    const { json } = await api.get(`/v1/work-orders/${id}/audit`);
    expect(json['entries']).toMatchObject([
      { actor: 'local', action: 'orders.cancel', subject: id, reason: 'changed their mind' },
    ]);
    const timeline = (await api.get(`/v1/work-orders/${id}/timeline`)).json['entries'] as unknown as { text: string }[];
    expect(timeline.map(({ text }) => text)).toContain('local: cancel, because: changed their mind');
  });

  test('hold and resume', async () => {
    const id = await order();
    await pull(id, 'hold');
    expect(await statusOf(id)).toBe('held');
    expect((await api.get(`/v1/work-orders/${id}`)).json['reason']).toEqual({ code: 'OPS_HELD', message: 'because' });
    await pull(id, 'resume');
    expect(await statusOf(id)).toBe('received');
  });

  test('ask for a reason', async () => {
    const id = await order();
    for (const body of [{}, { reason: '  ' }]) {
      expect(await pull(id, 'cancel', body)).toMatchObject({ status: 422, json: { code: 'OPS_REASON_MISSING' } });
    }
    expect(await statusOf(id)).toBe('received');
  });

  test('are refused where they mean nothing, also when only asked what they would do', async () => {
    const id = await order();
    for (const dryRun of [true, false]) {
      const refused = await pull(id, 'replay', { reason: 'x', dryRun });
      expect(refused).toMatchObject({ status: 409, json: { code: 'OPS_REPLAY_STATE' } });
    }
    expect(await pull(id, 'resume')).toMatchObject({ status: 409, json: { code: 'OPS_LEVER_STATE' } });
    expect(await pull('nobody', 'cancel')).toMatchObject({ status: 404, json: { code: 'API_NOT_FOUND' } });
  });

  test('are refused when the order has moved since it was looked at', async () => {
    const id = await order();
    const stale = await pull(id, 'hold', { reason: 'x' }, { 'if-match': '"9"' });
    expect(stale).toMatchObject({ status: 409, json: { code: 'OPS_VERSION_STALE' } });
    expect(await pull(id, 'hold', { reason: 'x' }, { 'if-match': '"1"' })).toMatchObject({ status: 200 });
  });

  test('know the items of an order', async () => {
    const id = await order();
    const path = `/v1/work-orders/${id}/items`;
    const body = JSON.stringify({ reason: 'x', resourceId: 'vm-1' });
    expect(await api.post(`${path}/77/mark-done`, body)).toMatchObject({ status: 404 });
    expect(await api.post(`${path}/19/mark-done`, body)).toMatchObject({ json: { code: 'OPS_LEVER_STATE' } });
    expect(await api.post(`${path}/19/skip`, JSON.stringify({ reason: 'x' }))).toMatchObject({ status: 409 });
  });

  test('replay many only after the totals were seen', async () => {
    const ids = [await order(), await order()];
    for (const id of ids) {
      const [found] = (await api.get(`/v1/work-orders?q=${id}`)).json['orders'] as unknown as { orderId: string }[];
      const event = { type: 'HELD', code: 'no_matching_offering', message: 'none' } as const;
      api.engine.dispatch(found?.orderId ?? '', { event: { about: 'order', event } });
    }
    await api.engine.settle();
    const other = await order();
    await pull(other, 'hold');
    const body = { reason: 'the offering is there now', q: 'WO-lever' };
    const post = (more: object) => api.post('/v1/replays', JSON.stringify({ ...body, ...more }));
    const said = await post({ dryRun: true });
    expect(said.json).toMatchObject({ replayable: 2, replayed: [] });
    expect((said.json['refused'] as unknown as { workOrderId: string }[]).map((one) => one.workOrderId)).toContain(
      other,
    );
    expect(await post({})).toMatchObject({ status: 409, json: { code: 'OPS_VERSION_STALE' } });
    expect(await post({ expected: 5 })).toMatchObject({ status: 409 });
    const done = await post({ expected: 2 });
    expect((done.json['replayed'] as unknown as string[]).toSorted()).toEqual(ids.toSorted());
    expect(await statusOf(ids[0] ?? '')).toBe('received');
    expect(await statusOf(other)).toBe('held');
  });
});

describe('a message that could not be taken', () => {
  let api: Awaited<ReturnType<typeof startApi>>;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.stop());

  test('is sent again as an edited copy, names the one it corrects, and the audit says who did it', async () => {
    const damaged = sample({ workOrderId: 'WO-again' }).replace('"workOrderItems":', '"workOrderItems"');
    const refused = await api.post('/v1/work-orders', damaged);
    const parentId = refused.json['messageId'] as unknown as string;
    const path = `/v1/rejected-messages/${parentId}/resubmit`;
    const text = sample({ workOrderId: 'WO-again' });
    const asItWas = await api.post(path, JSON.stringify({ reason: 'try', dryRun: true }));
    expect(asItWas.json).toMatchObject({ dryRun: true, messageId: null, from: 'original' });
    const said = await api.post(path, JSON.stringify({ reason: 'colon', text, dryRun: true }));
    expect(said.json).toMatchObject({ verdict: 'accepted', from: 'edited', messageId: null, workOrderId: 'WO-again' });
    expect((await api.get('/v1/work-orders/WO-again')).status).toBe(404);
    const done = await api.post(path, JSON.stringify({ reason: 'colon', text }));
    expect(done).toMatchObject({ status: 202, json: { verdict: 'accepted', parentId, workOrderId: 'WO-again' } });
    const { rows } = await api.pool.query('select parent_id from received_message where message_id = $1', [
      done.json['messageId'],
    ]);
    expect(rows).toEqual([{ parent_id: parentId }]);
    const audit = await api.pool.query(`select actor, reason, subject from audit where action = 'messages.resubmit'`);
    expect(audit.rows).toEqual([{ actor: 'local', reason: 'colon', subject: parentId }]);
    const again = await api.post(path, JSON.stringify({ reason: 'twice', text }));
    expect(again.json).toMatchObject({ verdict: 'duplicate' });
  });

  test('is not there for who asks for one that was taken', async () => {
    const { json } = await api.post('/v1/work-orders', sample({ workOrderId: 'WO-good' }));
    const path = `/v1/rejected-messages/${json['messageId'] as unknown as string}/resubmit`;
    expect(await api.post(path, JSON.stringify({ reason: 'x' }))).toMatchObject({ status: 404 });
  });
});
