import type pg from 'pg';
import type { Logger } from 'pino';
import { OutcomeUnknownError, ProvisioningError } from '../errors.js';
import { creationsOf, mayRunUntil } from '../machines/late-look.js';
import type { OperationState, OrderState } from '../machines/order-state.js';
import type { OperationHandler, Trace } from '../provisioners/provisioner.js';
import { concludeLook, type Finding, type LookResult, type TakenLook, takeDueLooks } from '../store/late-looks.js';
import { laterRequest } from './operation-request.js';
import type { Platforms } from './platforms.js';
import { type Belonging, belongingOf, readWhole } from './stored-orders.js';

export interface LateLooksOptions {
  pool: pg.Pool;
  platforms: Pick<Platforms, 'get' | 'take' | 'isAway'>;
  log: Logger;
  times?: Partial<LookTimes>;
}

/** All in milliseconds. */
export interface LookTimes {
  /** After the end of the order, one for each look. */
  after: readonly [number, number, number];
  /** Between two looks into the database for what is due. */
  every: number;
  /** For so long a worker has a look to itself. */
  lease: number;
  /** Until a look that could not be made is tried again: at first, and at the most. */
  retry: number;
  retryMost: number;
}

export const lookTimes: LookTimes = {
  // When the cloud's lists have settled; when the longest request that was silent has ended; when whatever froze has thawed.
  after: [15_000, 600_000, 3_600_000],
  every: 1_000,
  lease: 60_000,
  retry: 30_000,
  retryMost: 600_000,
};

/** Looks that one worker has under way; each waits for its turn at a cloud account, which gives looks one at a time. */
const atOnce = 20;

type Seen = Pick<LookResult, 'findings' | 'present'>;
/** Why nothing can be said. */
type Blocked = { blocked: string };

/**
 * Everything an order asked a cloud to make is looked for by its marker once more: when the order has ended, ten minutes and
 * an hour later. A service that was frozen may have carried a request out after everybody had stopped waiting for it; what was
 * delivered may have been deleted by somebody. Looks, and never changes anything at a cloud; what is too many is listed, and
 * removed by `Orphans` where the producer wants it so.
 */
export class LateLooks {
  private timer: NodeJS.Timeout | null = null;
  private ticking: Promise<void> | null = null;
  private readonly underWay = new Set<Promise<void>>();
  private readonly times: LookTimes;
  private readonly giveUps = new Set<AbortController>();
  private stopped = false;
  readonly counters = { looks: 0, blocked: 0, extra: 0, missing: 0 };

  constructor(private readonly options: LateLooksOptions) {
    this.times = { ...lookTimes, ...options.times };
  }

  start(): void {
    this.timer = setInterval(() => {
      this.ticking ??= this.tick().finally(() => (this.ticking = null));
    }, this.times.every);
  }

  /** Waits for nothing but the database: what was not looked at is due again when its lease is over. */
  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.stopped = true;
    for (const giveUp of this.giveUps) giveUp.abort();
    await this.ticking;
    await Promise.all(this.underWay);
  }

  private async tick(): Promise<void> {
    const { pool, log } = this.options;
    const { after, lease } = this.times;
    try {
      const limit = Math.max(0, atOnce - this.underWay.size);
      const asked = { settleMs: after[0], secondMs: after[1], leaseMs: lease, limit };
      const due = await takeDueLooks(pool, asked);
      // Who stops leaves them to the others, when the lease is over.
      if (this.stopped) return;
      for (const taken of due) {
        const work = this.look(taken).finally(() => this.underWay.delete(work));
        this.underWay.add(work);
      }
    } catch (error) {
      log.warn({ code: (error as { code?: string }).code }, 'looks that are due could not be read');
    }
  }

  private async look(taken: TakenLook): Promise<void> {
    const { pool, log } = this.options;
    const { orderId, looks, tries } = taken;
    const giveUp = new AbortController();
    const over = giveUp.signal;
    this.giveUps.add(giveUp);
    // A little less than the lease, so that nobody else has it yet when this one gives up.
    const timer = setTimeout(() => giveUp.abort(), this.times.lease * 0.9);
    try {
      const [state] = await readWhole(pool, [orderId]);
      if (!state || over.aborted) return;
      const seen: Seen = { findings: [], present: [] };
      let problem: LookResult['problem'] = null;
      for (const operation of creationsOf(state)) {
        const answer = await this.lookFor(state, operation, over);
        if (over.aborted) return;
        if ('blocked' in answer) {
          const againInMs = Math.min(this.times.retryMost, this.times.retry * 2 ** Math.min(tries, 20));
          problem ??= { platformId: operation.platformId, message: answer.blocked, againInMs };
          continue;
        }
        seen.findings.push(...answer.findings);
        seen.present.push(...answer.present);
      }
      const next = nextLook({ ...taken, mayRunUntil: mayRunUntil(state) }, this.times.after);
      const news = await concludeLook(pool, taken, { ...seen, problem, next });
      if (news === null) return;
      this.counters.looks += 1;
      if (problem) this.counters.blocked += 1;
      for (const finding of news) this.tell(finding, looks + 1);
    } catch (error) {
      log.warn({ orderId, reason: (error as Error).message }, 'a look after the end of an order was not made');
    } finally {
      clearTimeout(timer);
      this.giveUps.delete(giveUp);
    }
  }

  private tell({ what, seen, ...finding }: Finding, look: number): void {
    this.counters[what] += 1;
    const said = what === 'extra' ? 'something of an ended order is too many' : 'something delivered is not there';
    this.options.log.warn({ ...finding, look, seen }, said);
  }

  /** Looks for what one operation left, at every stage that leaves something of its own. */
  private async lookFor(state: OrderState, operation: OperationState, over: AbortSignal): Promise<Seen | Blocked> {
    const { platformId, name, partKey } = operation;
    const platform = this.options.platforms.get(platformId);
    if (!platform) return { blocked: 'the platform is gone' };
    if (platform.unusable !== null) return { blocked: `the platform cannot be used: ${platform.unusable}` };
    if (platform.summary.state === 'maintenance') return { blocked: 'the platform is in maintenance' };
    if (this.options.platforms.isAway(platformId)) return { blocked: 'the cloud does not answer' };
    const handler = platform.provisioner.operations[name];
    if (!handler) return { blocked: `the platform does not know ${name} any more` };
    const answer = await this.inTurn(state, operation, over, async () => {
      // Only now: while it waited somebody may have begun another try at what they share.
      const belonging = await belongingOf(this.options.pool, state, partKey);
      if (belonging.state === 'open')
        return { blocked: 'something under the same marker is being made, or taken back' };
      return lookAt({ state, operation, handler, belonging });
    });
    return answer ?? { blocked: 'it had no turn at the cloud in time' };
  }

  /** @returns null when its time was over before its turn came, or had ended */
  private async inTurn(
    { orderId, accountId }: OrderState,
    { platformId }: OperationState,
    over: AbortSignal,
    work: () => Promise<Seen | Blocked>,
  ): Promise<Seen | Blocked | null> {
    return new Promise((resolve) => {
      over.addEventListener('abort', () => resolve(null), { once: true });
      this.options.platforms.take({
        tenant: accountId,
        platformId,
        orderId,
        urgency: 'look',
        isRetry: false,
        run: async () => {
          if (over.aborted) return 'done';
          resolve(await work().catch((error: unknown) => this.blockedBy(error, orderId)));
          return 'done';
        },
      });
    });
  }

  private blockedBy(error: unknown, orderId: string): Blocked {
    if (error instanceof ProvisioningError || error instanceof OutcomeUnknownError) {
      return { blocked: `${error.code}: ${error.message}`.slice(0, 300) };
    }
    this.options.log.error({ orderId, error: (error as Error).stack }, 'a look after the end of an order failed');
    return { blocked: 'an error of Orderwright’s own; see the log' };
  }
}

/** Which look is next, and when. One that was made late counts for those before it; the last is not before every request is over. */
export function nextLook(
  { endedAt, looks, takenAt, mayRunUntil }: Pick<TakenLook, 'endedAt' | 'looks' | 'takenAt'> & { mayRunUntil: number },
  after: readonly number[],
): LookResult['next'] {
  const made = Math.max(looks + 1, after.filter((ms) => endedAt + ms <= takenAt).length);
  const last = after.length - 1;
  if (made <= last) {
    const dueAt = endedAt + (after[made] ?? 0);
    return { looks: made, dueAt: made === last ? Math.max(dueAt, mayRunUntil) : dueAt };
  }
  return takenAt < mayRunUntil ? { looks: last, dueAt: mayRunUntil } : { looks: after.length, dueAt: null };
}

interface Looking {
  state: OrderState;
  operation: OperationState;
  handler: OperationHandler;
  belonging: Extract<Belonging, { state: 'ended' }>;
}

const oneThing: readonly Trace[] = [{ stage: null }];

async function lookAt({ state, operation, handler, belonging }: Looking): Promise<Seen | Blocked> {
  const { platformId, marker, name } = operation;
  const seen: Seen = { findings: [], present: [] };
  const isDelivered = belonging.resourceId !== null;
  // Not all that has its name is ours; and of what was delivered nothing is expected.
  if (handler.foundByName && !isDelivered) return seen;
  const known: Record<string, string> = { ...operation.machine.context.memo, ...belonging.facts };
  const finding = { platformId, marker, operation: name, orderId: state.orderId };
  for (const { stage, fact, within } of handler.traces ?? oneThing) {
    if (within !== undefined && known[within] === undefined) continue;
    const request = laterRequest(state, operation, stage, stage === null ? {} : known);
    const found = await handler.find(request);
    if (found.state === 'job' && found.resourceId === null) return { blocked: 'a job of it is still running' };
    const ids = found.state === 'found' ? [found.resourceId, ...found.others] : [];
    if (found.state === 'job' && found.resourceId !== null) ids.push(found.resourceId);
    const expected = isDelivered ? (fact === undefined ? belonging.resourceId : belonging.facts[fact]) : undefined;
    for (const resourceId of ids) {
      if (resourceId === expected) continue;
      // Shown by a list; what a look at it itself does not see is on its way out.
      if (!handler.foundByName && !(await isThere(handler, request, resourceId)).there) continue;
      const what = expected === undefined ? 'nothing was delivered under it' : `${expected} was delivered`;
      const words = `${name} left it under ${marker}, where ${what}`;
      const remove = state.kind === 'billing' && state.machine.context.removeExtras;
      seen.findings.push({ ...finding, what: 'extra', resourceId, stage, seen: words, remove });
    }
    if (expected !== undefined && expected !== null) {
      // Somebody may have given it another name: then only its id leads to it.
      const look = ids.includes(expected) ? { there: true, words: '' } : await isThere(handler, request, expected);
      if (look.there) seen.present.push({ platformId, resourceId: expected, orderId: belonging.orderId });
      else
        seen.findings.push({
          ...finding,
          what: 'missing',
          resourceId: expected,
          stage,
          seen: look.words,
          remove: false,
        });
    }
    const inner = expected ?? ids[0];
    if (fact !== undefined && inner !== undefined) known[fact] = inner;
  }
  return seen;
}

/** @throws what the adapter throws, but for its word that what has this id is somebody else's */
async function isThere(
  handler: OperationHandler,
  request: Parameters<OperationHandler['inspect']>[0],
  resourceId: string,
): Promise<{ there: boolean; words: string }> {
  try {
    const seen = await handler.inspect(request, resourceId);
    if (seen.state === 'absent') return { there: false, words: 'It was delivered, and the cloud does not have it.' };
    return { there: true, words: '' };
  } catch (error) {
    if (!(error instanceof ProvisioningError) || error.code !== 'CLD_CONTRADICTION') throw error;
    return { there: false, words: `It was delivered, and is not what it was: ${error.message}` };
  }
}
