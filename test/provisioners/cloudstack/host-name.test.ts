import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/properties.js';
import { hostNameFrom } from '../../../src/provisioners/cloudstack/host-name.js';
import { hostNameOf } from '../../../src/provisioners/cloudstack/vm.js';

const marker = 'ow-0123456789abcdef';

describe('a host name', () => {
  it.each([
    ['MyHost-OMS123', null, 'MyHost-OMS123'],
    ['zhangsi_vm', null, 'zhangsi-vm'],
    ['订单一', null, 'vm'],
    ['-9lives-', null, 'lives'],
    ['web 01!', 3, 'web-01-3'],
  ])('of %s (part %s) begins %s', (wanted, index, expected) => {
    expect(hostNameFrom(wanted, index)).toBe(expected);
  });

  it('is one that CloudStack takes, whatever the customer wrote, and ends in the marker', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ maxLength: 300 }),
          fc.stringMatching(/^[a-zA-Z0-9-]{0,80}$/),
        ),
        fc.option(fc.integer({ min: 1, max: 1000 })),
        (wanted, index) => {
          const name = hostNameOf({ hostName: hostNameFrom(wanted, index) }, marker);
          expect(name).toMatch(/^[A-Za-z][A-Za-z0-9-]{0,62}$/);
          expect(name.endsWith(`-${marker}`)).toBe(true);
        },
      ),
    );
  });

  it('differs between the parts of one item, however long the name is', () => {
    const names = [1, 2, 12].map((index) => hostNameFrom('x'.repeat(100), index));
    expect(new Set(names).size).toBe(3);
  });
});
