import { z } from 'zod';
import { itemStatuses } from '../machines/order-state.js';
import { uuidV5 } from '../uuid.js';

/**
 * What the data of each event holds, by the event's name without prefix and version. For /asyncapi.json and for tests;
 * an event on its way out is not checked again. Loose: readers must expect fields that come later.
 */
const Failure = z.looseObject({ code: z.string(), message: z.string() });
const Delivery = {
  cloudResourceIds: z.array(z.string()),
  startedAt: z.iso.datetime({ offset: true }).nullable().describe('When charging starts, by the clock of the cloud'),
  facts: z.array(z.record(z.string(), z.string())).describe('One object for each piece of the item'),
};
const ItemVerdict = z.looseObject({
  workOrderItemId: z.string(),
  resourceId: z.string(),
  status: z.enum(itemStatuses),
  chargeable: z.boolean(),
  cloudResourceIds: Delivery.cloudResourceIds.optional(),
  startedAt: Delivery.startedAt.optional(),
  facts: Delivery.facts.optional(),
  failure: Failure.nullable().optional(),
});
const Verdicts = z.looseObject({ items: z.array(ItemVerdict) });
const ItemFailure = z.looseObject({ failure: Failure.nullable() });

export const eventData = {
  'work-order.received': z.looseObject({}).describe('The order was taken and is kept'),
  'work-order.planned': z.looseObject({}).describe('It is known what will be built'),
  'work-order.started': z.looseObject({}).describe('The first request goes out to a cloud'),
  'work-order.held': z
    .looseObject({ reason: z.json().describe('Why, for a person') })
    .describe('The order waits for a person'),
  'work-order.completed': Verdicts.describe('Everything was delivered'),
  'work-order.partial': Verdicts.describe('Some of it was delivered'),
  'work-order.failed': Verdicts.describe('Nothing was delivered'),
  'work-order.cancelled': z
    .looseObject({ items: z.array(ItemVerdict).optional() })
    .describe('The order was called off and what had been built is removed'),
  'item.started': z.looseObject({}).describe('The first request for this item goes out'),
  'item.job-submitted': z
    .looseObject({ operation: z.string(), jobId: z.string().nullable() })
    .describe('The cloud took a request and works on it'),
  'item.completed': z.looseObject(Delivery).describe('The item was delivered'),
  'item.failed': ItemFailure.describe('The item could not be delivered'),
  'item.cancelled': ItemFailure.describe('The item was not tried, because something it needs could not be had'),
  'item.compensated': z.looseObject({}).describe('What was built for the item is removed again'),
} as const;

export type EventName = keyof typeof eventData;
export type EventData<Name extends EventName> = z.infer<(typeof eventData)[Name]>;

export const eventNames = Object.keys(eventData) as EventName[];

/** The `type` on the wire: `orderwright.item.completed.v1`. */
export const eventType = (name: EventName) => `orderwright.${name}.v1` as const;

export const CloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.uuid().describe('The same for each redelivery'),
  source: z.string().describe('/orderwright/<installation>'),
  type: z.enum(eventNames.map(eventType)),
  subject: z.string().describe('workOrderId'),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  sequence: z.int().positive().describe('1, 2, 3 … without a gap, for each order'),
  data: z.record(z.string(), z.json()),
});
export type CloudEvent = z.infer<typeof CloudEvent>;

export interface EventFact {
  installationId: string;
  producer: string;
  workOrderId: string;
  /** Names the item it is about within its order, always in the same way; null for the order itself. */
  itemKey: string | null;
  type: EventName;
  /** Counts events of this type about this thing (a second job of an item): 1, 2, … */
  ordinal: number;
  sequence: number;
  /** See `eraOf`. What comes after a restore is another fact than what once had its number and is lost. */
  era?: number;
  at: Date;
  data: CloudEvent['data'];
}

/** The fact as CloudEvents 1.0 JSON. Pure: the same fact gives the same event, byte for byte, however often it is sent. */
export function cloudEvent(fact: EventFact): CloudEvent {
  const type = eventType(fact.type);
  const identity = [fact.installationId, fact.producer, fact.workOrderId, fact.itemKey ?? 'order', type, fact.ordinal];
  if (fact.era) identity.push(fact.era);
  return {
    specversion: '1.0',
    id: uuidV5(eventNamespace, JSON.stringify(identity)),
    source: `/orderwright/${encodeURIComponent(fact.installationId)}`,
    type,
    subject: fact.workOrderId,
    time: fact.at.toISOString(),
    datacontenttype: 'application/json',
    // A JSON number. The "sequence" extension of the CloudEvents project is a text that sorts as text, and "10" before
    // "9" is a trap; as an extension attribute of our own an Integer is just as good CloudEvents.
    sequence: fact.sequence,
    data: fact.data,
  };
}

/** Chosen once at random. Changing it would give every event of the past a second id. */
const eventNamespace = 'c2842df3-5558-4d0b-8706-57810ba71317';
