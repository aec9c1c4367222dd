import { describe, expect, it } from '@jest/globals';
import { openForPiece, readSecretField, sealForPiece } from '../../src/runner/piece-secrets.js';

const seal = (orderId: string, itemIndex: number, field: string, value: string) =>
  Buffer.from(`${orderId}/${itemIndex}/${field}=${value}`);
const vm = (piece: number) => ({ itemIndex: 4, partKey: `VM/oms-1#${piece}` });

describe('a password made for one machine of an item', () => {
  it('is kept under a name of its own, and sealed for it', () => {
    const [kept, ...others] = sealForPiece(seal, 'order-1', vm(2), { rootPassword: 'second' });
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ itemIndex: 4, field: 'rootPassword#2' });
    expect(String(kept?.sealed)).toBe('order-1/4/rootPassword#2=second');
  });

  it('is nothing when nothing was made', () => {
    expect(sealForPiece(seal, 'order-1', vm(1), undefined)).toEqual([]);
  });

  it('opens that machine and no other', async () => {
    const kept = new Map([['rootPassword#1', 'first']]);
    const open = (field: string) => Promise.resolve(kept.get(field));
    expect(await openForPiece(open, vm(1).partKey, 'rootPassword')).toBe('first');
    expect(await openForPiece(open, vm(11).partKey, 'rootPassword')).toBeUndefined();
  });

  it('never takes the place of the one that was ordered', async () => {
    const kept = new Map([
      ['rootPassword', 'ordered'],
      ['rootPassword#2', 'made by the cloud'],
    ]);
    const open = (field: string) => Promise.resolve(kept.get(field));
    expect(await openForPiece(open, vm(2).partKey, 'rootPassword')).toBe('ordered');
  });

  it.each([
    ['rootPassword#12', { name: 'rootPassword', piece: 12 }],
    ['rootPassword', { name: 'rootPassword', piece: null }],
  ])('tells whom %s is for', (field, said) => {
    expect(readSecretField(field)).toEqual(said);
  });
});
