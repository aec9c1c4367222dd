import type { Flavor } from './schema.js';

/** What a VM needs of a flavor. */
export interface WantedShape {
  cpuCount: number;
  memoryMib: number;
  rootDiskGib: number;
}

/**
 * The flavor of exactly this many cores and this much memory, never rounded (Q11): first one whose disk is the ordered
 * one, then one that brings no disk of its own, then the one with the smallest disk, which a volume replaces.
 *
 * @param mapped the operator's choice by `<cpu>-<memory>` or `<cpu>-<memory>-<disk>`; it has to fit as well
 */
export function chooseFlavor(
  flavors: Flavor[],
  wanted: WantedShape,
  mapped: Readonly<Record<string, string>>,
): Flavor | null {
  const shape = `${wanted.cpuCount}-${wanted.memoryMib}`;
  const named = mapped[`${shape}-${wanted.rootDiskGib}`] ?? mapped[shape];
  const fits = (one: Flavor): boolean => one.vcpus === wanted.cpuCount && one.ram === wanted.memoryMib;
  // What an operator has named may be private or odd: it was chosen with open eyes. Its size is still what was sold.
  if (named !== undefined) return flavors.find((one) => one.id === named && fits(one)) ?? null;
  const rank = ({ disk }: Flavor): number => (disk === wanted.rootDiskGib ? 0 : disk === 0 ? 1 : 2);
  const [best] = flavors
    .filter((one) => isForCustomers(one) && fits(one))
    .toSorted((a, b) => rank(a) - rank(b) || a.disk - b.disk || a.name.localeCompare(b.name));
  return best ?? null;
}

/** Disabled and private ones are not sold, nor is bare metal (guess: its nodes are a custom resource of Placement). */
function isForCustomers(one: Flavor): boolean {
  const isBareMetal = Object.keys(one.extra_specs).some((key) => /^resources\d*:CUSTOM_/.test(key));
  return one['OS-FLV-DISABLED:disabled'] !== true && one['os-flavor-access:is_public'] !== false && !isBareMetal;
}

/** The three that come closest, for the person who has to decide what to do about an order that fits none. */
export function nearestFlavors(flavors: Flavor[], wanted: WantedShape): string {
  const distance = (one: Flavor): number =>
    Math.abs(Math.log2(one.vcpus / wanted.cpuCount)) + Math.abs(Math.log2(one.ram / wanted.memoryMib));
  const nearest = flavors
    .filter((one) => isForCustomers(one) && one.vcpus > 0 && one.ram > 0)
    .toSorted((a, b) => distance(a) - distance(b) || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(describeFlavor);
  return nearest.length === 0 ? 'there is none to sell' : `nearest: ${nearest.join('; ')}`;
}

export function describeFlavor({ name, vcpus, ram, disk }: Flavor): string {
  return `${name} (${vcpus} CPU, ${ram} MiB, ${disk} GiB disk)`;
}
