export interface Cidr {
  /** First host address, which CloudStack's virtual router takes. */
  gateway: string;
  netmask: string;
  contains(other: Cidr): boolean;
  first: number;
  last: number;
}

/** null for anything that is not an IPv4 range without host bits, with room for a gateway and a machine. */
export function parseCidr(text: string): Cidr | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return null;
  const [a = 256, b = 256, c = 256, d = 256, length = 33] = match.slice(1).map(Number);
  if ([a, b, c, d].some((octet) => octet > 255) || length < 1 || length > 30) return null;
  // Plain arithmetic: JavaScript's bit operators work on signed 32 bits.
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  const size = 2 ** (32 - length);
  if (first % size !== 0) return null;
  const last = first + size - 1;
  return {
    gateway: dotted(first + 1),
    netmask: dotted(2 ** 32 - size),
    contains: (other) => other.first >= first && other.last <= last,
    first,
    last,
  };
}

function dotted(address: number): string {
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(address / unit) % 256).join('.');
}
