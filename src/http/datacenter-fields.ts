import type { z } from 'zod';
import type { Problem } from '../errors.js';
import { clouds } from '../provisioners/registry.js';
import type { PlatformRecord } from '../store/platforms.js';
import type { ApiError } from './problem.js';
import { noteUnused, parameter, refused, textOf } from './source-fields.js';
import type { SourceRequest } from './source-request.js';

/** The source platform's names for what a platform is made of, and its numbers for clouds (E69). */
const names: Readonly<Record<string, string>> = {
  uuid: 'platformId',
  name: 'name',
  short_name: 'shortName',
  service_url: 'serviceUrl',
  project: 'project',
  host: 'host',
  ext_net: 'externalNetwork',
};
const kinds: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(clouds).flatMap(([kind, { sourceType }]) => (sourceType === null ? [] : [[sourceType, kind]])),
);
const others = ['id', 'type', 'user', 'password', 'ct_user_id', 'os_id'];
const required = ['name', 'uuid', 'service_url', 'type', 'user', 'password'];

/** 1 or 2; 0 for a cloud that the source platform has no number for. */
export function typeOf(kind: string): number {
  return Number(Object.keys(kinds).find((type) => kinds[type] === kind) ?? 0);
}

/** Which data centre is meant: by our number, by its uuid, or by both. */
export interface Which {
  id: string | null;
  uuid: string | null;
}

/** @throws ApiError API_PARAMETER when neither is given */
export function readWhich({ fields }: SourceRequest): Which {
  const which = { id: textOf(fields, 'id'), uuid: textOf(fields, 'uuid') };
  if (which.id === null && which.uuid === null) throw refused([parameter('id', 'is needed, or uuid')]);
  return which;
}

/**
 * The fields of a data centre in our names, for the schemas of `src/schemas/platform.ts`. Names that mean nothing go into the
 * notes, so that a misspelt one is seen.
 *
 * @param before what is to be updated; null for a new one
 * @throws ApiError API_PARAMETER with everything that is missing or cannot be
 */
export function readDatacenter(asked: SourceRequest, before: PlatformRecord | null): object {
  const { fields } = asked;
  const problems: Problem[] = [];
  if (!before) {
    for (const name of required) if (fields[name] === undefined) problems.push(parameter(name, 'is needed'));
  }
  const given: Record<string, unknown> = {};
  for (const [theirs, ours] of Object.entries(names)) {
    if (fields[theirs] !== undefined && !(before && theirs === 'uuid')) given[ours] = textOf(fields, theirs);
  }
  const type = textOf(fields, 'type');
  const kind = type === null ? undefined : kinds[type];
  if (type !== null && kind === undefined) problems.push(parameter('type', 'is 1 (CloudStack) or 2 (OpenStack)'));
  if (before && kind !== undefined && kind !== before.kind) {
    problems.push(
      parameter('type', `is ${typeOf(before.kind)} and stays so: orders were built there. Create another one`),
    );
  }
  if (!before) given['kind'] = kind;
  const [username, password] = [textOf(fields, 'user'), textOf(fields, 'password')];
  if (before?.loginName === null && (username === null) !== (password === null)) {
    const message = 'is needed too: this data centre logs in with keys, which user and password would replace';
    problems.push(parameter(username === null ? 'user' : 'password', message));
  }
  if (username !== null || password !== null) {
    given['credentials'] = { ...(username !== null && { username }), ...(password !== null && { password }) };
  }
  noteUnused(asked, [...Object.keys(names), ...others]);
  if (problems.length > 0) throw refused(problems);
  return given;
}

/** What a schema of ours found wrong, in the source platform's names. */
export function notUsable(error: z.ZodError): ApiError {
  return refused(error.issues.map(({ path, message }) => parameter(theirPath(path.join('.')), message)));
}

/** `serviceUrl` → `service_url`; what has no name of theirs keeps ours. */
export function theirPath(path: string): string {
  if (path === 'kind') return 'type';
  if (/^credentials\b/.test(path)) return path === 'credentials.username' ? 'user' : 'password';
  return Object.keys(names).find((theirs) => names[theirs] === path) ?? path;
}
