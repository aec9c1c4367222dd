import type { ItemContext, ItemEvent } from '../../src/machines/item.js';
import {
  type Failure,
  type OperationContext,
  type OperationEvent,
  operationMachine,
} from '../../src/machines/operation.machine.js';
import { type WorkOrderContext, type WorkOrderEvent, workOrderMachine } from '../../src/machines/work-order.machine.js';

/** One event of each type; the compiler asks for every one. */
type Samples<Event extends { type: string }> = { [T in Event['type']]: Event & { type: T } };

export const reason = { code: 'CLD_CAPACITY', message: 'No room at present.' };
export const rejection: Failure = { disposition: 'reject', code: 'CLD_QUOTA', message: 'The quota is used up.' };
export const later: Failure = { disposition: 'retry', ...reason };
export const question: Failure = { disposition: 'ask-human', code: 'CLD_AUTH', message: 'Look at the credentials.' };
export const skipped: Failure = { disposition: 'reject', code: 'OPS_SKIPPED', message: 'The customer does without.' };
export const undone: Failure = { disposition: 'reject', code: 'OPS_UNDONE', message: 'Given up before it was done.' };
export const missingNeed: Failure = { disposition: 'reject', code: 'ITM_NEED_FAILED', message: 'VM/1#1: no room' };

export const operationEvents: Samples<OperationEvent> = {
  ACCEPTED: { type: 'ACCEPTED', jobId: 'job-1', resourceId: null },
  DONE: { type: 'DONE', resourceId: 'r-1', facts: { vmId: 'r-1' }, startedAt: '2026-01-01T00:00:00.000Z' },
  READY: { type: 'READY', resourceId: 'r-1', facts: { vmId: 'r-1' }, startedAt: null },
  NEXT_STAGE: { type: 'NEXT_STAGE', stage: 'tier', memo: { vpcId: 'vpc-1' }, resourceId: null },
  TRY_LATER: { type: 'TRY_LATER', ...reason, retryAfterMs: null },
  REJECTED: { type: 'REJECTED', code: 'CLD_QUOTA', message: 'The quota is used up.' },
  NEEDS_OPERATOR: { type: 'NEEDS_OPERATOR', code: 'CLD_AUTH', message: 'Look at the credentials.' },
  OUTCOME_UNKNOWN: { type: 'OUTCOME_UNKNOWN', code: 'CLD_RESPONSE_UNKNOWN', message: 'The answer was lost.' },
  BROKEN: { type: 'BROKEN', code: 'CLD_RESOURCE_ERROR', message: 'It is in state Error.' },
  FOUND_JOB: { type: 'FOUND_JOB', jobId: 'job-2', resourceId: null },
  FOUND: { type: 'FOUND', resourceId: 'r-2', others: [] },
  NAMED_AGAIN: { type: 'NAMED_AGAIN', resourceId: 'r-2' },
  ABSENT: { type: 'ABSENT' },
  PENDING: { type: 'PENDING' },
  GONE: { type: 'GONE' },
  IN_PROGRESS: { type: 'IN_PROGRESS' },
  JOB_SUCCEEDED: { type: 'JOB_SUCCEEDED', resourceId: 'r-3' },
  JOB_FAILED: { type: 'JOB_FAILED', ...rejection },
  JOB_LOST: { type: 'JOB_LOST' },
  OVERDUE: { type: 'OVERDUE' },
  ABANDONED: { type: 'ABANDONED' },
  REPLAYED: { type: 'REPLAYED' },
  MARKED_DONE: { type: 'MARKED_DONE', resourceId: 'r-4' },
  TIMER: { type: 'TIMER' },
  RESUMED: { type: 'RESUMED' },
};

export const itemEvents: Samples<ItemEvent> = {
  NEEDS_MET: { type: 'NEEDS_MET' },
  NEED_FAILED: { type: 'NEED_FAILED', failure: missingNeed },
  OPERATION_DONE: { type: 'OPERATION_DONE', facts: { made: 'yes' } },
  OPERATION_FAILED: { type: 'OPERATION_FAILED', failure: rejection },
  UNDO: { type: 'UNDO' },
  SKIPPED: { type: 'SKIPPED', failure: skipped },
  REPLAYED: { type: 'REPLAYED' },
  MARKED_GONE: { type: 'MARKED_GONE' },
};

export const workOrderEvents: Samples<WorkOrderEvent> = {
  PLANNED: { type: 'PLANNED' },
  HELD: { type: 'HELD', code: 'SEM_EBS_SIZE', message: 'The two sizes of a disk disagree.' },
  CLOUD_AWAY: { type: 'CLOUD_AWAY', ...reason },
  STARTED: { type: 'STARTED' },
  ALL_COMPLETED: { type: 'ALL_COMPLETED' },
  SOME_COMPLETED: { type: 'SOME_COMPLETED' },
  NONE_COMPLETED: { type: 'NONE_COMPLETED' },
  ITEM_STUCK: { type: 'ITEM_STUCK', code: 'CLD_AUTH', message: 'Look at the credentials.' },
  ITEM_FREED: { type: 'ITEM_FREED' },
  ITEM_FAILED: { type: 'ITEM_FAILED', code: 'CLD_QUOTA', message: 'The quota is used up.' },
  REST_FAILED: { type: 'REST_FAILED', ending: 'partial', code: 'CLD_QUOTA', message: 'The quota is used up.' },
  UNDO_STUCK: { type: 'UNDO_STUCK', code: 'CLD_AUTH', message: 'Look at the credentials.' },
  UNDONE: { type: 'UNDONE' },
  REPLAY: { type: 'REPLAY' },
  RELEASE: { type: 'RELEASE' },
  PAUSE: { type: 'PAUSE', code: 'OPS_HELD', message: 'Maintenance tonight.' },
  CANCEL: { type: 'CANCEL', code: 'OPS_CANCELLED', message: 'The customer changed their mind.' },
  TIMER: { type: 'TIMER' },
  RESUMED: { type: 'RESUMED' },
};

/** Memory of an operation whose first request left and was not answered yet. */
export function operationMemory(changes: Partial<OperationContext> = {}): OperationContext {
  return { ...(operationMachine.config.context as OperationContext), attempt: 1, ...changes };
}

export function itemMemory(changes: Partial<ItemContext> = {}): ItemContext {
  return { hasVm: false, facts: {}, failure: null, ...changes };
}

export function orderMemory(changes: Partial<WorkOrderContext> = {}): WorkOrderContext {
  return { ...(workOrderMachine.config.context as WorkOrderContext), ...changes };
}
