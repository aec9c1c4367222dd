import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { accepted, isoMicros, ok, queryText, type Call, type Reply } from '../call.js';
import { badRequest } from '../errors.js';
import { cutPage, sortBy } from '../paging.js';
import { routesOf } from '../route.js';
import type { Snapshot } from '../state/storage-model.js';
import { statusOf } from '../state/underway.js';
import { listedProject, readDictionary, readFilters } from './filters.js';
import { writeMessage } from './messages.js';
import { checkSnapshotQuota } from './quota.js';
import { setStatus } from './volume-state.js';
import { findVolume } from './volumes.js';

export const snapshotRoutes = routesOf('cinder', [
  ['POST', '/snapshots', 'snapshots.create', create],
  ['GET', '/snapshots', 'snapshots.list', list],
  ['GET', '/snapshots/detail', 'snapshots.detail', list],
  ['GET', '/snapshots/{id}', 'snapshots.show', (call) => ok({ snapshot: view(find(call)) })],
  ['DELETE', '/snapshots/{id}', 'snapshots.delete', remove],
]);

const Create = z.object({
  snapshot: z.strictObject({
    volume_id: z.string(),
    name: z.string().max(255).nullable().optional(),
    description: z.string().max(255).nullable().optional(),
    metadata: z.record(z.string(), z.string()).nullable().optional(),
    force: z.boolean().optional(),
  }),
});

export const snapshotTexts = (one: Snapshot) => [one.name, one.description, ...Object.values(one.metadata)];

function create(call: Call): Reply {
  const { snapshot: fields } = call.read(Create);
  const { cloud } = call;
  const volume = findVolume(call, fields.volume_id);
  // From 3.66 on an attached volume needs no force, and saying false is refused.
  if (call.version >= 66 && fields.force === false) {
    throw badRequest("Invalid value for 'force': the force flag must not be false with microversion 3.66 and up.");
  }
  const status = statusOf(volume);
  const isAllowed = status === 'available' || (status === 'in-use' && (call.version >= 66 || fields.force === true));
  if (!isAllowed)
    throw badRequest(`Invalid volume: Volume ${volume.id} status must be available, but current status is: ${status}.`);
  checkSnapshotQuota(cloud, volume.projectId, volume.sizeGib);
  const snapshot = cloud.snapshots.add({
    id: cloud.newId(),
    projectId: volume.projectId,
    userId: call.caller.user.id,
    createdMs: Date.now(),
    volumeId: volume.id,
    name: fields.name ?? null,
    description: fields.description ?? null,
    sizeGib: volume.sizeGib,
    status: 'creating',
    underway: null,
    metadata: fields.metadata ?? {},
    updatedMs: null,
  });
  call.effect('created', 'snapshot', snapshot.id, snapshotTexts(snapshot));
  cloud.works.begin({
    operation: call.operation,
    row: snapshot,
    phases: ['creating'],
    failureText: 'The backend could not make the snapshot.',
    finish: () => setStatus(snapshot, 'available'),
    fail: () => setStatus(snapshot, 'error'),
    ended: (result, reason) => {
      if (result === 'Error')
        writeMessage(call, { ...snapshot, type: 'VOLUME_SNAPSHOT', doing: 'create snapshot' }, reason);
    },
  });
  return accepted({ snapshot: view(snapshot) });
}

const find = (call: Call): Snapshot =>
  call.row(call.cloud.snapshots, call.param('id'), `Snapshot ${call.param('id')} could not be found.`);

function list(call: Call): Reply {
  const filters = readFilters(call, ['name', 'status', 'volume_id', 'metadata', 'availability_zone', 'id']);
  const snapshots = call.rowsOf(call.cloud.snapshots, listedProject(call)).filter((snapshot) =>
    [...filters].every(([name, value]) => {
      if (name === 'metadata') {
        return Object.entries(readDictionary(value)).every(([key, wanted]) => snapshot.metadata[key] === wanted);
      }
      return queryText(view(snapshot)[name]) === value;
    }),
  );
  sortBy(snapshots, (one) => one.createdMs, true);
  const { page, links } = cutPage(call, snapshots, `/volume/v3/${call.projectId}/snapshots/detail`);
  return ok({ snapshots: page.map(view), ...(links !== null && { snapshots_links: links }) });
}

function remove(call: Call): Reply {
  const { cloud } = call;
  const snapshot = find(call);
  const status = statusOf(snapshot);
  if (!['available', 'error'].includes(status)) {
    throw badRequest('Invalid snapshot: Snapshot status must be available or error, and not be part of a group.');
  }
  cloud.works.begin({
    operation: call.operation,
    row: snapshot,
    phases: ['deleting'],
    failureText: 'The backend could not delete the snapshot.',
    finish: () => {
      cloud.snapshots.remove(snapshot);
      call.effect('deleted', 'snapshot', snapshot.id, snapshotTexts(snapshot));
    },
    fail: () => setStatus(snapshot, 'error_deleting'),
    ended: (result, reason) => {
      if (result === 'Error')
        writeMessage(call, { ...snapshot, type: 'VOLUME_SNAPSHOT', doing: 'delete snapshot' }, reason);
    },
  });
  return accepted();
}

function view(snapshot: Snapshot): JsonObject {
  const status = statusOf(snapshot);
  return {
    id: snapshot.id,
    name: snapshot.name,
    description: snapshot.description,
    volume_id: snapshot.volumeId,
    status,
    size: snapshot.sizeGib,
    metadata: snapshot.metadata,
    created_at: isoMicros(snapshot.createdMs),
    updated_at: snapshot.updatedMs === null ? null : isoMicros(snapshot.updatedMs),
    user_id: snapshot.userId,
    group_snapshot_id: null,
    'os-extended-snapshot-attributes:progress': status === 'available' ? '100%' : '0%',
    'os-extended-snapshot-attributes:project_id': snapshot.projectId,
  };
}
