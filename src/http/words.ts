import type { JsonObject } from '../json.js';
import type { StoredEvent } from '../store/events.js';
import type { MessageView } from '../store/views-messages.js';

const orderWords: Readonly<Record<string, string>> = {
  'work-order.received': 'The order was taken and is kept.',
  'work-order.planned': 'The plan is made; the order waits for what it shares with others.',
  'work-order.started': 'The first request goes out to a cloud.',
  'work-order.completed': 'Everything was delivered.',
  'work-order.partial': 'Some of it was delivered; the event says which lines may be charged.',
  'work-order.failed': 'Nothing was delivered.',
  'work-order.cancelled': 'The order was called off.',
};

/** An event as one sentence. */
export function eventText(event: StoredEvent): string {
  const item = `Item ${event.workOrderItemId ?? '?'} (${event.resourceType ?? '?'})`;
  switch (event.type) {
    case 'work-order.held':
      return `The order waits for an operator: ${messageOf(event.data['reason']) ?? 'no reason was given'}`;
    case 'item.started':
      return `${item}: the first request goes out.`;
    case 'item.job-submitted':
      return `${item}: the cloud took ${text(event.data['operation'])} as job ${text(event.data['jobId'])}.`;
    case 'item.completed': {
      const ids = event.data['cloudResourceIds'];
      return `${item}: delivered${Array.isArray(ids) && ids.length > 0 ? ` as ${ids.map(text).join(', ')}` : ''}.`;
    }
    case 'item.failed':
      return `${item}: failed: ${messageOf(event.data['failure']) ?? 'no reason was given'}`;
    case 'item.cancelled':
      return `${item}: not tried: ${messageOf(event.data['failure']) ?? 'no reason was given'}`;
    case 'item.compensated':
      return `${item}: what was built for it is removed again.`;
    default:
      return orderWords[event.type] ?? event.type;
  }
}

/** A delivery of the order's message as one sentence. */
export function deliveryText(message: MessageView): string {
  const from = `${message.channel} (${message.origin})`;
  switch (message.verdict) {
    case 'accepted':
      return `Accepted from ${from}.`;
    case 'held':
      return `Accepted from ${from} and held.`;
    case 'duplicate':
      return `The same order again from ${from}: nothing was done.`;
    case 'conflict':
      return `Another order under this id from ${from}: refused, the first one stands.`;
    default:
      return `${message.verdict} from ${from}.`;
  }
}

function messageOf(value: JsonObject[string] | undefined): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return typeof value['message'] === 'string' ? value['message'] : null;
}

function text(value: JsonObject[string] | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
