import type { Call } from '../call.js';
import { badRequest } from '../errors.js';

const controls = new Set([
  'limit',
  'marker',
  'offset',
  'sort',
  'sort_key',
  'sort_dir',
  'all_tenants',
  'project_id',
  'with_count',
]);

/** The filters of a list query. From 3.31 on an unknown one is refused; before, it is dropped for tenants. @throws 400 */
export function readFilters(call: Call, known: string[]): Map<string, string> {
  const filters = new Map<string, string>();
  const unknown: string[] = [];
  for (const [name, value] of call.query) {
    if (controls.has(name)) continue;
    if (known.includes(name.replace(/~$/, ''))) filters.set(name, value);
    else unknown.push(name);
  }
  if (unknown.length > 0 && call.version >= 31) {
    throw badRequest(`Invalid filters ${unknown.join(', ')} are found in query options.`);
  }
  return filters;
}

/** A dictionary as Python prints one: `{'order_id':'wo-1'}`. @throws 400 */
export function readDictionary(text: string): Record<string, string> {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}'))
    throw badRequest(`Could not evaluate metadata filter ${text}`);
  const pairs: Record<string, string> = {};
  const inner = trimmed.slice(1, -1);
  const pair = /\s*u?(['"])((?:\\.|(?!\1).)*)\1\s*:\s*u?(['"])((?:\\.|(?!\3).)*)\3\s*(?:,|$)/gy;
  for (let found = pair.exec(inner); found !== null; found = pair.exec(inner)) {
    pairs[unescape(found[2])] = unescape(found[4]);
    if (pair.lastIndex >= inner.length) return pairs;
  }
  if (inner.trim() === '') return pairs;
  throw badRequest(`Could not evaluate metadata filter ${text}`);
}

const unescape = (text: string | undefined) => (text ?? '').replace(/\\(.)/g, '$1');

/** `gte:2026-11-21T05:56:40`, several separated by commas (3.60). @throws 400 */
export function isWithin(ms: number | null, filter: string): boolean {
  return filter.split(',').every((part) => {
    const [, operator = 'eq', text = ''] = /^(?:(gt|gte|lt|lte|eq|neq):)?(.*)$/.exec(part) ?? [];
    const at = readTime(text);
    if (at === null) throw badRequest(`Invalid filter value ${part}: not ISO 8601`);
    if (ms === null) return operator === 'neq';
    const compared = { gt: ms > at, gte: ms >= at, lt: ms < at, lte: ms <= at, eq: ms === at, neq: ms !== at };
    return compared[operator as keyof typeof compared];
  });
}

/** ISO 8601; without a zone it is UTC. Null when it is none. */
export function readTime(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$/.test(text)) return null;
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10));
  const at = Date.parse(hasZone ? text : text.length === 10 ? `${text}T00:00:00Z` : `${text.replace(' ', 'T')}Z`);
  return Number.isNaN(at) ? null : at;
}

/** Whose rows a list shows: null for everybody's. Only an administrator may look beyond the own project. */
export function listedProject(call: Call): string | null {
  const wantsAll =
    call.isAdmin && ['1', 'true', 'yes', 't', 'on'].includes((call.query.get('all_tenants') ?? '').toLowerCase());
  return wantsAll ? call.query.get('project_id') : call.projectId;
}
