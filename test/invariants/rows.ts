/** The tables, read once and by plain queries, so that every checker judges the same rows and any `Sql` will do. */
import { createHash } from 'node:crypto';
import type { Sql } from './evidence.js';

export interface Rows {
  orders: OrderRow[];
  items: ItemRow[];
  operations: OperationRow[];
  events: EventRow[];
  messages: MessageRow[];
  orphans: OrphanRow[];
  callbacks: CallbackRow[];
  audit: AuditRow[];
  looks: LookRow[];
}

export interface OrderRow {
  orderId: string;
  kind: 'billing' | 'preparation';
  producer: string;
  workOrderId: string;
  accountId: string;
  status: string;
  machine: { value: string; context?: { reason?: { code: string; message: string } | null }; dueAt?: number | null };
  eventSequence: number;
  revision: number;
  epoch: number;
  workerId: string | null;
  finished: boolean;
  /** Why a person has to look before anything is built: found by reading, or by planning. */
  holds: number;
  /** Keys of the shared things that it waits for, as `platformId key`. */
  preparations: string[];
}

export interface ItemRow {
  orderId: string;
  itemIndex: number;
  resourceId: string;
  resourceType: string;
  status: string;
  /** What was ordered, as the intake understood it; null when the order's document does not say. */
  ordered: Ordered | null;
}

/** Of each resource type its own part. */
export interface Ordered {
  /** An address is sold one by one. */
  quantity?: number;
  cpuCount?: number;
  memoryMib?: number;
  rootDiskGib?: number;
  sizeGib?: number;
  volumeType?: string;
  bandwidthMbps?: number;
}

export interface OperationRow {
  orderId: string;
  number: number;
  partKey: string;
  name: string;
  itemIndex: number;
  platformId: string;
  marker: string;
  state: string;
  attempt: number;
  jobId: string | null;
  resourceId: string | null;
  dueAt: Date | null;
  submittedAt: Date | null;
  finished: boolean;
}

export interface EventRow {
  orderId: string;
  sequence: number;
  /** Without prefix and version: `item.completed`. */
  type: string;
  itemIndex: number | null;
  data: Record<string, unknown>;
}

export interface MessageRow {
  messageId: string;
  channel: 'kafka' | 'http' | 'cli';
  origin: string;
  verdict: string;
  code: string | null;
  problems: number;
  orderId: string | null;
  workOrderId: string | null;
  sha256: string;
  /** Whether there is anything in the sealed body. */
  sealed: boolean;
  /** Whether an operator sent it, as a corrected copy of another. */
  resubmitted: boolean;
}

export interface OrphanRow {
  resourceId: string;
  marker: string;
  orderId: string;
  /** `found`, `adopted`, `destroying`, `destroyed`. */
  state: string;
}

export interface CallbackRow {
  orderId: string;
  state: string;
  attempts: number;
}

export interface AuditRow {
  actor: string;
  action: string;
  subject: string;
  orderId: string | null;
  reason: string;
}

/** What an ended order made is looked for once more; see decision 0029. */
export interface LookRow {
  orderId: string;
  /** The last look that saw all of it; null before the first. */
  lookedAt: Date | null;
}

/** One statement a table, one after the other: a run has one connection at the least. */
export async function readRows(sql: Sql): Promise<Rows> {
  const read = async <Row extends object>(text: string): Promise<Row[]> => (await sql.query<Row>(text)).rows;
  return {
    orders: await read<OrderRow>(
      `select o.order_id as "orderId", o.kind, o.producer, o.work_order_id as "workOrderId", o.account_id as "accountId",
              o.status, o.machine, o.event_sequence as "eventSequence", o.revision, o.epoch, o.worker_id as "workerId",
              o.finished_at is not null as finished,
              coalesce(jsonb_array_length(d.holds), 0) + coalesce(jsonb_array_length(p.holds), 0) as holds,
              coalesce((select jsonb_agg((one ->> 'platformId') || ' ' || (one ->> 'key'))
                          from jsonb_array_elements(case jsonb_typeof(p.plan -> 'preparations')
                                                      when 'array' then p.plan -> 'preparations' else '[]' end) one),
                       '[]') as preparations
         from work_order o left join work_order_document d using (order_id) left join work_order_plan p using (order_id)
        order by o.created_at, o.order_id`,
    ),
    items: await read<ItemRow>(
      `select i.order_id as "orderId", i.item_index as "itemIndex", i.resource_id as "resourceId",
              i.resource_type as "resourceType", i.status,
              case when jsonb_typeof(d.document -> 'items') = 'array'
                   then d.document -> 'items' -> i.item_index::int -> 'config' end as ordered
         from work_order_item i left join work_order_document d using (order_id) order by i.order_id, i.item_index`,
    ),
    operations: await read<OperationRow>(
      `select order_id as "orderId", number, part_key as "partKey", name, item_index as "itemIndex",
              platform_id as "platformId", marker, state, attempt, job_id as "jobId", resource_id as "resourceId",
              due_at as "dueAt", submitted_at as "submittedAt", finished_at is not null as finished
         from cloud_operation order by order_id, number`,
    ),
    events: await read<EventRow>(
      `select order_id as "orderId", sequence, type, item_index as "itemIndex", data
         from event order by order_id, sequence`,
    ),
    messages: await read<MessageRow>(
      `select message_id as "messageId", channel, origin, verdict, code, jsonb_array_length(problems) as problems,
              order_id as "orderId", work_order_id as "workOrderId", encode(body_sha256, 'hex') as sha256,
              length(sealed_body) > 0 as sealed,
              parent_id is not null as resubmitted
         from received_message order by received_at, message_id`,
    ),
    orphans: await read<OrphanRow>(
      `select resource_id as "resourceId", marker, order_id as "orderId", state from orphan order by resource_id`,
    ),
    callbacks: await read<CallbackRow>(`select order_id as "orderId", state, attempts from callback_delivery`),
    audit: await read<AuditRow>(
      `select actor, action, subject, order_id as "orderId", reason from audit order by audit_id`,
    ),
    looks: await read<LookRow>(`select order_id as "orderId", looked_at as "lookedAt" from late_look`),
  };
}

/** What `received_message` keeps of a message's bytes. */
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
