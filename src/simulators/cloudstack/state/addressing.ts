import { invalidParameter } from '../errors.js';

/** IPv4 arithmetic on unsigned 32-bit numbers. */
export function toNumber(ip: string): number | null {
  const parts = ip.split('.');
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    const octet = /^\d{1,3}$/.test(part) ? Number(part) : 256;
    if (octet > 255) return null;
    value = value * 256 + octet;
  }
  return value;
}

export function toIp(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

export interface Cidr {
  first: number;
  last: number;
  bits: number;
}

export function parseCidr(text: string): Cidr | null {
  const [ip = '', bitsText = ''] = text.split('/');
  const value = toNumber(ip);
  const bits = /^\d{1,2}$/.test(bitsText) ? Number(bitsText) : 33;
  if (value === null || bits > 32) return null;
  const size = 2 ** (32 - bits);
  const first = Math.floor(value / size) * size;
  return { first, last: first + size - 1, bits };
}

export function cidrText(cidr: Cidr): string {
  return `${toIp(cidr.first)}/${cidr.bits}`;
}

export function netmaskOf(bits: number): string {
  return toIp(2 ** 32 - 2 ** (32 - bits));
}

/** @throws 431 when the mask is none. */
export function cidrOfNetmask(gateway: string, netmask: string): Cidr {
  const mask = toNumber(netmask);
  const bits = Array.from({ length: 33 }, (_, index) => index).find((count) => 2 ** 32 - 2 ** (32 - count) === mask);
  const cidr = bits === undefined ? null : parseCidr(`${gateway}/${bits}`);
  if (cidr === null) throw invalidParameter(`Invalid gateway ${gateway} or netmask ${netmask}`);
  return cidr;
}

export function inside(inner: Cidr, outer: Cidr): boolean {
  return inner.first >= outer.first && inner.last <= outer.last;
}

export function overlap(a: Cidr, b: Cidr): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Gives out the addresses of some ranges: fresh ones first, in order, then the released ones, oldest first. */
export class AddressPool {
  #rangeIndex = 0;
  #next: number;
  readonly #taken = new Set<number>();
  #released: number[] = [];
  #releasedHead = 0;

  constructor(
    private readonly ranges: { first: number; last: number }[],
    private readonly excluded: ReadonlySet<number> = new Set(),
  ) {
    this.#next = ranges[0]?.first ?? 0;
  }

  /** Null when the wanted address is not free, or when none is left. */
  take(wanted?: string): string | null {
    const value = wanted === undefined ? this.#pick() : toNumber(wanted);
    if (value === null || this.#taken.has(value) || !this.#owns(value)) return null;
    this.#taken.add(value);
    return toIp(value);
  }

  release(ip: string): void {
    const value = toNumber(ip);
    if (value === null || !this.#taken.delete(value)) return;
    this.#released.push(value);
  }

  #owns(value: number): boolean {
    return !this.excluded.has(value) && this.ranges.some((range) => value >= range.first && value <= range.last);
  }

  #pick(): number | null {
    for (let range = this.ranges[this.#rangeIndex]; range !== undefined; range = this.ranges[this.#rangeIndex]) {
      while (this.#next <= range.last) {
        const value = this.#next++;
        if (!this.excluded.has(value) && !this.#taken.has(value)) return value;
      }
      this.#rangeIndex += 1;
      this.#next = this.ranges[this.#rangeIndex]?.first ?? 0;
    }
    while (this.#releasedHead < this.#released.length) {
      const value = this.#released[this.#releasedHead++];
      if (this.#releasedHead > 1024 && this.#releasedHead * 2 > this.#released.length) {
        this.#released = this.#released.slice(this.#releasedHead);
        this.#releasedHead = 0;
      }
      // A released address may have been taken again by name.
      if (value !== undefined && !this.#taken.has(value)) return value;
    }
    return null;
  }
}

/** The addresses of a guest network: all but the net's own, the broadcast and the gateway. */
export function guestPool(cidr: Cidr, gateway: string, startIp?: string, endIp?: string): AddressPool {
  const first = startIp === undefined ? cidr.first + 1 : (toNumber(startIp) ?? cidr.first + 1);
  const last = endIp === undefined ? cidr.last - 1 : (toNumber(endIp) ?? cidr.last - 1);
  const excluded = new Set([toNumber(gateway) ?? -1]);
  return new AddressPool([{ first: Math.max(first, cidr.first + 1), last: Math.min(last, cidr.last - 1) }], excluded);
}
