import { describe, expect, it } from '@jest/globals';
import {
  type OperationContext,
  type OperationEvent,
  operationLimits,
  operationMachine,
} from '../../src/machines/operation.machine.js';
import { later, operationEvents, operationMemory, question, rejection } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const { attempts, retries, watches } = operationLimits;

/** Everything that can happen to an operation whose first request is out, and whose resource is not known yet. */
const table: Table<OperationEvent['type']> = {
  requesting: {
    ACCEPTED: 'inFlight: track',
    DONE: 'done',
    NEXT_STAGE: 'requesting: send',
    TRY_LATER: 'backingOff: wait(retry)',
    REJECTED: 'failed',
    NEEDS_OPERATOR: 'stuck',
    OUTCOME_UNKNOWN: 'lookingUp: lookUp',
    RESUMED: 'lookingUp: lookUp',
    ignored: `READY BROKEN FOUND_JOB FOUND ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE TIMER`,
  },
  lookingUp: {
    FOUND_JOB: 'inFlight: track',
    FOUND: 'verifying: listOrphans, inspect',
    ABSENT: 'settling: wait(settle)',
    TRY_LATER: 'settling: wait(settle)',
    NEEDS_OPERATOR: 'stuck',
    RESUMED: 'lookingUp: lookUp',
    ignored: `ACCEPTED DONE READY NEXT_STAGE REJECTED OUTCOME_UNKNOWN BROKEN PENDING GONE IN_PROGRESS
      JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE TIMER`,
  },
  settling: {
    TIMER: 'lookingUp: lookUp',
    RESUMED: 'settling: wait(settle)',
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE`,
  },
  inFlight: {
    JOB_SUCCEEDED: 'verifying: inspect', // the sample names the resource
    JOB_FAILED: 'lookingUp: lookUp',
    JOB_LOST: 'lookingUp: lookUp',
    OVERDUE: 'lookingUp: lookUp',
    RESUMED: 'inFlight: track',
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS TIMER`,
  },
  verifying: {
    READY: 'done',
    NEXT_STAGE: 'requesting: send',
    PENDING: 'watching: wait(watch)',
    BROKEN: 'discarding: discard',
    ABSENT: 'lookingUp: lookUp',
    TRY_LATER: 'watching: wait(watch)',
    NEEDS_OPERATOR: 'stuck',
    RESUMED: 'verifying: inspect',
    ignored: `ACCEPTED DONE REJECTED OUTCOME_UNKNOWN FOUND_JOB FOUND GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST
      OVERDUE TIMER`,
  },
  watching: {
    TIMER: 'verifying: inspect',
    RESUMED: 'watching: wait(watch)',
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE`,
  },
  discarding: {
    GONE: 'failed',
    IN_PROGRESS: 'leaving: wait(discard)',
    TRY_LATER: 'leaving: wait(discard)',
    OUTCOME_UNKNOWN: 'leaving: wait(discard)',
    REJECTED: 'stuck',
    NEEDS_OPERATOR: 'stuck',
    RESUMED: 'discarding: discard',
    ignored: `ACCEPTED DONE READY NEXT_STAGE BROKEN FOUND_JOB FOUND ABSENT PENDING JOB_SUCCEEDED JOB_FAILED JOB_LOST
      OVERDUE TIMER`,
  },
  leaving: {
    TIMER: 'discarding: discard',
    RESUMED: 'leaving: wait(discard)',
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE`,
  },
  backingOff: {
    TIMER: 'requesting: send',
    RESUMED: 'backingOff: wait(retry)',
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE`,
  },
  done: { ignored: Object.keys(operationEvents).join(' ') },
  failed: { ignored: Object.keys(operationEvents).join(' ') },
  stuck: { ignored: Object.keys(operationEvents).join(' ') },
};

/** Where the memory decides: state, what it remembers, event, what follows, what it remembers then. */
type Branch = [string, Partial<OperationContext>, OperationEvent, string, Partial<OperationContext>];
const { ABSENT, TRY_LATER, TIMER, GONE, JOB_FAILED, JOB_LOST, OVERDUE, BROKEN, READY, RESUMED } = operationEvents;
const twice = { lookUps: 2 };
const noAttemptsLeft = { attempt: attempts };
const noRetriesLeft = { retries };
const broken = { disposition: 'reject', code: BROKEN.code, message: BROKEN.message } as const;
const overdue = expect.objectContaining({ disposition: 'ask-human', code: 'CLD_JOB_TIMEOUT' }) as never;
const laterStage = { stage: 'tier', memo: { vpcId: 'v' }, resourceId: 'v' };
const givenUp = expect.objectContaining({ disposition: 'ask-human', code: 'CLD_OUTCOME_UNCLEAR' }) as never;

const branches: Record<string, Branch> = {
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
  'a job that has spoken is remembered': ['inFlight', { jobId: 'j' }, JOB_LOST, 'lookingUp: lookUp', { settledJobId: 'j' }],
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

describe('an operation on a cloud', () => {
  it('begins with a request whose intent is stored', () => {
    expect(beginning(operationMachine)).toBe('requesting: send');
  });

  it('has an answer in the table for every event in every state', () => {
    expect(gapsOf(table, operationMachine, Object.keys(operationEvents))).toEqual([]);
  });

  it.each(pairs(table))('%s, %s: %s', (state, type, expected) => {
    const memory = operationMemory();
    const moved = take(operationMachine, state, memory, operationEvents[type]);
    expect(inWords(moved)).toBe(expected);
    if (expected === 'ignored') expect(moved.next).toEqual({ value: state, context: memory });
  });

  it.each(Object.entries(branches))('%s', (_, [state, memory, event, expected, remembered]) => {
    const moved = take(operationMachine, state, operationMemory(memory), event);
    expect(inWords(moved)).toBe(expected);
    expect(moved.next.context).toMatchObject(remembered);
  });

  it('never sends out of a restart, whatever it was doing and whatever it remembers', () => {
    const memories = [{}, twice, { ...twice, failure: later }, noAttemptsLeft, { resourceId: 'r', jobId: 'j' }];
    for (const state of Object.keys(operationMachine.states)) {
      for (const memory of memories) {
        const words = inWords(take(operationMachine, state, operationMemory(memory), operationEvents.RESUMED));
        expect(words).not.toContain('send');
      }
    }
  });

  it('does not go on from a state that was renamed away', () => {
    expect(() => take(operationMachine, 'submitting', operationMemory(), operationEvents.ACCEPTED)).toThrow(
      /submitting/,
    );
  });
});
