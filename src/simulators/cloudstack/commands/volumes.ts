import type { Call, CommandFamily, CreatePlan, JobPlan } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { ApiError, entityExists, internalError, invalidParameter } from '../errors.js';
import { checkStorageTags } from '../state/disks.js';
import { checkLimit } from '../state/limits.js';
import type { Volume } from '../state/model.js';
import { detachVolume, removeVolume } from '../state/removal.js';
import { volumeView } from '../views/storage.js';
import { customIdOf, diskSize } from './vm-deploy.js';

const gibibyte = 1024 ** 3;
/** KVM's limit of data disks on one VM. guess: the seeded template's hypervisor counts. */
const maxDataDisks = 13;

export const volumeCommands: CommandFamily = {
  createVolume: { kind: 'AC', cmd: 'user.volume.CreateVolume', run: create },
  attachVolume: { kind: 'A', cmd: 'user.volume.AttachVolume', required: ['id', 'virtualmachineid'], run: attach },
  detachVolume: { kind: 'A', cmd: 'user.volume.DetachVolume', run: detach },
  deleteVolume: {
    kind: 'S',
    required: ['id'],
    run(call) {
      const volume = call.row(call.cloud.volumes, 'id');
      refuseAttached(volume);
      removeVolume(call, volume);
      return call.success();
    },
  },
  destroyVolume: { kind: 'A', cmd: 'user.volume.DestroyVolume', since: 14, required: ['id'], run: destroy },
  resizeVolume: { kind: 'A', cmd: 'user.volume.ResizeVolume', required: ['id'], run: resize },
  listVolumes: {
    kind: 'S',
    run(call) {
      const { params } = call;
      const name = params.text('name');
      const type = params.text('type')?.toUpperCase();
      const vmId = params.text('virtualmachineid');
      const zoneId = params.text('zoneid');
      const state = params.text('state');
      const offeringId = params.text('diskofferingid');
      const rows = listRows(call, call.cloud.volumes, {
        keyword: (volume) => [volume.name],
        accept: (volume) =>
          (name === undefined || volume.name === name) &&
          (type === undefined || volume.type === type) &&
          (vmId === undefined || volume.vmId === vmId) &&
          (zoneId === undefined || volume.zoneId === zoneId) &&
          (state === undefined || volume.state === state) &&
          (offeringId === undefined || volume.diskOfferingId === offeringId),
      });
      return listAnswer(call, 'volume', rows, (volume) => volumeView(call, volume));
    },
  },
};

function refuseAttached(volume: Volume): void {
  if (volume.vmId !== null) throw invalidParameter('Please specify a volume that is not attached to any VM.');
}

/** The record is there at once, in state Allocated, and stays so until its first attach; storage comes only then. */
function create(call: Call): CreatePlan {
  const { cloud, params } = call;
  const customId = customIdOf(call);
  const owner = call.owner();
  const snapshot = call.optionalRow(cloud.snapshots, 'snapshotid');
  const offering = call.optionalCatalogue(cloud.diskOfferings, 'diskofferingid');
  if (offering === undefined && snapshot === undefined) {
    throw invalidParameter(
      'Missing parameter(s),either a positive volume size or a valid disk offering id must be specified.',
    );
  }
  const sizeBytes =
    offering === undefined
      ? Math.max(snapshot?.sizeBytes ?? 0, (params.integer('size') ?? 0) * gibibyte)
      : diskSize(offering, params.integer('size')) * gibibyte;
  const zoneId = snapshot?.zoneId ?? call.catalogue(cloud.zones, 'zoneid').id;
  checkLimit(cloud, owner, 'volume', 1);
  checkLimit(cloud, owner, 'primaryStorage', sizeBytes / gibibyte);
  if (customId !== undefined && cloud.removed.has(customId)) {
    throw entityExists();
  }
  const id = customId ?? cloud.newId();
  const volume = cloud.volumes.add({
    id,
    accountId: owner.id,
    created: Date.now(),
    name: params.text('name') ?? `DATA-${cloud.nextSerial()}`,
    type: 'DATADISK',
    state: 'Allocated',
    sizeBytes,
    zoneId,
    diskOfferingId: offering?.id ?? null,
    vmId: null,
    deviceId: null,
    attachedAt: null,
    snapshotId: snapshot?.id ?? null,
    storageType: 'shared',
  });
  call.effect('created', 'volume', volume.id, [volume.name]);
  return {
    instanceType: 'Volume',
    instanceId: volume.id,
    finish() {
      requireAlive(call, volume);
      if (snapshot !== undefined) volume.state = 'Ready';
      return { volume: volumeView(call, volume) };
    },
    // guess: a failed job takes the record with it; a lie (job says done) does so too.
    undo: () => removeVolume(call, volume),
  };
}

function requireAlive(call: Call, volume: Volume): void {
  if (call.cloud.volumes.get(volume.id) !== volume)
    throw invalidParameter(`Unable to find volume with id ${volume.id}`);
}

function attach(call: Call): JobPlan {
  const { cloud, params } = call;
  const volume = call.row(cloud.volumes, 'id');
  const vm = call.row(cloud.vms, 'virtualmachineid');
  const deviceId = params.integer('deviceid');
  let before = volume.state;
  return {
    instanceType: 'Volume',
    instanceId: volume.id,
    queue: `vm:${vm.id}`,
    begin() {
      requireAlive(call, volume);
      if (volume.type !== 'DATADISK') throw invalidParameter('Please specify a data volume.');
      if (volume.vmId !== null) throw invalidParameter('Please specify a volume that is not attached to any VM.');
      if (cloud.vms.get(vm.id) !== vm || (vm.state !== 'Running' && vm.state !== 'Stopped')) {
        throw invalidParameter('Please specify a VM that is either running or stopped.');
      }
      if (volume.zoneId !== vm.zoneId) {
        throw invalidParameter('Please specify a volume and a VM that are in the same zone.');
      }
      const taken = new Set([...cloud.volumesOfVm.get(vm.id)].map((one) => one.deviceId));
      if (taken.size > maxDataDisks)
        throw invalidParameter('The specified VM already has the maximum number of data disks');
      if (deviceId !== undefined && taken.has(deviceId))
        throw invalidParameter(`Device id ${deviceId} is already in use`);
      before = volume.state;
      volume.state = before === 'Allocated' ? 'Creating' : 'Attaching';
    },
    finish() {
      requireAlive(call, volume);
      if (cloud.vms.get(vm.id) !== vm) throw invalidParameter(`Unable to find a virtual machine with id ${vm.id}`);
      const offering = cloud.diskOfferings.get(volume.diskOfferingId ?? '');
      try {
        checkStorageTags(offering?.tags ?? null);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        // The inner reason is told for VMs only (recorded).
        const named = JSON.stringify({ name: volume.name, uuid: volume.id });
        throw internalError(`Unable to find suitable primary storage when creating volume [${named}].`);
      }
      volume.vmId = vm.id;
      volume.deviceId = deviceId ?? freeDevice(call, vm.id);
      volume.attachedAt = Date.now();
      volume.state = 'Ready';
      cloud.volumesOfVm.add(vm.id, volume);
      call.effect('changed', 'volume', volume.id, [volume.name]);
      return { volume: volumeView(call, volume) };
    },
    undo() {
      detachVolume(call, volume);
      volume.state = before;
    },
  };
}

/** 0 is the root disk, 3 the CD drive. */
function freeDevice(call: Call, vmId: string): number {
  const taken = new Set([0, 3, ...[...call.cloud.volumesOfVm.get(vmId)].map((volume) => volume.deviceId)]);
  let device = 1;
  while (taken.has(device)) device += 1;
  return device;
}

function detach(call: Call): JobPlan {
  const { cloud, params } = call;
  let volume = call.optionalRow(cloud.volumes, 'id');
  if (volume === undefined) {
    const vm = call.row(cloud.vms, 'virtualmachineid');
    const deviceId = params.integer('deviceid');
    volume = [...cloud.volumesOfVm.get(vm.id)].find((one) => one.deviceId === deviceId);
    if (volume === undefined)
      throw invalidParameter(`VM ${vm.id} has no volume with device id ${deviceId ?? '(none)'}`);
  }
  const found = volume;
  const place = { vmId: found.vmId, deviceId: found.deviceId, attachedAt: found.attachedAt };
  return {
    instanceType: 'Volume',
    instanceId: found.id,
    queue: `vm:${found.vmId ?? found.id}`,
    begin() {
      requireAlive(call, found);
      if (found.type === 'ROOT')
        throw invalidParameter('Please specify a data volume: the root volume cannot be detached');
      if (found.vmId === null) throw invalidParameter('The specified volume is not attached to a VM.');
    },
    finish() {
      requireAlive(call, found);
      detachVolume(call, found);
      call.effect('changed', 'volume', found.id, [found.name]);
      return { volume: volumeView(call, found) };
    },
    undo() {
      if (cloud.vms.get(place.vmId) === undefined) return;
      Object.assign(found, place);
      if (place.vmId !== null) cloud.volumesOfVm.add(place.vmId, found);
    },
  };
}

function destroy(call: Call): JobPlan {
  const volume = call.row(call.cloud.volumes, 'id');
  const expunge = call.params.flag('expunge') ?? false;
  return {
    instanceType: 'Volume',
    instanceId: volume.id,
    begin: () => refuseAttached(volume),
    finish() {
      requireAlive(call, volume);
      volume.state = 'Destroy';
      const result = { volume: volumeView(call, volume) };
      if (expunge) removeVolume(call, volume);
      else call.services.after(call.services.expungeDelayMs, () => removeVolume(call, volume));
      return result;
    },
    pretend: () => ({ volume: { ...volumeView(call, volume), state: 'Destroy' } }),
  };
}

function resize(call: Call): JobPlan {
  const { cloud, params } = call;
  const volume = call.row(cloud.volumes, 'id');
  const offering = call.optionalCatalogue(cloud.diskOfferings, 'diskofferingid');
  const size = params.integer('size');
  const before = { sizeBytes: volume.sizeBytes, diskOfferingId: volume.diskOfferingId };
  return {
    instanceType: 'Volume',
    instanceId: volume.id,
    queue: `vm:${volume.vmId ?? volume.id}`,
    begin() {
      requireAlive(call, volume);
      if (volume.state !== 'Ready' && volume.state !== 'Allocated') {
        throw invalidParameter(
          `Volume should be in ready or allocated state before attempting a resize; it is ${volume.state}`,
        );
      }
    },
    finish() {
      requireAlive(call, volume);
      const kept = cloud.diskOfferings.get(volume.diskOfferingId ?? '');
      const gib = offering === undefined ? (size ?? 0) : diskSize(offering, size);
      if (offering === undefined && (kept?.diskGib ?? null) !== null) {
        throw invalidParameter('To change a volume of a fixed size, a new disk offering has to be specified');
      }
      if (gib < 1) throw invalidParameter('Resize needs a size or a disk offering');
      if (gib * gibibyte < volume.sizeBytes && params.flag('shrinkok') !== true) {
        throw invalidParameter('Going to shrink a volume needs shrinkok=true');
      }
      volume.sizeBytes = gib * gibibyte;
      if (offering !== undefined) volume.diskOfferingId = offering.id;
      call.effect('changed', 'volume', volume.id, [volume.name]);
      return { volume: volumeView(call, volume) };
    },
    undo: () => Object.assign(volume, before),
  };
}
