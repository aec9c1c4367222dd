import { z } from 'zod';
import { type App, type Context, tenantOf } from './context.js';
import { reasonOf, refusalsAsAnswers } from './lever-routes.js';
import { Hold, Problem, Repair, Warning } from './order-schemas.js';
import { ProblemJson } from './problem.js';
import { actorOf } from './token-routes.js';

const errors = { '4xx': ProblemJson, '5xx': ProblemJson };
const tags = ['levers'];
const Body = z.strictObject({ reason: z.string().max(500).optional(), dryRun: z.boolean().default(false) });

export const OrphanDecisionJson = z.object({
  platformId: z.string(),
  resourceId: z.string(),
  state: z.enum(['found', 'adopted', 'destroying', 'destroyed']),
  dryRun: z.boolean(),
});
export type OrphanDecisionJson = z.infer<typeof OrphanDecisionJson>;

/** What became of a message that was sent again. */
export const ResubmissionJson = z.object({
  messageId: z.string().nullable().describe('The new message; null after a dry run'),
  parentId: z.string().describe('The message that it corrects'),
  dryRun: z.boolean(),
  from: z.enum(['edited', 'proposal', 'original']),
  verdict: z.string(),
  code: z.string().nullable(),
  orderId: z.string().nullable(),
  workOrderId: z.string().nullable(),
  problems: z.array(Problem),
  warnings: z.array(Warning),
  repairs: z.array(Repair),
  holds: z.array(Hold),
});
export type ResubmissionJson = z.infer<typeof ResubmissionJson>;

/** What becomes of leftovers: things on a cloud that belong to no order, and messages that could not be taken. */
export function leftoverRoutes(app: App, context: Context): void {
  const summaries = {
    adopt: 'Keeps an orphan: it is somebody’s outside of any order, and no longer counts as left over',
    destroy: 'Removes an orphan from its cloud, by id and only while it carries its marker',
  } as const;
  for (const act of ['adopt', 'destroy'] as const) {
    app.post(
      `/v1/orphans/:platform/:resource/${act}`,
      {
        schema: {
          operationId: `${act}Orphan`,
          tags,
          summary: summaries[act],
          params: z.object({ platform: z.string().max(200), resource: z.string().max(200) }),
          body: Body,
          response: { 200: OrphanDecisionJson, ...errors },
        },
      },
      async (request) => {
        const { params, body } = request;
        const decision = { actor: actorOf(request), reason: reasonOf(body.reason), tenant: tenantOf(request) };
        const { platform, resource } = params;
        const orphan = await refusalsAsAnswers(() => context.orphans[act](platform, resource, decision, body.dryRun));
        return {
          platformId: orphan.platformId,
          resourceId: orphan.resourceId,
          state: orphan.state,
          dryRun: body.dryRun,
        };
      },
    );
  }

  app.post(
    '/v1/rejected-messages/:id/resubmit',
    {
      schema: {
        operationId: 'resubmitMessage',
        tags,
        summary: 'Sends a message that could not be taken again: as it came, as mended, or an edited copy of it',
        params: z.object({ id: z.string().max(200) }),
        body: Body.extend({
          text: z
            .string()
            .max(1_048_576)
            .optional()
            .describe('The edited message; not given: the mended text that is kept, else as it came'),
        }),
        response: { 200: ResubmissionJson, 202: ResubmissionJson, ...errors },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const reason = reasonOf(body.reason);
      const { receipt, text } = await refusalsAsAnswers(() =>
        context.intake.resubmit(params.id, {
          text: body.text ?? null,
          dryRun: body.dryRun,
          actor: actorOf(request),
          tenant: tenantOf(request),
          reason,
        }),
      );
      const { messageId, verdict, code, orderId, workOrderId, problems, warnings, repairs, holds } = receipt;
      return reply.code(verdict === 'accepted' ? 202 : 200).send({
        messageId,
        parentId: params.id,
        dryRun: body.dryRun,
        from: text,
        verdict,
        code,
        orderId,
        workOrderId,
        problems,
        warnings,
        repairs,
        holds,
      });
    },
  );
}
