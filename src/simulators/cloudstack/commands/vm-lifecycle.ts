import type { Call, CommandFamily, JobPlan } from '../call.js';
import { like, listAnswer, listRows } from '../call.js';
import { internalError, invalidParameter, permissionDenied } from '../errors.js';
import type { Vm } from '../state/model.js';
import { implementNetworks } from '../state/networking.js';
import { expungeVm, detachVolume, removeVolume } from '../state/removal.js';
import { queueOf, requireState, checkPlaceable } from '../state/vm-work.js';
import { vmView } from '../views/vm.js';

export const vmLifecycleCommands: CommandFamily = {
  startVirtualMachine: { kind: 'A', cmd: 'user.vm.StartVM', required: ['id'], run: start },
  stopVirtualMachine: { kind: 'A', cmd: 'user.vm.StopVM', required: ['id'], run: stop },
  rebootVirtualMachine: { kind: 'A', cmd: 'user.vm.RebootVM', required: ['id'], run: reboot },
  destroyVirtualMachine: { kind: 'A', cmd: 'user.vm.DestroyVM', required: ['id'], run: destroy },
  expungeVirtualMachine: { kind: 'A', cmd: 'admin.vm.ExpungeVM', admin: true, required: ['id'], run: expunge },
  recoverVirtualMachine: {
    kind: 'S',
    required: ['id'],
    run(call) {
      const vm = call.row(call.cloud.vms, 'id');
      requireState(vm, ['Destroyed'], 'recover the virtual machine');
      vm.state = 'Stopped';
      vm.destroyedAt = null;
      call.effect('changed', 'vm', vm.id, [vm.name, vm.displayname]);
      return { virtualmachine: vmView(call, vm) };
    },
  },
  listVirtualMachines: {
    kind: 'S',
    run(call) {
      const rows = listRows(call, call.cloud.vms, {
        keyword: (vm) => [vm.name, vm.displayname],
        accept: filterOf(call),
      });
      return listAnswer(call, 'virtualmachine', rows, (vm) => vmView(call, vm));
    },
  },
};

function filterOf(call: Call): (vm: Vm) => boolean {
  const { params, behaviour } = call;
  const name = params.text('name');
  const lowerName = name?.toLowerCase();
  const state = params.text('state');
  const zoneId = params.text('zoneid');
  const networkId = params.text('networkid');
  const offeringId = params.text('serviceofferingid');
  const group = params.text('groupid');
  return (vm) => {
    if (name !== undefined && lowerName !== undefined) {
      if (behaviour.vmNameFilter === 'exact' ? vm.name !== name : !like(vm.name, lowerName)) return false;
    }
    const gone = vm.state === 'Destroyed' || vm.state === 'Expunging';
    if (gone && !call.caller.isRootAdmin && state === undefined) return false;
    if (state === 'Present') {
      if (gone) return false;
    } else if (state !== undefined && vm.state !== state) return false;
    if (zoneId !== undefined && vm.zoneId !== zoneId) return false;
    if (offeringId !== undefined && vm.serviceOfferingId !== offeringId) return false;
    if (group !== undefined && vm.group !== group) return false;
    return networkId === undefined || vm.nics.some((nic) => nic.networkId === networkId);
  };
}

/** A job on a VM that is still there when its turn comes, going through a transitional state. */
function vmJob(
  call: Call,
  vm: Vm,
  steps: { during: Vm['state'] | null; check: () => void; work: () => string | undefined },
): JobPlan {
  let before: Vm['state'] = vm.state;
  return {
    instanceType: 'VirtualMachine',
    instanceId: vm.id,
    queue: queueOf(vm),
    begin() {
      requireAlive(call, vm);
      steps.check();
      before = vm.state;
      if (steps.during !== null) vm.state = steps.during;
    },
    finish() {
      requireAlive(call, vm);
      const password = steps.work();
      call.effect('changed', 'vm', vm.id, [vm.name, vm.displayname]);
      return { virtualmachine: vmView(call, vm, password) };
    },
    undo() {
      vm.state = before;
    },
  };
}

export function requireAlive(call: Call, vm: Vm): void {
  if (call.cloud.vms.get(vm.id) !== vm) throw invalidParameter(`Unable to find a virtual machine with id ${vm.id}`);
}

function start(call: Call): JobPlan {
  const vm = call.row(call.cloud.vms, 'id');
  let firstUse: string | null = null;
  return vmJob(call, vm, {
    during: 'Starting',
    check: () => requireState(vm, ['Stopped'], 'start the virtual machine'),
    work() {
      const offering = call.cloud.offeringOf(vm);
      if (offering !== undefined) checkPlaceable(call, vm, offering);
      implementNetworks(call, vm);
      vm.state = 'Running';
      firstUse = vm.pendingPassword;
      vm.pendingPassword = null;
      return firstUse ?? undefined;
    },
  });
}

function stop(call: Call): JobPlan {
  const vm = call.row(call.cloud.vms, 'id');
  return vmJob(call, vm, {
    during: 'Stopping',
    // Stopping what is stopped succeeds.
    check: () => requireState(vm, ['Running', 'Stopped'], 'stop the virtual machine'),
    work() {
      vm.state = 'Stopped';
      return undefined;
    },
  });
}

function reboot(call: Call): JobPlan {
  const vm = call.row(call.cloud.vms, 'id');
  return vmJob(call, vm, {
    during: null,
    check: () => requireState(vm, ['Running'], 'reboot the virtual machine'),
    work: () => undefined,
  });
}

/** Destroyed VMs keep their name until the expunge delay is over; a VM in Error goes straight to Expunging. */
function destroy(call: Call): JobPlan {
  const { cloud, params } = call;
  const vm = call.row(cloud.vms, 'id');
  const expungeNow = params.flag('expunge') ?? false;
  if (expungeNow && !call.caller.isRootAdmin) {
    throw permissionDenied('Parameter expunge can be passed by Admin only');
  }
  const volumes = (params.list('volumeids') ?? []).map((id) => call.rowById(cloud.volumes, id, 'volumeids'));
  for (const volume of volumes) {
    if (volume.vmId !== vm.id || volume.type !== 'DATADISK') {
      throw invalidParameter(`Volume ${volume.id} is no data disk of VM ${vm.id}`);
    }
  }
  let before = vm.state;
  return {
    instanceType: 'VirtualMachine',
    instanceId: vm.id,
    queue: queueOf(vm),
    begin() {
      before = vm.state;
      if (vm.state === 'Running') vm.state = 'Stopping';
    },
    finish() {
      if (cloud.vms.get(vm.id) !== vm) return { virtualmachine: { ...vmView(call, vm), state: 'Expunging' } };
      for (const volume of volumes) {
        detachVolume(call, volume);
        removeVolume(call, volume);
      }
      const next = before === 'Error' || vm.state === 'Expunging' ? 'Expunging' : 'Destroyed';
      if (vm.state !== next) call.effect('changed', 'vm', vm.id, [vm.name, vm.displayname]);
      vm.state = next;
      vm.destroyedAt ??= Date.now();
      const result = { virtualmachine: vmView(call, vm) };
      if (expungeNow) expungeVm(call, vm);
      else expungeLater(call, vm);
      return result;
    },
    undo() {
      vm.state = before;
    },
    pretend: () => ({ virtualmachine: { ...vmView(call, vm), state: 'Destroyed' } }),
  };
}

function expungeLater(call: Call, vm: Vm): void {
  const { destroyedAt } = vm;
  call.services.after(call.services.expungeDelayMs, () => {
    // Recovered in between, and perhaps destroyed again: then another timer is running.
    if ((vm.state === 'Destroyed' || vm.state === 'Expunging') && vm.destroyedAt === destroyedAt) expungeVm(call, vm);
  });
}

function expunge(call: Call): JobPlan {
  const vm = call.row(call.cloud.vms, 'id');
  return {
    instanceType: 'VirtualMachine',
    instanceId: vm.id,
    queue: queueOf(vm),
    begin() {
      requireAlive(call, vm);
      // guess: Error and Expunging are let through as well as Destroyed.
      requireState(vm, ['Destroyed', 'Expunging', 'Error'], 'expunge the virtual machine');
    },
    finish() {
      if (call.cloud.vms.get(vm.id) !== vm) throw internalError('Failed to expunge vm');
      expungeVm(call, vm);
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}
