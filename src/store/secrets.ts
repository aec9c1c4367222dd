import type { Sql } from './data-source.js';

/** A sealed secret of an item, or null. Opened only inside the one cloud call that needs it. */
export async function readSecret(sql: Sql, orderId: string, itemIndex: number, field: string): Promise<Buffer | null> {
  const { rows } = await sql.query<{ sealed: Buffer }>(
    'select sealed from sealed_secret where order_id = $1 and item_index = $2 and field = $3',
    [orderId, itemIndex, field],
  );
  return rows[0]?.sealed ?? null;
}
