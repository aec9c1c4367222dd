import { isNotUnderstood } from '../planner/hold-reasons.js';
import { type Plan, type Preparation, preparationOperations } from '../planner/plan.js';
import type { Hold, WorkOrder } from '../schemas/work-order.js';
import { begin } from './move.js';
import { advance, type Surroundings } from './advance.js';
import type { OrderState, Step } from './order-state.js';
import { type WorkOrderContext, type WorkOrderEvent, workOrderMachine } from './work-order.machine.js';

/** What becomes of the rest of an order when an item of it fails: agreed with its producer, kept with the order. */
export type Bundle = Pick<WorkOrderContext, 'policy' | 'undoAfterMs'> & Partial<Pick<WorkOrderContext, 'removeExtras'>>;

/**
 * The first step of an order: accepted, announced, and about to be planned; or held at once, when the message itself says
 * that a person has to look first. Pure.
 */
export function beginOrder(
  orderId: string,
  order: WorkOrder,
  holds: Hold[],
  surroundings: Surroundings,
  bundle?: Bundle,
): Step {
  const first = begin<WorkOrderContext>(workOrderMachine);
  const state: OrderState = {
    orderId,
    kind: 'billing',
    producer: order.producer,
    workOrderId: order.workOrderId,
    accountId: order.accountId,
    status: 'received',
    machine: { ...first.next, context: { ...first.next.context, ...bundle } },
    dueAt: null,
    sequence: 1,
    plan: null,
    items: order.items.map((item) => ({
      workOrderItemId: item.workOrderItemId,
      resourceId: item.resourceId,
      resourceType: item.resourceType,
      platformId: item.platformId,
      master: item.master,
      status: 'pending',
    })),
    parts: [],
    operations: [],
    preparations: {},
  };
  const received = {
    sequence: 1,
    type: 'work-order.received',
    itemIndex: null,
    at: surroundings.at,
    data: {},
  } as const;
  const step = { ...emptyStep(state), announcements: [received], effects: [{ type: 'plan' } as const] };
  const hold = holds[0];
  if (!hold) return step;
  const held = advance(state, { about: 'order', event: heldFor(hold, holds) }, surroundings);
  return { ...held, announcements: [received, ...held.announcements] };
}

/** What holds an order: the first of the reasons, and whether any of them says that it is not understood at all. */
export function heldFor({ code, message }: Pick<Hold, 'code' | 'message'>, holds: Hold[]): WorkOrderEvent {
  const foreign = holds.find((one) => isNotUnderstood(one.code));
  return {
    type: 'HELD',
    code,
    message,
    ...(foreign && { notUnderstood: { code: foreign.code, message: foreign.message } }),
  };
}

/**
 * An order we place with ourselves for something many orders share. Its plan is stored with it from the start, and taken
 * up by the `plan` effect like any other, so that its first intent is stored before anything is sent. Nobody is told of it.
 *
 * @param needed the preparations that this one stands on, and those that they stand on
 */
export function beginPreparation(
  orderId: string,
  workOrderId: string,
  preparation: Preparation,
  needed: Preparation[] = [],
): Step {
  const { key, kind, platformId, needs = [], inputs = {}, settings, lines } = preparation;
  const plan: Plan = {
    preparations: needed,
    warnings: [],
    parts: [
      {
        key,
        itemIndex: 0,
        index: 1,
        resourceType: 'PREPARATION',
        platformId,
        needs: { [preparationOperations[kind]]: needs },
        inputs,
        settings,
        lines,
      },
    ],
  };
  const state: OrderState = {
    orderId,
    kind: 'preparation',
    producer: preparationProducer,
    workOrderId,
    accountId: '',
    status: 'received',
    machine: begin<WorkOrderContext>(workOrderMachine).next,
    dueAt: null,
    sequence: 0,
    plan,
    items: [
      {
        workOrderItemId: '1',
        resourceId: workOrderId,
        resourceType: 'PREPARATION',
        platformId,
        master: true,
        status: 'pending',
      },
    ],
    parts: [],
    operations: [],
    preparations: {},
  };
  return { ...emptyStep(state), effects: [{ type: 'plan' }] };
}

/** The sender of preparations: us. */
export const preparationProducer = 'orderwright';

/** A step that changes nothing but where the order stands. */
export function emptyStep(state: OrderState): Step {
  return {
    state,
    changed: true,
    changedItems: [],
    changedOperations: [],
    orphans: [],
    removed: [],
    announcements: [],
    effects: [],
  };
}
