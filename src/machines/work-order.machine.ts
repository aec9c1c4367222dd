import { assign, setup } from 'xstate';

/**
 * The order: planned from the cloud's catalogue, begun, and ended when every item has its verdict. Its items have
 * machines of their own; this one only knows how they stand. When an item fails, the producer's policy says what becomes of
 * the rest: `rollback` holds the order for a person for a while and then undoes everything, `keep-master` undoes everything
 * but the master, `best-effort` keeps what was delivered. `plan`, `prepare`, `wait`, `announce` are effects.
 */
export type WorkOrderContext = {
  /** Why it is held, why it could not be planned yet, or why it is undone. */
  reason: Reason | null;
  /** Tries to plan while the cloud could not be asked. */
  tries: number;
  policy: BundlePolicy;
  /** How long a failed order waits for a person before it is undone, ms. */
  undoAfterMs: number;
  /** Whether a second thing of the order's, found after its end, is removed without a person. */
  removeExtras: boolean;
  /** The state that a hold or a quarantine interrupted. */
  heldFrom: string | null;
  /** How the order ends once everything is undone that has to be. */
  ending: Ending | null;
};

export type BundlePolicy = 'rollback' | 'keep-master' | 'best-effort';
type Reason = { code: string; message: string };
type Ending = 'failed' | 'partial' | 'cancelled';

export type WorkOrderEvent =
  | { type: 'PLANNED' }
  | { type: 'HELD' | 'CLOUD_AWAY'; code: string; message: string }
  | { type: 'STARTED' }
  | { type: 'ALL_COMPLETED' | 'SOME_COMPLETED' | 'NONE_COMPLETED' }
  | { type: 'ITEM_STUCK' | 'ITEM_FAILED' | 'UNDO_STUCK'; code: string; message: string }
  | { type: 'ITEM_FREED' }
  /** Every item has its verdict, and the policy keeps the master alone, or nothing. */
  | { type: 'REST_FAILED'; ending: Ending; code: string; message: string }
  | { type: 'UNDONE' }
  | { type: 'TIMER' | 'RESUMED' }
  /** Operators' levers. */
  | { type: 'REPLAY' | 'RELEASE' }
  | { type: 'PAUSE' | 'CANCEL'; code: string; message: string };

/** Tries to read the catalogue of a cloud that is away before a person is asked: about a day at the longest wait. */
export const planningTries = 720;

export const workOrderMachine = setup({
  types: { context: {} as WorkOrderContext, events: {} as WorkOrderEvent },
  guards: {
    awayForTooLong: ({ context }) => context.tries + 1 >= planningTries,
    undoAtOnce: ({ context }) => context.undoAfterMs === 0,
    heldFromReceived: ({ context }) => context.heldFrom === 'received' || context.heldFrom === 'waitingForCloud',
    heldFromPlanned: ({ context }) => context.heldFrom === 'planned',
    heldFromNeedsOperator: ({ context }) => context.heldFrom === 'needsOperator',
    heldFromFailing: ({ context }) => context.heldFrom === 'failing',
    heldFromUndoing: ({ context }) => context.heldFrom === 'undoing' || context.heldFrom === 'undoStuck',
    endsCancelled: ({ context }) => context.ending === 'cancelled',
    endsPartial: ({ context }) => context.ending === 'partial',
  },
  actions: {
    plan: () => {},
    prepare: () => {},
    wait: () => {},
    announce: (
      _,
      _params: { event: 'planned' | 'started' | 'held' | 'completed' | 'partial' | 'failed' | 'cancelled' },
    ) => {},
    noteReason: assign(({ context, event }) =>
      'message' in event ? { reason: { code: event.code, message: event.message }, tries: context.tries + 1 } : {},
    ),
    forgetReason: assign(() => ({ reason: null, tries: 0 })),
    noteHeldFrom: assign((_, { state }: { state: string }) => ({ heldFrom: state })),
    noteEnding: assign(({ event }, { ending }: { ending: Ending }) => ({
      ending: event.type === 'REST_FAILED' ? event.ending : ending,
    })),
  },
}).createMachine({
  id: 'workOrder',
  context: {
    reason: null,
    tries: 0,
    policy: 'best-effort',
    undoAfterMs: 0,
    removeExtras: false,
    heldFrom: null,
    ending: null,
  },
  initial: 'received',
  states: {
    // Accepted and stored; being planned. Nothing has been asked of any cloud but its catalogue.
    received: {
      tags: 'received',
      entry: 'plan',
      on: {
        PLANNED: { target: 'planned', actions: ['forgetReason', { type: 'announce', params: { event: 'planned' } }] },
        HELD: { target: 'held', actions: 'noteReason' },
        CLOUD_AWAY: [
          { guard: 'awayForTooLong', target: 'held', actions: 'noteReason' },
          { target: 'waitingForCloud', actions: 'noteReason' },
        ],
        RESUMED: { target: 'received', reenter: true },
        PAUSE: { target: 'paused', actions: ['noteReason', { type: 'noteHeldFrom', params: { state: 'received' } }] },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    // The catalogue could not be read. Nothing is lost: asked again, more and more rarely.
    waitingForCloud: {
      tags: 'received',
      entry: 'wait',
      on: {
        TIMER: 'received',
        RESUMED: 'received',
        REPLAY: { target: 'received', actions: 'forgetReason' },
        PAUSE: { target: 'paused', actions: ['noteReason', { type: 'noteHeldFrom', params: { state: 'received' } }] },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    // What will be built is known; waiting for what many orders share, such as the tenant's network.
    planned: {
      tags: 'planned',
      entry: 'prepare',
      on: {
        STARTED: { target: 'provisioning', actions: { type: 'announce', params: { event: 'started' } } },
        ALL_COMPLETED: 'completed',
        SOME_COMPLETED: 'partial',
        NONE_COMPLETED: 'failed',
        REST_FAILED: {
          target: 'undoing',
          actions: ['noteReason', { type: 'noteEnding', params: { ending: 'failed' } }],
        },
        ITEM_STUCK: { target: 'needsOperator', actions: 'noteReason' },
        ITEM_FAILED: [
          {
            guard: 'undoAtOnce',
            target: 'undoing',
            actions: ['noteReason', { type: 'noteEnding', params: { ending: 'failed' } }],
          },
          { target: 'failing', actions: 'noteReason' },
        ],
        RESUMED: { actions: 'prepare' },
        PAUSE: { target: 'paused', actions: ['noteReason', { type: 'noteHeldFrom', params: { state: 'planned' } }] },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    provisioning: {
      tags: 'provisioning',
      on: {
        ALL_COMPLETED: 'completed',
        SOME_COMPLETED: 'partial',
        NONE_COMPLETED: 'failed',
        REST_FAILED: {
          target: 'undoing',
          actions: ['noteReason', { type: 'noteEnding', params: { ending: 'failed' } }],
        },
        ITEM_STUCK: { target: 'needsOperator', actions: 'noteReason' },
        ITEM_FAILED: [
          {
            guard: 'undoAtOnce',
            target: 'undoing',
            actions: ['noteReason', { type: 'noteEnding', params: { ending: 'failed' } }],
          },
          { target: 'failing', actions: 'noteReason' },
        ],
        RESUMED: { actions: 'prepare' },
        PAUSE: {
          target: 'paused',
          actions: ['noteReason', { type: 'noteHeldFrom', params: { state: 'provisioning' } }],
        },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    // An item cannot go on without a person; the others go on.
    needsOperator: {
      tags: 'held',
      entry: { type: 'announce', params: { event: 'held' } },
      on: {
        ITEM_FREED: { target: 'provisioning', actions: 'forgetReason' },
        ITEM_FAILED: [
          {
            guard: 'undoAtOnce',
            target: 'undoing',
            actions: ['noteReason', { type: 'noteEnding', params: { ending: 'failed' } }],
          },
          { target: 'failing', actions: 'noteReason' },
        ],
        RESUMED: { actions: 'prepare' },
        REPLAY: { actions: 'prepare' },
        PAUSE: {
          target: 'paused',
          actions: ['noteReason', { type: 'noteHeldFrom', params: { state: 'needsOperator' } }],
        },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    // Readable, but not to be built before a person has looked at it.
    held: {
      tags: 'held',
      entry: { type: 'announce', params: { event: 'held' } },
      on: {
        REPLAY: { target: 'received', actions: 'forgetReason' },
        RELEASE: { target: 'received', actions: 'forgetReason' },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    // An operator holds it: what is under way ends, nothing new begins.
    paused: {
      tags: 'held',
      entry: { type: 'announce', params: { event: 'held' } },
      on: {
        RELEASE: [
          { guard: 'heldFromReceived', target: 'received', actions: 'forgetReason' },
          { guard: 'heldFromPlanned', target: 'planned', actions: 'forgetReason' },
          { guard: 'heldFromNeedsOperator', target: 'needsOperator' },
          { guard: 'heldFromFailing', target: 'failing' },
          { target: 'provisioning', actions: ['forgetReason', 'prepare'] },
        ],
        RESUMED: { actions: 'prepare' },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    // An item failed for good, and the policy is all or nothing. Nothing new begins; a person may still mend it.
    failing: {
      tags: 'held',
      entry: ['wait', { type: 'announce', params: { event: 'held' } }],
      on: {
        TIMER: { target: 'undoing', actions: { type: 'noteEnding', params: { ending: 'failed' } } },
        RESUMED: { actions: ['wait', 'prepare'] },
        REPLAY: { target: 'provisioning', actions: ['forgetReason', 'prepare'] },
        PAUSE: { target: 'paused', actions: ['noteReason', { type: 'noteHeldFrom', params: { state: 'failing' } }] },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    // What was made is removed again, the last thing first.
    undoing: {
      tags: 'compensating',
      on: {
        UNDONE: [
          { guard: 'endsCancelled', target: 'cancelled' },
          { guard: 'endsPartial', target: 'partial' },
          { target: 'failed' },
        ],
        UNDO_STUCK: { target: 'undoStuck', actions: 'noteReason' },
        RESUMED: { actions: 'prepare' },
      },
    },
    // Something cannot be removed. The order is neither failed nor cancelled while it remains.
    undoStuck: {
      tags: 'compensating',
      entry: { type: 'announce', params: { event: 'held' } },
      on: {
        REPLAY: { target: 'undoing', actions: 'prepare' },
        ITEM_FREED: 'undoing',
        UNDONE: [
          { guard: 'endsCancelled', target: 'cancelled' },
          { guard: 'endsPartial', target: 'partial' },
          { target: 'failed' },
        ],
        RESUMED: { actions: 'prepare' },
      },
    },
    // A step of it could not be decided or stored: our bug. It stops alone, as it was last stored, until a person has seen it.
    quarantined: {
      tags: 'held',
      entry: { type: 'announce', params: { event: 'held' } },
      on: {
        REPLAY: [
          { guard: 'heldFromReceived', target: 'received', actions: 'forgetReason' },
          { guard: 'heldFromPlanned', target: 'planned', actions: 'forgetReason' },
          { guard: 'heldFromUndoing', target: 'undoing', actions: 'forgetReason' },
          { target: 'provisioning', actions: ['forgetReason', 'prepare'] },
        ],
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    completed: { type: 'final', tags: 'completed', entry: { type: 'announce', params: { event: 'completed' } } },
    // Some lines are delivered and chargeable, others are not; the final event says which.
    partial: { type: 'final', tags: 'partial', entry: { type: 'announce', params: { event: 'partial' } } },
    failed: { type: 'final', tags: 'failed', entry: { type: 'announce', params: { event: 'failed' } } },
    cancelled: { type: 'final', tags: 'cancelled', entry: { type: 'announce', params: { event: 'cancelled' } } },
  },
});
