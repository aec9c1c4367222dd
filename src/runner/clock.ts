import os from 'node:os';

/** What is followed of the database's clock between two heartbeats, ms: the rest is drift that can wait. */
const followedMs = 50;
/** A difference beyond this is no drift: somebody's clock was set, or this machine slept. */
const leapMs = 2_000;

/** How long this machine has been on, ms, with the time that it slept: Node asks CLOCK_BOOTTIME, which nobody sets. */
const upMs = (): number => os.uptime() * 1_000;

/**
 * The time that everything in a worker goes by: the database's, carried on by a clock that never steps (I16). Nobody who sets this
 * machine's clock, or the database's, or that of the one machine which both are on, shortens a wait by it. Only what the machine itself
 * says that it slept has really passed without us.
 */
export class Clock {
  private aheadMs = Date.now() - performance.now();
  private sleptMs = upMs() - performance.now();
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
    const sleptMs = upMs() - answeredAt;
    const asleepMs = sleptMs - this.sleptMs;
    this.sleptMs = sleptMs;
    if (!this.isSet) this.aheadMs += differsMs;
    else if (differsMs > leapMs && asleepMs > leapMs) this.aheadMs += Math.min(differsMs, asleepMs);
    else this.aheadMs += Math.max(-followedMs, Math.min(followedMs, differsMs));
    this.isSet = true;
  }
}
