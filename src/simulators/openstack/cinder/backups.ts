import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { accepted, isoMicros, ok, queryText, type Call, type Reply } from '../call.js';
import { badRequest } from '../errors.js';
import { cutPage, sortBy } from '../paging.js';
import { routesOf } from '../route.js';
import type { Backup, Volume } from '../state/storage-model.js';
import { statusOf } from '../state/underway.js';
import { listedProject, readFilters } from './filters.js';
import { writeMessage } from './messages.js';
import { checkBackupQuota } from './quota.js';
import { findType, makeVolume, setStatus, volumeTexts, volumeZone } from './volume-state.js';
import { findVolume } from './volumes.js';

export const backupRoutes = routesOf('cinder', [
  ['POST', '/backups', 'backups.create', create],
  ['GET', '/backups', 'backups.list', (call) => list(call, shortView)],
  ['GET', '/backups/detail', 'backups.detail', (call) => list(call, view)],
  ['GET', '/backups/{id}', 'backups.show', (call) => ok({ backup: view(call, find(call)) })],
  ['DELETE', '/backups/{id}', 'backups.delete', remove],
  ['POST', '/backups/{id}/restore', 'backups.restore', restore],
]);

const Create = z.object({
  backup: z.strictObject({
    volume_id: z.string(),
    name: z.string().max(255).nullable().optional(),
    description: z.string().max(255).nullable().optional(),
    incremental: z.boolean().optional(),
    force: z.boolean().optional(),
    metadata: z.record(z.string(), z.string()).nullable().optional(),
    container: z.string().nullable().optional(),
    snapshot_id: z.string().nullable().optional(),
    availability_zone: z.string().nullable().optional(),
  }),
});

export const backupTexts = (one: Backup) => [one.name, one.description, ...Object.values(one.metadata)];

function backupsOf(call: Call, volume: Volume): Backup[] {
  return [...call.cloud.backups.ofProject(volume.projectId)].filter((backup) => backup.volumeId === volume.id);
}

function create(call: Call): Reply {
  const { backup: fields } = call.read(Create);
  const { cloud } = call;
  const volume = findVolume(call, fields.volume_id);
  const before = statusOf(volume);
  if (before === 'in-use' && fields.force !== true) {
    throw badRequest('Invalid volume: Backing up an in-use volume must use the force flag.');
  }
  if (before !== 'available' && before !== 'in-use') {
    throw badRequest(
      `Invalid volume: Volume to be backed up must be available or in-use, but the current status is "${before}".`,
    );
  }
  const parent = backupsOf(call, volume).findLast((one) => statusOf(one) === 'available') ?? null;
  if (fields.incremental === true && parent === null) {
    throw badRequest('Invalid backup: No backups available to do an incremental backup.');
  }
  checkBackupQuota(cloud, volume.projectId, volume.sizeGib);
  const now = Date.now();
  const backup = cloud.backups.add({
    id: cloud.newId(),
    projectId: volume.projectId,
    userId: call.caller.user.id,
    createdMs: now,
    volumeId: volume.id,
    name: fields.name ?? null,
    description: fields.description ?? null,
    sizeGib: volume.sizeGib,
    status: 'creating',
    underway: null,
    failReason: null,
    isIncremental: fields.incremental === true,
    parentId: fields.incremental === true ? (parent?.id ?? null) : null,
    metadata: fields.metadata ?? {},
    dataMs: now,
    updatedMs: null,
  });
  call.effect('created', 'backup', backup.id, backupTexts(backup));
  // Meanwhile the volume is busy, too; a backup that never ends leaves it so.
  volume.status = 'backing-up';
  // An administrator may have reset it by then.
  const freeVolume = () => {
    if (volume.status === 'backing-up') setStatus(volume, before);
  };
  cloud.works.begin({
    operation: call.operation,
    row: backup,
    phases: ['creating'],
    failureText: 'The backup service could not write the backup.',
    finish: () => {
      setStatus(backup, 'available');
      freeVolume();
    },
    fail: (reason) => {
      setStatus(backup, 'error');
      backup.failReason = reason;
      freeVolume();
    },
    ended: (result, reason) => {
      if (result === 'Error') writeMessage(call, { ...backup, type: 'VOLUME_BACKUP', doing: 'create backup' }, reason);
    },
  });
  return accepted({ backup: shortView(call, backup) });
}

const find = (call: Call): Backup =>
  call.row(call.cloud.backups, call.param('id'), `Backup ${call.param('id')} could not be found.`);

function list(call: Call, shown: (call: Call, backup: Backup) => JsonObject): Reply {
  const filters = readFilters(call, ['name', 'status', 'volume_id', 'id']);
  const backups = call
    .rowsOf(call.cloud.backups, listedProject(call))
    .filter((backup) => [...filters].every(([name, value]) => queryText(view(call, backup)[name]) === value));
  sortBy(backups, (one) => one.createdMs, true);
  const { page, links } = cutPage(call, backups, `/volume/v3/${call.projectId}/backups/detail`);
  return ok({ backups: page.map((one) => shown(call, one)), ...(links !== null && { backups_links: links }) });
}

function remove(call: Call): Reply {
  const { cloud } = call;
  const backup = find(call);
  if (!['available', 'error'].includes(statusOf(backup))) {
    throw badRequest('Invalid backup: Backup status must be available or error');
  }
  if (hasDependents(call, backup)) {
    throw badRequest('Invalid backup: Incremental backups exist for this backup.');
  }
  cloud.works.begin({
    operation: call.operation,
    row: backup,
    phases: ['deleting'],
    failureText: 'The backup service could not delete the backup.',
    finish: () => {
      cloud.backups.remove(backup);
      call.effect('deleted', 'backup', backup.id, backupTexts(backup));
    },
    fail: (reason) => {
      setStatus(backup, 'error_deleting');
      backup.failReason = reason;
    },
  });
  return accepted();
}

const hasDependents = (call: Call, backup: Backup) =>
  [...call.cloud.backups.ofProject(backup.projectId)].some((other) => other.parentId === backup.id);

const Restore = z.object({
  restore: z.strictObject({ volume_id: z.string().nullable().optional(), name: z.string().nullable().optional() }),
});

/** Into a volume that is there, or into a new one. */
function restore(call: Call): Reply {
  const { cloud } = call;
  const backup = find(call);
  const { restore: fields } = call.read(Restore);
  if (statusOf(backup) !== 'available') throw badRequest('Invalid backup: Backup status must be available');
  const isNew = !fields.volume_id;
  const volume = fields.volume_id ? findVolume(call, fields.volume_id) : newVolume(call, backup, fields.name);
  if (!isNew && statusOf(volume) !== 'available') {
    throw badRequest('Invalid volume: Volume to be restored to must be available');
  }
  if (volume.sizeGib < backup.sizeGib) {
    throw badRequest(
      `Invalid volume: volume size ${volume.sizeGib} is too small to restore backup of size ${backup.sizeGib}.`,
    );
  }
  if (isNew) call.effect('created', 'volume', volume.id, volumeTexts(volume));
  backup.status = 'restoring';
  cloud.works.begin({
    operation: call.operation,
    row: volume,
    phases: ['restoring-backup'],
    failureText: 'The backup service could not restore the backup.',
    finish: () => {
      setStatus(volume, 'available');
      setStatus(backup, 'available');
      call.effect('changed', 'volume', volume.id, volumeTexts(volume));
    },
    fail: () => {
      setStatus(volume, 'error_restoring');
      setStatus(backup, 'available');
    },
    ended: (result, reason) => {
      if (result === 'Error') writeMessage(call, { ...volume, type: 'VOLUME', doing: 'restore backup' }, reason);
    },
  });
  return accepted({ restore: { backup_id: backup.id, volume_id: volume.id, volume_name: volume.name } });
}

function newVolume(call: Call, backup: Backup, name: string | null | undefined): Volume {
  return makeVolume(call.cloud, {
    projectId: call.projectId,
    userId: call.caller.user.id,
    name: name ?? `restore_backup_${backup.id}`,
    description: null,
    sizeGib: backup.sizeGib,
    type: findType(call.cloud, null),
    availabilityZone: volumeZone,
    metadata: {},
    image: null,
    snapshotId: null,
    sourceVolumeId: null,
    bootable: false,
    madeForServerId: null,
  });
}

function shortView(call: Call, backup: Backup): JsonObject {
  const path = `${call.projectId}/backups/${backup.id}`;
  return {
    id: backup.id,
    name: backup.name,
    links: [
      { rel: 'self', href: `${call.origin}/volume/v3/${path}` },
      { rel: 'bookmark', href: `${call.origin}/volume/${path}` },
    ],
  };
}

function view(call: Call, backup: Backup): JsonObject {
  const status = statusOf(backup);
  return {
    ...shortView(call, backup),
    description: backup.description,
    status,
    size: backup.sizeGib,
    volume_id: backup.volumeId,
    snapshot_id: null,
    availability_zone: volumeZone,
    container: 'volumebackups',
    // guess: one object for each GiB.
    object_count: status === 'available' ? backup.sizeGib : 0,
    fail_reason: backup.failReason,
    is_incremental: backup.isIncremental,
    has_dependent_backups: hasDependents(call, backup),
    data_timestamp: isoMicros(backup.dataMs),
    created_at: isoMicros(backup.createdMs),
    updated_at: backup.updatedMs === null ? null : isoMicros(backup.updatedMs),
    ...(call.version >= 43 && { metadata: backup.metadata }),
    ...(call.version >= 56 && { user_id: backup.userId }),
    ...(call.isAdmin && { 'os-backup-project-attr:project_id': backup.projectId }),
  };
}
