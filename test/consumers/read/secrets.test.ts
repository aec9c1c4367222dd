import { describe, expect, it } from '@jest/globals';
import { readMessage } from '../../../src/consumers/read/read-message.js';
import { differingFields } from '../../../src/consumers/read/differing-fields.js';
import { asSent, changed, draft, fixture, hashKey, item, pythonRepr, readable, unreadable } from './orders.js';
import type { Json } from '../../../src/json.js';

const canary = `Canary'"\\月-7f3a`;
/** As it stands, and as JSON writes it once and twice. */
const spellings = [
  canary,
  JSON.stringify(canary).slice(1, -1),
  JSON.stringify(JSON.stringify(canary)).slice(3, -3),
  'Canary',
  '7f3a',
];

const withPassword = (password: Json): string =>
  changed((order) => {
    item(order, 0).workOrderItemConfig['rootPassword'] = password;
  });

function expectNoTrace(value: unknown): void {
  const text = JSON.stringify(value);
  for (const spelling of spellings) expect(text).not.toContain(spelling);
}

describe('a root password', () => {
  it('is handed out once, to be sealed, and is nowhere else', () => {
    const { secrets, ...rest } = readable(withPassword(canary));
    expect(secrets).toEqual([{ workOrderItemId: '138', itemIndex: 0, field: 'rootPassword', value: canary }]);
    expectNoTrace(rest);
  });

  it.each([
    ['as a Python repr', pythonRepr(JSON.parse(withPassword(canary)) as Json, 2)],
    ['wrapped', JSON.stringify({ msg: { msg: JSON.stringify(withPassword(canary)) } })],
    ['in a config that is an object', JSON.stringify(withObjectConfig())],
  ])('leaves no trace in ledger and warnings when the order came %s', (_name, message) => {
    const { secrets, ...rest } = readable(message);
    expect(secrets.map(({ value }) => value)).toEqual([canary]);
    expectNoTrace(rest);
  });

  it.each([
    ['it is too long', withPassword(canary.repeat(20))],
    ['it has a line break', withPassword(`${canary}\n`)],
    ['it is a number', withPassword([canary])],
    ['something else is wrong', withPassword(canary).replace('"orderId":86', '"orderId":1.5')],
    [
      'another field repeats it',
      changed((order) => Object.assign(item(order, 0).workOrderItemConfig, { rootPassword: canary, vmName: canary })),
    ],
  ])('is in no problem when %s', (_name, message) => {
    expectNoTrace(unreadable(message));
  });

  it('is in no problem of a message that cannot be read; only the proposal still has it', () => {
    const { proposal, ...rest } = unreadable(withPassword(canary).slice(0, -1));
    expectNoTrace(rest);
    expect(proposal).toContain('Canary');
  });

  it('a syntax error right inside the password shows no character of it', () => {
    const { problems } = unreadable(fixture('order-86.json').replace('\\"123456\\"', '\\"12\\"Q456\\"'));
    expect(problems[0]?.message).not.toMatch(/Q|456/);
  });
});

function withObjectConfig(): unknown {
  const order = draft();
  item(order, 0).workOrderItemConfig['rootPassword'] = canary;
  return order;
}

describe('secrets where none belongs', () => {
  it.each([
    ['the order', (): string => changed((order) => (order['apiToken'] = canary)), 'apiToken'],
    [
      'an item',
      (): string => changed((order) => (item(order, 1)['rootPassword'] = canary)),
      'workOrderItems[1].rootPassword',
    ],
    [
      'a config',
      (): string => changed((order) => (item(order, 1).workOrderItemConfig['more'] = { adminPassword: canary })),
      'workOrderItems[1].workOrderItemConfig.more.adminPassword',
    ],
    [
      'a network card',
      (): string => changed((order) => (item(order, 0).workOrderItemConfig['networkCards'] = [{ secret: canary }])),
      'workOrderItems[0].workOrderItemConfig.networkCards[0].secret',
    ],
    [
      "the order's own config",
      (): string => changed((order) => (order['workOrderConfig'] = JSON.stringify({ pwd: canary }))),
      'workOrderConfig.pwd',
    ],
  ])('are removed from %s with a warning', (_where, message, path) => {
    const reading = readable(message());
    expectNoTrace(reading);
    expect(reading.warnings.map((warning) => [warning.code, warning.path])).toContainEqual([
      'MSG_SECRET_REMOVED',
      path,
    ]);
  });
});

describe('the hash', () => {
  it('changes with the password, and with nothing but the key can be told apart', () => {
    const [first, second] = [readable(withPassword('Tr0ub4dor&3')), readable(withPassword('Tr0ub4dor&4'))];
    expect(first.contentHash).not.toBe(second.contentHash);
    expect(differingFields(first.canonical, second.canonical)).toEqual([
      {
        path: 'workOrderItems[VM/4e6e5a28-fe54-4932-984c-9e5970f1124d].workOrderItemConfig.rootPassword',
        first: '(secret differs)',
        second: '(secret differs)',
      },
    ]);
    const otherKey = readMessage(
      { bytes: Buffer.from(withPassword('Tr0ub4dor&3')), contentType: null },
      { hashKey: Buffer.from('other') },
    );
    expect(otherKey).not.toMatchObject({ contentHash: first.contentHash });
  });

  it('does not show that two orders have the same password', () => {
    const mark = (name: string): string =>
      /"secretMark":"(\w+)"/.exec(JSON.stringify(readable(fixture(name)).canonical))?.[1] ?? '';
    expect(mark('order-60.json')).toMatch(/^\w{64}$/);
    expect(mark('order-60.json')).not.toBe(mark('order-86.json'));
  });

  it('is the same for the same bytes and key', () => {
    const bytes = Buffer.from(JSON.stringify(asSent(draft())));
    const once = readMessage({ bytes, contentType: null }, { hashKey });
    expect(readMessage({ bytes, contentType: null }, { hashKey })).toEqual(once);
  });
});
