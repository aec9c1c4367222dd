import type { Code } from '../../codes.js';
import type { Json, JsonObject } from '../../json.js';
import { messageFields, OrderMessage } from '../../schemas/order-message.js';
import type { WorkOrder } from '../../schemas/work-order.js';
import { canonicalFields, sortedItems, sortedKeys } from './canonical.js';
import { cleanSecrets, type KeptFields, keepFields, type ReadingContext } from './kept-fields.js';
import { limits } from './limits.js';
import type { Notes } from './notes.js';
import { checkOrder } from './order-checks.js';
import { checked, type ReadItem, readItem } from './read-item.js';
import { readText } from './read-text.js';

export interface ReadOrder {
  order: WorkOrder;
  canonical: JsonObject;
}

const modelled = new Set([
  'workOrderId', 'userId', 'accountId', 'resourceType', 'workOrderType', 'msghandler_url', 'systemOfferingIds', 'workOrderItems',
]); // prettier-ignore
const inner = new Set(['workOrderItems', 'workOrderConfig', 'systemOfferingIds']);
const orderNames = [...messageFields].filter((name) => !inner.has(name));

/** The order in an unwrapped object, or null with all its problems in the notes. */
export function readOrder(raw: JsonObject, producer: string, hashKey: Uint8Array, notes: Notes): ReadOrder | null {
  const workOrderId = typeof raw['workOrderId'] === 'string' ? raw['workOrderId'] : '';
  const context: ReadingContext = { notes, hashKey, workOrderId };
  const message = checked(OrderMessage, raw, '', notes);
  const fields = keepFields(raw, messageFields, modelled, '', context);
  const config = readOrderConfig(fields, context);
  const items = readItems(raw['workOrderItems'] ?? null, context);
  if (message === null || notes.problems.length > 0) return null;

  checkOrder(message, items, notes);
  if (notes.problems.length > 0) return null;
  const offerings = cleanSecrets(message.systemOfferingIds, 'systemOfferingIds', context);
  const order: WorkOrder = {
    producer,
    workOrderId,
    userId: message.userId,
    accountId: message.accountId,
    resourceType: message.resourceType,
    workOrderType: message.workOrderType,
    callbackUrl: callbackUrlOf(message.msghandler_url, notes),
    systemOfferingIds: offerings.clean as Record<string, string>,
    items: items.map(({ item }) => item),
    echo: fields.kept,
  };
  const canonical = canonicalFields(message, orderNames, fields.unknown);
  if (config !== null) canonical['workOrderConfig'] = config;
  if (Object.keys(offerings.marked).length > 0) canonical['systemOfferingIds'] = sortedKeys(offerings.marked);
  canonical['workOrderItems'] = sortedItems(items.map((item) => item.canonical));
  return { order, canonical };
}

/** All items, however many problems the first of them has; the notes know where to stop. */
function readItems(raw: Json, context: ReadingContext): ReadItem[] {
  if (!Array.isArray(raw)) return [];
  if (raw.length > limits.items) {
    context.notes.problem(
      'ORD_ITEMS_LIMIT',
      'workOrderItems',
      `the order has ${raw.length} items; at most ${limits.items} are taken`,
    );
    return [];
  }
  const items: ReadItem[] = [];
  raw.forEach((item, index) => {
    const read = readItem(item, index, context);
    if (read !== null) items.push(read);
  });
  return items;
}

/**
 * `workOrderConfig` is billing's own and goes back as it came. For the hash it is read where it is JSON, since the escapes
 * inside it differ from wrapper to wrapper; what would not pass inside an item's config does not pass here either.
 */
function readOrderConfig(fields: KeptFields, context: ReadingContext): Json {
  const { kept } = fields;
  const sent = kept['workOrderConfig'] ?? null;
  if (sent === null || sent === '') return null;
  let value: Json = sent;
  if (typeof sent === 'string') {
    const read = readText(sent);
    if (!read.ok) {
      if (read.damaged) return sent;
      for (const { code, message } of read.problems) context.notes.problem(code as Code, 'workOrderConfig', message);
      return null;
    }
    value = read.value;
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return sent;
  const { clean, marked } = cleanSecrets(value, 'workOrderConfig', context);
  if (clean !== value) kept['workOrderConfig'] = typeof sent === 'string' ? JSON.stringify(clean) : clean;
  return sortedKeys(marked);
}

const longestUrl = 2_048;

/** Only its syntax: whether it may be called is asked where it is called. */
function callbackUrlOf(sent: unknown, notes: Notes): string | null {
  if (sent === null) return null;
  if (typeof sent === 'string' && sent.length > longestUrl) {
    notes.warn(
      'URL_TOO_LONG',
      'msghandler_url',
      `this URL has ${sent.length} characters, ${longestUrl} are taken; the outcome will not be posted anywhere`,
    );
    return null;
  }
  const usable = typeof sent === 'string' && !/[\p{Cc} ]/u.test(sent) && URL.canParse(sent);
  if (usable) return sent;
  notes.warn('URL_SYNTAX', 'msghandler_url', 'this is not an absolute URL; the outcome will not be posted anywhere');
  return null;
}
