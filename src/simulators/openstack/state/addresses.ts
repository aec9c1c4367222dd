import { parseCidr, toIp, toNumber } from '../../ipv4.js';
import type { Subnet } from './network-model.js';

/** Which addresses of the subnets are taken, and by which port. IPv4 only. */
export class Addresses {
  readonly #taken = new Map<string, Map<string, string>>();
  /** Where the search for a free one goes on: fresh addresses first, released ones when a round is over. */
  readonly #next = new Map<string, number>();

  /** Null when no address of the pools is free. */
  takeAny(subnet: Subnet, portId: string): string | null {
    const taken = this.#of(subnet.id);
    const from = this.#next.get(subnet.id) ?? 0;
    for (const isSecondRound of [false, true]) {
      for (const { start, end } of subnet.pools) {
        const first = toNumber(start) ?? 0;
        const last = toNumber(end) ?? -1;
        for (let value = isSecondRound ? first : Math.max(first, from); value <= last; value += 1) {
          const ip = toIp(value);
          if (taken.has(ip) || ip === subnet.gatewayIp) continue;
          taken.set(ip, portId);
          this.#next.set(subnet.id, value + 1);
          return ip;
        }
      }
    }
    return null;
  }

  isTaken(subnetId: string, ip: string): boolean {
    return this.#of(subnetId).has(ip);
  }

  take(subnetId: string, ip: string, portId: string): void {
    this.#of(subnetId).set(ip, portId);
  }

  release(subnetId: string, ip: string): void {
    this.#taken.get(subnetId)?.delete(ip);
  }

  countTaken(subnetId: string): number {
    return this.#taken.get(subnetId)?.size ?? 0;
  }

  forget(subnetId: string): void {
    this.#taken.delete(subnetId);
    this.#next.delete(subnetId);
  }

  #of(subnetId: string): Map<string, string> {
    const taken = this.#taken.get(subnetId) ?? new Map<string, string>();
    this.#taken.set(subnetId, taken);
    return taken;
  }
}

/** Whether the address is one of the subnet's. */
export function isInside(subnet: Subnet, ip: string): boolean {
  const cidr = parseCidr(subnet.cidr);
  const value = toNumber(ip);
  return cidr !== null && value !== null && value >= cidr.first && value <= cidr.last;
}

/** How many addresses the pools hold. */
export function sizeOfPools(subnet: Subnet): number {
  return subnet.pools.reduce((sum, { start, end }) => sum + (toNumber(end) ?? 0) - (toNumber(start) ?? 0) + 1, 0);
}
