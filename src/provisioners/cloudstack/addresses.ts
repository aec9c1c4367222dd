import { begin, type BegunJob, type ListScope, type Owner, ownerParams, scopeParams } from './begin.js';
import type { CloudStackClient } from './client.js';
import { Success } from './schema.js';
import { PublicAddress } from './schema-operations.js';

/** Public addresses and static NAT beside orders (seed C37); an order's own is reserved and bound by `network.ts`. */

export function listAddresses(
  client: CloudStackClient,
  { networkId, vpcId, ...scope }: ListScope & { networkId?: string; vpcId?: string } = {},
): Promise<PublicAddress[]> {
  const params = { ...scopeParams(scope), associatednetworkid: networkId, vpcid: vpcId };
  return client.list('listPublicIpAddresses', params, 'publicipaddress', PublicAddress);
}

/**
 * Addresses of a VPC belong to the VPC, others to their network, whose first one becomes its source NAT. The job's result
 * may still say `Allocating`.
 */
export function associateAddress(
  client: CloudStackClient,
  { place, owner }: { place: { vpcId: string } | { networkId: string }; owner?: Owner },
  requestId: string,
): Promise<BegunJob> {
  const where = 'vpcId' in place ? { vpcid: place.vpcId } : { networkid: place.networkId };
  return begin(client, 'associateIpAddress', { ...ownerParams(owner), ...where }, requestId);
}

/** With its rules. @throws ProvisioningError 'reject' (431) for a source NAT address; releasing what is free succeeds */
export function disassociateAddress(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'disassociateIpAddress', { id }, requestId);
}

/** Done in the answer. @param networkId the machine's tier; needed for an address of a VPC */
export async function enableStaticNat(
  client: CloudStackClient,
  { addressId, vmId, networkId }: { addressId: string; vmId: string; networkId?: string },
): Promise<void> {
  const params = { ipaddressid: addressId, virtualmachineid: vmId, networkid: networkId };
  await client.change('enableStaticNat', params, Success);
}

export function disableStaticNat(client: CloudStackClient, addressId: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'disableStaticNat', { ipaddressid: addressId }, requestId);
}
