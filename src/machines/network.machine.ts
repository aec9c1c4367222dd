import { assign, setup } from 'xstate';
import type { ItemContext, ItemEvent } from './item.js';
import { emptyItemContext } from './item.js';

/**
 * A public address with its bandwidth: reserved beside the VM, bound to it once it runs. An address that was ordered for
 * a VM and cannot be bound is given back: billing must not charge for it.
 */
export const networkMachine = setup({
  types: { context: {} as ItemContext, events: {} as ItemEvent },
  guards: {
    belongsToVm: ({ context }) => context.hasVm,
    vmWillNeverCome: ({ context }) => context.failure !== null,
    neverTried: ({ context }) => context.failure?.code === 'need_failed',
  },
  actions: {
    startOperation: (_, _params: { operation: 'network.reserve' | 'network.bind' | 'network.release' }) => {},
    noteFacts: assign(({ context, event }) =>
      event.type === 'OPERATION_DONE' ? { facts: { ...context.facts, ...event.facts } } : {},
    ),
    noteFailure: assign(({ event }) => ('failure' in event ? { failure: event.failure } : {})),
    forgetFacts: assign(() => ({ facts: {} })),
  },
}).createMachine({
  id: 'network',
  context: emptyItemContext,
  initial: 'waitingForNetwork',
  states: {
    waitingForNetwork: {
      on: {
        NEEDS_MET: 'reserving',
        NEED_FAILED: { target: 'cancelled', actions: 'noteFailure' },
      },
    },
    reserving: {
      entry: { type: 'startOperation', params: { operation: 'network.reserve' } },
      on: {
        OPERATION_DONE: [
          { guard: 'vmWillNeverCome', target: 'releasing', actions: 'noteFacts' },
          { guard: 'belongsToVm', target: 'waitingForVm', actions: 'noteFacts' },
          { target: 'reserved', actions: 'noteFacts' },
        ],
        OPERATION_FAILED: { target: 'failed', actions: 'noteFailure' },
        OPERATION_STUCK: { target: 'needsOperator', actions: 'noteFailure' },
        // Remembered: the request is out, and what it reserves is given back when it is there.
        NEED_FAILED: { actions: 'noteFailure' },
      },
    },
    waitingForVm: {
      on: {
        NEEDS_MET: 'binding',
        NEED_FAILED: { target: 'releasing', actions: 'noteFailure' },
      },
    },
    binding: {
      entry: { type: 'startOperation', params: { operation: 'network.bind' } },
      on: {
        OPERATION_DONE: { target: 'bound', actions: 'noteFacts' },
        OPERATION_FAILED: { target: 'releasing', actions: 'noteFailure' },
        OPERATION_STUCK: { target: 'needsOperator', actions: 'noteFailure' },
      },
    },
    releasing: {
      entry: { type: 'startOperation', params: { operation: 'network.release' } },
      on: {
        OPERATION_DONE: [
          { guard: 'neverTried', target: 'cancelled', actions: 'forgetFacts' },
          { target: 'failed', actions: 'forgetFacts' },
        ],
        OPERATION_FAILED: { target: 'needsOperator', actions: 'noteFailure' },
        OPERATION_STUCK: { target: 'needsOperator', actions: 'noteFailure' },
      },
    },
    bound: { type: 'final', tags: 'completed' },
    // Ordered without a VM: delivered as it is.
    reserved: { type: 'final', tags: 'completed' },
    failed: { type: 'final', tags: 'failed' },
    cancelled: { type: 'final', tags: 'cancelled' },
    needsOperator: { tags: 'needsOperator' },
  },
});
