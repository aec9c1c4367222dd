import { createHash } from 'node:crypto';
import { uuidV5 } from '../uuid.js';
import type { OperationName } from './plan.js';

/**
 * The text every resource of one operation carries, whichever attempt made it: `ow-` and 16 characters of `0-9a-v`.
 * 80 bits: a billion resources have about one chance in two million of sharing one. Lower-case letters, digits and one
 * hyphen are allowed in the names of every cloud we know, and short enough for the shortest of them.
 */
export function markerFor(
  installationId: string,
  producer: string,
  workOrderId: string,
  partKey: string,
  operation: OperationName,
): string {
  return marker(['part', installationId, producer, workOrderId, partKey, operation]);
}

/** The marker of a thing that many orders share: it depends on no order. */
export function preparationMarker(installationId: string, platformId: string, preparationKey: string): string {
  return marker(['preparation', installationId, platformId, preparationKey]);
}

/** The marker of what a later stage of an operation makes: a marker stands for one thing on the cloud (I3). */
export function stageMarker(operationMarker: string, stage: string): string {
  return marker(['stage', operationMarker, stage]);
}

/**
 * The id of one request: the same for the same attempt and stage, so that it can be worked out again after a crash. Of its
 * order, too: a preparation that failed is placed again under the same marker, and CloudStack refuses a job id that it knows
 * only after it has made the thing (seen: a second VPC).
 */
export function requestIdFor(
  orderId: string,
  { marker, name }: { marker: string; name: OperationName },
  attempt: number,
  stage: string | null,
): string {
  return uuidV5(requestNamespace, JSON.stringify([orderId, marker, name, attempt, stage]));
}

/** Chosen once at random. Changing it would make every request in flight unrecognisable. */
const requestNamespace = '07590af9-a29d-487b-b964-9129bad75e34';

function marker(words: string[]): string {
  // As JSON, so that no two lists of words become the same text ("a","bc" and "ab","c").
  const hash = createHash('sha256').update(JSON.stringify(words)).digest();
  return `ow-${base32Hex(hash.subarray(0, 10))}`;
}

/** RFC 4648 section 7 in lower case; bytes in groups of five need no padding. */
function base32Hex(bytes: Uint8Array): string {
  const bits = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return bits.toString(32).padStart((bytes.length * 8) / 5, '0');
}
