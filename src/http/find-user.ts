import type { PlatformRecord } from '../store/platforms.js';
import { readTenant, readTenantByNumber, type Tenant } from '../store/tenants.js';
import type { Context } from './context.js';
import { ApiError } from './problem.js';
import { parameter, refused, textOf } from './source-fields.js';
import type { SourceRequest } from './source-request.js';

/** Which fields of a request name the user it is about. */
export interface Naming {
  /** Fields that hold billing's id; a `ct_user_id` counts in the body only. */
  ids: readonly string[];
  /** What the refusal asks for when none of them is there. */
  needed: string;
}

/** guess: `user_id` is our number, as the source platform's rows have one, or billing's id; `id` is our number. */
export const byUserId: Naming = { ids: [], needed: 'user_id' };
/** E50: guess: `ct_user_id` in the body; that of the query string is the caller's. */
export const byBodysId: Naming = { ids: ['ct_user_id'], needed: 'ct_user_id' };
/** E51. */
export const byIdToDelete: Naming = { ids: ['del_ct_user_id'], needed: 'del_ct_user_id' };

/**
 * The user that a request is about, by `user_id`, by `id`, or by another field that holds billing's id. A `ct_user_id` does not
 * count beside `user_id`, for then it is the caller's.
 *
 * @throws ApiError when none of them is given, when they name two users, and when there is no such user
 */
export async function findUser(context: Context, asked: SourceRequest, { ids, needed }: Naming): Promise<Tenant> {
  const { fields, body } = asked;
  const found: (Tenant | null)[] = [];
  const [userId, number] = [textOf(fields, 'user_id'), textOf(fields, 'id')];
  if (userId !== null) found.push(await byEither(context, userId));
  if (number !== null) found.push(await byNumber(context, number));
  for (const name of ids) {
    const id = name === 'ct_user_id' ? (found.length === 0 ? textOf(body, name) : null) : textOf(fields, name);
    if (id !== null) found.push(await byId(context, id));
  }
  const [first = null] = found;
  if (found.length === 0) throw refused([parameter(needed, 'is needed')]);
  if (first === null || found.some((one) => one?.userId !== first.userId)) {
    throw new ApiError(404, 'API_NOT_FOUND', 'There is no such user.');
  }
  return first;
}

/**
 * The user that logs out: E64 has nothing but the caller's own `ct_user_id`; `user_id` or `id` go before it.
 *
 * @throws ApiError as {@link findUser}
 */
export async function findCaller(context: Context, asked: SourceRequest): Promise<Tenant> {
  const own = textOf(asked.fields, 'ct_user_id');
  if (own === null || asked.fields['user_id'] !== undefined || asked.fields['id'] !== undefined) {
    return findUser(context, asked, byUserId);
  }
  const tenant = await byId(context, own);
  if (!tenant) throw new ApiError(404, 'API_NOT_FOUND', 'There is no such user.');
  return tenant;
}

async function byEither(context: Context, text: string): Promise<Tenant | null> {
  const [one, other] = [await byNumber(context, text), await byId(context, text)];
  if (one && other && one.userId !== other.userId) {
    throw refused([parameter('user_id', 'is the number of one user and the ct_user_id of another')]);
  }
  return one ?? other;
}

async function byNumber({ sql }: Context, text: string): Promise<Tenant | null> {
  return /^\d{1,9}$/.test(text) ? readTenantByNumber(sql, Number(text)) : null;
}

async function byId({ sql }: Context, text: string): Promise<Tenant | null> {
  const tenant = await readTenant(sql, text);
  return tenant?.removedAt === null ? tenant : null;
}

/**
 * The data centre that `sysplatforms_id` names: its number, or its uuid. @returns null when it is not given
 * @throws ApiError when there is none, or when it is the number of one and the uuid of another
 */
export async function findDatacenter({ registry }: Context, asked: SourceRequest): Promise<PlatformRecord | null> {
  const text = textOf(asked.fields, 'sysplatforms_id');
  if (text === null) return null;
  const found = (await registry.list()).filter((one) => String(one.number) === text || one.platformId === text);
  const [first, second] = found;
  if (second) throw refused([parameter('sysplatforms_id', 'is the number of one data centre and the uuid of another')]);
  if (!first) throw new ApiError(404, 'API_NOT_FOUND', 'There is no such data centre.');
  return first;
}

/** As {@link findDatacenter}, where one has to be named. @throws ApiError */
export async function needDatacenter(context: Context, asked: SourceRequest): Promise<PlatformRecord> {
  const found = await findDatacenter(context, asked);
  if (!found) throw refused([parameter('sysplatforms_id', 'is needed')]);
  return found;
}
