import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { isInRange, parseAddress, parseRange, reachOf } from '../../src/publishers/ip-address.js';

const reach = (text: string) => {
  const address = parseAddress(text);
  return address && reachOf(address);
};

describe('an address', () => {
  it.each([
    '127.1',
    '0x7f000001',
    '017700000001',
    '2130706433',
    '127.0.0.01',
    '1.2.3.4 ',
    '[::1]',
    'fe80::1%eth0',
    '::1::',
    'localhost',
    '',
  ])('is not read from %j', (text) => expect(parseAddress(text)).toBeNull());

  it('is one number, however IPv6 is written', () => {
    expect(parseAddress('::ffff:127.0.0.1')).toEqual(parseAddress('::ffff:7f00:1'));
    expect(parseAddress('2001:db8:0:0:0:0:0:1')).toEqual(parseAddress('2001:DB8::1'));
    expect(parseAddress('::')?.value).toBe(0n);
    expect(parseAddress('1:2:3:4:5:6:7:8')?.value).toBe(0x0001_0002_0003_0004_0005_0006_0007_0008n);
  });

  it.each([
    '1.1.1.1',
    '93.184.216.34',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '2606:4700::1111',
    '2001:4860:4860::8888',
  ])('%s is on the Internet', (text) => expect(reach(text)).toBe('global'));

  it.each([
    '10.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '168.63.129.16',
    '192.0.0.192',
    '::1',
    'fe80::1',
    'fd00:ec2::254',
    '100::1',
    '5f00::1',
    '4000::1',
    '2001:db8::1',
    '3fff::1',
  ])('%s is inside', (text) => expect(reach(text)).toBe('internal'));

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    'ff02::1',
    '::127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::',
    '2001:0:1::',
  ])('%s is nothing to connect to', (text) => expect(reach(text)).toBe('never'));

  it('on the Internet of IPv6 is always in 2000::/3', () => {
    const everywhere = parseRange('2000::/3');
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const address = parseAddress(groups.join(':'));
        if (!address || !everywhere) throw new Error('an address was expected');
        expect(isInRange(address, everywhere) || reachOf(address) !== 'global').toBe(true);
      }),
    );
  });
});

describe('a network', () => {
  it.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0/16',
    'fd00::1/8',
    'fd00::/129',
    '10.0.0.0/-1',
  ])('is not %s', (text) => expect(parseRange(text)).toBeNull());

  it('holds the addresses with its first bits, of its own family', () => {
    const range = parseRange('10.2.0.0/16');
    const within = (text: string) => {
      const address = parseAddress(text);
      return address && range && isInRange(address, range);
    };
    expect(['10.2.0.0', '10.2.255.255', '10.3.0.0', '10.1.255.255', '::a02:1'].map(within)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
