import type { FastifyRequest } from 'fastify';
import { ApiError } from './problem.js';

/** A request to one of the source platform's own routes, read the way its callers write them. */
export interface SourceRequest {
  /** Fields of query string and body, by name without stray blanks; of both the body's counts. Texts, numbers, or what JSON had. */
  fields: Record<string, unknown>;
  /** Those of the query string alone, where `ct_user_id` is always the caller's. */
  query: Record<string, unknown>;
  /** Those of the body alone. */
  body: Record<string, unknown>;
  /** What was put right, in words for `msg`. */
  notes: string[];
}

const mostFields = 200;

/** A form body as an object. @throws ApiError when a field stands in it twice with different values */
export function readFields(body: string): Record<string, string> {
  const fields: [string, string][] = [];
  for (const [name, value] of new URLSearchParams(body)) {
    const twice = fields.find(([known]) => known === name);
    if (twice && twice[1] !== value) throw wrong(name, 'stands there twice with different values');
    if (fields.push([name, value]) > mostFields) throw wrong('', `are more than ${mostFields}`);
  }
  return Object.fromEntries(fields);
}

/**
 * The fields of a request, from the query string and the body: callers send `ct_user_id` and `os_id` in both. The source
 * platform's own notes have bodies with the key `"type "`, and once `CT_OS_ID` for `os_id`; both are read, and said so.
 *
 * @throws ApiError API_PARAMETER when a name stands there twice with different values once the blanks are gone
 */
export function readSourceRequest(request: Pick<FastifyRequest, 'query' | 'body'>): SourceRequest {
  const notes: string[] = [];
  const query = tidy(objectOf(request.query), notes);
  const body = tidy(objectOf(request.body), notes);
  return { fields: { ...query, ...body }, query, body, notes };
}

function tidy(given: Record<string, unknown>, notes: string[]): Record<string, unknown> {
  const fields = new Map<string, unknown>();
  const trimmed: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    let name = key.trim();
    if (name !== key) trimmed.push(JSON.stringify(key));
    if (name === 'CT_OS_ID') {
      notes.push('CT_OS_ID was read as os_id');
      name = 'os_id';
    }
    if (fields.has(name) && fields.get(name) !== value) throw wrong(name, 'stands there twice with different values');
    fields.set(name, value);
  }
  if (trimmed.length > 0) notes.push(`stray blanks were cut from ${trimmed.join(', ')}`);
  // Absent, null and "" are one thing to the source platform (Q39).
  return Object.fromEntries([...fields].filter(([, value]) => value !== null && value !== ''));
}

function objectOf(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ApiError(400, 'API_PARAMETER', 'Send a JSON object or form fields.');
}

function wrong(path: string, message: string): ApiError {
  const detail = path === '' ? `The fields ${message}.` : `${path} ${message}.`;
  return new ApiError(400, 'API_PARAMETER', detail, [{ path, code: 'API_PARAMETER', message }]);
}
