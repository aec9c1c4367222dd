import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily, JobPlan } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { ApiError, inUse, invalidParameter, permissionDenied } from '../errors.js';
import { cidrText, inside, overlap, parseCidr, type Cidr } from '../../ipv4.js';
import { cidrOfNetmask } from '../state/addressing.js';
import type { NetworkOffering } from '../state/catalogue-model.js';
import type { Network, Vpc } from '../state/model.js';
import { makeNetwork } from '../state/networking.js';
import { removeNetwork } from '../state/removal.js';
import { networkView } from '../views/network.js';

export const networkCommands: CommandFamily = {
  createNetwork: {
    kind: 'S',
    required: ['name', 'networkofferingid', 'zoneid'],
    requiredUpTo49: ['displaytext'],
    run: create,
  },
  updateNetwork: { kind: 'A', cmd: 'user.network.UpdateNetwork', required: ['id'], run: update },
  deleteNetwork: { kind: 'A', cmd: 'user.network.DeleteNetwork', required: ['id'], run: remove },
  restartNetwork: {
    kind: 'A',
    cmd: 'user.network.RestartNetwork',
    required: ['id'],
    run(call) {
      const network = call.row(call.cloud.networks, 'id');
      return {
        instanceType: 'Network',
        instanceId: network.id,
        queue: `network:${network.id}`,
        finish() {
          if (network.state === 'Allocated')
            throw invalidParameter('Network is not in the right state to be restarted');
          return { success: true };
        },
        pretend: () => ({ success: true }),
      };
    },
  },
  listNetworks: { kind: 'S', run: list },
};

function create(call: Call): JsonObject {
  const { cloud, params } = call;
  const offering = call.catalogue(cloud.networkOfferings, 'networkofferingid');
  const zone = call.catalogue(cloud.zones, 'zoneid');
  if (offering.state !== 'Enabled') throw invalidParameter(`Network offering ${offering.id} is not in state Enabled`);
  const vpc = call.optionalRow(cloud.vpcs, 'vpcid');
  if (offering.forVpc !== (vpc !== undefined)) {
    throw invalidParameter(
      vpc === undefined
        ? 'Network offering can be used for VPC networks only'
        : 'Network offering is not for VPC networks',
    );
  }
  if (offering.guestType === 'Shared' && !call.caller.isRootAdmin) {
    throw permissionDenied('Only an admin may create a shared network');
  }
  const owner = vpc === undefined ? call.owner() : (cloud.accounts.get(vpc.accountId) ?? call.owner());
  const { cidr, gateway } = rangeOf(call, offering, vpc);
  const name = params.required('name');
  const startIp = params.text('startip');
  const endIp = params.text('endip');
  const network = makeNetwork(call, {
    name,
    displaytext: params.text('displaytext') ?? name,
    zoneId: zone.id,
    offering,
    owner,
    cidr: cidrText(cidr),
    gateway,
    ...(startIp === undefined ? {} : { startIp }),
    ...(endIp === undefined ? {} : { endIp }),
    vpcId: vpc?.id ?? null,
    aclId: vpc === undefined ? null : aclFor(call, vpc),
    networkDomain: params.text('networkdomain') ?? vpc?.networkDomain ?? null,
    vlan: params.text('vlan') ?? null,
  });
  return { network: networkView(call, network) };
}

/** Tiers lie inside their VPC's cidr and beside the other tiers; an isolated network has 10.1.1.0/24 by default. */
function rangeOf(call: Call, offering: NetworkOffering, vpc: Vpc | undefined): { cidr: Cidr; gateway: string } {
  const gateway = call.params.text('gateway');
  const netmask = call.params.text('netmask');
  if (gateway === undefined || netmask === undefined) {
    if (vpc !== undefined) throw invalidParameter('Gateway/netmask are required for VPC tiers');
    if (offering.guestType === 'Shared') {
      throw invalidParameter('StartIp/endIp/gateway/netmask are required when create network of type Shared');
    }
    if (gateway !== undefined || netmask !== undefined)
      throw invalidParameter('gateway and netmask must be specified together');
    const cidr = parseCidr('10.1.1.0/24');
    if (cidr === null) throw new ApiError(530, 'the default guest cidr is broken', 4250);
    return { cidr, gateway: '10.1.1.1' };
  }
  const cidr = cidrOfNetmask(gateway, netmask);
  if (vpc === undefined) return { cidr, gateway };
  const whole = parseCidr(vpc.cidr);
  if (whole === null || !inside(cidr, whole)) {
    throw invalidParameter(`Network CIDR ${cidrText(cidr)} is not within the VPC CIDR ${vpc.cidr}`);
  }
  for (const tier of call.cloud.networksOfVpc.get(vpc.id)) {
    const other = tier.cidr === null ? null : parseCidr(tier.cidr);
    if (tier.gateway === gateway) {
      throw invalidParameter(`The gateway ${gateway} is already used by another tier of the VPC`);
    }
    if (other !== null && overlap(cidr, other)) {
      throw invalidParameter(
        `Network cidr ${cidrText(cidr)} crosses other network cidr ${tier.cidr} belonging to the same vpc ${vpc.id}`,
      );
    }
  }
  return { cidr, gateway };
}

function aclFor(call: Call, vpc: Vpc): string {
  const { cloud, params } = call;
  const id = params.text('aclid');
  if (id === undefined) {
    for (const list of cloud.aclLists.values()) if (list.vpcId === null && list.name === 'default_deny') return list.id;
    throw new ApiError(530, 'the default ACL list is gone', 4250);
  }
  const list = cloud.aclLists.get(id);
  if (list === undefined) throw call.unknownId('aclid', id);
  if (list.vpcId !== null && list.vpcId !== vpc.id) {
    throw invalidParameter('ACL: Network ACL list belongs to another VPC');
  }
  return id;
}

function update(call: Call): JobPlan {
  const { cloud, params } = call;
  const network = call.row(cloud.networks, 'id');
  const offering = call.optionalCatalogue(cloud.networkOfferings, 'networkofferingid');
  const before = { name: network.name, displaytext: network.displaytext, offeringId: network.offeringId };
  return {
    instanceType: 'Network',
    instanceId: network.id,
    queue: `network:${network.id}`,
    begin() {
      if (offering === undefined) return;
      if (offering.state !== 'Enabled')
        throw invalidParameter(`Network offering ${offering.id} is not in state Enabled`);
      const was = cloud.networkOfferings.get(network.offeringId);
      if (offering.guestType !== network.guestType || offering.forVpc !== was?.forVpc) {
        throw invalidParameter("NetworkOffering ids don't match: guest type or VPC use differ");
      }
    },
    finish() {
      network.name = params.text('name') ?? network.name;
      network.displaytext = params.text('displaytext') ?? network.displaytext;
      if (offering !== undefined) network.offeringId = offering.id;
      call.effect('changed', 'network', network.id, [network.name, network.displaytext]);
      return { network: networkView(call, network) };
    },
    undo: () => Object.assign(network, before),
  };
}

function remove(call: Call): JobPlan {
  const network = call.row(call.cloud.networks, 'id');
  if (network.seeded) throw permissionDenied('The default guest network cannot be deleted');
  return {
    instanceType: 'Network',
    instanceId: network.id,
    queue: `network:${network.id}`,
    begin: () => refuseOccupied(call, network),
    finish() {
      if (call.cloud.networks.get(network.id) !== network)
        throw invalidParameter(`unable to find network ${network.id}`);
      refuseOccupied(call, network);
      removeNetwork(call, network);
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}

/** guess: 536 in the job; the reference says only that deleting fails while VMs remain. */
function refuseOccupied(call: Call, network: Network): void {
  if (call.cloud.vmsOfNetwork.get(network.id).size === 0) return;
  throw inUse(`Failed to delete network ${network.id}: it still has VMs that are not expunged`);
}

function list(call: Call): JsonObject {
  const { cloud, params } = call;
  const zoneId = params.text('zoneid');
  const vpcId = params.text('vpcid');
  const type = params.text('type')?.toLowerCase();
  const traffic = params.text('traffictype')?.toLowerCase();
  const name = call.behaviour.minor >= 20 ? params.text('name') : undefined;
  const services = params.list('supportedservices') ?? [];
  const accept = (network: Network): boolean => {
    const offered = cloud.networkOfferings.get(network.offeringId)?.services ?? [];
    return (
      (zoneId === undefined || network.zoneId === zoneId) &&
      (vpcId === undefined || network.vpcId === vpcId) &&
      (type === undefined || network.guestType.toLowerCase() === type) &&
      (traffic === undefined || traffic === 'guest') &&
      (name === undefined || network.name === name) &&
      services.every((service) => offered.some((one) => one.name === service))
    );
  };
  const rows = listRows(call, cloud.networks, { keyword: (network) => [network.name, network.displaytext], accept });
  // Shared networks of the domain are everybody's, and so in every list that names no id.
  if (params.text('id') === undefined) {
    for (const network of cloud.networks.values()) {
      if (network.guestType === 'Shared' && accept(network) && !rows.includes(network)) rows.push(network);
    }
  }
  return listAnswer(call, 'network', rows, (network) => networkView(call, network));
}
