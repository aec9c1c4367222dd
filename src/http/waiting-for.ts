import { itemFailure } from '../machines/delivery.js';
import { outcomeOf, type PartKind } from '../machines/move.js';
import { operationLimits } from '../machines/operation.machine.js';
import { finalStatuses, type OperationState, type OrderState, type PartState } from '../machines/order-state.js';
import { operationNames, type PreparationKind } from '../planner/plan.js';
import type { Standing } from '../runner/fair-turns.js';
import type { Weather } from '../runner/weather-report.js';
import type { PreparationView } from '../store/views-operations.js';

/** What an item waits for, in words for an operator. */
export interface Waiting {
  what: string;
  since: string;
  /** When it will be looked at again by itself; null while something else wakes it. */
  until: string | null;
}

/** What the words need beyond the order's own state. */
export interface Scene {
  userId: string;
  createdAt: Date;
  /** When anything of the order was last stored: how long something without an instant of its own has been so. */
  updatedAt: Date;
  now: number;
  /** What the weather is like at a platform; null when nobody looks. */
  weather(platformId: string): Weather | null;
  /** Where the order's next piece of work stands in a platform's queue; null when it does not wait, or nobody here knows. */
  standing(platformId: string): Standing | null;
  /** Name and kind of a platform for people. */
  platform(platformId: string): { name: string; cloud: string };
  preparations: PreparationView[];
}

/** What each item of an order waits for; null for those that wait for nothing. Pure. */
export function waitingFor(state: OrderState, scene: Scene): (Waiting | null)[] {
  return state.items.map((_, itemIndex) => waitingOfItem(state, itemIndex, scene));
}

/** Items that have their verdict; in an order that is undone a completed one may still lose it. */
const settled: readonly string[] = ['completed', 'failed', 'cancelled', 'compensated'];

function waitingOfItem(state: OrderState, itemIndex: number, scene: Scene): Waiting | null {
  const item = state.items[itemIndex];
  const isFailing = state.machine.value === 'failing';
  if (!item || finalStatuses.includes(state.status) || (settled.includes(item.status) && !isFailing)) return null;
  const reason = state.machine.context.reason?.message ?? 'no reason was given';
  const { name } = scene.platform(item.platformId);
  const lately = scene.updatedAt.toISOString();
  switch (state.machine.value) {
    case 'received':
      return planning({ what: 'its plan', since: scene.createdAt.toISOString(), until: null }, item.platformId, scene);
    case 'waitingForCloud': {
      const since = scene.createdAt.toISOString();
      const what = { what: `the catalogue of ${name}: ${reason}`, since, until: instant(state.dueAt) };
      return planning(what, item.platformId, scene);
    }
    case 'failing':
      return { what: `an operator, or else it is undone: ${reason}`, since: lately, until: instant(state.dueAt) };
    case 'held':
    case 'paused':
    case 'quarantined':
    case 'undoStuck':
      return { what: `an operator: ${reason}`, since: lately, until: null };
  }
  const parts = state.parts.filter((part) => part.itemIndex === itemIndex);
  const open = parts.filter((part) => outcomeOf(item.resourceType as PartKind, part.machine.value) === 'open');
  const unfinished = state.operations.filter((one) => one.itemIndex === itemIndex && one.finishedAt === null);
  const busy = unfinished.find((one) => one.machine.value !== 'stuck');
  if (busy) return waitingOfOperation(busy, scene);
  const failure = itemFailure(state, itemIndex);
  if (item.status === 'held' || unfinished.length > 0)
    return { what: `an operator: ${failure?.message ?? reason}`, since: lately, until: null };
  if (state.machine.value === 'undoing') {
    return { what: `the removal of what was made for it or stands on it: ${reason}`, since: lately, until: null };
  }
  const part = open[0];
  return part
    ? waitingForNeeds(state, part, scene)
    : { what: 'the other items of its order', since: lately, until: null };
}

/** Whatever is to be asked of a cloud waits first for the cloud, then for its turn there. */
function atTheCloud(waiting: Waiting, platformId: string, scene: Scene): Waiting {
  const { name } = scene.platform(platformId);
  const weather = scene.weather(platformId);
  const since = weather?.since ?? waiting.since;
  const why = weather?.reason ? ` (${weather.reason})` : '';
  switch (weather?.state) {
    case 'broken': {
      const next = weather.nextProbeAt === null ? '' : `, next probe at ${weather.nextProbeAt}`;
      const what = `cloud ${name}, which is down since ${since}${why}${next}; then: ${waiting.what}`;
      return { what, since, until: weather.nextProbeAt };
    }
    case 'unusable':
      return { what: `platform ${name} to be mended${why}; then: ${waiting.what}`, since, until: null };
  }
  const standing = scene.standing(platformId);
  if (!standing) return waiting;
  const slowly = weather?.state === 'reopening' ? `, which is up again since a moment and takes work slowly` : '';
  const what = `its turn: ${ordinal(standing.position)} of ${standing.of} at ${name}${slowly}; then: ${waiting.what}`;
  const until = standing.expectedMs === null ? waiting.until : instant(scene.now + standing.expectedMs);
  return { what, since: waiting.since, until };
}

/** What is new waits for the end of a maintenance; what was planned before goes on during one. */
function planning(waiting: Waiting, platformId: string, scene: Scene): Waiting {
  const weather = scene.weather(platformId);
  if (weather?.state !== 'maintenance') return atTheCloud(waiting, platformId, scene);
  const why = weather.reason === null ? '' : ` (${weather.reason})`;
  const { name } = scene.platform(platformId);
  const what = `the end of the maintenance of ${name}${why}; then: ${waiting.what}`;
  return { what, since: weather.since ?? waiting.since, until: null };
}

function ordinal(n: number): string {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${(!teen && ['th', 'st', 'nd', 'rd'][n % 10]) || 'th'}`;
}

/** The first thing that is not there yet of what a part needs for its next operation. */
function waitingForNeeds(state: OrderState, part: PartState, scene: Scene): Waiting | null {
  const names = new Set(state.operations.filter((one) => one.partKey === part.key).map((one) => one.name as string));
  const planned = state.plan?.parts.find((one) => one.key === part.key);
  // By the order operations run in: the keys of a stored object come back in an order of their own.
  const next = operationNames.find((name) => planned?.needs[name] && !names.has(name));
  for (const need of (next && planned?.needs[next]) ?? []) {
    const other = state.parts.find((one) => one.key === need);
    if (other) {
      const item = state.items[other.itemIndex];
      if (outcomeOf(item?.resourceType as PartKind, other.machine.value) === 'completed') continue;
      return {
        what: `its ${words[item?.resourceType ?? ''] ?? 'part'} (item ${item?.workOrderItemId ?? ''})`,
        since: begun(state, part, scene),
        until: null,
      };
    }
    const waiting = waitingForPreparation(state, need, planned?.platformId ?? '', scene);
    if (waiting) return waiting;
  }
  return { what: 'its turn', since: begun(state, part, scene), until: null };
}

/** Since when a part waits: since its last operation ended, or since its order came. */
function begun(state: OrderState, part: PartState, scene: Scene): string {
  const ended = state.operations.flatMap((one) => (one.partKey === part.key ? (one.finishedAt ?? []) : []));
  return ended.length === 0 ? scene.createdAt.toISOString() : new Date(Math.max(...ended)).toISOString();
}

function waitingForPreparation(state: OrderState, key: string, platformId: string, scene: Scene): Waiting | null {
  const { name, cloud } = scene.platform(platformId);
  const kind = state.plan?.preparations.find((one) => one.key === key)?.kind;
  const what = kind ? `${shared[kind](key.slice(key.indexOf('/') + 1), scene.userId)} on ${name}` : `${key} on ${name}`;
  const made = scene.preparations.find((one) => one.key === key && one.platformId === platformId);
  if (!made) return { what, since: scene.createdAt.toISOString(), until: null };
  if (made.state === 'done') return null;
  const since = (made.submittedAt ?? made.createdAt).toISOString();
  if (made.state === 'stuck') {
    return { what: `an operator: ${what}: ${made.failure ?? 'no reason was given'}`, since, until: null };
  }
  const job = made.jobId === null ? '' : ` (${cloud} job ${made.jobId})`;
  return atTheCloud({ what: `${what}${job}`, since, until: null }, platformId, scene);
}

/** What many orders share, in words. */
const shared: Readonly<Record<PreparationKind, (name: string, userId: string) => string>> = {
  tenant: (_, userId) => `the registration of user ${userId}`,
  'default-network': (_, userId) => `the default network of user ${userId}`,
  'tenant-removal': (name) => `the end of the registration of user ${name}`,
  'default-network-removal': (name) => `the removal of the default network of user ${name}`,
  'service-offering': (name) => `the service offering ${name}`,
  'bandwidth-policy': (name) => `the bandwidth policy ${name}`,
};

const words: Readonly<Record<string, string>> = { VM: 'VM', EBS: 'disk', NETWORK: 'address' };

function waitingOfOperation(operation: OperationState, scene: Scene): Waiting {
  return atTheCloud(wordsOfOperation(operation, scene), operation.platformId, scene);
}

function wordsOfOperation(operation: OperationState, scene: Scene): Waiting {
  const { name, machine, dueAt, createdAt, submittedAt } = operation;
  const { jobId, lookUps, retries, watches, failure, mayRunUntil, abandoned } = machine.context;
  const { name: platform, cloud } = scene.platform(operation.platformId);
  const since = new Date(createdAt).toISOString();
  const until = instant(dueAt);
  const lookUp = `${Math.min(lookUps + 1, operationLimits.lookUpsBeforeResend)} of ${operationLimits.lookUpsBeforeResend}`;
  const mayRun = instant(scene.now < mayRunUntil ? mayRunUntil : null);
  const stillRuns =
    mayRun === null ? '' : `; the request may still be running there, and nothing is sent again before ${mayRun}`;
  // Where the cloud removes nothing that is being built, the end waits for what nobody wants any more.
  const removed = abandoned ? ', to be removed once it is there' : '';
  switch (machine.value) {
    case 'requesting':
      return { what: `the answer of ${platform} to ${name}`, since, until };
    case 'inFlight':
      return {
        what: `${cloud} job ${jobId} for ${name} on ${platform}${removed}`,
        since: instant(submittedAt) ?? since,
        until,
      };
    case 'lookingUp':
    case 'settling':
      return {
        what: `settling: looking on ${platform} for what a lost answer to ${name} left behind, look-up ${lookUp}${stillRuns}`,
        since,
        until,
      };
    case 'verifying':
      return { what: `a look at what ${name} made on ${platform}`, since: instant(submittedAt) ?? since, until };
    case 'watching':
      return {
        what: `what ${name} made on ${platform} to get ready, look ${watches} of at most ${operationLimits.watches}${removed}`,
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
