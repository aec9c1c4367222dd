import { holdFor, type HoldReason } from '../planner/hold-reasons.js';
import type { DraftPart, Preparation } from '../planner/plan.js';
import type { Hold, Warning } from '../schemas/work-order.js';
import type { Resolution, ResolvedPart } from './provisioner.js';

/**
 * What resolving an order collects on its way, whatever the cloud. Every problem of every part is named at once: a person who
 * mends one should not find the next afterwards. A part that cannot be resolved answers null, its hold says why.
 */
export interface Collecting {
  hold: (part: DraftPart, field: string, reason: HoldReason, message: string) => null;
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
export function pathOfField(part: DraftPart, field: string): string {
  return `workOrderItems[${part.itemIndex}].workOrderItemConfig.${field}`;
}
