import { describe, expect, it } from '@jest/globals';
import { changed, codesOf, draft, fixture, item, readable, unreadable } from './orders.js';

const json = fixture('order-86.json').trim();
const bytesOf = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
/** The order with this JSON literal as a description: what a text may hold anywhere. */
const described = (literal: string): string =>
  json.replace('"resourceDescription": ""', `"resourceDescription": ${literal}`);
/** The order with this raw text as the VM's config. */
const configured = (text: string): string =>
  changed((order) => Object.assign(item(order, 0), { workOrderItemConfig: text }));
const members = (count: number): string => Array.from({ length: count }, (_, i) => `"k${i}":1`).join(',');

type Case = [name: string, message: string | Uint8Array, code: string];

const bytes: Case[] = [
  ['no bytes', '', 'MSG_EMPTY'],
  ['white space only', ' \r\n\t', 'MSG_EMPTY'],
  ['more than 1 MiB', ' '.repeat(1024 * 1024 + 1), 'MSG_TOO_LARGE'],
  ['a config over 64 KiB', configured(`{"vmName":"${'x'.repeat(65_536)}"}`), 'MSG_TOO_LARGE'],
  ['the byte FF', bytesOf('{"workOrderId":"', [0xff], '"}'), 'MSG_UTF8'],
  ['an overlong encoding', bytesOf('{"a":"', [0xc0, 0xaf], '"}'), 'MSG_UTF8'],
  ['UTF-16', bytesOf([0xff, 0xfe, 0x7b, 0, 0x7d, 0]), 'MSG_UTF8'],
  ['a character cut in half', bytesOf('{"a":"', [0xe6, 0x9c], '"}'), 'MSG_UTF8'],
  ['a percent-encoded form value that is not UTF-8', 'msg=%ff%fe', 'MSG_UTF8'],
  ['\\u0000 in a text', described(String.raw`"a\u0000b"`), 'MSG_TEXT_NUL'],
  ['\\u0000 in a config', configured(String.raw`{"vmName":"a\u0000"}`), 'MSG_TEXT_NUL'],
  [
    '\\u0000 in the order config',
    changed((order) => (order['workOrderConfig'] = String.raw`{"a":"\u0000"}`)),
    'MSG_TEXT_NUL',
  ],
  ['a raw NUL', bytesOf('{"a":"', [0], '"}'), 'MSG_TEXT_NUL'],
  ['a percent-encoded NUL', 'msg=%7B%00%7D', 'MSG_TEXT_NUL'],
  ['a lone high surrogate', described(String.raw`"\ud800"`), 'MSG_TEXT_SURROGATE'],
  ['a reversed pair', described(String.raw`"\udc00\ud800"`), 'MSG_TEXT_SURROGATE'],
  ['a lone surrogate in a config', configured(String.raw`{"vmName":"\ud800"}`), 'MSG_TEXT_SURROGATE'],
  [
    'ESC in a name',
    changed((order) => (item(order, 0).workOrderItemConfig['vmName'] = 'a\u001b[31m')),
    'MSG_TEXT_CONTROL',
  ],
  [
    'CR LF in a name',
    changed((order) => (item(order, 0).workOrderItemConfig['vmName'] = 'a\r\nb')),
    'MSG_TEXT_CONTROL',
  ],
  [
    'a bidi override in a name',
    changed((order) => (item(order, 0).workOrderItemConfig['vmName'] = 'a\u202eb')),
    'MSG_TEXT_CONTROL',
  ],
  [
    'U+2028 in a name',
    changed((order) => (item(order, 1).workOrderItemConfig['volumeName'] = 'a\u2028b')),
    'MSG_TEXT_CONTROL',
  ],
  ['a bidi override in a key', `{"workOrderId":"1","a\u202eb":1}`, 'MSG_TEXT_CONTROL'],
  ['an escaped control character in a key', String.raw`{"workOrderId":"1","a\u001b":1}`, 'MSG_TEXT_CONTROL'],
];

const text: Case[] = [
  ['a text that was cut off', json.slice(0, 500), 'MSG_JSON_SYNTAX'],
  ['NaN', described('NaN'), 'MSG_JSON_SYNTAX'],
  ['undefined', described('undefined'), 'MSG_JSON_SYNTAX'],
  ['two documents', json + json, 'MSG_JSON_SYNTAX'],
  ['a config that lost its escapes', fixture('order-60-unescaped.txt'), 'MSG_JSON_SYNTAX'],
  ['a page of HTML', '<html><body>502</body></html>', 'MSG_JSON_SYNTAX'],
  ['a page of XML', '<?xml version="1.0"?><a/>', 'MSG_JSON_SYNTAX'],
  ['a raw line break in a string', described('"a\nb"'), 'MSG_JSON_SYNTAX'],
  ['an octal number', described('0123'), 'MSG_JSON_SYNTAX'],
  ['33 levels', described('['.repeat(32) + ']'.repeat(32)), 'MSG_JSON_DEPTH'],
  ['100,000 arrays', '['.repeat(100_000), 'MSG_JSON_DEPTH'],
  ['100,000 objects', '{"a":'.repeat(100_000), 'MSG_JSON_DEPTH'],
  ['100,000 Python lists', "['a',".repeat(100_000), 'MSG_JSON_DEPTH'],
  ['a config 33 levels deep', configured(`{"a":${'['.repeat(32)}${']'.repeat(32)}}`), 'MSG_JSON_DEPTH'],
  ['10,001 keys', `{"workOrderId":"1",${members(10_000)}}`, 'MSG_JSON_KEYS'],
  ['a key of 10 KB', `{"workOrderId":"1","${'k'.repeat(10_000)}":1}`, 'MSG_JSON_KEYS'],
  ['a key twice', json.replace('{', '{"workOrderId":"WO1",'), 'MSG_JSON_DUPKEY'],
  ['a key twice in a config', configured('{"vmName":"a","vmName":"b"}'), 'MSG_JSON_DUPKEY'],
  ['a key twice, once with an escape', String.raw`{"workOrderId":"1","a":1,"\u0061":2}`, 'MSG_JSON_DUPKEY'],
  ['a key twice in a Python dict', "{'workOrderId': '1', 'a': 1, u'a': 2}", 'MSG_JSON_DUPKEY'],
  ['__proto__', '{"workOrderId":"1","__proto__":{}}', 'MSG_JSON_PROTO'],
  ['an escaped __proto__', String.raw`{"workOrderId":"1","\u005f_proto__":{}}`, 'MSG_JSON_PROTO'],
  ['constructor.prototype', '{"workOrderId":"1","constructor":{"prototype":{}}}', 'MSG_JSON_PROTO'],
  ['__proto__ in a config', configured('{"__proto__":{}}'), 'MSG_JSON_PROTO'],
  ['an integer beyond 2^53', json.replace('"workOrderNo": 65', '"workOrderNo": 9007199254740993'), 'MSG_NUMBER_RANGE'],
  ['1e400', json.replace('"workOrderNo": 65', '"workOrderNo": 1e400'), 'MSG_NUMBER_RANGE'],
  ['300 digits', json.replace('"workOrderNo": 65', `"workOrderNo": ${'9'.repeat(300)}`), 'MSG_NUMBER_RANGE'],
  ['1e-400', json.replace('"workOrderNo": 65', '"workOrderNo": 1e-400'), 'MSG_NUMBER_RANGE'],
  ['-0', json.replace('"workOrderNo": 65', '"workOrderNo": -0'), 'MSG_NUMBER_RANGE'],
  [
    'an integer beyond 2^53 in a Python dict',
    "{'workOrderId': '1', 'workOrderNo': 9007199254740993L}",
    'MSG_NUMBER_RANGE',
  ],
  ['an array', '[]', 'MSG_NOT_OBJECT'],
  ['a string', '"hello"', 'MSG_NOT_OBJECT'],
  ['a number', '1', 'MSG_NOT_OBJECT'],
  ['null', 'null', 'MSG_NOT_OBJECT'],
  ['true', 'true', 'MSG_NOT_OBJECT'],
];

const envelope: Case[] = [
  ['a form without msg', 'a=1', 'MSG_ENVELOPE_MISSING'],
  ['a form with an empty msg', 'msg=', 'MSG_ENVELOPE_MISSING'],
  ['JSON without any field of an order', '{"hello":1}', 'MSG_ENVELOPE_MISSING'],
  ['an empty object', '{}', 'MSG_ENVELOPE_MISSING'],
  ['msg twice in a form', `msg=${encodeURIComponent(json)}&msg=${encodeURIComponent(json)}`, 'MSG_ENVELOPE_AMBIGUOUS'],
  ['msg beside an order field in a form', `msg=${encodeURIComponent(json)}&workOrderId=1`, 'MSG_ENVELOPE_AMBIGUOUS'],
  ['msg beside order fields', JSON.stringify({ ...draft(), msg: json }), 'MSG_ENVELOPE_AMBIGUOUS'],
  ['msg that is null', '{"msg":null}', 'MSG_NOT_OBJECT'],
  ['msg that holds no JSON', '{"msg":"hello"}', 'MSG_NOT_OBJECT'],
];

describe.each([
  ['bytes', bytes],
  ['JSON text', text],
  ['envelope', envelope],
])('bad %s', (_title, cases) => {
  it.each(cases)('%s', (name, message, code) => {
    const contentType =
      name.includes('form') && !name.startsWith('msg twice') ? 'application/x-www-form-urlencoded' : null;
    const reading = unreadable(message, contentType);
    expect(codesOf(reading)).toContain(code);
    expect(reading.problems[0]?.code).toBe(code);
  });
});

describe('what is taken although it looks bad', () => {
  it('a byte-order mark is skipped with a warning', () => {
    expect(codesOf(readable(`\ufeff${json}`))).toContain('MSG_BOM');
  });

  it('32 levels, a surrogate pair and line breaks in a description are fine', () => {
    const nested = JSON.stringify({ ...draft(), more: JSON.parse('['.repeat(31) + ']'.repeat(31)) as null });
    expect(readable(nested).order.echo['more']).toBeDefined();
    expect(readable(described(String.raw`"\ud83d\ude00\r\n"`)).order.echo['resourceDescription']).toBe('😀\r\n');
  });
});

describe('where it is wrong', () => {
  it('a syntax error has its line and column, and quotes nothing', () => {
    const { problems } = unreadable('{\n  "workOrderId": "WO1",\n  "secretWord" 1}');
    expect(problems).toEqual([
      { path: '', code: 'MSG_JSON_SYNTAX', message: "line 3, column 16: expected ':', found a letter or digit" },
    ]);
  });

  it.each([
    [
      configured(String.raw`{"networkCards":[{},{"a":"\u0000"}]}`),
      'workOrderItems[0].workOrderItemConfig.networkCards[1].a',
    ],
    [described(String.raw`"\u0000"`), 'resourceDescription'],
    [JSON.stringify({ msg: JSON.parse(json) as null }).replace('"CVMS"', String.raw`"\u0000"`), 'serviceTag'],
    [configured('{"a":{"b":1,"b":2}}'), 'workOrderItems[0].workOrderItemConfig.a.b'],
  ])('a forbidden character or repeated key has its path', (message, path) => {
    expect(unreadable(message).problems[0]?.path).toBe(path);
  });
});

describe('content types', () => {
  it.each(['text/plain', '', 'multipart/form-data; boundary=x', 'application/json; charset=gbk', 'application/xml'])(
    '%j is refused',
    (contentType) => {
      expect(codesOf(unreadable(json, contentType))).toEqual(['API_CONTENT_TYPE']);
    },
  );

  it.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON', 'application/cloudevents+json'])(
    '%j is taken',
    (contentType) => {
      expect(readable(json, contentType).order.workOrderId).toBe('WO20171218064746223026mREz');
    },
  );
});
