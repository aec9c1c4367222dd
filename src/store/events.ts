import type { JsonObject } from '../json.js';
import type { Sql } from './data-source.js';

/** One stored fact with what a reader needs to say whose it is. `type` without prefix and version (`item.completed`). */
export interface StoredEvent {
  orderId: string;
  producer: string;
  workOrderId: string;
  /** 1, 2, 3 … without a gap, per order. */
  sequence: number;
  type: string;
  itemIndex: number | null;
  /** Billing's line and thing, where the event is about one. */
  workOrderItemId: string | null;
  resourceId: string | null;
  resourceType: string | null;
  at: Date;
  data: JsonObject;
  /** Where a reader that has seen this event goes on. */
  cursor: Cursor;
}

/**
 * The place of what is written now, in a statement: asked once for all its rows. The column's default would say the same of each
 * row anew, which is for whoever writes by hand.
 */
export const position = '(select event_position(pg_current_xact_id()))';

/** Everything before it is settled: no transaction can commit anything there any more. */
export const settled = '(select event_position(pg_snapshot_xmin(pg_current_snapshot())))';

/**
 * A place in the stream of all events. `tx` is the number of a PostgreSQL transaction, shifted so that it means the same in every
 * cluster that the database is restored into (`settleNumbering`); as text because it has 64 bits.
 */
export interface Cursor {
  tx: string;
  orderId: string;
  sequence: number;
}

/** Before the first event. */
export const beginning: Cursor = { tx: '0', orderId: '00000000-0000-0000-0000-000000000000', sequence: 0 };

/**
 * The events after a cursor, in the one order that every reader sees. Only what was written by transactions older than
 * the oldest one still running is given out: a later one can then never commit something into the part already read.
 *
 * @param tenant the account that asks, which is shown the events of its own orders; null: all of them
 * @returns the events, the cursor to go on from (the given one when nothing was read), and whether there may be more
 */
export async function readEvents(
  sql: Sql,
  after: Cursor,
  limit: number,
  tenant: string | null = null,
): Promise<{ events: StoredEvent[]; cursor: Cursor; more: boolean }> {
  const { rows } = await sql.query<EventRow & { shown: boolean }>({
    name: 'read-events',
    // The page is cut before the joins, so that a short page never joins the whole history. The first condition on tx
    // says nothing that the second does not; it is what the index can use.
    text: `
      with page as materialized (
        select tx, order_id, sequence, type, item_index, at, data from event
         where tx >= $1::xid8 and tx < ${settled}
           and (tx, order_id, sequence) > ($1::xid8, $2::uuid, $3::int)
         order by tx, order_id, sequence limit $4)
      select page.tx::text, page.order_id, page.sequence, page.type, page.item_index, page.at,
             case when shown then page.data end as data, shown, o.producer, o.work_order_id, i.work_order_item_id, i.resource_id, i.resource_type
        from page join work_order o using (order_id)
        cross join lateral (select $5::text is null or (o.account_id = $5 and o.kind = 'billing')) as visible (shown)
        left join work_order_item i on i.order_id = page.order_id and i.item_index = page.item_index
       order by page.tx, page.order_id, page.sequence`,
    values: [after.tx, after.orderId, after.sequence, limit, tenant],
  });
  const last = rows.at(-1);
  return {
    // What is not shown is read all the same: the reader has to come past it.
    events: rows.filter(({ shown }) => shown).map(toEvent),
    cursor: last ? cursorOf(last) : after,
    more: rows.length === limit,
  };
}

/** One order's events, oldest first. */
export async function eventsOfOrder(sql: Sql, orderId: string): Promise<StoredEvent[]> {
  const { rows } = await sql.query<EventRow>(
    `select e.tx::text, e.order_id, e.sequence, e.type, e.item_index, e.at, e.data, o.producer, o.work_order_id,
            i.work_order_item_id, i.resource_id, i.resource_type
       from event e join work_order o using (order_id)
       left join work_order_item i on i.order_id = e.order_id and i.item_index = e.item_index
      where e.order_id = $1 order by e.sequence`,
    [orderId],
  );
  return rows.map(toEvent);
}

/** The place after everything that is settled now. */
export async function newestCursor(sql: Sql): Promise<Cursor> {
  // One below the oldest running transaction, with the greatest uuid: everything older has been written.
  const { rows } = await sql.query<{ tx: string }>(`select (${settled}::text::numeric - 1)::text as tx`);
  return { tx: rows[0]?.tx ?? '0', orderId: 'ffffffff-ffff-ffff-ffff-ffffffffffff', sequence: 2_147_483_647 };
}

/** `<tx>-<orderId>-<sequence>`: the `id` of a server-sent event. */
export function printCursor({ tx, orderId, sequence }: Cursor): string {
  return `${tx}-${orderId}-${sequence}`;
}

/** @returns null for anything that `printCursor` could not have written */
export function parseCursor(text: string): Cursor | null {
  const found = /^(\d{1,19})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{1,10})$/.exec(text);
  if (!found) return null;
  const [, tx = '0', orderId = '', sequence = ''] = found;
  return Number(sequence) > 2_147_483_647 ? null : { tx, orderId, sequence: Number(sequence) };
}

interface EventRow {
  tx: string;
  order_id: string;
  sequence: number;
  type: string;
  item_index: number | null;
  at: Date;
  data: JsonObject;
  producer: string;
  work_order_id: string;
  work_order_item_id: string | null;
  resource_id: string | null;
  resource_type: string | null;
}

function toEvent(row: EventRow): StoredEvent {
  return {
    orderId: row.order_id,
    producer: row.producer,
    workOrderId: row.work_order_id,
    sequence: row.sequence,
    type: row.type,
    itemIndex: row.item_index,
    workOrderItemId: row.work_order_item_id,
    resourceId: row.resource_id,
    resourceType: row.resource_type,
    at: row.at,
    data: row.data,
    cursor: cursorOf(row),
  };
}

function cursorOf(row: EventRow): Cursor {
  return { tx: row.tx, orderId: row.order_id, sequence: row.sequence };
}
