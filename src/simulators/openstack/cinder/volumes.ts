import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { accepted, ok, type Call, type Reply } from '../call.js';
import { badRequest } from '../errors.js';
import { isVisible } from '../glance/images.js';
import { cutPage, sortBy } from '../paging.js';
import { routesOf } from '../route.js';
import type { Cloud } from '../state/cloud.js';
import type { Snapshot, Volume } from '../state/storage-model.js';
import { statusOf } from '../state/underway.js';
import { isWithin, listedProject, readDictionary, readFilters } from './filters.js';
import { writeMessage } from './messages.js';
import { shortView, volumeView } from './volume-view.js';
import { checkImageFits, findType, makeVolume, setStatus, volumeTexts, volumeZone } from './volume-state.js';

export const volumeRoutes = routesOf('cinder', [
  ['POST', '/volumes', 'volumes.create', create],
  ['GET', '/volumes', 'volumes.list', (call) => list(call, shortView)],
  ['GET', '/volumes/detail', 'volumes.detail', (call) => list(call, volumeView)],
  [
    'GET',
    '/volumes/{id}',
    'volumes.show',
    (call) => ok({ volume: volumeView(call, findVolume(call, call.param('id'))) }),
  ],
  ['PUT', '/volumes/{id}', 'volumes.update', update],
  ['DELETE', '/volumes/{id}', 'volumes.delete', remove],
  [
    'GET',
    '/volumes/{id}/metadata',
    'volumes.metadata.list',
    (call) => ok({ metadata: findVolume(call, call.param('id')).metadata }),
  ],
  ['POST', '/volumes/{id}/metadata', 'volumes.metadata.merge', (call) => changeMetadata(call, true)],
  ['PUT', '/volumes/{id}/metadata', 'volumes.metadata.replace', (call) => changeMetadata(call, false)],
]);

const Metadata = z.record(z.string().max(255), z.string().max(255));
const Create = z.object({
  volume: z.strictObject({
    name: z.string().max(255).nullable().optional(),
    display_name: z.string().max(255).nullable().optional(),
    description: z.string().max(255).nullable().optional(),
    display_description: z.string().max(255).nullable().optional(),
    size: z.union([z.number(), z.string()]).nullable().optional(),
    volume_type: z.string().nullable().optional(),
    availability_zone: z.string().nullable().optional(),
    metadata: Metadata.nullable().optional(),
    imageRef: z.string().nullable().optional(),
    snapshot_id: z.string().nullable().optional(),
    source_volid: z.string().nullable().optional(),
    backup_id: z.string().nullable().optional(),
    consistencygroup_id: z.null().optional(),
    group_id: z.null().optional(),
    multiattach: z.boolean().optional(),
  }),
  'OS-SCH-HNT:scheduler_hints': z.looseObject({}).optional(),
});

export function findVolume(call: Call, id: string): Volume {
  return call.row(call.cloud.volumes, id, `Volume ${id} could not be found.`);
}

function create(call: Call): Reply {
  const { volume: fields } = call.read(Create);
  const { cloud } = call;
  const snapshot = fields.snapshot_id ? findSnapshot(call, fields.snapshot_id) : null;
  const source = fields.source_volid ? findVolume(call, fields.source_volid) : null;
  const backup = fields.backup_id
    ? call.row(cloud.backups, fields.backup_id, `Backup ${fields.backup_id} could not be found.`)
    : null;
  if (backup !== null && call.version < 47)
    throw badRequest("Additional properties are not allowed ('backup_id' was unexpected)");
  const originSizeGib = snapshot?.sizeGib ?? source?.sizeGib ?? backup?.sizeGib ?? null;
  const sizeGib = readSize(fields.size ?? originSizeGib);
  if (originSizeGib !== null && sizeGib < originSizeGib) {
    throw badRequest(
      `Invalid input received: Volume size '${sizeGib}'GB cannot be smaller than original volume size ${originSizeGib}GB. They must be >= original volume size.`,
    );
  }
  const type = findType(cloud, fields.volume_type ?? source?.typeName);
  const zone = fields.availability_zone ?? volumeZone;
  if (zone !== volumeZone) throw badRequest(`Invalid input received: Availability zone '${zone}' is invalid.`);
  const image = fields.imageRef ? (cloud.images.get(fields.imageRef) ?? null) : null;
  if (fields.imageRef && (image === null || !isVisible(call, image)))
    throw badRequest('Invalid image identifier or unable to access requested image.');
  if (image !== null) checkImageFits(image, sizeGib);
  const volume = makeVolume(cloud, {
    projectId: call.projectId,
    userId: call.caller.user.id,
    name: fields.name ?? fields.display_name ?? null,
    description: fields.description ?? fields.display_description ?? null,
    sizeGib,
    type,
    availabilityZone: zone,
    metadata: fields.metadata ?? {},
    image,
    snapshotId: snapshot?.id ?? null,
    sourceVolumeId: source?.id ?? null,
    bootable: image !== null || source?.bootable === true,
    madeForServerId: null,
  });
  call.effect('created', 'volume', volume.id, volumeTexts(volume));
  cloud.works.begin({
    operation: call.operation,
    row: volume,
    phases: image === null ? ['creating'] : ['creating', 'downloading'],
    failureText: 'Could not find any available weighted backend.',
    finish: () => setStatus(volume, 'available'),
    fail: () => setStatus(volume, 'error'),
    ended: (result, reason) => {
      if (result === 'Error')
        writeMessage(call, { ...volume, type: 'VOLUME', doing: 'schedule allocate volume' }, reason);
    },
  });
  return accepted({ volume: volumeView(call, volume) });
}

function readSize(value: number | string | null): number {
  const size = Number(value);
  if (value === null || !Number.isInteger(size) || size <= 0) {
    throw badRequest(
      `Invalid input received: Invalid volume size provided for create request: ${String(value)} (size argument must be an integer (or string representation of an integer) and greater than zero).`,
    );
  }
  return size;
}

function findSnapshot(call: Call, id: string): Snapshot {
  return call.row(call.cloud.snapshots, id, `Snapshot ${id} could not be found.`);
}

const knownFilters = [
  'name',
  'status',
  'metadata',
  'bootable',
  'migration_status',
  'availability_zone',
  'group_id',
  'size',
  'created_at',
  'updated_at',
  'id',
];

function list(call: Call, view: (call: Call, volume: Volume) => JsonObject): Reply {
  const filters = readFilters(call, knownFilters);
  const volumes = call
    .rowsOf(call.cloud.volumes, listedProject(call))
    .filter((volume) => [...filters].every(([name, value]) => fits(volume, name, value)));
  const [key = 'created_at', dir] =
    (call.query.get('sort') ?? call.query.get('sort_key') ?? 'created_at').split(',')[0]?.split(':') ?? [];
  sortBy(volumes, (volume) => sortValue(volume, key), (dir ?? call.query.get('sort_dir') ?? 'desc') === 'desc');
  const base = `/volume/v3/${call.projectId}/volumes`;
  const { page, links } = cutPage(call, volumes, view === volumeView ? `${base}/detail` : base);
  const wantsCount = call.version >= 45 && call.query.get('with_count')?.toLowerCase() === 'true';
  return ok({
    volumes: page.map((volume) => view(call, volume)),
    ...(links !== null && { volumes_links: links }),
    ...(wantsCount && { count: volumes.length }),
  });
}

function fits(volume: Volume, name: string, value: string): boolean {
  switch (name) {
    case 'id':
      return volume.id === value;
    case 'name':
      return volume.name === value;
    case 'name~':
      return volume.name?.includes(value) === true;
    case 'status':
      return statusOf(volume) === value;
    case 'bootable':
      return volume.bootable === ['true', '1'].includes(value.toLowerCase());
    case 'size':
      return String(volume.sizeGib) === value;
    case 'availability_zone':
      return volume.availabilityZone === value;
    case 'metadata':
      return Object.entries(readDictionary(value)).every(([key, wanted]) => volume.metadata[key] === wanted);
    case 'created_at':
      return isWithin(volume.createdMs, value);
    case 'updated_at':
      return isWithin(volume.updatedMs, value);
    default:
      // Migrations and groups are not simulated: no volume has one.
      return false;
  }
}

function sortValue(volume: Volume, key: string): string | number {
  switch (key) {
    case 'name':
      return volume.name ?? '';
    case 'size':
      return volume.sizeGib;
    case 'status':
      return statusOf(volume);
    case 'id':
      return volume.id;
    default:
      return volume.createdMs;
  }
}

function update(call: Call): Reply {
  const volume = findVolume(call, call.param('id'));
  const Body = z.object({
    volume: z.strictObject({
      name: z.string().max(255).nullable().optional(),
      description: z.string().max(255).nullable().optional(),
      metadata: Metadata.optional(),
    }),
  });
  const { volume: fields } = call.read(Body);
  volume.name = fields.name === undefined ? volume.name : fields.name;
  volume.description = fields.description === undefined ? volume.description : fields.description;
  volume.metadata = fields.metadata ?? volume.metadata;
  volume.updatedMs = Date.now();
  call.effect('changed', 'volume', volume.id, volumeTexts(volume));
  return ok({ volume: volumeView(call, volume) });
}

function changeMetadata(call: Call, isMerge: boolean): Reply {
  const volume = findVolume(call, call.param('id'));
  const { metadata } = call.read(z.object({ metadata: Metadata }));
  volume.metadata = isMerge ? { ...volume.metadata, ...metadata } : metadata;
  volume.updatedMs = Date.now();
  call.effect('changed', 'volume', volume.id, volumeTexts(volume));
  return ok({ metadata: volume.metadata });
}

const deletable = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing'];

/** @throws 400 attached, with snapshots, or error_deleting */
function remove(call: Call): Reply {
  const { cloud } = call;
  const volume = findVolume(call, call.param('id'));
  const snapshots = snapshotsOf(cloud, volume);
  const cascades = call.query.get('cascade')?.toLowerCase() === 'true';
  if (!deletable.includes(statusOf(volume)) || volume.attachment !== null || (snapshots.length > 0 && !cascades)) {
    throw badRequest(
      'Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.',
    );
  }
  cloud.works.begin({
    operation: call.operation,
    row: volume,
    phases: ['deleting'],
    failureText: 'The backend could not delete the volume.',
    finish: () => {
      for (const snapshot of snapshots) {
        cloud.snapshots.remove(snapshot);
        call.effect('deleted', 'snapshot', snapshot.id, [snapshot.name, ...Object.values(snapshot.metadata)]);
      }
      cloud.volumes.remove(volume);
      call.effect('deleted', 'volume', volume.id, volumeTexts(volume));
    },
    fail: () => setStatus(volume, 'error_deleting'),
    ended: (result, reason) => {
      if (result === 'Error') writeMessage(call, { ...volume, type: 'VOLUME', doing: 'delete volume' }, reason);
    },
  });
  return accepted();
}

export function snapshotsOf(cloud: Cloud, volume: Volume): Snapshot[] {
  return [...cloud.snapshots.ofProject(volume.projectId)].filter((snapshot) => snapshot.volumeId === volume.id);
}
