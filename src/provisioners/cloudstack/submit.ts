import { OutcomeUnknownError, ProvisioningError } from '../../errors.js';
import type { OperationHandler, OperationRequest, Sent } from '../provisioner.js';
import type { Catalogue } from './catalogue.js';
import type { CloudStackClient, Params } from './client.js';
import { findJob } from './jobs.js';
import { JobAccepted } from './schema.js';
import type { CloudStackSettings } from './settings.js';

/** Everything an operation needs of its cloud account. */
export interface Account {
  client: CloudStackClient;
  catalogue: Catalogue;
  settings: CloudStackSettings;
  sent: SentRequests;
}

/**
 * The request ids this process has sent, the newest few thousand: a cache that saves a look-up before every first
 * request. What another process sent is found by the engine through `find`.
 */
export interface SentRequests {
  note(requestId: string): void;
  has(requestId: string): boolean;
}

const mostRemembered = 10_000;

export function sentRequests(): SentRequests {
  const ids = new Set<string>();
  return {
    note(requestId) {
      ids.add(requestId);
      for (const oldest of ids) {
        if (ids.size <= mostRemembered) break;
        ids.delete(oldest);
      }
    },
    has: (requestId) => ids.has(requestId),
  };
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

/**
 * For commands that would make a second thing of the same name without a word (volumes, addresses, VPCs, lists): when
 * anything was sent before, what it left is taken over instead.
 *
 * @param isShared many orders need it: an earlier order of ours for it may have left something, so it is always looked for
 */
export async function adoptEarlier(
  { sent }: Account,
  handler: OperationHandler,
  request: OperationRequest,
  isShared = false,
): Promise<Sent | null> {
  if (!isShared && request.attempt <= 1 && !sent.has(request.requestId)) return null;
  const finding = await handler.find(request);
  if (finding.state === 'absent') return null;
  if (finding.state === 'job') return { ...finding, state: 'pending' };
  // More than one: only a look-up of the engine's lists the others as orphans.
  if (finding.others.length > 0) {
    const message = `${request.operation}: earlier attempts left ${[finding.resourceId, ...finding.others].join(', ')}`;
    throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message);
  }
  const seen = await handler.inspect(request, finding.resourceId);
  if (seen.state === 'ready') return { state: 'done', found: seen.found };
  if (seen.state === 'next') return seen;
  // There, but not usable yet or not any more. Nothing was sent now; the engine's look-up tells it which.
  throw new OutcomeUnknownError(
    'CLD_RESPONSE_UNKNOWN',
    `${request.operation}: an earlier attempt left ${finding.resourceId}`,
  );
}

/** A resolved input the plan promised. Its absence is our own mistake, not an answer of the cloud. */
export function input(request: OperationRequest, name: string): string {
  const value = request.inputs[name] ?? request.memo[name];
  if (value === undefined) throw new Error(`${request.operation} needs the input "${name}"`);
  return value;
}

/**
 * The markers a thing may carry to be ours to delete: that of the operation which made it (a fact of its own part), or,
 * where the engine keeps one marker for all of a part's operations, the request's.
 */
export function ownMarkers(request: OperationRequest): string[] {
  return [request.inputs['marker'] ?? request.marker, request.marker];
}

export function notOurs(what: string, id: string): ProvisioningError {
  return new ProvisioningError(
    'ask-human',
    'CLD_CONTRADICTION',
    `${what} ${id} does not carry the marker of this order; it is left alone`,
  );
}

/** Oldest first: of several with one marker the first is kept and the rest are named as orphans. */
export function oldestFirst<T extends { id: string; created: string | null }>(rows: T[]): T[] {
  return rows.toSorted((a, b) => (a.created ?? '').localeCompare(b.created ?? '') || a.id.localeCompare(b.id));
}
