import { z } from 'zod';
import type { JobReport } from '../provisioner.js';
import { orNull, type OpenStackClient, pathOf } from './client.js';
import type { Job } from './jobs.js';
import { isRefusal, readableText } from './refusals.js';
import { type Backup, BackupRead, type Snapshot, SnapshotRead, type Volume, VolumeRead } from './schema.js';
import type { Scope } from './tokens.js';

export async function readVolume(client: OpenStackClient, scope: Scope, id: string): Promise<Volume | null> {
  if (id === '') return null;
  const path = `/volumes/${pathOf(id)}`;
  return (await orNull(client.read({ service: 'volume', scope, path }, VolumeRead)))?.volume ?? null;
}

export async function readSnapshot(client: OpenStackClient, scope: Scope, id: string): Promise<Snapshot | null> {
  const path = `/snapshots/${pathOf(id)}`;
  return (await orNull(client.read({ service: 'volume', scope, path }, SnapshotRead)))?.snapshot ?? null;
}

export async function readBackup(client: OpenStackClient, scope: Scope, id: string): Promise<Backup | null> {
  const path = `/backups/${pathOf(id)}`;
  return (await orNull(client.read({ service: 'volume', scope, path }, BackupRead)))?.backup ?? null;
}

/** `error`, `error_deleting`, `error_restoring`, … */
export const isBrokenStatus = (status: string): boolean => status.startsWith('error');
const settled = ['available', 'in-use'];

export async function volumeReport(client: OpenStackClient, job: Job, volume: Volume | null): Promise<JobReport> {
  const succeeded: JobReport = { state: 'succeeded', resourceId: job.id };
  if (!volume) return job.goal === 'gone' || job.goal === 'detached' ? succeeded : { state: 'lost' };
  const { status } = volume;
  if (isBrokenStatus(status)) return { state: 'failed', ...(await volumeFault(client, job.scope, volume)) };
  if (!settled.includes(status)) return { state: 'pending' };
  const reached: Partial<Record<Job['goal'], boolean>> = {
    made: true,
    settled: true,
    attached: status === 'in-use',
    detached: status === 'available',
  };
  if (reached[job.goal] === true) return succeeded;
  // Cinder turns it back without a word: the host that should have attached or removed it could not.
  const message = `the volume ${volume.id} is ${status} again`;
  return { state: 'failed', disposition: 'retry', code: 'CLD_JOB_FAILED', message };
}

const Messages = z.object({
  messages: z.array(z.object({ event_id: z.string().catch(''), user_message: z.string() })),
});

/** Why a volume failed is told by Cinder's messages and not by the volume itself. */
export async function volumeFault(
  client: OpenStackClient,
  scope: Scope,
  { id, status }: Volume,
): Promise<{ disposition: 'retry'; code: string; message: string }> {
  const said = await readMessage(client, scope, id);
  const message = `the volume ${id} is in the state ${status}: ${said?.text ?? 'without a reason'}`;
  return { disposition: 'retry', code: said?.isFull ? 'CLD_CAPACITY' : 'CLD_JOB_FAILED', message };
}

async function readMessage(client: OpenStackClient, scope: Scope, id: string) {
  try {
    const query = { resource_uuid: id };
    const { messages } = await client.read({ service: 'volume', scope, path: '/messages', query }, Messages);
    const [last] = messages;
    // guess: the last part of the id is the detail, 003 "no backend available" whatever the language (one recorded message).
    return last && { text: readableText(last.user_message, []), isFull: last.event_id.endsWith('_003') };
  } catch (error) {
    // Messages are a help and not the news: a cloud that keeps them from us must not keep the failure from us.
    if (isRefusal(error, 403, 404)) return undefined;
    throw error;
  }
}

export function snapshotReport(job: Job, snapshot: Snapshot | null): JobReport {
  return madeOrGone(job, snapshot, snapshot?.status ?? '', 'snapshot', null);
}

export function backupReport(job: Job, backup: Backup | null): JobReport {
  return madeOrGone(job, backup, backup?.status ?? '', 'backup', backup?.fail_reason ?? null);
}

function madeOrGone(job: Job, thing: object | null, status: string, what: string, reason: string | null): JobReport {
  const succeeded: JobReport = { state: 'succeeded', resourceId: job.id };
  if (!thing) return job.goal === 'gone' ? succeeded : { state: 'lost' };
  if (isBrokenStatus(status)) {
    const message = `the ${what} ${job.id} is in the state ${status}: ${readableText(reason ?? 'without a reason', [])}`;
    return { state: 'failed', disposition: 'retry', code: 'CLD_JOB_FAILED', message };
  }
  if (status !== 'available') return { state: 'pending' };
  if (job.goal !== 'gone') return succeeded;
  const message = `the ${what} ${job.id} is ${status} and does not go away`;
  return { state: 'failed', disposition: 'retry', code: 'CLD_JOB_FAILED', message };
}
