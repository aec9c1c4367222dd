import { badRequest, notFound } from '../errors.js';
import type { Cloud } from '../state/cloud.js';
import type { Image, Volume, VolumeType } from '../state/storage-model.js';
import { statusOf } from '../state/underway.js';
import { checkVolumeQuota } from './quota.js';

export interface VolumeWish {
  projectId: string;
  userId: string;
  name: string | null;
  description: string | null;
  sizeGib: number;
  type: VolumeType;
  availabilityZone: string;
  metadata: Record<string, string>;
  image: Image | null;
  snapshotId: string | null;
  sourceVolumeId: string | null;
  bootable: boolean;
  madeForServerId: string | null;
}

/** Makes the record; what follows is the caller's. @throws 413 over quota */
export function makeVolume(cloud: Cloud, wish: VolumeWish): Volume {
  checkVolumeQuota(cloud, wish.projectId, wish.sizeGib, wish.type.name);
  return cloud.volumes.add({
    id: cloud.newId(),
    projectId: wish.projectId,
    userId: wish.userId,
    createdMs: Date.now(),
    name: wish.name,
    description: wish.description,
    sizeGib: wish.sizeGib,
    typeName: wish.type.name,
    availabilityZone: wish.availabilityZone,
    metadata: wish.metadata,
    status: 'creating',
    underway: null,
    bootable: wish.bootable,
    imageId: wish.image?.id ?? null,
    snapshotId: wish.snapshotId,
    sourceVolumeId: wish.sourceVolumeId,
    attachment: null,
    updatedMs: null,
    madeForServerId: wish.madeForServerId,
  });
}

export const volumeTexts = (volume: Volume) => [volume.name, volume.description, ...Object.values(volume.metadata)];

/** By name or id; without one the default. @throws 404 */
export function findType(cloud: Cloud, nameOrId: string | null | undefined): VolumeType {
  const wanted = nameOrId ?? '__DEFAULT__';
  for (const type of cloud.volumeTypes.values()) if (type.name === wanted || type.id === wanted) return type;
  throw notFound(`Volume type with name ${wanted} could not be found.`);
}

/** @throws 400 when the image is not usable, or larger than the volume */
export function checkImageFits(image: Image, sizeGib: number): void {
  if (image.status !== 'active') throw badRequest(`Invalid input received: Image ${image.id} is not active.`);
  if (image.minDiskGib <= sizeGib) return;
  throw badRequest(
    `Invalid input received: Volume size ${sizeGib}GB cannot be smaller than the image minDisk size ${image.minDiskGib}GB.`,
  );
}

export function setStatus(volume: { status: string; updatedMs: number | null }, status: string): void {
  volume.status = status;
  volume.updatedMs = Date.now();
}

/** The zone of Cinder; Nova's has another name. */
export const volumeZone = 'nova';

export const cannotReserve = (volume: Volume) =>
  badRequest(
    `Invalid input received: Invalid volume: Volume status must be available or downloading to reserve, but the current status is ${statusOf(volume)}. (HTTP 400)`,
  );
