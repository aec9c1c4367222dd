import { z } from 'zod';
import type { Place } from '../store/views.js';
import { ApiError } from './problem.js';

/** `limit` and `cursor` as every list takes them. Text here: what is wrong with them has a code of its own. */
export const PageQuery = {
  limit: z.string().optional().describe('How many at most: 1 to 200 (50)'),
  cursor: z.string().optional().describe('`nextCursor` of the page before'),
};

/** @throws ApiError API_PAGE */
export function readLimit(text: string | undefined): number {
  if (text === undefined) return 50;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > 200) {
    throw refused('limit', 'must be a whole number from 1 to 200');
  }
  return limit;
}

/** @throws ApiError API_PAGE for anything that {@link printPlace} could not have written */
export function readPlace(text: string | undefined): Place | null {
  if (text === undefined) return null;
  const found = /^(\d{1,17})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text);
  if (!found) throw badCursor();
  const [, micros = '', id = ''] = found;
  return { micros, id };
}

export function printPlace(place: Place | null): string | null {
  return place && `${place.micros}-${place.id}`;
}

/** A cursor made of texts of any kind. */
export function printTexts(texts: string[]): string {
  return Buffer.from(JSON.stringify(texts)).toString('base64url');
}

/** @throws ApiError API_PAGE */
export function readTexts(text: string | undefined, count: number): string[] | null {
  if (text === undefined) return null;
  try {
    const read = z
      .array(z.string().max(256))
      .length(count)
      .parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    // PostgreSQL takes every text but this.
    if (!read.some((one) => one.includes('\0'))) return read;
  } catch {
    // refused below
  }
  throw badCursor();
}

/** A cursor that no page of the list could have named. */
export function badCursor(): ApiError {
  return refused('cursor', 'is not a cursor of this list; take nextCursor of the page before as it is');
}

function refused(path: string, message: string): ApiError {
  return new ApiError(400, 'API_PAGE', `${path} ${message}.`, [{ path, code: 'API_PAGE', message }]);
}
