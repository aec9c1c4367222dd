import type { DraftPart } from '../../planner/plan.js';
import type { NetworkConfig } from '../../schemas/work-order.js';
import { namedNetworks } from '../network-cards.js';
import type { ResolvedPart } from '../provisioner.js';
import { readOne } from './lookup.js';
import type { AddressSettings } from './network.js';
import { type Resolving, zoneOf } from './resolve.js';
import { defaultNetwork } from './resolve-network.js';
import { isOfTenant } from './resolve-tenant.js';
import { Network } from './schema.js';

/** A public address on the network of the VM it is for; without a VM, on the tenant's default network, unbound (Q8). */
export async function resolveAddress(
  resolving: Resolving,
  part: DraftPart,
  config: NetworkConfig,
): Promise<ResolvedPart | null> {
  const vm = resolving.request.parts.find(({ key }) => key === part.vmKey);
  const networkId = vm?.item.resourceType === 'VM' ? (namedNetworks(vm.item.config)[0] ?? null) : null;
  const where =
    networkId === null ? await onDefaultNetwork(resolving, part, vm) : await onNamedNetwork(resolving, part, networkId);
  if (!where) return null;
  const settings: AddressSettings = { bandwidthMbps: config.bandwidthMbps, ...where.settings };
  const held =
    part.vmKey === null
      ? 'not enforced while the address is bound to no VM'
      : "held by the rate of the VM's service offering";
  return {
    key: part.key,
    settings,
    needs: {
      'network.reserve': where.needs,
      ...(part.vmKey === null ? {} : { 'network.bind': [part.vmKey] }),
    },
    inputs: { ...where.inputs, ...(part.vmKey === null ? {} : { vmId: { from: part.vmKey, fact: 'vmId' } }) },
    lines: [
      { what: 'address', ordered: 'public address', resolved: where.resolved },
      { what: 'bandwidth', ordered: `${config.bandwidthMbps}`, resolved: `${config.bandwidthMbps} Mbit/s, ${held}` },
    ],
  };
}

interface Where {
  settings: Pick<AddressSettings, 'networkId' | 'vpcId'>;
  needs: string[];
  inputs: ResolvedPart['inputs'];
  resolved: string;
}

async function onDefaultNetwork(
  resolving: Resolving,
  part: DraftPart,
  vm: DraftPart | undefined,
): Promise<Where | null> {
  const zone = await zoneOf(resolving, vm ?? part);
  if (!zone) return null;
  if (zone.securitygroupsenabled) return unsupported(resolving, part, `VMs of the zone ${zone.name} share one network`);
  const key = await defaultNetwork(resolving, part, zone);
  if (key === null) return null;
  return {
    settings: {},
    needs: [key],
    inputs: { vpcId: { from: key, fact: 'vpcId' }, networkId: { from: key, fact: 'networkId' } },
    resolved: "an address of the tenant's default VPC",
  };
}

async function onNamedNetwork(resolving: Resolving, part: DraftPart, networkId: string): Promise<Where | null> {
  const network = await readOne(resolving.account.client, 'listNetworks', networkId, 'network', Network);
  // Its absence is already held at the VM; named here again, because this part cannot be resolved either.
  if (!network || (network.type !== 'Shared' && !isOfTenant(resolving.registration, network))) {
    return resolving.hold(
      part,
      'networkId',
      'network_not_found',
      `the network ${networkId} does not exist on this platform`,
    );
  }
  if (network.vpcid !== null) {
    const settings = { networkId, vpcId: network.vpcid };
    return { settings, needs: [], inputs: {}, resolved: `an address of the VPC of ${network.name}` };
  }
  if (network.type === 'Shared') return unsupported(resolving, part, `the network ${network.name} is shared`);
  // The first address of an isolated network becomes its source NAT, which cannot be bound to a VM. Its first VM makes
  // the router and with it that address; so ours waits for the VM.
  const needs = part.vmKey === null ? [] : [part.vmKey];
  return { settings: { networkId }, needs, inputs: {}, resolved: `an address of the network ${network.name}` };
}

function unsupported({ hold }: Resolving, part: DraftPart, why: string): null {
  return hold(part, 'newBandwidthValue', 'public_address_unsupported', `no public address can be bound there: ${why}`);
}
