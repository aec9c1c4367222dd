import { z } from 'zod';
import type { Config } from '../config.js';
import { CloudEvent, eventData, type EventName, eventNames, eventType } from '../publishers/cloud-event.js';

/** The Kafka side as AsyncAPI 3.0, made from the same schemas that the events are typed with. */
export function asyncApi(kafka: Config['kafka'], version: string): object {
  const topics = kafka?.topics ?? {
    orders: 'work-orders',
    events: 'work-order-events',
    rejected: 'work-orders.rejected',
  };
  const key = { type: 'string', description: 'workOrderId' };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Orderwright',
      version,
      description:
        'Work orders in, facts out. Events are CloudEvents 1.0 in JSON, at least once, in order per work order; the same ' +
        'events are on GET /v1/events.',
    },
    defaultContentType: 'application/json',
    channels: {
      orders: {
        address: topics.orders,
        messages: { workOrder: { $ref: '#/components/messages/workOrder' } },
      },
      events: {
        address: topics.events,
        messages: Object.fromEntries(
          eventNames.map((name) => [keyOf(name), { $ref: `#/components/messages/${keyOf(name)}` }]),
        ),
      },
      rejected: {
        address: topics.rejected,
        messages: { rejected: { $ref: '#/components/messages/rejected' } },
      },
    },
    operations: {
      takeOrders: { action: 'receive', channel: { $ref: '#/channels/orders' } },
      tellEvents: { action: 'send', channel: { $ref: '#/channels/events' } },
      tellRejected: { action: 'send', channel: { $ref: '#/channels/rejected' } },
    },
    components: {
      messages: {
        workOrder: {
          name: 'workOrder',
          title: 'A work order as billing sends it',
          contentType: 'application/json',
          bindings: { kafka: { key } },
          payload: { type: 'object', description: 'Bare, inside {"msg": …}, or as a form field msg; see docs' },
        },
        rejected: {
          name: 'rejected',
          title: 'What could not be taken; the reason is in the headers',
          bindings: { kafka: { key } },
          payload: { type: 'object' },
        },
        ...Object.fromEntries(eventNames.map((name) => [keyOf(name), eventMessageSchema(name)])),
      },
    },
  };
}

function eventMessageSchema(name: EventName): object {
  const schema = eventData[name];
  const type = eventType(name);
  const envelope = CloudEvent.extend({ type: z.literal(type), data: schema });
  return {
    name: type,
    title: schema.description ?? type,
    contentType: 'application/cloudevents+json',
    bindings: { kafka: { key: { type: 'string', description: 'workOrderId' } } },
    payload: z.toJSONSchema(envelope, { io: 'output', unrepresentable: 'any' }),
  };
}

/** Names in AsyncAPI are made of letters, digits, dots, hyphens and underscores; a dot would read as a path. */
function keyOf(name: EventName): string {
  return name.replaceAll(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase());
}
