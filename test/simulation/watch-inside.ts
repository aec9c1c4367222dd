/**
 * The parts of a worker that a watch looks into. They are private to everybody else: what must hold while a run goes on (is
 * there a call for this operation, which job was this verdict about) cannot be told by the tables alone.
 */
import type { Lever } from '../../src/machines/levers.js';
import type { Forecast } from '../../src/machines/levers.js';
import type { OrderEvent } from '../../src/machines/advance.js';
import type { OperationState, OrderState, Step } from '../../src/machines/order-state.js';
import type { Happening, OpenOrder } from '../../src/runner/engine.js';
import type { Turn } from '../../src/runner/fair-turns.js';
import type { Puller } from '../../src/runner/levers.js';
import type { CloudEffect } from '../../src/runner/run-effects.js';

/** What is replaced or read of a worker, by the names it has there. */
export interface Inside {
  workerId: string;
  engine: {
    get(orderId: string): OpenOrder | undefined;
    decide(state: OrderState, event: OrderEvent): Step | null;
    options: { now(): number };
  };
  effects: {
    run(effect: CloudEffect, open: OpenOrder, operation: OperationState): void;
    options: { report(orderId: string, happening: Happening): void };
  };
  poller: {
    take(job: { jobId: string }, ...rest: unknown[]): void;
    options: { report(orderId: string, happening: Happening): void };
    jobs: Map<string, Map<string, { orderId: string }>>;
  };
  platforms: { take(turn: Turn): void; isAway(platformId: string): boolean };
  levers: {
    pull(orderId: string, lever: Lever, puller: Puller): Promise<Forecast>;
    pullHere(orderId: string, lever: Lever, puller: Puller): Promise<unknown>;
  };
}

const parts = {
  engine: ['get', 'decide', 'options'],
  effects: ['run', 'options'],
  poller: ['take', 'options', 'jobs'],
  platforms: ['take', 'isAway'],
  levers: ['pull', 'pullHere'],
} as const;

/** @throws Error when a worker is built differently by now: a watch that sees nothing would find nothing */
export function insideOf(worker: object): Inside {
  const inside = worker as Record<string, Record<string, unknown> | undefined>;
  for (const [part, members] of Object.entries(parts)) {
    for (const member of members) {
      if (inside[part]?.[member] === undefined)
        throw new Error(`a worker has no ${part}.${member} any more: the watch is blind`);
    }
  }
  return worker as Inside;
}
