import { NoAnswerError } from './http.js';

/**
 * The gate through which every request to one cloud account passes: so many a second, so many at once, and none at all
 * while the cloud is known to be down. It judges no answer for the caller; it only listens to what they say of the cloud.
 */
export interface Pace {
  /** @param judge what the answer says of the cloud's health; null when it is well. A request without answer says so itself. */
  run<T>(work: () => Promise<T>, judge?: (answer: T) => Sign | null): Promise<T>;
}

/** What an answer, or its absence, says of the cloud itself; a refusal of what was asked says nothing. */
export interface Sign {
  kind: 'trouble' | 'throttled';
  /** Short, for people; never an address. */
  reason: string;
  /** How long the cloud asks us to stay away. */
  retryAfterMs: number | null;
}

/** How much an account takes; the strictest of its platforms counts. */
export interface AccountLimits {
  callsPerSecond: number;
  atOnce: number;
}

export interface PaceOptions {
  perSecond: number;
  burst: number;
  atOnce: number;
  maxWaiting: number;
  /** Told of every answer: null, or what it says of the cloud. */
  heard?: (sign: Sign | null) => void;
}

/** The queue is full, or the cloud is down: nothing was sent, come back after `retryAfterMs`. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
  constructor(
    readonly why: 'queue-full' | 'cloud-down',
    message: string,
    readonly retryAfterMs: number,
  ) {
    super(message);
  }
}

/** A {@link Pace} whose rate can be changed, and which can be told to wait. */
export interface AdjustablePace extends Pace {
  setRate(perSecond: number, burst: number): void;
  setAtOnce(atOnce: number): void;
  /** Lets nothing begin for so long: the account as a whole was asked to slow down. */
  rest(ms: number): void;
}

/** More than this many waiting calls is half a minute of budget and longer: better to say so than to let them age. */
const mostWaiting = 1_000;

/** What an adapter keeps to by itself, where nobody gives it a gate: its account's limits, twice as much at once. */
export function ownPace({ callsPerSecond, atOnce }: AccountLimits): Pace {
  return pace({ perSecond: callsPerSecond, burst: callsPerSecond * 2, atOnce, maxWaiting: mostWaiting });
}

/**
 * A token bucket and a limit at once. What waits here has been given its turn already (`runner/fair-turns.ts`), so the line
 * is short and in the order it was joined; fairness is decided before it.
 */
export function pace(options: PaceOptions): AdjustablePace {
  const waiting: (() => void)[] = [];
  let { perSecond, burst, atOnce } = options;
  let running = 0;
  let tokens = burst;
  let filledAt = performance.now();
  let restsUntil = 0;
  let timer: NodeJS.Timeout | null = null;

  function fill(): void {
    const now = performance.now();
    // Nothing is saved up while it rests: a burst is the last thing a throttling cloud wants to see afterwards.
    tokens = Math.min(burst, tokens + (Math.max(0, now - Math.max(filledAt, restsUntil)) / 1000) * perSecond);
    filledAt = now;
  }

  function startWhatMay(): void {
    fill();
    const restsMs = restsUntil - performance.now();
    while (restsMs <= 0 && waiting.length > 0 && running < atOnce && tokens >= 1) {
      tokens -= 1;
      running += 1;
      waiting.shift()?.();
    }
    // Waiting for a token needs a timer; waiting for a place does not, the call that ends makes the room.
    if (waiting.length > 0 && running < atOnce && timer === null) {
      const delayMs = Math.ceil(Math.max(restsMs, 0) + (Math.max(0, 1 - tokens) / perSecond) * 1000);
      timer = setTimeout(
        () => {
          timer = null;
          startWhatMay();
        },
        Math.max(1, delayMs),
      );
    }
  }

  return {
    async run(work, judge) {
      if (waiting.length >= options.maxWaiting) {
        const waitMs = Math.ceil((waiting.length / perSecond) * 1000);
        throw new NotSentError('queue-full', 'too many calls are waiting for this cloud account', waitMs);
      }
      await new Promise<void>((start) => {
        waiting.push(start);
        startWhatMay();
      });
      try {
        const answer = await work();
        options.heard?.(judge?.(answer) ?? null);
        return answer;
      } catch (error) {
        if (error instanceof NoAnswerError) {
          options.heard?.({ kind: 'trouble', reason: error.reason, retryAfterMs: null });
        }
        throw error;
      } finally {
        running -= 1;
        startWhatMay();
      }
    },
    setRate(nextPerSecond, nextBurst) {
      fill();
      perSecond = nextPerSecond;
      burst = nextBurst;
      tokens = Math.min(tokens, burst);
      startWhatMay();
    },
    setAtOnce(next) {
      atOnce = next;
      startWhatMay();
    },
    rest(ms) {
      fill();
      tokens = Math.min(tokens, 1);
      restsUntil = Math.max(restsUntil, performance.now() + ms);
    },
  };
}
