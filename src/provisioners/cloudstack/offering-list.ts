import type { CloudStackClient } from './client.js';
import { DiskOffering, Success } from './schema.js';
import { SizeOffering, SizeOfferingMade, VpcOfferingShown } from './schema-operations.js';

/**
 * Offerings as an operator sees and makes them (seed C23, C24, C32). Orders choose from the cached `catalogue.ts`, which
 * has to be told of a new one (`forgetServiceOfferings`).
 */

/** Bare metal and sizes tied to certain hosts are among them: what is sold is decided in `offerings.ts`. */
export function listServiceOfferings(
  client: CloudStackClient,
  { name }: { name?: string } = {},
): Promise<SizeOffering[]> {
  return client.list('listServiceOfferings', { name }, 'serviceoffering', SizeOffering);
}

export interface NewServiceOffering {
  name: string;
  displayText?: string;
  /** `customised`: each VM says its own. */
  size: { cpuCount: number; cpuSpeedMhz: number; memoryMib: number } | 'customised';
  /** Absent: the zone's default applies; 0 is without limit. */
  networkRateMbps?: number | undefined;
}

/** For root administrators. Names are not unique among offerings: look first. */
export async function createServiceOffering(
  client: CloudStackClient,
  { name, displayText = name, size, networkRateMbps }: NewServiceOffering,
): Promise<SizeOffering> {
  const shape =
    size === 'customised'
      ? // Before 4.13 neither CPU nor memory said the same; the flag is ignored there.
        { customized: true }
      : { cpunumber: size.cpuCount, cpuspeed: size.cpuSpeedMhz, memory: size.memoryMib };
  // `displaytext` is required up to 4.9.
  const params = { name, displaytext: displayText, ...shape, networkrate: networkRateMbps };
  return (await client.change('createServiceOffering', params, SizeOfferingMade)).serviceoffering;
}

/** VMs keep running on it. */
export async function deleteServiceOffering(client: CloudStackClient, id: string): Promise<void> {
  await client.change('deleteServiceOffering', { id }, Success);
}

export function listDiskOfferings(client: CloudStackClient, { name }: { name?: string } = {}): Promise<DiskOffering[]> {
  return client.list('listDiskOfferings', { name }, 'diskoffering', DiskOffering);
}

export function listVpcOfferings(
  client: CloudStackClient,
  { isDefault, name }: { isDefault?: boolean; name?: string } = {},
): Promise<VpcOfferingShown[]> {
  return client.list('listVPCOfferings', { isdefault: isDefault, name }, 'vpcoffering', VpcOfferingShown);
}
