import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OrderEvent } from '../../src/machines/advance.js';
import type { Plan } from '../../src/planner/plan.js';
import { fixture, listOf, type Loose, startApi, textOf } from './support.js';

let api: Awaited<ReturnType<typeof startApi>>;
let orderId: string;
let workOrderId: string;
let heldId: string;

beforeAll(async () => {
  api = await startApi();
  const { json } = await api.post('/v1/work-orders', fixture('order-86.json'));
  orderId = textOf(json['orderId']);
  workOrderId = textOf(json['workOrderId']);
  const held = await api.post('/v1/work-orders', fixture('order-84-hand-edited.json'));
  heldId = textOf(held.json['orderId']);
});
afterAll(() => api.stop());

/** A VM that needs the default network, a disk and an address beside it. */
const plan: Plan = {
  warnings: [],
  preparations: [{ key: 'default-network/u1', kind: 'default-network', platformId: 'dc-1', settings: {}, lines: [] }],
  parts: [
    part('VM', 0, { 'vm.create': ['default-network/u1'] }),
    part('EBS', 1, { 'ebs.create': [], 'ebs.attach': ['VM'] }),
    part('NETWORK', 2, { 'network.reserve': ['default-network/u1'], 'network.bind': ['VM'] }),
  ],
};

function part(resourceType: 'VM' | 'EBS' | 'NETWORK', itemIndex: number, needs: Plan['parts'][number]['needs']) {
  const lines = [{ what: 'size', ordered: '1 GB', resolved: '1024 MiB' }];
  return {
    key: resourceType,
    itemIndex,
    index: 1,
    resourceType,
    platformId: 'dc-1',
    needs,
    inputs: {},
    settings: {},
    lines,
  };
}

const disk = (event: Extract<OrderEvent, { about: 'operation' }>['event']): OrderEvent => ({
  about: 'operation',
  partKey: 'EBS',
  name: 'ebs.create',
  event,
});

const items = async () => listOf((await api.get(`/v1/work-orders/${workOrderId}`)).json['items']);

describe('an order that is being built', () => {
  test('is found by the id billing gave it and by ours, and is nobody else', async () => {
    expect((await api.get(`/v1/work-orders/${workOrderId}`)).json).toMatchObject({ orderId, status: 'received' });
    expect((await api.get(`/v1/work-orders/${orderId.toUpperCase()}`)).json).toMatchObject({ workOrderId });
    expect(await api.get('/v1/work-orders/WO0')).toMatchObject({ status: 404, json: { code: 'API_NOT_FOUND' } });
    expect((await api.get('/v1/work-orders/a%00b')).status).toBe(404);
  });

  test('waits for its plan first', async () => {
    expect((await items())[0]).toMatchObject({
      status: 'pending',
      state: 'unplanned',
      waitingFor: { what: 'its plan' },
    });
    expect((await items()).map((item) => item['summary'])).toEqual([
      expect.stringMatching(/: 1 core, 1 GiB, 40 GiB SATA$/),
      expect.stringMatching(/^10 GiB/),
      '2 Mbit/s',
    ]);
    expect((await api.get(`/v1/work-orders/${orderId}/plan`)).json).toMatchObject({ planned: false, parts: [] });
  });

  test('then says for each item which thing of the cloud or of the order it waits for', async () => {
    await api.happen(orderId, { about: 'order', event: { type: 'PLANNED' }, plan });
    const [vm, ebs, network] = await items();
    expect(vm?.['waitingFor']).toMatchObject({
      what: expect.stringMatching(/^the default network of user \w+ on Beijing-1$/),
    });
    expect(ebs?.['waitingFor']).toMatchObject({ what: 'the answer of Beijing-1 to ebs.create' });
    expect(network?.['waitingFor']).toMatchObject({ what: expect.stringMatching(/^the default network/) });

    await api.happen(orderId, disk({ type: 'ACCEPTED', jobId: 'job-1', resourceId: 'vol-1' }));
    expect((await items())[1]).toMatchObject({
      status: 'provisioning',
      state: 'creating',
      waitingFor: { what: 'CloudStack job job-1 for ebs.create on Beijing-1', since: expect.any(String) },
      jobs: [{ jobId: 'job-1', operation: 'ebs.create', status: 'running', finishedAt: null }],
    });
    const jobs = await api.get('/v1/jobs?platform=dc-1');
    expect(jobs.json).toMatchObject({
      jobs: [{ jobId: 'job-1', workOrderId, platformName: 'Beijing-1' }],
      nextCursor: null,
    });

    await api.happen(orderId, disk({ type: 'JOB_SUCCEEDED', resourceId: 'vol-1' }));
    await api.happen(
      orderId,
      disk({ type: 'READY', resourceId: 'vol-1', facts: { volumeId: 'vol-1' }, startedAt: null }),
    );
    expect((await items())[1]).toMatchObject({
      state: 'waitingForVm',
      cloudResourceIds: ['vol-1'],
      waitingFor: { what: expect.stringMatching(/^its VM \(item \d+\)$/) },
      jobs: [{ jobId: 'job-1', status: 'succeeded', finishedAt: expect.any(String) }],
    });
  });

  test('tells its plan with what was ordered and what it becomes', async () => {
    const { json } = await api.get(`/v1/work-orders/${workOrderId}/plan`);
    expect(json).toMatchObject({ planned: true, workOrderId });
    expect(listOf(json['parts'])[0]).toMatchObject({
      platformName: 'Beijing-1',
      lines: [{ ordered: '1 GB', resolved: '1024 MiB' }],
    });
  });

  test('tells everything that happened in sentences, in order', async () => {
    await api.post('/api/msg/order/', fixture('order-86.form.txt'), {
      'content-type': 'application/x-www-form-urlencoded',
    });
    const { json } = await api.get(`/v1/work-orders/${workOrderId}/timeline`);
    const entries = json['entries'] as unknown as { kind: string; type: string; text: string; sequence: number }[];
    expect(entries.map((entry) => entry.type)).toEqual([
      'accepted',
      'work-order.received',
      'work-order.planned',
      'item.started',
      'work-order.started',
      'item.job-submitted',
      'duplicate',
    ]);
    expect(entries.find((entry) => entry.type === 'item.job-submitted')?.text).toMatch(/took ebs\.create as job job-1/);
  });
});

test('the password of the VM is in no answer', async () => {
  const password = /rootPassword\\?": ?\\?"([^"\\]+)/.exec(fixture('order-86.json').toString())?.[1] ?? '';
  expect(password).not.toBe('');
  for (const path of ['', '/plan', '/timeline']) {
    expect((await api.get(`/v1/work-orders/${orderId}${path}`)).text).not.toContain(password);
  }
  expect((await api.get('/v1/work-orders')).text).not.toContain(password);
});

test('an order that is held says why, and nothing is built', async () => {
  const { json } = await api.get(`/v1/work-orders/${heldId}`);
  expect(json).toMatchObject({ status: 'held', reason: { code: 'ITM_ID_REPEATED' } });
  expect(listOf(json['items'])[0]).toMatchObject({
    status: 'pending',
    waitingFor: { what: expect.stringMatching(/^an operator: .*106/) },
  });
});

describe('the list of orders', () => {
  const list = async (query: string) => (await api.get(`/v1/work-orders?${query}`)).json;
  const ids = (page: Loose) => listOf(page['orders']).map((order) => order['orderId']);

  test('is newest first and can be narrowed', async () => {
    expect(ids(await list(''))).toEqual([heldId, orderId]);
    expect(ids(await list('status=held,failed'))).toEqual([heldId]);
    expect(ids(await list(`q=${workOrderId.slice(5, 20).toLowerCase()}`))).toEqual([orderId]);
    expect(ids(await list(`q=${orderId}`))).toEqual([orderId]);
    expect(ids(await list('platform=nowhere'))).toEqual([]);
    expect(listOf((await list('status=held'))['orders'])[0]?.['items']).toEqual({ pending: 3 });
  });

  test('is read page by page without a gap and without a repetition', async () => {
    const first = await list('limit=1');
    expect(ids(first)).toEqual([heldId]);
    const second = await list(`limit=1&cursor=${textOf(first['nextCursor'])}`);
    expect(ids(second)).toEqual([orderId]);
    expect(second['nextCursor']).toBeNull();
  });

  test.each(['limit=-1', 'limit=1000000000', 'limit=ten', 'cursor=forged', 'cursor=1-2'])(
    'refuses %s',
    async (query) => {
      expect(await api.get(`/v1/work-orders?${query}`)).toMatchObject({ status: 400, json: { code: 'API_PAGE' } });
    },
  );

  test.each(['status=sleeping', 'colour=red'])('does not guess what %s means', async (query) => {
    expect(await api.get(`/v1/work-orders?${query}`)).toMatchObject({ status: 400, json: { code: 'API_PARAMETER' } });
  });
});
