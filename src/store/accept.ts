import type pg from 'pg';
import type { OrderState, Step } from '../machines/order-state.js';
import type { Problem } from '../errors.js';
import type { Hold, Repair, Warning, WorkOrder } from '../schemas/work-order.js';
import type { Sql } from './data-source.js';
import { position } from './events.js';
import { column, given, instant } from './rows.js';
import { storedMachine, storedParts } from './steps.js';

/** Whether the order of a given row is new; `is true` as in `steps.ts`. */
const isFresh = '(given.order_id in (select order_id from fresh)) is true';

/** A readable order on its way into the database, with its first step. */
export interface OrderToAccept {
  step: Step;
  workerId: string | null;
  order: WorkOrder | null;
  contentHash: string;
  warnings: Warning[];
  repairs: Repair[];
  holds: Hold[];
  /** For a preparation, whose plan is known from the start. */
  plan: string | null;
  secrets: { itemIndex: number; field: string; sealed: Uint8Array }[];
}

/** What the database says of an order that is already there. */
export interface ExistingOrder {
  orderId: string;
  contentHash: string;
  status: string;
}

/**
 * Writes new orders whole: order, document, items, secrets and the first events, in one statement. An order that is there
 * already is left exactly as it is (I2).
 *
 * @param fresh at most one per order id
 * @returns the ids that were new, and whether all their things were free to claim
 */
export async function insertOrders(sql: Sql, fresh: OrderToAccept[]): Promise<Map<string, { claimed: boolean }>> {
  if (fresh.length === 0) return new Map();
  // Always in the same order, claims too: two batches that bring the same orders or things would lock each other out.
  const orders = fresh.toSorted((a, b) => (a.step.state.orderId < b.step.state.orderId ? -1 : 1));
  const states = orders.map(({ step }) => step.state);
  const items = states.flatMap((state) => state.items.map((item, index) => ({ state, item, index })));
  const events = orders.flatMap(({ step }) => step.announcements.map((event) => ({ state: step.state, event })));
  const secrets = orders.flatMap(({ step, secrets }) => secrets.map((one) => ({ state: step.state, ...one })));
  const plans = orders.filter(({ plan }) => plan !== null);
  const values: unknown[] = [];
  const stateRows = given(
    [
      column('order_id', 'uuid', states, (state) => state.orderId),
      column('kind', 'text', states, (state) => state.kind),
      column('producer', 'text', states, (state) => state.producer),
      column('work_order_id', 'text', states, (state) => state.workOrderId),
      column('user_id', 'text', orders, ({ order }) => order?.userId ?? ''),
      column('account_id', 'text', orders, ({ order }) => order?.accountId ?? ''),
      column('status', 'text', states, (state) => state.status),
      column('machine', 'jsonb', states, (state) => JSON.stringify(storedMachine(state))),
      column('worker_id', 'text', orders, ({ workerId }) => workerId),
      column('event_sequence', 'int', states, (state) => state.sequence),
    ],
    values,
  );
  const documentRows = given(
    [
      column('order_id', 'uuid', states, (state) => state.orderId),
      column('document', 'jsonb', orders, ({ order }) => JSON.stringify(order)),
      column('content_hash', 'bytea', orders, ({ contentHash }) => Buffer.from(contentHash, 'hex')),
      column('warnings', 'jsonb', orders, ({ warnings }) => JSON.stringify(warnings)),
      column('repairs', 'jsonb', orders, ({ repairs }) => JSON.stringify(repairs)),
      column('holds', 'jsonb', orders, ({ holds }) => JSON.stringify(holds)),
    ],
    values,
  );
  const planRows = given(
    [
      column('order_id', 'uuid', plans, ({ step }) => step.state.orderId),
      column('plan', 'jsonb', plans, ({ plan }) => plan),
    ],
    values,
  );
  const itemRows = given(
    [
      column('order_id', 'uuid', items, ({ state }) => state.orderId),
      column('item_index', 'smallint', items, ({ index }) => index),
      column('work_order_item_id', 'text', items, ({ item }) => item.workOrderItemId),
      column('resource_id', 'text', items, ({ item }) => item.resourceId),
      column('resource_type', 'text', items, ({ item }) => item.resourceType),
      column('platform_id', 'text', items, ({ item }) => item.platformId),
      column('master', 'boolean', items, ({ item }) => item.master),
      column('status', 'text', items, ({ item }) => item.status),
      column('parts', 'jsonb', items, ({ state, index }) => JSON.stringify(storedParts(state, index))),
    ],
    values,
  );
  const eventRows = given(
    [
      column('order_id', 'uuid', events, ({ state }) => state.orderId),
      column('sequence', 'int', events, ({ event }) => event.sequence),
      column('type', 'text', events, ({ event }) => event.type),
      column('item_index', 'smallint', events, ({ event }) => event.itemIndex),
      column('at', 'timestamptz', events, ({ event }) => instant(event.at)),
      column('data', 'jsonb', events, ({ event }) => JSON.stringify(event.data)),
    ],
    values,
  );
  const secretRows = given(
    [
      column('order_id', 'uuid', secrets, ({ state }) => state.orderId),
      column('item_index', 'smallint', secrets, ({ itemIndex }) => itemIndex),
      column('field', 'text', secrets, ({ field }) => field),
      column('sealed', 'bytea', secrets, ({ sealed }) => Buffer.from(sealed)),
    ],
    values,
  );
  // By thing, not by order: whoever claims several things claims them in the same order as everybody else.
  const claims = items.toSorted((a, b) => (a.item.resourceId < b.item.resourceId ? -1 : 1));
  const claimRows = given(
    [
      column('producer', 'text', claims, ({ state }) => state.producer),
      column('resource_id', 'text', claims, ({ item }) => item.resourceId),
      column('order_id', 'uuid', claims, ({ state }) => state.orderId),
    ],
    values,
  );
  const countRows = given(
    [
      column('order_id', 'uuid', states, (state) => state.orderId),
      column('items', 'int', states, (state) => state.items.length),
    ],
    values,
  );
  const { rows } = await sql.query<{ order_id: string; claimed: boolean }>({
    name: 'insert-orders',
    text: `
      with fresh as (
        insert into work_order (order_id, kind, producer, work_order_id, user_id, account_id, status, machine, worker_id,
          event_sequence)
        select * from ${stateRows} on conflict do nothing
        returning order_id),
      documents as (
        insert into work_order_document (order_id, document, content_hash, warnings, repairs, holds)
        select * from ${documentRows} where ${isFresh}),
      plans as (
        insert into work_order_plan (order_id, plan) select * from ${planRows} where ${isFresh}),
      items as (
        insert into work_order_item (order_id, item_index, work_order_item_id, resource_id, resource_type, platform_id,
          master, status, parts)
        select * from ${itemRows} where ${isFresh}),
      events as (
        insert into event (order_id, sequence, type, item_index, at, data, tx)
        select given.*, ${position} from ${eventRows} where ${isFresh}),
      secrets as (
        insert into sealed_secret (order_id, item_index, field, sealed, origin)
        select given.*, 'order' from ${secretRows} where ${isFresh}),
      claims as (
        insert into resource_claim (producer, resource_id, order_id)
        select * from ${claimRows} where ${isFresh} order by given.producer, given.resource_id on conflict do nothing
        returning order_id)
      select given.order_id, given.items = count(claims.order_id) as claimed
        from ${countRows} left join claims using (order_id)
       where ${isFresh} group by given.order_id, given.items`,
    values,
  });
  return new Map(rows.map((row) => [row.order_id, { claimed: row.claimed }]));
}

/** Orders that are there, by our id. */
export async function existingOrders(sql: Sql, orderIds: string[]): Promise<Map<string, ExistingOrder>> {
  if (orderIds.length === 0) return new Map();
  const { rows } = await sql.query<{ order_id: string; content_hash: Buffer; status: string }>(
    `select o.order_id, d.content_hash, o.status from work_order o join work_order_document d using (order_id)
      where o.order_id = any($1::uuid[])`,
    [orderIds],
  );
  return new Map(
    rows.map((row) => [
      row.order_id,
      { orderId: row.order_id, contentHash: row.content_hash.toString('hex'), status: row.status },
    ]),
  );
}

/** One delivery as it is kept, whatever became of it. */
export interface MessageToKeep {
  messageId: string;
  channel: 'kafka' | 'http' | 'cli';
  origin: string;
  verdict: 'accepted' | 'held' | 'duplicate' | 'conflict' | 'set-aside' | 'refused' | 'skipped';
  code: string | null;
  problems: Problem[];
  orderId: string | null;
  workOrderId: string | null;
  /** Who may see it: the account of the sender's token, else the one a readable message names. */
  accountId?: string | null;
  bodySha256: Uint8Array;
  sealedBody: Uint8Array;
  sealedProposal: Uint8Array | null;
  headers: Record<string, string>;
  repairs: Repair[];
  /** The message that this one corrects. */
  parentId?: string | null;
}

/** Keeps deliveries. A Kafka record that is delivered again (same place, same bytes) is not kept twice. */
export async function insertMessages(sql: Sql, messages: MessageToKeep[]): Promise<void> {
  const values: unknown[] = [];
  const rows = given(
    [
      column('message_id', 'uuid', messages, (one) => one.messageId),
      column('channel', 'text', messages, (one) => one.channel),
      column('origin', 'text', messages, (one) => one.origin),
      column('verdict', 'text', messages, (one) => one.verdict),
      column('code', 'text', messages, (one) => one.code),
      column('problems', 'jsonb', messages, (one) => JSON.stringify(one.problems)),
      column('order_id', 'uuid', messages, (one) => one.orderId),
      column('work_order_id', 'text', messages, (one) => one.workOrderId),
      column('account_id', 'text', messages, (one) => one.accountId),
      column('body_sha256', 'bytea', messages, (one) => Buffer.from(one.bodySha256)),
      column('sealed_body', 'bytea', messages, (one) => Buffer.from(one.sealedBody)),
      column('sealed_proposal', 'bytea', messages, (one) => one.sealedProposal && Buffer.from(one.sealedProposal)),
      column('headers', 'jsonb', messages, (one) => JSON.stringify(one.headers)),
      column('repairs', 'jsonb', messages, (one) => JSON.stringify(one.repairs)),
      column('parent_id', 'uuid', messages, (one) => one.parentId),
    ],
    values,
  );
  await sql.query({
    name: 'insert-messages',
    text: `
      insert into received_message (message_id, channel, origin, verdict, code, problems, order_id, work_order_id,
        account_id, body_sha256, sealed_body, sealed_proposal, headers, repairs, parent_id, tx)
      select given.*, ${position} from ${rows} on conflict do nothing`,
    values,
  });
}

/** What is kept of a message that could not be taken, sealed; null when there is none, or it is another tenant's. */
export async function rejectedBody(
  sql: Sql,
  tenant: string | null,
  messageId: string,
): Promise<{ sealedBody: Buffer; sealedProposal: Buffer | null } | null> {
  const { rows } = await sql.query<{ sealed_body: Buffer; sealed_proposal: Buffer | null }>(
    `select sealed_body, sealed_proposal from received_message
      where message_id = $1 and verdict in ('conflict', 'set-aside', 'refused') and ($2::text is null or account_id = $2)`,
    [messageId, tenant],
  );
  const row = rows[0];
  return row ? { sealedBody: row.sealed_body, sealedProposal: row.sealed_proposal } : null;
}

/** The account that an order is for, or null when there is no such order. */
export async function accountOfOrder(sql: Sql, orderId: string): Promise<string | null> {
  const { rows } = await sql.query<{ account_id: string }>('select account_id from work_order where order_id = $1', [
    orderId,
  ]);
  return rows[0]?.account_id ?? null;
}

/** The sealed bytes of the message that an order was accepted from, to name what differs in a later one. */
export async function acceptedBody(sql: Sql, orderId: string): Promise<Buffer | null> {
  const { rows } = await sql.query<{ sealed_body: Buffer }>(
    `select sealed_body from received_message where order_id = $1 and verdict in ('accepted', 'held')
      order by received_at limit 1`,
    [orderId],
  );
  return rows[0]?.sealed_body ?? null;
}

/** A thing that another order has claimed before. */
export interface ClaimConflict {
  resourceId: string;
  /** Null when it is another account's: not even its name is this one's business (I13). */
  workOrderId: string | null;
  /** Of that order. One that has ended and still keeps the thing has delivered it. */
  status: string;
}

/**
 * Whether an order (`o`) can never build a thing (its item `i`) any more, so that another one may. Not by the order's *status*:
 * `held` is also said of orders that a person paused, or that have failed or stopped half-way, and each of those goes on where it
 * was. Only two kinds are certain. One that has ended takes no step any more, and what it did not deliver is refused, never
 * begun or removed again. One whose *machine* is held was never planned, and is planned first whatever leads out of there: it
 * claims again before anything is built (`planOrder`).
 */
const hasGivenUp = `(
  o.status in ('completed', 'partial', 'failed', 'cancelled') and i.status in ('failed', 'cancelled', 'compensated')
  or o.status = 'held' and o.machine ->> 'value' = 'held' and i.status = 'pending')`;

/**
 * Claims an order's things again, taking over claims whose order has given them up. Of two orders that race for a thing one gets
 * it and the other is told of the first: every claim is locked before anything is decided, all in the order of the things' ids,
 * so that nobody waits for each other. An order that is on its way out of `held` at the same moment asks after that step is
 * stored, and so either finds its thing given away here or was seen here to want it.
 *
 * @returns the things that another standing order keeps (Q3)
 */
export function claimResources(pool: pg.Pool, state: OrderState): Promise<ClaimConflict[]> {
  const { orderId, producer } = state;
  const resourceIds = [...new Set(state.items.map((item) => item.resourceId))].toSorted();
  return inTransaction(pool, async (sql) => {
    // The update changes nothing; it is there for the lock, and to return what stands.
    await sql.query(
      `insert into resource_claim as c (producer, resource_id, order_id)
       select $2, resource_id, $1 from unnest($3::text[]) with ordinality as wanted (resource_id, n) order by n
       on conflict (producer, resource_id) do update set order_id = c.order_id`,
      [orderId, producer, resourceIds],
    );
    const conflicts = await claimConflicts(sql, state);
    await sql.query(
      'update resource_claim set order_id = $1 where producer = $2 and resource_id = any($3::text[]) and order_id <> $1',
      [orderId, producer, resourceIds.filter((one) => !conflicts.some(({ resourceId }) => resourceId === one))],
    );
    return conflicts;
  });
}

/** The things of an order that another standing order keeps at this moment. Only looks. */
export async function claimConflicts(sql: Sql, state: OrderState): Promise<ClaimConflict[]> {
  const { rows } = await sql.query<{ resource_id: string; work_order_id: string | null; status: string }>(
    `select distinct c.resource_id, case when o.account_id = $4 then o.work_order_id end as work_order_id, o.status
       from resource_claim c join work_order o using (order_id)
       join work_order_item i on i.order_id = c.order_id and i.resource_id = c.resource_id
      where c.producer = $2 and c.resource_id = any($3::text[]) and c.order_id <> $1 and not ${hasGivenUp}`,
    [state.orderId, state.producer, state.items.map(({ resourceId }) => resourceId), state.accountId],
  );
  return rows.map((row) => ({ resourceId: row.resource_id, workOrderId: row.work_order_id, status: row.status }));
}

/** One transaction on one connection, always given back. */
export async function inTransaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client as unknown as Sql);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    // Closing the connection rolls back as well; over one that is dead without a word, nothing is waited for.
    client.release(error as Error);
    throw error;
  }
}
