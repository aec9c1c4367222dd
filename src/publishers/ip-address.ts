import { isIPv4, isIPv6 } from 'node:net';

/** An address as a number: no spelling can hide what it is. */
export interface IpAddress {
  family: 4 | 6;
  value: bigint;
}

export interface IpRange extends IpAddress {
  prefix: number;
}

/**
 * What an address may be used for. `global`: somewhere on the Internet. `internal`: this machine or a private network.
 * `never`: means no single host, or wraps an IPv4 address in IPv6, which only serves to hide it.
 */
export type Reach = 'global' | 'internal' | 'never';

/** Reads an address in its plain form only: four decimal numbers, or IPv6 without brackets and zone. */
export function parseAddress(text: string): IpAddress | null {
  // isIPv4 takes no octal, hex or short forms; isIPv6 takes zones (`fe80::1%eth0`), which we do not.
  if (isIPv4(text)) return { family: 4, value: fromGroups(text.split('.').map(Number), 8n) };
  if (!isIPv6(text) || text.includes('%')) return null;
  const plain = text.replace(/[\d.]+$/, (tail) => (tail.includes('.') ? dottedTail(tail) : tail));
  const [head = '', tail] = plain.split('::');
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => 0);
  return { family: 6, value: fromGroups([...before, ...zeros, ...after], 16n) };
}

/** Reads `10.2.0.0/16`, `fd00::/8` or a single address. Bits beyond the prefix have to be zero: they are a slip. */
export function parseRange(text: string): IpRange | null {
  const [base = '', bits, ...rest] = text.split('/');
  const address = parseAddress(base);
  const width = address?.family === 4 ? 32 : 128;
  if (!address || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return null;
  const prefix = bits === undefined ? width : Number(bits);
  const hostBits = BigInt(width - prefix);
  if (prefix > width || (address.value >> hostBits) << hostBits !== address.value) return null;
  return { ...address, prefix };
}

export function isInRange(address: IpAddress, range: IpRange): boolean {
  if (address.family !== range.family) return false;
  const hostBits = BigInt((range.family === 4 ? 32 : 128) - range.prefix);
  return address.value >> hostBits === range.value >> hostBits;
}

export function reachOf(address: IpAddress): Reach {
  const isIn = (ranges: IpRange[]) => ranges.some((range) => isInRange(address, range));
  // ::/96 is the old IPv4-compatible form; only ::1 in it is an address of its own.
  if (isIn(neverRanges) || (isIn(compatible) && address.value !== 1n)) return 'never';
  if (address.family === 4) return isIn(internalV4) ? 'internal' : 'global';
  return isIn(globalV6) && !isIn(internalV6) ? 'global' : 'internal';
}

function fromGroups(groups: number[], bits: bigint): bigint {
  return groups.reduce((value, group) => (value << bits) | BigInt(group), 0n);
}

/** `::ffff:127.0.0.1` ends in IPv4 notation: the same bits as two groups. */
function dottedTail(tail: string): string {
  const value = fromGroups(tail.split('.').map(Number), 8n);
  return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

function ranges(...texts: string[]): IpRange[] {
  return texts.map((text) => {
    const range = parseRange(text);
    if (!range) throw new Error(`${text} is not an address range`);
    return range;
  });
}

// IANA's registries of special-purpose addresses. ipaddr.js calls ::127.0.0.1 unicast, and net.BlockList misses it as
// well as NAT64 and 6to4 (both measured), so the list is our own and everything is compared as a number.
const neverRanges = ranges(
  '0.0.0.0/8', // "this host": connects to loopback on Linux
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  '::ffff:0:0/96', // IPv4-mapped
  '::ffff:0:0:0/96', // IPv4-translated
  '64:ff9b::/96', // NAT64
  '64:ff9b:1::/48',
  '2001::/32', // Teredo
  '2002::/16', // 6to4
  'ff00::/8', // multicast
);
const compatible = ranges('::/96');
const internalV4 = ranges(
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT; 100.100.100.200 is a cloud's metadata service
  '127.0.0.0/8',
  '168.63.129.16/32', // Azure's host agent, a public address that is not public
  '169.254.0.0/16', // link-local; metadata services
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16',
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
);
const globalV6 = ranges('2000::/3');
const internalV6 = ranges('2001::/23', '2001:db8::/32', '3fff::/20');
