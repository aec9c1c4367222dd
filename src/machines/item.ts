import type { Failure } from './operation.machine.js';

/** What every item machine remembers. Plain JSON; `null`, never `undefined` (JSON forgets it). */
export type ItemContext = {
  /** Whether the order has a VM that this disk or address belongs to. */
  hasVm: boolean;
  /** What the cloud told of it: `vmId`, `volumeId`, `ipAddress` … */
  facts: Record<string, string>;
  failure: Failure | null;
};

export type ItemEvent =
  /** Everything the next operation needs is there. */
  | { type: 'NEEDS_MET' }
  /** Something it needs will never be there. */
  | { type: 'NEED_FAILED'; failure: Failure }
  | { type: 'OPERATION_DONE'; facts: Record<string, string> }
  | { type: 'OPERATION_FAILED' | 'OPERATION_STUCK'; failure: Failure };

/** How an item stands, for everybody outside its machine. */
export type ItemOutcome = 'open' | 'completed' | 'failed' | 'cancelled' | 'needsOperator';

export const emptyItemContext: ItemContext = { hasVm: false, facts: {}, failure: null };
