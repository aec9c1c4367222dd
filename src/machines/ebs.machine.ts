import { emptyItemContext } from './item.js';
import { itemSetup } from './item-setup.js';

/**
 * A disk: created beside the VM, attached once the VM runs; and the way back, when its order is undone. A disk that was
 * ordered for a VM and cannot be attached to it is removed again: billing must not charge for it.
 */
export const ebsMachine = itemSetup<'ebs.create' | 'ebs.attach' | 'ebs.detach' | 'ebs.delete'>().createMachine({
  id: 'ebs',
  context: emptyItemContext,
  initial: 'waiting',
  states: {
    waiting: {
      on: {
        NEEDS_MET: 'creating',
        NEED_FAILED: { target: 'cancelled', actions: 'noteFailure' },
        UNDO: 'cancelled',
        SKIPPED: { target: 'cancelled', actions: 'noteFailure' },
      },
    },
    creating: {
      entry: { type: 'startOperation', params: { operation: 'ebs.create' } },
      on: {
        OPERATION_DONE: [
          { guard: 'givenUp', target: 'removing', actions: 'noteFacts' },
          { guard: 'belongsToVm', target: 'waitingForVm', actions: 'noteFacts' },
          { target: 'available', actions: 'noteFacts' },
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
        NEEDS_MET: 'attaching',
        NEED_FAILED: { target: 'removing', actions: 'noteFailure' },
        UNDO: 'removing',
        SKIPPED: { target: 'removing', actions: 'noteFailure' },
      },
    },
    attaching: {
      entry: { type: 'startOperation', params: { operation: 'ebs.attach' } },
      on: {
        OPERATION_DONE: [
          { guard: 'givenUp', target: 'detaching', actions: 'noteFacts' },
          { target: 'attached', actions: 'noteFacts' },
        ],
        OPERATION_FAILED: [
          { guard: 'givenUp', target: 'removing' },
          { target: 'unattached', actions: 'noteFailure' },
        ],
        SKIPPED: { actions: 'noteFailure' },
      },
    },
    attached: { tags: 'completed', on: { UNDO: 'detaching' } },
    // Ordered without a VM: delivered as it is.
    available: { tags: 'completed', on: { UNDO: 'removing' } },
    // There, and the VM would not take it.
    unattached: {
      tags: 'failed',
      on: {
        UNDO: 'removing',
        SKIPPED: { target: 'removing', actions: 'noteFailure' },
        REPLAYED: { target: 'attaching', actions: 'forgetFailure' },
      },
    },
    detaching: {
      entry: { type: 'startOperation', params: { operation: 'ebs.detach' } },
      on: {
        OPERATION_DONE: 'removing',
        OPERATION_FAILED: { target: 'remains', actions: 'noteFailure' },
      },
    },
    removing: {
      entry: { type: 'startOperation', params: { operation: 'ebs.delete' } },
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
        REPLAYED: { target: 'creating', actions: 'forgetFailure' },
        SKIPPED: { target: 'cancelled', actions: 'noteFailure' },
      },
    },
    // Never tried: something it needs could not be had, or nobody wants it any more.
    cancelled: {
      tags: 'cancelled',
      on: { REPLAYED: { guard: 'neverTried', target: 'waiting', actions: 'forgetFailure' } },
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
          { guard: 'belongsToVm', target: 'detaching', actions: 'forgetFailure' },
          { target: 'removing', actions: 'forgetFailure' },
        ],
        MARKED_GONE: { target: 'undone', actions: ['forgetFailure', 'forgetFacts'] },
      },
    },
  },
});
