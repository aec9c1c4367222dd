import type { Call } from '../call.js';
import { noCapacity } from '../errors.js';
import type { DiskOffering } from './catalogue-model.js';
import type { Vm, Volume } from './model.js';

const gibibyte = 1024 ** 3;

/** Storage tags that a pool of the simulated cloud carries. */
const poolTags = new Set(['SATA', 'SSD']);

export function checkStorageTags(tags: string | null): void {
  const unknown = (tags ?? '').split(',').filter((tag) => tag !== '' && !poolTags.has(tag));
  if (unknown.length === 0) return;
  throw noCapacity(`Unable to find suitable primary storage with tags ${unknown.join(',')}`, 4340);
}

/** A disk that is made together with its VM. */
export function addDisk(
  call: Call,
  vm: Vm,
  wanted: { name: string; type: 'ROOT' | 'DATADISK'; sizeGib: number; offering: DiskOffering | null; deviceId: number },
): Volume {
  const { cloud } = call;
  const volume: Volume = {
    id: cloud.newId(),
    accountId: vm.accountId,
    created: Date.now(),
    name: wanted.name,
    type: wanted.type,
    state: 'Allocated',
    sizeBytes: wanted.sizeGib * gibibyte,
    zoneId: vm.zoneId,
    diskOfferingId: wanted.offering?.id ?? null,
    vmId: vm.id,
    deviceId: wanted.deviceId,
    attachedAt: Date.now(),
    snapshotId: null,
    storageType: 'shared',
  };
  cloud.volumes.add(volume);
  cloud.volumesOfVm.add(vm.id, volume);
  if (volume.type === 'DATADISK') call.effect('created', 'volume', volume.id, [volume.name]);
  return volume;
}

export function rootDiskOf(call: Call, vm: Vm): Volume | undefined {
  for (const volume of call.cloud.volumesOfVm.get(vm.id)) if (volume.type === 'ROOT') return volume;
  return undefined;
}
