import { z } from 'zod';
import { field, info, isAbsent, optionalWhole, orderFamily, quoted, reference, textId, Wrong } from './wire.js';

/** The order as billing sends it, 19 fields; values normalised, names still billing's. Items are read one by one. */
export const OrderMessage = z.object({
  workOrderId: textId(orderFamily),
  userId: textId(orderFamily),
  accountId: textId(orderFamily),
  resourceType: field({ type: 'string' }, (value) => {
    if (isAbsent(value) || value === '') return new Wrong('ORD_FIELD_MISSING', 'this field is required');
    return typeof value === 'string' ? value : new Wrong('ORD_FIELD_TYPE', `expected text, got ${quoted(value)}`);
  }),
  workOrderType: field({ type: 'integer' }, (value) => {
    if (isAbsent(value)) return new Wrong('ORD_FIELD_MISSING', 'this field is required');
    const number = typeof value === 'string' ? Number(/^ *(\d{1,9}) *$/.exec(value)?.[1] ?? Number.NaN) : value;
    return typeof number === 'number' && Number.isSafeInteger(number)
      ? number
      : new Wrong('ORD_FIELD_TYPE', `expected a whole number, got ${quoted(value)}`);
  }),
  orderId: reference(orderFamily),
  workOrderNo: reference(orderFamily),
  innerOrderId: reference(orderFamily),
  masterOrderId: reference(orderFamily),
  resourceId: reference(orderFamily),
  accountType: reference(orderFamily),
  serviceTag: info(orderFamily),
  cycleType: optionalWhole('ORD_FIELD_TYPE'),
  workOrderConfig: field({ type: ['string', 'object', 'null'] }, (value) => {
    if (isAbsent(value) || value === '') return null;
    if (typeof value === 'string' || (typeof value === 'object' && !Array.isArray(value))) return value;
    return new Wrong('ORD_FIELD_TYPE', `expected JSON text or an object, got ${quoted(value)}`);
  }),
  systemOfferingIds: field({ type: ['object', 'null'], additionalProperties: { type: 'string' } }, (value) => {
    if (isAbsent(value) || value === '') return {};
    if (typeof value !== 'object' || Array.isArray(value)) {
      return new Wrong('ORD_FIELD_TYPE', `expected an object of ids by label, got ${quoted(value)}`);
    }
    const offerings: Record<string, string> = {};
    for (const [label, id] of Object.entries(value)) {
      if (typeof id !== 'string') return new Wrong('ORD_FIELD_TYPE', `expected text, got ${quoted(id)}`, [label]);
      offerings[label] = id;
    }
    return offerings;
  }),
  // Whether it may be called is decided elsewhere; here it is a URL or it is not.
  msghandler_url: field({ type: ['string', 'null'] }, (value) => (isAbsent(value) || value === '' ? null : value)),
  resourceDescription: info(orderFamily),
  resourceInfo: info(orderFamily),
  workOrderItems: field({ type: 'array', minItems: 1 }, (value) => {
    if (isAbsent(value)) return new Wrong('ORD_FIELD_MISSING', 'this field is required');
    if (!Array.isArray(value)) return new Wrong('ORD_FIELD_TYPE', `expected an array of items, got ${quoted(value)}`);
    return value.length === 0 ? new Wrong('ORD_ITEMS_EMPTY', 'the order has no items') : (value as unknown[]);
  }),
});
export type OrderMessage = z.infer<typeof OrderMessage>;

/** An object with one of these names in it is an order and not a wrapper around one. */
export const messageFields: ReadonlySet<string> = new Set(Object.keys(OrderMessage.shape));
