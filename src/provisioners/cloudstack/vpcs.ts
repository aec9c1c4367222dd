import { begin, type BegunJob, type ListScope, type Owner, ownerParams, scopeParams } from './begin.js';
import type { CloudStackClient } from './client.js';
import { readOne } from './lookup.js';
import { VpcWithTiers } from './schema-operations.js';

/** VPCs beside orders (seed C25, C33); a tenant's default one is made by `default-network.ts`. */

/** Each with its tiers. @param filter.name exactly this one */
export async function listVpcs(
  client: CloudStackClient,
  { name, zoneId, ...scope }: ListScope & { name?: string; zoneId?: string } = {},
): Promise<VpcWithTiers[]> {
  const rows = await client.list('listVPCs', { ...scopeParams(scope), name, zoneid: zoneId }, 'vpc', VpcWithTiers);
  return rows.filter((vpc) => name === undefined || vpc.name === name);
}

export function readVpc(client: CloudStackClient, id: string): Promise<VpcWithTiers | null> {
  return readOne(client, 'listVPCs', id, 'vpc', VpcWithTiers);
}

/** Names are not unique: nothing keeps a second request from making a second VPC. */
export function createVpc(
  client: CloudStackClient,
  wanted: {
    name: string;
    displayText?: string;
    vpcOfferingId: string;
    zoneId: string;
    cidr: string;
    networkDomain?: string;
    owner?: Owner;
  },
  requestId: string,
): Promise<BegunJob> {
  const params = {
    ...ownerParams(wanted.owner),
    name: wanted.name,
    // Required up to 4.9.
    displaytext: wanted.displayText ?? wanted.name,
    vpcofferingid: wanted.vpcOfferingId,
    zoneid: wanted.zoneId,
    cidr: wanted.cidr,
    networkdomain: wanted.networkDomain,
  };
  return begin(client, 'createVPC', params, requestId);
}

export function updateVpc(
  client: CloudStackClient,
  { id, name, displayText }: { id: string; name?: string; displayText?: string },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'updateVPC', { id, name, displaytext: displayText }, requestId);
}

/** The job fails while the VPC has tiers. */
export function deleteVpc(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'deleteVPC', { id }, requestId);
}
