import { begin, type BegunJob, type ListScope, type Owner, ownerParams, scopeParams } from './begin.js';
import type { CloudStackClient } from './client.js';
import { listKnown } from './lookup.js';
import { Success } from './schema.js';
import { Disk, DiskSnapshot } from './schema-operations.js';

/** Volumes and their snapshots beside orders (seed C37); an order's own disk is made by `ebs.ts`. */

/** Exactly this name, if one is given. Sizes come in bytes. */
export function listVolumes(
  client: CloudStackClient,
  { name, vmId, ...scope }: ListScope & { name?: string; vmId?: string } = {},
): Promise<Disk[]> {
  return client.list('listVolumes', { ...scopeParams(scope), name, virtualmachineid: vmId }, 'volume', Disk);
}

export interface NewVolume {
  name: string;
  zoneId: string;
  source:
    | { diskOfferingId: string; /** For customised offerings only; a fixed one refuses it. */ sizeGib?: number }
    | { snapshotId: string };
  owner?: Owner;
}

/** A fresh one stays `Allocated`, without storage, until its first attach. Names are not unique. */
export function createVolume(
  client: CloudStackClient,
  { name, zoneId, source, owner }: NewVolume,
  requestId: string,
): Promise<BegunJob> {
  const from =
    'snapshotId' in source
      ? { snapshotid: source.snapshotId }
      : { diskofferingid: source.diskOfferingId, size: source.sizeGib };
  return begin(client, 'createVolume', { ...ownerParams(owner), name, zoneid: zoneId, ...from }, requestId);
}

/** To a machine that is running or stopped, in the same zone. */
export function attachVolume(
  client: CloudStackClient,
  { id, vmId }: { id: string; vmId: string },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'attachVolume', { id, virtualmachineid: vmId }, requestId);
}

export function detachVolume(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'detachVolume', { id }, requestId);
}

/** Done in the answer. @throws ProvisioningError 'reject' (431) while it is attached */
export async function deleteVolume(client: CloudStackClient, id: string): Promise<void> {
  await client.change('deleteVolume', { id }, Success);
}

/** Larger only: shrinking would need a flag that nobody here should set by accident. */
export function resizeVolume(
  client: CloudStackClient,
  { id, sizeGib }: { id: string; sizeGib: number },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'resizeVolume', { id, size: sizeGib }, requestId);
}

/** One by its id, all of a volume, or all the caller may see. */
export function listSnapshots(
  client: CloudStackClient,
  { id, volumeId }: { id?: string; volumeId?: string } = {},
): Promise<DiskSnapshot[]> {
  return listKnown(client, 'listSnapshots', { id, volumeid: volumeId }, 'snapshot', DiskSnapshot);
}

/** @throws ProvisioningError 'reject' (431) for a volume that has no storage yet */
export function createSnapshot(
  client: CloudStackClient,
  { volumeId, name }: { volumeId: string; name?: string },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'createSnapshot', { volumeid: volumeId, name }, requestId);
}

/** Puts the volume's content back; its machine has to be stopped. */
export function revertSnapshot(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'revertSnapshot', { id }, requestId);
}

export function deleteSnapshot(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'deleteSnapshot', { id }, requestId);
}
