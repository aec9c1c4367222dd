import type { JsonObject } from '../json.js';
import type { Failure } from './operation.machine.js';
import { operationsOfItem, operationsOfPart, partsOfItem } from './order-index.js';
import type { ItemState, OrderState } from './order-state.js';

/** The cloud's ids of what an item has on the cloud now; nothing for what was removed again. */
export function cloudResourceIds(state: OrderState, itemIndex: number): string[] {
  return partsOfItem(state, itemIndex)
    .filter((part) => Object.keys(part.machine.context.facts).length > 0)
    .flatMap((part) => {
      const made = operationsOfPart(state, part.key).find((one) => one.finishedAt !== null);
      return made?.machine.context.resourceId ?? [];
    });
}

/** When an item was delivered, by the cloud's clock where it has one: where billing starts. */
export function deliveredAt(state: OrderState, itemIndex: number): string | null {
  const finished = operationsOfItem(state, itemIndex).filter((one) => one.machine.value === 'done');
  const instants = finished.map(
    (one) => one.machine.context.startedAt ?? new Date(one.finishedAt ?? one.createdAt).toISOString(),
  );
  return instants.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1) ?? null;
}

/** Why an item is not delivered, or not yet; null when nothing stands against it. */
export function itemFailure(state: OrderState, itemIndex: number): Failure | null {
  const parts = partsOfItem(state, itemIndex);
  const stuck = operationsOfItem(state, itemIndex).filter((one) => one.machine.value === 'stuck');
  const failures = [...stuck, ...parts].map(({ machine }) => machine.context.failure);
  return failures.find((failure) => failure !== null) ?? null;
}

/** What was delivered for an item, as its event says it. */
export function itemDelivery(state: OrderState, itemIndex: number): JsonObject {
  const facts = partsOfItem(state, itemIndex).map((part) => part.machine.context.facts);
  return { cloudResourceIds: cloudResourceIds(state, itemIndex), startedAt: deliveredAt(state, itemIndex), facts };
}

/** What billing may charge: one line per item, said once, in the final event. */
export function itemVerdict(state: OrderState, item: ItemState, itemIndex: number): JsonObject {
  return {
    workOrderItemId: item.workOrderItemId,
    resourceId: item.resourceId,
    status: item.status,
    chargeable: item.status === 'completed',
    ...(item.status === 'completed' ? itemDelivery(state, itemIndex) : { failure: itemFailure(state, itemIndex) }),
  };
}
