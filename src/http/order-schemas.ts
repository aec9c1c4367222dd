import { z } from 'zod';
import { itemStatuses } from '../machines/order-state.js';

/** What the API says of orders. Every answer is cut to these shapes: a field that is not named here never leaves. */

const Instant = z.string().meta({ format: 'date-time' });

export const orderStatuses = [
  'received',
  'planned',
  'provisioning',
  'held',
  'compensating',
  'completed',
  'partial',
  'failed',
  'cancelled',
] as const;
export const OrderStatus = z.enum(orderStatuses);

const Reason = z.object({ code: z.string(), message: z.string() });
const Note = z.object({ path: z.string(), code: z.string(), message: z.string() });
export const Repair = z.object({
  path: z.string(),
  rule: z.string(),
  before: z.string(),
  after: z.string(),
  lossless: z.boolean(),
});
export const Warning = Note;
export const Hold = Note;
export const Problem = Note;

export const JobJson = z.object({
  jobId: z.string(),
  operation: z.string(),
  /** `checking`: the job has ended, the resource itself is being looked at; `ended`: a later stage or try took its place. */
  status: z.enum(['running', 'checking', 'succeeded', 'failed', 'unclear', 'ended']),
  submittedAt: Instant,
  finishedAt: Instant.nullable(),
});
export type JobJson = z.infer<typeof JobJson>;

export const ItemJson = z.object({
  workOrderItemId: z.string(),
  resourceId: z.string(),
  resourceType: z.string(),
  platformId: z.string(),
  platformName: z.string(),
  master: z.boolean(),
  summary: z.string().describe('What was ordered, in a few words'),
  status: z.enum(itemStatuses),
  state: z.string().describe("The machine's own state"),
  cloudResourceIds: z.array(z.string()),
  facts: z.array(z.record(z.string(), z.string())).describe('What the cloud told, one entry per thing built'),
  deliveredAt: Instant.nullable(),
  jobs: z.array(JobJson),
  failure: z.object({ class: z.string(), code: z.string(), message: z.string() }).nullable(),
  waitingFor: z.object({ what: z.string(), since: Instant.nullable(), until: Instant.nullable() }).nullable(),
});
export type ItemJson = z.infer<typeof ItemJson>;

export const OrderJson = z.object({
  orderId: z.string(),
  workOrderId: z.string(),
  status: OrderStatus,
  userId: z.string(),
  accountId: z.string(),
  createdAt: Instant,
  updatedAt: Instant,
  finishedAt: Instant.nullable(),
  version: z.number().int(),
  reason: Reason.nullable().describe('Why it is held, or why it could not be planned yet'),
  holds: z.array(Hold),
  warnings: z.array(Warning),
  repairs: z.array(Repair),
  items: z.array(ItemJson),
});
export type OrderJson = z.infer<typeof OrderJson>;

/** An order in a list: what `OrderJson` says of it, with its items counted instead of told. */
export const OrderLineJson = OrderJson.pick({
  orderId: true,
  workOrderId: true,
  status: true,
  userId: true,
  accountId: true,
  createdAt: true,
  updatedAt: true,
  finishedAt: true,
  version: true,
  reason: true,
}).extend({ items: z.record(z.string(), z.number().int()).describe('Number of items by status') });
export type OrderLineJson = z.infer<typeof OrderLineJson>;

export const OrderPageJson = z.object({ orders: z.array(OrderLineJson), nextCursor: z.string().nullable() });
export type OrderPageJson = z.infer<typeof OrderPageJson>;

export const TimelineJson = z.object({
  workOrderId: z.string(),
  orderId: z.string(),
  entries: z.array(
    z.object({
      at: Instant,
      kind: z.enum(['event', 'delivery', 'lever']),
      /** Of an event its type (`item.job-submitted`), of a delivery its verdict, of a lever what it does (`orders.cancel`). */
      type: z.string(),
      sequence: z.number().int().nullable(),
      workOrderItemId: z.string().nullable(),
      text: z.string(),
      data: z.record(z.string(), z.json()),
    }),
  ),
});
export type TimelineJson = z.infer<typeof TimelineJson>;

const Line = z.object({ what: z.string(), ordered: z.string(), resolved: z.string() });

export const PlanJson = z.object({
  workOrderId: z.string(),
  orderId: z.string(),
  status: OrderStatus,
  planned: z.boolean(),
  holds: z.array(Hold).describe('Why there is no plan, or why it is not carried out'),
  preparations: z.array(z.object({ key: z.string(), kind: z.string(), platformId: z.string(), lines: z.array(Line) })),
  parts: z.array(
    z.object({
      key: z.string(),
      workOrderItemId: z.string(),
      index: z.number().int(),
      resourceType: z.string(),
      platformId: z.string(),
      platformName: z.string(),
      needs: z.record(z.string(), z.array(z.string())).describe('What must be there before each operation'),
      settings: z.record(z.string(), z.json()).describe("What the cloud is asked for, in the cloud's own terms"),
      lines: z.array(Line),
    }),
  ),
  warnings: z.array(Warning),
});
export type PlanJson = z.infer<typeof PlanJson>;
