import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/json.js';
import { asSent, codesOf, draft, fixture, pythonRepr, pythonString, readable, unreadable } from './orders.js';

const json = fixture('order-86.json').trim();
const order = JSON.parse(json) as Json;
const hash = readable(json).contentHash;
const { workOrderItems, ...header } = asSent(draft());
const itemsLast = JSON.stringify({ ...header, workOrderItems });
const form = (value: string): string => `msg=${encodeURIComponent(value)}`;
const urlencoded = 'application/x-www-form-urlencoded';

const accepted: [string, string, string, string | null][] = [
  ['W1 a form field msg', 'W1', form(json), urlencoded],
  ['W1 a form field msg with a charset', 'W1', form(json), `${urlencoded}; charset=UTF-8`],
  ['W1 a form body on Kafka, where nothing labels it', 'W1', form(json), null],
  [
    'W1 a form whose JSON escapes are gone and whose characters are percent-encoded',
    'W1',
    form(JSON.stringify(order)),
    urlencoded,
  ],
  ['W2 JSON text in msg', 'W2', JSON.stringify({ msg: json }), 'application/json'],
  ['W3 an object in msg', 'W3', JSON.stringify({ msg: order }), 'application/json'],
  ['W4 msg in msg in msg', 'W4', JSON.stringify({ msg: { msg: JSON.stringify({ msg: order }) } }), 'application/json'],
  ['W4 msg five levels deep', 'W4', `{"msg":`.repeat(5) + json + '}'.repeat(5), null],
  ['W7 a JSON string of JSON', 'W7', JSON.stringify(json), 'application/json'],
  ['W7 a JSON string of a JSON string of JSON', 'W7', JSON.stringify(JSON.stringify(json)), null],
  ['W8 configs as objects', 'W8', JSON.stringify(draft()), 'application/json'],
  ['W9 a Python 2 repr', 'W9', pythonRepr(order, 2), null],
  ['W9 a Python 3 repr', 'W9', pythonRepr(order, 3), null],
  ['W9 a Python repr in a form', 'W9', form(pythonRepr(order, 2)), urlencoded],
  ['W9 a Python repr whose configs are dicts', 'W9', pythonRepr(draft(), 3), null],
  ['W11 JSON text pasted between single quotes', 'W11', `{'msg': '${json}'}`, null],
  ['W14 a byte-order mark', '', `\ufeff${json}`, null],
  ['W14 lines that end in CR LF', '', JSON.stringify(order, null, 2).replaceAll('\n', '\r\n'), null],
  ['JSON that a tool labelled as a form', 'content-type', json, urlencoded],
];

describe('wrappers that are accepted', () => {
  it.each(accepted)('%s', (_name, rule, message, contentType) => {
    const reading = readable(message, contentType);
    expect(reading.contentHash).toBe(hash);
    expect(reading.repairs.every(({ lossless }) => lossless)).toBe(true);
    if (rule !== '') expect(reading.repairs.map((repair) => repair.rule)).toContain(rule);
  });

  it('W6: a bare order needs no entry but the one for its empty network card', () => {
    expect(readable(json).repairs.map(({ rule }) => rule)).toEqual(['Q18']);
  });

  it('msg in msg and text in text are warned about, a plain msg is not', () => {
    expect(codesOf(readable(JSON.stringify({ msg: json })))).not.toContain('MSG_ENVELOPE_WRAPPED');
    expect(codesOf(readable(JSON.stringify({ msg: { msg: json } })))).toContain('MSG_ENVELOPE_WRAPPED');
    expect(codesOf(readable(JSON.stringify(json)))).toContain('MSG_ENVELOPE_WRAPPED');
  });
});

describe('wrappers that are refused', () => {
  it.each([
    ['W5 what requests makes of a nested dict', 'msg=msg', 'MSG_ENVELOPE_FORM_DICT'],
    [
      'W5 what requests makes of the order as a dict',
      'msg=workOrderId&msg=userId&msg=workOrderItems',
      'MSG_ENVELOPE_FORM_DICT',
    ],
    ['msg six levels deep', `{"msg":`.repeat(6) + json + '}'.repeat(6), 'MSG_ENVELOPE_DEPTH'],
    ['text in text, six times', [1, 2, 3, 4, 5, 6].reduce((text) => JSON.stringify(text), json), 'MSG_ENVELOPE_DEPTH'],
  ])('%s', (_name, message, code) => {
    const reading = unreadable(message);
    expect(codesOf(reading)).toEqual([code]);
    expect(reading.kind).toBe('refused');
  });

  it('W5 says in one sentence what to send instead', () => {
    const { problems } = unreadable('msg=msg', urlencoded);
    expect(problems[0]?.message).toBe('a dictionary was form-encoded; send JSON text: msg=json.dumps(order)');
  });
});

describe('damage is set aside with a proposal', () => {
  it.each([
    ['W10 a missing last brace', json.slice(0, -1), 'W10'],
    ['W10 three missing brackets', itemsLast.slice(0, -3), 'W10'],
    ['W10 a missing brace of the inner text', form(json.slice(0, -1)), 'W10'],
    ['W13 a missing comma in JSON', json.replace('"orderId": 86, ', '"orderId": 86 '), 'W13'],
    [
      'W13 a missing comma in a Python dict',
      pythonRepr(order, 2).replace("u'orderId': 86, ", "u'orderId': 86 "),
      'W13',
    ],
    ['W10 and W13 together', json.replace('"orderId": 86, ', '"orderId": 86 ').slice(0, -1), 'W13, W10'],
  ])('%s', (_name, message, rules) => {
    const reading = unreadable(message);
    expect(reading).toMatchObject({ kind: 'set-aside', workOrderIdHint: 'WO20171218064746223026mREz' });
    expect(codesOf(reading)).toEqual(['MSG_JSON_SYNTAX']);
    expect(reading.problems[0]?.message).toContain(`(${rules})`);
    expect(readable(reading.proposal ?? '').contentHash).toBe(hash);
  });

  it('a text that stops inside a string gets no proposal', () => {
    expect(unreadable(json.slice(0, 1000))).toMatchObject({ kind: 'set-aside', proposal: null });
  });

  it('W14 GBK bytes: the decoded text is kept as the proposal', () => {
    const text = JSON.stringify({ ...asSent(draft()), resourceDescription: '<here>' });
    const [before = '', after = ''] = text.split('<here>');
    const clean = (part: string): string => part.replace(/[^\u0020-\u007e]/g, 'x');
    const bytes = Buffer.concat([Buffer.from(clean(before)), Buffer.from([0xd4, 0xc2]), Buffer.from(clean(after))]);
    const reading = unreadable(bytes);
    expect(reading).toMatchObject({ kind: 'set-aside', workOrderIdHint: 'WO20171218064746223026mREz' });
    expect(codesOf(reading)).toEqual(['MSG_UTF8']);
    expect(readable(reading.proposal ?? '').order.echo['resourceDescription']).toBe('月');
  });
});

describe('Python notation', () => {
  const withDescription = (literal: string): string =>
    pythonRepr(order, 3).replace("'resourceDescription': ''", `'resourceDescription': ${literal}`);
  const descriptionOf = (literal: string): unknown =>
    readable(withDescription(literal)).order.echo['resourceDescription'];

  it.each([
    [String.raw`'it\'s'`, "it's"],
    [`"it's"`, "it's"],
    [String.raw`'a\tb\x41\101'`, 'a\tbAA'],
    [String.raw`u'\u6708'`, '月'],
    [String.raw`'\u6708'`, '月'],
    [String.raw`'\U0001F600'`, '😀'],
    [String.raw`u'\ud83d\ude00'`, '😀'],
    [String.raw`'\xe6\x9c\x88'`, '月'],
    [String.raw`b'\xe6\x9c\x88'`, '月'],
    [String.raw`u'\xe9'`, 'é'],
    [String.raw`'C:\dir'`, String.raw`C:\dir`],
    ['None', null],
  ])('%s', (literal, value) => {
    expect(descriptionOf(literal)).toEqual(value);
  });

  it('a plain string in a Python 2 repr knows no \\u', () => {
    const python2 = pythonRepr(order, 2).replace(
      "u'resourceDescription': u''",
      String.raw`u'resourceDescription': '\u6708'`,
    );
    expect(readable(python2).order.echo['resourceDescription']).toBe(String.raw`\u6708`);
  });

  it.each([
    ['a tuple', "('a', 'b')"],
    ['a raw string', String.raw`r'\d'`],
    ['a call', 'dict(a=1)'],
    ['a name', 'foo'],
    ['two strings side by side', "'a' 'b'"],
    ['a named character', String.raw`'\N{BULLET}'`],
    ['bytes that are not UTF-8', String.raw`b'\xff'`],
    ['two numbers side by side', '1 2'],
    ['a number beside a word', '1True'],
    ['two words side by side', 'True None'],
    ['two commas', '[1,, 2]'],
    ['a comma with nothing before it', '[, 1]'],
    ['a comma alone', '[,]'],
    ['a set', "{'a', 'b'}"],
    ['an underscore in a number', '1_000'],
    ['NaN', 'NaN'],
  ])('%s is damage', (_name, literal) => {
    expect(codesOf(unreadable(withDescription(literal)))).toEqual(['MSG_JSON_SYNTAX']);
  });

  it('a long of Python 2, trailing commas and comments are read', () => {
    const text = pythonRepr(order, 2)
      .replace("u'orderId': 86", "u'orderId': 86L")
      .replace(/\]/, ',]')
      .replace(/\}$/, ', # end\n}');
    expect(readable(text).contentHash).toBe(hash);
  });

  it('a whole message as a Python string is read', () => {
    expect(readable(pythonString(json, 2)).contentHash).toBe(hash);
  });
});
