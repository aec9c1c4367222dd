import { readFileSync } from 'node:fs';

export const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/work-orders/${name}`, import.meta.url));

const sample = fixture('order-60.json').toString();
export const order60 = JSON.parse(sample) as { workOrderId: string; userId: string };

/** Order 60 under an id of its own, with things of its own. */
export function orderMessage(workOrderId: string): object {
  const text = JSON.stringify(order60)
    .replaceAll(order60.workOrderId, workOrderId)
    .replaceAll(/("(?:masterR|r)esourceId":")([^"]+)"/g, `$1$2-${workOrderId}"`);
  return JSON.parse(text) as object;
}
