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
  /** The state that a person's hold interrupted. */
  heldFrom: string | null;
  /** Where a quarantine stopped it, and why it was held there, if it was. */
  interrupted: { state: string; reason: Reason | null } | null;
  /** What of its message is not understood: it is never built, whatever anybody says. Null for an order that is understood. */
  notUnderstood: Reason | null;
  /** How the order ends once everything is undone that has to be. */
  ending: Ending | null;
};

export type BundlePolicy = 'rollback' | 'keep-master' | 'best-effort';
export type Reason = { code: string; message: string };
type Ending = 'failed' | 'partial' | 'cancelled';

export type WorkOrderEvent =
  | { type: 'PLANNED' }
  | { type: 'HELD'; code: string; message: string; notUnderstood?: Reason }
  | { type: 'CLOUD_AWAY'; code: string; message: string }
  | { type: 'STARTED' }
  | { type: 'ALL_COMPLETED' | 'SOME_COMPLETED' | 'NONE_COMPLETED' }
  | { type: 'ITEM_STUCK' | 'ITEM_FAILED' | 'UNDO_STUCK'; code: string; message: string }
  | { type: 'ITEM_FREED' }
  /** Every item has its verdict, and the policy keeps the master alone, or nothing. */
  | { type: 'REST_FAILED'; ending: Ending; code: string; message: string }
  | { type: 'UNDONE' }
  | { type: 'TIMER' | 'RESUMED' }
  /** Operators' levers. `planned`: whether the order has a plan; one that has none is planned first, whatever was interrupted. */
  | { type: 'REPLAY' | 'RELEASE'; planned?: boolean }
  | { type: 'PAUSE' | 'CANCEL'; code: string; message: string };

/** Tries to read the catalogue of a cloud that is away before a person is asked: about a day at the longest wait. */
export const planningTries = 720;

/** Where a quarantined order stood. Until 0.1.0 the state stood in `heldFrom`. */
const interruptedAt = ({ interrupted, heldFrom }: WorkOrderContext) => interrupted?.state ?? heldFrom;

export const workOrderMachine = setup({
  types: { context: {} as WorkOrderContext, events: {} as WorkOrderEvent },
  guards: {
    awayForTooLong: ({ context }) => context.tries + 1 >= planningTries,
    undoAtOnce: ({ context }) => context.undoAfterMs === 0,
    heldFromReceived: ({ context }) => context.heldFrom === 'received' || context.heldFrom === 'waitingForCloud',
    heldFromPlanned: ({ context }) => context.heldFrom === 'planned',
    heldFromNeedsOperator: ({ context }) => context.heldFrom === 'needsOperator',
    heldFromFailing: ({ context }) => context.heldFrom === 'failing',
    notPlannedYet: ({ event }) => 'planned' in event && event.planned === false,
    stoppedInHeld: ({ context }) => interruptedAt(context) === 'held',
    stoppedInPaused: ({ context }) => interruptedAt(context) === 'paused',
    stoppedInUndoing: ({ context }) => ['undoing', 'undoStuck'].includes(interruptedAt(context) ?? ''),
    stoppedInReceived: ({ context, event }) =>
      ['received', 'waitingForCloud'].includes(interruptedAt(context) ?? '') ||
      ('planned' in event && event.planned === false),
    stoppedInPlanned: ({ context }) => interruptedAt(context) === 'planned',
    stoppedInNeedsOperator: ({ context }) => interruptedAt(context) === 'needsOperator',
    stoppedInFailing: ({ context }) => interruptedAt(context) === 'failing',
    endsCancelled: ({ context }) => context.ending === 'cancelled',
    endsPartial: ({ context }) => context.ending === 'partial',
  },
  actions: {
    plan: () => {},
    // What it shares with others: made if need be, or, by an order that makes nothing more, only looked at.
    prepare: (_, _params: { only: 'look' | null }) => {},
    wait: () => {},
    announce: (
      _,
      _params: { event: 'planned' | 'started' | 'held' | 'completed' | 'partial' | 'failed' | 'cancelled' },
    ) => {},
    noteReason: assign(({ context, event }) =>
      'message' in event ? { reason: { code: event.code, message: event.message }, tries: context.tries + 1 } : {},
    ),
    noteNotUnderstood: assign(({ context, event }) => ({
      notUnderstood: (event.type === 'HELD' && event.notUnderstood) || context.notUnderstood,
    })),
    // As it stood before the quarantine.
    takeUp: assign(({ context }) => ({ reason: context.interrupted?.reason ?? null, interrupted: null })),
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
    interrupted: null,
    notUnderstood: null,
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
        HELD: { target: 'held', actions: ['noteReason', 'noteNotUnderstood'] },
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
      entry: { type: 'prepare', params: { only: null } },
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
        RESUMED: { actions: { type: 'prepare', params: { only: null } } },
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
        RESUMED: { actions: { type: 'prepare', params: { only: null } } },
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
        RESUMED: { actions: { type: 'prepare', params: { only: null } } },
        REPLAY: { actions: { type: 'prepare', params: { only: null } } },
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
          { guard: 'notPlannedYet', target: 'received', actions: 'forgetReason' },
          { guard: 'heldFromPlanned', target: 'planned', actions: 'forgetReason' },
          {
            guard: 'heldFromNeedsOperator',
            target: 'needsOperator',
            actions: { type: 'prepare', params: { only: null } },
          },
          { guard: 'heldFromFailing', target: 'failing', actions: { type: 'prepare', params: { only: 'look' } } },
          { target: 'provisioning', actions: ['forgetReason', { type: 'prepare', params: { only: null } }] },
        ],
        RESUMED: { actions: { type: 'prepare', params: { only: 'look' } } },
        CANCEL: { target: 'undoing', actions: ['noteReason', { type: 'noteEnding', params: { ending: 'cancelled' } }] },
      },
    },
    // An item failed for good, and the policy is all or nothing. Nothing new begins; a person may still mend it.
    failing: {
      tags: 'held',
      entry: ['wait', { type: 'announce', params: { event: 'held' } }],
      on: {
        TIMER: { target: 'undoing', actions: { type: 'noteEnding', params: { ending: 'failed' } } },
        RESUMED: { actions: ['wait', { type: 'prepare', params: { only: 'look' } }] },
        REPLAY: { target: 'provisioning', actions: ['forgetReason', { type: 'prepare', params: { only: null } }] },
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
        // Something is stuck already while the rest is still on its way.
        REPLAY: { actions: { type: 'prepare', params: { only: 'look' } } },
        RESUMED: { actions: { type: 'prepare', params: { only: 'look' } } },
      },
    },
    // Something cannot be removed. The order is neither failed nor cancelled while it remains.
    undoStuck: {
      tags: 'compensating',
      entry: { type: 'announce', params: { event: 'held' } },
      on: {
        REPLAY: { target: 'undoing', actions: { type: 'prepare', params: { only: 'look' } } },
        ITEM_FREED: 'undoing',
        UNDONE: [
          { guard: 'endsCancelled', target: 'cancelled' },
          { guard: 'endsPartial', target: 'partial' },
          { target: 'failed' },
        ],
        RESUMED: { actions: { type: 'prepare', params: { only: 'look' } } },
      },
    },
    // A step of it could not be decided or stored: our bug. It stops alone, as it was last stored, until a person has seen it.
    quarantined: {
      tags: 'held',
      entry: { type: 'announce', params: { event: 'held' } },
      on: {
        REPLAY: [
          { guard: 'stoppedInHeld', target: 'held', actions: 'takeUp' },
          {
            guard: 'stoppedInPaused',
            target: 'paused',
            actions: ['takeUp', { type: 'prepare', params: { only: 'look' } }],
          },
          {
            guard: 'stoppedInUndoing',
            target: 'undoing',
            actions: ['takeUp', { type: 'prepare', params: { only: 'look' } }],
          },
          { guard: 'stoppedInReceived', target: 'received', actions: ['takeUp', 'forgetReason'] },
          { guard: 'stoppedInPlanned', target: 'planned', actions: ['takeUp', 'forgetReason'] },
          {
            guard: 'stoppedInNeedsOperator',
            target: 'needsOperator',
            actions: ['takeUp', { type: 'prepare', params: { only: null } }],
          },
          {
            guard: 'stoppedInFailing',
            target: 'failing',
            actions: ['takeUp', { type: 'prepare', params: { only: 'look' } }],
          },
          { target: 'provisioning', actions: ['takeUp', 'forgetReason', { type: 'prepare', params: { only: null } }] },
        ],
        CANCEL: {
          target: 'undoing',
          actions: [
            'noteReason',
            { type: 'noteEnding', params: { ending: 'cancelled' } },
            { type: 'prepare', params: { only: 'look' } },
          ],
        },
      },
    },
    completed: { type: 'final', tags: 'completed', entry: { type: 'announce', params: { event: 'completed' } } },
    // Some lines are delivered and chargeable, others are not; the final event says which.
    partial: { type: 'final', tags: 'partial', entry: { type: 'announce', params: { event: 'partial' } } },
    failed: { type: 'final', tags: 'failed', entry: { type: 'announce', params: { event: 'failed' } } },
    cancelled: { type: 'final', tags: 'cancelled', entry: { type: 'announce', params: { event: 'cancelled' } } },
  },
});
