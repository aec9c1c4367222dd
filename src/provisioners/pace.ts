/**
 * The budget of one cloud account: at most so many calls a second (a bucket that fills steadily and holds a burst), at
 * most so many at once, and a queue with an end. Clouds throttle per account, so all orders on one account share it.
 */
export interface Pace {
  run<T>(work: () => Promise<T>): Promise<T>;
}

export interface PaceOptions {
  perSecond: number;
  burst: number;
  atOnce: number;
  maxWaiting: number;
}

/** The queue is full: nothing was sent, come back after `retryAfterMs`. */
export class TooManyWaitingError extends Error {
  override readonly name = 'TooManyWaitingError';
  constructor(readonly retryAfterMs: number) {
    super('too many calls are waiting for this cloud account');
  }
}

export function pace(options: PaceOptions): Pace {
  const waiting: (() => void)[] = [];
  let running = 0;
  let tokens = options.burst;
  let filledAt = performance.now();
  let timer: NodeJS.Timeout | null = null;

  function fill(): void {
    const now = performance.now();
    tokens = Math.min(options.burst, tokens + ((now - filledAt) / 1000) * options.perSecond);
    filledAt = now;
  }

  function startWhatMay(): void {
    fill();
    while (waiting.length > 0 && running < options.atOnce && tokens >= 1) {
      tokens -= 1;
      running += 1;
      waiting.shift()?.();
    }
    // Waiting for a token needs a timer; waiting for a place does not, the call that ends makes the room.
    if (waiting.length > 0 && running < options.atOnce && timer === null) {
      const delayMs = Math.ceil(((1 - tokens) / options.perSecond) * 1000);
      timer = setTimeout(() => {
        timer = null;
        startWhatMay();
      }, delayMs);
    }
  }

  return {
    async run(work) {
      if (waiting.length >= options.maxWaiting) {
        throw new TooManyWaitingError(Math.ceil((waiting.length / options.perSecond) * 1000));
      }
      await new Promise<void>((start) => {
        waiting.push(start);
        startWhatMay();
      });
      try {
        return await work();
      } finally {
        running -= 1;
        startWhatMay();
      }
    },
  };
}
