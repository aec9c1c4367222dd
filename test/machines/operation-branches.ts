import { expect } from '@jest/globals';
import { type OperationContext, type OperationEvent, operationLimits } from '../../src/machines/operation.machine.js';
import { later, operationEvents, question, rejection } from './samples.js';

const { attempts, retries, watches } = operationLimits;

/** Where the memory decides: state, what it remembers, event, what follows, what it remembers then. */
type Branch = [string, Partial<OperationContext>, OperationEvent, string, Partial<OperationContext>];
const { ABSENT, TRY_LATER, TIMER, GONE, JOB_FAILED, JOB_LOST, OVERDUE, BROKEN, READY, RESUMED } = operationEvents;
export const twice = { lookUps: 2 };
export const noAttemptsLeft = { attempt: attempts };
const noRetriesLeft = { retries };
const broken = { disposition: 'reject', code: BROKEN.code, message: BROKEN.message } as const;
const overdue = expect.objectContaining({ disposition: 'ask-human', code: 'CLD_JOB_TIMEOUT' }) as never;
const laterStage = { stage: 'tier', memo: { vpcId: 'v' }, resourceId: 'v' };
const givenUp = expect.objectContaining({ disposition: 'ask-human', code: 'CLD_OUTCOME_UNCLEAR' }) as never;

export const operationBranches: Record<string, Branch> = {
  '"later" counts tries': [
    'requesting',
    { retries: 2 },
    TRY_LATER,
    'backingOff: wait(retry)',
    { retries: 3, failure: later },
  ],
  '"later" too often is a failure': ['requesting', noRetriesLeft, TRY_LATER, 'failed', { failure: later }],
  '"later" after the last request is a failure': [
    'requesting',
    noAttemptsLeft,
    TRY_LATER,
    'failed',
    { failure: later },
  ],
  'one absence is not believed': ['lookingUp', {}, ABSENT, 'settling: wait(settle)', { lookUps: 1 }],
  'two absences are not believed': ['lookingUp', { lookUps: 1 }, ABSENT, 'settling: wait(settle)', twice],
  'a look-up that was put off is not counted': ['lookingUp', twice, TRY_LATER, 'settling: wait(settle)', twice],
  'three absences allow another request': ['lookingUp', twice, ABSENT, 'requesting: send', { attempt: 2, lookUps: 0 }],
  'absent, and the job had been refused for good': [
    'lookingUp',
    { ...twice, failure: rejection },
    ABSENT,
    'failed',
    { failure: rejection },
  ],
  'absent, and the job had asked for a person': [
    'lookingUp',
    { ...twice, failure: question },
    ABSENT,
    'stuck',
    { failure: question },
  ],
  'absent, and the job had said "later"': [
    'lookingUp',
    { ...twice, failure: later },
    ABSENT,
    'backingOff: wait(retry)',
    { lookUps: 0, retries: 1 },
  ],
  'absent, "later", and no retries left': [
    'lookingUp',
    { ...twice, ...noRetriesLeft, failure: later },
    ABSENT,
    'requesting: send',
    { attempt: 2 },
  ],
  'absent, and no request left': ['lookingUp', { ...twice, ...noAttemptsLeft }, ABSENT, 'stuck', { failure: givenUp }],
  'absent, "later", and no request left': [
    'lookingUp',
    { ...twice, ...noAttemptsLeft, failure: later },
    ABSENT,
    'stuck',
    { failure: givenUp },
  ],
  'what is found is adopted, the others are listed': [
    'lookingUp',
    { lookUps: 1 },
    { type: 'FOUND', resourceId: 'r-2', others: ['r-9'] },
    'verifying: listOrphans, inspect',
    { resourceId: 'r-2', others: ['r-9'], lookUps: 0 },
  ],
  'a found job names its resource': [
    'lookingUp',
    { lookUps: 1 },
    { type: 'FOUND_JOB', jobId: 'j', resourceId: 'r' },
    'inFlight: track',
    { jobId: 'j', resourceId: 'r', lookUps: 0 },
  ],
  'a job that names nothing, done': [
    'inFlight',
    {},
    { type: 'JOB_SUCCEEDED', resourceId: null },
    'lookingUp: lookUp',
    { resourceId: null },
  ],
  'a job that names nothing, resource known': [
    'inFlight',
    { resourceId: 'r' },
    { type: 'JOB_SUCCEEDED', resourceId: null },
    'verifying: inspect',
    { resourceId: 'r' },
  ],
  'a failed job may lie: the resource is looked at': [
    'inFlight',
    { resourceId: 'r' },
    JOB_FAILED,
    'verifying: inspect',
    { failure: rejection },
  ],
  'a failed job without a resource is looked up': [
    'inFlight',
    {},
    JOB_FAILED,
    'lookingUp: lookUp',
    { failure: rejection },
  ],
  'a lost job, resource known': ['inFlight', { resourceId: 'r' }, JOB_LOST, 'verifying: inspect', { failure: null }],
  'an endless job, resource known': [
    'inFlight',
    { resourceId: 'r', jobId: 'job-1' },
    OVERDUE,
    'verifying: inspect',
    { failure: overdue, settledJobId: 'job-1' },
  ],
  'the job failed and the resource is fine': [
    'verifying',
    { resourceId: 'r-1', failure: rejection },
    READY,
    'done',
    { failure: null, facts: { vmId: 'r-1' } },
  ],
  'the job succeeded and the resource is broken': [
    'verifying',
    { resourceId: 'r' },
    BROKEN,
    'discarding: discard',
    { failure: broken },
  ],
  'the job had said why it is broken': [
    'verifying',
    { resourceId: 'r', failure: later },
    BROKEN,
    'discarding: discard',
    { failure: later },
  ],
  'looks at a thing getting ready are not looks at it going': [
    'verifying',
    { watches: 99 },
    BROKEN,
    'discarding: discard',
    { watches: 0 },
  ],
  'a watch is counted': ['verifying', { watches: 4 }, operationEvents.PENDING, 'watching: wait(watch)', { watches: 5 }],
  'a thing that never gets ready': ['watching', { watches }, TIMER, 'stuck', { failure: givenUp }],
  'a thing that never goes': ['leaving', { watches }, TIMER, 'stuck', { failure: givenUp }],
  'gone, and "later" may work': [
    'discarding',
    { resourceId: 'r', jobId: 'j', failure: later },
    GONE,
    'backingOff: wait(retry)',
    { resourceId: null, jobId: null, retries: 1 },
  ],
  'gone, "later", no retries left': [
    'discarding',
    { ...noRetriesLeft, failure: later },
    GONE,
    'failed',
    { failure: later },
  ],
  'gone, and a person is asked for': [
    'discarding',
    { resourceId: 'r', failure: question },
    GONE,
    'stuck',
    { resourceId: null, failure: question },
  ],
  'gone, refused for good': [
    'discarding',
    { resourceId: 'r', failure: rejection },
    GONE,
    'failed',
    { resourceId: null, failure: rejection },
  ],
  'the next request has a story of its own': [
    'backingOff',
    { failure: later, watches: 7 },
    TIMER,
    'requesting: send',
    { attempt: 2, failure: null, watches: 0 },
  ],
  'the next stage too': [
    'verifying',
    { failure: rejection, retries: 3, resourceId: 'r' },
    operationEvents.NEXT_STAGE,
    'requesting: send',
    { stage: 'tier', memo: { vpcId: 'vpc-1' }, attempt: 2, failure: null, retries: 0, resourceId: null },
  ],
  'an endless job is never sent again without a person': [
    'lookingUp',
    { ...twice, failure: { ...question, code: 'CLD_JOB_TIMEOUT' } },
    ABSENT,
    'stuck',
    { attempt: 1 },
  ],
  'a job that has spoken is remembered': [
    'inFlight',
    { jobId: 'j' },
    JOB_LOST,
    'lookingUp: lookUp',
    { settledJobId: 'j' },
  ],
  'a later stage that is refused leaves nothing behind': [
    'requesting',
    laterStage,
    operationEvents.REJECTED,
    'discarding: discard',
    { failure: rejection, resourceId: 'v' },
  ],
  'a later stage that is put off too often leaves nothing behind': [
    'requesting',
    { ...laterStage, ...noRetriesLeft },
    TRY_LATER,
    'discarding: discard',
    { resourceId: 'v' },
  ],
  'a later stage whose job is refused and that left nothing of its own takes the earlier one with it': [
    'lookingUp',
    { ...laterStage, ...twice, failure: rejection },
    ABSENT,
    'discarding: discard',
    { resourceId: 'v' },
  ],
  'a later stage that is asked for again keeps what the earlier one made': [
    'lookingUp',
    { ...laterStage, ...twice },
    ABSENT,
    'requesting: send',
    { ...laterStage, attempt: 2 },
  ],
  'a restart uses up no retry': ['backingOff', { retries: 3 }, RESUMED, 'backingOff: wait(retry)', { retries: 3 }],
  'a restart uses up no look': ['watching', { watches: 3 }, RESUMED, 'watching: wait(watch)', { watches: 3 }],
  'a restart uses up no look at a thing going': [
    'leaving',
    { watches: 3 },
    RESUMED,
    'leaving: wait(discard)',
    { watches: 3 },
  ],
  'a restart does not count as an absence': [
    'settling',
    { lookUps: 1 },
    RESUMED,
    'settling: wait(settle)',
    { lookUps: 1 },
  ],
};
