import { assign, setup } from 'xstate';
import type { ItemContext, ItemEvent } from './item.js';
import { emptyItemContext } from './item.js';

/**
 * Something many orders share on one platform: a user's registration there, his default network, an offering of a size. Made
 * once, by an order that we place with ourselves; the orders that need it wait for it as they wait for their own items, and
 * so does a preparation that stands on another one.
 */
export const preparationMachine = setup({
  types: { context: {} as ItemContext, events: {} as ItemEvent },
  actions: {
    startOperation: (_, _params: { operation: 'prepare' }) => {},
    noteFacts: assign(({ context, event }) =>
      event.type === 'OPERATION_DONE' ? { facts: { ...context.facts, ...event.facts } } : {},
    ),
    noteFailure: assign(({ event }) => ('failure' in event ? { failure: event.failure } : {})),
  },
}).createMachine({
  id: 'preparation',
  context: emptyItemContext,
  initial: 'waiting',
  states: {
    waiting: {
      on: {
        NEEDS_MET: 'preparing',
        NEED_FAILED: { target: 'failed', actions: 'noteFailure' },
      },
    },
    preparing: {
      entry: { type: 'startOperation', params: { operation: 'prepare' } },
      on: {
        OPERATION_DONE: { target: 'ready', actions: 'noteFacts' },
        OPERATION_FAILED: { target: 'failed', actions: 'noteFailure' },
      },
    },
    ready: { type: 'final', tags: 'completed' },
    failed: { type: 'final', tags: 'failed' },
  },
});
