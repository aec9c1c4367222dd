import type { JsonObject } from '../json.js';
import { eraOf } from '../store/event-numbering.js';
import type { StoredEvent } from '../store/events.js';
import { type CloudEvent, cloudEvent, type EventName } from './cloud-event.js';

/**
 * A stored event as the world sees it. Its number in the order counts as the ordinal, so that the id follows from the
 * stored row alone and is the same at every redelivery.
 */
export function eventMessage(installationId: string, event: StoredEvent): CloudEvent {
  const item: JsonObject =
    event.itemIndex === null
      ? {}
      : { workOrderItemId: event.workOrderItemId, resourceId: event.resourceId, itemIndex: event.itemIndex };
  return cloudEvent({
    installationId,
    producer: event.producer,
    workOrderId: event.workOrderId,
    itemKey: event.itemIndex === null ? null : `${event.itemIndex}/${event.resourceId ?? ''}`,
    type: event.type as EventName,
    ordinal: event.sequence,
    sequence: event.sequence,
    era: eraOf(event.cursor.tx),
    at: event.at,
    data: { ...item, ...event.data },
  });
}
