import { z } from 'zod';
import type { Registration } from '../runner/registrar.js';
import { readPlatform } from '../store/platforms.js';
import { isKnownUser, registrationStates } from '../store/registrations.js';
import type { App, Context } from './context.js';
import { reasonOf, refusalsAsAnswers } from './lever-routes.js';
import { badCursor, PageQuery, printTexts, readLimit, readTexts } from './paging.js';
import { ApiError, ProblemJson } from './problem.js';
import { actorOf } from './token-routes.js';

const errors = { '4xx': ProblemJson, '5xx': ProblemJson };
const tags = ['registrations'];
const Id = z.string().min(1).max(200);

/** How a user stands in a data centre (decision 0026). */
export const RegistrationJson = z.object({
  userId: z.string(),
  platformId: z.string(),
  platformName: z.string(),
  state: z
    .enum(registrationStates)
    .describe('asked: nobody has looked yet; working: under way; waiting: for a person, or for orders that are open'),
  wanted: z.enum(['registered', 'unregistered']).describe('Where it is going'),
  detail: z.string().describe('What it waits for, or why it failed; empty where there is nothing to say'),
  since: z.string().meta({ format: 'date-time' }),
});
export type RegistrationJson = z.infer<typeof RegistrationJson>;
export const RegistrationPageJson = z.object({
  registrations: z.array(RegistrationJson),
  nextCursor: z.string().nullable(),
});
export type RegistrationPageJson = z.infer<typeof RegistrationPageJson>;

/** Users' registrations in data centres, for operators: how they stand, and the two ways to change that. */
export function registrationRoutes(app: App, context: Context): void {
  const { registrar } = context;
  app.get(
    '/v1/registrations',
    {
      schema: {
        operationId: 'listRegistrations',
        tags,
        summary: 'Which users are registered in which data centres, by user; those that orders have registered, too',
        querystring: z.strictObject({
          user: Id.optional(),
          platform: Id.optional(),
          state: z.enum(registrationStates).optional(),
          ...PageQuery,
        }),
        response: { 200: RegistrationPageJson, ...errors },
      },
    },
    async ({ query: { user, platform, state, limit: asked, cursor } }) => {
      const limit = readLimit(asked);
      const [userId, number] = readTexts(cursor, 2) ?? [];
      const after = userId === undefined ? null : { userId, platformNumber: Number(number) };
      if (after && !Number.isSafeInteger(after.platformNumber)) throw badCursor();
      const who = {
        userIds: user === undefined ? null : [user],
        platformIds: platform === undefined ? null : [platform],
      };
      const found = await registrar.list(who, { state: state ?? null, after, limit: limit + 1 });
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      return {
        registrations: shown.map(present),
        nextCursor: last ? printTexts([last.userId, String(last.platformNumber)]) : null,
      };
    },
  );

  const summaries = {
    register: 'Registers a user in a data centre; one that failed is tried again',
    unregister: "Takes a user's registration back, once nothing that was bought is left there",
  } as const;
  for (const act of ['register', 'unregister'] as const) {
    app.post(
      `/v1/registrations/:platform/:user/${act}`,
      {
        schema: {
          operationId: `${act}User`,
          tags,
          summary: summaries[act],
          params: z.object({ platform: Id, user: Id }),
          body: z.strictObject({
            reason: z.string().max(500).optional().describe('Why; kept in the audit with who and when'),
            ...(act === 'register' && {
              withNetwork: z.boolean().default(false).describe('Makes the default network of the user, too'),
            }),
          }),
          response: { 202: RegistrationJson, ...errors },
        },
      },
      async (request, reply) => {
        const { platform: platformId, user: userId } = request.params;
        const { reason, withNetwork = false } = request.body as { reason?: string; withNetwork?: boolean };
        const by = { actor: actorOf(request), reason: reasonOf(reason) };
        const platform = await readPlatform(context.sql, platformId);
        if (!platform || platform.removedAt) throw new ApiError(404, 'API_NOT_FOUND', 'There is no such platform.');
        // A mistyped id would become an account at the cloud.
        if (!(await isKnownUser(context.sql, userId))) {
          throw new ApiError(404, 'API_NOT_FOUND', 'No user was created with this id, and no order names it.');
        }
        const who = { userIds: [userId], platformIds: [platformId] };
        const [registration] = await refusalsAsAnswers(() =>
          act === 'register' ? registrar.register(who, by, { withNetwork }) : registrar.unregister(who, by),
        );
        if (!registration) throw new ApiError(404, 'API_NOT_FOUND', 'There is no such platform.');
        return reply.code(202).send(present(registration));
      },
    );
  }
}

function present({ userId, platformId, platformName, state, wanted, detail, since }: Registration): RegistrationJson {
  return { userId, platformId, platformName, state, wanted, detail, since: since.toISOString() };
}
