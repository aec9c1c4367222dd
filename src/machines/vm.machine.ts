import { assign, setup } from 'xstate';
import type { ItemContext, ItemEvent } from './item.js';
import { emptyItemContext } from './item.js';

/**
 * A virtual machine: wait for its network, create it, done. Billing charges from `running` on, and never before.
 * `startOperation` is an effect; the runner carries it out under the rules of `operation.machine.ts`.
 */
export const vmMachine = setup({
  types: { context: {} as ItemContext, events: {} as ItemEvent },
  actions: {
    startOperation: (_, _params: { operation: 'vm.create' }) => {},
    noteFacts: assign(({ context, event }) =>
      event.type === 'OPERATION_DONE' ? { facts: { ...context.facts, ...event.facts } } : {},
    ),
    noteFailure: assign(({ event }) => ('failure' in event ? { failure: event.failure } : {})),
  },
}).createMachine({
  id: 'vm',
  context: emptyItemContext,
  initial: 'waitingForNetwork',
  states: {
    waitingForNetwork: {
      on: {
        NEEDS_MET: 'creating',
        NEED_FAILED: { target: 'cancelled', actions: 'noteFailure' },
      },
    },
    creating: {
      entry: { type: 'startOperation', params: { operation: 'vm.create' } },
      on: {
        OPERATION_DONE: { target: 'running', actions: 'noteFacts' },
        OPERATION_FAILED: { target: 'failed', actions: 'noteFailure' },
        OPERATION_STUCK: { target: 'needsOperator', actions: 'noteFailure' },
      },
    },
    // Delivered. The clock of billing starts at the instant the cloud named.
    running: { type: 'final', tags: 'completed' },
    // Tried, refused by the cloud, and nothing of it is left there.
    failed: { type: 'final', tags: 'failed' },
    // Never tried, because something it needs could not be had.
    cancelled: { type: 'final', tags: 'cancelled' },
    needsOperator: { tags: 'needsOperator' },
  },
});
