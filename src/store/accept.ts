import type pg from 'pg';
import type { OrderState, Step } from '../machines/order-state.js';
import type { Problem } from '../errors.js';
import type { Hold, Repair, Warning, WorkOrder } from '../schemas/work-order.js';
import type { Sql } from './data-source.js';
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
 * @param orders at most one per order id
 * @returns the ids that were new, and whether all their things were free to claim
 */
export async function insertOrders(sql: Sql, orders: OrderToAccept[]): Promise<Map<string, { claimed: boolean }>> {
  if (orders.length === 0) return new Map();
  const states = orders.map(({ step }) => step.state);
  const items = states.flatMap((state) => state.items.map((item, index) => ({ state, item, index })));
  const events = orders.flatMap(({ step }) => step.announcements.map((event) => ({ state: step.state, event })));
  const secrets = orders.flatMap(({ step, secrets }) => secrets.map((one) => ({ state: step.state, ...one })));
  const { rows } = await sql.query<{ order_id: string; claimed: boolean }>({
    name: 'insert-orders',
    text: `
      with fresh as (
        insert into work_order (order_id, kind, producer, work_order_id, user_id, account_id, status, machine, worker_id,
          event_sequence)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
          $8::jsonb[], $9::text[], $10::int[])
        on conflict do nothing
        returning order_id),
      documents as (
        insert into work_order_document (order_id, document, content_hash, warnings, repairs, holds, plan)
        select given.* from unnest($1::uuid[], $11::jsonb[], $12::bytea[], $13::jsonb[], $14::jsonb[], $15::jsonb[],
          $16::jsonb[]) as given (order_id, document, content_hash, warnings, repairs, holds, plan)
          where ${isFresh}),
      items as (
        insert into work_order_item (order_id, item_index, work_order_item_id, resource_id, resource_type, platform_id,
          master, status, parts)
        select given.* from unnest($17::uuid[], $18::smallint[], $19::text[], $20::text[], $21::text[], $22::text[],
          $23::boolean[], $24::text[], $25::jsonb[])
          as given (order_id, item_index, work_order_item_id, resource_id, resource_type, platform_id, master, status, parts)
          where ${isFresh}),
      events as (
        insert into event (order_id, sequence, type, item_index, at, data)
        select given.* from unnest($26::uuid[], $27::int[], $28::text[], $29::smallint[], $30::timestamptz[], $31::jsonb[])
          as given (order_id, sequence, type, item_index, at, data) where ${isFresh}),
      secrets as (
        insert into sealed_secret (order_id, item_index, field, sealed, origin)
        select given.*, 'order' from unnest($32::uuid[], $33::smallint[], $34::text[], $35::bytea[])
          as given (order_id, item_index, field, sealed) where ${isFresh}),
      claims as (
        insert into resource_claim (producer, resource_id, order_id)
        select given.producer, given.resource_id, given.order_id
          from unnest($36::text[], $19::text[], $20::text[], $17::uuid[]) as given (producer, work_order_item_id, resource_id, order_id)
          where ${isFresh}
        on conflict do nothing
        returning order_id)
      select given.order_id, given.items = coalesce(count(claims.order_id), 0) as claimed
        from unnest($1::uuid[], $37::int[]) as given (order_id, items) left join claims using (order_id)
       where ${isFresh} group by given.order_id, given.items`,
    values: [
      states.map((state) => state.orderId),
      states.map((state) => state.kind),
      states.map((state) => state.producer),
      states.map((state) => state.workOrderId),
      orders.map(({ order }) => order?.userId ?? ''),
      orders.map(({ order }) => order?.accountId ?? ''),
      states.map((state) => state.status),
      states.map((state) => JSON.stringify(storedMachine(state))),
      orders.map(({ workerId }) => workerId),
      states.map((state) => state.sequence),
      orders.map(({ order }) => JSON.stringify(order)),
      orders.map(({ contentHash }) => Buffer.from(contentHash, 'hex')),
      orders.map(({ warnings }) => JSON.stringify(warnings)),
      orders.map(({ repairs }) => JSON.stringify(repairs)),
      orders.map(({ holds }) => JSON.stringify(holds)),
      orders.map(({ plan }) => plan),
      items.map(({ state }) => state.orderId),
      items.map(({ index }) => index),
      items.map(({ item }) => item.workOrderItemId),
      items.map(({ item }) => item.resourceId),
      items.map(({ item }) => item.resourceType),
      items.map(({ item }) => item.platformId),
      items.map(({ item }) => item.master),
      items.map(({ item }) => item.status),
      items.map(({ state, index }) => JSON.stringify(storedParts(state, index))),
      events.map(({ state }) => state.orderId),
      events.map(({ event }) => event.sequence),
      events.map(({ event }) => event.type),
      events.map(({ event }) => event.itemIndex),
      events.map(({ event }) => new Date(event.at).toISOString()),
      events.map(({ event }) => JSON.stringify(event.data)),
      secrets.map(({ state }) => state.orderId),
      secrets.map(({ itemIndex }) => itemIndex),
      secrets.map(({ field }) => field),
      secrets.map(({ sealed }) => Buffer.from(sealed)),
      items.map(({ state }) => state.producer),
      states.map((state) => state.items.length),
    ],
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
  bodySha256: Uint8Array;
  sealedBody: Uint8Array;
  sealedProposal: Uint8Array | null;
  headers: Record<string, string>;
  repairs: Repair[];
}

/** Keeps deliveries. A Kafka record that is delivered again (same place, same bytes) is not kept twice. */
export async function insertMessages(sql: Sql, messages: MessageToKeep[]): Promise<void> {
  await sql.query({
    name: 'insert-messages',
    text: `
      insert into received_message (message_id, channel, origin, verdict, code, problems, order_id, work_order_id,
        body_sha256, sealed_body, sealed_proposal, headers, repairs)
      select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::uuid[],
        $8::text[], $9::bytea[], $10::bytea[], $11::bytea[], $12::jsonb[], $13::jsonb[])
      on conflict do nothing`,
    values: [
      messages.map((one) => one.messageId),
      messages.map((one) => one.channel),
      messages.map((one) => one.origin),
      messages.map((one) => one.verdict),
      messages.map((one) => one.code),
      messages.map((one) => JSON.stringify(one.problems)),
      messages.map((one) => one.orderId),
      messages.map((one) => one.workOrderId),
      messages.map((one) => Buffer.from(one.bodySha256)),
      messages.map((one) => Buffer.from(one.sealedBody)),
      messages.map((one) => one.sealedProposal && Buffer.from(one.sealedProposal)),
      messages.map((one) => JSON.stringify(one.headers)),
      messages.map((one) => JSON.stringify(one.repairs)),
    ],
  });
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
  workOrderId: string;
  status: string;
}

/**
 * Claims an order's things again, taking over claims whose order has given them up (failed, cancelled, or held before
 * anything was built).
 *
 * @returns the things that another standing order keeps (Q3)
 */
export async function claimResources(sql: Sql, state: OrderState): Promise<ClaimConflict[]> {
  const { rows } = await sql.query<{ resource_id: string; work_order_id: string; status: string }>(
    `with wanted as (select unnest($3::text[]) as resource_id),
      standing as (
        select c.resource_id, o.work_order_id, o.status
          from resource_claim c join work_order o using (order_id) join work_order_item i using (order_id)
         where c.producer = $2 and c.order_id <> $1 and i.resource_id = c.resource_id
           and c.resource_id in (select resource_id from wanted)
           and i.status not in ('failed', 'cancelled') and not (o.status = 'held' and i.status = 'pending')),
      taken as (
        insert into resource_claim (producer, resource_id, order_id)
        select $2, resource_id, $1 from wanted where resource_id not in (select resource_id from standing)
        on conflict (producer, resource_id) do update set order_id = excluded.order_id)
      select resource_id, work_order_id, status from standing`,
    [state.orderId, state.producer, state.items.map((item) => item.resourceId)],
  );
  return rows.map((row) => ({ resourceId: row.resource_id, workOrderId: row.work_order_id, status: row.status }));
}

/** One transaction on one connection, always given back. */
export async function inTransaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A checked-out client needs its own listener: without one a killed backend ends the process (reliability P4).
  const ignore = () => {};
  client.on('error', ignore);
  try {
    await client.query('begin');
    const result = await work(client as unknown as Sql);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    client.release(error as Error);
    throw error;
  } finally {
    client.off('error', ignore);
  }
}
