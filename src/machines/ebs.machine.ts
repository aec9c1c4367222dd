import { assign, setup } from 'xstate';
import type { ItemContext, ItemEvent } from './item.js';
import { emptyItemContext } from './item.js';

/**
 * A disk: created beside the VM, attached once the VM runs. A disk that was ordered for a VM and cannot be attached to it
 * is removed again: billing must not charge for it.
 */
export const ebsMachine = setup({
  types: { context: {} as ItemContext, events: {} as ItemEvent },
  guards: {
    belongsToVm: ({ context }) => context.hasVm,
    vmWillNeverCome: ({ context }) => context.failure !== null,
    neverTried: ({ context }) => context.failure?.code === 'need_failed',
  },
  actions: {
    startOperation: (_, _params: { operation: 'ebs.create' | 'ebs.attach' | 'ebs.delete' }) => {},
    noteFacts: assign(({ context, event }) =>
      event.type === 'OPERATION_DONE' ? { facts: { ...context.facts, ...event.facts } } : {},
    ),
    noteFailure: assign(({ event }) => ('failure' in event ? { failure: event.failure } : {})),
    forgetFacts: assign(() => ({ facts: {} })),
  },
}).createMachine({
  id: 'ebs',
  context: emptyItemContext,
  initial: 'waiting',
  states: {
    waiting: {
      on: {
        NEEDS_MET: 'creating',
        NEED_FAILED: { target: 'cancelled', actions: 'noteFailure' },
      },
    },
    creating: {
      entry: { type: 'startOperation', params: { operation: 'ebs.create' } },
      on: {
        OPERATION_DONE: [
          { guard: 'vmWillNeverCome', target: 'removing', actions: 'noteFacts' },
          { guard: 'belongsToVm', target: 'waitingForVm', actions: 'noteFacts' },
          { target: 'available', actions: 'noteFacts' },
        ],
        OPERATION_FAILED: { target: 'failed', actions: 'noteFailure' },
        OPERATION_STUCK: { target: 'needsOperator', actions: 'noteFailure' },
        // Remembered: the request is out, and what it makes is removed when it is there.
        NEED_FAILED: { actions: 'noteFailure' },
      },
    },
    waitingForVm: {
      on: {
        NEEDS_MET: 'attaching',
        NEED_FAILED: { target: 'removing', actions: 'noteFailure' },
      },
    },
    attaching: {
      entry: { type: 'startOperation', params: { operation: 'ebs.attach' } },
      on: {
        OPERATION_DONE: { target: 'attached', actions: 'noteFacts' },
        OPERATION_FAILED: { target: 'removing', actions: 'noteFailure' },
        OPERATION_STUCK: { target: 'needsOperator', actions: 'noteFailure' },
      },
    },
    removing: {
      entry: { type: 'startOperation', params: { operation: 'ebs.delete' } },
      on: {
        OPERATION_DONE: [
          { guard: 'neverTried', target: 'cancelled', actions: 'forgetFacts' },
          { target: 'failed', actions: 'forgetFacts' },
        ],
        OPERATION_FAILED: { target: 'needsOperator', actions: 'noteFailure' },
        OPERATION_STUCK: { target: 'needsOperator', actions: 'noteFailure' },
      },
    },
    attached: { type: 'final', tags: 'completed' },
    // Ordered without a VM: delivered as it is.
    available: { type: 'final', tags: 'completed' },
    failed: { type: 'final', tags: 'failed' },
    cancelled: { type: 'final', tags: 'cancelled' },
    needsOperator: { tags: 'needsOperator' },
  },
});
