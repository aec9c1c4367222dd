import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily, CreatePlan, JobPlan } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { invalidParameter, ruleConflict } from '../errors.js';
import { checkLimit } from '../state/limits.js';
import type { PublicAddress } from '../state/model.js';
import { giveSourceNat, sourceNatOf, takePublicAddress } from '../state/networking.js';
import { clearStaticNat, releaseAddress } from '../state/removal.js';
import { addressView } from '../views/network.js';

export const addressCommands: CommandFamily = {
  associateIpAddress: { kind: 'AC', cmd: 'user.address.AssociateIPAddr', run: associate },
  disassociateIpAddress: { kind: 'A', cmd: 'user.address.DisassociateIPAddr', required: ['id'], run: disassociate },
  listPublicIpAddresses: {
    kind: 'S',
    run(call) {
      const { params } = call;
      const ip = params.text('ipaddress');
      const networkId = params.text('associatednetworkid');
      const vpcId = params.text('vpcid');
      const zoneId = params.text('zoneid');
      const staticNat = params.flag('isstaticnat');
      const sourceNat = params.flag('issourcenat');
      const state = params.text('state');
      const rows = listRows(call, call.cloud.addresses, {
        keyword: (address) => [address.ip],
        accept: (address) =>
          (ip === undefined || address.ip === ip) &&
          (networkId === undefined || address.networkId === networkId) &&
          (vpcId === undefined || address.vpcId === vpcId) &&
          (zoneId === undefined || address.zoneId === zoneId) &&
          (staticNat === undefined || (address.vmId !== null) === staticNat) &&
          (sourceNat === undefined || address.sourceNat === sourceNat) &&
          (state === undefined || address.state === state),
      });
      // Free addresses (allocatedonly=false) are not modelled one by one and never listed.
      return listAnswer(call, 'publicipaddress', rows, (address) => addressView(call, address));
    },
  },
  enableStaticNat: { kind: 'S', required: ['ipaddressid', 'virtualmachineid'], run: enableStaticNat },
  disableStaticNat: { kind: 'A', cmd: 'user.nat.DisableStaticNat', required: ['ipaddressid'], run: disableStaticNat },
};

/** Jobs on the addresses of one network or VPC run one after the other. */
function queueOf(address: PublicAddress): string {
  return `addresses:${address.vpcId ?? address.networkId ?? address.id}`;
}

function associate(call: Call): CreatePlan {
  const { cloud, params } = call;
  const vpc = call.optionalRow(cloud.vpcs, 'vpcid');
  const network = vpc === undefined ? call.optionalRow(cloud.networks, 'networkid') : undefined;
  const ofNetwork = vpc ?? network;
  const zoneId = ofNetwork?.zoneId ?? call.optionalCatalogue(cloud.zones, 'zoneid')?.id;
  if (zoneId === undefined)
    throw invalidParameter('Unable to figure out zone to assign ip to; pass networkId, vpcId or zoneId');
  const owner = ofNetwork === undefined ? call.owner() : (cloud.accounts.get(ofNetwork.accountId) ?? call.owner());
  if (network?.guestType === 'Shared') throw invalidParameter('A shared network takes no public addresses of its own');
  checkLimit(cloud, owner, 'publicIp', 1);
  const wanted = params.text('ipaddress');
  // The first address of an isolated network outside a VPC becomes its source NAT.
  const sourceNat = network !== undefined && network.vpcId === null && sourceNatOf(call, network) === undefined;
  const address = takePublicAddress(call, owner, {
    zoneId,
    networkId: network?.id ?? null,
    vpcId: vpc?.id ?? network?.vpcId ?? null,
    sourceNat,
    ...(wanted === undefined ? {} : { wanted }),
  });
  address.state = 'Allocating';
  return {
    instanceType: 'IpAddress',
    instanceId: address.id,
    queue: queueOf(address),
    finish() {
      if (cloud.addresses.get(address.id) !== address)
        throw invalidParameter(`Unable to find ip address ${address.id}`);
      // The result of the job is printed before the rules are applied: it still says Allocating (reference, section 11).
      const result = { ipaddress: addressView(call, address) };
      address.state = 'Allocated';
      return result;
    },
    undo: () => releaseAddress(call, address),
  };
}

function disassociate(call: Call): JobPlan {
  const address = call.row(call.cloud.addresses, 'id');
  if (address.sourceNat) {
    throw invalidParameter(`The IP address ${address.ip} is a source NAT address and cannot be released`);
  }
  return {
    instanceType: 'IpAddress',
    instanceId: address.id,
    queue: queueOf(address),
    begin() {
      if (call.cloud.addresses.get(address.id) === address) address.state = 'Releasing';
    },
    finish() {
      // Releasing what is free already succeeds.
      releaseAddress(call, address);
      return { success: true };
    },
    undo() {
      address.state = 'Allocated';
    },
    pretend: () => ({ success: true }),
  };
}

function enableStaticNat(call: Call): JsonObject {
  const { cloud, params } = call;
  const address = call.row(cloud.addresses, 'ipaddressid');
  const vm = call.row(cloud.vms, 'virtualmachineid');
  const networkId = params.text('networkid') ?? address.networkId;
  if (networkId === null) throw invalidParameter('Unable to enable static NAT: a VPC address needs networkid');
  const network = cloud.networks.get(networkId);
  if (network === undefined) throw call.unknownId('networkid', networkId);
  call.checkAccess(network.accountId);
  if (address.state !== 'Allocated') throw invalidParameter(`Ip address ${address.id} is in state ${address.state}`);
  if (address.sourceNat)
    throw invalidParameter(`Can't enable static, ip address ${address.id} is a sourceNat ip address`);
  if (address.vpcId === null ? address.networkId !== network.id : address.vpcId !== network.vpcId) {
    throw invalidParameter(`Ip address ${address.id} does not belong to network ${network.id}`);
  }
  const guestIp = params.text('vmguestip');
  const nic = vm.nics.find((one) => one.networkId === network.id && (guestIp === undefined || one.ip === guestIp));
  if (nic === undefined) throw invalidParameter(`Vm doesn't belong to the network with specified id ${network.id}`);
  if (['Destroyed', 'Expunging', 'Error'].includes(vm.state))
    throw invalidParameter(`VM ${vm.id} is in state ${vm.state}`);
  if (address.vmId !== null)
    throw invalidParameter(`ip address ${address.id} is already static nat for vm ${address.vmId}`);
  if (cloud.rulesOfAddress.get(address.id).size > 0) {
    throw ruleConflict(`Failed to enable static nat for the ip address ${address.id} as it already has rules assigned`);
  }
  for (const other of cloud.addressesOfVm.get(vm.id)) {
    if (other.vmGuestIp === nic.ip) {
      throw invalidParameter(
        `Failed to enable static nat for the ip address ${address.ip} as vm ${vm.id} is already associated with another static nat ip`,
      );
    }
  }
  address.vmId = vm.id;
  address.vmGuestIp = nic.ip;
  address.networkId = network.id;
  cloud.addressesOfVm.add(vm.id, address);
  if (network.vpcId === null) giveSourceNat(call, network);
  call.effect('changed', 'address', address.id);
  return call.success();
}

function disableStaticNat(call: Call): JobPlan {
  const address = call.row(call.cloud.addresses, 'ipaddressid');
  return {
    instanceType: 'IpAddress',
    instanceId: address.id,
    queue: queueOf(address),
    begin() {
      if (address.vmId === null) throw invalidParameter(`Specified IP address id is not associated with any vm Id`);
    },
    finish() {
      clearStaticNat(call, address);
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}
