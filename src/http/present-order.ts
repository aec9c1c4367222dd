import { cloudResourceIds, deliveredAt, itemFailure } from '../machines/delivery.js';
import { outcomeOf, type PartKind } from '../machines/move.js';
import { operationsOfItem, partsOfItem } from '../machines/order-index.js';
import type { OperationState, OrderState } from '../machines/order-state.js';
import type { WorkOrderItem } from '../schemas/work-order.js';
import type { OrderRecord } from '../store/views.js';
import { type Scene, waitingFor } from './waiting-for.js';
import type { ItemJson, JobJson, OrderJson } from './order-schemas.js';

export interface SubmittedJob {
  itemIndex: number;
  jobId: string;
  operation: string;
  at: Date;
}

/** An order as everybody outside sees it (contract.md, "An order as JSON"). Pure; nothing in it was ever secret. */
export function presentOrder(record: OrderRecord, state: OrderState, jobs: SubmittedJob[], scene: Scene): OrderJson {
  const waiting = waitingFor(state, scene);
  return {
    orderId: state.orderId,
    workOrderId: state.workOrderId,
    status: state.status,
    userId: record.userId,
    accountId: record.accountId,
    createdAt: record.createdAt.toISOString(),
    updatedAt: record.updatedAt.toISOString(),
    finishedAt: record.finishedAt?.toISOString() ?? null,
    version: record.revision,
    reason: state.machine.context.reason,
    holds: record.holds,
    warnings: record.warnings,
    repairs: record.repairs,
    items: state.items.map((item, index) => {
      const failure = itemFailure(state, index);
      return {
        workOrderItemId: item.workOrderItemId,
        resourceId: item.resourceId,
        resourceType: item.resourceType,
        platformId: item.platformId,
        platformName: scene.platform(item.platformId).name,
        master: item.master,
        summary: summaryOf(record.document?.items[index]),
        status: item.status,
        state: machineState(state, index),
        cloudResourceIds: cloudResourceIds(state, index),
        facts: factsOf(state, index),
        deliveredAt: item.status === 'completed' ? deliveredAt(state, index) : null,
        jobs: jobs.filter((job) => job.itemIndex === index).map((job) => presentJob(state, job)),
        failure: failure && { class: failure.disposition, code: failure.code, message: failure.message },
        waitingFor: waiting[index] ?? null,
      } satisfies ItemJson;
    }),
  };
}

/** The machine's own state; of several parts, the one that is furthest behind. */
function machineState(state: OrderState, itemIndex: number): string {
  const kind = state.items[itemIndex]?.resourceType as PartKind;
  const parts = partsOfItem(state, itemIndex);
  const slowest = parts.find((part) => outcomeOf(kind, part.machine.value) === 'open') ?? parts[0];
  return slowest?.machine.value ?? 'unplanned';
}

function factsOf(state: OrderState, itemIndex: number): Record<string, string>[] {
  return partsOfItem(state, itemIndex)
    .filter((part) => Object.keys(part.machine.context.facts).length > 0)
    .map((part) => part.machine.context.facts);
}

function presentJob(state: OrderState, job: SubmittedJob): JobJson {
  const operation = operationsOfItem(state, job.itemIndex).find(
    (one) => one.name === job.operation && one.machine.context.jobId === job.jobId,
  );
  const finishedAt = operation?.finishedAt ?? null;
  return {
    jobId: job.jobId,
    operation: job.operation,
    status: operation ? jobStatus(operation) : 'ended',
    submittedAt: job.at.toISOString(),
    finishedAt: finishedAt === null ? null : new Date(finishedAt).toISOString(),
  };
}

function jobStatus(operation: OperationState): JobJson['status'] {
  switch (operation.machine.value) {
    case 'inFlight':
      return 'running';
    case 'done':
      return 'succeeded';
    case 'failed':
      return 'failed';
    case 'verifying':
    case 'watching':
      return 'checking';
    default:
      return 'unclear';
  }
}

/** What was ordered, in a few words. */
function summaryOf(item: WorkOrderItem | undefined): string {
  if (!item) return '';
  const times = 'quantity' in item.config && item.config.quantity > 1 ? `${item.config.quantity} × ` : '';
  switch (item.resourceType) {
    case 'VM': {
      const { vmName, cpuCount, memoryMib, rootDiskGib, rootDiskType } = item.config;
      const cores = cpuCount === 1 ? '1 core' : `${cpuCount} cores`;
      return `${times}${vmName}: ${cores}, ${gib(memoryMib)}, ${rootDiskGib} GiB ${rootDiskType}`;
    }
    case 'EBS':
      return `${times}${item.config.sizeGib} GiB ${item.config.volumeType}`;
    case 'NETWORK':
      return `${item.config.bandwidthMbps} Mbit/s`;
  }
}

function gib(mib: number): string {
  return mib % 1024 === 0 ? `${mib / 1024} GiB` : `${mib} MiB`;
}
