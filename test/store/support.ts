import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Surroundings } from '../../src/machines/advance.js';
import { beginOrder } from '../../src/machines/begin-order.js';
import type { OperationState, OrderState, Step } from '../../src/machines/order-state.js';
import { operationMachine, type OperationContext } from '../../src/machines/operation.machine.js';
import { defaultPace } from '../../src/machines/pace.js';
import { orderIdFor } from '../../src/order-id.js';
import type { WorkOrder } from '../../src/schemas/work-order.js';
import { insertOrders, type OrderToAccept } from '../../src/store/accept.js';
import { createHotPool } from '../../src/store/data-source.js';
import type { StepToSave } from '../../src/store/steps.js';
import { testDatabase } from '../support/database.js';
import { bundleOrder } from '../support/orders.js';

export const surroundings: Surroundings = { installationId: 'tests', at: Date.now(), pace: () => defaultPace };

/** A database of its own and the pool that the hot statements really use. */
export async function openStore(size = 10): Promise<{ url: string; pool: pg.Pool; close(): Promise<void> }> {
  const database = await testDatabase();
  const pool = createHotPool(database.url, { applicationName: 'orderwright tests', size });
  return {
    url: database.url,
    pool,
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

/** An order of four items, as the intake hands it to the store. Each has things of its own unless told otherwise. */
export function orderToAccept(
  workOrderId: string,
  change: { workerId?: string | null; resourceIds?: string[] } = {},
): OrderToAccept {
  const sample = bundleOrder({ order: { workOrderId } });
  const order: WorkOrder = {
    ...sample,
    items: sample.items
      .slice(0, change.resourceIds?.length)
      .map((item, i) => ({ ...item, resourceId: change.resourceIds?.[i] ?? `${workOrderId}/${i}` })),
  };
  return {
    step: beginOrder(orderIdFor(order.producer, workOrderId), order, [], surroundings),
    workerId: change.workerId === undefined ? 'w1' : change.workerId,
    order,
    contentHash: 'ab'.repeat(32),
    warnings: [],
    repairs: [],
    holds: [],
    plan: null,
    secrets: [{ itemIndex: 1, field: 'rootPassword', sealed: Buffer.from([1, 2, 3]) }],
  };
}

/** Puts orders into the database and gives back their states. */
export async function storedOrders(
  pool: pg.Pool,
  count: number,
  workerId: string | null = 'w1',
): Promise<OrderState[]> {
  const orders = Array.from({ length: count }, () => orderToAccept(`WO-${randomUUID()}`, { workerId }));
  await insertOrders(pool, orders);
  return orders.map(({ step }) => step.state);
}

/** A step that leaves something in every table that a step can write to. */
export function fullStep(state: OrderState, change: Partial<StepToSave> = {}): StepToSave {
  const operation = operationOf(state);
  const at = Date.now();
  const next: OrderState = {
    ...state,
    status: 'completed',
    sequence: state.sequence + 1,
    items: state.items.map((item) => ({ ...item, status: 'completed' })),
    operations: [operation],
  };
  const step: Step = {
    state: next,
    changed: true,
    changedItems: [0, 1, 2, 3],
    changedOperations: [operation],
    orphans: [{ operation, resourceIds: [`extra of ${state.orderId}`], why: 'twin' }],
    removed: [],
    announcements: [{ sequence: next.sequence, type: 'work-order.completed', itemIndex: null, at, data: {} }],
    effects: [],
  };
  return {
    stepId: state.orderId,
    step,
    seenRevision: 1,
    epoch: 1,
    storedOperations: 0,
    planDocument: { plan: '{"parts":[]}', warnings: '[{"code":"W"}]', holds: '[]' },
    callbackUrl: 'http://127.0.0.1:8895/',
    secrets: [{ itemIndex: 0, field: 'password', sealed: Buffer.from([4, 5]) }],
    audit: [],
    ...change,
  };
}

export function operationOf(state: OrderState): OperationState {
  return {
    partKey: 'vm#1',
    itemIndex: 1,
    name: 'vm.create',
    platformId: 'p1',
    marker: `ow-${state.orderId}`,
    requestId: randomUUID(),
    machine: {
      value: 'inFlight',
      context: { ...(operationMachine.config.context as OperationContext), attempt: 1, jobId: 'job-1' },
    },
    dueAt: Date.now() + 1_000,
    createdAt: Date.now(),
    submittedAt: Date.now(),
    finishedAt: null,
  };
}

/** Whole contents of every table that knows orders, to see that nothing changed. */
export async function everything(pool: pg.Pool): Promise<Record<string, unknown[]>> {
  const tables = [
    'work_order',
    'work_order_document',
    'work_order_plan',
    'work_order_item',
    'cloud_operation',
    'event',
    'callback_delivery',
    'sealed_secret',
    'orphan',
    'resource_claim',
  ];
  const contents: [string, unknown[]][] = [];
  for (const table of tables) {
    const { rows } = await pool.query<{ row: unknown }>(`select to_jsonb(t) as row from ${table} t order by t::text`);
    contents.push([table, rows.map(({ row }) => row)]);
  }
  return Object.fromEntries(contents);
}

/** Looks again until something holds. Fails by saying what did not come. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  ms = 30_000,
): Promise<T> {
  const giveUpAt = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (Date.now() > giveUpAt) throw new Error(`It never came to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Runs `together` while one row is locked, lets go once all of them wait, and gives back how each of them ended. */
export async function whileLocked<T>(pool: pg.Pool, lock: string, values: unknown[], together: (() => Promise<T>)[]) {
  const holder = await pool.connect();
  try {
    await holder.query('begin');
    await holder.query(lock, values);
    const under = together.map((one) => one());
    const ended = Promise.allSettled(under);
    await until(`all ${together.length} wait for a lock`, async () => {
      const { rows } = await pool.query<{ waiting: string }>(
        `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return Number(rows[0]?.waiting) === together.length;
    });
    await holder.query('rollback');
    return await ended;
  } finally {
    holder.release();
  }
}
