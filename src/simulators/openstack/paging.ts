import type { Json, JsonObject } from '../../json.js';
import type { Call } from './call.js';
import { badRequest } from './errors.js';

/** Lists of Nova and Cinder end here without a limit, and a limit is cut here. */
const maxPage = 1000;

/**
 * Cuts the page that `limit` and `marker` ask for out of sorted rows, and writes the absolute link to the next one.
 * @throws 400 for a limit that is no number or an unknown marker
 */
export function cutPage<T extends { id: string }>(
  call: Call,
  rows: T[],
  path: string,
): { page: T[]; links: JsonObject[] | null } {
  const text = call.query.get('limit');
  if (text !== null && !/^\d+$/.test(text))
    throw badRequest(`Invalid input for query parameters limit. Value: ${text}.`);
  const limit = Math.min(maxPage, text === null || text === '0' ? maxPage : Number(text));
  const marker = call.query.get('marker');
  const at = marker === null ? -1 : rows.findIndex((row) => row.id === marker);
  if (marker !== null && at < 0) throw badRequest(`marker [${marker}] not found`);
  const offset = Number(call.query.get('offset') ?? 0);
  const start = at + 1 + (Number.isInteger(offset) && offset > 0 ? offset : 0);
  const page = rows.slice(start, start + limit);
  const isMore = page.length === limit && start + limit < rows.length;
  if (!isMore) return { page, links: null };
  const params = new URLSearchParams(call.query);
  params.set('marker', page.at(-1)?.id ?? '');
  params.delete('offset');
  return { page, links: [{ rel: 'next', href: `${call.origin}${path}?${params.toString()}` }] };
}

/** Sorts in place by a value of each row; the id decides between equals. */
export function sortBy<T extends { id: string }>(rows: T[], value: (row: T) => Json, isDescending: boolean): T[] {
  const sign = isDescending ? -1 : 1;
  return rows.sort((a, b) => {
    const [left, right] = [value(a) ?? '', value(b) ?? ''];
    return sign * (left < right ? -1 : left > right ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  });
}

/** `all_tenants` of a query, as the services read booleans. */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  if (value === null) return false;
  return ['', '1', 't', 'true', 'on', 'y', 'yes'].includes(value.toLowerCase());
}
