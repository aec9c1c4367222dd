import type { OperationRequest, Sent } from '../provisioner.js';
import type { SentRequests } from '../requests.js';
import type { Catalogue } from './catalogue.js';
import type { CloudStackClient, Params } from './client.js';
import { findJob } from './jobs.js';
import type { OneAtATime } from './one-at-a-time.js';
import { JobAccepted } from './schema.js';
import type { CloudStackSettings } from './settings.js';

/** Everything an operation needs of its cloud account. */
export interface Account {
  client: CloudStackClient;
  catalogue: Catalogue;
  settings: CloudStackSettings;
  sent: SentRequests;
  /** `createAccount` hashes a password in several ways: many at once make each other slow, and the whole server with them. */
  makingAccounts: OneAtATime;
}

type Pending = Extract<Sent, { state: 'pending' }>;

/**
 * Sends a command that starts a job, under a job id of our own choosing, so that a lost answer can be asked for. The
 * server refuses a job id it knows, but only AFTER it has made the new thing's record: sending the same request twice
 * would leave a second volume behind. Hence the look before a repeat.
 */
export async function submit(
  { client, sent }: Account,
  request: OperationRequest,
  command: string,
  params: Params,
): Promise<Pending> {
  if (sent.has(request.requestId)) {
    const job = await findJob(client, request.requestId);
    if (job) return { ...job, state: 'pending' };
  }
  sent.note(request.requestId);
  const accepted = await client.change(command, { ...params, customjobid: request.requestId }, JobAccepted);
  return { state: 'pending', jobId: accepted.jobid, resourceId: accepted.id };
}

/** Oldest first: of several with one marker the first is kept and the rest are named as orphans. */
export function oldestFirst<T extends { id: string; created: string | null }>(rows: T[]): T[] {
  return rows.toSorted((a, b) => (a.created ?? '').localeCompare(b.created ?? '') || a.id.localeCompare(b.id));
}
