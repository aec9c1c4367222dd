import { assign, setup } from 'xstate';

/**
 * One action on a cloud, from intent to certainty. This is the promise "nothing is built twice, nothing is lost" written
 * down: a request leaves only after its intent is stored, a lost answer is a state of its own (`lookingUp`), a job's word
 * is checked against the resource (`verifying`), and what broke on the way is removed before another try (`discarding`).
 *
 * The file stands alone, so that it can be pasted into a statechart viewer. Entry actions named `send`, `lookUp`, `track`,
 * `inspect`, `discard`, `wait` and `listOrphans` are effects: data handed to the runner, never run in here.
 */

/** Why it did not work. `retry`: later it may; `reject`: it never will; `ask-human`: somebody has to change something. */
export type Failure = { disposition: 'retry' | 'reject' | 'ask-human'; code: string; message: string };

export type OperationContext = {
  /** 1, 2, 3 …: counts requests that may have left, so each has a request id of its own. */
  attempt: number;
  /** For operations of several stages (VPC, then rules, then tier). */
  stage: string | null;
  memo: Record<string, string>;
  jobId: string | null;
  /** The job that has given its verdict: finding it once more tells nothing new. */
  settledJobId: string | null;
  resourceId: string | null;
  facts: Record<string, string>;
  /** The cloud's own instant of coming to life. */
  startedAt: string | null;
  /** Look-ups in a row that found nothing. */
  lookUps: number;
  /** Tries after an answer that said "later". */
  retries: number;
  /** Looks at a resource that is not ready yet. */
  watches: number;
  failure: Failure | null;
  /** More resources with our marker than one. */
  others: string[];
  /** Answers "later" to a look-up, in a row. */
  laters: number;
  /** Stages gone through; no operation has more than a few. */
  stages: number;
  /** Attempts there had been when its stage began, or when a person let it be tried anew. */
  attemptsBefore: number;
  /** The order is being undone, or the item was given up: nothing is to be made any more. */
  abandoned: boolean;
  /** How what it makes goes again, once it is abandoned. */
  goes: Going | null;
  /** Until then a request whose answer did not come may be running at the cloud, ms since epoch; 0 when none may. */
  mayRunUntil: number;
};

/**
 * How what an abandoned operation makes goes again. Null: by an operation of its own, once it is there. `whenMade`: there is no such
 * operation, so it is discarded here when it is there. `atOnce`: the cloud takes it away while it is being built, too.
 */
export type Going = 'whenMade' | 'atOnce';

/** Its order waits for a person: nothing is sent meanwhile (worked out by whoever knows the order). */
type OfWaiting = { orderWaits?: boolean };

export type OperationEvent =
  | { type: 'ACCEPTED'; jobId: string; resourceId: string | null }
  | { type: 'DONE' | 'READY'; resourceId: string; facts: Record<string, string>; startedAt: string | null }
  | ({ type: 'NEXT_STAGE'; stage: string; memo: Record<string, string>; resourceId: string | null } & OfWaiting)
  | { type: 'TRY_LATER'; code: string; message: string; retryAfterMs: number | null }
  | { type: 'REJECTED' | 'NEEDS_OPERATOR' | 'BROKEN'; code: string; message: string }
  /** `how` the answer failed to come; `cut` when it does not say. `failed`: the cloud itself said that it went wrong, and in these words. */
  | { type: 'OUTCOME_UNKNOWN'; code: string; message: string; how?: 'cut' | 'silent' | 'failed' }
  | { type: 'FOUND_JOB'; jobId: string; resourceId: string | null }
  | { type: 'FOUND'; resourceId: string; others: string[] }
  /** Named by a job that has spoken already: to be looked at, and no news if it is not there. */
  | { type: 'NAMED_AGAIN'; resourceId: string }
  /**
   * `guarded`: the cloud would refuse a second one. `mayStillRun`: the request may be running yet (worked out from `mayRunUntil` by whoever
   * knows the time): then nothing is sent again, however often nothing is found.
   */
  | ({ type: 'ABSENT'; guarded?: boolean; mayStillRun?: boolean } & OfWaiting)
  | { type: 'PENDING' | 'GONE' | 'IN_PROGRESS' }
  | { type: 'JOB_SUCCEEDED'; resourceId: string | null }
  | ({ type: 'JOB_FAILED' } & Failure)
  | { type: 'JOB_LOST' | 'OVERDUE' }
  /** What it makes is not wanted any more. `goes`: see `Going`. */
  | { type: 'ABANDONED'; goes?: Going }
  /** A person has it tried again. */
  | { type: 'REPLAYED' }
  /** A person says which resource is the outcome; it is looked at before it is believed. */
  | { type: 'MARKED_DONE'; resourceId: string }
  /** A timer that this machine asked for. */
  | ({ type: 'TIMER' } & OfWaiting)
  /** A worker (this one after a restart, or another) takes the operation up again from the database. */
  | { type: 'RESUMED' };

/** Why it waits: `settle` until lists are complete, `retry` after "later", `watch` a resource getting ready, `discard` one going. */
export type WaitKind = 'settle' | 'retry' | 'watch' | 'discard';

export const operationLimits = {
  /** Look-ups that must all find nothing, spread over the settle window, before the request may be sent again. */
  lookUpsBeforeResend: 3,
  /** Requests of one stage of an operation: one that leads on has not been in vain. */
  attempts: 12,
  /** "Later" answers before it is given up. */
  retries: 8,
  /** Looks at something that does not get ready; with the growing wait between them about an hour. */
  watches: 240,
  /** "Later" to a look-up, in a row; with the growing wait between them about an hour. */
  laters: 40,
  stages: 20,
};

/** Requests since the stage began, or since a person last had it tried anew. */
const attempts = (context: OperationContext) => context.attempt - context.attemptsBefore;
const outOfTries = (context: OperationContext) =>
  context.abandoned || context.retries >= operationLimits.retries || attempts(context) >= operationLimits.attempts;

const jobTimeout = 'CLD_JOB_TIMEOUT';

/** Whether a failure is no answer of the cloud's, only the end of our patience: the job may still run. */
export const isOutOfPatience = ({ code }: Failure): boolean => code === jobTimeout;

/** It ends before a person, who is told what was seen time and again. */
const seenInWords = {
  nothingCameOfIt: 'After every request nothing of it was there',
  stagesDoNotEnd: 'Stage followed stage without an end',
  cannotBeLookedUp: 'Every look-up was put off',
  shownAndNotThere: 'It is named, and each look at it found nothing',
  neverReady: 'It is there and did not get ready',
  neverGone: 'It was to be removed and did not go',
};

export const operationMachine = setup({
  types: {
    context: {} as OperationContext,
    events: {} as OperationEvent,
  },
  guards: {
    // Absence counts when it lasts, and not before the request can no longer be running, unless a second one is impossible.
    moreLookUpsNeeded: ({ context, event }) =>
      context.lookUps + 1 < operationLimits.lookUpsBeforeResend ||
      (event.type === 'ABSENT' && event.mayStillRun === true && event.guarded !== true),
    mayTryAgain: ({ context }) => !outOfTries(context),
    maySendAgain: ({ context }) => !context.abandoned && attempts(context) < operationLimits.attempts,
    notWanted: ({ context }) => context.abandoned,
    wanted: ({ context }) => !context.abandoned,
    orderWaits: ({ event }) => 'orderWaits' in event && event.orderWaits === true,
    // Looked for before its order had to wait: time has passed, so it is looked for once more.
    mayBeSentAfterALook: ({ context, event }) =>
      context.lookUps > 0 && !('orderWaits' in event && event.orderWaits === true),
    mayBeSentNow: ({ event }) => !('orderWaits' in event && event.orderWaits === true),
    // Not wanted, there, and the cloud takes it away while it is being built.
    goesAtOnce: ({ context, event }) =>
      (event.type === 'ABANDONED' ? event.goes === 'atOnce' : context.abandoned && context.goes === 'atOnce') &&
      Boolean(('resourceId' in event && event.resourceId) || context.resourceId),
    goesHere: ({ context }) => context.abandoned && context.goes !== null,
    cloudRefusedForGood: ({ context }) => context.failure?.disposition === 'reject',
    // How to go on with what nobody wants any more need not be asked; whether a job that outlived its time still makes it, must.
    personIsNeeded: ({ context: { failure, abandoned } }) =>
      failure?.disposition === 'ask-human' && (!abandoned || isOutOfPatience(failure)),
    saidItFailed: ({ event }) => event.type === 'OUTCOME_UNKNOWN' && event.how === 'failed',
    // It ended without an effect, time and again, and each time the cloud said why: that is its answer.
    failedTooOften: ({ context }) => context.failure?.disposition === 'retry' && outOfTries(context),
    failedTooOftenWithSomethingLeft: ({ context }) =>
      context.failure?.disposition === 'retry' &&
      outOfTries(context) &&
      context.stage !== null &&
      context.resourceId !== null,
    laterMayWork: ({ context }) => context.failure?.disposition === 'retry' && !outOfTries(context),
    resourceKnown: ({ context, event }) => Boolean(('resourceId' in event && event.resourceId) || context.resourceId),
    // An earlier stage made something that this operation is about: it must not be left behind.
    earlierStageLeftSomething: ({ context }) => context.stage !== null && context.resourceId !== null,
    refusedForGoodWithSomethingLeft: ({ context }) =>
      context.failure?.disposition === 'reject' && context.stage !== null && context.resourceId !== null,
    notWantedWithSomethingLeft: ({ context, event }) =>
      context.abandoned && Boolean(('resourceId' in event && event.resourceId) || context.resourceId),
    firstLook: ({ context }) => context.watches === 0,
    watchedLongEnough: ({ context }) => context.watches >= operationLimits.watches,
    toldLaterTooOften: ({ context }) => context.laters >= operationLimits.laters,
    tooManyStages: ({ context }) => context.stages >= operationLimits.stages,
  },
  actions: {
    // Effects.
    send: () => {},
    lookUp: () => {},
    track: () => {},
    inspect: () => {},
    discard: () => {},
    wait: (_, _params: { kind: WaitKind }) => {},
    listOrphans: () => {},
    // Memory.
    // A new request has a story of its own: why an earlier one failed says nothing of it.
    countAttempt: assign(({ context }) => ({ attempt: context.attempt + 1, jobId: null, watches: 0, failure: null })),
    noteJob: assign(({ context, event }) =>
      'jobId' in event ? { jobId: event.jobId, resourceId: event.resourceId ?? context.resourceId, failure: null } : {},
    ),
    noteResource: assign(({ context, event }) =>
      'resourceId' in event ? { resourceId: event.resourceId ?? context.resourceId } : {},
    ),
    noteReady: assign(({ context, event }) =>
      event.type === 'DONE' || event.type === 'READY'
        ? {
            resourceId: event.resourceId,
            facts: { ...context.facts, ...event.facts },
            startedAt: event.startedAt,
            failure: null,
          }
        : {},
    ),
    noteStage: assign(({ context, event }) =>
      event.type === 'NEXT_STAGE'
        ? {
            stage: event.stage,
            memo: { ...context.memo, ...event.memo },
            jobId: null,
            resourceId: event.resourceId,
            lookUps: 0,
            retries: 0,
            watches: 0,
            stages: context.stages + 1,
            attemptsBefore: context.attempt,
          }
        : {},
    ),
    noteOthers: assign(({ event }) => (event.type === 'FOUND' ? { others: event.others } : {})),
    noteLater: assign(({ event }) =>
      'message' in event
        ? { failure: { disposition: 'retry' as const, code: event.code, message: event.message } }
        : {},
    ),
    noteRejection: assign(({ event }) =>
      'message' in event
        ? { failure: { disposition: 'reject' as const, code: event.code, message: event.message } }
        : {},
    ),
    noteNeedOfOperator: assign(({ event }) =>
      'message' in event
        ? { failure: { disposition: 'ask-human' as const, code: event.code, message: event.message } }
        : {},
    ),
    noteJobFailure: assign(({ event }) =>
      event.type === 'JOB_FAILED'
        ? { failure: { disposition: event.disposition, code: event.code, message: event.message } }
        : {},
    ),
    noteBroken: assign(({ context, event }) =>
      // A job that failed has said why; a job that succeeded and left a broken thing has not.
      event.type === 'BROKEN' && !context.failure
        ? { failure: { disposition: 'reject' as const, code: event.code, message: event.message } }
        : {},
    ),
    noteGivenUp: assign(({ context, event }, { seen }: { seen: keyof typeof seenInWords }) => {
      const said = 'message' in event ? event.message : context.failure?.message;
      const reason = said ? `last said: ${said.replace(/\.$/, '')}` : 'gave no reason';
      return {
        failure: {
          disposition: 'ask-human' as const,
          code: 'CLD_OUTCOME_UNCLEAR',
          message: `${seenInWords[seen]}; the cloud ${reason}. Look at the resource by its marker.`,
        },
      };
    }),
    countLookUp: assign(({ context }) => ({ lookUps: context.lookUps + 1, laters: 0 })),
    forgetLookUps: assign(() => ({ lookUps: 0, laters: 0 })),
    // A cloud that did not answer has shown no sign of life: what was not found before it counts no more.
    countLater: assign(({ context }) => ({ laters: context.laters + 1, lookUps: 0 })),
    countRetry: assign(({ context }) => ({ retries: context.retries + 1 })),
    countWatch: assign(({ context }) => ({ watches: context.watches + 1 })),
    forgetWatches: assign(() => ({ watches: 0 })),
    // What an earlier stage made stays known: the later stages work on it.
    forgetResource: assign(({ context }) =>
      context.stage === null ? { resourceId: null, jobId: null } : { jobId: null },
    ),
    noteOverdue: assign(() => ({
      failure: {
        disposition: 'ask-human' as const,
        code: jobTimeout,
        message: 'The job has not ended in the time it was given; it may still run.',
      },
    })),
    noteJobSettled: assign(({ context }) => ({ settledJobId: context.jobId })),
    // What the operation was about is gone: another try begins with the first stage.
    startOver: assign(() => ({ stage: null, memo: {}, resourceId: null, jobId: null, lookUps: 0, watches: 0 })),
    noteAbandoned: assign(({ event }) => ({
      abandoned: true,
      goes: (event.type === 'ABANDONED' && event.goes) || null,
    })),
    noteResourceNamed: assign(({ event }) => (event.type === 'MARKED_DONE' ? { resourceId: event.resourceId } : {})),
    // A person's word opens what was closed: all counts begin again, and a job that had spoken may be asked once more.
    allowAgain: assign(({ context }) => ({
      failure: null,
      settledJobId: null,
      lookUps: 0,
      laters: 0,
      retries: 0,
      watches: 0,
      stages: 0,
      attemptsBefore: context.attempt,
    })),
  },
}).createMachine({
  id: 'operation',
  context: {
    attempt: 0,
    stage: null,
    memo: {},
    jobId: null,
    settledJobId: null,
    resourceId: null,
    facts: {},
    startedAt: null,
    lookUps: 0,
    retries: 0,
    watches: 0,
    failure: null,
    others: [],
    laters: 0,
    stages: 0,
    attemptsBefore: 0,
    abandoned: false,
    goes: null,
    mayRunUntil: 0,
  },
  initial: 'requesting',
  states: {
    // The intent is stored; the request is about to leave, or on its way.
    requesting: {
      entry: ['countAttempt', 'send'],
      on: {
        ACCEPTED: [
          { guard: 'goesAtOnce', target: 'discarding', actions: ['noteJob', 'forgetWatches'] },
          { target: 'inFlight', actions: 'noteJob' },
        ],
        DONE: [
          { guard: 'goesHere', target: 'discarding', actions: ['noteReady', 'forgetWatches'] },
          { target: 'done', actions: 'noteReady' },
        ],
        NEXT_STAGE: [
          { guard: 'notWantedWithSomethingLeft', target: 'discarding', actions: 'noteResource' },
          { guard: 'notWanted', target: 'failed' },
          {
            guard: 'tooManyStages',
            target: 'stuck',
            actions: { type: 'noteGivenUp', params: { seen: 'stagesDoNotEnd' } },
          },
          { guard: 'orderWaits', target: 'backingOff', actions: 'noteStage' },
          { target: 'requesting', reenter: true, actions: 'noteStage' },
        ],
        TRY_LATER: [
          { guard: 'mayTryAgain', target: 'backingOff', actions: 'noteLater' },
          { guard: 'earlierStageLeftSomething', target: 'discarding', actions: 'noteRejection' },
          { target: 'failed', actions: 'noteLater' },
        ],
        REJECTED: [
          { guard: 'earlierStageLeftSomething', target: 'discarding', actions: 'noteRejection' },
          { target: 'failed', actions: 'noteRejection' },
        ],
        NEEDS_OPERATOR: { target: 'stuck', actions: 'noteNeedOfOperator' },
        OUTCOME_UNKNOWN: [
          { guard: 'saidItFailed', target: 'lookingUp', actions: 'noteLater' },
          { target: 'lookingUp' },
        ],
        // The request may have left before the worker stopped: nobody knows, so it is looked up, never sent blindly.
        RESUMED: 'lookingUp',
        // It is on its way: what comes of it is undone when it is there. So in every state that waits for the cloud.
        ABANDONED: { actions: 'noteAbandoned' },
      },
    },
    // Nobody knows whether the request was carried out. Only the cloud's own lists, asked for our marker, lead out.
    lookingUp: {
      entry: 'lookUp',
      on: {
        FOUND_JOB: [
          { guard: 'goesAtOnce', target: 'discarding', actions: ['noteJob', 'forgetLookUps', 'forgetWatches'] },
          { target: 'inFlight', actions: ['noteJob', 'forgetLookUps'] },
        ],
        FOUND: [
          {
            guard: 'goesAtOnce',
            target: 'discarding',
            actions: ['noteResource', 'noteOthers', 'listOrphans', 'forgetLookUps', 'forgetWatches'],
          },
          { target: 'verifying', actions: ['noteResource', 'noteOthers', 'listOrphans', 'forgetLookUps'] },
        ],
        NAMED_AGAIN: { target: 'verifying', actions: 'noteResource' },
        ABSENT: [
          { guard: 'moreLookUpsNeeded', target: 'settling', actions: 'countLookUp' },
          { guard: 'refusedForGoodWithSomethingLeft', target: 'discarding' },
          { guard: 'cloudRefusedForGood', target: 'failed' },
          { guard: 'personIsNeeded', target: 'stuck' },
          { guard: 'notWantedWithSomethingLeft', target: 'discarding' },
          { guard: 'notWanted', target: 'failed' },
          { guard: 'laterMayWork', target: 'backingOff', actions: ['forgetLookUps', 'forgetResource'] },
          { guard: 'failedTooOftenWithSomethingLeft', target: 'discarding' },
          { guard: 'failedTooOften', target: 'failed' },
          { guard: 'orderWaits', target: 'backingOff', actions: 'countLookUp' },
          { guard: 'maySendAgain', target: 'requesting', actions: ['forgetLookUps', 'forgetResource'] },
          { target: 'stuck', actions: { type: 'noteGivenUp', params: { seen: 'nothingCameOfIt' } } },
        ],
        TRY_LATER: [
          {
            guard: 'toldLaterTooOften',
            target: 'stuck',
            actions: { type: 'noteGivenUp', params: { seen: 'cannotBeLookedUp' } },
          },
          { target: 'settling', actions: 'countLater' },
        ],
        NEEDS_OPERATOR: { target: 'stuck', actions: 'noteNeedOfOperator' },
        RESUMED: { target: 'lookingUp', reenter: true },
        ABANDONED: { actions: 'noteAbandoned' },
      },
    },
    // Lists may lag behind the truth: absence counts only when it lasts.
    settling: {
      entry: { type: 'wait', params: { kind: 'settle' } },
      on: {
        TIMER: 'lookingUp',
        RESUMED: { target: 'settling', reenter: true },
        ABANDONED: { actions: 'noteAbandoned' },
      },
    },
    // The cloud took the job and works on it.
    inFlight: {
      entry: 'track',
      on: {
        JOB_SUCCEEDED: [
          { guard: 'resourceKnown', target: 'verifying', actions: ['noteResource', 'noteJobSettled'] },
          { target: 'lookingUp', actions: 'noteJobSettled' },
        ],
        JOB_FAILED: [
          { guard: 'resourceKnown', target: 'verifying', actions: ['noteJobFailure', 'noteJobSettled'] },
          { target: 'lookingUp', actions: ['noteJobFailure', 'noteJobSettled'] },
        ],
        JOB_LOST: [
          { guard: 'resourceKnown', target: 'verifying', actions: 'noteJobSettled' },
          { target: 'lookingUp', actions: 'noteJobSettled' },
        ],
        // It may still be running: what it makes is looked for, but the request is not sent again without a person.
        OVERDUE: [
          { guard: 'resourceKnown', target: 'verifying', actions: ['noteOverdue', 'noteJobSettled'] },
          { target: 'lookingUp', actions: ['noteOverdue', 'noteJobSettled'] },
        ],
        RESUMED: { target: 'inFlight', reenter: true },
        ABANDONED: [
          { guard: 'goesAtOnce', target: 'discarding', actions: ['noteAbandoned', 'forgetWatches'] },
          { actions: 'noteAbandoned' },
        ],
      },
    },
    // Jobs lie: what counts is the resource itself.
    verifying: {
      entry: 'inspect',
      on: {
        READY: [
          { guard: 'goesHere', target: 'discarding', actions: ['noteReady', 'forgetWatches'] },
          { target: 'done', actions: 'noteReady' },
        ],
        NEXT_STAGE: [
          { guard: 'notWantedWithSomethingLeft', target: 'discarding', actions: 'noteResource' },
          { guard: 'notWanted', target: 'failed' },
          {
            guard: 'tooManyStages',
            target: 'stuck',
            actions: { type: 'noteGivenUp', params: { seen: 'stagesDoNotEnd' } },
          },
          { guard: 'orderWaits', target: 'backingOff', actions: 'noteStage' },
          { target: 'requesting', actions: 'noteStage' },
        ],
        PENDING: [{ guard: 'goesAtOnce', target: 'discarding', actions: 'forgetWatches' }, { target: 'watching' }],
        BROKEN: { target: 'discarding', actions: ['noteBroken', 'forgetWatches'] },
        // Not there, or not shown yet: the cloud is asked by our marker. Found and not there, time and again: not at once.
        ABSENT: [
          {
            guard: 'watchedLongEnough',
            target: 'stuck',
            actions: { type: 'noteGivenUp', params: { seen: 'shownAndNotThere' } },
          },
          { guard: 'firstLook', target: 'lookingUp', actions: 'countWatch' },
          // As a look-up that found nothing, for it is one.
          { guard: 'moreLookUpsNeeded', target: 'settling', actions: ['countWatch', 'countLookUp'] },
          { guard: 'refusedForGoodWithSomethingLeft', target: 'discarding' },
          { guard: 'cloudRefusedForGood', target: 'failed' },
          { guard: 'personIsNeeded', target: 'stuck' },
          { guard: 'notWantedWithSomethingLeft', target: 'discarding' },
          { guard: 'notWanted', target: 'failed' },
          { guard: 'laterMayWork', target: 'backingOff', actions: ['forgetLookUps', 'forgetResource'] },
          { guard: 'failedTooOftenWithSomethingLeft', target: 'discarding' },
          { guard: 'failedTooOften', target: 'failed' },
          { guard: 'orderWaits', target: 'backingOff', actions: 'countLookUp' },
          { guard: 'maySendAgain', target: 'requesting', actions: ['forgetLookUps', 'forgetResource'] },
          { target: 'stuck', actions: { type: 'noteGivenUp', params: { seen: 'nothingCameOfIt' } } },
        ],
        TRY_LATER: 'watching',
        NEEDS_OPERATOR: { target: 'stuck', actions: 'noteNeedOfOperator' },
        RESUMED: { target: 'verifying', reenter: true },
        ABANDONED: [
          { guard: 'goesAtOnce', target: 'discarding', actions: ['noteAbandoned', 'forgetWatches'] },
          { actions: 'noteAbandoned' },
        ],
      },
    },
    watching: {
      entry: ['countWatch', { type: 'wait', params: { kind: 'watch' } }],
      on: {
        TIMER: [
          {
            guard: 'watchedLongEnough',
            target: 'stuck',
            actions: { type: 'noteGivenUp', params: { seen: 'neverReady' } },
          },
          { target: 'verifying' },
        ],
        // A restart begins the wait anew; it uses up no look. So below.
        RESUMED: { actions: { type: 'wait', params: { kind: 'watch' } } },
        ABANDONED: [
          { guard: 'goesAtOnce', target: 'discarding', actions: ['noteAbandoned', 'forgetWatches'] },
          { actions: 'noteAbandoned' },
        ],
      },
    },
    // Something is there that will never work and holds a name, an address or money. It goes before anything else.
    discarding: {
      entry: 'discard',
      on: {
        GONE: [
          { guard: 'laterMayWork', target: 'backingOff', actions: 'startOver' },
          { guard: 'notWanted', target: 'failed', actions: 'startOver' },
          { guard: 'personIsNeeded', target: 'stuck', actions: 'startOver' },
          { target: 'failed', actions: 'startOver' },
        ],
        IN_PROGRESS: 'leaving',
        TRY_LATER: 'leaving',
        OUTCOME_UNKNOWN: 'leaving',
        REJECTED: { target: 'stuck', actions: 'noteNeedOfOperator' },
        NEEDS_OPERATOR: { target: 'stuck', actions: 'noteNeedOfOperator' },
        RESUMED: { target: 'discarding', reenter: true },
        ABANDONED: { actions: 'noteAbandoned' },
      },
    },
    leaving: {
      entry: ['countWatch', { type: 'wait', params: { kind: 'discard' } }],
      on: {
        TIMER: [
          {
            guard: 'watchedLongEnough',
            target: 'stuck',
            actions: { type: 'noteGivenUp', params: { seen: 'neverGone' } },
          },
          { target: 'discarding' },
        ],
        RESUMED: { actions: { type: 'wait', params: { kind: 'discard' } } },
        ABANDONED: { actions: 'noteAbandoned' },
      },
    },
    // The cloud said "later", and that nothing was done; or the next request waits with its order. While the order waits for a person
    // the alarm means nothing: it rings again when the order goes on.
    backingOff: {
      entry: ['countRetry', { type: 'wait', params: { kind: 'retry' } }],
      on: {
        TIMER: [
          { guard: 'notWantedWithSomethingLeft', target: 'discarding' },
          { guard: 'notWanted', target: 'failed' },
          { guard: 'mayBeSentAfterALook', target: 'lookingUp' },
          { guard: 'mayBeSentNow', target: 'requesting' },
        ],
        RESUMED: { actions: { type: 'wait', params: { kind: 'retry' } } },
        // Nothing is on its way: it ends here.
        ABANDONED: [
          { guard: 'earlierStageLeftSomething', target: 'discarding', actions: 'noteAbandoned' },
          { target: 'failed', actions: 'noteAbandoned' },
        ],
      },
    },
    done: { type: 'final' },
    // Nothing of it is left on the cloud. Only a person's word leads out, and not where nobody wants it any more.
    failed: {
      on: {
        REPLAYED: { guard: 'wanted', target: 'requesting', actions: ['startOver', 'allowAgain'] },
        MARKED_DONE: { target: 'verifying', actions: ['allowAgain', 'noteResourceNamed'] },
      },
    },
    // Only a person can say how it goes on. Whatever they say, the cloud is asked first.
    stuck: {
      on: {
        REPLAYED: { target: 'lookingUp', actions: 'allowAgain' },
        ABANDONED: { target: 'lookingUp', actions: ['allowAgain', 'noteAbandoned'] },
        MARKED_DONE: { target: 'verifying', actions: ['allowAgain', 'noteResourceNamed'] },
      },
    },
  },
});
