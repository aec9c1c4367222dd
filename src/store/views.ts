import type { OrderStatus } from '../machines/order-state.js';
import type { Hold, Repair, Warning, WorkOrder } from '../schemas/work-order.js';
import type { Sql } from './data-source.js';

/** What of an order no machine needs: who it is for, what was written down when it came. */
export interface OrderRecord {
  orderId: string;
  userId: string;
  accountId: string;
  createdAt: Date;
  updatedAt: Date;
  finishedAt: Date | null;
  revision: number;
  document: WorkOrder | null;
  warnings: Warning[];
  repairs: Repair[];
  holds: Hold[];
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * @param id our uuid, or the workOrderId of a producer
 * @param tenant the account that asks, for which other accounts' orders do not exist; null: all accounts
 */
export async function findOrderId(
  sql: Sql,
  id: string,
  tenant: string | null,
  producer = 'default',
): Promise<string | null> {
  const { rows } = await sql.query<{ order_id: string }>(
    `select order_id from work_order
      where kind = 'billing' and producer = $2 and work_order_id = $1 and ($4::text is null or account_id = $4)
     union all
     select order_id from work_order
      where kind = 'billing' and order_id = $3::uuid and ($4::text is null or account_id = $4)
     limit 1`,
    [id, producer, uuid.test(id) ? id : null, tenant],
  );
  return rows[0]?.order_id ?? null;
}

export async function readOrderRecord(sql: Sql, orderId: string): Promise<OrderRecord | null> {
  const { rows } = await sql.query<RecordRow>(
    `select o.order_id, o.user_id, o.account_id, o.created_at, o.updated_at, o.finished_at, o.revision,
            d.document, d.repairs, d.warnings || coalesce(p.warnings, '[]') as warnings,
            d.holds || coalesce(p.holds, '[]') as holds
       from work_order o join work_order_document d using (order_id) left join work_order_plan p using (order_id)
      where o.order_id = $1`,
    [orderId],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    orderId: row.order_id,
    userId: row.user_id,
    accountId: row.account_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
    revision: row.revision,
    document: row.document,
    warnings: row.warnings,
    repairs: row.repairs,
    holds: row.holds,
  };
}

interface RecordRow {
  order_id: string;
  user_id: string;
  account_id: string;
  created_at: Date;
  updated_at: Date;
  finished_at: Date | null;
  revision: number;
  document: WorkOrder | null;
  warnings: Warning[];
  repairs: Repair[];
  holds: Hold[];
}

export interface OrderFilter {
  /** The account that asks, which sees its own orders only; null: all. */
  tenant: string | null;
  statuses: OrderStatus[] | null;
  platformId: string | null;
  accountId: string | null;
  /** Part of a workOrderId, or the whole of any other id that billing or we gave. */
  text: string | null;
}

/** A line of the list of orders. */
export interface OrderLine {
  orderId: string;
  workOrderId: string;
  status: OrderStatus;
  userId: string;
  accountId: string;
  createdAt: Date;
  updatedAt: Date;
  finishedAt: Date | null;
  version: number;
  /** Why it is held or could not be planned yet. */
  reason: { code: string; message: string } | null;
  /** Number of items by status. */
  items: Record<string, number>;
}

/** A place in a list that is sorted newest first; microseconds as text, because a Date would round them. */
export interface Place {
  micros: string;
  id: string;
}

/** @returns up to `limit` orders, newest first, and where the next page begins (null: this was the last one) */
export async function listOrders(
  sql: Sql,
  filter: OrderFilter,
  after: Place | null,
  limit: number,
): Promise<{ orders: OrderLine[]; next: Place | null }> {
  const { rows } = await sql.query<LineRow>(
    `select o.order_id, o.work_order_id, o.status, o.user_id, o.account_id, o.created_at, o.updated_at, o.finished_at,
            o.revision, o.machine -> 'context' -> 'reason' as reason,
            (extract(epoch from o.created_at) * 1000000)::bigint::text as micros,
            (select coalesce(jsonb_object_agg(status, n), '{}') from (
               select status, count(*)::int as n from work_order_item i where i.order_id = o.order_id group by status) s
            ) as items
       from work_order o
      where o.kind = 'billing'
        and ($1::text[] is null or o.status = any($1))
        and ($2::text is null or exists (
              select from work_order_item i where i.order_id = o.order_id and i.platform_id = $2))
        and ($3::text is null or o.account_id = $3)
        and ($4::text is null or strpos(lower(o.work_order_id), lower($4)) > 0 or o.order_id::text = lower($4)
             or o.user_id = $4 or exists (
              select from work_order_item i
               where i.order_id = o.order_id and (i.resource_id = $4 or i.work_order_item_id = $4)))
        and ($5::bigint is null or o.created_at <= 'epoch'::timestamptz + $5 * interval '1 microsecond')
        and ($5::bigint is null or o.created_at < 'epoch'::timestamptz + $5 * interval '1 microsecond'
             or o.order_id > $6::uuid)
        and ($8::text is null or o.account_id = $8)
      order by o.created_at desc, o.order_id
      limit $7`,
    [
      filter.statuses,
      filter.platformId,
      filter.accountId,
      filter.text,
      after?.micros ?? null,
      after?.id ?? null,
      limit + 1,
      filter.tenant,
    ],
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    orders: page.map((row) => ({
      orderId: row.order_id,
      workOrderId: row.work_order_id,
      status: row.status,
      userId: row.user_id,
      accountId: row.account_id,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      finishedAt: row.finished_at,
      version: row.revision,
      reason: row.reason,
      items: row.items,
    })),
    next: rows.length > limit && last ? { micros: last.micros, id: last.order_id } : null,
  };
}

interface LineRow {
  order_id: string;
  work_order_id: string;
  status: OrderStatus;
  user_id: string;
  account_id: string;
  created_at: Date;
  updated_at: Date;
  finished_at: Date | null;
  revision: number;
  reason: { code: string; message: string } | null;
  micros: string;
  items: Record<string, number>;
}
