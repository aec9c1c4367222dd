import type { Sql } from './data-source.js';

/** Who did what, to what, and why. Written in the same transaction as the act; the table takes no update and no delete. */
export interface AuditEntry {
  /** Name of the token, `local` on a loopback API without tokens, `system` for what the worker does by itself. */
  actor: string;
  /** `<subject kind>.<act>`: `orders.replay`, `tokens.revoke`, `keys.rotate`. */
  action: string;
  /** What it was done to, as people name it: a workOrderId, a message id, a token's name. */
  subject: string;
  orderId: string | null;
  reason: string;
  detail: Record<string, unknown>;
}

/** Writes one entry. For a lever on an order the entry goes with the order's step instead (`StepToSave.audit`). */
export async function writeAudit(sql: Sql, entry: AuditEntry): Promise<void> {
  await sql.query(
    'insert into audit (actor, action, subject, order_id, reason, detail) values ($1, $2, $3, $4, $5, $6::jsonb)',
    [entry.actor, entry.action, entry.subject, entry.orderId, entry.reason, JSON.stringify(entry.detail)],
  );
}

/** What was done to an order, oldest first. */
export async function listAudit(sql: Sql, orderId: string): Promise<(Omit<AuditEntry, 'orderId'> & { at: Date })[]> {
  const { rows } = await sql.query<Omit<AuditEntry, 'orderId'> & { at: Date }>(
    'select at, actor, action, subject, reason, detail from audit where order_id = $1 order by audit_id limit 1000',
    [orderId],
  );
  return rows;
}
