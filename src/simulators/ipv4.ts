/** An IPv4 address as an unsigned 32-bit number; null when it is none. */
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

/** Host bits are cut: `10.30.0.7/24` is the network 10.30.0.0. Null when the text is none. */
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

export function inside(inner: Cidr, outer: Cidr): boolean {
  return inner.first >= outer.first && inner.last <= outer.last;
}

export function overlap(a: Cidr, b: Cidr): boolean {
  return a.first <= b.last && b.first <= a.last;
}
