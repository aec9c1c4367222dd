import { z } from 'zod';
import { field, info, isAbsent, itemFamily, optionalWhole, quoted, reference, textOrNumberId, Wrong } from './wire.js';
import type { ResourceType } from './work-order.js';

export const resourceTypes: readonly ResourceType[] = ['VM', 'EBS', 'NETWORK'];

/** One item as billing sends it, 20 fields; the config is read by its resource type's own schema. */
export const ItemMessage = z.object({
  workOrderItemId: textOrNumberId(itemFamily),
  resourceType: field({ enum: resourceTypes }, (value) => {
    if (value === undefined) return new Wrong('ITM_FIELD_MISSING', 'this field is required');
    const type = resourceTypes.find((known) => known === value);
    return (
      type ??
      new Wrong('ITM_TYPE_UNSUPPORTED', `expected ${resourceTypes.join(', ')} in capitals, got ${quoted(value)}`)
    );
  }),
  resourceId: textOrNumberId(itemFamily),
  workOrderItemConfig: field({ type: ['string', 'object'], contentMediaType: 'application/json' }, (value) =>
    isAbsent(value) ? new Wrong('ITM_FIELD_MISSING', 'this field is required') : value,
  ),
  workOrderId: reference(itemFamily),
  orderId: reference(itemFamily),
  innerOrderId: reference(itemFamily),
  masterOrderId: reference(itemFamily),
  masterResourceId: reference(itemFamily),
  master: field({ type: ['boolean', 'null'] }, (value) => {
    if (isAbsent(value)) return null;
    return typeof value === 'boolean'
      ? value
      : new Wrong('ITM_FIELD_TYPE', `expected true or false, got ${quoted(value)}`);
  }),
  resourceAction: optionalWhole('ITM_FIELD_TYPE'),
  cycleType: optionalWhole('ITM_FIELD_TYPE'),
  serviceTag: info(itemFamily),
  resourceInfo: info(itemFamily),
  resourceDescription: info(itemFamily),
  orderItemId: reference(itemFamily),
  salesEntryId: reference(itemFamily),
  productId: reference(itemFamily),
  workOrderItemNo: reference(itemFamily),
  innerOrderItemId: reference(itemFamily),
});
export type ItemMessage = z.infer<typeof ItemMessage>;

export const itemFields: ReadonlySet<string> = new Set(Object.keys(ItemMessage.shape));
