import { z } from 'zod';
import type { JsonObject } from '../../json.js';
import { type OpenStackClient, orNull, pathOf } from './client.js';
import { type Goal, jobIdOf, type JobKind } from './jobs.js';
import { Anything, Backup } from './schema.js';
import type { Scope } from './tokens.js';
import { readBackup } from './volume-jobs.js';
import { isAtLeast, snapshotWithoutForce } from './versions.js';

/** Backups, snapshots and size of volumes beside orders (seed O7). Each answers a job id for `pollJobs`. */
export interface BegunVolumeJob {
  jobId: string;
  /** What is made; for an extension or a restore the volume itself. */
  id: string;
}

const Made = z.object({ id: z.string() });

/** Also of a volume in use: what is being written at that moment may be missing, as with a power cut. */
export function createBackup(
  client: OpenStackClient,
  scope: Scope,
  { volumeId, name, description = '' }: { volumeId: string; name: string; description?: string },
): Promise<BegunVolumeJob> {
  // Without force a volume in use is refused with 400.
  const backup = { volume_id: volumeId, name, description, force: true };
  return make(client, scope, '/backups', 'backup', { backup });
}

/** One by its id, all of a volume, or all of the project (E14). */
export async function listBackups(
  client: OpenStackClient,
  scope: Scope,
  { backupId, volumeId }: { backupId?: string; volumeId?: string } = {},
): Promise<Backup[]> {
  if (backupId !== undefined) {
    const backup = await readBackup(client, scope, backupId);
    return backup ? [backup] : [];
  }
  const query = { volume_id: volumeId };
  const rows = await client.list({
    service: 'volume',
    scope,
    path: '/backups/detail',
    query,
    key: 'backups',
    row: Backup,
  });
  return rows.filter(({ volume_id }) => volumeId === undefined || volume_id === volumeId);
}

/** Into a volume that is attached to nothing, whose content is lost; without one into a new volume. */
export async function restoreBackup(
  client: OpenStackClient,
  scope: Scope,
  backupId: string,
  volumeId?: string,
): Promise<BegunVolumeJob> {
  const path = `/backups/${pathOf(backupId)}/restore`;
  const restore: Record<string, string> = volumeId === undefined ? {} : { volume_id: volumeId };
  const { value, requestId } = await client.change(
    { service: 'volume', scope, method: 'POST', path, body: { restore } },
    z.object({ restore: z.object({ volume_id: z.string() }) }),
  );
  const id = value.restore.volume_id;
  return { id, jobId: jobIdOf({ kind: 'volume', scope, id, goal: 'settled', requestId }) };
}

export function deleteBackup(client: OpenStackClient, scope: Scope, id: string): Promise<BegunVolumeJob> {
  return remove(client, scope, `/backups/${pathOf(id)}`, 'backup', id);
}

/** Also of a volume in use. */
export async function createSnapshot(
  client: OpenStackClient,
  scope: Scope,
  { volumeId, name }: { volumeId: string; name: string },
): Promise<BegunVolumeJob> {
  const needsForce = !isAtLeast(await client.version('volume'), snapshotWithoutForce);
  const snapshot = { volume_id: volumeId, name, ...(needsForce ? { force: true } : {}) };
  return make(client, scope, '/snapshots', 'snapshot', { snapshot });
}

export function deleteSnapshot(client: OpenStackClient, scope: Scope, id: string): Promise<BegunVolumeJob> {
  return remove(client, scope, `/snapshots/${pathOf(id)}`, 'snapshot', id);
}

/** Larger only; also while attached. */
export async function extendVolume(
  client: OpenStackClient,
  scope: Scope,
  id: string,
  sizeGib: number,
): Promise<BegunVolumeJob> {
  const path = `/volumes/${pathOf(id)}/action`;
  const body = { 'os-extend': { new_size: sizeGib } };
  const { requestId } = await client.change({ service: 'volume', scope, method: 'POST', path, body }, Anything);
  return { id, jobId: jobIdOf({ kind: 'volume', scope, id, goal: 'settled', requestId }) };
}

async function make(
  client: OpenStackClient,
  scope: Scope,
  path: string,
  kind: 'backup' | 'snapshot',
  body: JsonObject,
): Promise<BegunVolumeJob> {
  const answer = z.record(z.string(), Made);
  const { value, requestId } = await client.change({ service: 'volume', scope, method: 'POST', path, body }, answer);
  const id = value[kind]?.id;
  if (id === undefined) throw new Error(`Cinder made a ${kind} and does not name it`);
  return { id, jobId: jobIdOf({ kind, scope, id, goal: 'made', requestId }) };
}

async function remove(
  client: OpenStackClient,
  scope: Scope,
  path: string,
  kind: JobKind,
  id: string,
): Promise<BegunVolumeJob> {
  const goal: Goal = 'gone';
  const sent = await orNull(client.change({ service: 'volume', scope, method: 'DELETE', path }, Anything));
  return { id, jobId: jobIdOf({ kind, scope, id, goal, requestId: sent?.requestId ?? null }) };
}
