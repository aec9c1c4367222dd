import { parseCidr, toIp, toNumber, type Cidr } from '../../ipv4.js';
import { invalidParameter } from '../errors.js';

/** @throws 431 when the mask is none. */
export function cidrOfNetmask(gateway: string, netmask: string): Cidr {
  const mask = toNumber(netmask);
  const bits = Array.from({ length: 33 }, (_, index) => index).find((count) => 2 ** 32 - 2 ** (32 - count) === mask);
  const cidr = bits === undefined ? null : parseCidr(`${gateway}/${bits}`);
  if (cidr === null) throw invalidParameter(`Invalid gateway ${gateway} or netmask ${netmask}`);
  return cidr;
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
