import { describe, expect, it } from '@jest/globals';
import { differingFields } from '../../../src/consumers/read/differing-fields.js';
import { asSent, changed, draft, fixture, item, readable } from './orders.js';

const first = readable(fixture('order-86.json'));

describe('the content hash', () => {
  it('does not depend on the order of items or keys', () => {
    const order = draft();
    order.workOrderItems.reverse();
    const reversed = Object.fromEntries(Object.entries(asSent(order)).toReversed());
    expect(readable(JSON.stringify(reversed)).contentHash).toBe(first.contentHash);
  });

  it('does not depend on the order of keys inside unknown fields', () => {
    const withMore = (more: object): string => readable(changed((order) => Object.assign(order, { more }))).contentHash;
    expect(withMore({ a: 1, b: { c: 2, d: [3] } })).toBe(withMore({ b: { d: [3], c: 2 }, a: 1 }));
    expect(withMore({ a: 1 })).not.toBe(withMore({ a: 2 }));
  });

  it('does not depend on how the order config is escaped', () => {
    const escaped = changed((order) => (order['workOrderConfig'] = String.raw`{"payPattern":"\u6708"}`));
    expect(readable(escaped).contentHash).toBe(first.contentHash);
  });

  it.each([
    [
      'an item more',
      'workOrderItems[VM/x]',
      changed((order) =>
        order.workOrderItems.push({ ...item(order, 0), resourceId: 'x', master: false, workOrderItemId: 1 }),
      ),
    ],
    [
      'another size',
      'workOrderItems[EBS/72ac4aa9-7ca4-458f-a1b1-1ea2a082d9ee].workOrderItemConfig.dataVolumes.size',
      changed((order) => Object.assign(item(order, 1).workOrderItemConfig, { dataVolumes: { size: 20, type: 'SSD' } })),
    ],
    ['another callback', 'msghandler_url', changed((order) => (order['msghandler_url'] = 'http://127.0.0.1:1'))],
    ['another user', 'userId', changed((order) => (order['userId'] = 'someone'))],
    ['another description', 'resourceDescription', changed((order) => (order['resourceDescription'] = 'x'))],
    ['an unknown field more', 'more', changed((order) => (order['more'] = 1))],
    [
      'another offering',
      'systemOfferingIds.System Offering For Software Router',
      changed((order) => (order['systemOfferingIds'] = { 'System Offering For Software Router': 'x' })),
    ],
  ])('changes with %s, and the difference has a name', (_name, path, message) => {
    const second = readable(message);
    expect(second.contentHash).not.toBe(first.contentHash);
    expect(differingFields(first.canonical, second.canonical).map((difference) => difference.path)).toEqual([path]);
  });
});

describe('differing fields', () => {
  it('show both values, cut, and name what is absent', () => {
    expect(differingFields({ a: 1, b: 'x'.repeat(200) }, { a: 2, c: null })).toEqual([
      { path: 'a', first: '1', second: '2' },
      { path: 'b', first: `"${'x'.repeat(78)}…`, second: '(absent)' },
      { path: 'c', first: '(absent)', second: 'null' },
    ]);
  });

  it('are none for the same content and twenty at most', () => {
    expect(differingFields(first.canonical, first.canonical)).toEqual([]);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i]));
    expect(differingFields(many, {})).toHaveLength(20);
  });
});
