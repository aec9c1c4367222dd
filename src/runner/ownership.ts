import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import { loadOrders } from '../store/load-orders.js';
import {
  buryWorkers,
  heartbeat,
  ownedOrders,
  registerWorker,
  silenceMs,
  takeOver,
  unregisterWorker,
} from '../store/ownership.js';
import type { Clock } from './clock.js';
import type { Engine } from './engine.js';

/** Who this worker is. The id changes when others took it for dead: what it owned then is not its any more. */
export interface Identity {
  workerId: string;
}

export interface OwnershipOptions {
  pool: pg.Pool;
  engine: Pick<Engine, 'resume' | 'dropAll' | 'get'>;
  identity: Identity;
  leaseMs: number;
  log: Logger;
  /** Told of the database's time with every heartbeat. */
  clock?: Pick<Clock, 'hear'>;
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
  /** How many more times to look for orders that are ours without our knowing. */
  private looks = 0;
  /** Orders in our name that the engine does not know, and at how many looks in a row. */
  private forgotten = new Map<string, { orderId: string; times: number }>();
  /** When the last heartbeat that the database confirmed was sent, on a clock that never jumps. */
  private confirmedAt = Number.NEGATIVE_INFINITY;
  /** The same by the clock on the wall, which goes on while a machine is suspended; the other does not. */
  private confirmedAtWall = Number.NEGATIVE_INFINITY;
  /** For how long this worker acts on its last heartbeat; shorter than any silence after which others take over. */
  private readonly trustMs: number;

  constructor(private readonly options: OwnershipOptions) {
    this.trustMs = Math.min(silenceMs, options.leaseMs) - 500;
  }

  async start(): Promise<void> {
    await registerWorker(this.options.pool, this.options.identity.workerId);
    crashPoint('worker.registered');
    await this.beat();
    this.timer = setInterval(() => void this.beatOnce(), this.options.heartbeatMs ?? 1_000);
  }

  /** Gives everything up: the others take the orders over at once. */
  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.beating;
    await unregisterWorker(this.options.pool, this.options.identity.workerId);
  }

  /** How long ago the database last confirmed that this worker lives, ms. */
  get silentMs(): number {
    return performance.now() - this.confirmedAt;
  }

  /** Whichever clock says that more time has passed is believed: asking once more costs a heartbeat, and a lease that has run out an effect. */

  mayActNow(): boolean {
    return Math.max(this.silentMs, Date.now() - this.confirmedAtWall) <= this.trustMs;
  }

  /**
   * Resolves when this worker is certainly still the owner of what it holds. A process that was frozen wakes up with
   * requests in its hands that another worker may long have sent: it asks before it acts (I6).
   */
  async mayAct(): Promise<void> {
    while (!this.mayActNow()) {
      await this.beatOnce();
      if (!this.mayActNow()) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /**
   * A write that would have made orders ours has failed, and an error on COMMIT says nothing (reliability P5): they may be
   * there in our name, and nobody else takes them while we live. More than one look: the commit may still be under way.
   */
  mayOwnUnknown(): void {
    this.looks = 3;
  }

  private beatOnce(): Promise<void> {
    this.beating ??= this.beat()
      .catch((error: unknown) => {
        this.options.log.warn({ code: (error as { code?: string }).code }, 'heartbeat failed');
      })
      .finally(() => {
        this.beating = null;
      });
    return this.beating;
  }

  private async beat(): Promise<void> {
    const { pool, identity, leaseMs, log, clock } = this.options;
    const [askedAt, askedAtWall] = [performance.now(), Date.now()];
    const databaseTime = await heartbeat(pool, identity.workerId);
    if (databaseTime) clock?.hear(databaseTime.getTime(), askedAt);
    else await this.signOnAgain();
    [this.confirmedAt, this.confirmedAtWall] = [askedAt, askedAtWall];
    const gone = await buryWorkers(pool, leaseMs);
    if (gone.length > 0) crashPoint('worker.buried');
    if (gone.length > 0) log.info({ workers: gone }, 'workers are gone');
    try {
      if (gone.length > 0 || this.beats % 10 === 0 || this.looks > 0) await this.takeOverAll();
      if (this.looks > 0) await this.takeUnknown();
      else if (this.beats % 5 === 0) await this.takeForgotten();
    } catch (error) {
      this.mayOwnUnknown();
      throw error;
    }
    this.beats += 1;
  }

  /** Others took us for dead. Under a new name nothing is ours until we take it, with a new epoch, like anybody else. */
  private async signOnAgain(): Promise<void> {
    const { pool, identity, engine, log } = this.options;
    log.warn(
      { workerId: identity.workerId, orders: engine.dropAll() },
      'this worker was taken for dead and starts anew',
    );
    identity.workerId = randomUUID();
    await registerWorker(pool, identity.workerId);
    this.beats = 0;
  }

  private async takeOverAll(): Promise<void> {
    const { pool, identity, log } = this.options;
    for (;;) {
      const orderIds = await takeOver(pool, identity.workerId, 500);
      if (orderIds.length === 0) return;
      crashPoint('takeover.taken');
      log.info({ orders: orderIds.length }, 'orders taken over');
      await this.resume(orderIds);
    }
  }

  /** An order of ours stands where the engine did not put it, and the engine has let go of it. */
  async takeAgain(orderId: string): Promise<void> {
    try {
      await this.resume([orderId]);
    } catch {
      this.mayOwnUnknown();
    }
  }

  private async takeUnknown(): Promise<void> {
    const unknown = await this.unknownOrders();
    await this.takeFound(unknown.map(({ orderId }) => orderId));
    this.looks -= 1;
  }

  /**
   * The same without anybody having said so: whoever writes an order in our name and forgets `mayOwnUnknown` would leave it
   * with us for as long as we live (seen: a shared network whose placing lost its answer, and every order of its user with
   * it). Only what is unknown at two looks in a row, since an order may be just coming or going at one; and once, since
   * an order that was found and stopped again stays stopped.
   */
  private async takeForgotten(): Promise<void> {
    const unknown = await this.unknownOrders();
    const seen = new Map(
      unknown.map(({ orderId, epoch }) => [
        `${orderId}/${epoch}`,
        { orderId, times: (this.forgotten.get(`${orderId}/${epoch}`)?.times ?? 0) + 1 },
      ]),
    );
    this.forgotten = seen;
    await this.takeFound([...seen.values()].filter(({ times }) => times === 2).map(({ orderId }) => orderId));
  }

  private async unknownOrders(): Promise<{ orderId: string; epoch: number }[]> {
    const { pool, engine, identity } = this.options;
    const owned = await ownedOrders(pool, identity.workerId);
    return owned.filter((one) => engine.get(one.orderId)?.epoch !== one.epoch);
  }

  private async takeFound(orderIds: string[]): Promise<void> {
    if (orderIds.length > 0) this.options.log.info({ orders: orderIds.length }, 'orders found that are ours');
    for (let at = 0; at < orderIds.length; at += 500) await this.resume(orderIds.slice(at, at + 500));
  }

  private async resume(orderIds: string[]): Promise<void> {
    const { pool, engine, identity, log } = this.options;
    for (const loaded of await loadOrders(pool, orderIds)) {
      const { orderId } = loaded.state;
      // Found or taken a moment ago; somebody may have had it since.
      if (loaded.workerId !== identity.workerId) continue;
      // It may have come to us on the usual way meanwhile.
      if (engine.get(orderId)?.epoch === loaded.epoch) continue;
      try {
        engine.resume(loaded);
      } catch (error) {
        // A state that no machine knows (a version's migration is missing) must not keep the others waiting.
        log.fatal({ orderId, reason: (error as Error).message }, 'an order cannot be resumed; it stays as it is');
      }
    }
  }
}
