import { createHash, createHmac } from 'node:crypto';
import type { Json, JsonObject } from '../../json.js';

/**
 * What an order says, freed of how it was said: billing's names, numbers and ids in one spelling, absent for null and "",
 * keys sorted, items by resource. Two messages are the same order when this is the same text.
 */
export function canonicalFields(
  normalised: Record<string, unknown>,
  names: readonly string[],
  kept: JsonObject,
): JsonObject {
  const canonical: JsonObject = {};
  for (const name of names) {
    const value = normalised[name];
    if (value !== null && value !== undefined) canonical[name] = value as Json;
  }
  for (const name of Object.keys(kept).toSorted()) {
    const value = kept[name] ?? null;
    if (value !== null && value !== '') canonical[name] = sortedKeys(value);
  }
  return canonical;
}

/** The scan has bounded the depth. */
export function sortedKeys(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sortedKeys);
  const keys = Object.keys(value);
  if (keys.length === 0) return value;
  const sorted: JsonObject = {};
  for (const key of keys.toSorted()) sorted[key] = sortedKeys(value[key] ?? null);
  return sorted;
}

/** Billing lists items in any order; only the resource tells them apart. */
export function sortedItems(items: JsonObject[]): JsonObject[] {
  return items.length < 2 ? items : items.toSorted((a, b) => compare(itemKey(a), itemKey(b)));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
export const itemKey = (item: JsonObject): string =>
  `${item['resourceType'] as string}/${item['resourceId'] as string}`;

/** Stands for a secret: the same for the same secret of the same resource of the same order, and useless without the key. */
export function secretMark(hashKey: Uint8Array, workOrderId: string, place: string, value: string): JsonObject {
  const mark = createHmac('sha256', hashKey).update(`${workOrderId}\0${place}\0${value}`).digest('hex');
  return { secretMark: mark };
}

export const isSecretMark = (value: Json | undefined): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && typeof value['secretMark'] === 'string';

export const contentHashOf = (canonical: Json): string =>
  createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
