import { z } from 'zod';
import type { Receipt } from '../consumers/intake.js';
import { Hold, Problem, Repair, Warning } from './order-schemas.js';
import { type ProblemJson, problemOfReceipt } from './problem.js';

/** Where the source platform posts its orders, and the envelope it expects in return (its own names). */
export const envelopePath = '/api/msg/order/';

/** All of the source platform's own routes, whose callers expect the envelope whatever happens. */
export const sourcePlatformPrefix = '/api/';

export const Envelope = z.object({
  msg: z.string(),
  errstatus: z.enum(['SUCCESS', 'ERROR']),
  errcode: z.number().int().describe('0, or the HTTP status'),
  results: z.object({
    messageId: z.string().optional(),
    orderId: z.string().nullable().optional(),
    workOrderId: z.string().nullable().optional(),
    state: z.string().nullable().optional(),
    duplicate: z.boolean().optional(),
    held: z.boolean().optional(),
    code: z.string().nullable().optional(),
    warnings: z.array(Warning).optional(),
    repairs: z.array(Repair).optional(),
    holds: z.array(Hold).optional(),
    problems: z.array(Problem).optional(),
    differences: z.array(z.object({ path: z.string(), first: z.string(), second: z.string() })).optional(),
  }),
});
export type Envelope = z.infer<typeof Envelope>;

/** The answer to a message, as Q33 of work-order-message.md has it. */
export function envelopeOf(receipt: Receipt): { status: number; body: Envelope } {
  const { verdict, messageId, orderId, workOrderId, code, warnings, repairs, holds, problems, differences } = receipt;
  const common = { messageId, orderId, workOrderId, state: receipt.status, code, warnings, repairs, problems };
  if (isTaken(receipt)) {
    const msg = {
      accepted: 'accepted',
      held: `accepted and held: ${holds.map((hold) => hold.message).join(' ')}`,
      duplicate: 'the same order again; this is the answer to the first one',
      skipped: 'an empty message was skipped',
    }[verdict as 'accepted' | 'held' | 'duplicate' | 'skipped'];
    const results = { ...common, duplicate: verdict === 'duplicate', held: verdict === 'held', holds };
    return { status: 200, body: { msg, errstatus: 'SUCCESS', errcode: 0, results } };
  }
  const { status, detail } = problemOfReceipt(receipt);
  return {
    status,
    body: {
      msg: detail,
      errstatus: 'ERROR',
      errcode: status,
      results: { ...common, duplicate: false, ...(verdict === 'conflict' ? { differences } : {}) },
    },
  };
}

/** A request that never became a message (too large, no token …). */
export function refusalEnvelope({ detail, status, code, errors }: ProblemJson): Envelope {
  return { msg: detail, errstatus: 'ERROR', errcode: status, results: { code, problems: errors } };
}

export function isTaken({ verdict }: Receipt): boolean {
  return verdict === 'accepted' || verdict === 'held' || verdict === 'duplicate' || verdict === 'skipped';
}
