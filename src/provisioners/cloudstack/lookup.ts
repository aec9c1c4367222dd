import type { z } from 'zod';
import type { CloudStackClient, Params } from './client.js';
import { isRefusal } from './refusals.js';

type Identified = { id: string };

/** One thing by its id, or null. An id that was never there is 431, one of a deleted thing is an empty list. */
export async function readOne<T extends Identified>(
  client: CloudStackClient,
  command: string,
  id: string,
  object: string,
  row: z.ZodType<T>,
): Promise<T | null> {
  // An empty filter is no filter: the server would send everything it has.
  if (id === '') return null;
  const rows = await listKnown(client, command, { id }, object, row);
  return rows.find((one) => one.id === id) ?? null;
}

/**
 * All rows of a list whose filter names another thing. When that thing is unknown the server refuses the parameter
 * (431), which for a reader means: nothing there.
 */
export async function listKnown<T extends Identified>(
  client: CloudStackClient,
  command: string,
  params: Params,
  object: string,
  row: z.ZodType<T>,
): Promise<T[]> {
  try {
    return await client.list(command, { ...params, listall: true }, object, row);
  } catch (error) {
    if (isRefusal(error, 431)) return [];
    throw error;
  }
}
