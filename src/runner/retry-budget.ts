/**
 * How many of an account's pieces of work may be retries (reliability C18): a tenth of the first tries, and a trickle, so
 * that a quiet account's one order is not kept waiting. A cloud that is in trouble is not asked ever more often. A retry
 * that finds the budget used up waits; it does not fail.
 */
export class RetryBudget {
  private tokens = mostSaved;
  private filledAt: number;

  constructor(private readonly now: () => number) {
    this.filledAt = now();
  }

  /** A first try has been made. */
  earn(): void {
    this.tokens = Math.min(mostSaved, this.tokens + share);
  }

  /** @returns whether a retry may be made now */
  spend(): boolean {
    this.fill();
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** When the next retry is affordable at the latest, ms from now. */
  get affordableInMs(): number {
    this.fill();
    return Math.max(1, Math.ceil(((1 - this.tokens) / trickleASecond) * 1000));
  }

  private fill(): void {
    const now = this.now();
    this.tokens = Math.min(mostSaved, this.tokens + (Math.max(0, now - this.filledAt) / 1000) * trickleASecond);
    this.filledAt = now;
  }
}

const share = 0.1;
const trickleASecond = 1;
const mostSaved = 10;
