import { z } from 'zod';
import { type Code, codes } from '../codes.js';
import type { Problem } from '../errors.js';
import type { Receipt } from '../consumers/intake.js';

/** An error as RFC 9457 has it, with our stable code and every single problem. */
export const ProblemJson = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  instance: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })),
  /** Of a message that was kept although it could not be taken. */
  messageId: z.string().optional(),
  workOrderId: z.string().nullable().optional(),
  differences: z.array(z.object({ path: z.string(), first: z.string(), second: z.string() })).optional(),
});
export type ProblemJson = z.infer<typeof ProblemJson>;

/** A request that is refused at the door. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: Problem[] = [],
    readonly headers: Record<string, string> = {},
  ) {
    super(detail);
  }
}

export function problem(status: number, code: string, detail: string, errors: Problem[] = []): ProblemJson {
  return {
    type: `urn:orderwright:code:${code}`,
    title: Object.hasOwn(codes, code) ? codes[code as Code].title : 'The request was refused',
    status,
    code,
    detail,
    errors,
  };
}

/** A message that was kept but not taken, as a problem. */
export function problemOfReceipt(receipt: Receipt): ProblemJson {
  const { code, problems, messageId, workOrderId, differences } = receipt;
  const known = code !== null && Object.hasOwn(codes, code) ? codes[code as Code] : null;
  const status = known && known.httpStatus >= 400 ? known.httpStatus : receipt.verdict === 'conflict' ? 409 : 422;
  const detail =
    receipt.verdict === 'set-aside'
      ? 'The message is damaged. It was kept as it came and set aside for a person; nothing of it was guessed.'
      : receipt.verdict === 'conflict'
        ? (problems[0]?.message ?? 'Another order has this id already; the first one stands.')
        : 'The order cannot be taken. Correct what "errors" names and send it again.';
  return {
    ...problem(status, code ?? 'MSG_NOT_OBJECT', detail, problems),
    messageId,
    workOrderId,
    ...(receipt.verdict === 'conflict' ? { differences } : {}),
  };
}
