import { itemFailure } from '../machines/delivery.js';
import { outcomeOf, type PartKind } from '../machines/move.js';
import { operationLimits } from '../machines/operation.machine.js';
import { finalStatuses, type OperationState, type OrderState, type PartState } from '../machines/order-state.js';
import { operationNames } from '../planner/plan.js';
import type { PreparationView } from '../store/views-operations.js';

/** What an item waits for, in words for an operator. */
export interface Waiting {
  what: string;
  since: string | null;
  /** When it will be looked at again by itself; null while something else wakes it. */
  until: string | null;
}

/** What the words need beyond the order's own state. */
export interface Scene {
  userId: string;
  createdAt: Date;
  /** Name and kind of a platform for people. */
  platform(platformId: string): { name: string; cloud: string };
  preparations: PreparationView[];
}

/** What each item of an order waits for; null for those that wait for nothing. Pure. */
export function waitingFor(state: OrderState, scene: Scene): (Waiting | null)[] {
  return state.items.map((_, itemIndex) => waitingOfItem(state, itemIndex, scene));
}

function waitingOfItem(state: OrderState, itemIndex: number, scene: Scene): Waiting | null {
  const item = state.items[itemIndex];
  if (!item || finalStatuses.includes(state.status)) return null;
  if (['completed', 'failed', 'cancelled'].includes(item.status)) return null;
  const reason = state.machine.context.reason?.message ?? 'no reason was given';
  const { name } = scene.platform(item.platformId);
  switch (state.machine.value) {
    case 'received':
      return { what: 'its plan', since: scene.createdAt.toISOString(), until: null };
    case 'waitingForCloud':
      return {
        what: `the catalogue of ${name}: ${reason}`,
        since: scene.createdAt.toISOString(),
        until: instant(state.dueAt),
      };
    case 'held':
      return { what: `an operator: ${reason}`, since: null, until: null };
  }
  const parts = state.parts.filter((part) => part.itemIndex === itemIndex);
  const open = parts.filter((part) => outcomeOf(item.resourceType as PartKind, part.machine.value) === 'open');
  const busy = state.operations.find(
    (one) => one.itemIndex === itemIndex && one.finishedAt === null && one.machine.value !== 'stuck',
  );
  if (busy) return waitingOfOperation(busy, scene);
  const failure = itemFailure(state, itemIndex);
  if (open.length < parts.length && item.status === 'held') {
    return { what: `an operator: ${failure?.message ?? reason}`, since: null, until: null };
  }
  const part = open[0];
  return part ? waitingForNeeds(state, part, scene) : null;
}

/** The first thing that is not there yet of what a part needs for its next operation. */
function waitingForNeeds(state: OrderState, part: PartState, scene: Scene): Waiting | null {
  const begun = new Set(state.operations.filter((one) => one.partKey === part.key).map((one) => one.name as string));
  const planned = state.plan?.parts.find((one) => one.key === part.key);
  // By the order operations run in: the keys of a stored object come back in an order of their own.
  const next = operationNames.find((name) => planned?.needs[name] && !begun.has(name));
  for (const need of (next && planned?.needs[next]) ?? []) {
    const other = state.parts.find((one) => one.key === need);
    if (other) {
      const item = state.items[other.itemIndex];
      if (outcomeOf(item?.resourceType as PartKind, other.machine.value) === 'completed') continue;
      return {
        what: `its ${words[item?.resourceType ?? ''] ?? 'part'} (item ${item?.workOrderItemId ?? ''})`,
        since: null,
        until: null,
      };
    }
    const waiting = waitingForPreparation(state, need, planned?.platformId ?? '', scene);
    if (waiting) return waiting;
  }
  return { what: 'its turn', since: null, until: null };
}

function waitingForPreparation(state: OrderState, key: string, platformId: string, scene: Scene): Waiting | null {
  const { name, cloud } = scene.platform(platformId);
  const kind = state.plan?.preparations.find((one) => one.key === key)?.kind;
  const what =
    kind === 'default-network'
      ? `the default network of user ${scene.userId} on ${name}`
      : kind === 'service-offering'
        ? `the service offering ${key.slice(key.indexOf('/') + 1)} on ${name}`
        : `${key} on ${name}`;
  const made = scene.preparations.find((one) => one.key === key && one.platformId === platformId);
  if (!made) return { what, since: null, until: null };
  if (made.state === 'done') return null;
  const since = (made.submittedAt ?? made.createdAt).toISOString();
  if (made.state === 'stuck') {
    return { what: `an operator: ${what}: ${made.failure ?? 'no reason was given'}`, since, until: null };
  }
  const job = made.jobId === null ? '' : ` (${cloud} job ${made.jobId})`;
  return { what: `${what}${job}`, since, until: null };
}

const words: Readonly<Record<string, string>> = { VM: 'VM', EBS: 'disk', NETWORK: 'address' };

function waitingOfOperation(operation: OperationState, scene: Scene): Waiting {
  const { name, machine, dueAt, createdAt, submittedAt } = operation;
  const { jobId, lookUps, retries, watches, failure } = machine.context;
  const { name: platform, cloud } = scene.platform(operation.platformId);
  const since = new Date(createdAt).toISOString();
  const until = instant(dueAt);
  const lookUp = `${Math.min(lookUps + 1, operationLimits.lookUpsBeforeResend)} of ${operationLimits.lookUpsBeforeResend}`;
  switch (machine.value) {
    case 'requesting':
      return { what: `the answer of ${platform} to ${name}`, since, until };
    case 'inFlight':
      return { what: `${cloud} job ${jobId} for ${name} on ${platform}`, since: instant(submittedAt) ?? since, until };
    case 'lookingUp':
    case 'settling':
      return {
        what: `settling: looking on ${platform} for what a lost answer to ${name} left behind, look-up ${lookUp}`,
        since,
        until,
      };
    case 'verifying':
      return { what: `a look at what ${name} made on ${platform}`, since: instant(submittedAt) ?? since, until };
    case 'watching':
      return {
        what: `what ${name} made on ${platform} to get ready, look ${watches} of at most ${operationLimits.watches}`,
        since: instant(submittedAt) ?? since,
        until,
      };
    case 'discarding':
    case 'leaving':
      return { what: `the removal of what ${name} left broken on ${platform}`, since, until };
    case 'backingOff':
      return {
        what: `try ${retries + 1} of ${name} on ${platform}: ${failure?.message ?? 'the cloud said "later"'}`,
        since,
        until,
      };
    default:
      return { what: `an operator: ${failure?.message ?? `${name} needs a person`}`, since, until };
  }
}

function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
