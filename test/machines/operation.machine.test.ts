import { describe, expect, it } from '@jest/globals';
import { type OperationEvent, operationMachine } from '../../src/machines/operation.machine.js';
import { noAttemptsLeft, operationBranches, twice } from './operation-branches.js';
import { later, operationEvents, operationMemory } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

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

  it.each(Object.entries(operationBranches))('%s', (_, [state, memory, event, expected, remembered]) => {
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
