import type { Sign } from '../provisioners/pace.js';

/** `closed`: calls go through. `open`: none does, but probes. `half-open`: a probe succeeded, work is let in again slowly. */
export type CircuitState = 'closed' | 'open' | 'half-open';

export interface CircuitOptions {
  now(): number;
  /** One cheap read call; whether it was answered is heard through the gate, like every other call. */
  probe(): Promise<void>;
  /** Pieces of work that wait to be let in. */
  waiting(): number;
  /** The limit changed: look whether something may begin. */
  changed(): void;
  /** Between two probes: doubles from the first to the second, with jitter. */
  probeMs(): { first: number; most: number };
  /** A number in [0, 1); for the jitter. */
  random?: () => number;
  log(message: string, facts: Record<string, unknown>): void;
}

/** Answers in a row that say "down" before it is believed; a busy cloud that fails one call in three does not get there. */
const troublesInARow = 5;
/** With so little traffic that nothing has been answered for a while, fewer are enough. */
const troublesWhenQuiet = 3;
const quietMs = 10_000;
/** Pieces of work at once after which the ramp is over. */
const rampEnds = 16;

/**
 * The circuit of one cloud account ("cloud weather"). It is fed by every call's outcome, and only by signs of an outage
 * (no connection, no answer in time, 500/502/503/504): what a cloud refuses for a reason says that it is up. While it is open
 * nothing is sent, so that an outage of hours costs an order none of its tries; probes go out one at a time, more and more
 * rarely, and when one is answered the work comes back one by one, then two by two: no herd at the door of a cloud that
 * has just got up.
 */
export class Circuit {
  state: CircuitState = 'closed';
  /** When the present state of affairs began; while half-open still the beginning of the outage. */
  since: number | null = null;
  reason: string | null = null;
  nextProbeAt: number | null = null;
  private inARow = 0;
  private answeredAt: number;
  private probes = 0;
  private answeredSinceOpening = 0;
  private probing = false;
  private timer: NodeJS.Timeout | null = null;
  private darkBeforeMs = 0;
  private stopped = false;

  constructor(private readonly options: CircuitOptions) {
    this.answeredAt = options.now();
  }

  /** How many pieces of work may be under way at once. */
  get places(): number {
    if (this.state === 'open') return 0;
    if (this.state === 'closed') return Number.POSITIVE_INFINITY;
    return 1 + Math.floor(this.answeredSinceOpening / 2);
  }

  /** Whether a call may leave now. */
  get passes(): boolean {
    return this.state !== 'open' || this.probing;
  }

  /** How long it has been open in all, ms: for whom time did not run. */
  get darkMs(): number {
    return this.darkBeforeMs + (this.state === 'open' && this.since !== null ? this.options.now() - this.since : 0);
  }

  /** Every answer, and every call that got none. */
  heard(sign: Sign | null): void {
    if (sign?.kind === 'trouble') this.trouble(sign);
    else this.answered();
  }

  /** As after an outage: work that was held back on purpose is let in slowly too. */
  easeIn(): void {
    if (this.state !== 'closed') return;
    this.state = 'half-open';
    this.answeredSinceOpening = 0;
    this.since = this.options.now();
    this.options.changed();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private trouble(sign: Sign): void {
    this.inARow += 1;
    if (this.state === 'open') {
      this.reason = sign.reason;
      return;
    }
    const quiet = this.options.now() - this.answeredAt >= quietMs;
    const enough = this.state === 'half-open' ? 1 : quiet ? troublesWhenQuiet : troublesInARow;
    if (this.inARow < enough) return;
    this.since ??= this.options.now();
    if (this.state === 'closed') this.since = this.options.now();
    this.state = 'open';
    this.reason = sign.reason;
    this.options.log('the cloud is down: nothing is sent until a probe is answered', { reason: sign.reason });
    this.armProbe(sign.retryAfterMs);
    this.options.changed();
  }

  private answered(): void {
    this.inARow = 0;
    this.answeredAt = this.options.now();
    if (this.state === 'closed') return;
    // What was under way when it broke may still come in; only what was asked since says that it is up again.
    if (this.state === 'open' && !this.probing) return;
    if (this.state === 'open') {
      this.darkBeforeMs = this.darkMs;
      this.state = 'half-open';
      this.answeredSinceOpening = 0;
      this.options.log('the cloud answers again: work is let in slowly', { waiting: this.options.waiting() });
    } else {
      this.answeredSinceOpening += 1;
    }
    if (this.places >= rampEnds || this.options.waiting() === 0) this.close();
    this.options.changed();
  }

  private close(): void {
    this.state = 'closed';
    this.since = this.reason = this.nextProbeAt = null;
    this.probes = 0;
  }

  private armProbe(askedMs: number | null): void {
    if (this.stopped) return;
    const { first, most } = this.options.probeMs();
    const ceiling = Math.min(most, first * 2 ** Math.min(this.probes, 20));
    const jittered = ceiling * (0.5 + 0.5 * (this.options.random ?? Math.random)());
    const delayMs = Math.max(1, Math.round(Math.max(jittered, askedMs ?? 0)));
    this.probes += 1;
    this.nextProbeAt = this.options.now() + delayMs;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.probe(), delayMs);
  }

  private async probe(): Promise<void> {
    this.timer = null;
    if (this.stopped || this.state !== 'open') return;
    this.probing = true;
    try {
      await this.options.probe();
    } catch {
      // A refusal is an answer, and was heard as one; no answer was heard as well.
    } finally {
      this.probing = false;
    }
    // `state` changes while the probe is under way; the compiler does not see that.
    if ((this.state as CircuitState) === 'open') this.armProbe(null);
  }
}
