import type { JsonObject } from '../../../json.js';
import type { Call } from '../call.js';
import { cloudDate, withoutNulls } from '../envelope.js';
import type { Nic, Vm } from '../state/model.js';
import { securityGroupView } from './security-group.js';

/** A VM as lists and job results print it; `password` only where it is shown once. */
export function vmView(call: Call, vm: Vm, password?: string): JsonObject {
  const { cloud, behaviour, caller } = call;
  const offering = cloud.offeringOf(vm);
  const staticNat = [...cloud.addressesOfVm.get(vm.id)][0];
  const template = cloud.templates.get(vm.templateId);
  const pendingJob = call.services.pendingJobOf(vm.id);
  const runs = vm.state === 'Running' || vm.state === 'Stopping';
  return withoutNulls({
    id: vm.id,
    name: vm.name,
    displayname: vm.displayname,
    ...call.ownerFields(vm),
    userid: behaviour.minor >= 13 ? vm.userId : null,
    created: cloudDate(vm.created),
    state: vm.state,
    haenable: vm.haEnable,
    group: vm.group,
    zoneid: vm.zoneId,
    zonename: cloud.zones.get(vm.zoneId)?.name,
    hostid: caller.isRootAdmin && runs ? hostId : null,
    hostname: caller.isRootAdmin && runs ? 'sim-host-1' : null,
    instancename: caller.isRootAdmin ? vm.instanceName : null,
    templateid: vm.templateId,
    templatename: vm.templateName,
    templatedisplaytext: template?.displaytext,
    passwordenabled: vm.passwordEnabled,
    serviceofferingid: vm.serviceOfferingId,
    serviceofferingname: offering?.name,
    cpunumber: vm.cpuNumber,
    cpuspeed: vm.cpuSpeed,
    memory: vm.memoryMib,
    cpuused: vm.state === 'Running' ? '1%' : null,
    rootdeviceid: 0,
    rootdevicetype: 'ROOT',
    hypervisor: template?.hypervisor ?? 'KVM',
    isdynamicallyscalable: vm.dynamicallyScalable,
    details: behaviour.minor >= 5 && Object.keys(vm.details).length > 0 ? vm.details : null,
    publicip: staticNat?.ip,
    publicipid: staticNat?.id,
    [behaviour.keypairField]: vm.keypairs.length === 0 ? null : vm.keypairs.join(','),
    password,
    securitygroup: vm.securityGroupIds.flatMap((id) => {
      const group = cloud.securityGroups.get(id);
      return group === undefined ? [] : [securityGroupView(call, group)];
    }),
    nic: vm.nics.map((nic) => nicView(call, nic)),
    tags: call.tagFields(vm.id),
    affinitygroup: [],
    jobid: pendingJob,
    jobstatus: pendingJob === null ? null : 0,
  });
}

const hostId = 'b1a0c5de-0000-4000-8000-000000000050';

function nicView(call: Call, nic: Nic): JsonObject {
  const network = call.cloud.networks.get(nic.networkId);
  return withoutNulls({
    id: nic.id,
    networkid: nic.networkId,
    networkname: network?.name,
    netmask: network?.netmask,
    gateway: network?.gateway,
    ipaddress: nic.ip,
    traffictype: 'Guest',
    type: network?.guestType,
    isdefault: nic.isDefault,
    macaddress: nic.mac,
    secondaryip: [],
  });
}
