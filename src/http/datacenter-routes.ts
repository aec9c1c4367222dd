import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { titleOf } from '../provisioners/registry.js';
import { withoutUser } from '../runner/platform-changes.js';
import { NewPlatform, PlatformChange } from '../schemas/platform.js';
import type { PlatformRecord } from '../store/platforms.js';
import type { App, Context } from './context.js';
import { notUsable, readDatacenter, readWhich, theirPath, typeOf, type Which } from './datacenter-fields.js';
import { refusalsAsAnswers } from './lever-routes.js';
import { ApiError } from './problem.js';
import { answer, byOf, readingRoute, success, takeForms, Text, writing } from './source-answer.js';
import { readPage, textOf } from './source-fields.js';
import { readSourceRequest } from './source-request.js';

/**
 * What may be seen of a data centre, the source platform's own white-list. guess: `id`, which its list of forbidden fields leaves
 * open, and without which nobody could name one to update or delete; and the spelling of the names.
 */
const DatacenterJson = z.object({
  id: z.int(),
  name: z.string(),
  short_name: z.string(),
  service_url: z.string(),
  type: z.int().describe('1 CloudStack, 2 OpenStack; 0 another cloud'),
  type_name: z.string(),
  project: z.string(),
  user: z.string(),
});
type DatacenterJson = z.infer<typeof DatacenterJson>;

const One = success(DatacenterJson);
const Nothing = success(z.object({}));
/** guess: the source shows no list; these names are ours. */
const Page = success(
  z.object({ count: z.int(), page: z.int(), page_size: z.int(), datacenters: z.array(DatacenterJson) }),
);

/** For the description only: the fields are read by {@link readSourceRequest}, blanks and all. */
const Body = z.looseObject({
  ct_user_id: Text,
  os_id: Text,
  id: Text,
  uuid: Text,
  name: Text,
  short_name: Text,
  service_url: Text,
  type: Text,
  user: Text,
  password: Text,
  project: Text,
  host: Text,
  ext_net: Text,
});
const Filter = z.looseObject({
  ct_user_id: Text,
  os_id: Text,
  ct_user_id_regist: Text.describe('Only data centres where something of this user was prepared'),
  id: Text,
  uuid: Text,
  name: Text,
  page: Text,
  page_size: Text,
});

/** The source platform's own routes for its table of data centres (E69-E72), on the same registry as `/v1/platforms`. */
export function datacenterRoutes(app: App, context: Context): void {
  // Off, the whole of the source platform's surface is not there.
  if (context.config.legacyIntake === 'off') return;
  const { registry, registrar } = context;
  takeForms(app);

  app.post(
    '/api/datacenters/create/',
    writing('createDatacenter', 'Adds a data centre: name, uuid, service_url, type, user and password', Body, One),
    async (request) => {
      const asked = readSourceRequest(request);
      const given = readDatacenter(asked, null);
      const parsed = NewPlatform.safeParse(given);
      if (!parsed.success) throw notUsable(parsed.error);
      const added = await inTheirWords(() => registry.add(parsed.data, byOf(request, asked)));
      return answer('created', asked, present(added));
    },
  );

  app.post(
    '/api/datacenters/update/',
    writing('updateDatacenter', 'Changes what is given of a data centre, which is named by id or uuid', Body, One),
    async (request) => {
      const asked = readSourceRequest(request);
      const before = await find(context, readWhich(asked));
      const given = readDatacenter(asked, before);
      const parsed = PlatformChange.safeParse(given);
      if (!parsed.success) throw notUsable(parsed.error);
      const by = byOf(request, asked);
      // Theirs may be the password alone; but user and password take the place of keys.
      const isMerged = before.loginName !== null;
      const after = await inTheirWords(() => registry.edit(before.platformId, parsed.data, by, null, isMerged));
      return answer('updated', asked, present(after));
    },
  );

  app.post(
    '/api/datacenters/delete/',
    writing('deleteDatacenter', 'Takes a data centre out of use; its row stays', Body, Nothing),
    async (request) => {
      const asked = readSourceRequest(request);
      const { platformId } = await find(context, readWhich(asked));
      await inTheirWords(() => registry.remove(platformId, byOf(request, asked)));
      return answer('deleted', asked, {});
    },
  );

  const read = async (request: FastifyRequest, filtered: boolean) => {
    const asked = readSourceRequest(request);
    const { page, pageSize } = readPage(asked);
    const [id, uuid, name, user] = (['id', 'uuid', 'name', 'ct_user_id_regist'] as const).map((one) =>
      filtered ? textOf(asked.fields, one) : null,
    );
    const registrations = user ? await registrar.list({ userIds: [user], platformIds: null }) : null;
    const registered = registrations?.filter(({ state }) => state === 'registered').map((one) => one.platformId);
    const matches = (one: PlatformRecord) =>
      (!id || String(one.number) === id) &&
      (!uuid || one.platformId === uuid) &&
      (!name || one.name === name) &&
      (registered?.includes(one.platformId) ?? true);
    const all = (await registry.list()).filter(matches).toSorted((a, b) => a.number - b.number);
    const datacenters = all.slice((page - 1) * pageSize, page * pageSize).map(present);
    return answer('ok', asked, { count: all.length, page, page_size: pageSize, datacenters });
  };
  for (const [verb, summary] of [
    ['list', 'Every data centre, by page'],
    ['query', 'Data centres by id, uuid or name, or those that a user is registered in'],
  ] as const) {
    readingRoute(
      app,
      `/api/datacenters/${verb}/`,
      { name: `${verb}Datacenters`, summary, filter: Filter, results: Page },
      (request) => read(request, verb === 'query'),
    );
  }
}

function present({ number, name, serviceUrl, kind, fields, loginName }: PlatformRecord): DatacenterJson {
  return {
    id: number,
    name,
    short_name: fields.shortName ?? '',
    service_url: withoutUser(serviceUrl),
    type: typeOf(kind),
    type_name: titleOf(kind),
    project: fields.project ?? '',
    user: loginName ?? '',
  };
}

/** @throws ApiError when there is none, or when id and uuid name two */
async function find({ registry }: Context, { id, uuid }: Which): Promise<PlatformRecord> {
  const all = await registry.list();
  const byId = all.find((one) => String(one.number) === id);
  const byUuid = all.find((one) => one.platformId === uuid);
  const found = id === null ? byUuid : byId;
  if (!found || (uuid !== null && byUuid !== found)) {
    const both = id !== null && uuid !== null ? ' with this id and this uuid' : '';
    throw new ApiError(404, 'API_NOT_FOUND', `There is no such data centre${both}.`);
  }
  return found;
}

/** The registry's refusals, their paths in the source platform's names. */
async function inTheirWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await refusalsAsAnswers(work);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const problems = error.errors.map((one) => ({ ...one, path: theirPath(one.path) }));
    const words = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
    const detail =
      error.code === 'CFG_PLATFORM_SETTINGS' ? `The data centre cannot be used like this: ${words}` : error.detail;
    throw new ApiError(error.status, error.code, detail, problems);
  }
}
