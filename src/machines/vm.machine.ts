import { emptyItemContext } from './item.js';
import { itemSetup } from './item-setup.js';

/**
 * A virtual machine: wait for its network, create it, done; and the way back, when its order is undone. Billing charges
 * from `running` on, and never before.
 */
export const vmMachine = itemSetup<'vm.create' | 'vm.delete'>().createMachine({
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
