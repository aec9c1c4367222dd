import { emptyItemContext, type ItemContext } from '../machines/item.js';
import { operationMachine, type OperationContext } from '../machines/operation.machine.js';
import { currentFailure, currentPartState } from '../machines/earlier-states.js';
import type { ItemStatus, OperationState, OrderState, OrderStatus, PartState } from '../machines/order-state.js';
import { type WorkOrderContext, workOrderMachine } from '../machines/work-order.machine.js';
import type { OperationName, Plan } from '../planner/plan.js';
import { groupBy } from '../group-by.js';
import type { Sql } from './data-source.js';

/** An order with the revision and epoch that a later write must still find. */
export interface LoadedOrder {
  state: OrderState;
  revision: number;
  epoch: number;
  /** Whose it is. */
  workerId: string | null;
  /** Where its outcome is to be posted, as the order says. */
  callbackUrl: string | null;
}

/**
 * Reads whole orders back as the machines know them, in three statements however many there are. Order not kept. Each
 * statement sees a moment of its own: a step that is stored between two of them tore an order apart (seen: a preparation that
 * was completed and had no facts). So each brings a row with the revision along, and what does not fit together, or was not
 * there yet for one of them, is read again.
 */
export async function loadOrders(sql: Sql, orderIds: string[]): Promise<LoadedOrder[]> {
  if (orderIds.length === 0) return [];
  const [orders, allItems, operations] = await Promise.all([
    sql.query<OrderRow>(
      `select o.order_id, o.kind, o.producer, o.work_order_id, o.account_id, o.status, o.machine, o.revision, o.epoch, o.worker_id, o.event_sequence,
              p.plan, d.document ->> 'callbackUrl' as callback_url
         from work_order o left join work_order_document d using (order_id) left join work_order_plan p using (order_id)
        where o.order_id = any($1::uuid[])`,
      [orderIds],
    ),
    sql.query<ItemRow>(
      `select o.order_id, o.revision, i.item_index, i.work_order_item_id, i.resource_id, i.resource_type, i.platform_id,
              i.master, i.status, i.parts
         from work_order o left join work_order_item i using (order_id)
        where o.order_id = any($1::uuid[]) order by o.order_id, i.item_index`,
      [orderIds],
    ),
    sql.query<OperationRow>(
      `select o.order_id, o.revision, c.number, c.part_key, c.name, c.item_index, c.platform_id, c.marker, c.state, c.attempt,
              c.request_id, c.job_id, c.resource_id, c.context, c.due_at, c.created_at, c.submitted_at, c.finished_at
         from work_order o left join cloud_operation c using (order_id)
        where o.order_id = any($1::uuid[]) order by o.order_id, c.number`,
      [orderIds],
    ),
  ]);
  const itemsOf = groupBy(allItems.rows, (row) => row.order_id);
  const operationsOf = groupBy(operations.rows, (row) => row.order_id);
  const torn: string[] = [];
  const loaded = orders.rows.flatMap((row): LoadedOrder[] => {
    const [itemRows, operationRows] = [itemsOf.get(row.order_id) ?? [], operationsOf.get(row.order_id) ?? []];
    const isWhole = [itemRows, operationRows].every(
      (rows) => rows.length > 0 && rows.every(({ revision }) => revision === row.revision),
    );
    if (!isWhole) {
      torn.push(row.order_id);
      return [];
    }
    const begun = operationRows.filter((one) => one.number !== null);
    const items = itemRows.filter((one): one is Item => one.item_index !== null);
    const { revision, epoch, worker_id: workerId, callback_url: callbackUrl } = row;
    return [{ state: toState(row, items, begun), revision, epoch, workerId, callbackUrl }];
  });
  return torn.length === 0 ? loaded : [...loaded, ...(await loadOrders(sql, torn))];
}

interface OrderRow {
  order_id: string;
  kind: OrderState['kind'];
  producer: string;
  work_order_id: string;
  account_id: string;
  status: OrderStatus;
  machine: { value: string; context?: Partial<WorkOrderContext>; dueAt?: number };
  revision: number;
  epoch: number;
  worker_id: string | null;
  event_sequence: number;
  plan: Plan | null;
  callback_url: string | null;
}

interface ItemRow {
  order_id: string;
  revision: number;
  /** Null in the one row of an order without items. */
  item_index: number | null;
  work_order_item_id: string;
  resource_id: string;
  resource_type: string;
  platform_id: string;
  master: boolean;
  status: ItemStatus;
  parts: { key: string; value: string; context: Partial<ItemContext> }[];
}

type Item = ItemRow & { item_index: number };

interface OperationRow {
  order_id: string;
  revision: number;
  /** Null in the one row of an order that has no operation. */
  number: number | null;
  part_key: string;
  name: OperationName;
  item_index: number;
  platform_id: string;
  marker: string;
  state: string;
  attempt: number;
  request_id: string;
  job_id: string | null;
  resource_id: string | null;
  context: Partial<OperationContext>;
  due_at: Date | null;
  created_at: Date;
  submitted_at: Date | null;
  finished_at: Date | null;
}

function toState(row: OrderRow, items: Item[], operations: OperationRow[]): OrderState {
  const ofPart = groupBy(operations, (one) => one.part_key);
  return {
    orderId: row.order_id,
    kind: row.kind,
    producer: row.producer,
    workOrderId: row.work_order_id,
    accountId: row.account_id,
    status: row.status,
    machine: { value: row.machine.value, context: { ...emptyOrderContext, ...row.machine.context } },
    dueAt: row.machine.dueAt ?? null,
    sequence: row.event_sequence,
    plan: row.plan,
    items: items.map((item) => ({
      workOrderItemId: item.work_order_item_id,
      resourceId: item.resource_id,
      resourceType: item.resource_type,
      platformId: item.platform_id,
      master: item.master,
      status: item.status,
    })),
    parts: items.flatMap((item) => item.parts.map((part) => toPart(item, part, ofPart.get(part.key) ?? []))),
    operations: operations.map(toOperation),
    preparations: {},
  };
}

function toPart(item: Item, part: ItemRow['parts'][number], operations: OperationRow[]): PartState {
  const { key, context } = part;
  const value = currentPartState(part.value, operations);
  const failure = currentFailure(context.failure);
  return { key, itemIndex: item.item_index, machine: { value, context: { ...emptyItemContext, ...context, failure } } };
}

const emptyContext = operationMachine.config.context as OperationContext;
const emptyOrderContext = workOrderMachine.config.context as WorkOrderContext;

function toOperation(row: OperationRow): OperationState {
  return {
    partKey: row.part_key,
    itemIndex: row.item_index,
    name: row.name,
    platformId: row.platform_id,
    marker: row.marker,
    requestId: row.request_id,
    machine: {
      value: row.state,
      context: {
        ...emptyContext,
        ...row.context,
        attempt: row.attempt,
        jobId: row.job_id,
        resourceId: row.resource_id,
      },
    },
    dueAt: row.due_at?.getTime() ?? null,
    createdAt: row.created_at.getTime(),
    submittedAt: row.submitted_at?.getTime() ?? null,
    finishedAt: row.finished_at?.getTime() ?? null,
  };
}
