import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json.js';
import { orderAgain, writeUnkindBook } from './billing.js';
import { chance } from './chance.js';

const bursts = [0, 1, 2, 3].map((atMs) => ({ atMs }));
const bookOf = (seed: number) => writeUnkindBook(chance(seed, 'billing'), { bursts, users: 3, accounts: 2 });
const seeds = Array.from({ length: 150 }, (_, seed) => seed);

describe('Billing, where an order is of an unknown kind', () => {
  const oddItems = (order: JsonObject) =>
    (order['workOrderItems'] as JsonObject[]).filter(({ resourceAction }) => resourceAction !== 0);

  test('is held to it when the same things are ordered again, and not when what was odd is left out', () => {
    const seen = { stillOdd: 0, understood: 0 };
    for (const seed of seeds) {
      const book = bookOf(seed);
      // A copy: what is ordered again is held to be of an unknown kind as well, and would be ordered again without an end.
      const ofUnknownKind = Array.from(book.unknownKinds);
      for (const workOrderId of ofUnknownKind) {
        const errand = orderAgain(book, workOrderId, chance(seed, 'again'));
        const againId = errand?.message.workOrderId ?? '';
        const order = book.written.get(againId) ?? {};
        const isOdd = order['workOrderType'] !== 1 || oddItems(order).length > 0;
        seen[isOdd ? 'stillOdd' : 'understood'] += 1;
        expect({ seed, isUnknown: book.unknownKinds.has(againId) }).toEqual({ seed, isUnknown: isOdd });
      }
    }
    expect(seen.stillOdd).toBeGreaterThan(5);
    expect(seen.understood).toBeGreaterThan(2);
  });
});
