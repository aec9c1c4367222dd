import { OutcomeUnknownError, ProvisioningError, type Disposition } from '../../errors.js';
import { cutText } from '../../cut-text.js';
import { askedWaitMs, type HttpAnswer, longestAskedWaitMs } from '../http.js';

/**
 * How CloudStack says no, sorted by its number alone; the texts change with versions and languages. The same numbers
 * come as HTTP status, in the error's envelope, and inside the result of a job (reference section 2).
 * Not in the table, since nobody can say whether they had an effect: 530, "internal error" (`FailedInside`); and 503, with which a server that
 * is shut down takes no new jobs: what `create` commands make, they make before their job is taken.
 */
const refusals: Readonly<Record<number, { disposition: Disposition; code: string }>> = {
  400: { disposition: 'reject', code: 'CLD_PARAMETER' },
  401: { disposition: 'ask-human', code: 'CLD_AUTH' },
  405: { disposition: 'reject', code: 'CLD_PARAMETER' },
  429: { disposition: 'retry', code: 'CLD_THROTTLED' },
  430: { disposition: 'reject', code: 'CLD_PARAMETER' },
  431: { disposition: 'reject', code: 'CLD_PARAMETER' },
  432: { disposition: 'reject', code: 'CLD_PARAMETER' },
  511: { disposition: 'ask-human', code: 'CLD_AUTH' },
  531: { disposition: 'ask-human', code: 'CLD_PERMISSION' },
  532: { disposition: 'reject', code: 'CLD_QUOTA' },
  533: { disposition: 'retry', code: 'CLD_CAPACITY' },
  534: { disposition: 'retry', code: 'CLD_RESOURCE_UNAVAILABLE' },
  535: { disposition: 'reject', code: 'CLD_QUOTA' },
  536: { disposition: 'retry', code: 'CLD_IN_USE' },
  537: { disposition: 'reject', code: 'CLD_CONFLICT' },
};

export function refusalFor(status: number): { disposition: Disposition; code: string } | undefined {
  return refusals[status];
}

/**
 * 530 in CloudStack's own envelope: the request went wrong inside, and has ended. What it may have left is looked for; when nothing is there,
 * these words are why.
 */
export class FailedInside extends OutcomeUnknownError {
  constructor(
    code: string,
    message: string,
    /** The server's own words, on one line. */
    readonly said: string,
  ) {
    super(code, message, 'failed');
  }
}

/** `cserrorcode` of a runtime exception: how an empty pool of addresses or of storage is said, among others. */
const runtimeException = 4250;

export function failureInside(message: string, said: string, cserrorcode: number | undefined): FailedInside {
  return new FailedInside(cserrorcode === runtimeException ? 'CLD_CAPACITY' : 'CLD_JOB_FAILED', message, said);
}

/** Was this error CloudStack's refusal with this number? */
export function isRefusal(error: unknown, ...statuses: number[]): error is ProvisioningError {
  if (!(error instanceof ProvisioningError)) return false;
  const status = Number(error.details.cloudCode?.split('/')[0]);
  return statuses.includes(status);
}

/** How long the server wants us to wait: by `Retry-After`, or by the milliseconds in the text of its throttle. */
export function retryAfterMs(answer: HttpAnswer, text: string): number | undefined {
  const asked = askedWaitMs(answer.headers);
  if (asked !== undefined) return asked;
  const inText = /(\d+)\s*ms/.exec(text)?.[1];
  return inText === undefined ? undefined : Math.min(Number(inText), longestAskedWaitMs);
}

/** Text of a cloud for people: one line, cut, and without any of the secrets that were part of the request. */
export function readableText(text: string, secrets: string[]): string {
  const clean = secrets
    .filter((secret) => secret.length > 0)
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
  // Lone surrogates too: what a cloud says ends up in jsonb, which takes none.
  return cutText(clean.replace(/\p{Cc}+/gu, ' ').replace(/\p{Surrogate}/gu, '\ufffd'), 200);
}
