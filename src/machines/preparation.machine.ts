import { emptyItemContext } from './item.js';
import { itemSetup } from './item-setup.js';

/**
 * Something many orders share on one platform: a user's registration there, his default network, an offering of a size. Made
 * once, by an order that we place with ourselves; the orders that need it wait for it as they wait for their own items, and
 * so does a preparation that stands on another one.
 */
export const preparationMachine = itemSetup<'prepare'>().createMachine({
  id: 'preparation',
  context: emptyItemContext,
  initial: 'waiting',
  states: {
    waiting: {
      on: {
        NEEDS_MET: 'preparing',
        NEED_FAILED: { target: 'failed', actions: 'noteFailure' },
        UNDO: 'cancelled',
      },
    },
    preparing: {
      entry: { type: 'startOperation', params: { operation: 'prepare' } },
      on: {
        OPERATION_DONE: { target: 'ready', actions: 'noteFacts' },
        // Cancelled: what there was of it is discarded by then.
        OPERATION_FAILED: [
          { guard: 'givenUp', target: 'cancelled' },
          { target: 'failed', actions: 'noteFailure' },
        ],
      },
    },
    // There for whoever needs it. Made although it was cancelled, it stays for the next one, who finds it by its marker.
    ready: { tags: 'completed', on: { UNDO: 'cancelled' } },
    failed: { type: 'final', tags: 'failed' },
    // An operator wants it no more; the next order that needs it begins anew.
    cancelled: { type: 'final', tags: 'cancelled' },
  },
});
