import { preparationId } from '../machines/follow-up.js';
import { finalStatuses, type OrderState } from '../machines/order-state.js';
import { loadOrders } from '../store/load-orders.js';
import { triesAt } from '../store/preparation-tries.js';
import type { Sql } from '../store/data-source.js';

/**
 * Orders as they are stored, with what others prepared for them: outcomes of preparations are never stored with an order, and
 * without them a request goes to the wrong project, or names no network. Order not kept.
 */
export async function readWhole(sql: Sql, orderIds: string[]): Promise<OrderState[]> {
  const states = (await loadOrders(sql, orderIds)).map(({ state }) => state);
  const wanted = new Map(
    states.flatMap(neededByParts).map((one) => [preparationId(one.platformId, one.key), one] as const),
  );
  const tries = await triesAt(sql, [...wanted.values()]);
  const made = await loadOrders(
    sql,
    tries.filter(({ status }) => status === 'completed').map(({ orderId }) => orderId),
  );
  const outcomes: OrderState['preparations'] = {};
  for (const { platformId, key, orderId } of tries) {
    const facts = made.find(({ state }) => state.orderId === orderId)?.state.parts[0]?.machine.context.facts;
    if (facts) outcomes[preparationId(platformId, key)] = { state: 'ready', facts };
  }
  return states.map((state) => ({ ...state, preparations: outcomes }));
}

/** Preparations that the parts of an order take inputs from. */
function neededByParts({ plan, parts }: OrderState): { platformId: string; key: string }[] {
  return (plan?.parts ?? []).flatMap(({ platformId, inputs }) =>
    Object.values(inputs)
      .filter(({ from }) => !parts.some(({ key }) => key === from))
      .map(({ from: key }) => ({ platformId, key })),
  );
}

/** How things stand with what a thing's marker stands for. */
export type Belonging =
  /** Somebody is at it: what is there may become an order's yet. */
  | { state: 'open' }
  /** The cloud's id of what was delivered under it; null when nothing was, or it was taken back. */
  | { state: 'ended'; orderId: string; facts: Record<string, string>; resourceId: string | null };

/**
 * What was delivered under the marker of an operation, by whichever order carries it: several tries at one preparation share
 * one marker, and what the first left the second may have taken over.
 */
export async function belongingOf(sql: Sql, state: OrderState, partKey: string): Promise<Belonging> {
  if (state.kind === 'billing') return endedAs(state, partKey);
  const platformId = state.items[0]?.platformId ?? '';
  const takenBack = removalOf(partKey);
  const tries = await triesAt(sql, [
    { platformId, key: partKey },
    ...(takenBack === null ? [] : [{ platformId, key: takenBack }]),
  ]);
  if (tries.some(({ status }) => !finalStatuses.includes(status))) return { state: 'open' };
  const isTakenBack = tries.some(({ key, status }) => key === takenBack && status === 'completed');
  const newest = tries.findLast(({ key }) => key === partKey);
  const [loaded] = newest ? await loadOrders(sql, [newest.orderId]) : [];
  if (!loaded) return { state: 'open' };
  const ended = endedAs(loaded.state, partKey);
  return isTakenBack && ended.state === 'ended' ? { ...ended, facts: {}, resourceId: null } : ended;
}

function endedAs(state: OrderState, partKey: string): Belonging {
  if (!finalStatuses.includes(state.status)) return { state: 'open' };
  const part = state.parts.find(({ key }) => key === partKey);
  const facts = part?.machine.context.facts ?? {};
  const made = state.operations.find((one) => one.partKey === partKey)?.machine.context.resourceId ?? null;
  const isDelivered = part !== undefined && state.items[part.itemIndex]?.status === 'completed';
  return isDelivered && Object.keys(facts).length > 0
    ? { state: 'ended', orderId: state.orderId, facts, resourceId: made }
    : { state: 'ended', orderId: state.orderId, facts: {}, resourceId: null };
}

/** The preparation that takes another one back, by its key; null for what is never taken back. */
function removalOf(key: string): string | null {
  const [kind = '', ...rest] = key.split('/');
  return kind === 'tenant' || kind === 'default-network' ? [`${kind}-removal`, ...rest].join('/') : null;
}
