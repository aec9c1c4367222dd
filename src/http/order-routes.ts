import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { OrderStatus } from '../machines/order-state.js';
import { operationNames, type PlannedPart } from '../planner/plan.js';
import { listAudit } from '../store/audit.js';
import { eventsOfOrder } from '../store/events.js';
import { loadOrders } from '../store/load-orders.js';
import { deliveriesOfOrder } from '../store/views-messages.js';
import { readPreparations, submittedJobs } from '../store/views-operations.js';
import { findOrderId, listOrders, readOrderRecord } from '../store/views.js';
import { type App, type Context, tenantOf } from './context.js';
import {
  OrderJson,
  OrderPageJson,
  orderStatuses,
  type OrderJson as OrderJsonType,
  PlanJson,
  TimelineJson,
} from './order-schemas.js';
import { PageQuery, printPlace, readLimit, readPlace } from './paging.js';
import { presentOrder } from './present-order.js';
import { ApiError, ProblemJson } from './problem.js';
import { deliveryText, eventText } from './words.js';

const Params = z.object({ id: z.string().min(1).max(200).describe('workOrderId, or our own order id') });
const tags = ['orders'];
const errors = { '4xx': ProblemJson, '5xx': ProblemJson };

export function orderRoutes(app: App, context: Context): void {
  const { sql } = context;

  app.get(
    '/v1/work-orders',
    {
      schema: {
        operationId: 'listWorkOrders',
        tags,
        summary: 'Orders, newest first',
        querystring: z.strictObject({
          status: z
            .string()
            .optional()
            .describe(`One or several of ${orderStatuses.join(', ')}, separated by commas`),
          platform: z.string().max(200).optional().describe('Id of a platform that builds part of the order'),
          account: z.string().max(200).optional(),
          q: z
            .string()
            .max(200)
            .optional()
            .describe('Part of a workOrderId, or a whole resource, item, user or order id'),
          ...PageQuery,
        }),
        response: { 200: OrderPageJson, ...errors },
      },
    },
    async (request) => {
      const { query } = request;
      const limit = readLimit(query.limit);
      const after = readPlace(query.cursor);
      const { orders, next } = await listOrders(
        sql,
        {
          tenant: tenantOf(request),
          statuses: readStatuses(query.status),
          platformId: query.platform ?? null,
          accountId: query.account ?? null,
          text: query.q === '' ? null : (query.q ?? null),
        },
        after,
        limit,
      );
      return {
        orders: orders.map((order) => ({
          ...order,
          createdAt: order.createdAt.toISOString(),
          updatedAt: order.updatedAt.toISOString(),
          finishedAt: order.finishedAt?.toISOString() ?? null,
        })),
        nextCursor: printPlace(next),
      };
    },
  );

  app.get(
    '/v1/work-orders/:id',
    {
      schema: {
        operationId: 'getWorkOrder',
        tags,
        summary: 'One order: what each item is, what it waits for, and which jobs the clouds have for it',
        params: Params,
        response: { 200: OrderJson, ...errors },
      },
    },
    async (request) => readOrder(context, await orderIdOf(context, request, request.params.id)),
  );

  app.get(
    '/v1/work-orders/:id/timeline',
    {
      schema: {
        operationId: 'getWorkOrderTimeline',
        tags,
        summary: 'Everything that happened to an order, oldest first',
        params: Params,
        response: { 200: TimelineJson, ...errors },
      },
    },
    async (request) => {
      const orderId = await orderIdOf(context, request, request.params.id);
      // Who of the staff did what is the staff's business.
      const levers = request.principal?.role === 'producer' ? [] : await listAudit(sql, orderId);
      return readTimeline(context, tenantOf(request), orderId, levers);
    },
  );

  app.get(
    '/v1/work-orders/:id/plan',
    {
      schema: {
        operationId: 'getWorkOrderPlan',
        tags,
        summary: 'What was ordered and what it becomes on the cloud, with units',
        params: Params,
        response: { 200: PlanJson, ...errors },
      },
    },
    async (request) => readPlanOf(context, await orderIdOf(context, request, request.params.id)),
  );
}

/** The order a path names, if whoever asks may know of it. @throws ApiError, the same for one that is another account's */
export async function orderIdOf(
  { sql }: Context,
  request: Pick<FastifyRequest, 'principal'>,
  id: string,
): Promise<string> {
  const orderId = id.includes('\0') ? null : await findOrderId(sql, id, tenantOf(request));
  if (orderId === null) throw notFound();
  return orderId;
}

function notFound(): ApiError {
  return new ApiError(404, 'API_NOT_FOUND', 'There is no such order.');
}

export function readStatuses(text: string | undefined): OrderStatus[] | null {
  if (text === undefined || text === '') return null;
  return text.split(',').map((one) => {
    const status = orderStatuses.find((known) => known === one.trim());
    if (status) return status;
    const message = `must be one or several of ${orderStatuses.join(', ')}`;
    throw new ApiError(400, 'API_PARAMETER', `status ${message}.`, [
      { path: 'status', code: 'API_PARAMETER', message },
    ]);
  });
}

export async function readOrder(context: Context, orderId: string): Promise<OrderJsonType> {
  const { sql } = context;
  const [record, [loaded], jobs] = await Promise.all([
    readOrderRecord(sql, orderId),
    loadOrders(sql, [orderId]),
    submittedJobs(sql, orderId),
  ]);
  if (!record || !loaded) throw notFound();
  const shared = record.finishedAt ? [] : (loaded.state.plan?.preparations ?? []);
  const preparations = shared.length > 0 ? await readPreparations(sql, await context.installationId(), shared) : [];
  const weathers = new Map(context.platforms().map(({ id, weather }) => [id, weather]));
  return presentOrder(record, loaded.state, jobs, {
    userId: record.userId,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    now: Date.now(),
    weather: (platformId) => weathers.get(platformId) ?? null,
    standing: (platformId) => context.standingOf?.(platformId, orderId) ?? null,
    platform: (platformId) => context.describePlatform(platformId),
    preparations,
  });
}

async function readTimeline(
  { sql }: Context,
  tenant: string | null,
  orderId: string,
  levers: Awaited<ReturnType<typeof listAudit>>,
): Promise<TimelineJson> {
  const [[loaded], events, deliveries] = await Promise.all([
    loadOrders(sql, [orderId]),
    eventsOfOrder(sql, orderId),
    deliveriesOfOrder(sql, tenant, orderId),
  ]);
  if (!loaded) throw notFound();
  const entries: TimelineJson['entries'] = [
    ...deliveries.map((message) => ({
      at: message.receivedAt.toISOString(),
      kind: 'delivery' as const,
      type: message.verdict,
      sequence: null,
      workOrderItemId: null,
      text: deliveryText(message),
      data: { messageId: message.messageId, channel: message.channel, origin: message.origin },
    })),
    ...events.map((event) => ({
      at: event.at.toISOString(),
      kind: 'event' as const,
      type: event.type,
      sequence: event.sequence,
      workOrderItemId: event.workOrderItemId,
      text: eventText(event),
      data: event.data,
    })),
  ];
  entries.push(
    ...levers.map(({ at, actor, action, reason }) => ({
      at: at.toISOString(),
      kind: 'lever' as const,
      type: action,
      sequence: null,
      workOrderItemId: null,
      text: `${actor}: ${action.slice(action.indexOf('.') + 1)}, because: ${reason}`,
      data: {},
    })),
  );
  // Stable: what has the same instant stays in the order it was written in, deliveries first.
  entries.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return { workOrderId: loaded.state.workOrderId, orderId, entries };
}

async function readPlanOf(context: Context, orderId: string): Promise<PlanJson> {
  const [record, [loaded]] = await Promise.all([
    readOrderRecord(context.sql, orderId),
    loadOrders(context.sql, [orderId]),
  ]);
  if (!record || !loaded) throw notFound();
  const { plan, items, status, workOrderId } = loaded.state;
  return {
    workOrderId,
    orderId,
    status,
    planned: plan !== null,
    holds: record.holds,
    preparations: (plan?.preparations ?? []).map(({ key, kind, platformId, lines }) => ({
      key,
      kind,
      platformId,
      lines,
    })),
    parts: (plan?.parts ?? []).map((part: PlannedPart) => ({
      key: part.key,
      workOrderItemId: items[part.itemIndex]?.workOrderItemId ?? '',
      index: part.index,
      resourceType: part.resourceType,
      platformId: part.platformId,
      platformName: context.describePlatform(part.platformId).name,
      needs: Object.fromEntries(operationNames.flatMap((name) => (part.needs[name] ? [[name, part.needs[name]]] : []))),
      settings: part.settings,
      lines: part.lines,
    })),
    warnings: plan?.warnings ?? [],
  };
}
