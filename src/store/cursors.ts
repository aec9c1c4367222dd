import type { Cursor } from './events.js';
import type { Sql } from './data-source.js';

/**
 * Takes or keeps the right to be the one that publishes to a consumer. One publisher at a time keeps the order of events;
 * one that stops half-way is followed by another after the lease, which may repeat what it had sent but not marked.
 *
 * @returns where to go on, or null while another worker has the right
 */
export async function holdCursor(sql: Sql, consumer: string, owner: string, leaseMs: number): Promise<Cursor | null> {
  const { rows } = await sql.query<{ tx: string; order_id: string; sequence: number }>({
    name: 'hold-cursor',
    text: `
      insert into event_cursor as c (consumer, owner, owned_until)
      values ($1, $2, now() + make_interval(secs => $3 / 1000.0))
      on conflict (consumer) do update set owner = excluded.owner, owned_until = excluded.owned_until
        where c.owner = excluded.owner or c.owned_until < now()
           or not exists (select from worker w where w.worker_id = c.owner)
      returning tx::text, order_id, sequence`,
    values: [consumer, owner, leaseMs],
  });
  const row = rows[0];
  return row ? { tx: row.tx, orderId: row.order_id, sequence: row.sequence } : null;
}

/** @returns false when the right was lost meanwhile: nothing is marked, and what was sent will be sent again by its new owner */
export async function moveCursor(sql: Sql, consumer: string, owner: string, to: Cursor): Promise<boolean> {
  const { rowCount } = await sql.query({
    name: 'move-cursor',
    text: 'update event_cursor set tx = $3::xid8, order_id = $4, sequence = $5 where consumer = $1 and owner = $2',
    values: [consumer, owner, to.tx, to.orderId, to.sequence],
  });
  return rowCount === 1;
}
