import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { withoutUser } from '../runner/platform-changes.js';
import { unusedFields } from '../provisioners/common-settings.js';
import { NewPlatform, PlatformChange } from '../schemas/platform.js';
import type { PlatformRecord } from '../store/platforms.js';
import type { App, Context } from './context.js';
import { reasonOf, refusalsAsAnswers, seenVersionOf } from './lever-routes.js';
import { PlatformCheckJson, PlatformDetailJson, PlatformJson, PlatformsJson } from './platform-schemas.js';
import { ApiError, ProblemJson } from './problem.js';
import { actorOf } from './token-routes.js';

const errors = { '4xx': ProblemJson, '5xx': ProblemJson };
const tags = ['platforms'];
const Params = z.object({ platform: z.string().min(1).max(200) });
const Reason = z.string().max(500).optional().describe('Why; kept in the audit with who and when');

/** Data centres: read by staff, changed by admins, each change with its reason in the audit. */
export function platformRoutes(app: App, context: Context): void {
  const { registry } = context;

  app.get(
    '/v1/platforms',
    {
      schema: {
        operationId: 'listPlatforms',
        tags,
        summary: 'The data centres that orders may name',
        response: { 200: PlatformsJson, ...errors },
      },
    },
    async () => ({ platforms: (await registry.list()).map((one) => presentLine(context, one)) }),
  );

  app.post(
    '/v1/platforms',
    {
      schema: {
        operationId: 'addPlatform',
        tags,
        summary:
          'Adds a data centre; its settings and credentials are checked by its cloud’s schema, not yet by its cloud',
        body: NewPlatform.extend({ reason: Reason }),
        response: { 201: PlatformDetailJson, ...errors },
      },
    },
    async (request, reply) => {
      const { reason = '', ...given } = request.body;
      const by = { actor: actorOf(request), reason: reason.trim() };
      const added = await refusalsAsAnswers(() => registry.add(given, by));
      void reply.code(201).header('location', `/v1/platforms/${encodeURIComponent(added.platformId)}`);
      return present(context, added, reply);
    },
  );

  app.get(
    '/v1/platforms/:platform',
    {
      schema: {
        operationId: 'getPlatform',
        tags,
        summary: 'One data centre with all its settings; never its credentials',
        params: Params,
        response: { 200: PlatformDetailJson, ...errors },
      },
    },
    async (request, reply) => {
      const record = await registry.read(request.params.platform);
      if (!record) throw notFound();
      return present(context, record, reply);
    },
  );

  app.patch(
    '/v1/platforms/:platform',
    {
      schema: {
        operationId: 'editPlatform',
        tags,
        summary: 'Replaces the fields that are given and leaves the others. Workers take it up within seconds',
        params: Params,
        body: PlatformChange.extend({ reason: Reason }),
        response: { 200: PlatformDetailJson, ...errors },
      },
    },
    async (request, reply) => {
      const { reason, ...change } = request.body;
      const by = { actor: actorOf(request), reason: reasonOf(reason) };
      const { platform } = request.params;
      const record = await refusalsAsAnswers(() => registry.edit(platform, change, by, seenVersionOf(request)));
      return present(context, record, reply);
    },
  );

  const acts = {
    enable: { state: 'open', summary: 'Opens it: what waited for it goes on' },
    disable: { state: 'disabled', summary: 'New orders that name it are held; those under way go on' },
    maintenance: { state: 'maintenance', summary: 'New orders that name it wait; those that are planned go on' },
  } as const;
  for (const act of ['enable', 'disable', 'maintenance'] as const) {
    app.post(
      `/v1/platforms/:platform/${act}`,
      {
        schema: {
          operationId: `${act}Platform`,
          tags,
          summary: acts[act].summary,
          params: Params,
          body: z.strictObject({ reason: Reason }),
          response: { 200: PlatformDetailJson, ...errors },
        },
      },
      async (request, reply) => {
        const by = { actor: actorOf(request), reason: reasonOf(request.body.reason) };
        const { platform } = request.params;
        const seen = seenVersionOf(request);
        const record = await refusalsAsAnswers(() => registry.setState(platform, acts[act].state, by, seen));
        return present(context, record, reply);
      },
    );
  }

  app.post(
    '/v1/platforms/:platform/check',
    {
      schema: {
        operationId: 'checkPlatform',
        tags,
        summary: 'Really logs in and looks for everything that the settings name. Changes nothing',
        params: Params,
        body: z.strictObject({}).nullish(),
        response: { 200: PlatformCheckJson, ...errors },
      },
    },
    async (request) => {
      const { platform } = request.params;
      const lines = await registry.check(platform);
      if (!lines) throw notFound();
      return { id: platform, ok: lines.every((line) => line.ok), lines };
    },
  );

  app.delete(
    '/v1/platforms/:platform',
    {
      schema: {
        operationId: 'removePlatform',
        tags,
        summary: 'Takes it out of use; refused while orders that have not ended name it. Finished orders keep its name',
        params: Params,
        querystring: z.strictObject({ reason: Reason }),
        response: { 200: PlatformDetailJson, ...errors },
      },
    },
    async (request, reply) => {
      const by = { actor: actorOf(request), reason: reasonOf(request.query.reason) };
      const { platform } = request.params;
      const record = await refusalsAsAnswers(() => registry.remove(platform, by, seenVersionOf(request)));
      return present(context, record, reply);
    },
  );
}

function notFound(): ApiError {
  return new ApiError(404, 'API_NOT_FOUND', 'There is no such platform.');
}

async function present(
  context: Context,
  record: PlatformRecord,
  reply: Pick<FastifyReply, 'header'>,
): Promise<PlatformDetailJson> {
  const { domain, project, externalNetwork, host, caCertificate, limits, maps, naming } = record.fields;
  const { settings, createdAt, updatedAt, removedAt } = record;
  void reply.header('etag', `"${record.version}"`);
  return {
    ...presentLine(context, record),
    domain,
    project,
    externalNetwork,
    host,
    caCertificate,
    limits,
    maps,
    naming,
    settings,
    unused: unusedFields(record),
    openOrders: await context.registry.openOrders(record.platformId),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    removedAt: removedAt?.toISOString() ?? null,
  };
}

function presentLine(context: Context, record: PlatformRecord): PlatformJson {
  const { platformId: id, number, name, kind, serviceUrl, state, stateReason, stateSince, version, fields } = record;
  const weather = context.platforms().find((one) => one.id === id)?.weather;
  return {
    id,
    number,
    name,
    shortName: fields.shortName,
    kind,
    serviceUrl: withoutUser(serviceUrl),
    region: fields.region,
    state,
    stateReason: stateReason === '' ? null : stateReason,
    stateSince: stateSince.toISOString(),
    version,
    ...(weather && { weather }),
  };
}
