import { expect, it } from '@jest/globals';
import { read } from './orders.js';

const mebibyte = 1024 * 1024;
const filled = (unit: string, before = '', after = ''): string =>
  before + unit.repeat(Math.floor((mebibyte - before.length - after.length) / unit.length)) + after;

/** Quadratic time would take minutes; measured alone it is under 100 ms, on a machine with much else to do ten times that. */
const bar = 5_000;

/** What takes a careless reader quadratic time or its stack: a mebibyte of each. */
it.each([
  ['opening brackets', filled('[')],
  ['opening objects', filled('{"a":')],
  ['Python lists', filled("['")],
  ['empty lists in a row', filled('[]', "{'a':")],
  ['escapes', filled('\\u0041', '"', '"')],
  ['Python escapes', filled('\\x41', "'", "'")],
  ['high Python bytes', filled('\\xe6', "'", "'")],
  ['backslashes', filled('\\\\', '{"a":"', '"}')],
  ['quotes that look like lost escapes', filled(': "{"')],
  ['comments', filled('#', '{')],
  ['comment lines', filled('#\n', "{'a': 1 ")],
  ['values without commas', filled('1 ', '[')],
  ['members without commas', filled("'b':1 ", '{')],
  ['Python numbers', filled('1,', "['a',", ']')],
  ['trailing commas', filled(',', '[1', ']')],
  ['percent signs', filled('%', 'msg=')],
  ['form fields', filled('&a', 'msg=1')],
  ['plus signs', filled('+', 'msg=')],
  ['blanks', filled(' ')],
  ['blanks before msg', filled(' ', '', 'msg')],
  ['digits', filled('9')],
  ['one word', filled('a')],
  ['many ids', filled('"workOrderId": ', '{"a":')],
  ['angle brackets', filled('<')],
  ['one repeated key', filled('"a":1,', '{', '"b":2}')],
  ['long names', JSON.stringify({ workOrderId: 'a'.repeat(1_000_000) })],
  [
    'an item of many fields',
    `{"workOrderId":"a","workOrderItems":[{${Array.from({ length: 9000 }, (_, i) => `"k${i}":"${'x'.repeat(100)}"`).join(',')}}]}`,
  ],
])('a mebibyte of %s is answered in linear time', (_name, message) => {
  expect(cpuMilliseconds(message)).toBeLessThan(bar);
});

function cpuMilliseconds(message: string): number {
  const before = process.cpuUsage();
  expect(read(message).verdict).toBe('unreadable');
  return process.cpuUsage(before).user / 1000;
}
