/**
 * Who asked a cloud for what: every piece of cloud work of a worker from the moment it is asked for until it has ended, and
 * which of them a request, or an answer on its way back to the engine, belongs to.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { OrderEvent } from '../../src/machines/advance.js';
import type { OperationState, OrderState } from '../../src/machines/order-state.js';
import type { CloudEffect } from '../../src/runner/run-effects.js';
import type { SimulatedProcess } from './virtual-time.js';
import type { Inside } from './watch-inside.js';

/** One effect as it was decided. */
export interface Asked {
  effect: CloudEffect;
  orderId: string;
  operation: OperationState;
  /** The order in its worker's memory when the work began; null while it waits, or when the order is not there. */
  atStart: OrderState | null;
}

/** A piece of work that waits for its turn, or has it. */
export interface Call {
  process: SimulatedProcess;
  orderId: string | null;
  platformId: string;
  /** Null for what is no operation's: planning, asking about jobs. */
  asked: Asked | null;
  since: number;
}

/** What an event says it is the answer to. */
export type Source = { asked: Asked } | { jobId: string };

const current = new AsyncLocalStorage<Asked | null>();

/** The operation that the running code works for; null in work that is no operation's, undefined outside of any. */
export const currentAsked = (): Asked | null | undefined => current.getStore();

export class Calls {
  private readonly live = new Set<Call>();
  private readonly sources = new WeakMap<OrderEvent, Source>();

  constructor(
    private readonly now: () => number,
    /** An operation's work has its turn. */
    private readonly begins: (asked: Asked) => void = () => undefined,
  ) {}

  /** Puts itself between a worker's engine and its clouds. */
  attach(process: SimulatedProcess, { engine, effects, poller, platforms }: Inside): void {
    let asking: Asked | null = null;
    const run = effects.run.bind(effects);
    effects.run = (effect, open, operation) => {
      asking = { effect, orderId: open.state.orderId, operation, atStart: null };
      try {
        run(effect, open, operation);
      } finally {
        asking = null;
      }
    };
    const seen = new WeakSet<object>();
    const take = platforms.take.bind(platforms);
    platforms.take = (turn) => {
      // One that comes back to the queue is the same piece of work.
      if (!seen.has(turn)) {
        seen.add(turn);
        const { orderId, platformId } = turn;
        const call: Call = { process, orderId, platformId, asked: asking, since: this.now() };
        this.live.add(call);
        const begin = turn.run.bind(turn);
        turn.run = () =>
          current.run(call.asked, async () => {
            if (call.asked) {
              call.asked.atStart = engine.get(call.asked.orderId)?.state ?? null;
              this.begins(call.asked);
            }
            const end = await begin();
            if (end === 'done') this.live.delete(call);
            return end;
          });
      }
      take(turn);
    };
    this.tellSources(effects, poller);
  }

  /** What is under way for a process. */
  of(process: SimulatedProcess): Call[] {
    return [...this.live].filter((call) => call.process === process);
  }

  /** A dead process waits for nothing. */
  forget(process: SimulatedProcess): void {
    for (const call of this.of(process)) this.live.delete(call);
  }

  sourceOf(event: OrderEvent): Source | undefined {
    return this.sources.get(event);
  }

  private tellSources(effects: Inside['effects'], poller: Inside['poller']): void {
    const answered = effects.options.report;
    effects.options.report = (orderId, happening) => {
      const asked = currentAsked();
      if (asked) this.sources.set(happening.event, { asked });
      answered(orderId, happening);
    };
    let jobId: string | null = null;
    const take = poller.take.bind(poller);
    poller.take = (job, ...rest) => {
      jobId = job.jobId;
      try {
        take(job, ...rest);
      } finally {
        jobId = null;
      }
    };
    const reported = poller.options.report;
    poller.options.report = (orderId, happening) => {
      if (jobId !== null) this.sources.set(happening.event, { jobId });
      reported(orderId, happening);
    };
  }
}
