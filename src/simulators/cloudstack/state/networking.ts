import type { Call } from '../call.js';
import { internalError, invalidParameter, noCapacity } from '../errors.js';
import { checkLimit } from './limits.js';
import type { NetworkOffering } from './catalogue-model.js';
import type { Account, Network, Nic, PublicAddress, Vm } from './model.js';
import { netmaskOf, parseCidr } from '../../ipv4.js';
import { guestPool } from './addressing.js';

/** Takes a public address out of the pool; 530 with 4250 when none is left (recorded), 431 when the wanted one is taken. */
export function takePublicAddress(
  call: Call,
  owner: Account,
  place: { zoneId: string; networkId: string | null; vpcId: string | null; sourceNat: boolean; wanted?: string },
): PublicAddress {
  const { cloud } = call;
  const ip = cloud.publicPool.take(place.wanted);
  if (ip === null) {
    if (place.wanted !== undefined) throw invalidParameter(`Requested ip address ${place.wanted} is not free`);
    throw internalError('Failed to fetch any free public IP address');
  }
  // A public address is a row of the zone's range: released, it is free again under the id it had (`unassignIpAddress`).
  const id = cloud.addressIds.get(ip) ?? cloud.newId();
  cloud.addressIds.set(ip, id);
  const address = cloud.addresses.add({
    id,
    accountId: owner.id,
    created: Date.now(),
    ip,
    zoneId: place.zoneId,
    state: place.sourceNat ? 'Allocated' : 'Allocating',
    sourceNat: place.sourceNat,
    networkId: place.networkId,
    vpcId: place.vpcId,
    vmId: null,
    vmGuestIp: null,
  });
  call.effect('created', place.sourceNat ? 'source-nat-address' : 'address', address.id);
  return address;
}

/** Adds a nic; the guest address is taken from the network's own range at once. 533 when there is none. */
export function addNic(
  call: Call,
  vm: Vm,
  network: Network,
  wanted: { ip?: string; mac?: string },
  isDefault: boolean,
): Nic {
  const ip = network.guestIps.take(wanted.ip);
  if (ip === null) {
    if (wanted.ip !== undefined)
      throw invalidParameter(`The IP address ${wanted.ip} is not free in network ${network.id}`);
    throw noCapacity(
      `Insufficient address capacity: unable to acquire Guest IP address for network Ntwk[${network.id}]`,
      4320,
    );
  }
  const nic: Nic = {
    id: call.cloud.newId(),
    networkId: network.id,
    ip,
    mac: wanted.mac ?? call.cloud.newMac(),
    isDefault,
  };
  vm.nics.push(nic);
  call.cloud.vmsOfNetwork.add(network.id, vm);
  return nic;
}

/** The first VM starts a network's router; an isolated network outside a VPC gets its source NAT address then. */
export function implementNetworks(call: Call, vm: Vm): void {
  for (const nic of vm.nics) {
    const network = call.cloud.networks.get(nic.networkId);
    if (network === undefined || network.state !== 'Allocated') continue;
    network.state = 'Implemented';
    if (network.vpcId === null && network.guestType === 'Isolated') giveSourceNat(call, network);
  }
}

export function giveSourceNat(call: Call, network: Network): void {
  const account = call.cloud.accounts.get(network.accountId);
  if (account === undefined || sourceNatOf(call, network) !== undefined) return;
  takePublicAddress(call, account, { zoneId: network.zoneId, networkId: network.id, vpcId: null, sourceNat: true });
}

export function sourceNatOf(call: Call, network: Network): PublicAddress | undefined {
  for (const address of call.cloud.addresses.ofAccount(network.accountId)) {
    if (address.sourceNat && address.networkId === network.id) return address;
  }
  return undefined;
}

export interface NewNetwork {
  name: string;
  displaytext: string;
  zoneId: string;
  offering: NetworkOffering;
  owner: Account;
  cidr: string;
  gateway: string;
  startIp?: string;
  endIp?: string;
  vpcId: string | null;
  aclId: string | null;
  networkDomain: string | null;
  vlan: string | null;
}

export function makeNetwork(call: Call, wanted: NewNetwork): Network {
  const { cloud } = call;
  checkLimit(cloud, wanted.owner, 'network', 1);
  const cidr = parseCidr(wanted.cidr);
  if (cidr === null) throw invalidParameter(`Invalid cidr ${wanted.cidr}`);
  const network: Network = {
    id: cloud.newId(),
    accountId: wanted.owner.id,
    created: Date.now(),
    name: wanted.name,
    displaytext: wanted.displaytext,
    zoneId: wanted.zoneId,
    offeringId: wanted.offering.id,
    guestType: wanted.offering.guestType,
    state: wanted.offering.guestType === 'Shared' ? 'Setup' : 'Allocated',
    cidr: wanted.cidr,
    gateway: wanted.gateway,
    netmask: netmaskOf(cidr.bits),
    networkDomain:
      wanted.networkDomain ?? wanted.owner.networkDomain ?? `cs${cloud.nextSerial().toString(16)}cloud.internal`,
    vpcId: wanted.vpcId,
    aclId: wanted.aclId,
    vlan: wanted.vlan,
    seeded: false,
    guestIps: guestPool(cidr, wanted.gateway, wanted.startIp, wanted.endIp),
  };
  cloud.networks.add(network);
  if (network.vpcId !== null) cloud.networksOfVpc.add(network.vpcId, network);
  call.effect('created', 'network', network.id, [network.name, network.displaytext]);
  return network;
}
