import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import { RefusedError } from '../errors.js';
import { type Forecast, forecast, type Known, type Lever, leverProblem } from '../machines/levers.js';
import type { OrderState } from '../machines/order-state.js';
import type { Hold } from '../schemas/work-order.js';
import {
  answerLever,
  askOwner,
  claimLever,
  type LeverAnswer,
  leversFor,
  readLeverAnswer,
  takeResting,
  withdrawLever,
} from '../store/levers.js';
import { loadOrders } from '../store/load-orders.js';
import type { Engine, Fate } from './engine.js';
import type { Preparations } from './preparations.js';

export interface LeversOptions {
  pool: pg.Pool;
  engine: Pick<Engine, 'get' | 'dispatch' | 'hold' | 'release'>;
  identity: { workerId: string };
  preparations: Pick<Preparations, 'stuckFor'>;
  log: Logger;
  /** What planning would hold an order for if it were planned now. Changes nothing; not given: forecasts do not say. */
  dryPlan?(state: OrderState): Promise<Hold[]>;
  canDiscardWhileBuilding?: NonNullable<Known['canDiscardWhileBuilding']>;
  /** How long to wait for the worker that holds the order, or for the step to be stored. */
  answerWithinMs?: number;
}

/** Who pulls a lever, and what they had seen of the order when they decided to. */
export interface Puller {
  actor: string;
  seenRevision: number | null;
}

/**
 * Operators' levers. A lever is an event like any other, with an audit entry stored in the same statement as the step it
 * causes. An order in the memory of another worker is moved by that worker, never over its head: its requests may be on
 * their way to a cloud.
 */
export class Levers {
  private timer: NodeJS.Timeout | null = null;
  private looking = false;

  constructor(private readonly options: LeversOptions) {}

  start(everyMs = 1_000): void {
    this.timer = setInterval(() => void this.answerOthers(), everyMs);
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
  }

  /** What a lever would do to an order as it stands. @throws RefusedError API_NOT_FOUND */
  async forecast(orderId: string, lever: Lever): Promise<Forecast> {
    return this.told((await this.read(orderId)).state, lever);
  }

  private async told(state: OrderState, lever: Lever): Promise<Forecast> {
    const { dryPlan, canDiscardWhileBuilding } = this.options;
    const known: Known = canDiscardWhileBuilding ? { canDiscardWhileBuilding } : {};
    const isPlanned = state.machine.value === 'held' && (lever.act === 'resume' || lever.act === 'replay');
    if (dryPlan && isPlanned && leverProblem(state, lever) === null) known.holds = await dryPlan(state);
    return forecast(state, lever, known);
  }

  /**
   * Pulls a lever, and resolves when the step it caused is stored.
   *
   * @returns what was forecast at that moment
   * @throws RefusedError OPS_REPLAY_STATE, OPS_LEVER_STATE (it means nothing for the order as it stands),
   *   OPS_VERSION_STALE (the order has moved since it was looked at), API_NOT_FOUND, SYS_STEP_REFUSED (it is quarantined),
   *   and then nothing was done; SYS_BUSY (its worker did not answer, or has not stored it yet)
   */
  async pull(orderId: string, lever: Lever, puller: Puller): Promise<Forecast> {
    const loaded = await this.read(orderId);
    const told = await this.told(loaded.state, lever);
    if (told.allowed) throw new RefusedError(told.allowed.code, told.allowed.message);
    const answer = this.options.engine.get(orderId)
      ? await this.pullHere(orderId, lever, puller)
      : await this.pullElsewhere(orderId, lever, puller);
    if (!answer.pulled) throw new RefusedError(answer.code, answer.message);
    return told;
  }

  private async read(orderId: string): Promise<{ state: OrderState; revision: number }> {
    const mine = this.options.engine.get(orderId);
    if (mine) return mine;
    const [loaded] = await loadOrders(this.options.pool, [orderId]);
    if (!loaded) throw new RefusedError('API_NOT_FOUND', 'There is no such order.');
    return loaded;
  }

  private async pullElsewhere(orderId: string, lever: Lever, puller: Puller): Promise<LeverAnswer> {
    const { pool, engine, identity } = this.options;
    if (await takeResting(pool, orderId, identity.workerId)) {
      crashPoint('lever.taken');
      const [loaded] = await loadOrders(pool, [orderId]);
      if (loaded && !engine.get(orderId)) engine.hold(loaded);
      // Refused, it rests as it did, and another worker may move it next: it is not kept here to grow old.
      return this.pullHere(orderId, lever, puller).finally(() => engine.release(orderId));
    }
    return this.askOwner(orderId, lever, puller);
  }

  private async pullHere(orderId: string, lever: Lever, { actor, seenRevision }: Puller): Promise<LeverAnswer> {
    const { engine, preparations } = this.options;
    const open = engine.get(orderId);
    if (!open) return stale;
    if (seenRevision !== null && open.revision !== seenRevision) return stale;
    const problem = leverProblem(open.state, lever);
    if (problem) return { pulled: false, ...problem };
    const subject = open.state.workOrderId;
    const { act, reason, ...detail } = lever;
    const audit = { actor, action: `orders.${act}`, subject, orderId, reason, detail };
    // What many orders share and a person has to see to is tried again with the first order that is.
    const shared = lever.act === 'replay' ? preparations.stuckFor(orderId) : [];
    for (const preparationId of shared) {
      await this.pull(preparationId, lever, { actor, seenRevision: null }).catch((error: unknown) => {
        if (!(error instanceof RefusedError)) throw error;
      });
    }
    crashPoint('lever.before', () => [act]);
    const { answerWithinMs = answerMs } = this.options;
    const deciding = new Promise<Fate>((settled) => {
      engine.dispatch(orderId, { event: { about: 'lever', lever }, audit, seenRevision, settled });
    });
    const late = new AbortController();
    const fate = await Promise.race([deciding, sleep(answerWithinMs, 'unclear' as const, { signal: late.signal })]);
    late.abort();
    crashPoint('lever.stored', () => [act]);
    return answers[fate];
  }

  private async askOwner(orderId: string, lever: Lever, { actor, seenRevision }: Puller): Promise<LeverAnswer> {
    const { pool, answerWithinMs = answerMs } = this.options;
    const requestId = randomUUID();
    await askOwner(pool, { requestId, orderId, lever, actor, seenRevision });
    for (let waitedMs = 0; waitedMs < answerWithinMs; waitedMs += 100) {
      await sleep(100);
      const answer = await readLeverAnswer(pool, requestId);
      if (answer) return answer;
    }
    if (await withdrawLever(pool, requestId)) return unanswered;
    // The owner is at it, or was when it died: whether the lever was pulled stands in the audit.
    return (await readLeverAnswer(pool, requestId)) ?? unclear;
  }

  /** Levers pulled at other workers for orders that this one holds. */
  private async answerOthers(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    const { pool, identity, log } = this.options;
    try {
      for (const { requestId, orderId, lever, actor, seenRevision } of await leversFor(pool, identity.workerId)) {
        if (!(await claimLever(pool, requestId))) continue;
        crashPoint('lever.claimed');
        // Each by itself: one that waits for its order must not keep the others waiting.
        void this.answer(requestId, () => this.pullHere(orderId, lever, { actor, seenRevision }));
      }
    } catch (error) {
      log.warn({ code: (error as { code?: string }).code }, 'levers of other workers could not be answered');
    } finally {
      this.looking = false;
    }
  }

  /** The answer that could not be written down is missed by whoever asked, and said to be unclear. */
  private async answer(requestId: string, pull: () => Promise<LeverAnswer>): Promise<void> {
    const { pool, log } = this.options;
    try {
      await answerLever(pool, requestId, await pull());
    } catch (error) {
      log.warn({ requestId, reason: (error as Error).message }, 'a lever could not be answered');
    }
  }
}

/** For so long somebody waits for what became of a lever. */
const answerMs = 10_000;

const stale: LeverAnswer = {
  pulled: false,
  code: 'OPS_VERSION_STALE',
  message: 'The order has moved since you looked at it; look again.',
};
const unanswered: LeverAnswer = {
  pulled: false,
  code: 'SYS_BUSY',
  message: 'The worker that holds the order did not answer; nothing was done. Try again.',
};
const unclear: LeverAnswer = {
  pulled: false,
  code: 'SYS_BUSY',
  message: 'The worker that holds the order took the lever and did not say what became of it; look at the order.',
};
const moved: LeverAnswer = {
  pulled: false,
  code: 'OPS_LEVER_STATE',
  message: 'The order has moved on meanwhile; look at it again.',
};
const refused: LeverAnswer = {
  pulled: false,
  code: 'SYS_STEP_REFUSED',
  message: 'Nothing was done: the order could not take the step, and is quarantined; see the log.',
};

/** What became of a lever, in the words of its answer. A 409 means that nothing was done. */
const answers: Record<Fate | 'unclear', LeverAnswer> = {
  stored: { pulled: true },
  stale,
  lost: stale,
  ignored: moved,
  refused,
  unclear,
};
