import { describe, expect, it } from '@jest/globals';
import {
  callbackBody,
  callbackMessage,
  type ItemOutcome,
  type OrderOutcome,
} from '../../src/publishers/callback-message.js';
import type { WorkOrderItem } from '../../src/schemas/work-order.js';
import { bundleOrder, ebsItem, orderOf, samplePlatformId, vmItem } from '../support/orders.js';

const startedAt = '2026-03-01T12:00:00Z';
const delivered = ({ workOrderItemId, resourceId, resourceType, platformId }: WorkOrderItem): ItemOutcome => ({
  workOrderItemId,
  resourceId,
  resourceType,
  platformId,
  status: 'completed',
  cloudResourceIds: [`cloud-${workOrderItemId}`],
  startedAt,
  facts: resourceType === 'NETWORK' ? { ipAddress: '198.51.100.7', bandwidthMbps: '2' } : {},
  failure: null,
});
const failure = { class: 'item-fails', code: 'CLD_QUOTA', message: 'The quota of volumes is used up.' };

function outcome(changes: Partial<OrderOutcome> = {}): OrderOutcome {
  const order = changes.order ?? bundleOrder();
  return {
    order,
    orderId: 'ours-1',
    status: 'completed',
    items: order.items.map(delivered),
    finishedAt: startedAt,
    ...changes,
  };
}

describe('the message to billing', () => {
  const message = callbackMessage(outcome());

  it('is a success in the words of its platform', () => {
    expect(message).toMatchObject({
      errstatus: 'SUCCESS',
      errcode: 0,
      msg: expect.stringContaining('4 of 4 items completed'),
    });
  });

  it('brings back every id of the order as it was sent', () => {
    expect(message.results).toMatchObject({
      workOrderId: 'WO20171214074649656662xb0y',
      userId: 'bac9eabf2308ee0410980e05c48af0a77eb',
      accountId: 'bacedc3cefb4da54b3790d2013e4734b0ef',
      orderId: 60,
      masterOrderId: '87b632bb-ff7a-4e2c-8e0e-637e22c34227',
      innerOrderId: 55,
      resourceId: '2493e0f1-ff5f-4f80-bbf6-8c852e4aedc6',
      workOrderNo: 42,
      orderwrightId: 'ours-1',
      status: 'completed',
      finishedAt: startedAt,
    });
  });

  it('brings back every id of each line, with what came of it', () => {
    expect(message.results['items']).toMatchObject([
      {
        workOrderItemId: '82',
        innerOrderItemId: 113,
        orderItemId: '',
        resourceId: '5656019a-6728-41be-97ad-120b778efb8f',
      },
      { workOrderItemId: '83', innerOrderItemId: 114, master: true, platformId: samplePlatformId },
      { workOrderItemId: '84', innerOrderItemId: 115, verdict: 'completed', chargeable: true, startedAt },
      {
        workOrderItemId: '85',
        cloudResourceIds: ['cloud-85'],
        facts: { ipAddress: '198.51.100.7', bandwidthMbps: '2' },
        failure: null,
      },
    ]);
  });

  it('gives a line number back as the number it was, where the intake kept it so', () => {
    const order = orderOf([vmItem({ echo: { workOrderItemId: 83 } })]);
    expect(callbackMessage(outcome({ order })).results['items']).toMatchObject([{ workOrderItemId: 83 }]);
  });

  it('tells lines with the same number apart', () => {
    const order = orderOf([vmItem({ workOrderItemId: '106' }), ebsItem({ workOrderItemId: '106' })]);
    const items = callbackMessage(outcome({ order })).results['items'];
    expect(items).toMatchObject([
      { innerOrderItemId: 114, master: true },
      { innerOrderItemId: 113, master: false },
    ]);
  });

  it('holds plain JSON only', () => {
    expect(JSON.parse(JSON.stringify(message))).toEqual(message);
  });
});

describe('what may be charged', () => {
  it('is what was delivered, and nothing else', () => {
    const order = bundleOrder();
    const [disk, vm, ssd, address] = order.items.map(delivered);
    if (!disk || !vm || !ssd || !address) throw new Error('four items were expected');
    const nothing = { cloudResourceIds: [], startedAt: null, facts: {} };
    const items: ItemOutcome[] = [
      { ...disk, ...nothing, status: 'failed', failure },
      vm,
      { ...ssd, ...nothing, status: 'cancelled' },
      { ...address, ...nothing, status: 'waiting' },
    ];
    const message = callbackMessage(outcome({ order, items, status: 'partial' }));
    expect(message).toMatchObject({ errstatus: 'ERROR', errcode: 1, msg: expect.stringContaining('1 of 4 items') });
    expect(message.results['items']).toMatchObject([
      { verdict: 'failed', chargeable: false, failure, startedAt: null },
      { verdict: 'completed', chargeable: true },
      { verdict: 'cancelled', chargeable: false },
      { verdict: null, chargeable: false },
    ]);
  });

  it.each(['partial', 'failed', 'cancelled', 'held'] as const)(
    'an order that is %s is an error to the envelope',
    (status) => {
      const message = callbackMessage(outcome({ status }));
      expect(message.errstatus).toBe('ERROR');
      expect(message.errcode).not.toBe(0);
    },
  );
});

describe('secrets', () => {
  it('do not get out, should one have got in', () => {
    const order = orderOf([vmItem({ echo: { rootPassword: 'canary', serviceTag: 'CVMS' } })], {
      echo: { apiKey: 'canary', orderId: 60 },
    });
    const items = order.items.map((item) => ({
      ...delivered(item),
      facts: { password: 'canary', ipAddress: '198.51.100.7' },
    }));
    const text = JSON.stringify(callbackMessage(outcome({ order, items })));
    expect(text).not.toContain('canary');
    expect(text).toContain('CVMS');
    expect(text).toContain('198.51.100.7');
  });
});

describe('the body of the message', () => {
  const items = (count: number) =>
    Array.from({ length: count }, (_, i) => ebsItem({ workOrderItemId: `${i}`, resourceId: `r-${i}`, master: false }));
  const read = (text: string) =>
    JSON.parse(text) as { msg: string; results: { items: unknown[]; shortened?: string; readAt?: string } };

  it('is the message itself when that is below 20 KB', () => {
    expect(read(callbackBody(outcome()))).toEqual(JSON.parse(JSON.stringify(callbackMessage(outcome()))));
  });

  it.each([
    [30, 30, undefined],
    [45, 45, 'echo'],
    [100, 0, 'items'],
  ])('of %i lines tells %i of them and stays below 20 KB, saying what is left out', (count, told, shortened) => {
    const text = callbackBody(outcome({ order: orderOf(items(count)) }));
    expect(Buffer.byteLength(text)).toBeLessThan(20_000);
    const { msg, results } = read(text);
    expect([results.items.length, results.shortened]).toEqual([told, shortened]);
    expect(results.readAt).toBe(shortened === undefined ? undefined : '/v1/work-orders/ours-1');
    expect(msg).toContain(`${count} of ${count} items completed`);
  });
});
