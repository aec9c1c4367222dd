import type { Problem } from '../errors.js';
import type { Repair } from '../schemas/work-order.js';
import type { Sql } from './data-source.js';
import type { Place } from './views.js';

/** A delivery as people may see it: never its bytes, which hold passwords. */
export interface MessageView {
  messageId: string;
  receivedAt: Date;
  channel: 'kafka' | 'http' | 'cli';
  origin: string;
  verdict: string;
  code: string | null;
  problems: Problem[];
  orderId: string | null;
  /** A guess for unreadable messages. */
  workOrderId: string | null;
  bodySha256: string;
  repairs: Repair[];
  /** Whether a mended text is kept that a person may accept. */
  hasProposal: boolean;
}

const columns = `message_id, received_at, channel, origin, verdict, code, problems, order_id, work_order_id, repairs,
  encode(body_sha256, 'hex') as body_sha256, sealed_proposal is not null as has_proposal`;

/** What could not be taken, newest first. A tenant sees what was sent with its tokens or names its account. */
export async function listRejectedMessages(
  sql: Sql,
  tenant: string | null,
  code: string | null,
  after: Place | null,
  limit: number,
): Promise<{ messages: MessageView[]; next: Place | null }> {
  const { rows } = await sql.query<MessageRow>(
    `select ${columns}, (extract(epoch from received_at) * 1000000)::bigint::text as micros
       from received_message
      where verdict in ('conflict', 'set-aside', 'refused')
        and ($1::text is null or code = $1)
        and ($2::bigint is null or received_at <= 'epoch'::timestamptz + $2 * interval '1 microsecond')
        and ($2::bigint is null or received_at < 'epoch'::timestamptz + $2 * interval '1 microsecond'
             or message_id > $3::uuid)
        and ($5::text is null or account_id = $5)
      order by received_at desc, message_id
      limit $4`,
    [code, after?.micros ?? null, after?.id ?? null, limit + 1, tenant],
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    messages: page.map(toView),
    next: rows.length > limit && last ? { micros: last.micros ?? '0', id: last.message_id } : null,
  };
}

export async function readRejectedMessage(
  sql: Sql,
  tenant: string | null,
  messageId: string,
): Promise<MessageView | null> {
  const { rows } = await sql.query<MessageRow>(
    `select ${columns} from received_message
      where message_id = $1 and verdict in ('conflict', 'set-aside', 'refused')
        and ($2::text is null or account_id = $2)`,
    [messageId, tenant],
  );
  return rows[0] ? toView(rows[0]) : null;
}

/** Every delivery that was recognised as this order, oldest first; for a tenant without those that other accounts sent. */
export async function deliveriesOfOrder(sql: Sql, tenant: string | null, orderId: string): Promise<MessageView[]> {
  const { rows } = await sql.query<MessageRow>(
    `select ${columns} from received_message
      where order_id = $1 and ($2::text is null or account_id = $2)
      order by received_at, message_id limit 1000`,
    [orderId, tenant],
  );
  return rows.map(toView);
}

interface MessageRow {
  message_id: string;
  received_at: Date;
  channel: MessageView['channel'];
  origin: string;
  verdict: string;
  code: string | null;
  problems: Problem[];
  order_id: string | null;
  work_order_id: string | null;
  repairs: Repair[];
  body_sha256: string;
  has_proposal: boolean;
  micros?: string;
}

function toView(row: MessageRow): MessageView {
  return {
    messageId: row.message_id,
    receivedAt: row.received_at,
    channel: row.channel,
    origin: row.origin,
    verdict: row.verdict,
    code: row.code,
    problems: row.problems,
    orderId: row.order_id,
    workOrderId: row.work_order_id,
    bodySha256: row.body_sha256,
    repairs: row.repairs,
    hasProposal: row.has_proposal,
  };
}
