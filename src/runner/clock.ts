/** What is followed of the database's clock between two heartbeats, ms: the rest is drift that can wait. */
const followedMs = 50;
/** A difference beyond this is no drift: somebody's clock was set, or this machine slept. */
const leapMs = 2_000;

/**
 * The time that everything in a worker goes by: the database's, carried on by a clock that never steps (I16). Nobody who sets this
 * machine's clock, or the database's, shortens a wait by it. Only when both have gone on by so much has time really passed without us:
 * the machine was suspended.
 */
export class Clock {
  private aheadMs = Date.now() - performance.now();
  private wallAheadMs = this.aheadMs;
  private isSet = false;

  /** ms since epoch. */
  readonly now = (): number => Math.round(performance.now() + this.aheadMs);

  /**
   * @param databaseMs what the database's clock showed, ms since epoch
   * @param askedAt when it was asked, by `performance.now()`
   */
  hear(databaseMs: number, askedAt: number): void {
    const answeredAt = performance.now();
    const differsMs = databaseMs - ((askedAt + answeredAt) / 2 + this.aheadMs);
    const wallAheadMs = Date.now() - answeredAt;
    const steppedMs = wallAheadMs - this.wallAheadMs;
    this.wallAheadMs = wallAheadMs;
    if (!this.isSet) this.aheadMs += differsMs;
    else if (differsMs > leapMs && steppedMs > leapMs) this.aheadMs += Math.min(differsMs, steppedMs);
    else this.aheadMs += Math.max(-followedMs, Math.min(followedMs, differsMs));
    this.isSet = true;
  }
}
