import type { Call, CommandFamily, JobPlan } from '../call.js';
import { ApiError, invalidParameter } from '../errors.js';
import { rootDiskOf } from '../state/disks.js';
import { checkLimit } from '../state/limits.js';
import type { Vm } from '../state/model.js';
import { addNic } from '../state/networking.js';
import { ownDetails, shapeFor } from '../state/offering-shape.js';
import { releaseNic } from '../state/removal.js';
import { checkHostName, checkHostNameFree } from '../state/vm-names.js';
import { chosenPassword, newPassword, queueOf, requireState, userdataOf } from '../state/vm-work.js';
import { vmView } from '../views/vm.js';
import { requireAlive } from './vm-lifecycle.js';
import { usable } from './vm-networks.js';

const gibibyte = 1024 ** 3;

export const vmChangeCommands: CommandFamily = {
  restoreVirtualMachine: { kind: 'A', cmd: 'user.vm.RestoreVM', required: ['virtualmachineid'], run: restore },
  scaleVirtualMachine: { kind: 'A', cmd: 'user.vm.ScaleVM', required: ['id', 'serviceofferingid'], run: scale },
  changeServiceForVirtualMachine: {
    kind: 'S',
    required: ['id', 'serviceofferingid'],
    run(call) {
      const vm = call.row(call.cloud.vms, 'id');
      requireState(vm, ['Stopped'], 'upgrade the virtual machine');
      reshape(call, vm);
      return { virtualmachine: vmView(call, vm) };
    },
  },
  updateVirtualMachine: { kind: 'S', required: ['id'], run: update },
  resetPasswordForVirtualMachine: { kind: 'A', cmd: 'user.vm.ResetVMPassword', required: ['id'], run: resetPassword },
  resetSSHKeyForVirtualMachine: { kind: 'A', cmd: 'user.vm.ResetVMSSHKey', required: ['id'], run: resetKey },
  addNicToVirtualMachine: {
    kind: 'A',
    cmd: 'user.vm.AddNicToVM',
    required: ['virtualmachineid', 'networkid'],
    run: plug,
  },
  removeNicFromVirtualMachine: {
    kind: 'A',
    cmd: 'user.vm.RemoveNicFromVM',
    required: ['virtualmachineid', 'nicid'],
    run: unplug,
  },
};

function onVm(call: Call, vm: Vm, check: () => void, work: () => string | undefined): JobPlan {
  return {
    instanceType: 'VirtualMachine',
    instanceId: vm.id,
    queue: queueOf(vm),
    begin() {
      requireAlive(call, vm);
      check();
    },
    finish() {
      requireAlive(call, vm);
      const password = work();
      call.effect('changed', 'vm', vm.id, [vm.name, vm.displayname]);
      return { virtualmachine: vmView(call, vm, password) };
    },
    pretend: () => ({ virtualmachine: vmView(call, vm) }),
  };
}

function restore(call: Call): JobPlan {
  const { cloud, params } = call;
  const vm = call.row(cloud.vms, 'virtualmachineid');
  const template = call.optionalCatalogue(cloud.templates, 'templateid');
  const rootGib = call.behaviour.minor >= 19 ? params.integer('rootdisksize') : undefined;
  return onVm(
    call,
    vm,
    () => requireState(vm, ['Running', 'Stopped'], 'restore the virtual machine'),
    () => {
      if (template !== undefined) {
        vm.templateId = template.id;
        vm.templateName = template.name;
        vm.passwordEnabled = template.passwordEnabled;
      }
      // A new root disk takes the old one's place.
      const root = rootDiskOf(call, vm);
      if (root !== undefined) {
        cloud.volumes.remove(root);
        cloud.volumesOfVm.delete(vm.id, root);
        const fresh = { ...root, id: cloud.newId(), created: Date.now(), name: `ROOT-${cloud.nextSerial()}` };
        if (rootGib !== undefined) fresh.sizeBytes = rootGib * gibibyte;
        cloud.volumesOfVm.add(vm.id, cloud.volumes.add(fresh));
      }
      return vm.passwordEnabled ? newPassword(call) : undefined;
    },
  );
}

function reshape(call: Call, vm: Vm): void {
  const { cloud } = call;
  const offering = call.catalogue(cloud.serviceOfferings, 'serviceofferingid');
  if (offering.isSystem) throw invalidParameter(`Service offering ${offering.id} is for system VMs`);
  const shape = shapeFor(call, offering);
  const owner = cloud.accounts.get(vm.accountId);
  if (owner !== undefined) {
    if (shape.cpuNumber > vm.cpuNumber) checkLimit(cloud, owner, 'cpu', shape.cpuNumber - vm.cpuNumber);
    if (shape.memoryMib > vm.memoryMib) checkLimit(cloud, owner, 'memory', shape.memoryMib - vm.memoryMib);
  }
  Object.assign(vm, shape);
  vm.serviceOfferingId = offering.id;
  vm.details = { ...vm.details, ...ownDetails(call) };
}

function scale(call: Call): JobPlan {
  const vm = call.row(call.cloud.vms, 'id');
  call.catalogue(call.cloud.serviceOfferings, 'serviceofferingid');
  const plan = onVm(
    call,
    vm,
    () => {
      requireState(vm, ['Running', 'Stopped'], 'scale the virtual machine');
      if (vm.state === 'Running' && !vm.dynamicallyScalable) {
        throw invalidParameter(
          `Unable to Scale the VM: ${vm.instanceName} as VM is not configured to be dynamically scalable`,
        );
      }
    },
    () => {
      reshape(call, vm);
      return undefined;
    },
  );
  if (call.behaviour.minor >= 13) return plan;
  return {
    ...plan,
    finish() {
      plan.finish();
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}

function update(call: Call) {
  const { cloud, params } = call;
  const vm = call.row(cloud.vms, 'id');
  // Everything is checked before anything is changed.
  const groups = params.list('securitygroupids');
  if (groups !== undefined) requireState(vm, ['Stopped'], 'change the security groups');
  const groupIds = groups?.map((id) => call.rowById(cloud.securityGroups, id, 'securitygroupids').id);
  const userdata = userdataOf(call);
  const name = params.text('name');
  if (name !== undefined && name !== vm.name) {
    checkHostName(name);
    const networks = vm.nics.flatMap((nic) => cloud.networks.get(nic.networkId) ?? []);
    checkHostNameFree(cloud, name, networks, vm.id);
    for (const key of vm.nameKeys) {
      cloud.releaseHostName(key, vm.name, vm.id);
      cloud.holdHostName(key, name, vm.id);
    }
    vm.name = name;
  }
  vm.securityGroupIds = groupIds ?? vm.securityGroupIds;
  vm.displayname = params.text('displayname') ?? vm.displayname;
  vm.group = params.text('group') ?? vm.group;
  vm.userdata = userdata ?? vm.userdata;
  vm.haEnable = params.flag('haenable') ?? vm.haEnable;
  vm.dynamicallyScalable = params.flag('isdynamicallyscalable') ?? vm.dynamicallyScalable;
  vm.details = { ...vm.details, ...params.merged('details') };
  call.effect('changed', 'vm', vm.id, [vm.name, vm.displayname]);
  return { virtualmachine: vmView(call, vm) };
}

function resetPassword(call: Call): JobPlan {
  const vm = call.row(call.cloud.vms, 'id');
  return onVm(
    call,
    vm,
    () => {
      if (!vm.passwordEnabled) {
        throw invalidParameter(`Fail to reset password for the virtual machine, the template is not password enabled`);
      }
      requireState(vm, ['Stopped'], 'reset the password');
    },
    () => chosenPassword(call),
  );
}

function resetKey(call: Call): JobPlan {
  const { cloud, params } = call;
  const vm = call.row(cloud.vms, 'id');
  const names = params.list('keypairs') ?? params.list('keypair');
  if (names === undefined) throw params.missing('keypair');
  for (const name of names) {
    if (![...cloud.keyPairs.ofAccount(vm.accountId)].some((pair) => pair.name === name)) {
      throw invalidParameter(`A key pair with name '${name}' does not exist for the account of the VM`);
    }
  }
  return onVm(
    call,
    vm,
    () => requireState(vm, ['Stopped'], 'reset the SSH key'),
    () => {
      vm.keypairs = names;
      return vm.passwordEnabled ? newPassword(call) : undefined;
    },
  );
}

function plug(call: Call): JobPlan {
  const { cloud, params } = call;
  const vm = call.row(cloud.vms, 'virtualmachineid');
  const zone = cloud.zones.get(vm.zoneId);
  if (zone === undefined) throw new ApiError(530, `zone of VM ${vm.id} is gone`, 4250);
  const network = usable(call, zone, params.required('networkid'), 'networkid');
  const ip = params.text('ipaddress');
  return onVm(
    call,
    vm,
    () => {
      requireState(vm, ['Running', 'Stopped'], 'add a nic');
      if (vm.nics.some((nic) => nic.networkId === network.id)) {
        throw invalidParameter(`A NIC already exists for VM:${vm.instanceName} in network: ${network.id}`);
      }
      checkHostNameFree(cloud, vm.name, [network], vm.id);
    },
    () => {
      addNic(call, vm, network, ip === undefined ? {} : { ip }, vm.nics.length === 0);
      const key = cloud.nameKeyOf(network);
      if (!vm.nameKeys.includes(key)) vm.nameKeys.push(key);
      cloud.holdHostName(key, vm.name, vm.id);
      return undefined;
    },
  );
}

function unplug(call: Call): JobPlan {
  const { cloud, params } = call;
  const vm = call.row(cloud.vms, 'virtualmachineid');
  const nicId = params.required('nicid');
  const nic = vm.nics.find((one) => one.id === nicId);
  if (nic === undefined) throw call.unknownId('nicid', nicId);
  return onVm(
    call,
    vm,
    () => {
      requireState(vm, ['Running', 'Stopped'], 'remove a nic');
      if (nic.isDefault) throw invalidParameter(`Unable to remove nic ${nic.id}, it is the default nic`);
    },
    () => {
      vm.nics = vm.nics.filter((one) => one !== nic);
      releaseNic(call, vm, nic.networkId, nic.ip);
      const keys = new Set(
        vm.nics.flatMap((one) => {
          const network = cloud.networks.get(one.networkId);
          return network === undefined ? [] : [cloud.nameKeyOf(network)];
        }),
      );
      for (const key of vm.nameKeys) if (!keys.has(key)) cloud.releaseHostName(key, vm.name, vm.id);
      vm.nameKeys = [...keys];
      return undefined;
    },
  );
}
