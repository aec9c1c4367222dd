/** What must hold of a request that changes something, when it leaves and when it arrives. Pure. */
import type { OrderState } from '../../src/machines/order-state.js';
import { removals, waysBack } from '../../src/planner/plan.js';
import type { Asked } from './watch-calls.js';

/** An operation and its order as they are committed. */
export interface IntentRow {
  state: string;
  requestId: string;
  attempt: number;
  marker: string;
  workerId: string | null;
  status: string;
  orderState: string;
}

/**
 * I4, at the moment when a request leaves: what it is sent for is committed, as what it is sent for and in its worker's name.
 *
 * @param asked null when the work is no operation's
 */
export function intentProblem(
  name: string,
  asked: Asked | null,
  row: IntentRow | null,
  workerId: string,
): string | null {
  if (!asked) return `${name} leaves, and no operation has asked for it`;
  const { effect, operation } = asked;
  const what = `${name} leaves for ${operation.name} (${operation.marker}, ${effect})`;
  if (effect === 'lookUp' || effect === 'inspect') return `${what}: who only looks changes nothing`;
  if (!row) return `${what}, and no such operation is committed`;
  const wanted = effect === 'send' ? 'requesting' : 'discarding';
  if (row.state !== wanted) return `${what}, which is committed as ${row.state}`;
  if (row.requestId !== operation.requestId)
    return `${what} under request ${operation.requestId}, and ${row.requestId} is committed (attempt ${row.attempt})`;
  if (row.marker !== operation.marker) return `${what}, and ${row.marker} is committed`;
  if (row.workerId !== workerId) return `${what} from ${workerId}, and its order belongs to ${row.workerId}`;
  return null;
}

/** The same when it arrives, by then perhaps long given up: the intent stands, and is not younger than the request. */
export function arrivalProblem(name: string, { operation }: Asked, row: IntentRow | null): string | null {
  const { attempt } = operation.machine.context;
  if (row && row.attempt >= attempt) return null;
  const known = row ? `attempt ${row.attempt}` : 'nothing';
  return `${name} arrives for ${operation.name} (${operation.marker}), attempt ${attempt}, and ${known} is committed`;
}

/** Nothing is made for an order that is on its way back, or at its end, when the work begins: its worker knew then. */
export function undoingProblem(name: string, { effect, operation, atStart }: Asked): string | null {
  if (effect !== 'send' || waysBack.includes(operation.name) || removals.includes(operation.name)) return null;
  if (!atStart || !isGoneBackOn(atStart) || isKept(atStart, operation.itemIndex)) return null;
  return `${name} leaves for ${operation.name} (${operation.marker}) of ${atStart.workOrderId}, which is ${atStart.machine.value}`;
}

const backwards = ['undoing', 'undoStuck', 'completed', 'partial', 'failed', 'cancelled'];

export const isGoneBackOn = ({ machine }: Pick<OrderState, 'machine'>): boolean => backwards.includes(machine.value);

/** Under `keep-master` the master is built to its end while the rest is removed. */
const isKept = ({ machine, items }: OrderState, itemIndex: number): boolean =>
  machine.context.ending === 'partial' && items[itemIndex]?.master === true;
