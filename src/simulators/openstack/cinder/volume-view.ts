import type { JsonObject } from '../../../json.js';
import { isoMicros, type Call } from '../call.js';
import type { Volume } from '../state/storage-model.js';
import { statusOf } from '../state/underway.js';

function linksOf(call: Call, volume: Volume): JsonObject[] {
  const path = `${call.projectId}/volumes/${volume.id}`;
  return [
    { rel: 'self', href: `${call.origin}/volume/v3/${path}` },
    { rel: 'bookmark', href: `${call.origin}/volume/${path}` },
  ];
}

export function shortView(call: Call, volume: Volume): JsonObject {
  return { id: volume.id, name: volume.name, links: linksOf(call, volume) };
}

export function volumeView(call: Call, volume: Volume): JsonObject {
  const { attachment } = volume;
  const image = call.cloud.images.get(volume.imageId ?? '');
  return {
    id: volume.id,
    name: volume.name,
    description: volume.description,
    status: statusOf(volume),
    size: volume.sizeGib,
    volume_type: volume.typeName,
    availability_zone: volume.availabilityZone,
    // A text, not a truth value.
    bootable: volume.bootable ? 'true' : 'false',
    encrypted: false,
    multiattach: false,
    metadata: volume.metadata,
    snapshot_id: volume.snapshotId,
    source_volid: volume.sourceVolumeId,
    consistencygroup_id: null,
    replication_status: null,
    migration_status: null,
    user_id: volume.userId,
    created_at: isoMicros(volume.createdMs),
    updated_at: volume.updatedMs === null ? null : isoMicros(volume.updatedMs),
    attachments:
      attachment === null
        ? []
        : [
            {
              id: volume.id,
              volume_id: volume.id,
              attachment_id: attachment.attachmentId,
              server_id: attachment.serverId,
              host_name: null,
              device: attachment.device,
              attached_at: isoMicros(attachment.attachedMs),
            },
          ],
    links: linksOf(call, volume),
    'os-vol-tenant-attr:tenant_id': volume.projectId,
    ...(image !== undefined && {
      volume_image_metadata: { image_id: image.id, image_name: image.name, min_disk: String(image.minDiskGib) },
    }),
    ...(call.isAdmin && {
      'os-vol-host-attr:host': 'cinder1@lvm#lvm',
      'os-vol-mig-status-attr:migstat': null,
      'os-vol-mig-status-attr:name_id': null,
    }),
  };
}
