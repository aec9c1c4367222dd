import type { Call } from '../call.js';
import type { AclList, Network, PublicAddress, Vm, Volume, Vpc } from './model.js';

/** How things leave the cloud: names, addresses and indexes are freed, and the audit log hears of it. */
export function expungeVm(call: Call, vm: Vm): void {
  const { cloud } = call;
  if (cloud.vms.get(vm.id) !== vm) return;
  for (const volume of cloud.volumesOfVm.get(vm.id)) {
    // Data disks outlive their VM; only the root disk goes with it.
    if (volume.type === 'ROOT') removeVolume(call, volume);
    else detachVolume(call, volume);
  }
  for (const address of cloud.addressesOfVm.get(vm.id)) clearStaticNat(call, address);
  for (const rule of cloud.firewallRules.ofAccount(vm.accountId)) {
    if (rule.vmId !== vm.id) continue;
    if (rule.addressId !== null) cloud.rulesOfAddress.delete(rule.addressId, rule);
    cloud.firewallRules.remove(rule);
  }
  for (const nic of vm.nics) releaseNic(call, vm, nic.networkId, nic.ip);
  for (const key of vm.nameKeys) cloud.releaseHostName(key, vm.name, vm.id);
  call.effect('deleted', 'vm', vm.id, [vm.name, vm.displayname]);
  cloud.vms.remove(vm);
  cloud.tags.delete(vm.id);
}

export function releaseNic(call: Call, vm: Vm, networkId: string, ip: string): void {
  call.cloud.networks.get(networkId)?.guestIps.release(ip);
  call.cloud.vmsOfNetwork.delete(networkId, vm);
}

export function detachVolume(call: Call, volume: Volume): void {
  if (volume.vmId !== null) call.cloud.volumesOfVm.delete(volume.vmId, volume);
  volume.vmId = null;
  volume.deviceId = null;
  volume.attachedAt = null;
}

export function removeVolume(call: Call, volume: Volume): void {
  const { cloud } = call;
  if (cloud.volumes.get(volume.id) !== volume) return;
  if (volume.vmId !== null) cloud.volumesOfVm.delete(volume.vmId, volume);
  if (volume.type === 'DATADISK') call.effect('deleted', 'volume', volume.id, [volume.name]);
  cloud.volumes.remove(volume);
  cloud.tags.delete(volume.id);
}

export function clearStaticNat(call: Call, address: PublicAddress): void {
  if (address.vmId === null) return;
  call.cloud.addressesOfVm.delete(address.vmId, address);
  address.vmId = null;
  address.vmGuestIp = null;
  // An address of a VPC belongs to a tier only while something is bound to it.
  if (address.vpcId !== null) address.networkId = null;
  call.effect('changed', 'address', address.id);
}

export function releaseAddress(call: Call, address: PublicAddress): void {
  const { cloud } = call;
  if (cloud.addresses.get(address.id) !== address) return;
  clearStaticNat(call, address);
  for (const rule of cloud.rulesOfAddress.get(address.id)) {
    cloud.rulesOfAddress.delete(address.id, rule);
    cloud.firewallRules.remove(rule);
  }
  call.effect('deleted', address.sourceNat ? 'source-nat-address' : 'address', address.id);
  cloud.publicPool.release(address.ip);
  cloud.addresses.remove(address);
  cloud.tags.delete(address.id);
}

export function removeNetwork(call: Call, network: Network): void {
  const { cloud } = call;
  if (cloud.networks.get(network.id) !== network) return;
  for (const address of cloud.addresses.ofAccount(network.accountId)) {
    if (address.networkId !== network.id) continue;
    if (address.vpcId === null) releaseAddress(call, address);
    else clearStaticNat(call, address);
  }
  for (const rule of cloud.firewallRules.ofAccount(network.accountId)) {
    if (rule.networkId === network.id) cloud.firewallRules.remove(rule);
  }
  if (network.vpcId !== null) cloud.networksOfVpc.delete(network.vpcId, network);
  call.effect('deleted', 'network', network.id, [network.name, network.displaytext]);
  cloud.networks.remove(network);
  cloud.tags.delete(network.id);
}

export function removeVpc(call: Call, vpc: Vpc): void {
  const { cloud } = call;
  if (cloud.vpcs.get(vpc.id) !== vpc) return;
  for (const network of cloud.networksOfVpc.get(vpc.id)) removeNetwork(call, network);
  for (const address of cloud.addresses.ofAccount(vpc.accountId)) {
    if (address.vpcId === vpc.id) releaseAddress(call, address);
  }
  for (const list of cloud.aclLists.ofAccount(vpc.accountId)) if (list.vpcId === vpc.id) removeAclList(call, list);
  call.effect('deleted', 'vpc', vpc.id, [vpc.name, vpc.displaytext]);
  cloud.vpcs.remove(vpc);
  cloud.tags.delete(vpc.id);
}

export function removeAclList(call: Call, list: AclList): void {
  const { cloud } = call;
  if (cloud.aclLists.get(list.id) !== list) return;
  for (const rule of cloud.rulesOfAclList.get(list.id)) {
    cloud.rulesOfAclList.delete(list.id, rule);
    cloud.aclRules.remove(rule);
  }
  call.effect('deleted', 'acl-list', list.id, [list.name, list.description]);
  cloud.aclLists.remove(list);
}
