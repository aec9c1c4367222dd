import { z } from 'zod';
import { type Code, codes } from '../codes.js';
import { readKnowledge } from '../store/late-looks.js';
import { listJobs, listOrphans } from '../store/views-operations.js';
import { listRejectedMessages, type MessageView, readRejectedMessage } from '../store/views-messages.js';
import { type App, type Context, tenantOf } from './context.js';
import { Problem, Repair } from './order-schemas.js';
import { PageQuery, printPlace, printTexts, readLimit, readPlace, readTexts } from './paging.js';
import { ApiError, ProblemJson } from './problem.js';

const Instant = z.string().meta({ format: 'date-time' });
const errors = { '4xx': ProblemJson, '5xx': ProblemJson };

export const RejectedJson = z.object({
  messageId: z.string(),
  receivedAt: Instant,
  channel: z.enum(['kafka', 'http', 'cli']),
  origin: z.string(),
  verdict: z.enum(['conflict', 'set-aside', 'refused']),
  code: z.string().nullable(),
  title: z.string().nullable(),
  workOrderId: z.string().nullable().describe('For unreadable messages a guess, to find them by'),
  orderId: z.string().nullable(),
  problems: z.array(Problem),
  repairs: z.array(Repair),
  hasProposal: z.boolean().describe('Whether a mended text is kept that a person may accept'),
  bodySha256: z.string(),
});
export type RejectedJson = z.infer<typeof RejectedJson>;
export const RejectedPageJson = z.object({ messages: z.array(RejectedJson), nextCursor: z.string().nullable() });
export type RejectedPageJson = z.infer<typeof RejectedPageJson>;

export const CloudJobJson = z.object({
  platformId: z.string(),
  platformName: z.string(),
  jobId: z.string(),
  operation: z.string(),
  attempt: z.number().int(),
  orderId: z.string(),
  workOrderId: z.string(),
  orderKind: z.enum(['billing', 'preparation']),
  workOrderItemId: z.string().nullable(),
  marker: z.string(),
  submittedAt: Instant.nullable(),
});
export type CloudJobJson = z.infer<typeof CloudJobJson>;
export const JobsPageJson = z.object({ jobs: z.array(CloudJobJson), nextCursor: z.string().nullable() });
export type JobsPageJson = z.infer<typeof JobsPageJson>;

export const OrphanJson = z.object({
  platformId: z.string(),
  platformName: z.string(),
  resourceId: z.string(),
  operation: z.string(),
  marker: z.string(),
  orderId: z.string(),
  workOrderId: z.string(),
  foundAt: Instant,
  why: z
    .enum(['twin', 'undo', 'late', 'missing'])
    .describe(
      'twin: a second thing with one marker, found while the order was open; undo: the cloud would not remove it; late: found by a look after the end of the order; missing: delivered, and not there',
    ),
  state: z.enum(['found', 'adopted', 'destroying', 'destroyed']),
  lastOutcome: z.string().nullable(),
  seenAt: Instant.describe('When it was last seen; for what is missing, when it was last looked for'),
  seen: z.string().nullable(),
  afterEndSeconds: z.number().nullable().describe('How long after the end of its order a look found it'),
});
/** What is known of what ended orders left, and how. */
export const KnowledgeJson = z.object({
  lookedAt: z.number().int().describe('Ended orders whose looks are all made'),
  ahead: z.number().int().describe('Ended orders whose next look lies ahead'),
  due: z.number().int().describe('Ended orders whose look is due now'),
  dueSince: Instant.nullable().describe('Since when the oldest of them is due'),
  blocked: z
    .array(
      z.object({
        platformId: z.string(),
        platformName: z.string(),
        orders: z.number().int(),
        since: Instant,
        problem: z.string(),
      }),
    )
    .describe('Looks that could not be made; they are tried again'),
  since: Instant.nullable().describe('When the first order ended that is looked at; what ended before is not'),
});
export const OrphansJson = z.object({ orphans: z.array(OrphanJson), knowledge: KnowledgeJson });
export type OrphansJson = z.infer<typeof OrphansJson>;

/** What an operator looks at beside the orders themselves. */
export function operatorRoutes(app: App, context: Context): void {
  const { sql } = context;
  const tags = ['operators'];

  app.get(
    '/v1/rejected-messages',
    {
      schema: {
        operationId: 'listRejectedMessages',
        tags,
        summary: 'What could not be taken, newest first',
        querystring: z.strictObject({ code: z.string().max(40).optional(), ...PageQuery }),
        response: { 200: RejectedPageJson, ...errors },
      },
    },
    async (request) => {
      const { query } = request;
      const { messages, next } = await listRejectedMessages(
        sql,
        tenantOf(request),
        query.code ?? null,
        readPlace(query.cursor),
        readLimit(query.limit),
      );
      return { messages: messages.map(presentMessage), nextCursor: printPlace(next) };
    },
  );

  app.get(
    '/v1/rejected-messages/:id',
    {
      schema: {
        operationId: 'getRejectedMessage',
        tags,
        summary: 'One of them: every problem with its place. Its text stays sealed, because it may hold passwords',
        params: z.object({ id: z.string().max(200) }),
        response: { 200: RejectedJson, ...errors },
      },
    },
    async (request) => {
      const { id } = request.params;
      const message = z.uuid().safeParse(id).success ? await readRejectedMessage(sql, tenantOf(request), id) : null;
      if (!message) throw new ApiError(404, 'API_NOT_FOUND', 'There is no such message among the rejected ones.');
      return presentMessage(message);
    },
  );

  app.get(
    '/v1/jobs',
    {
      schema: {
        operationId: 'listJobs',
        tags,
        summary: 'Jobs that clouds are working on now',
        querystring: z.strictObject({ platform: z.string().max(200).optional(), ...PageQuery }),
        response: { 200: JobsPageJson, ...errors },
      },
    },
    async (request) => {
      const { query } = request;
      const limit = readLimit(query.limit);
      const [platformId, jobId] = readTexts(query.cursor, 2) ?? [];
      const after = platformId !== undefined && jobId !== undefined ? { platformId, jobId } : null;
      const { jobs, more } = await listJobs(sql, tenantOf(request), query.platform ?? null, after, limit);
      const last = jobs.at(-1);
      return {
        jobs: jobs.map((job) => ({
          ...job,
          platformName: context.describePlatform(job.platformId).name,
          submittedAt: job.submittedAt?.toISOString() ?? null,
        })),
        nextCursor: more && last ? printTexts([last.platformId, last.jobId]) : null,
      };
    },
  );

  app.get(
    '/v1/orphans',
    {
      schema: {
        operationId: 'listOrphans',
        tags,
        summary:
          'What carries a marker of ours on a cloud and belongs to no order, what was delivered and is missing, and what is known',
        querystring: z.strictObject({
          limit: PageQuery.limit,
          gone: z.enum(['true', 'false']).optional().describe('false: without those that were destroyed (true)'),
        }),
        response: { 200: OrphansJson, ...errors },
      },
    },
    async (request) => {
      const { limit, gone } = request.query;
      const [orphans, { blocked, ...knowledge }] = await Promise.all([
        listOrphans(sql, tenantOf(request), readLimit(limit), gone !== 'false'),
        readKnowledge(sql, tenantOf(request)),
      ]);
      const nameOf = (platformId: string) => context.describePlatform(platformId).name;
      return {
        orphans: orphans.map((orphan) => ({
          ...orphan,
          platformName: nameOf(orphan.platformId),
          foundAt: orphan.foundAt.toISOString(),
          seenAt: orphan.seenAt.toISOString(),
        })),
        knowledge: {
          ...knowledge,
          dueSince: knowledge.dueSince?.toISOString() ?? null,
          since: knowledge.since?.toISOString() ?? null,
          blocked: blocked.map((one) => ({
            ...one,
            platformName: nameOf(one.platformId),
            since: one.since.toISOString(),
          })),
        },
      };
    },
  );
}

function presentMessage(message: MessageView): RejectedJson {
  const { code } = message;
  return {
    ...message,
    verdict: message.verdict as RejectedJson['verdict'],
    receivedAt: message.receivedAt.toISOString(),
    title: code !== null && Object.hasOwn(codes, code) ? codes[code as Code].title : null,
  };
}
