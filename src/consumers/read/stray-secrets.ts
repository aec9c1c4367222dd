import type { Json, JsonObject } from '../../json.js';
import { secretName } from '../../schemas/secret-names.js';

const removed = '(secret removed)';

export interface Cleaned<T extends Json> {
  value: T;
  /** What was found, with where. */
  found: Found[];
}

export interface Found {
  path: (string | number)[];
  value: Json;
}

/**
 * The same value with every member of a secret's name blanked; the very same object when there is none. `rootPassword` of a
 * VM's config has its own way.
 */
export function withoutSecrets<T extends Json>(value: T): Cleaned<T> {
  const found: Found[] = [];
  return { value: clean(value, [], found) as T, found };
}

function clean(value: Json, path: Found['path'], found: Found[]): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const elements = value.map((element, i) => clean(element, [...path, i], found));
    return elements.some((element, i) => element !== value[i]) ? elements : value;
  }
  let result: JsonObject = value;
  for (const [key, member] of Object.entries(value)) {
    const isSecret = secretName.test(key) && member !== null && member !== '' && typeof member !== 'boolean';
    if (isSecret) found.push({ path: [...path, key], value: member });
    const kept = isSecret ? removed : clean(member, [...path, key], found);
    if (kept === member) continue;
    if (result === value) result = { ...value };
    result[key] = kept;
  }
  return result;
}

/** The same value with a mark in place of each secret: for the canonical form, where a changed secret has to show. */
export function withMarks(value: JsonObject, found: Found[], mark: (path: string, secret: string) => Json): JsonObject {
  if (found.length === 0) return value;
  const marked = structuredClone(value);
  for (const { path, value: secret } of found) {
    let holder: Json = marked;
    for (const step of path.slice(0, -1)) holder = memberOf(holder, step);
    const name = String(path.at(-1));
    if (holder !== null && typeof holder === 'object' && !Array.isArray(holder)) {
      holder[name] = mark(path.join('.'), JSON.stringify(secret));
    }
  }
  return marked;
}

function memberOf(holder: Json, step: string | number): Json {
  if (holder === null || typeof holder !== 'object') return null;
  return (Array.isArray(holder) ? holder[Number(step)] : holder[step]) ?? null;
}
