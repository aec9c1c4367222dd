import { emptyItemContext } from './item.js';
import { itemSetup } from './item-setup.js';

/**
 * A public address with its bandwidth: reserved beside the VM, bound to it once it runs; and the way back, when its order is
 * undone. An address that was ordered for a VM and cannot be bound is given back: billing must not charge for it.
 */
export const networkMachine = itemSetup<
  'network.reserve' | 'network.bind' | 'network.unbind' | 'network.release'
>().createMachine({
  id: 'network',
  context: emptyItemContext,
  initial: 'waitingForNetwork',
  states: {
    waitingForNetwork: {
      on: {
        NEEDS_MET: 'reserving',
        NEED_FAILED: { target: 'cancelled', actions: 'noteFailure' },
        UNDO: 'cancelled',
        SKIPPED: { target: 'cancelled', actions: 'noteFailure' },
      },
    },
    reserving: {
      entry: { type: 'startOperation', params: { operation: 'network.reserve' } },
      on: {
        OPERATION_DONE: [
          { guard: 'givenUp', target: 'releasing', actions: 'noteFacts' },
          { guard: 'belongsToVm', target: 'waitingForVm', actions: 'noteFacts' },
          { target: 'reserved', actions: 'noteFacts' },
        ],
        OPERATION_FAILED: [
          { guard: 'givenUp', target: 'cancelled' },
          { target: 'failed', actions: 'noteFailure' },
        ],
        SKIPPED: { actions: 'noteFailure' },
      },
    },
    waitingForVm: {
      on: {
        NEEDS_MET: 'binding',
        NEED_FAILED: { target: 'releasing', actions: 'noteFailure' },
        UNDO: 'releasing',
        SKIPPED: { target: 'releasing', actions: 'noteFailure' },
      },
    },
    binding: {
      entry: { type: 'startOperation', params: { operation: 'network.bind' } },
      on: {
        OPERATION_DONE: [
          { guard: 'givenUp', target: 'unbinding', actions: 'noteFacts' },
          { target: 'bound', actions: 'noteFacts' },
        ],
        OPERATION_FAILED: [
          { guard: 'givenUp', target: 'releasing' },
          { target: 'unbound', actions: 'noteFailure' },
        ],
        SKIPPED: { actions: 'noteFailure' },
      },
    },
    bound: { tags: 'completed', on: { UNDO: 'unbinding' } },
    // Ordered without a VM: delivered as it is.
    reserved: { tags: 'completed', on: { UNDO: 'releasing' } },
    // Reserved, and the VM could not be given it.
    unbound: {
      tags: 'failed',
      on: {
        UNDO: 'releasing',
        SKIPPED: { target: 'releasing', actions: 'noteFailure' },
        REPLAYED: { target: 'binding', actions: 'forgetFailure' },
      },
    },
    unbinding: {
      entry: { type: 'startOperation', params: { operation: 'network.unbind' } },
      on: {
        OPERATION_DONE: 'releasing',
        OPERATION_FAILED: { target: 'remains', actions: 'noteFailure' },
      },
    },
    releasing: {
      entry: { type: 'startOperation', params: { operation: 'network.release' } },
      on: {
        OPERATION_DONE: [
          { guard: 'notWanted', target: 'withdrawn', actions: 'forgetFacts' },
          { guard: 'hasFailed', target: 'removed', actions: 'forgetFacts' },
          { target: 'undone', actions: 'forgetFacts' },
        ],
        OPERATION_FAILED: { target: 'remains', actions: 'noteFailure' },
      },
    },
    // Tried, refused by the cloud, and nothing of it is left there.
    failed: {
      tags: 'failed',
      on: {
        REPLAYED: { target: 'reserving', actions: 'forgetFailure' },
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
    // Tried, failed on the way, and what there was of it is removed.
    removed: { type: 'final', tags: 'failed' },
    // Delivered, and removed again with its order.
    undone: { type: 'final', tags: 'compensated' },
    // The cloud will not remove it. It is listed among the orphans, and its order stays open until a person has seen to it.
    remains: {
      tags: 'remains',
      on: {
        REPLAYED: [
          { guard: 'belongsToVm', target: 'unbinding', actions: 'forgetFailure' },
          { target: 'releasing', actions: 'forgetFailure' },
        ],
        MARKED_GONE: { target: 'undone', actions: ['forgetFailure', 'forgetFacts'] },
      },
    },
  },
});
