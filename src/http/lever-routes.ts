import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Code, codes } from '../codes.js';
import { RefusedError } from '../errors.js';
import type { Forecast, Lever } from '../machines/levers.js';
import { loadOrders } from '../store/load-orders.js';
import { listAudit } from '../store/audit.js';
import { listOrders, type OrderFilter, type Place } from '../store/views.js';
import { type App, type Context, tenantOf } from './context.js';
import { orderIdOf, readStatuses } from './order-routes.js';
import { ApiError, ProblemJson } from './problem.js';
import { actorOf } from './token-routes.js';

const errors = { '4xx': ProblemJson, '5xx': ProblemJson };
const tags = ['levers'];
const Reason = z.string().max(500).optional().describe('Why; kept in the audit with who and when');
const dryRun = z.boolean().default(false).describe('Say what would be done, and do nothing');
const LeverBody = z.strictObject({ reason: Reason, dryRun });

export const LeverJson = z.object({
  workOrderId: z.string(),
  orderId: z.string(),
  act: z.enum(['replay', 'cancel', 'hold', 'resume', 'skip', 'mark-done']),
  dryRun: z.boolean(),
  /** False after a dry run. */
  pulled: z.boolean(),
  outcome: z
    .object({ status: z.string(), ends: z.string() })
    .describe('Status at once, and at the end if all goes well'),
  lines: z.array(
    z.object({
      partKey: z.string(),
      workOrderItemId: z.string().nullable().describe('Null for what is shared with other orders'),
      what: z.enum(['reused', 'asked-first', 'repeated', 'made', 'awaited', 'undone', 'given-up', 'stays', 'held']),
      operation: z.string().nullable(),
      resourceId: z.string().nullable(),
      note: z.string(),
    }),
  ),
});
export type LeverJson = z.infer<typeof LeverJson>;

export const BulkReplayJson = z.object({
  dryRun: z.boolean(),
  matched: z.int(),
  /** Orders that a replay means something for. */
  replayable: z.int(),
  /** Parts by what becomes of them, over all replayable orders. */
  totals: z.record(z.string(), z.int()),
  refused: z.array(z.object({ workOrderId: z.string(), code: z.string(), message: z.string() })),
  replayed: z.array(z.string()),
});
export type BulkReplayJson = z.infer<typeof BulkReplayJson>;

export const AuditJson = z.object({
  entries: z.array(
    z.object({
      at: z.string().meta({ format: 'date-time' }),
      actor: z.string(),
      action: z.string(),
      subject: z.string(),
      reason: z.string(),
      detail: z.record(z.string(), z.unknown()),
    }),
  ),
});
export type AuditJson = z.infer<typeof AuditJson>;

/** More orders than this are replayed in several goes, each seen before it is done. */
const mostAtOnce = 1_000;

/** What operators may do to orders; every act has a reason, an audit entry, and a forecast before it. */
export function leverRoutes(app: App, context: Context): void {
  const Params = z.object({ id: z.string().min(1).max(200).describe('workOrderId, or our own order id') });
  const ItemParams = Params.extend({ item: z.string().min(1).max(200).describe('workOrderItemId') });
  const summaries = {
    replay: 'Tries again what failed or needs a person: done steps are reused, unclear ones are asked about first',
    cancel: 'Ends an order: what was made is removed, the last thing first',
    hold: 'Lets what is under way end, and begins nothing new',
    resume: 'Goes on where a hold stopped; accepts a held message as it is',
  } as const;

  for (const act of ['replay', 'cancel', 'hold', 'resume'] as const) {
    app.post(
      `/v1/work-orders/:id/${act}`,
      {
        schema: {
          operationId: `${act}WorkOrder`,
          tags,
          summary: summaries[act],
          params: Params,
          body: LeverBody,
          response: { 200: LeverJson, ...errors },
        },
      },
      async (request) => {
        const { body, params } = request;
        const orderId = await orderIdOf(context, request, params.id);
        return pull(context, request, orderId, { act, reason: reasonOf(body.reason) }, body.dryRun);
      },
    );
  }

  app.post(
    '/v1/work-orders/:id/items/:item/skip',
    {
      schema: {
        operationId: 'skipItem',
        tags,
        summary: 'Gives an item up: what there is of it is removed, the rest of the order goes on without it',
        params: ItemParams,
        body: LeverBody,
        response: { 200: LeverJson, ...errors },
      },
    },
    async (request) => {
      const { body, params } = request;
      const orderId = await orderIdOf(context, request, params.id);
      const itemIndex = await itemIndexOf(context, orderId, params.item);
      return pull(context, request, orderId, { act: 'skip', itemIndex, reason: reasonOf(body.reason) }, body.dryRun);
    },
  );

  app.post(
    '/v1/work-orders/:id/items/:item/mark-done',
    {
      schema: {
        operationId: 'markItemDone',
        tags,
        summary: 'Names the resource that a failed or unclear step comes to; it is looked at before it is believed',
        params: ItemParams,
        body: LeverBody.extend({ resourceId: z.string().min(1).max(200) }),
        response: { 200: LeverJson, ...errors },
      },
    },
    async (request) => {
      const { body, params } = request;
      const orderId = await orderIdOf(context, request, params.id);
      const itemIndex = await itemIndexOf(context, orderId, params.item);
      const { resourceId } = body;
      const lever: Lever = { act: 'mark-done', itemIndex, resourceId, reason: reasonOf(body.reason) };
      return pull(context, request, orderId, lever, body.dryRun);
    },
  );

  app.post(
    '/v1/replays',
    {
      schema: {
        operationId: 'replayWorkOrders',
        tags,
        summary: 'Replays every order that a filter finds. A dry run says how many; that number has to be sent along',
        body: LeverBody.extend({
          status: z.string().max(200).default('held'),
          platform: z.string().max(200).optional(),
          account: z.string().max(200).optional(),
          q: z.string().max(200).optional(),
          expected: z.int().min(0).optional().describe('"replayable" of the dry run before'),
        }),
        response: { 200: BulkReplayJson, ...errors },
      },
    },
    async (request) => replayMany(context, request),
  );

  app.get(
    '/v1/work-orders/:id/audit',
    {
      schema: {
        operationId: 'getWorkOrderAudit',
        tags,
        summary: 'Who did what to an order, and why',
        params: Params,
        response: { 200: AuditJson, ...errors },
      },
    },
    async (request) => {
      const orderId = await orderIdOf(context, request, request.params.id);
      const entries = await listAudit(context.sql, orderId);
      return { entries: entries.map((entry) => ({ ...entry, at: entry.at.toISOString() })) };
    },
  );
}

/** @throws ApiError OPS_REASON_MISSING */
export function reasonOf(text: string | undefined): string {
  const reason = text?.trim() ?? '';
  if (reason !== '') return reason;
  const message = 'Say why: it is kept with who did it and when.';
  throw new ApiError(422, 'OPS_REASON_MISSING', message, [{ path: 'reason', code: 'OPS_REASON_MISSING', message }]);
}

async function pull(
  context: Context,
  request: FastifyRequest,
  orderId: string,
  lever: Lever,
  isDryRun: boolean,
): Promise<LeverJson> {
  const told = await refusalsAsAnswers(async () => {
    if (!isDryRun)
      return context.levers.pull(orderId, lever, { actor: actorOf(request), seenRevision: seenVersionOf(request) });
    const said = await context.levers.forecast(orderId, lever);
    if (said.allowed) throw new RefusedError(said.allowed.code, said.allowed.message);
    return said;
  });
  return present(context, orderId, lever, told, isDryRun);
}

async function present(
  { sql }: Context,
  orderId: string,
  { act }: Lever,
  { outcome, lines }: Forecast,
  isDryRun: boolean,
): Promise<LeverJson> {
  const [loaded] = await loadOrders(sql, [orderId]);
  return {
    workOrderId: loaded?.state.workOrderId ?? '',
    orderId,
    act,
    dryRun: isDryRun,
    pulled: !isDryRun,
    outcome,
    lines: lines.map(({ itemIndex, ...line }) => ({
      ...line,
      workOrderItemId: (itemIndex === null ? null : loaded?.state.items[itemIndex]?.workOrderItemId) ?? null,
    })),
  };
}

async function replayMany(context: Context, request: FastifyRequest): Promise<BulkReplayJson> {
  const {
    status,
    platform,
    account,
    q,
    expected,
    reason,
    dryRun: isDryRun,
  } = request.body as {
    status: string;
    platform?: string;
    account?: string;
    q?: string;
    expected?: number;
    reason?: string;
    dryRun: boolean;
  };
  const lever: Lever = { act: 'replay', reason: reasonOf(reason) };
  const filter: OrderFilter = {
    tenant: tenantOf(request),
    statuses: readStatuses(status),
    platformId: platform ?? null,
    accountId: account ?? null,
    text: q ?? null,
  };
  const orders = await matching(context, filter);
  const answer: BulkReplayJson = {
    dryRun: isDryRun,
    matched: orders.length,
    replayable: 0,
    totals: {},
    refused: [],
    replayed: [],
  };
  const replayable: typeof orders = [];
  for (const order of orders) {
    const said = await context.levers.forecast(order.orderId, lever);
    if (said.allowed) {
      answer.refused.push({ workOrderId: order.workOrderId, ...said.allowed });
      continue;
    }
    replayable.push(order);
    for (const { what } of said.lines) answer.totals[what] = (answer.totals[what] ?? 0) + 1;
  }
  answer.replayable = replayable.length;
  if (isDryRun) return answer;
  if (expected !== replayable.length) {
    throw new ApiError(
      409,
      'OPS_VERSION_STALE',
      `${replayable.length} orders would be replayed, and "expected" says ${expected ?? 'nothing'}. Make a dry run, and send its "replayable" along.`,
    );
  }
  const actor = actorOf(request);
  for (const { orderId, workOrderId } of replayable) {
    try {
      await context.levers.pull(orderId, lever, { actor, seenRevision: null });
      answer.replayed.push(workOrderId);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      answer.refused.push({ workOrderId, code: error.code, message: error.message });
    }
  }
  return answer;
}

/** @throws ApiError when there are more than may be replayed in one go */
async function matching({ sql }: Context, filter: OrderFilter) {
  const found: { orderId: string; workOrderId: string }[] = [];
  let after: Place | null = null;
  do {
    const page: Awaited<ReturnType<typeof listOrders>> = await listOrders(sql, filter, after, 200);
    found.push(...page.orders);
    after = page.next;
    if (found.length > mostAtOnce) {
      throw new ApiError(422, 'API_PARAMETER', `More than ${mostAtOnce} orders match; narrow the filter.`);
    }
  } while (after);
  return found;
}

/** `If-Match: "7"`, the version that somebody looked at; null when they did not say. */
export function seenVersionOf(request: FastifyRequest): number | null {
  const [, version] = /^(?:W\/)?"?(\d{1,9})"?$/.exec(request.headers['if-match'] ?? '') ?? [];
  return version === undefined ? null : Number(version);
}

async function itemIndexOf({ sql }: Context, orderId: string, workOrderItemId: string): Promise<number> {
  const [loaded] = await loadOrders(sql, [orderId]);
  const index = loaded?.state.items.findIndex((item) => item.workOrderItemId === workOrderItemId) ?? -1;
  if (index === -1) throw new ApiError(404, 'API_NOT_FOUND', 'The order has no such item.');
  return index;
}

/** A refusal of the house as one of the API. */
export async function refusalsAsAnswers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const known = Object.hasOwn(codes, error.code) ? codes[error.code as Code] : null;
    const status = known && known.httpStatus >= 400 ? known.httpStatus : 409;
    throw new ApiError(status, error.code, error.message, error.problems);
  }
}
