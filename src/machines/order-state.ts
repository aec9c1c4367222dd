import type { JsonObject } from '../json.js';
import type { OperationName, Plan } from '../planner/plan.js';
import type { Facts } from '../provisioners/provisioner.js';
import type { ItemContext } from './item.js';
import type { Failure, OperationContext } from './operation.machine.js';
import type { WorkOrderContext } from './work-order.machine.js';

/** A machine as it is stored: state and memory, nothing of XState's. */
export interface Stored<Context> {
  value: string;
  context: Context;
}

export type OrderStatus =
  'received' | 'planned' | 'provisioning' | 'held' | 'compensating' | 'completed' | 'partial' | 'failed' | 'cancelled';

export const finalStatuses: readonly OrderStatus[] = ['completed', 'partial', 'failed', 'cancelled'];

/** At its end, and without what it was for: it failed, or somebody cancelled it. */
export function isOverWithout(status: string): boolean {
  return status !== 'completed' && (finalStatuses as readonly string[]).includes(status);
}

export const itemStatuses = [
  'pending',
  'provisioning',
  'completed',
  'failed',
  'cancelled',
  'held',
  'compensating',
  'compensated',
] as const;
export type ItemStatus = (typeof itemStatuses)[number];

/** Everything the engine knows of an open order. Plain data; what is not written back on every step is marked. */
export interface OrderState {
  orderId: string;
  kind: 'billing' | 'preparation';
  producer: string;
  workOrderId: string;
  /** Billing's account: the tenant, for fairness and for who may see it. '' for what we order ourselves. */
  accountId: string;
  status: OrderStatus;
  machine: Stored<WorkOrderContext>;
  /** When the order machine itself wakes, ms since epoch, or null. */
  dueAt: number | null;
  /** Number of the last event. */
  sequence: number;
  /** Stored once, when made. */
  plan: Plan | null;
  items: ItemState[];
  parts: PartState[];
  operations: OperationState[];
  /** Outcome of what others prepare for this order; asked again after a restart, never stored. */
  preparations: Record<string, PreparationOutcome>;
}

export interface ItemState {
  workOrderItemId: string;
  resourceId: string;
  resourceType: string;
  platformId: string;
  master: boolean;
  status: ItemStatus;
}

/** One thing being built for an item. */
export interface PartState {
  key: string;
  itemIndex: number;
  machine: Stored<ItemContext>;
}

export interface OperationState {
  partKey: string;
  itemIndex: number;
  name: OperationName;
  platformId: string;
  marker: string;
  /** For the current attempt and stage; on its way to the cloud as the job's id where the cloud lets us choose. */
  requestId: string;
  machine: Stored<OperationContext>;
  /** When it wakes by itself, ms since epoch. */
  dueAt: number | null;
  createdAt: number;
  /** When the cloud took the current job. */
  submittedAt: number | null;
  finishedAt: number | null;
}

/**
 * Whether the cloud is being asked the same thing of an operation still: the same request, job and look. An answer to anything else, an
 * earlier job's verdict for one, is no news of what is asked now (E7).
 */
export function isSameAsk(now: OperationState | undefined, then: OperationState): boolean {
  const [a, b] = [now?.machine.context, then.machine.context];
  return (
    now?.machine.value === then.machine.value &&
    now.requestId === then.requestId &&
    a?.jobId === b.jobId &&
    a.lookUps === b.lookUps &&
    a.laters === b.laters &&
    a.watches === b.watches
  );
}

export type PreparationOutcome =
  | { state: 'ready'; facts: Facts }
  | { state: 'failed'; failure: Failure }
  /** Only a person can say how it goes on. */
  | { state: 'stuck'; failure: Failure }
  /** Asked for anew, and what was said of it before counts no more. */
  | { state: 'asked' };

/** Something everybody may know, to be stored with the step that made it true. `type` without prefix and version. */
export interface Announcement {
  sequence: number;
  type: `work-order.${string}` | `item.${string}`;
  itemIndex: number | null;
  at: number;
  data: JsonObject;
}

/** What has to be done outside once the step is stored. */
export type Effect =
  | { type: 'plan' }
  /** `look`: what is there is told, and nothing is made: by an order that makes nothing more, or waits for a person. */
  | { type: 'prepare'; only?: 'look' }
  | { type: 'send' | 'lookUp' | 'track' | 'inspect' | 'discard'; operation: OperationState }
  | { type: 'timer'; operation: OperationState | null; dueAt: number };

export interface Step {
  state: OrderState;
  /** False when the event meant nothing in this state: nothing to store, nothing to do. */
  changed: boolean;
  changedItems: number[];
  changedOperations: OperationState[];
  /** `twin`: more than one thing with a marker. `undo`: the cloud would not remove it. */
  orphans: { operation: OperationState; resourceIds: string[]; why: 'twin' | 'undo' }[];
  /** Things that are gone from the cloud now, and may stand among the orphans. */
  removed: { platformId: string; resourceId: string; /** A person says so; nobody has looked. */ onWord?: boolean }[];
  announcements: Announcement[];
  effects: Effect[];
}
