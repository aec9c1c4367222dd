import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/json.js';
import { changed, codesOf, type Draft, item, readable, unreadable } from './orders.js';

type Case = [name: string, change: (order: Draft) => void, code: string, path: string];
const set =
  (name: string, value: unknown) =>
  (order: Draft): void => {
    if (value === undefined) delete order[name];
    else order[name] = value as Json;
  };
const setItem =
  (index: number, name: string, value: unknown) =>
  (order: Draft): void => {
    if (value === undefined) delete item(order, index)[name];
    else item(order, index)[name] = value as Json;
  };

const refusedOrders: Case[] = [
  ['no workOrderId', set('workOrderId', undefined), 'ORD_FIELD_MISSING', 'workOrderId'],
  ['no workOrderItems', set('workOrderItems', undefined), 'ORD_FIELD_MISSING', 'workOrderItems'],
  ['no accountId', set('accountId', undefined), 'ORD_FIELD_MISSING', 'accountId'],
  ['userId null', set('userId', null), 'ORD_FIELD_MISSING', 'userId'],
  ['no workOrderType', set('workOrderType', undefined), 'ORD_FIELD_MISSING', 'workOrderType'],
  ['no resourceType', set('resourceType', undefined), 'ORD_FIELD_MISSING', 'resourceType'],
  ['a number as workOrderId', set('workOrderId', 123), 'ORD_FIELD_TYPE', 'workOrderId'],
  ['cycleType "x"', set('cycleType', 'x'), 'ORD_FIELD_TYPE', 'cycleType'],
  ['orderId 1.5', set('orderId', 1.5), 'ORD_FIELD_TYPE', 'orderId'],
  ['accountType []', set('accountType', []), 'ORD_FIELD_TYPE', 'accountType'],
  ['workOrderType true', set('workOrderType', true), 'ORD_FIELD_TYPE', 'workOrderType'],
  ['systemOfferingIds a list', set('systemOfferingIds', []), 'ORD_FIELD_TYPE', 'systemOfferingIds'],
  ['a number among systemOfferingIds', set('systemOfferingIds', { a: 1 }), 'ORD_FIELD_TYPE', 'systemOfferingIds.a'],
  ['workOrderConfig a list', set('workOrderConfig', []), 'ORD_FIELD_TYPE', 'workOrderConfig'],
  ['an empty id', set('workOrderId', ''), 'ORD_ID_FORMAT', 'workOrderId'],
  ['an id of 129 characters', set('workOrderId', 'a'.repeat(129)), 'ORD_ID_FORMAT', 'workOrderId'],
  ['an id with spaces', set('userId', 'a b'), 'ORD_ID_FORMAT', 'userId'],
  ['an id like a path', set('accountId', '../x'), 'ORD_ID_FORMAT', 'accountId'],
  ['an id like SQL', set('workOrderId', "a'; drop table--"), 'ORD_ID_FORMAT', 'workOrderId'],
  ['full-width digits in an id', set('workOrderId', 'WO１２'), 'ORD_ID_FORMAT', 'workOrderId'],
];

describe('an order is refused for', () => {
  it.each(refusedOrders)('%s', (_name, change, code, path) => {
    const reading = unreadable(changed(change));
    expect(reading.problems.map((problem) => [problem.code, problem.path])).toContainEqual([code, path]);
    expect(reading.kind).toBe('refused');
  });

  it.each([
    ['items that are an object', {}, 'ORD_FIELD_TYPE'],
    ['items that are text', '[]', 'ORD_FIELD_TYPE'],
    ['no items', [], 'ORD_ITEMS_EMPTY'],
    ['101 items', Array.from({ length: 101 }, () => ({})), 'ORD_ITEMS_LIMIT'],
    ['an item that is null', [null], 'ITM_NOT_OBJECT'],
    ['an item that is a list', [[]], 'ITM_NOT_OBJECT'],
  ])('%s', (_name, items, code) => {
    const message = JSON.stringify({ ...(JSON.parse(changed(() => {})) as object), workOrderItems: items });
    expect(codesOf(unreadable(message))).toEqual([code]);
  });
});

describe('the pieces of an order', () => {
  const disks = (quantities: number[]) => {
    const order = JSON.parse(changed(() => {})) as { workOrderItems: Record<string, unknown>[] };
    const { workOrderItems } = order;
    const disk = workOrderItems.find((one) => one['resourceType'] === 'EBS') ?? {};
    const config = JSON.parse(String(disk['workOrderItemConfig'])) as object;
    const items = quantities.map((quantity, i) => ({
      ...disk,
      workOrderItemId: 9_000 + i,
      resourceId: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      master: i === 0,
      workOrderItemConfig: JSON.stringify({
        ...config,
        volumeNumber: quantity,
        number: quantity,
        workOrderCount: quantity,
      }),
    }));
    return JSON.stringify({ ...order, workOrderItems: items });
  };
  const twoThousand = Array.from({ length: 20 }, () => 100);

  it('are taken up to 2,000', () => {
    expect(readable(disks(twoThousand)).order.items).toHaveLength(20);
  });

  it('are refused from 2,001 on, with their number', () => {
    const { problems } = unreadable(disks([...twoThousand, 1]));
    expect(problems).toEqual([
      {
        path: 'workOrderItems',
        code: 'ORD_PIECES_LIMIT',
        message: 'the order has 2001 pieces, all quantities added up; at most 2000 are taken',
      },
    ]);
  });

  it('are refused for what they are together, whatever single quantities say', () => {
    expect(codesOf(unreadable(disks([...twoThousand.slice(1), 99, 2])))).toEqual(['ORD_PIECES_LIMIT']);
  });
});

const refusedItems: Case[] = [
  ['no resourceType', setItem(0, 'resourceType', undefined), 'ITM_FIELD_MISSING', 'workOrderItems[0].resourceType'],
  ['no resourceId', setItem(1, 'resourceId', undefined), 'ITM_FIELD_MISSING', 'workOrderItems[1].resourceId'],
  [
    'no config',
    setItem(2, 'workOrderItemConfig', undefined),
    'ITM_FIELD_MISSING',
    'workOrderItems[2].workOrderItemConfig',
  ],
  ['no workOrderItemId', setItem(0, 'workOrderItemId', null), 'ITM_FIELD_MISSING', 'workOrderItems[0].workOrderItemId'],
  ['resourceType DISK', setItem(0, 'resourceType', 'DISK'), 'ITM_TYPE_UNSUPPORTED', 'workOrderItems[0].resourceType'],
  [
    'resourceType in small letters',
    setItem(0, 'resourceType', 'vm'),
    'ITM_TYPE_UNSUPPORTED',
    'workOrderItems[0].resourceType',
  ],
  ['resourceType null', setItem(0, 'resourceType', null), 'ITM_TYPE_UNSUPPORTED', 'workOrderItems[0].resourceType'],
  ['master "true"', setItem(0, 'master', 'true'), 'ITM_FIELD_TYPE', 'workOrderItems[0].master'],
  [
    'resourceAction "create"',
    setItem(0, 'resourceAction', 'create'),
    'ITM_FIELD_TYPE',
    'workOrderItems[0].resourceAction',
  ],
  ['an id with a slash', setItem(0, 'resourceId', 'a/b'), 'ORD_ID_FORMAT', 'workOrderItems[0].resourceId'],
  [
    'two items of one type and resourceId',
    (order) => order.workOrderItems.push({ ...item(order, 1), workOrderItemId: 999 }),
    'ITM_KEY_DUPLICATE',
    'workOrderItems[3].resourceId',
  ],
];

describe('an item is refused for', () => {
  it.each(refusedItems)('%s', (_name, change, code, path) => {
    expect(unreadable(changed(change)).problems.map((problem) => [problem.code, problem.path])).toEqual([[code, path]]);
  });
});

const held: Case[] = [
  ['an unknown workOrderType', set('workOrderType', 99), 'ORD_TYPE_UNSUPPORTED', 'workOrderType'],
  ['an unknown main resource', set('resourceType', 'GPU'), 'ORD_TYPE_UNSUPPORTED', 'resourceType'],
  ['an unknown action', setItem(1, 'resourceAction', 7), 'ITM_ACTION_UNSUPPORTED', 'workOrderItems[1].resourceAction'],
  [
    'an item id that stands twice',
    setItem(1, 'workOrderItemId', '138'),
    'ITM_ID_REPEATED',
    'workOrderItems[1].workOrderItemId',
  ],
  [
    "another order's id on an item",
    setItem(2, 'workOrderId', 'WO1'),
    'ITM_OTHER_ORDER',
    'workOrderItems[2].workOrderId',
  ],
  ['two masters', setItem(1, 'master', true), 'ITM_MASTER', 'workOrderItems'],
  [
    'no master among two VMs',
    (order) => {
      item(order, 0)['master'] = false;
      order.workOrderItems.push({ ...item(order, 0), workOrderItemId: 7, resourceId: 'another' });
    },
    'ITM_MASTER',
    'workOrderItems',
  ],
  [
    'a master that is not the VM',
    (order) => {
      item(order, 0)['master'] = false;
      item(order, 1)['master'] = true;
    },
    'ITM_MASTER',
    'workOrderItems[1].master',
  ],
];

describe('an order is accepted and held for', () => {
  it.each(held)('%s', (_name, change, code, path) => {
    expect(readable(changed(change)).holds.map((hold) => [hold.code, hold.path])).toEqual([[code, path]]);
  });
});

const warned: Case[] = [
  ['an extra field', set('more', { a: 1 }), 'ORD_UNKNOWN_FIELD', 'more'],
  ['an extra field of an item', setItem(0, 'more', 1), 'ORD_UNKNOWN_FIELD', 'workOrderItems[0].more'],
  ["an item's orderId that differs", setItem(0, 'orderId', 1), 'ITM_PARENT_MISMATCH', 'workOrderItems[0].orderId'],
  [
    "an item's innerOrderId that differs",
    setItem(0, 'innerOrderId', 1),
    'ITM_PARENT_MISMATCH',
    'workOrderItems[0].innerOrderId',
  ],
  [
    "an item's masterOrderId that differs",
    setItem(0, 'masterOrderId', 'x'),
    'ITM_PARENT_MISMATCH',
    'workOrderItems[0].masterOrderId',
  ],
  [
    "the order's running number as an item's workOrderId",
    setItem(0, 'workOrderId', 65),
    'ITM_PARENT_MISMATCH',
    'workOrderItems[0].workOrderId',
  ],
  [
    "the order's inner id as an item's workOrderId",
    setItem(0, 'workOrderId', '80'),
    'ITM_PARENT_MISMATCH',
    'workOrderItems[0].workOrderId',
  ],
  [
    'a masterResourceId that names nothing',
    setItem(0, 'masterResourceId', 'x'),
    'ITM_MASTER_UNKNOWN',
    'workOrderItems[0].masterResourceId',
  ],
  ['no master but one VM', setItem(0, 'master', false), 'ITM_MASTER_ASSUMED', 'workOrderItems[0].master'],
  ['a product id of another type', setItem(0, 'productId', 3), 'ITM_PRODUCT_MISMATCH', 'workOrderItems[0].productId'],
  [
    'a description with another size',
    setItem(1, 'resourceDescription', 'SSD存储: 80G'),
    'SEM_DESCRIPTION',
    'workOrderItems[1].resourceDescription',
  ],
  ['a callback that is no URL', set('msghandler_url', 'not a url'), 'URL_SYNTAX', 'msghandler_url'],
  ['a callback with a line break', set('msghandler_url', 'http://a/\r\nb'), 'URL_SYNTAX', 'msghandler_url'],
  ['a callback that is a number', set('msghandler_url', 5), 'URL_SYNTAX', 'msghandler_url'],
];

describe('an order is accepted with a warning for', () => {
  it.each(warned)('%s', (_name, change, code, path) => {
    const { warnings, holds } = readable(changed(change));
    expect(holds).toEqual([]);
    expect(warnings.map((warning) => [warning.code, warning.path])).toContainEqual([code, path]);
  });

  it('a master that was assumed is marked on the item', () => {
    expect(readable(changed(setItem(0, 'master', null))).order.items[0]?.master).toBe(true);
  });

  it('unknown fields come back as they came', () => {
    expect(readable(changed(set('more', { b: [1, null] }))).order.echo['more']).toEqual({ b: [1, null] });
  });
});

describe('what says the same is the same', () => {
  it.each([
    ['resourceAction "0"', setItem(0, 'resourceAction', '0')],
    ['workOrderType "1"', set('workOrderType', '1')],
    ['an empty callback', set('resourceInfo', null)],
    ['an item id as text', setItem(0, 'workOrderItemId', '138')],
    ['an order id as text', set('orderId', '86')],
  ])('%s', (_name, change) => {
    expect(readable(changed(change)).contentHash).toBe(readable(changed(() => {})).contentHash);
  });

  it('an order of disks alone needs no master', () => {
    const { holds, warnings } = readable(changed((order) => order.workOrderItems.splice(0, 1)));
    expect([...holds, ...warnings]).toEqual([]);
  });
});

it('all problems of a message come in one answer, twenty at most', () => {
  const { problems } = unreadable(
    changed((order) => {
      delete order['userId'];
      item(order, 0)['resourceId'] = 'a/b';
      item(order, 0).workOrderItemConfig['cpuNum'] = '1e3';
      item(order, 1).workOrderItemConfig['volumeSize'] = 'ten';
      item(order, 2).workOrderItemConfig['newBandwidthValue'] = '2M';
    }),
  );
  expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
    'ORD_FIELD_MISSING userId',
    'ORD_ID_FORMAT workOrderItems[0].resourceId',
    'CFG_NUMBER workOrderItems[0].workOrderItemConfig.cpuNum',
    'CFG_NUMBER workOrderItems[1].workOrderItemConfig.volumeSize',
    'CFG_NUMBER workOrderItems[2].workOrderItemConfig.newBandwidthValue',
  ]);
  const many = changed((order) => {
    order.workOrderItems = Array.from({ length: 30 }, () => ({ workOrderItemConfig: {} }));
  });
  expect(unreadable(many).problems).toHaveLength(20);
});
