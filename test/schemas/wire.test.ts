import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { z } from 'zod';
import { EbsConfigMessage } from '../../src/schemas/ebs-config.js';
import { ItemMessage } from '../../src/schemas/item-message.js';
import { NetworkConfigMessage } from '../../src/schemas/network-config.js';
import { messageFields, OrderMessage } from '../../src/schemas/order-message.js';
import { VmConfigMessage } from '../../src/schemas/vm-config.js';
import { quoted, wholeNumber } from '../../src/schemas/wire.js';

describe('a whole number', () => {
  it.each([
    [1, 1],
    ['1', 1],
    ['1.0', 1],
    ['1.000', 1],
    [' 1 ', 1],
    ['007', 7],
    [0, 0],
    ['0', 0],
    [2 ** 53 - 1, 2 ** 53 - 1],
  ])('is read from %j', (sent, value) => {
    expect(wholeNumber(sent)).toBe(value);
  });

  it.each([
    '1.5', '1e3', '', ' ', '+1', '-1', -1, -0, 1.5, '１', '٣', '1,000', '1_000', '0x10', '1.', '.5', '1 0', '1\n', '\t1', 'NaN', true, false, null,
    undefined, [], [1], {}, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1'.repeat(10), '1'.repeat(400), `${' '.repeat(50)}1`,
  ])('is not read from %j', (sent) => {
    expect(wholeNumber(sent)).toBeNull();
  }); // prettier-ignore

  it('survives its own spellings', () => {
    const spelling = fc.tuple(fc.nat(999_999_999), fc.constantFrom('', '.0', '.00'), fc.constantFrom('', ' ', '  '));
    fc.assert(
      fc.property(spelling, ([value, zeros, blanks]) => wholeNumber(`${blanks}${value}${zeros}${blanks}`) === value),
    );
  });

  it('is never made of something else', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const read = wholeNumber(value);
        return read === null || (Number.isSafeInteger(read) && read >= 0);
      }),
    );
  });
});

describe('the schemas', () => {
  it('know 19 order fields, 20 item fields and 18, 12 and 4 config fields, as the specimens have them', () => {
    const counts = [OrderMessage, ItemMessage, VmConfigMessage, EbsConfigMessage, NetworkConfigMessage].map(
      (schema) => Object.keys(schema.shape).length,
    );
    expect(counts).toEqual([19, 20, 18, 12, 4]);
    expect(messageFields.has('msg')).toBe(false);
  });

  it('can be published as JSON Schema, the password write-only', () => {
    const published = z.toJSONSchema(VmConfigMessage, { io: 'input' });
    expect(published.properties?.['rootPassword']).toMatchObject({ writeOnly: true });
    expect(z.toJSONSchema(OrderMessage, { io: 'input' }).properties?.['workOrderId']).toMatchObject({ type: 'string' });
  });
});

it('quoted values are cut and objects are not opened', () => {
  expect(quoted('x'.repeat(100))).toHaveLength(80);
  expect(quoted({ rootPassword: 'x' })).toBe('an object');
  expect(quoted(undefined)).toBe('undefined');
});
