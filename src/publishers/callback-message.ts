import type { JsonObject } from '../json.js';
import type { ResourceType, WorkOrder } from '../schemas/work-order.js';

/** How an order ended, as plain data; the callback is made from nothing else. */
export interface OrderOutcome {
  order: WorkOrder;
  /** Ours, not billing's order number. */
  orderId: string;
  status: 'completed' | 'partial' | 'failed' | 'cancelled' | 'held';
  items: ItemOutcome[];
  /** ISO 8601. */
  finishedAt: string;
}

export interface ItemOutcome {
  workOrderItemId: string;
  resourceId: string;
  resourceType: ResourceType;
  platformId: string;
  /** `compensated`: delivered, and removed again with its order. `waiting` only while the order is held. */
  status: 'completed' | 'failed' | 'cancelled' | 'compensated' | 'waiting';
  cloudResourceIds: string[];
  /** Where charging starts, by the cloud's clock; null when nothing was delivered. */
  startedAt: string | null;
  /** What billing shows its customer: `ipAddress`, `bandwidthMbps`, … */
  facts: Record<string, string>;
  failure: { class: string; code: string; message: string } | null;
}

/** The source platform's envelope, in which it also gets the answer to its POST. */
export interface Envelope {
  msg: string;
  errstatus: 'SUCCESS' | 'ERROR';
  errcode: number;
  results: JsonObject;
}

/** 0 is the platform's own "good"; the others are ours, and stay as they are. */
export const callbackErrcodes: Record<OrderOutcome['status'], number> = {
  completed: 0,
  partial: 1,
  failed: 2,
  cancelled: 3,
  held: 4,
};

/**
 * What is posted to billing. Every field it sent with the order and with each line comes back as it was sent (a number
 * stays a number), beside it the verdict. A line is chargeable when it was delivered and is still there; an order that is
 * not complete is an ERROR to the envelope, and its lines tell which of them may be charged all the same.
 */
export function callbackMessage(outcome: OrderOutcome): Envelope {
  return message(outcome, outcome.order);
}

/** Standard Webhooks asks for bodies below 20 KB; receivers may refuse larger ones. */
const largestBody = 20_000;

/**
 * The message as text of less than 20 KB. A large order loses what billing sent itself; if that is not enough its lines,
 * which it then reads at `readAt`. `shortened` says which: nothing is left out silently.
 */
export function callbackBody(outcome: OrderOutcome): string {
  const whole = JSON.stringify(callbackMessage(outcome));
  if (Buffer.byteLength(whole) < largestBody) return whole;
  const readAt = `/v1/work-orders/${outcome.orderId}`;
  const bare: WorkOrder = {
    ...outcome.order,
    echo: {},
    items: outcome.order.items.map((item) => ({ ...item, echo: {} })),
  };
  const envelope = message(outcome, bare);
  const withoutEcho = JSON.stringify({ ...envelope, results: { ...envelope.results, shortened: 'echo', readAt } });
  if (Buffer.byteLength(withoutEcho) < largestBody) return withoutEcho;
  const results = { ...envelope.results, items: [], shortened: 'items', itemCount: outcome.items.length, readAt };
  return JSON.stringify({ ...envelope, results });
}

function message(outcome: OrderOutcome, order: WorkOrder): Envelope {
  const { status } = outcome;
  const completed = outcome.items.filter((item) => item.status === 'completed').length;
  return {
    msg: `Work order ${order.workOrderId} ${status}: ${completed} of ${outcome.items.length} items completed`,
    errstatus: status === 'completed' ? 'SUCCESS' : 'ERROR',
    errcode: callbackErrcodes[status],
    results: {
      workOrderId: order.workOrderId,
      userId: order.userId,
      accountId: order.accountId,
      resourceType: order.resourceType,
      ...withoutSecrets(order.echo),
      orderwrightId: outcome.orderId,
      status,
      finishedAt: outcome.finishedAt,
      items: outcome.items.map((item) => itemMessage(order, item)),
    },
  };
}

function itemMessage(order: WorkOrder, item: ItemOutcome): JsonObject {
  // The type takes part: a line number is not unique in orders of this platform (106 stands twice in one of its samples).
  const ordered = order.items.find(
    (one) =>
      one.workOrderItemId === item.workOrderItemId &&
      one.resourceId === item.resourceId &&
      one.resourceType === item.resourceType,
  );
  return {
    workOrderItemId: item.workOrderItemId,
    resourceId: item.resourceId,
    resourceType: item.resourceType,
    platformId: item.platformId,
    master: ordered?.master ?? false,
    ...withoutSecrets(ordered?.echo ?? {}),
    verdict: item.status === 'waiting' ? null : item.status,
    chargeable: item.status === 'completed',
    cloudResourceIds: [...item.cloudResourceIds],
    startedAt: item.startedAt,
    facts: withoutSecrets(item.facts),
    failure: item.failure && { ...item.failure },
  };
}

/** The second net: the intake has cut secrets out long before. */
function withoutSecrets(fields: JsonObject): JsonObject {
  const isSecret = /passw|secret|token|private.?key|api.?key|credential/i;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isSecret.test(name)));
}
