import { type AccountLimits, NotSentError, pace, type Pace, type Sign } from '../provisioners/pace.js';
import { FairTurns, type Turn } from './fair-turns.js';
import { RetryBudget } from './retry-budget.js';
import { Circuit } from './weather.js';

export interface CloudAccountOptions {
  now(): number;
  weightOf(tenant: string): number;
  /** Whether work that has to be begun again still belongs here; if not, it has been put elsewhere. */
  takes(turn: Turn): boolean;
  /** Pieces of work at once when the cloud sets no limit of its own. */
  concurrency: number;
  /** One cheap read call at the cloud. */
  probe(): Promise<void>;
  probeMs(): { first: number; most: number };
  log(message: string, facts: Record<string, unknown>): void;
}

/** Of a Retry-After only so much is believed: a cloud that says "tomorrow" is asked again before that. */
const longestRestMs = 600_000;
/** How long an account counts as used after its last call, in the eyes of the other workers. */
const usedForMs = 5_000;
/** Far above what any cloud takes: clouds without a limit of their own. */
const unlimited = 1_000_000;

/**
 * One account at one cloud, which is what clouds throttle and what goes down: its one queue, its rate, its weather and its
 * budget for retries. All platforms with the same address and credentials share it.
 */
export class CloudAccount {
  readonly turns: FairTurns;
  readonly circuit: Circuit;
  private readonly retries: RetryBudget;
  private readonly pace;
  private limits: AccountLimits | null = null;
  private workers = 1;
  private usedAt = Number.NEGATIVE_INFINITY;
  /** Retries for which there is no budget at present, in the order they came. */
  private unaffordable: Turn[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly options: CloudAccountOptions) {
    this.retries = new RetryBudget(options.now);
    this.circuit = new Circuit({
      now: options.now,
      probe: options.probe,
      waiting: () => this.waiting,
      changed: () => this.turns.next(),
      probeMs: options.probeMs,
      log: options.log,
    });
    this.turns = new FairTurns({
      atOnce: () => Math.min(this.limits?.atOnce ?? options.concurrency, this.circuit.places),
      weightOf: options.weightOf,
      takes: options.takes,
      now: options.now,
    });
    this.pace = pace({
      perSecond: unlimited,
      burst: unlimited,
      atOnce: unlimited,
      maxWaiting: 10_000,
      heard: (sign) => this.heard(sign),
    });
  }

  /** What the adapter's requests go through. */
  get gate(): Pace {
    return {
      run: (work, judge) => {
        this.usedAt = this.options.now();
        if (this.circuit.passes) return this.pace.run(work, judge);
        const { since, reason, nextProbeAt } = this.circuit;
        const waitMs = Math.max(0, (nextProbeAt ?? 0) - this.options.now());
        const words = `the cloud is down since ${new Date(since ?? 0).toISOString()} (${reason ?? 'unknown'})`;
        return Promise.reject(new NotSentError('cloud-down', words, waitMs));
      },
    };
  }

  /** Pieces of work that wait for their turn, or for the cloud. */
  get waiting(): number {
    return this.turns.waiting + this.unaffordable.length;
  }

  /** Whether this worker uses the account, or is about to. */
  get used(): boolean {
    return this.waiting > 0 || this.circuit.state !== 'closed' || this.options.now() - this.usedAt < usedForMs;
  }

  /** Whether nothing is sent at present. */
  get isAway(): boolean {
    return this.circuit.state === 'open';
  }

  take(turn: Turn): void {
    if (!turn.isRetry) {
      this.retries.earn();
    } else if (this.unaffordable.length > 0 || !this.retries.spend()) {
      this.unaffordable.push(turn);
      this.arm();
      return;
    }
    this.turns.take(turn);
  }

  /** Takes a platform's waiting work out: it goes elsewhere, or waits for the platform. */
  withdraw(platformId: string): Turn[] {
    const retries = this.unaffordable.filter((turn) => turn.platformId === platformId);
    this.unaffordable = this.unaffordable.filter((turn) => turn.platformId !== platformId);
    return [...this.turns.withdraw(platformId), ...retries];
  }

  waitingOf(platformId: string): number {
    return this.turns.waitingOf(platformId) + this.unaffordable.filter((turn) => turn.platformId === platformId).length;
  }

  /** @param limits the strictest of its platforms' */
  setLimits(limits: AccountLimits | null): void {
    this.limits = limits;
    this.setRate();
  }

  /** @param workers how many share the account's rate, this one included */
  setWorkers(workers: number): void {
    if (workers === this.workers) return;
    this.workers = workers;
    this.setRate();
  }

  /** Calls a second that this worker may make. */
  get callsPerSecond(): number | null {
    return this.limits && this.limits.callsPerSecond / this.workers;
  }

  async stop(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.unaffordable = [];
    this.circuit.stop();
    await this.turns.stop();
  }

  private setRate(): void {
    const perSecond = this.callsPerSecond ?? unlimited;
    this.pace.setRate(perSecond, Math.max(1, perSecond * 2));
    this.pace.setAtOnce(this.limits?.atOnce ?? unlimited);
  }

  private heard(sign: Sign | null): void {
    if (sign?.kind === 'throttled') this.pace.rest(Math.min(sign.retryAfterMs ?? 1_000, longestRestMs));
    this.circuit.heard(
      sign && { ...sign, retryAfterMs: sign.retryAfterMs && Math.min(sign.retryAfterMs, longestRestMs) },
    );
  }

  private arm(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      while (this.unaffordable.length > 0 && this.retries.spend()) {
        const turn = this.unaffordable.shift();
        if (turn) this.turns.take(turn);
      }
      if (this.unaffordable.length > 0) this.arm();
    }, this.retries.affordableInMs);
  }
}
