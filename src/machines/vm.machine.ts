import { assign, setup } from 'xstate';
import type { ItemContext, ItemEvent } from './item.js';
import { emptyItemContext, givenUpCodes, needFailedCode } from './item.js';

/**
 * A virtual machine: wait for its network, create it, done; and the way back, when its order is undone. Billing charges
 * from `running` on, and never before. `startOperation` is an effect; the runner carries it out under the rules of
 * `operation.machine.ts`.
 */
export const vmMachine = setup({
  types: { context: {} as ItemContext, events: {} as ItemEvent },
  guards: {
    // An operator gave it up while its request was out, or the order was undone before it was there.
    givenUp: ({ context, event }) =>
      givenUpCodes.includes(context.failure?.code ?? '') ||
      (event.type === 'OPERATION_FAILED' && givenUpCodes.includes(event.failure.code)),
    // Nothing is wrong with it: what it is for will not come, or nobody wants it any more.
    notWanted: ({ context }) => [needFailedCode, ...givenUpCodes].includes(context.failure?.code ?? ''),
    neverTried: ({ context }) => context.failure?.code === needFailedCode,
  },
  actions: {
    startOperation: (_, _params: { operation: 'vm.create' | 'vm.delete' }) => {},
    noteFacts: assign(({ context, event }) =>
      event.type === 'OPERATION_DONE' ? { facts: { ...context.facts, ...event.facts } } : {},
    ),
    noteFailure: assign(({ event }) => ('failure' in event ? { failure: event.failure } : {})),
    forgetFailure: assign(() => ({ failure: null })),
    forgetFacts: assign(() => ({ facts: {} })),
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
        UNDO: 'cancelled',
        SKIPPED: { target: 'cancelled', actions: 'noteFailure' },
      },
    },
    creating: {
      entry: { type: 'startOperation', params: { operation: 'vm.create' } },
      on: {
        OPERATION_DONE: [
          { guard: 'givenUp', target: 'removing', actions: 'noteFacts' },
          { target: 'running', actions: 'noteFacts' },
        ],
        OPERATION_FAILED: [
          { guard: 'givenUp', target: 'cancelled' },
          { target: 'failed', actions: 'noteFailure' },
        ],
        SKIPPED: { actions: 'noteFailure' },
      },
    },
    // Delivered. The clock of billing starts at the instant the cloud named.
    running: { tags: 'completed', on: { UNDO: 'removing' } },
    removing: {
      entry: { type: 'startOperation', params: { operation: 'vm.delete' } },
      on: {
        OPERATION_DONE: [
          { guard: 'notWanted', target: 'withdrawn', actions: 'forgetFacts' },
          { target: 'undone', actions: 'forgetFacts' },
        ],
        OPERATION_FAILED: { target: 'remains', actions: 'noteFailure' },
      },
    },
    // Tried, refused by the cloud, and nothing of it is left there.
    failed: {
      tags: 'failed',
      on: {
        REPLAYED: { target: 'creating', actions: 'forgetFailure' },
        SKIPPED: { target: 'cancelled', actions: 'noteFailure' },
      },
    },
    // Never tried: something it needs could not be had, or nobody wants it any more.
    cancelled: {
      tags: 'cancelled',
      on: { REPLAYED: { guard: 'neverTried', target: 'waitingForNetwork', actions: 'forgetFailure' } },
    },
    // Made, and removed again before it was delivered: what it was for will not come.
    withdrawn: { type: 'final', tags: 'cancelled' },
    // Delivered, and removed again with its order.
    undone: { type: 'final', tags: 'compensated' },
    // The cloud will not remove it. It is listed among the orphans, and its order stays open until a person has seen to it.
    remains: {
      tags: 'remains',
      on: {
        REPLAYED: { target: 'removing', actions: 'forgetFailure' },
        MARKED_GONE: { target: 'undone', actions: ['forgetFailure', 'forgetFacts'] },
      },
    },
  },
});
