import type pg from 'pg';
import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import { beginPreparation, preparationProducer } from '../machines/begin-order.js';
import { modeOf, preparationId } from '../machines/follow-up.js';
import { itemFailure } from '../machines/delivery.js';
import { finalStatuses, isOverWithout, type OrderState, type PreparationOutcome } from '../machines/order-state.js';
import { orderIdFor } from '../order-id.js';
import type { Preparation } from '../planner/plan.js';
import { insertOrders } from '../store/accept.js';
import { loadOrders } from '../store/load-orders.js';
import type { Engine, OpenOrder } from './engine.js';

export interface PreparationsOptions {
  pool: pg.Pool;
  engine: Engine;
  identity: { workerId: string };
  log: Logger;
  /** Placing one failed, and an error on COMMIT says nothing: it may stand in our name without our knowing (P5). */
  failed(): void;
}

/** What orders wait for and share. One entry per preparation, however many orders need it. */
interface Entry {
  key: string;
  preparation: Preparation;
  /** What it stands on, and what that stands on. */
  needed: Preparation[];
  /** Our id of the order that makes it; null until the first is placed. */
  orderId: string | null;
  outcome: PreparationOutcome | null;
  waiting: Set<string>;
  /** Orders that were told that it needs a person. */
  toldStuck: Set<string>;
  asking: boolean;
  /** Whether it is tried again where every try has failed. */
  triesAnew: boolean;
}

/**
 * Things that many orders share (a tenant's network, an offering of a size) are made by an order that we place with
 * ourselves: its id follows from what it makes, so the first of a hundred simultaneous orders places it and the others
 * find it, on whatever worker they are. A failed one is placed again, under its next number, by the next order that needs it;
 * what stands on it fails with it.
 */
export class Preparations {
  private readonly entries = new Map<string, Entry>();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly options: PreparationsOptions) {}

  /** Another worker may be the one that makes it: the database is asked until it is there. */
  start(everyMs = 400): void {
    this.timer = setInterval(() => {
      for (const entry of this.entries.values()) if (entry.waiting.size > 0) void this.look(entry);
    }, everyMs);
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
  }

  /** Tells the order what is prepared already, and later what is not yet. */
  prepare(open: OpenOrder): void {
    const planned = open.state.plan?.preparations ?? [];
    for (const preparation of planned) {
      const id = preparationId(preparation.platformId, preparation.key);
      const hasFailed = this.entries.get(id)?.outcome?.state === 'failed';
      // A failure is not for ever: the next order that needs it tries once more. A preparation that stands on it does not: the order
      // that it is made for has failed as well, and nobody would want what came of it. But somebody may have begun another try.
      const triesAnew = !hasFailed || open.state.kind !== 'preparation';
      const key = triesAnew ? id : `${id} for ${open.state.orderId}`;
      let entry = this.entries.get(key);
      if (!entry || entry.outcome?.state === 'failed') {
        const needed = neededBy(preparation, planned);
        entry = {
          key,
          triesAnew,
          preparation,
          needed,
          orderId: null,
          outcome: null,
          waiting: new Set(),
          toldStuck: new Set(),
          asking: false,
        };
        this.entries.set(key, entry);
      }
      if (entry.outcome) {
        this.tell(open.state.orderId, entry, entry.outcome);
      } else {
        entry.waiting.add(open.state.orderId);
        entry.toldStuck.delete(open.state.orderId);
        void this.look(entry);
      }
    }
  }

  /** A preparation that this worker makes is at its end, or waits for a person: what is quarantined is held, and has not failed. */
  rests(state: OrderState): void {
    for (const entry of this.entries.values()) if (entry.orderId === state.orderId) this.note(entry, state);
  }

  private async look(entry: Entry): Promise<void> {
    if (entry.asking || entry.outcome) return;
    entry.asking = true;
    try {
      const made = await this.findOrPlace(entry, () => this.isWanted(entry));
      // Nothing is there, and nobody wants it made: whoever does later asks anew.
      if (!made) return this.letGo(entry);
      entry.orderId = made.orderId;
      if (made.found) this.note(entry, made.found);
    } catch (error) {
      this.options.log.warn(
        { preparation: entry.preparation.key, reason: (error as Error).message },
        'a preparation could not be looked at',
      );
    } finally {
      entry.asking = false;
    }
  }

  /** Those that wait and are not to be built. */
  private letGo({ waiting }: Entry): void {
    for (const orderId of waiting) {
      const open = this.options.engine.get(orderId);
      if (!open || modeOf(open.state) !== 'building') waiting.delete(orderId);
    }
  }

  /** Whether an order that waits for it is still to be built. For one that is undone, held or over nothing is made (E8). */
  private isWanted({ waiting }: Entry): boolean {
    for (const orderId of waiting) {
      const open = this.options.engine.get(orderId);
      if (!open) waiting.delete(orderId);
      else if (modeOf(open.state) === 'building') return true;
    }
    return false;
  }

  private note(entry: Entry, state: OrderState): void {
    if (finalStatuses.includes(state.status)) this.settle(entry, state);
    else if (state.status === 'held') this.tellStuck(entry, state);
  }

  /**
   * Sees to a preparation that no order waits for: it is placed if it was never made.
   *
   * @param among what it stands on, too
   * @returns our id of the order that makes it, or has made it
   */
  async ensure(preparation: Preparation, among: Preparation[]): Promise<string> {
    const asked = { preparation, needed: neededBy(preparation, among), orderId: null, triesAnew: true };
    const made = await this.findOrPlace(asked, () => true);
    if (!made) throw new Error('a preparation that is wanted was not placed');
    return made.orderId;
  }

  /**
   * `orderId`: the try that was waited for; what fails meanwhile is the waiting one's failure, too.
   *
   * @param isWanted asked at the last moment before one is placed; if it is not, and there is none, null is returned
   */
  private async findOrPlace(
    {
      preparation,
      needed,
      orderId: ownOrderId,
      triesAnew,
    }: Pick<Entry, 'preparation' | 'needed' | 'orderId' | 'triesAnew'>,
    isWanted: () => boolean,
  ): Promise<{ orderId: string; found: OrderState | null } | null> {
    let last: { orderId: string; found: OrderState } | null = null;
    for (let number = 1; ; number += 1) {
      const workOrderId = `${preparation.platformId}/${preparation.key}#${number}`;
      const orderId = orderIdFor(preparationProducer, workOrderId);
      const found = await this.find(orderId);
      // A new order does not inherit an old failure, nor what somebody has cancelled.
      if (found && isOverWithout(found.status) && ownOrderId !== orderId) {
        last = { orderId, found };
        continue;
      }
      if (!found && last && !triesAnew) return last;
      if (!found && !isWanted()) return null;
      if (!found) await this.place(orderId, workOrderId, preparation, needed);
      return { orderId, found };
    }
  }

  private async find(orderId: string): Promise<OrderState | null> {
    const mine = this.options.engine.get(orderId);
    if (mine) return mine.state;
    const [loaded] = await loadOrders(this.options.pool, [orderId]);
    return loaded?.state ?? null;
  }

  private async place(
    orderId: string,
    workOrderId: string,
    preparation: Preparation,
    needed: Preparation[],
  ): Promise<void> {
    const step = beginPreparation(orderId, workOrderId, preparation, needed);
    crashPoint('preparation.before');
    const inserted = await insertOrders(this.options.pool, [
      {
        step,
        workerId: this.options.identity.workerId,
        order: null,
        contentHash: '',
        warnings: [],
        repairs: [],
        holds: [],
        plan: JSON.stringify(step.state.plan),
        secrets: [],
      },
    ]).catch((error: unknown) => {
      this.options.failed();
      throw error;
    });
    crashPoint('preparation.placed');
    if (inserted.has(orderId)) this.options.engine.begin(step, { order: null, callbackUrl: null, claimed: true });
  }

  private settle(entry: Entry, state: OrderState): void {
    crashPoint('preparation.settled', () => [state.status]);
    const part = state.parts[0];
    entry.outcome =
      state.status === 'completed'
        ? { state: 'ready', facts: part?.machine.context.facts ?? {} }
        : {
            state: 'failed',
            failure: itemFailure(state, 0) ?? {
              disposition: 'reject',
              code: 'CLD_OUTCOME_UNCLEAR',
              message: 'It could not be prepared.',
            },
          };
    for (const orderId of entry.waiting) this.tell(orderId, entry, entry.outcome);
    entry.waiting.clear();
    if (!entry.triesAnew) this.entries.delete(entry.key);
  }

  /** Those who wait learn that it needs a person, and go on waiting: it may be there yet. */
  private tellStuck(entry: Entry, state: OrderState): void {
    const { reason } = state.machine.context;
    const failure = {
      disposition: 'ask-human' as const,
      code: reason?.code ?? 'CLD_OUTCOME_UNCLEAR',
      message: `${entry.preparation.key} cannot be prepared: ${reason?.message ?? 'no reason was given'}`,
    };
    for (const orderId of entry.waiting) {
      if (entry.toldStuck.has(orderId)) continue;
      entry.toldStuck.add(orderId);
      this.tell(orderId, entry, { state: 'stuck', failure });
    }
  }

  /** Our orders for the things that an order waits for and that need a person. */
  stuckFor(orderId: string): string[] {
    return [...this.entries.values()].flatMap((entry) =>
      entry.toldStuck.has(orderId) && entry.orderId !== null ? [entry.orderId] : [],
    );
  }

  private tell(orderId: string, entry: Entry, outcome: PreparationOutcome): void {
    const { platformId, key } = entry.preparation;
    this.options.engine.dispatch(orderId, { event: { about: 'preparation', platformId, key, outcome } });
  }
}

/** What a preparation stands on, near and far, as the plan that names it has them. */
function neededBy({ needs = [], platformId }: Preparation, planned: Preparation[]): Preparation[] {
  const near = planned.filter((one) => one.platformId === platformId && needs.includes(one.key));
  return [...new Set(near.flatMap((one) => [one, ...neededBy(one, planned)]))];
}
