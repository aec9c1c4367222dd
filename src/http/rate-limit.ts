/** Token buckets in memory, one per caller: `perSecond` on average, twice that at once. */
export class RateLimit {
  private readonly buckets = new Map<string, { left: number; at: number }>();
  private readonly burst: number;

  constructor(
    private readonly perSecond: number,
    /** Callers remembered at the most; the one that asked longest ago is forgotten, and begins with a full bucket. */
    private readonly mostCallers = 10_000,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.burst = perSecond * 2;
  }

  /** @returns 0 when it may, else ms until it may */
  take(caller: string): number {
    const bucket = this.fill(caller);
    if (bucket.left >= 1) {
      bucket.left -= 1;
      return 0;
    }
    return this.wait(bucket);
  }

  /** As `take`, and nothing is taken. */
  waitMs(caller: string): number {
    return this.buckets.has(caller) ? this.wait(this.fill(caller)) : 0;
  }

  private wait({ left }: { left: number }): number {
    return left >= 1 ? 0 : Math.ceil(((1 - left) * 1000) / this.perSecond);
  }

  private fill(caller: string): { left: number; at: number } {
    const at = this.now();
    const before = this.buckets.get(caller) ?? { left: this.burst, at };
    const bucket = { left: Math.min(this.burst, before.left + ((at - before.at) * this.perSecond) / 1000), at };
    // Put in anew, so that the first of the map is the one that asked longest ago.
    this.buckets.delete(caller);
    this.buckets.set(caller, bucket);
    if (this.buckets.size > this.mostCallers) this.buckets.delete(this.buckets.keys().next().value ?? caller);
    return bucket;
  }
}
