import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import type { OperationEvent } from '../machines/operation.machine.js';
import type { OperationState } from '../machines/order-state.js';
import type { JobReport } from '../provisioners/provisioner.js';
import type { Happening, OpenOrder } from './engine.js';
import type { TurnEnd } from './fair-turns.js';
import { type Seal, sealForPiece } from './piece-secrets.js';
import type { Platform } from './platform.js';
import { type Platforms, saysAway } from './platforms.js';
import { isCurrent } from './steps.js';

interface Job {
  jobId: string;
  open: OpenOrder;
  operation: OperationState;
  submittedAt: number;
  nextPollAt: number;
  /** Its age when it was last seen running, ms; 0 when it never was. */
  seenRunningMs: number;
  /** For how long the cloud had been away in all when it was submitted: time in which nobody could see it end. */
  darkMsBefore: number;
}

export interface PollerOptions {
  platforms: Platforms;
  log: Logger;
  now: () => number;
  report(orderId: string, happening: Happening): void;
  /** Whether the order is still the one this worker holds. */
  isOurs(open: OpenOrder): boolean;
  seal: Seal;
}

/**
 * One poller per cloud account that asks for many jobs at once (design D5): a waiting job is a row and an entry here, not
 * a promise or a connection. When it is asked about is learnt from how long such jobs take.
 */
export class Poller {
  private readonly jobs = new Map<string, Map<string, Job>>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  /** When each timer rings. */
  private readonly armedFor = new Map<string, number>();
  private readonly asking = new Set<string>();
  /** Moving average of how long a job of an operation takes, per platform, in ms. */
  private readonly typicalMs = new Map<string, number>();
  private stopped = false;

  constructor(private readonly options: PollerOptions) {}

  track(open: OpenOrder, operation: OperationState): void {
    const { jobId } = operation.machine.context;
    if (jobId === null || this.stopped) return;
    const { platformId } = operation;
    let jobs = this.jobs.get(platformId);
    if (!jobs) this.jobs.set(platformId, (jobs = new Map()));
    const submittedAt = operation.submittedAt ?? operation.createdAt;
    const job = {
      jobId,
      open,
      operation,
      submittedAt,
      nextPollAt: 0,
      seenRunningMs: 0,
      darkMsBefore: this.options.platforms.darkMs(platformId),
    };
    job.nextPollAt = this.firstPoll(job);
    jobs.set(jobId, job);
    if (job.nextPollAt < (this.armedFor.get(platformId) ?? Number.POSITIVE_INFINITY)) this.arm(platformId);
  }

  get inFlight(): number {
    return [...this.jobs.values()].reduce((sum, jobs) => sum + jobs.size, 0);
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private firstPoll(job: Job): number {
    const pace = this.options.platforms.pace(job.operation.platformId);
    // However long such jobs are thought to take: an outage, or a clock that was set, makes them look longer than they are (seen:
    // twelve minutes of waiting for jobs of a second).
    const typical = Math.min(this.typicalMs.get(typeKey(job)) ?? pace.pollMinMs, pace.pollMaxMs * 4);
    const delayMs = Math.max(pace.pollMinMs, typical * 0.9);
    const now = this.options.now();
    // Taken in the future, says a clock that was ahead: no reason to wait until then.
    return Math.max(now, Math.min(now, job.submittedAt) + delayMs);
  }

  private arm(platformId: string): void {
    if (this.stopped || this.asking.has(platformId)) return;
    const jobs = this.jobs.get(platformId);
    const timer = this.timers.get(platformId);
    if (timer) clearTimeout(timer);
    this.timers.delete(platformId);
    this.armedFor.delete(platformId);
    if (!jobs?.size) return;
    let earliest = Number.POSITIVE_INFINITY;
    for (const job of jobs.values()) earliest = Math.min(earliest, job.nextPollAt);
    this.armedFor.set(platformId, earliest);
    const delay = Math.min(Math.max(earliest - this.options.now(), 0), 60_000);
    this.timers.set(
      platformId,
      setTimeout(() => this.poll(platformId), delay),
    );
  }

  /** One turn at the account, which comes when the cloud is there; jobs of all tenants are asked about together. */
  private poll(platformId: string): void {
    this.timers.delete(platformId);
    this.armedFor.delete(platformId);
    this.asking.add(platformId);
    this.options.platforms.take({
      tenant: pollsTenant,
      platformId,
      orderId: null,
      urgency: 'finish',
      isRetry: false,
      run: async () => {
        let end: TurnEnd = 'done';
        try {
          end = await this.ask(platformId);
        } finally {
          if (end === 'done') this.asking.delete(platformId);
        }
        this.arm(platformId);
        return end;
      },
    });
  }

  private isWanted({ open, operation }: Job): boolean {
    return this.options.isOurs(open) && isCurrent(open.state, operation);
  }

  /** Nobody can be asked at the moment. */
  private postpone(jobs: Iterable<Job>, byMs: number): void {
    const nextPollAt = this.options.now() + byMs;
    for (const job of jobs) job.nextPollAt = nextPollAt;
  }

  private async ask(platformId: string): Promise<TurnEnd> {
    const platform = this.options.platforms.get(platformId);
    const jobs = this.jobs.get(platformId);
    if (!platform || !jobs || this.stopped) return 'done';
    const { pace, summary } = platform;
    const now = this.options.now();
    // Jobs of orders that are another worker's by now, or whose operation has gone on to another job, are nobody's here.
    for (const job of jobs.values()) if (!this.isWanted(job)) jobs.delete(job.jobId);
    // Whoever is due soon comes along: one list answers for all of them.
    const due = [...jobs.values()].filter((job) => job.nextPollAt <= now + pace.pollMinMs / 2);
    if (due.length === 0) return 'done';
    let reports: Map<string, JobReport>;
    crashPoint('poll.before');
    try {
      reports = await platform.provisioner.pollJobs(
        due.map((job) => ({
          jobId: job.jobId,
          operation: job.operation.name,
          submittedAt: new Date(job.submittedAt).toISOString(),
        })),
      );
    } catch (error) {
      if (saysAway(error) && this.options.platforms.isAway(platformId)) return 'again';
      this.options.log.warn(
        { platformId: summary.id, jobs: due.length, reason: (error as Error).message },
        'jobs could not be asked about',
      );
      this.postpone(due, Math.min(pace.pollMaxMs, pace.pollMinMs * 4));
      return 'done';
    }
    crashPoint('poll.after');
    for (const [index, job] of due.entries()) {
      // Each report moves an order: of very many, others have their turn in between.
      if (index % reportsAtOnce === reportsAtOnce - 1) await new Promise(setImmediate);
      this.take(job, reports.get(job.jobId) ?? { state: 'lost' }, jobs, platform);
    }
    return 'done';
  }

  /**
   * A job ended somewhere between the last look and this one. One that was over at the first look may have been over long
   * before: counting its whole age would make the next look as late, and the estimate would never come down again.
   */
  private learn(job: Job, ageMs: number): void {
    const tookMs = job.seenRunningMs > 0 ? (job.seenRunningMs + ageMs) / 2 : ageMs / 2;
    const before = this.typicalMs.get(typeKey(job));
    this.typicalMs.set(typeKey(job), before === undefined ? tookMs : before * 0.7 + tookMs * 0.3);
  }

  private take(job: Job, report: JobReport, jobs: Map<string, Job>, { pace }: Platform): void {
    const now = this.options.now();
    const ageMs = now - job.submittedAt;
    const darkMs = Math.max(0, this.options.platforms.darkMs(job.operation.platformId) - job.darkMsBefore);
    if (report.state === 'pending' && ageMs - darkMs < pace.jobDeadlineMs) {
      job.seenRunningMs = ageMs;
      job.nextPollAt = now + Math.min(pace.pollMaxMs, Math.max(pace.pollMinMs, ageMs * 0.2));
      return;
    }
    jobs.delete(job.jobId);
    if (report.state === 'succeeded') this.learn(job, ageMs);
    const { partKey, name } = job.operation;
    const made = report.state === 'succeeded' ? report.secrets : undefined;
    const { orderId } = job.open.state;
    this.options.report(orderId, {
      event: { about: 'operation', partKey, name, event: toEvent(report), of: job.operation },
      secrets: sealForPiece(this.options.seal, orderId, job.operation, made),
    });
  }
}

const reportsAtOnce = 100;

/** No tenant's name: asking about everybody's jobs has turns of its own. */
const pollsTenant = '\0polls';

function typeKey(job: Job): string {
  return `${job.operation.platformId} ${job.operation.name}`;
}

function toEvent(report: JobReport): OperationEvent {
  switch (report.state) {
    case 'pending':
      return { type: 'OVERDUE' };
    case 'succeeded':
      return { type: 'JOB_SUCCEEDED', resourceId: report.resourceId };
    case 'failed': {
      const { disposition, code, message } = report;
      return { type: 'JOB_FAILED', disposition, code, message };
    }
    case 'lost':
      return { type: 'JOB_LOST' };
  }
}
