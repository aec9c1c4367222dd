import type { DiskOffering, ServiceOffering } from './schema.js';

/** What a VM needs of a service offering. */
export interface WantedShape {
  cpuCount: number;
  memoryMib: number;
  /** Sold with the VM's address, held by the offering's `networkrate`; null: none sold. */
  bandwidthMbps: number | null;
  zoneId: string;
  rootDiskGib: number;
  /** Storage tag of the ordered root disk type, or null when that type has none. */
  storageTag: string | null;
}

export interface ChosenOffering {
  offering: ServiceOffering;
  /** What a customised offering wants to be told; keys as they go over the wire. */
  details: Record<string, string> | null;
}

/**
 * Exact or customised, never rounded (Q11). The bandwidth takes part: CloudStack has no rate per address, and a rate on
 * the network's router would move or restart what other VMs use; the offering's `networkrate` limits this one VM's
 * default card and nothing else.
 */
export function chooseOffering(
  offerings: ServiceOffering[],
  wanted: WantedShape,
  cpuSpeedMhz: number,
): ChosenOffering | null {
  const usable = usableOfferings(offerings, wanted).filter(({ networkrate }) => networkrate === wanted.bandwidthMbps);
  const exact = usable.find(
    (one) => !one.iscustomized && one.cpunumber === wanted.cpuCount && one.memory === wanted.memoryMib,
  );
  if (exact) return { offering: exact, details: null };
  const customised = usable.find((one) => one.iscustomized && takes(one, wanted));
  return customised ? { offering: customised, details: detailsFor(customised, wanted, cpuSpeedMhz) } : null;
}

/** Best first: an offering on the ordered kind of storage before one on any, then in a steady order. */
function usableOfferings(offerings: ServiceOffering[], wanted: WantedShape): ServiceOffering[] {
  const onStorage = (one: ServiceOffering): boolean =>
    wanted.storageTag !== null && tagsOf(one.tags).includes(wanted.storageTag);
  return offerings
    .filter((one) => isForCustomers(one))
    .filter((one) => one.zoneid === null || tagsOf(one.zoneid).includes(wanted.zoneId))
    .filter((one) => wanted.storageTag === null || one.tags === null || one.tags === '' || onStorage(one))
    .filter((one) => (one.rootdisksize ?? 0) === 0 || one.rootdisksize === wanted.rootDiskGib)
    .toSorted(
      (a, b) => Number(onStorage(b)) - Number(onStorage(a)) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id),
    );
}

/** System VMs' sizes, bare metal, sizes tied to certain hosts, and sizes whose root disk is wiped at every reboot are not sold. */
function isForCustomers(one: ServiceOffering): boolean {
  const bareMetal = one.deploymentplanner?.includes('BareMetal') ?? false;
  const active = one.state === null || one.state === 'Active';
  return !one.issystem && !bareMetal && tagsOf(one.hosttags).length === 0 && !one.isvolatile && active;
}

function takes(one: ServiceOffering, wanted: WantedShape): boolean {
  const limits = one.serviceofferingdetails;
  return (
    (one.cpunumber === null || one.cpunumber === wanted.cpuCount) &&
    (one.memory === null || one.memory === wanted.memoryMib) &&
    wanted.cpuCount >= (limits?.mincpunumber ?? 1) &&
    wanted.cpuCount <= (limits?.maxcpunumber ?? Infinity) &&
    wanted.memoryMib >= (limits?.minmemory ?? 32) &&
    wanted.memoryMib <= (limits?.maxmemory ?? Infinity)
  );
}

/** Only what the offering leaves open: passing a value it fixes is refused with 431. */
function detailsFor(one: ServiceOffering, wanted: WantedShape, cpuSpeedMhz: number): Record<string, string> {
  return {
    ...(one.cpunumber === null ? { cpuNumber: String(wanted.cpuCount) } : {}),
    ...(one.memory === null ? { memory: String(wanted.memoryMib) } : {}),
    ...(one.cpuspeed === null ? { cpuSpeed: String(cpuSpeedMhz) } : {}),
  };
}

/** The three that come closest, for the person who has to decide what to do about an order that fits none. */
export function nearestOfferings(offerings: ServiceOffering[], wanted: WantedShape): string {
  const distance = (one: ServiceOffering): number =>
    Math.abs(Math.log2((one.cpunumber ?? wanted.cpuCount) / wanted.cpuCount)) +
    Math.abs(Math.log2((one.memory ?? wanted.memoryMib) / wanted.memoryMib)) +
    (one.networkrate === wanted.bandwidthMbps ? 0 : 0.5);
  const nearest = usableOfferings(offerings, wanted)
    .toSorted((a, b) => distance(a) - distance(b) || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(describeOffering);
  return nearest.length === 0 ? 'there is none to sell' : `nearest: ${nearest.join('; ')}`;
}

export function describeOffering(one: ServiceOffering): string {
  const size = one.iscustomized ? 'any size within its limits' : `${one.cpunumber} CPU, ${one.memory} MiB`;
  const rate = one.networkrate === null ? 'no rate of its own' : `${one.networkrate} Mbit/s`;
  return `${one.name} (${size}, ${rate})`;
}

/**
 * The disk offering of a type, by name or id; customised takes the size, a fixed one must be exactly of it, and then any
 * fixed one of that size on the same storage will do.
 */
export function chooseDiskOffering(
  offerings: DiskOffering[],
  nameOrId: string,
  volumeType: string,
  sizeGib: number,
): DiskOffering | null {
  const mapped = offerings.find(({ id, name }) => id === nameOrId || name === nameOrId);
  if (mapped && (mapped.iscustomized || mapped.disksize === sizeGib)) return mapped;
  const storage = new Set([volumeType, ...tagsOf(mapped?.tags ?? null)]);
  const fixed = offerings.filter(
    ({ iscustomized, disksize, tags }) =>
      !iscustomized && disksize === sizeGib && tagsOf(tags).some((tag) => storage.has(tag)),
  );
  return fixed.toSorted((a, b) => a.id.localeCompare(b.id))[0] ?? null;
}

export function tagsOf(list: string | null): string[] {
  return (list ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}
