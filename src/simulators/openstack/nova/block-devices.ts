import { z } from 'zod';
import type { Call } from '../call.js';
import { badRequest, conflict, notFound, Refusal } from '../errors.js';
import { cannotReserve, findType, makeVolume, setStatus, volumeTexts, volumeZone } from '../cinder/volume-state.js';
import { isVisible } from '../glance/images.js';
import type { Server } from '../state/model.js';
import type { Image, Volume, VolumeType } from '../state/storage-model.js';
import { statusOf } from '../state/underway.js';
import { serverTexts } from './server-work.js';
import { WorkFailure } from '../work.js';

const Size = z.union([z.number().int().min(1), z.string().regex(/^\d+$/)]);
export const BlockDevice = z.strictObject({
  boot_index: z
    .union([z.number().int(), z.string().regex(/^-?\d+$/)])
    .nullable()
    .optional(),
  uuid: z.string().nullable().optional(),
  source_type: z.enum(['volume', 'image', 'snapshot', 'blank']),
  destination_type: z.enum(['volume', 'local']).optional(),
  volume_size: Size.nullable().optional(),
  volume_type: z.string().nullable().optional(),
  delete_on_termination: z.boolean().optional(),
  device_name: z.string().nullable().optional(),
  device_type: z.string().nullable().optional(),
  disk_bus: z.string().nullable().optional(),
  guest_format: z.string().nullable().optional(),
  tag: z.string().optional(),
  no_device: z.unknown().optional(),
});
type BlockDevice = z.infer<typeof BlockDevice>;

/** A volume a new server will have. */
export type DiskPlan = {
  isRoot: boolean;
  deleteOnTermination: boolean;
  tag: string | null;
} & (
  | { kind: 'existing'; volume: Volume }
  | {
      kind: 'new';
      sizeGib: number;
      image: Image | null;
      snapshotId: string | null;
      type: VolumeType;
      bootable: boolean;
    }
);

const invalid = (text: string) => badRequest(`Block Device Mapping is Invalid: ${text}`);

/** Reads the block devices of a create. @throws 400 for what can be seen at once */
export function planDisks(call: Call, devices: BlockDevice[]): DiskPlan[] {
  return devices.flatMap((device): DiskPlan[] => {
    if (device.volume_type && call.version < 67) {
      throw badRequest("Additional properties are not allowed ('volume_type' was unexpected)");
    }
    const destination = device.destination_type ?? (device.source_type === 'volume' ? 'volume' : 'local');
    const isRoot = Number(device.boot_index ?? -1) === 0;
    // The image's own local disk, or scratch space: no volume of Cinder.
    if (destination === 'local') return [];
    const common = { isRoot, deleteOnTermination: device.delete_on_termination ?? false, tag: device.tag ?? null };
    if (device.source_type === 'volume')
      return [{ ...common, kind: 'existing', volume: usableVolume(call, device, isRoot) }];
    return [{ ...common, kind: 'new', ...newDisk(call, device) }];
  });
}

function usableVolume(call: Call, device: BlockDevice, isRoot: boolean): Volume {
  const id = device.uuid ?? '';
  const volume = call.cloud.volumes.get(id);
  if (volume === undefined || !call.mayAccess(volume)) throw invalid(`failed to get volume ${id}.`);
  if (isRoot && !volume.bootable) throw badRequest(`Block Device ${id} is not bootable.`);
  const { attachment } = volume;
  if (attachment !== null) throw alreadyAttached(volume);
  if (statusOf(volume) !== 'available') throw cannotReserve(volume);
  return volume;
}

export const alreadyAttached = (volume: Volume) =>
  badRequest(
    `Invalid volume: volume ${volume.id} is already attached to instances: ${volume.attachment?.serverId ?? ''}`,
  );

function newDisk(call: Call, device: BlockDevice) {
  const { cloud } = call;
  let image: Image | null = null;
  let bootable = false;
  let sizeGib = Number(device.volume_size ?? 0);
  if (device.source_type === 'image') {
    if (sizeGib === 0) {
      throw invalid("Images with destination_type 'volume' need to have a non-zero size specified");
    }
    image = imageFor(call, device.uuid ?? '');
    bootable = true;
    if (image.minDiskGib > sizeGib) {
      throw badRequest(
        `Volume is smaller than the minimum size specified in image metadata. Volume size is ${sizeGib * 1024 ** 3} bytes, minimum size is ${image.minDiskGib * 1024 ** 3} bytes.`,
      );
    }
  } else if (device.source_type === 'snapshot') {
    const snapshot = cloud.snapshots.get(device.uuid ?? '');
    if (snapshot === undefined || !call.mayAccess(snapshot))
      throw invalid(`failed to get snapshot ${device.uuid ?? ''}.`);
    sizeGib ||= snapshot.sizeGib;
    bootable = cloud.volumes.get(snapshot.volumeId)?.bootable === true;
  } else if (sizeGib === 0) {
    throw invalid("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size");
  }
  return {
    sizeGib,
    image,
    bootable,
    snapshotId: device.source_type === 'snapshot' ? (device.uuid ?? null) : null,
    type: typeFor(call, device.volume_type),
  };
}

function typeFor(call: Call, name: string | null | undefined): VolumeType {
  try {
    return findType(call.cloud, name);
  } catch (error) {
    if (error instanceof Refusal) throw badRequest(`Invalid input received: ${error.message}`);
    throw error;
  }
}

/** An image to boot from. @throws 400 when it is not there or not active */
export function imageFor(call: Call, id: string): Image {
  const image = call.cloud.images.get(id);
  if (image === undefined || !isVisible(call, image)) throw badRequest('Can not find requested image');
  if (image.status !== 'active') throw badRequest(`Image ${id} is not active.`);
  return image;
}

/** Takes the volumes that are there out of reach of others; done when the server is accepted. */
export function reserveDisks(call: Call, server: Server, disks: DiskPlan[]): void {
  for (const disk of disks) {
    if (disk.kind !== 'existing') continue;
    setStatus(disk.volume, 'reserved');
    attach(call, server, disk.volume, disk);
  }
}

/** Has Cinder make the new ones, while the server is being built. @throws WorkFailure over quota */
export function makeDisks(call: Call, server: Server, disks: DiskPlan[]): void {
  for (const disk of disks) {
    if (disk.kind === 'new') attach(call, server, makeDisk(call, server, disk), disk);
  }
}

function makeDisk(call: Call, server: Server, disk: DiskPlan & { kind: 'new' }): Volume {
  try {
    const volume = makeVolume(call.cloud, {
      projectId: server.projectId,
      userId: server.userId,
      // Nova names it after nothing.
      name: '',
      description: '',
      sizeGib: disk.sizeGib,
      type: disk.type,
      availabilityZone: volumeZone,
      metadata: {},
      image: disk.image,
      snapshotId: disk.snapshotId,
      sourceVolumeId: null,
      bootable: disk.bootable,
      madeForServerId: server.id,
    });
    volume.status = disk.image === null ? 'creating' : 'downloading';
    // The disk itself says nothing; the log tells whose it is.
    call.effect('created', 'volume', volume.id, [...volumeTexts(volume), ...serverTexts(server)]);
    return volume;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new WorkFailure(`Build of instance ${server.id} aborted: ${error.message}`);
  }
}

/** Writes the attachment down on both sides; the status is the caller's. */
export function attach(
  call: Call,
  server: Server,
  volume: Volume,
  { deleteOnTermination, tag, isRoot }: { deleteOnTermination: boolean; tag: string | null; isRoot: boolean },
): void {
  const device = isRoot ? '/dev/vda' : nextDevice(server);
  const attachmentId = call.cloud.newId();
  volume.attachment = { attachmentId, serverId: server.id, device, attachedMs: Date.now() };
  server.volumes.push({
    volumeId: volume.id,
    attachmentId,
    bdmId: call.cloud.newId(),
    device,
    deleteOnTermination,
    tag,
  });
  if (isRoot) server.rootVolumeId = volume.id;
}

/** The first one is the root disk's, whether it is a volume or not. */
function nextDevice(server: Server): string {
  const taken = new Set(server.volumes.map((one) => one.device));
  for (const letter of 'bcdefghijklmnopqrstuvwxyz') {
    const device = `/dev/vd${letter}`;
    if (!taken.has(device)) return device;
  }
  throw conflict('Maximum number of attached volumes reached');
}

/** What Nova does with the volumes of a server that goes: they become free, or go too. */
export function releaseDisks(call: Call, server: Server): void {
  const { cloud } = call;
  for (const { volumeId, deleteOnTermination } of server.volumes) {
    const volume = cloud.volumes.get(volumeId);
    if (volume === undefined) continue;
    volume.attachment = null;
    volume.underway = null;
    if (deleteOnTermination) {
      cloud.volumes.remove(volume);
      call.effect('deleted', 'volume', volume.id, volumeTexts(volume));
    } else {
      setStatus(volume, 'available');
    }
  }
  server.volumes = [];
}

export const notAttached = (server: Server, volumeId: string) =>
  notFound(`Instance ${server.id} is not attached to volume ${volumeId}`);
