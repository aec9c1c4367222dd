import { ProvisioningError } from '../../errors.js';
import { begin, type BegunJob, type ListScope, type Owner, ownerParams, scopeParams } from './begin.js';
import { parseCidr } from './cidr.js';
import type { CloudStackClient } from './client.js';
import { readOne } from './lookup.js';
import { GuestNetwork, GuestNetworkMade } from './schema-operations.js';

/** Networks that machines stand in: isolated ones and the tiers of VPCs (seed C34). */

/** @param filter.name exactly this one; servers before 4.22 have no filter for it */
export async function listNetworks(
  client: CloudStackClient,
  { name, vpcId, zoneId, ...scope }: ListScope & { name?: string; vpcId?: string; zoneId?: string } = {},
): Promise<GuestNetwork[]> {
  const params = { ...scopeParams(scope), vpcid: vpcId, zoneid: zoneId };
  const rows = await client.list('listNetworks', params, 'network', GuestNetwork);
  return rows.filter((network) => name === undefined || network.name === name);
}

export function readNetwork(client: CloudStackClient, id: string): Promise<GuestNetwork | null> {
  return readOne(client, 'listNetworks', id, 'network', GuestNetwork);
}

export interface NewNetwork {
  name: string;
  displayText?: string;
  networkOfferingId: string;
  zoneId: string;
  /** Without one an isolated network gets 10.1.1.0/24; a tier needs its own, inside the VPC's and beside the other tiers'. */
  cidr?: string;
  /** Without one the first address of `cidr`. */
  gateway?: string;
  vpcId?: string;
  /** A tier's ACL list; without one nothing comes in. */
  aclId?: string;
  networkDomain?: string;
  owner?: Owner;
}

/**
 * Done in the answer. The server wants a netmask and not a range.
 *
 * @throws ProvisioningError 'reject' `CLD_PARAMETER` for a range that is none, before anything is sent
 */
export async function createNetwork(client: CloudStackClient, wanted: NewNetwork): Promise<GuestNetwork> {
  const params = {
    ...ownerParams(wanted.owner),
    name: wanted.name,
    // Required up to 4.9.
    displaytext: wanted.displayText ?? wanted.name,
    networkofferingid: wanted.networkOfferingId,
    zoneid: wanted.zoneId,
    ...rangeParams(wanted),
    vpcid: wanted.vpcId,
    aclid: wanted.aclId,
    networkdomain: wanted.networkDomain,
  };
  return (await client.change('createNetwork', params, GuestNetworkMade)).network;
}

function rangeParams({ cidr, gateway }: NewNetwork): { gateway?: string; netmask?: string } {
  if (cidr === undefined) return {};
  const range = parseCidr(cidr);
  if (!range) throw new ProvisioningError('reject', 'CLD_PARAMETER', `${cidr} is not a range of a network`);
  return { gateway: gateway ?? range.gateway, netmask: range.netmask };
}

export function updateNetwork(
  client: CloudStackClient,
  { id, name, displayText }: { id: string; name?: string; displayText?: string },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'updateNetwork', { id, name, displaytext: displayText }, requestId);
}

/** The job fails while machines are in it, destroyed ones that wait to be expunged among them. */
export function deleteNetwork(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'deleteNetwork', { id }, requestId);
}

/** @param isCleanup also makes its router anew; traffic breaks meanwhile */
export function restartNetwork(
  client: CloudStackClient,
  { id, isCleanup = false }: { id: string; isCleanup?: boolean },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'restartNetwork', { id, cleanup: isCleanup }, requestId);
}
