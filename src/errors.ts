/**
 * The errors that cross a border in this house. Everything else thrown is our bug: it is logged and stops the one
 * effect it happened in, and is never dressed up as an answer of the cloud or of the sender.
 */

/** One thing wrong with a message, with the place it is wrong at. */
export interface Problem {
  /** Path from the order's root into nested configs: `workOrderItems[1].workOrderItemConfig.volumeSize`; '' for the whole. */
  path: string;
  /** A code of `src/codes.ts`. */
  code: string;
  /** What is wrong and what to do. Never a secret; quoted values are cut to 80 characters. */
  message: string;
}

/**
 * How a cloud's refusal is to be taken:
 * - `retry`: nothing was done, asking again later may work (429, capacity, connection refused);
 * - `reject`: nothing was done and never will be (bad parameter, quota): tell billing;
 * - `ask-human`: nothing was done, a person has to change something first (credentials, permission).
 */
export type Disposition = 'retry' | 'reject' | 'ask-human';

/**
 * The cloud (or the road to it) said no, and it is CERTAIN that the request had no effect.
 * When that is not certain, throw {@link OutcomeUnknownError} instead.
 */
export class ProvisioningError extends Error {
  override readonly name = 'ProvisioningError';
  constructor(
    readonly disposition: Disposition,
    /** A `CLD_…` code of `src/codes.ts`. */
    readonly code: string,
    message: string,
    /** The cloud's own code, for operators ("431/4350"), and how long it asks us to wait. */
    readonly details: { cloudCode?: string; retryAfterMs?: number } = {},
  ) {
    super(message);
  }
}

/**
 * How an answer failed to come, which says for how long the request may still be running (design D13). `cut`: the connection broke, or
 * something between answered for the cloud. `silent`: nothing came within our patience (or a proxy's: 504), so a service may be holding it.
 * `failed`: the cloud itself answered that it went wrong inside, so it runs no longer, and only a look tells whether it left something; the
 * error's words are the reason if it left nothing.
 */
export type MissingAnswer = 'cut' | 'silent' | 'failed';

/** A request with an effect left this process and no usable answer came back: it may or may not have happened. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  constructor(
    /** `CLD_RESPONSE_UNKNOWN` or another `CLD_…` code of class U. */
    readonly code: string,
    message: string,
    readonly how: MissingAnswer = 'cut',
  ) {
    super(message);
  }
}

/** A request of a person or a program that we refuse, with everything that is wrong in one answer. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  constructor(
    readonly code: string,
    message: string,
    readonly problems: Problem[] = [],
  ) {
    super(message);
  }
}
