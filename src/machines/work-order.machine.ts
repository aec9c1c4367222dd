import { assign, setup } from 'xstate';

/**
 * The order: planned from the cloud's catalogue, begun, and ended when every item has its verdict. Its items have
 * machines of their own; this one only knows how many are settled. `plan`, `prepare`, `wait`, `announce` are effects.
 */
export type WorkOrderContext = {
  /** Why it is held, or why it could not be planned yet. */
  reason: { code: string; message: string } | null;
  /** Tries to plan while the cloud could not be asked. */
  tries: number;
};

export type WorkOrderEvent =
  | { type: 'PLANNED' }
  | { type: 'HELD' | 'CLOUD_AWAY'; code: string; message: string }
  | { type: 'STARTED' }
  | { type: 'ALL_COMPLETED' | 'SOME_COMPLETED' | 'NONE_COMPLETED' }
  | { type: 'ITEM_STUCK'; code: string; message: string }
  | { type: 'ITEM_FREED' }
  | { type: 'TIMER' | 'RESUMED' };

export const workOrderMachine = setup({
  types: { context: {} as WorkOrderContext, events: {} as WorkOrderEvent },
  actions: {
    plan: () => {},
    prepare: () => {},
    wait: () => {},
    announce: (_, _params: { event: 'planned' | 'started' | 'held' | 'completed' | 'partial' | 'failed' }) => {},
    noteReason: assign(({ context, event }) =>
      'message' in event ? { reason: { code: event.code, message: event.message }, tries: context.tries + 1 } : {},
    ),
    forgetReason: assign(() => ({ reason: null, tries: 0 })),
  },
}).createMachine({
  id: 'workOrder',
  context: { reason: null, tries: 0 },
  initial: 'received',
  states: {
    // Accepted and stored; being planned. Nothing has been asked of any cloud but its catalogue.
    received: {
      tags: 'received',
      entry: 'plan',
      on: {
        PLANNED: { target: 'planned', actions: 'forgetReason' },
        HELD: { target: 'held', actions: 'noteReason' },
        CLOUD_AWAY: { target: 'waitingForCloud', actions: 'noteReason' },
        RESUMED: { target: 'received', reenter: true },
      },
    },
    // The catalogue could not be read. Nothing is lost: asked again, more and more rarely.
    waitingForCloud: {
      tags: 'received',
      entry: 'wait',
      on: { TIMER: 'received', RESUMED: 'received' },
    },
    // What will be built is known; waiting for what many orders share, such as the tenant's network.
    planned: {
      tags: 'planned',
      entry: ['prepare', { type: 'announce', params: { event: 'planned' } }],
      on: {
        STARTED: { target: 'provisioning', actions: { type: 'announce', params: { event: 'started' } } },
        ALL_COMPLETED: 'completed',
        SOME_COMPLETED: 'partial',
        NONE_COMPLETED: 'failed',
        RESUMED: { actions: 'prepare' },
      },
    },
    provisioning: {
      tags: 'provisioning',
      on: {
        ALL_COMPLETED: 'completed',
        SOME_COMPLETED: 'partial',
        NONE_COMPLETED: 'failed',
        ITEM_STUCK: { target: 'needsOperator', actions: 'noteReason' },
        RESUMED: { actions: 'prepare' },
      },
    },
    // An item cannot go on without a person; the others go on.
    needsOperator: {
      tags: 'held',
      entry: { type: 'announce', params: { event: 'held' } },
      on: {
        ITEM_FREED: { target: 'provisioning', actions: 'forgetReason' },
        RESUMED: { actions: 'prepare' },
      },
    },
    // Readable, but not to be built before a person has looked at it.
    held: {
      tags: 'held',
      entry: { type: 'announce', params: { event: 'held' } },
    },
    completed: { type: 'final', tags: 'completed', entry: { type: 'announce', params: { event: 'completed' } } },
    // Some lines are delivered and chargeable, others are not; the final event says which.
    partial: { type: 'final', tags: 'partial', entry: { type: 'announce', params: { event: 'partial' } } },
    failed: { type: 'final', tags: 'failed', entry: { type: 'announce', params: { event: 'failed' } } },
  },
});
