import type { JobReport } from '../provisioner.js';
import { orNull, type OpenStackClient, pathOf } from './client.js';
import type { Job } from './jobs.js';
import { readableText } from './refusals.js';
import { InstanceAction, type Server, ServerRead } from './schema.js';
import type { Scope } from './tokens.js';

export async function readServer(client: OpenStackClient, scope: Scope, id: string): Promise<Server | null> {
  if (id === '') return null;
  const path = `/servers/${pathOf(id)}`;
  const answer = await orNull(client.read({ service: 'compute', scope, path }, ServerRead));
  return answer?.server ?? null;
}

/** Gone for the customer: a soft-deleted one waits for the cloud's own clock, as it would for nobody else. */
export const isGoneServer = ({ status }: Server): boolean => ['DELETED', 'SOFT_DELETED'].includes(status);

/** Only then is the status to be compared with a goal: a stop under way shows as ACTIVE (reference 3.3). */
export const isSettled = (server: Server): boolean =>
  server['OS-EXT-STS:task_state'] === null && !['BUILD', 'UNKNOWN'].includes(server.status);

/** Why a server is in ERROR. Nova prints a code of 500 for all of it, so its words are all there is to sort by. */
export function faultOf(server: Server): { disposition: 'retry' | 'reject'; code: string; message: string } {
  const text = readableText(server.fault?.message ?? 'without a reason', []);
  const message = `the server ${server.id} is in the state ERROR: ${text}`;
  if (text.startsWith('No valid host was found')) return { disposition: 'retry', code: 'CLD_CAPACITY', message };
  // Cinder's and Neutron's quotas are met only while the server is being built.
  if (/Quota exceeded|LimitExceeded|OverQuota/.test(text)) return { disposition: 'reject', code: 'CLD_QUOTA', message };
  return { disposition: 'retry', code: 'CLD_JOB_FAILED', message };
}

/** Status first, then the action's record (reference 3.4): each of them alone is wrong at times. */
export async function serverReport(client: OpenStackClient, job: Job, server: Server | null): Promise<JobReport> {
  if (!server || isGoneServer(server)) {
    return job.goal === 'gone' ? { state: 'succeeded', resourceId: job.id } : { state: 'lost' };
  }
  if (!isSettled(server)) return { state: 'pending' };
  if (server.status === 'ERROR') return { state: 'failed', ...faultOf(server) };
  const isThere = server.status === statusOf[job.goal];
  if (isThere) return { state: 'succeeded', resourceId: job.id };
  const record = await readRecord(client, job);
  if (record === 'pending') return { state: 'pending' };
  if (job.goal === 'done' && record !== 'failed') return { state: 'succeeded', resourceId: job.id };
  const said = record === 'failed' ? 'its record says that it failed' : 'it has settled elsewhere';
  return {
    state: 'failed',
    disposition: 'retry',
    code: 'CLD_JOB_FAILED',
    message: `the server ${job.id} is ${server.status}; ${said}`,
  };
}

const statusOf: Partial<Record<Job['goal'], string>> = { active: 'ACTIVE', shutoff: 'SHUTOFF' };

/** What the record of an action says; `unknown` where there is none, which is so for DELETE on a dead host. */
async function readRecord(client: OpenStackClient, job: Job): Promise<'pending' | 'failed' | 'done' | 'unknown'> {
  const { scope, id, requestId } = job;
  if (requestId === null) return 'unknown';
  const path = `/servers/${pathOf(id)}/os-instance-actions/${pathOf(requestId)}`;
  const answer = await orNull(client.read({ service: 'compute', scope, path }, InstanceAction));
  if (!answer) return 'unknown';
  const { message, events } = answer.instanceAction;
  // An event may stay open for ever after a host restarted: the message is to be trusted before it.
  if (message !== null) return 'failed';
  if (events.some(({ result }) => result !== null && result !== 'Success')) return 'failed';
  return events.length === 0 || events.some(({ finish_time }) => finish_time === null) ? 'pending' : 'done';
}
