import { cutText } from '../cut-text.js';
import type { Problem } from '../errors.js';
import { ApiError } from './problem.js';
import type { SourceRequest } from './source-request.js';

/** Kinds of field that the source platform's routes read. What is wrong is said with the field's name, never with its value. */

/** A field without blanks around it; null when it is not given. @throws ApiError when it is not a text that can be kept, or a number */
export function textOf(fields: Record<string, unknown>, name: string): string | null {
  const value = fields[name];
  if (value === undefined) return null;
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw refused([parameter(name, 'must be a text or a number')]);
  const text = value.trim();
  // PostgreSQL takes no NUL and no half characters; the others make one name look like another.
  if (/[\p{Cc}\p{Cs}\p{Bidi_Control}]/u.test(text)) {
    throw refused([parameter(name, 'holds a control or direction character, or half a character')]);
  }
  return text;
}

/**
 * A secret exactly as it was sent, blanks and all; null when it is not given. In the body only: addresses are written into logs
 * on the way here. A JSON number is refused, for nobody knows how its sender would write it as text.
 *
 * @throws ApiError API_PARAMETER
 */
export function secretOf({ query, body }: SourceRequest, name: string): string | null {
  if (query[name] !== undefined) throw refused([parameter(name, 'belongs in the body, not in the address')]);
  const value = body[name];
  if (value === undefined) return null;
  if (typeof value !== 'string') throw refused([parameter(name, 'must be a text')]);
  return value;
}

/** guess: pages begin with 1 and have 20 entries; the source only names the two fields. @throws ApiError API_PAGE */
export function readPage({ fields }: SourceRequest): { page: number; pageSize: number } {
  const read = (name: string, otherwise: number, most: number): number => {
    const text = textOf(fields, name);
    if (text === null) return otherwise;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    const message = `must be a whole number from 1 to ${most}`;
    throw new ApiError(400, 'API_PAGE', `${name} ${message}.`, [{ path: name, code: 'API_PAGE', message }]);
  };
  return { page: read('page', 1, 1_000_000), pageSize: read('page_size', 20, 200) };
}

/** Says in the notes which fields mean nothing here, so that a misspelt one is seen. */
export function noteUnused({ fields, notes }: SourceRequest, known: readonly string[]): void {
  const strange = Object.keys(fields).filter((name) => !known.includes(name));
  if (strange.length === 0) return;
  const shown = strange.slice(0, 10).map((name) => cutText(name, 40));
  notes.push(`not used: ${shown.join(', ')}`);
}

export function parameter(path: string, message: string): Problem {
  return { path, code: 'API_PARAMETER', message };
}

export function refused(problems: Problem[]): ApiError {
  const detail = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  return new ApiError(400, 'API_PARAMETER', `${detail}.`, problems);
}
