import { holdFor, type HoldReason } from '../planner/hold-reasons.js';
import type { Preparation } from '../planner/plan.js';
import type { Hold, Warning, WorkOrder } from '../schemas/work-order.js';
import type { Resolution, ResolvedPart } from './provisioner.js';

/** For whom something is resolved: an order's user, or one who is registered without an order. */
export interface TenantRequest {
  order: Pick<WorkOrder, 'userId' | 'accountId' | 'systemOfferingIds'>;
  /** See `userKey`. */
  generation?: number;
}

/** Where in a message something stands; null: it is not an order's, and stands nowhere. */
export type Place = { itemIndex: number | null };

/**
 * What resolving an order collects on its way, whatever the cloud. Every problem of every part is named at once: a person who
 * mends one should not find the next afterwards. A part that cannot be resolved answers null, its hold says why.
 */
export interface Collecting {
  hold: (part: Place, field: string, reason: HoldReason, message: string) => null;
  warn: (warning: Warning) => void;
  /** Once per key, however many parts need it; before what stands on it. */
  prepare: (preparation: Preparation) => void;
}

/** @returns where to collect, and what came of it once every part was asked for */
export function collecting(): { to: Collecting; resolution(parts: ResolvedPart[]): Resolution } {
  const holds: Hold[] = [];
  const warnings: Warning[] = [];
  const preparations = new Map<string, Preparation>();
  return {
    to: {
      hold(part, field, reason, message) {
        holds.push(holdFor(reason, pathOfField(part, field), message));
        return null;
      },
      warn(warning) {
        if (!warnings.some(({ code, path }) => code === warning.code && path === warning.path)) warnings.push(warning);
      },
      prepare: (preparation) => void preparations.set(preparation.key, preparation),
    },
    resolution: (parts) =>
      holds.length > 0
        ? { state: 'held', holds }
        : { state: 'resolved', parts, preparations: [...preparations.values()], warnings },
  };
}

/** Where a field of a part stands in the message, for people and in codes' paths. */
export function pathOfField({ itemIndex }: Place, field: string): string {
  if (itemIndex === null) return field;
  return `workOrderItems[${itemIndex}].workOrderItemConfig.${field}`;
}
