import { OutcomeUnknownError, ProvisioningError } from '../errors.js';
import type { OperationHandler, OperationRequest, Sent } from './provisioner.js';

/**
 * What the handlers of every cloud do with a request, whatever the cloud is: know that it was sent, take over what an earlier
 * one left, read its inputs, and leave alone what is not ours.
 */

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
  const ids = newest<true>();
  return { note: (id) => ids.keep(id, true), has: (id) => ids.get(id) !== undefined };
}

/** A map of the newest few thousand. */
function newest<T>(): { keep(key: string, value: T): void; get(key: string): T | undefined } {
  const kept = new Map<string, T>();
  return {
    keep(key, value) {
      kept.set(key, value);
      for (const oldest of kept.keys()) {
        if (kept.size <= mostRemembered) break;
        kept.delete(oldest);
      }
    },
    get: (key) => kept.get(key),
  };
}

/**
 * For requests that would make a second thing of the same name without a word: when anything was sent before, what it left is
 * taken over instead.
 *
 * @param isShared many orders need it: an earlier order of ours for it may have left something, so it is always looked for
 * @throws OutcomeUnknownError when there is something that cannot be taken over as it is: the engine's look-up decides then
 */
export async function adoptEarlier(
  { sent }: { sent: SentRequests },
  handler: Pick<OperationHandler, 'find' | 'inspect'>,
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
  const message = `${request.operation}: an earlier attempt left ${finding.resourceId}`;
  throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message);
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
