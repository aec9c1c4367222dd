import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/json.js';
import { changed, type Draft, item, read } from './orders.js';

/**
 * PostgreSQL refuses half a character and NUL in jsonb, and with them the whole commit. What a reading says goes into
 * jsonb, so one such text would hold its batch, and the partition behind it, for ever.
 */
const unstorable = /\p{Surrogate}|\0/u;

/** Places whose text is quoted, and so cut, in an answer. */
const places: [name: string, write: (order: Draft, text: string) => void][] = [
  ['an id', (order, text) => (order['workOrderId'] = text)],
  ['a name', (order, text) => (item(order, 0).workOrderItemConfig['vmName'] = text)],
  ['a number', (order, text) => (item(order, 0).workOrderItemConfig['cpuNum'] = text)],
  ['a resource type', (order, text) => (item(order, 1)['resourceType'] = text)],
  ['a number with spaces', (order, text) => (item(order, 1).workOrderItemConfig['volumeSize'] = text)],
  ['a reference', (order, text) => (item(order, 1)['masterOrderId'] = text)],
  ['the key of an unknown field', (order, text) => (order[text.slice(-100)] = 1 as Json)],
];

describe('whatever a message says, what is said about it can be stored', () => {
  it.each(places)('when %s is cut inside a character', (_name, write) => {
    for (let length = 70; length < 90; length++) {
      const reading = read(changed((order) => write(order, `${'x'.repeat(length)}😀😀😀`)));
      expect(JSON.stringify(reading)).toMatch(/😀|…/);
      expect(textsOf(reading).filter((text) => unstorable.test(text))).toEqual([]);
    }
  });
});

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [key, ...textsOf(member)]);
}
