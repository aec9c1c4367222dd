import { describe, expect, it } from '@jest/globals';
import { type OperationEvent, operationMachine } from '../../src/machines/operation.machine.js';
import { noAttemptsLeft, operationBranches, twice } from './operation-branches.js';
import { later, operationEvents, operationMemory } from './samples.js';
import { beginning, gapsOf, inWords, pairs, type Table, take } from './support.js';

const but = (...taken: string[]) =>
  Object.keys(operationEvents)
    .filter((type) => !taken.includes(type))
    .join(' ');

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
    ABANDONED: 'requesting', // remembered
    ignored: `READY BROKEN FOUND_JOB FOUND ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE TIMER REPLAYED MARKED_DONE NAMED_AGAIN`,
  },
  lookingUp: {
    FOUND_JOB: 'inFlight: track',
    FOUND: 'verifying: listOrphans, inspect',
    NAMED_AGAIN: 'verifying: inspect',
    ABSENT: 'settling: wait(settle)',
    TRY_LATER: 'settling: wait(settle)',
    NEEDS_OPERATOR: 'stuck',
    RESUMED: 'lookingUp: lookUp',
    ABANDONED: 'lookingUp', // remembered
    ignored: `ACCEPTED DONE READY NEXT_STAGE REJECTED OUTCOME_UNKNOWN BROKEN PENDING GONE IN_PROGRESS
      JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE TIMER REPLAYED MARKED_DONE`,
  },
  settling: {
    TIMER: 'lookingUp: lookUp',
    RESUMED: 'settling: wait(settle)',
    ABANDONED: 'settling', // remembered
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE REPLAYED MARKED_DONE NAMED_AGAIN`,
  },
  inFlight: {
    JOB_SUCCEEDED: 'verifying: inspect', // the sample names the resource
    JOB_FAILED: 'lookingUp: lookUp',
    JOB_LOST: 'lookingUp: lookUp',
    OVERDUE: 'lookingUp: lookUp',
    RESUMED: 'inFlight: track',
    ABANDONED: 'inFlight', // remembered
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS TIMER REPLAYED MARKED_DONE NAMED_AGAIN`,
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
    ABANDONED: 'verifying', // remembered
    ignored: `ACCEPTED DONE REJECTED OUTCOME_UNKNOWN FOUND_JOB FOUND GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST
      OVERDUE TIMER REPLAYED MARKED_DONE NAMED_AGAIN`,
  },
  watching: {
    TIMER: 'verifying: inspect',
    RESUMED: 'watching: wait(watch)',
    ABANDONED: 'watching', // remembered
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE REPLAYED MARKED_DONE NAMED_AGAIN`,
  },
  discarding: {
    GONE: 'failed',
    IN_PROGRESS: 'leaving: wait(discard)',
    TRY_LATER: 'leaving: wait(discard)',
    OUTCOME_UNKNOWN: 'leaving: wait(discard)',
    REJECTED: 'stuck',
    NEEDS_OPERATOR: 'stuck',
    RESUMED: 'discarding: discard',
    ABANDONED: 'discarding', // remembered
    ignored: `ACCEPTED DONE READY NEXT_STAGE BROKEN FOUND_JOB FOUND ABSENT PENDING JOB_SUCCEEDED JOB_FAILED JOB_LOST
      OVERDUE TIMER REPLAYED MARKED_DONE NAMED_AGAIN`,
  },
  leaving: {
    TIMER: 'discarding: discard',
    RESUMED: 'leaving: wait(discard)',
    ABANDONED: 'leaving', // remembered
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE REPLAYED MARKED_DONE NAMED_AGAIN`,
  },
  backingOff: {
    TIMER: 'requesting: send',
    RESUMED: 'backingOff: wait(retry)',
    ABANDONED: 'failed',
    ignored: `ACCEPTED DONE READY NEXT_STAGE TRY_LATER REJECTED NEEDS_OPERATOR OUTCOME_UNKNOWN BROKEN FOUND_JOB FOUND
      ABSENT PENDING GONE IN_PROGRESS JOB_SUCCEEDED JOB_FAILED JOB_LOST OVERDUE REPLAYED MARKED_DONE NAMED_AGAIN`,
  },
  done: { ignored: Object.keys(operationEvents).join(' ') },
  failed: {
    REPLAYED: 'requesting: send',
    MARKED_DONE: 'verifying: inspect',
    ignored: but('REPLAYED', 'MARKED_DONE'),
  },
  stuck: {
    REPLAYED: 'lookingUp: lookUp',
    ABANDONED: 'lookingUp: lookUp',
    MARKED_DONE: 'verifying: inspect',
    ignored: but('REPLAYED', 'ABANDONED', 'MARKED_DONE'),
  },
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
