import { describe, expect, it } from '@jest/globals';
import { codesOf, fixture, readable, unreadable } from './orders.js';

describe('the real messages', () => {
  it('order 23 is accepted with a warning, because its item carries the running number as workOrderId', () => {
    const { order, holds, warnings } = readable(fixture('order-23.json'));
    expect(order.workOrderId).toBe('WO20171208090758640274FMkh');
    expect(holds).toEqual([]);
    expect(warnings).toContainEqual({
      path: 'workOrderItems[0].workOrderId',
      code: 'ITM_PARENT_MISMATCH',
      message: 'the item\'s workOrderId "19" is the order\'s running number; its workOrderId counts',
    });
  });

  it('order 23 inside msg is the same order', () => {
    const wrapped = readable(fixture('order-23.msg-wrapped.json'));
    const bare = readable(fixture('order-23.json'));
    expect(wrapped.contentHash).toBe(bare.contentHash);
    expect(wrapped.order).toEqual(bare.order);
    expect(wrapped.repairs.map(({ rule }) => rule)).toContain('W2');
  });

  it('order 60 keeps the order of its items, and its disks name no zone', () => {
    const { order, holds, warnings } = readable(fixture('order-60.json'));
    expect(order.items.map(({ resourceType, master }) => [resourceType, master])).toEqual([
      ['EBS', false],
      ['VM', true],
      ['EBS', false],
      ['NETWORK', false],
    ]);
    expect(order.items[0]?.config).toMatchObject({ zoneId: null, sizeGib: 80, volumeType: 'SATA', quantity: 1 });
    expect(holds).toEqual([]);
    expect(warnings.map(({ code }) => code)).toEqual(['CFG_PASSWORD_WEAK']);
  });

  it('order 86 comes out in our own names and units, with nothing of billing lost', () => {
    const { order, secrets } = readable(fixture('order-86.json'));
    expect(order).toMatchObject({
      producer: 'default',
      userId: 'af6a7ec3cc904b798031c9604a86b2d3',
      callbackUrl: 'http://127.0.0.1:8895',
      systemOfferingIds: { 'System Offering For Software Router': '53db3c3e-2136-4579-8424-3497b9ed751e' },
      echo: { orderId: 86, masterOrderId: 'c590994f-4460-41c7-8e74-2357b995a138', innerOrderId: 80, accountType: '1' },
    });
    expect(order.items[0]).toMatchObject({
      workOrderItemId: '138',
      platformId: 'sjif259a8d3011e7aebb005056aaa8be',
      config: {
        cpuCount: 1,
        memoryMib: 1024,
        rootDiskGib: 40,
        rootDiskType: 'SATA',
        networkId: null,
        networkCards: [],
      },
      echo: { innerOrderItemId: 174, orderItemId: '', salesEntryId: 5 },
    });
    expect(order.items[1]?.config).toMatchObject({ zoneId: '0d86f114-7153-4d71-a835-7916a41ab0b7', sizeGib: 10 });
    expect(order.items[2]?.config).toMatchObject({ bandwidthMbps: 2 });
    expect(secrets).toEqual([{ workOrderItemId: '138', itemIndex: 0, field: 'rootPassword', value: '123456' }]);
  });

  it.each(['order-86.form.txt', 'order-86.python-repr.txt'])('%s is order 86 again', (name) => {
    const again = readable(fixture(name));
    const first = readable(fixture('order-86.json'));
    expect(again.contentHash).toBe(first.contentHash);
    expect(again.canonical).toEqual(first.canonical);
    expect(again.order).toEqual(first.order);
  });

  it('the Python repr of order 86 leaves a lossless entry in the ledger', () => {
    const { repairs } = readable(fixture('order-86.python-repr.txt'));
    expect(repairs[0]).toEqual({
      path: '',
      rule: 'W9',
      before: 'a Python literal of 3856 characters',
      after: 'the same as JSON',
      lossless: true,
    });
  });

  it('order 84 is held, and says that item id 106 stands twice and that the third item is of another order', () => {
    const { holds } = readable(fixture('order-84-hand-edited.json'));
    expect(holds.map(({ code, path }) => [code, path])).toEqual([
      ['ITM_ID_REPEATED', 'workOrderItems[1].workOrderItemId'],
      ['ITM_OTHER_ORDER', 'workOrderItems[2].workOrderId'],
    ]);
    expect(holds[0]?.message).toContain('duplicate_item_id: workOrderItemId 106');
    expect(holds[0]?.message).toContain('VM 11eb286b-daa6-49e6-afeb-08e3c8254321');
    expect(holds[0]?.message).toContain('NETWORK 3a7cd974-39a9-428d-a33c-cdb13ca54321');
    expect(holds[1]?.message).toContain('WO20171218064746223026mREz');
  });

  it.each([
    ['order-23-broken-quotes.txt', 'WO20171208090758640274FMkh'],
    ['order-60-unescaped.txt', 'WO20171214074649656662xb0y'],
  ])('%s is set aside with a proposal, never guessed', (name, id) => {
    const reading = unreadable(fixture(name));
    expect(reading).toMatchObject({ kind: 'set-aside', workOrderIdHint: id });
    expect(codesOf(reading)).toEqual(['MSG_JSON_SYNTAX']);
    expect(reading.problems[0]?.message).toMatch(/^line 1, column 39: .*lost the backslashes/);
    expect(readable(reading.proposal ?? '').order.workOrderId).toBe(id);
  });

  it('the proposal for order 60 would be the very order 60', () => {
    const { proposal } = unreadable(fixture('order-60-unescaped.txt'));
    expect(readable(proposal ?? '').contentHash).toBe(readable(fixture('order-60.json')).contentHash);
  });
});
