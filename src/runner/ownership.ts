import type pg from 'pg';
import type { Logger } from 'pino';
import { loadOrders } from '../store/load-orders.js';
import { buryWorkers, heartbeat, registerWorker, takeOver, unregisterWorker } from '../store/ownership.js';
import type { Engine } from './engine.js';

export interface OwnershipOptions {
  pool: pg.Pool;
  engine: Pick<Engine, 'resume'>;
  workerId: string;
  leaseMs: number;
  log: Logger;
  heartbeatMs?: number;
}

/**
 * Keeps this worker alive in the eyes of the others, and takes over what belongs to nobody: at start, when a worker is
 * gone, and now and then, for the orders that a worker without an engine accepted.
 */
export class Ownership {
  private timer: NodeJS.Timeout | null = null;
  private beating: Promise<void> | null = null;
  private beats = 0;
  /** When the database last answered a heartbeat: for readiness. */
  lastBeatAt = 0;

  constructor(private readonly options: OwnershipOptions) {}

  async start(): Promise<void> {
    await registerWorker(this.options.pool, this.options.workerId);
    await this.beat();
    this.timer = setInterval(() => {
      this.beating ??= this.beat()
        .catch((error: unknown) => {
          this.options.log.warn({ code: (error as { code?: string }).code }, 'heartbeat failed');
        })
        .finally(() => {
          this.beating = null;
        });
    }, this.options.heartbeatMs ?? 1_000);
  }

  /** Gives everything up: the others take the orders over at once. */
  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.beating;
    await unregisterWorker(this.options.pool, this.options.workerId);
  }

  private async beat(): Promise<void> {
    const { pool, workerId, leaseMs, log } = this.options;
    if (!(await heartbeat(pool, workerId))) {
      // Others took us for dead. What they took is fenced by its epoch; what they left is still ours.
      log.warn({ workerId }, 'this worker was taken for dead and signs on again');
      await registerWorker(pool, workerId);
    }
    this.lastBeatAt = Date.now();
    const gone = await buryWorkers(pool, leaseMs);
    if (gone.length > 0) log.info({ workers: gone }, 'workers are gone');
    if (gone.length > 0 || this.beats % 10 === 0) await this.takeOverAll();
    this.beats += 1;
  }

  private async takeOverAll(): Promise<void> {
    const { pool, engine, workerId, log } = this.options;
    for (;;) {
      const orderIds = await takeOver(pool, workerId, 500);
      if (orderIds.length === 0) return;
      log.info({ orders: orderIds.length }, 'orders taken over');
      for (const loaded of await loadOrders(pool, orderIds)) engine.resume(loaded);
    }
  }
}
