import { z } from 'zod';
import type { Json, JsonObject } from '../../../json.js';
import { created, isoSeconds, noContent, ok, type Call, type Reply } from '../call.js';
import { neutronError, type Refusal } from '../errors.js';
import { routesOf, type Route } from '../route.js';
import type { Cloud } from '../state/cloud.js';
import type { NeutronRow } from '../state/network-model.js';
import { touch } from './owner.js';

/** What is its own of one kind of Neutron resource; the calls around it are the same for all. */
export interface Collection<T extends NeutronRow, C, U> {
  /** Path below `/v2.0`, and the name of the operations. */
  path: string;
  plural: string;
  singular: string;
  /** For the control side. */
  kind: string;
  rows(call: Call): Iterable<T>;
  get(cloud: Cloud, id: string): T | undefined;
  /** Whether somebody who is neither owner nor administrator sees it. */
  isPublic?(row: T): boolean;
  missing(id: string): Refusal;
  view(call: Call, row: T): JsonObject;
  /** Attributes that lists can be filtered by, beside the common ones. */
  filters: string[];
  /** Filters that are more than "the attribute has this value"; undefined when it is not one of those. */
  matches?(row: T, name: string, values: string[]): boolean | undefined;
  createSchema: z.ZodType<C>;
  create(call: Call, fields: C): T;
  /** Refuses requests for many that can never do. */
  checkMany?(fields: C[]): void;
  updateSchema: z.ZodType<U>;
  update(call: Call, row: T, fields: U): void;
  remove(call: Call, row: T): void;
}

const commonFilters = ['id', 'name', 'project_id', 'tenant_id', 'description', 'revision_number', 'status'];
const controls = ['fields', 'limit', 'marker', 'sort_key', 'sort_dir', 'page_reverse'];
const tagFilters = ['tags', 'tags-any', 'not-tags', 'not-tags-any'];

/** List, create (one or many), show, update, delete. */
export function collectionRoutes<T extends NeutronRow, C, U>(collection: Collection<T, C, U>): Route[] {
  const name = collection.path.slice(1).replaceAll('/', '.');
  return routesOf('neutron', [
    ['GET', collection.path, `${name}.list`, (call) => list(call, collection)],
    ['POST', collection.path, `${name}.create`, (call) => create(call, collection)],
    ['GET', `${collection.path}/{id}`, `${name}.show`, (call) => show(call, collection)],
    ['PUT', `${collection.path}/{id}`, `${name}.update`, (call) => update(call, collection)],
    ['DELETE', `${collection.path}/{id}`, `${name}.delete`, (call) => remove(call, collection)],
  ]);
}

export const textsOf = (row: NeutronRow) => [row.name, row.description, ...row.tags];

/** The fields every resource prints. */
export function commonView(row: NeutronRow): JsonObject {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    tenant_id: row.projectId,
    project_id: row.projectId,
    created_at: isoSeconds(row.createdMs),
    updated_at: isoSeconds(row.updatedMs),
    revision_number: row.revision,
    tags: row.tags,
  };
}

/** A row the caller may see. @throws 404 */
export function visibleRow<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>, id: string): T {
  const row = collection.get(call.cloud, id);
  if (row === undefined || !isVisible(call, collection, row)) throw collection.missing(id);
  return row;
}

function isVisible<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>, row: T): boolean {
  return call.mayAccess(row) || collection.isPublic?.(row) === true;
}

/** Somebody else's things can be seen at most. @throws 404 as for a missing one, 403 for a public one */
export function ownRow<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>, id: string): T {
  const row = visibleRow(call, collection, id);
  if (!call.mayAccess(row))
    throw neutronError(403, 'PolicyNotAuthorized', `rule:update_${collection.singular} is disallowed by policy`);
  return row;
}

function list<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>): Reply {
  const { query, cloud } = call;
  const filters = readFilters(call, collection);
  const rows: { row: T; view: JsonObject }[] = [];
  for (const row of collection.rows(call)) {
    if (!isVisible(call, collection, row) || cloud.hidden.has(row.id)) continue;
    const view = collection.view(call, row);
    if (filters.every(([name, values]) => fits(collection, row, view, name, values))) rows.push({ row, view });
  }
  const { page, links } = cut(call, collection, rows);
  const fields = query.getAll('fields');
  const shown = page.map(({ view }) => (fields.length === 0 ? view : pick(view, fields)));
  return ok({ [collection.plural]: shown, ...(links !== null && { [`${collection.plural}_links`]: links }) });
}

function readFilters<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>): [string, string[]][] {
  const known = new Set([...commonFilters, ...tagFilters, ...collection.filters]);
  const names = new Set([...call.query.keys()].filter((name) => !controls.includes(name)));
  const unknown = [...names].filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const list = `[${unknown.map((name) => `'${name}'`).join(', ')}]`;
    throw neutronError(400, 'HTTPBadRequest', `${list} is invalid attribute for filtering`);
  }
  return [...names].map((name) => [name, call.query.getAll(name)]);
}

function fits<T extends NeutronRow, C, U>(
  collection: Collection<T, C, U>,
  row: T,
  view: JsonObject,
  name: string,
  values: string[],
): boolean {
  if (tagFilters.includes(name)) {
    const wanted = values.flatMap((value) => value.split(','));
    const found = name.endsWith('any')
      ? wanted.some((tag) => row.tags.includes(tag))
      : wanted.every((tag) => row.tags.includes(tag));
    return name.startsWith('not') ? !found : found;
  }
  const special = collection.matches?.(row, name, values);
  if (special !== undefined) return special;
  return values.some((value) => sameValue(view[name], value));
}

function sameValue(value: Json | undefined, wanted: string): boolean {
  if (typeof value === 'boolean') return value === ['true', '1'].includes(wanted.toLowerCase());
  if (value === null || value === undefined) return wanted === '' || wanted === 'null';
  return typeof value !== 'object' && String(value) === wanted;
}

/** `next` is there whenever the page is full, so the last page can be empty. */
function cut<T extends NeutronRow, C, U>(
  call: Call,
  collection: Collection<T, C, U>,
  rows: { row: T; view: JsonObject }[],
): { page: { row: T; view: JsonObject }[]; links: JsonObject[] | null } {
  const { query } = call;
  const key = query.get('sort_key') ?? 'id';
  const down = query.get('sort_dir') === 'desc' ? -1 : 1;
  const limit = Number(query.get('limit') ?? Infinity);
  // In the order of their making unless asked otherwise: a real one sorts by id when it cuts pages.
  if (query.has('sort_key') || query.has('limit')) {
    rows.sort((a, b) => down * compare(a.view[key], b.view[key]) || compare(a.row.id, b.row.id));
  }
  const isBackwards = ['true', '1'].includes((query.get('page_reverse') ?? '').toLowerCase());
  const marker = query.get('marker');
  const at = marker === null ? -1 : rows.findIndex(({ row }) => row.id === marker);
  if (marker !== null && at < 0)
    throw neutronError(400, 'InvalidInput', `Invalid input for operation: marker '${marker}' is unknown.`);
  const page = isBackwards
    ? rows.slice(Math.max(0, (at < 0 ? rows.length : at) - limit), at < 0 ? rows.length : at)
    : rows.slice(at + 1, at + 1 + limit);
  if (!Number.isFinite(limit)) return { page, links: null };
  const link = (rel: string, id: string | undefined, backwards: boolean): JsonObject => {
    const params = new URLSearchParams(query);
    if (id !== undefined) params.set('marker', id);
    if (backwards) params.set('page_reverse', 'True');
    else params.delete('page_reverse');
    return { rel, href: `${call.origin}/network/v2.0${collection.path}?${params.toString()}` };
  };
  const links: JsonObject[] = [];
  if (page.length === limit) links.push(link('next', page.at(-1)?.row.id, false));
  if (marker !== null) links.push(link('previous', page[0]?.row.id ?? marker, true));
  return { page, links: links.length > 0 ? links : null };
}

function compare(a: Json | undefined, b: Json | undefined): number {
  const [left, right] = [JSON.stringify(a ?? null), JSON.stringify(b ?? null)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function pick(view: JsonObject, fields: string[]): JsonObject {
  return Object.fromEntries(Object.entries(view).filter(([name]) => fields.includes(name)));
}

/** One, or many: all or none. */
function create<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>): Reply {
  const { plural, singular, createSchema } = collection;
  if (typeof call.body === 'object' && call.body !== null && plural in call.body) {
    const fields = call.read(z.object({ [plural]: z.array(createSchema) }))[plural] ?? [];
    collection.checkMany?.(fields);
    const rows: T[] = [];
    try {
      for (const one of fields) rows.push(make(call, collection, one));
    } catch (error) {
      for (const row of rows.toReversed()) takeAway(call, collection, row);
      throw error;
    }
    return created({ [plural]: rows.map((row) => collection.view(call, row)) });
  }
  const fields = call.read(z.object({ [singular]: createSchema }))[singular] as C;
  return created({ [singular]: collection.view(call, make(call, collection, fields)) });
}

function make<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>, fields: C): T {
  const row = collection.create(call, fields);
  call.effect('created', collection.kind, row.id, textsOf(row));
  return row;
}

function takeAway<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>, row: T): void {
  collection.remove(call, row);
  call.effect('deleted', collection.kind, row.id, textsOf(row));
}

function show<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>): Reply {
  const view = collection.view(call, visibleRow(call, collection, call.param('id')));
  const fields = call.query.getAll('fields');
  return ok({ [collection.singular]: fields.length === 0 ? view : pick(view, fields) });
}

function update<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>): Reply {
  const row = ownRow(call, collection, call.param('id'));
  checkRevision(call, row);
  const { singular } = collection;
  const fields = call.read(z.object({ [singular]: collection.updateSchema }))[singular] as U;
  collection.update(call, row, fields);
  touch(row);
  call.effect('changed', collection.kind, row.id, textsOf(row));
  return ok({ [singular]: collection.view(call, row) });
}

function remove<T extends NeutronRow, C, U>(call: Call, collection: Collection<T, C, U>): Reply {
  const row = ownRow(call, collection, call.param('id'));
  checkRevision(call, row);
  takeAway(call, collection, row);
  return noContent();
}

/** @throws 412 when `If-Match: revision_number=n` names another revision. */
export function checkRevision(call: Call, row: NeutronRow): void {
  const header = call.request.headers['if-match'];
  const [, wanted] = /^\s*revision_number\s*=\s*(\d+)/.exec(header ?? '') ?? [];
  if (wanted === undefined || Number(wanted) === row.revision) return;
  throw neutronError(
    412,
    'RevisionNumberConstraintFailed',
    `Constrained to ${wanted}, but current revision is ${row.revision}`,
  );
}
