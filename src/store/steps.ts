import type pg from 'pg';
import { isToBeLookedAt, wasInDoubt } from '../machines/late-look.js';
import { operationKey, partsOfItem, placeOfOperation } from '../machines/order-index.js';
import { finalStatuses, type OperationState, type OrderState, type Step } from '../machines/order-state.js';
import type { AuditEntry } from './audit.js';
import type { Sql } from './data-source.js';
import { position } from './events.js';
import { type Column, column, given, instant } from './rows.js';

/** A step with the revision it was decided on; the row must still have it, and the worker's epoch. */
export interface StepToSave {
  /** A uuid of its own, which the row keeps: whose commit it was is known afterwards, never guessed (E3). */
  stepId: string;
  step: Step;
  seenRevision: number;
  epoch: number;
  /** How many of the order's operations are stored already; the ones after them are new. */
  storedOperations: number;
  /** Stored with the plan, the step that has it first. */
  planDocument: { plan: string | null; warnings: string; holds: string } | null;
  /** Where the outcome goes, on the step that ends the order; null otherwise. */
  callbackUrl: string | null;
  secrets: { itemIndex: number; field: string; sealed: Uint8Array }[];
  /** Operators' acts that the step carries out. */
  audit: AuditEntry[];
}

/** The rows of a group could not even be made (a time that is none, a text too long for one): nothing was sent. */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError';
}

/**
 * Group commit: the steps of many orders in ONE statement, so one round trip, one transaction and one fsync (design D3;
 * measured there: one commit per step 320 orders per CPU-second, this 2,200). Each step is a compare-and-set on revision,
 * epoch and worker of its own: whoever lost the race is simply not in the answer, and nothing of its step is stored. Should two
 * steps of one order ever meet here, one of them is stored, whole, and nothing of the other.
 *
 * The parts that a batch does not need are left out of the text; each combination is one prepared statement.
 *
 * @returns the ids of the steps that are stored
 * @throws UnstorableError; or what pg throws: the caller then reads where the orders stand before it tries again (an error on
 *   COMMIT says nothing)
 */
export async function saveSteps(sql: Sql, workerId: string, steps: StepToSave[]): Promise<Set<string>> {
  const { rows } = await sql.query<{ step_id: string }>(savingStatement(workerId, steps));
  return new Set(rows.map((row) => row.step_id));
}

function savingStatement(workerId: string, steps: StepToSave[]): pg.QueryConfig {
  try {
    const tables = tablesOf(steps);
    const used = tables.filter((table) => table.always || (table.columns[0]?.values.length ?? 0) > 0);
    const values: unknown[] = [workerId];
    const ctes = used.map((table) => table.cte(given(table.columns, values), namesOf(table.columns)));
    const name = `save-steps-${used.map((table) => table.letter).join('')}`;
    return { name, text: `with ${ctes.join(',\n')}\nselect step_id from saved`, values };
  } catch (error) {
    throw new UnstorableError((error as Error).message, { cause: error });
  }
}

/** Without `step`, which is no column of any table. */
function namesOf(columns: Column[]): string {
  return columns.flatMap(({ name }) => (name === 'step' ? [] : `given.${name}`)).join(', ');
}

/** Where an order stands in the database: the revision, whose it is, and the step that brought it there. */
export interface Standing {
  revision: number;
  epoch: number;
  workerId: string | null;
  /** Null for an order that has not moved since it was accepted. */
  stepId: string | null;
}

/** Where orders stand, to find out what became of a commit. */
export async function readStandings(sql: Sql, orderIds: string[]): Promise<Map<string, Standing>> {
  const { rows } = await sql.query<{
    order_id: string;
    revision: number;
    epoch: number;
    worker_id: string | null;
    step_id: string | null;
  }>('select order_id, revision, epoch, worker_id, step_id from work_order where order_id = any($1::uuid[])', [
    orderIds,
  ]);
  return new Map(
    rows.map(({ order_id, revision, epoch, worker_id, step_id }) => [
      order_id,
      { revision, epoch, workerId: worker_id, stepId: step_id },
    ]),
  );
}

/**
 * Whether the step of a given row is among the saved ones. `is true` keeps PostgreSQL from turning this into a join: a
 * hashed sub-plan costs one look per row, while the nested loop it would be costs rows times orders.
 */
const isSaved = '(given.step in (select step from saved)) is true';

interface Table {
  letter: string;
  always?: boolean;
  columns: Column[];
  /** @param rows the given rows. @param names their columns without `step`, which no table has */
  cte(rows: string, names: string): string;
}

function tablesOf(steps: StepToSave[]): Table[] {
  const states = steps.map(({ step }) => step.state);
  const items = steps.flatMap(({ step }, at) => step.changedItems.map((index) => ({ at, state: step.state, index })));
  const operations = steps.flatMap(numberedOperations);
  const begun = operations.filter((one) => one.isNew);
  const changed = operations.filter((one) => !one.isNew);
  const events = steps.flatMap(({ step }, at) =>
    step.announcements.map((event) => ({ at, orderId: step.state.orderId, event })),
  );
  const numbered = steps.map((one, at) => ({ ...one, at }));
  const plans = numbered.filter(({ planDocument }) => planDocument !== null);
  const callbacks = numbered.filter(({ callbackUrl }) => callbackUrl !== null);
  const secrets = numbered.flatMap(({ at, step, secrets }) =>
    secrets.map((one) => ({ at, orderId: step.state.orderId, ...one })),
  );
  const orphans = numbered.flatMap(({ at, step }) =>
    step.orphans.flatMap(({ operation, resourceIds, why }) =>
      resourceIds.map((resourceId) => ({ at, orderId: step.state.orderId, operation, resourceId, why })),
    ),
  );
  const removed = numbered.flatMap(({ at, step }) =>
    step.removed.map((one) => ({ at, orderId: step.state.orderId, ...one })),
  );
  const looks = numbered.filter(({ step }) => isToBeLookedAt(step.state));
  const audit = numbered.flatMap(({ at, step, audit }) =>
    audit.map((one) => ({ ...one, at, orderId: step.state.orderId })),
  );
  return [
    {
      letter: 'o',
      always: true,
      columns: [
        column('step', 'int', numbered, ({ at }) => at),
        column('step_id', 'uuid', steps, ({ stepId }) => stepId),
        column('order_id', 'uuid', states, (state) => state.orderId),
        column('seen_revision', 'int', steps, (one) => one.seenRevision),
        column('seen_epoch', 'int', steps, (one) => one.epoch),
        column('status', 'text', states, (state) => state.status),
        column('machine', 'jsonb', states, (state) => JSON.stringify(storedMachine(state))),
        column('event_sequence', 'int', states, (state) => state.sequence),
        column('finished', 'boolean', states, (state) => finalStatuses.includes(state.status)),
      ],
      cte: (rows) => `saved as (
        update work_order o set status = given.status, machine = given.machine, revision = o.revision + 1,
          event_sequence = given.event_sequence, updated_at = now(), step_id = given.step_id,
          finished_at = case when given.finished then now() end
        from ${rows}
        where o.order_id = given.order_id and o.revision = given.seen_revision and o.epoch = given.seen_epoch
          and o.worker_id = $1
        returning given.step, given.step_id)`,
    },
    {
      letter: 'i',
      columns: [
        column('step', 'int', items, ({ at }) => at),
        column('order_id', 'uuid', items, ({ state }) => state.orderId),
        column('item_index', 'smallint', items, ({ index }) => index),
        column('status', 'text', items, ({ state, index }) => state.items[index]?.status),
        column('parts', 'jsonb', items, ({ state, index }) => JSON.stringify(storedParts(state, index))),
      ],
      cte: (rows) => `items as (
        update work_order_item i set status = given.status, parts = given.parts
        from ${rows}
        where i.order_id = given.order_id and i.item_index = given.item_index and ${isSaved})`,
    },
    {
      letter: 'n',
      columns: [
        column('step', 'int', begun, ({ at }) => at),
        column('order_id', 'uuid', begun, (one) => one.orderId),
        column('number', 'smallint', begun, (one) => one.number),
        column('part_key', 'text', begun, ({ operation }) => operation.partKey),
        column('name', 'text', begun, ({ operation }) => operation.name),
        column('item_index', 'smallint', begun, ({ operation }) => operation.itemIndex),
        column('platform_id', 'text', begun, ({ operation }) => operation.platformId),
        column('marker', 'text', begun, ({ operation }) => operation.marker),
        column('created_at', 'timestamptz', begun, ({ operation }) => instant(operation.createdAt)),
        ...changingColumns(begun),
      ],
      cte: (rows, names) => `begun as (
        insert into cloud_operation (order_id, number, part_key, name, item_index, platform_id, marker, created_at, state,
          attempt, request_id, job_id, resource_id, context, due_at, submitted_at, finished_at)
        select ${names} from ${rows} where ${isSaved})`,
    },
    {
      letter: 'c',
      columns: [
        column('step', 'int', changed, ({ at }) => at),
        column('order_id', 'uuid', changed, (one) => one.orderId),
        column('number', 'smallint', changed, (one) => one.number),
        ...changingColumns(changed),
      ],
      // Not one upsert for both: that locks and confirms every row first, which doubled what these rows wrote to the log.
      cte: (rows) => `changed as (
        update cloud_operation c set state = given.state, attempt = given.attempt, request_id = given.request_id,
          job_id = given.job_id, resource_id = given.resource_id, context = given.context, due_at = given.due_at,
          submitted_at = given.submitted_at, finished_at = given.finished_at
        from ${rows} where c.order_id = given.order_id and c.number = given.number and ${isSaved})`,
    },
    {
      letter: 'e',
      columns: [
        column('step', 'int', events, ({ at }) => at),
        column('order_id', 'uuid', events, (one) => one.orderId),
        column('sequence', 'int', events, ({ event }) => event.sequence),
        column('type', 'text', events, ({ event }) => event.type),
        column('item_index', 'smallint', events, ({ event }) => event.itemIndex),
        column('at', 'timestamptz', events, ({ event }) => instant(event.at)),
        column('data', 'jsonb', events, ({ event }) => JSON.stringify(event.data)),
      ],
      cte: (rows, names) => `events as (
        insert into event (order_id, sequence, type, item_index, at, data, tx)
        select ${names}, ${position} from ${rows} where ${isSaved})`,
    },
    {
      letter: 'p',
      columns: [
        column('step', 'int', plans, ({ at }) => at),
        column('order_id', 'uuid', plans, ({ step }) => step.state.orderId),
        column('plan', 'jsonb', plans, ({ planDocument }) => planDocument?.plan),
        column('warnings', 'jsonb', plans, ({ planDocument }) => planDocument?.warnings),
        column('holds', 'jsonb', plans, ({ planDocument }) => planDocument?.holds),
      ],
      cte: (rows, names) => `plans as (
        insert into work_order_plan as p (order_id, plan, warnings, holds)
        select ${names} from ${rows} where ${isSaved}
        on conflict (order_id) do update set plan = coalesce(nullif(excluded.plan, 'null'), p.plan),
          warnings = p.warnings || excluded.warnings, holds = p.holds || excluded.holds)`,
    },
    {
      letter: 'b',
      columns: [
        column('step', 'int', callbacks, ({ at }) => at),
        column('order_id', 'uuid', callbacks, ({ step }) => step.state.orderId),
        column('url', 'text', callbacks, ({ callbackUrl }) => callbackUrl),
      ],
      cte: (rows, names) => `callbacks as (
        insert into callback_delivery (order_id, url)
        select ${names} from ${rows} where ${isSaved} on conflict do nothing)`,
    },
    {
      letter: 's',
      columns: [
        column('step', 'int', secrets, ({ at }) => at),
        column('order_id', 'uuid', secrets, (one) => one.orderId),
        column('item_index', 'smallint', secrets, (one) => one.itemIndex),
        column('field', 'text', secrets, (one) => one.field),
        column('sealed', 'bytea', secrets, (one) => Buffer.from(one.sealed)),
      ],
      cte: (rows, names) => `secrets as (
        insert into sealed_secret (order_id, item_index, field, sealed, origin)
        select ${names}, 'cloud' from ${rows} where ${isSaved}
        on conflict (order_id, item_index, field)
          do update set sealed = excluded.sealed, origin = 'cloud', collected_at = null)`,
    },
    {
      letter: 'r',
      columns: [
        column('step', 'int', orphans, ({ at }) => at),
        column('platform_id', 'text', orphans, ({ operation }) => operation.platformId),
        column('resource_id', 'text', orphans, (one) => one.resourceId),
        column('operation', 'text', orphans, ({ operation }) => operation.name),
        column('marker', 'text', orphans, ({ operation }) => operation.marker),
        column('order_id', 'uuid', orphans, (one) => one.orderId),
        column('why', 'text', orphans, (one) => one.why),
        column('stage', 'text', orphans, ({ operation }) => operation.machine.context.stage),
      ],
      cte: (rows, names) => `orphans as (
        insert into orphan (platform_id, resource_id, operation, marker, order_id, why, stage)
        select ${names} from ${rows} where ${isSaved} on conflict do nothing)`,
    },
    {
      letter: 'g',
      columns: [
        column('step', 'int', removed, ({ at }) => at),
        column('order_id', 'uuid', removed, (one) => one.orderId),
        column('platform_id', 'text', removed, (one) => one.platformId),
        column('resource_id', 'text', removed, (one) => one.resourceId),
        column('on_word', 'boolean', removed, (one) => one.onWord === true),
      ],
      cte: (rows) => `gone as (
        update orphan o set state = 'destroyed', on_word = given.on_word, changed_at = now(),
          last_outcome = case when given.on_word then 'said to be gone; the cloud was not asked' else o.last_outcome end
        from ${rows}
        where o.platform_id = given.platform_id and o.resource_id = given.resource_id and o.why = 'undo' and ${isSaved})`,
    },
    {
      letter: 'l',
      columns: [
        column('step', 'int', looks, ({ at }) => at),
        column('order_id', 'uuid', looks, ({ step }) => step.state.orderId),
        column('in_doubt', 'boolean', looks, ({ step }) => wasInDoubt(step.state)),
      ],
      cte: (rows, names) => `looks as (
        insert into late_look (order_id, in_doubt)
        select ${names} from ${rows} where ${isSaved} on conflict do nothing)`,
    },
    {
      letter: 'a',
      columns: [
        column('step', 'int', audit, ({ at }) => at),
        column('order_id', 'uuid', audit, (one) => one.orderId),
        column('actor', 'text', audit, (one) => one.actor),
        column('action', 'text', audit, (one) => one.action),
        column('subject', 'text', audit, (one) => one.subject),
        column('reason', 'text', audit, (one) => one.reason),
        column('detail', 'jsonb', audit, (one) => JSON.stringify(one.detail)),
      ],
      cte: (rows, names) => `audited as (
        insert into audit (order_id, actor, action, subject, reason, detail)
        select ${names} from ${rows} where ${isSaved})`,
    },
  ];
}

interface NumberedOperation {
  /** The place of its step among those that are stored together. */
  at: number;
  orderId: string;
  number: number;
  isNew: boolean;
  operation: OperationState;
}

/** Operations are only ever added to an order, so their place in it is their number. */
function numberedOperations({ step, storedOperations }: StepToSave, at: number): NumberedOperation[] {
  const { orderId } = step.state;
  return step.changedOperations.map((operation) => {
    const number = placeOfOperation(step.state, operationKey(operation)) ?? -1;
    return { at, orderId, number, isNew: number >= storedOperations, operation };
  });
}

function changingColumns(rows: NumberedOperation[]): Column[] {
  return [
    column('state', 'text', rows, ({ operation }) => operation.machine.value),
    column('attempt', 'smallint', rows, ({ operation }) => operation.machine.context.attempt),
    column('request_id', 'uuid', rows, ({ operation }) => operation.requestId),
    column('job_id', 'text', rows, ({ operation }) => operation.machine.context.jobId),
    column('resource_id', 'text', rows, ({ operation }) => operation.machine.context.resourceId),
    column('context', 'jsonb', rows, ({ operation }) => JSON.stringify(storedContext(operation))),
    column('due_at', 'timestamptz', rows, ({ operation }) => instant(operation.dueAt)),
    column('submitted_at', 'timestamptz', rows, ({ operation }) => instant(operation.submittedAt)),
    column('finished_at', 'timestamptz', rows, ({ operation }) => instant(operation.finishedAt)),
  ];
}

/** `machine` column: the order machine and its own alarm. */
export function storedMachine(state: OrderState): object {
  return sparse({ value: state.machine.value, context: sparse(state.machine.context), dueAt: state.dueAt });
}

/** `parts` column of one item. */
export function storedParts(state: OrderState, itemIndex: number): object[] {
  return partsOfItem(state, itemIndex).map(({ key, machine }) => ({
    key,
    value: machine.value,
    context: sparse(machine.context),
  }));
}

/** Memory of an operation without what stands in columns of its own. */
function storedContext({ machine }: OperationState): object {
  const { attempt: _attempt, jobId: _jobId, resourceId: _resourceId, ...rest } = machine.context;
  return sparse(rest);
}

/** Leaves out what is empty: most of a memory is, most of the time, and every byte is written many times. */
function sparse(context: object): object {
  const full: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(context)) {
    if (value === null || value === 0 || value === false) continue;
    if (typeof value !== 'object' || Object.keys(value as object).length > 0) full[name] = value;
  }
  return full;
}
