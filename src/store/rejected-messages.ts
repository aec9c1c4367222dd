import type { Problem } from '../errors.js';
import { type Cursor, settled } from './events.js';
import type { Sql } from './data-source.js';

/** A message that could not be taken, as the `work-orders.rejected` topic tells of it: never its body or a hash of it, for both may give secrets away. */
export interface RejectedMessage {
  messageId: string;
  receivedAt: Date;
  channel: string;
  origin: string;
  verdict: string;
  code: string;
  problems: Problem[];
  workOrderId: string | null;
  cursor: Cursor;
}

/** Rejected messages after a cursor, read by the rule of `readEvents`: below the oldest running transaction. */
export async function readRejectedMessages(sql: Sql, after: Cursor, limit: number): Promise<RejectedMessage[]> {
  const { rows } = await sql.query<{
    tx: string;
    message_id: string;
    received_at: Date;
    channel: string;
    origin: string;
    verdict: string;
    code: string | null;
    problems: Problem[];
    work_order_id: string | null;
  }>({
    name: 'read-rejected-messages',
    text: `
      select tx::text, message_id, received_at, channel, origin, verdict, code, problems, work_order_id
        from received_message
       where verdict in ('conflict', 'set-aside', 'refused')
         and tx >= $1::xid8 and tx < ${settled}
         and (tx, message_id) > ($1::xid8, $2::uuid)
       order by received_message.tx, message_id limit $3`,
    values: [after.tx, after.orderId, limit],
  });
  return rows.map((row) => ({
    messageId: row.message_id,
    receivedAt: row.received_at,
    channel: row.channel,
    origin: row.origin,
    verdict: row.verdict,
    code: row.code ?? 'MSG_JSON_SYNTAX',
    problems: row.problems,
    workOrderId: row.work_order_id,
    cursor: { tx: row.tx, orderId: row.message_id, sequence: 0 },
  }));
}
