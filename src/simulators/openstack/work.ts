import type { SimulatorControl } from '../control.js';
import type { Scheduler } from '../scheduler.js';
import type { Underway } from './state/model.js';

/** Thrown by work that cannot be done: becomes the reason of its failure. */
export class WorkFailure extends Error {
  override readonly name = 'WorkFailure';
}

/** Something a service accepted and does later. Everything that can be refused at once was refused before it exists. */
export interface Work {
  /** The operation whose latency and faults it meets. */
  operation: string;
  /** The row that shows it. */
  row: { underway: Underway | null };
  /** What the row shows meanwhile (`task_state` of a server, `status` of a volume). */
  phases: (string | null)[];
  /** Part of the effect that comes earlier, at this share of the time. */
  partWay?: { at: number; run: () => void };
  /** The effect. A `WorkFailure` thrown here fails the work. */
  finish: () => void;
  /** What failing leaves behind. */
  fail: (reason: string) => void;
  /** What is written down about the end; faults make it differ from what happened. */
  ended?: (result: 'Success' | 'Error', reason: string) => void;
  /** The reason when nothing better is known. */
  failureText: string;
  vanished?: () => void;
}

/** Work under way, and the faults of it. */
export class Works {
  constructor(
    private readonly control: SimulatorControl,
    private readonly scheduler: Scheduler,
  ) {}

  /** Begins; the answer stops it without an effect. */
  begin(work: Work): () => void {
    const fault = this.control.takeFault('job', work.operation);
    const latencyMs = this.control.drawLatency(work.operation);
    const now = Date.now();
    const underway: Underway = { startedMs: now, endsMs: now + latencyMs, phases: work.phases };
    work.row.underway = underway;
    // Whoever clears or replaces what the row shows (a deletion, a reset) has overtaken this work: it has no effect any more.
    const isCurrent = () => work.row.underway === underway;
    const over = () => {
      if (isCurrent()) work.row.underway = null;
    };
    const fail = (reason: string, said: 'Success' | 'Error' = 'Error') => {
      over();
      work.fail(reason);
      work.ended?.(said, reason);
    };
    const attempt = (run: () => void): boolean => {
      try {
        run();
        return true;
      } catch (error) {
        if (!(error instanceof WorkFailure)) throw error;
        fail(error.message);
        return false;
      }
    };
    const finish = (said: 'Success' | 'Error') => {
      if (!attempt(work.finish)) return;
      over();
      work.ended?.(said, '');
    };
    const text = fault?.errortext ?? work.failureText;

    if (fault?.kind === 'job-vanishes') work.vanished?.();
    const { partWay } = work;
    if (partWay !== undefined) {
      this.scheduler.after(latencyMs * partWay.at, () => {
        if (isCurrent()) attempt(partWay.run);
      });
    }
    this.scheduler.after(latencyMs, () => {
      if (!isCurrent()) return;
      switch (fault?.kind) {
        case 'job-fails':
          return fail(text);
        case 'job-lies-failed':
          return finish('Error');
        case 'job-lies-done':
          return fail(text, 'Success');
        case 'job-never-ends':
          return;
        case 'job-lost-result': {
          // The host was restarted: nobody closes the record any more.
          const done = fault.effect === true ? work.finish : () => work.fail(text);
          if (attempt(done)) over();
          return;
        }
        default:
          return finish('Success');
      }
    });
    return over;
  }
}
