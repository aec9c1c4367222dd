import { readFileSync } from 'node:fs';
import type { Json, JsonObject } from '../../../src/json.js';
import type { Reading } from '../../../src/schemas/work-order.js';
import { readMessage } from '../../../src/consumers/read/read-message.js';

export const hashKey = Buffer.from('a key for the tests, 32 bytes ok');

export const fixture = (name: string): string =>
  readFileSync(new URL(`../../fixtures/work-orders/${name}`, import.meta.url), 'utf8');

export type Readable = Extract<Reading, { verdict: 'readable' }>;
export type Unreadable = Extract<Reading, { verdict: 'unreadable' }>;

export function read(message: string | Uint8Array, contentType: string | null = null): Reading {
  const bytes = typeof message === 'string' ? Buffer.from(message) : message;
  return readMessage({ bytes, contentType }, { hashKey });
}

export function readable(message: string | Uint8Array, contentType: string | null = null): Readable {
  const reading = read(message, contentType);
  if (reading.verdict !== 'readable') throw new Error(`unreadable: ${JSON.stringify(reading.problems)}`);
  return reading;
}

export function unreadable(message: string | Uint8Array, contentType: string | null = null): Unreadable {
  const reading = read(message, contentType);
  if (reading.verdict === 'readable') throw new Error('it was readable');
  return reading;
}

export const codesOf = (reading: Reading): string[] =>
  (reading.verdict === 'readable' ? [...reading.holds, ...reading.warnings] : reading.problems).map(({ code }) => code);

/** An order as an object, its configs decoded, free to be changed. */
export interface Draft extends JsonObject {
  workOrderItems: (JsonObject & { workOrderItemConfig: JsonObject })[];
}

export function draft(name = 'order-86.json'): Draft {
  const order = JSON.parse(fixture(name)) as JsonObject;
  for (const item of order['workOrderItems'] as JsonObject[]) {
    item['workOrderItemConfig'] = JSON.parse(item['workOrderItemConfig'] as string) as JsonObject;
  }
  return order as Draft;
}

/** As billing sends it: configs as JSON text. */
export const asSent = (order: Draft): Record<string, unknown> => ({
  ...order,
  workOrderItems: (order.workOrderItems as Draft['workOrderItems'] | undefined)?.map((item) => ({
    ...item,
    workOrderItemConfig:
      typeof item.workOrderItemConfig === 'object'
        ? JSON.stringify(item.workOrderItemConfig)
        : item.workOrderItemConfig,
  })),
});

/** JSON text of order 86 after a change. Item 0 is the VM, 1 the disk, 2 the address. */
export function changed(change: (order: Draft) => void, name?: string): string {
  const order = draft(name);
  change(order);
  return JSON.stringify(asSent(order));
}

/** The n-th item; fails the test when there is none. */
export function item(order: Draft, index: number): Draft['workOrderItems'][number] {
  const found = order.workOrderItems[index];
  if (found === undefined) throw new Error(`the order has no item ${index}`);
  return found;
}

/** repr() of Python 2 (`u''` on every string) or Python 3, escaped as Python does. */
export function pythonRepr(value: Json, python: 2 | 3): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return pythonString(value, python);
  if (Array.isArray(value)) return `[${value.map((element) => pythonRepr(element, python)).join(', ')}]`;
  const members = Object.entries(value).map(
    ([key, member]) => `${pythonString(key, python)}: ${pythonRepr(member, python)}`,
  );
  return `{${members.join(', ')}}`;
}

export function pythonString(text: string, python: 2 | 3): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const named: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', [quote]: `\\${quote}` };
  let body = '';
  for (const c of text) {
    const point = c.codePointAt(0) ?? 0;
    if (named[c] !== undefined) body += named[c];
    else if (point < 0x20 || point === 0x7f) body += `\\x${point.toString(16).padStart(2, '0')}`;
    else if (point < 0x7f || (python === 3 && point > 0xa0)) body += c;
    else if (point < 0x100) body += `\\x${point.toString(16)}`;
    else if (point < 0x10000) body += `\\u${point.toString(16).padStart(4, '0')}`;
    else body += `\\U${point.toString(16).padStart(8, '0')}`;
  }
  return `${python === 2 ? 'u' : ''}${quote}${body}${quote}`;
}
