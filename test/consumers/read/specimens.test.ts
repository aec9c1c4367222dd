import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/json.js';
import { asSent, draft, fixture, pythonRepr, pythonString, readable, unreadable } from './orders.js';

/** The seven specimens of the test notes, rebuilt from the fixtures after their description. */
const pasted = (json: string, closing: string): string => `{'msg': '${json}'${closing}`;
const order23 = fixture('order-23.json').trim();
const order60 = fixture('order-60.json').trim();

describe('the seven specimens', () => {
  it('0: unescaped configs are set aside', () => {
    expect(unreadable(fixture('order-23-broken-quotes.txt')).kind).toBe('set-aside');
  });

  it('A: Python source without its last brace is set aside; the proposal adds the brace and is order 23', () => {
    const reading = unreadable(`{'msg': ${pythonString(order23, 3)}`);
    expect(reading).toMatchObject({ kind: 'set-aside', workOrderIdHint: 'WO20171208090758640274FMkh' });
    expect(reading.problems[0]?.message).toContain('W10');
    expect(reading.proposal?.endsWith("'}")).toBe(true);
    expect(readable(reading.proposal ?? '').contentHash).toBe(readable(order23).contentHash);
  });

  it('B: single backslashes and no last brace: set aside; the proposal is order 60', () => {
    const reading = unreadable(pasted(order60, ''));
    expect(reading).toMatchObject({ kind: 'set-aside', workOrderIdHint: 'WO20171214074649656662xb0y' });
    expect(readable(reading.proposal ?? '').contentHash).toBe(readable(order60).contentHash);
  });

  it('C: a complete Python dict with the JSON text in it is accepted', () => {
    const { repairs, contentHash } = readable(`{'msg': ${pythonString(order60, 3)}}`);
    expect(repairs.map(({ rule }) => rule)).toEqual(['W9', 'W2', 'Q18']);
    expect(contentHash).toBe(readable(order60).contentHash);
  });

  it('D: a hand-edited copy whose items keep the old orderId is accepted with a warning for each', () => {
    const order = draft('order-60.json');
    order['orderId'] = 64;
    order['workOrderNo'] = 45;
    const { warnings, holds } = readable(`{'msg': ${pythonString(JSON.stringify(asSent(order)), 3)}}`);
    expect(warnings.filter(({ code }) => code === 'ITM_PARENT_MISMATCH').map(({ path }) => path)).toEqual(
      [0, 1, 2, 3].map((i) => `workOrderItems[${i}].orderId`),
    );
    expect(holds).toEqual([]);
  });

  it('E: a commented Python dict with a missing comma is set aside; with the comma it would be held for its ids', () => {
    const dict = pythonRepr(JSON.parse(fixture('order-84-hand-edited.json')) as Json, 3);
    const commented = dict
      .replace("'workOrderType': 1,", "# order\n'workOrderType': 1, # new\n")
      .replace("'productId': 5, ", "'productId': 5 # no use\n ");
    const reading = unreadable(`msg=${encodeURIComponent(commented)}`, 'application/x-www-form-urlencoded');
    expect(reading).toMatchObject({ kind: 'set-aside', workOrderIdHint: 'WO201712150251259477594321' });
    expect(reading.problems[0]?.message).toMatch(/^line 4, column 2: .*W13/);
    const mended = readable(reading.proposal ?? '');
    expect(mended.holds.map(({ code }) => code)).toEqual(['ITM_ID_REPEATED', 'ITM_OTHER_ORDER']);
    expect(mended.contentHash).toBe(readable(fixture('order-84-hand-edited.json')).contentHash);
  });

  it('F: the Python 2 repr of order 86 is order 86', () => {
    expect(readable(fixture('order-86.python-repr.txt')).contentHash).toBe(
      readable(fixture('order-86.json')).contentHash,
    );
  });
});
