import type { Failure } from './operation.machine.js';

/** What every item machine remembers. Plain JSON; `null`, never `undefined` (JSON forgets it). */
export type ItemContext = {
  /** Whether the order has a VM that this disk or address belongs to. */
  hasVm: boolean;
  /** What the cloud told of it: `vmId`, `volumeId`, `ipAddress` … */
  facts: Record<string, string>;
  failure: Failure | null;
};

/**
 * What can happen to an item. An operation that needs a person is no event: the item waits where it is until the operation
 * goes on, and is shown as `held` meanwhile.
 */
export type ItemEvent =
  /** Everything the next operation needs is there. */
  | { type: 'NEEDS_MET' }
  /** Something it needs will never be there. */
  | { type: 'NEED_FAILED'; failure: Failure }
  | { type: 'OPERATION_DONE'; facts: Record<string, string> }
  | { type: 'OPERATION_FAILED'; failure: Failure }
  /** The order is undone. Told only when no operation of the item is open and nothing that stands on it is left. */
  | { type: 'UNDO' }
  /** An operator gives the item up; what there is of it is removed. */
  | { type: 'SKIPPED'; failure: Failure }
  /** An operator has it tried again. */
  | { type: 'REPLAYED' }
  /** An operator says that what could not be removed is gone. */
  | { type: 'MARKED_GONE' };

/**
 * How an item stands, for everybody outside its machine. `compensated`: delivered, then removed again. `remains`: it could
 * not be removed, and is listed.
 */
export type ItemOutcome = 'open' | 'completed' | 'failed' | 'cancelled' | 'compensated' | 'remains';

/** The failures of an item that was given up before it was done: by an operator, or because its order is undone. */
export const givenUpCodes = ['OPS_SKIPPED', 'OPS_UNDONE'];
/** The failure of an item that was never tried, because something it needs will not come. */
export const needFailedCode = 'ITM_NEED_FAILED';

export const emptyItemContext: ItemContext = { hasVm: false, facts: {}, failure: null };
