import { preparationProducer } from '../machines/begin-order.js';
import type { OrderStatus } from '../machines/order-state.js';
import type { Sql } from './data-source.js';

/** One try at a preparation: an order that we placed with ourselves. */
export interface TryAt {
  platformId: string;
  key: string;
  /** 1, 2, 3 …; another one follows only when one has failed. */
  number: number;
  orderId: string;
  status: OrderStatus;
}

/** More tries than this were never seen; the registrar counts as far. */
const mostTries = 50;

/** Every try at these preparations, the first ones first. All of one preparation carry one marker. */
export async function triesAt(sql: Sql, wanted: { platformId: string; key: string }[]): Promise<TryAt[]> {
  if (wanted.length === 0) return [];
  const { rows } = await sql.query<{
    platform_id: string;
    key: string;
    n: number;
    order_id: string;
    status: OrderStatus;
  }>(
    `select k.platform_id, k.key, attempt.n, o.order_id, o.status
       from unnest($1::text[], $2::text[]) as k (platform_id, key)
       cross join generate_series(1, $3::int) as attempt (n)
       join work_order o on o.producer = $4 and o.kind = 'preparation'
        and o.work_order_id = k.platform_id || '/' || k.key || '#' || attempt.n
      order by attempt.n`,
    [wanted.map(({ platformId }) => platformId), wanted.map(({ key }) => key), mostTries, preparationProducer],
  );
  return rows.map((row) => ({
    platformId: row.platform_id,
    key: row.key,
    number: row.n,
    orderId: row.order_id,
    status: row.status,
  }));
}
