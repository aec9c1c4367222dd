import { RefusedError } from '../../src/errors.js';
import type { Lever } from '../../src/machines/levers.js';
import type { CloudResource, SentLever } from '../invariants/evidence.js';
import type { Chance } from './chance.js';
import type { SimulatedStore } from './store.js';
import type { Trace } from './trace.js';
import type { VirtualTime } from './virtual-time.js';
import type { WorkerProcess } from './worker-process.js';

export interface OperatorSurroundings {
  time: VirtualTime;
  store: SimulatedStore;
  trace: Trace;
  random: Chance;
  count(what: string): void;
  /** Everything alive at the cloud. */
  resources(): CloudResource[];
}

interface OrderRow {
  order_id: string;
  work_order_id: string;
  kind: string;
  state: string;
  revision: number;
  items: number;
}

/** After so many levers pulled in vain nobody believes any more that an order comes to its end. */
const mostTries = 12;

/**
 * The people at the levers: at random moments in the time of trouble, and afterwards, patiently, until nothing waits for a person
 * any more. What they asked for and how they were answered is kept for the checks.
 */
export class Operators {
  readonly levers: SentLever[] = [];
  private readonly tries = new Map<string, { count: number; at: number }>();

  constructor(private readonly around: OperatorSurroundings) {}

  /** As the swarm has always done it: one of five levers at some order of billing's, whatever its state. */
  pullOne(running: WorkerProcess): void {
    const { random } = this.around;
    const orders = this.orders(`kind = 'billing'`);
    if (orders.length === 0) return;
    const order = random.pick(orders);
    const act = random.pick(['cancel', 'hold', 'hold', 'resume', 'resume', 'replay', 'replay', 'skip'] as const);
    const reason = `operator ${this.levers.length}`;
    const lever: Lever = act === 'skip' ? { act, itemIndex: random.int(0, 3), reason } : { act, reason };
    this.pull(running, order, lever, null);
  }

  /** Any lever at any order, a preparation too; with a forecast first or on an old look; now and then two people at once. */
  pullAny(ready: WorkerProcess[]): void {
    const { random } = this.around;
    const wantsPreparation = random.happens(0.15);
    const open = this.orders(`finished_at is null and kind = '${wantsPreparation ? 'preparation' : 'billing'}'`);
    // Mostly at what is open: a lever at what has ended is refused, whatever it is.
    const orders = open.length > 0 && random.happens(0.9) ? open : this.orders(`kind = 'billing'`);
    if (orders.length === 0 || ready.length === 0) return;
    const order = random.pick(orders);
    const hands = random.happens(0.2) ? 2 : 1;
    if (hands === 2) this.around.count('two operators at once');
    const seen = this.seenRevision(order);
    for (let hand = 0; hand < hands; hand++) {
      const lever = this.anyLever(order, `operator ${this.levers.length} hand ${hand}`);
      const running = random.pick(ready);
      if (random.happens(0.3)) this.forecast(running, order, lever);
      this.pull(running, order, lever, seen);
    }
  }

  /**
   * One round of those who look after what waits for a person.
   *
   * @param mayBeLeft whether there may be orders that no lever brings to an end
   * @returns what has been waiting in vain for too long, in words
   */
  lookAfter(ready: WorkerProcess[], unknownKinds: ReadonlySet<string>, mayBeLeft: boolean): string[] {
    const { random, time } = this.around;
    const waiting = this.orders(
      `finished_at is null and (machine ->> 'value' in ('paused', 'held', 'needsOperator', 'failing', 'undoStuck', 'quarantined')
         or (kind = 'preparation' and status = 'held'))`,
    );
    const inVain: string[] = [];
    for (const order of waiting) {
      const tried = this.tries.get(order.order_id) ?? { count: 0, at: Number.NEGATIVE_INFINITY };
      if (time.elapsedMs - tried.at < 3_000 || ready.length === 0) continue;
      if (tried.count >= mostTries) {
        // What nobody's order needs may wait for a person for ever.
        if (order.kind === 'billing' && !mayBeLeft)
          inVain.push(`${order.work_order_id} is ${order.state} after ${mostTries} levers`);
        continue;
      }
      this.tries.set(order.order_id, { count: tried.count + 1, at: time.elapsedMs });
      // Of its own: a replay of an order is written down at what it waits for as well, with the same reason.
      const reason = `after the troubles ${this.levers.length}`;
      const lever = this.mending(order, tried.count, reason, unknownKinds.has(order.work_order_id));
      this.around.count(`looked after ${order.kind} ${order.state}`);
      this.pull(random.pick(ready), order, lever, null);
    }
    return inVain;
  }

  /** As the swarm has always done it: what is on hold goes on, what could not be undone is tried again, once. */
  lookOnce(running: WorkerProcess): void {
    for (const order of this.orders(`machine ->> 'value' in ('paused', 'undoStuck')`, 'order_id')) {
      const act = order.state === 'paused' ? 'resume' : 'replay';
      this.pull(running, order, { act, reason: 'after the troubles' }, null, false);
    }
  }

  /** Whether an order waits for a person who has given up on it. */
  isLeft(orderId: string): boolean {
    return (this.tries.get(orderId)?.count ?? 0) >= mostTries;
  }

  private mending(order: OrderRow, count: number, reason: string, isUnknownKind: boolean): Lever {
    const { random } = this.around;
    const cancel = { act: 'cancel', reason } as const;
    const replay = { act: 'replay', reason } as const;
    if (order.kind === 'preparation') return order.state === 'paused' ? { act: 'resume', reason } : replay;
    switch (order.state) {
      case 'paused':
        return { act: 'resume', reason };
      case 'held':
        if (isUnknownKind && count > 0) return cancel;
        return count < 2 ? { act: random.pick(['resume', 'replay']), reason } : cancel;
      case 'needsOperator':
        if (count < 3) return replay;
        return count < 5 && order.items > 1
          ? { act: 'skip', itemIndex: random.int(0, order.items - 1), reason }
          : cancel;
      case 'failing':
        return count < 2 ? replay : cancel;
      case 'quarantined':
        return count % 2 === 0 ? replay : cancel;
      default:
        return replay;
    }
  }

  private anyLever(order: OrderRow, reason: string): Lever {
    const { random } = this.around;
    const acts = ['cancel', 'hold', 'hold', 'resume', 'resume', 'replay', 'replay', 'skip', 'mark-done'] as const;
    // What is shared is seldom cancelled or given up: no road of the product leads there yet.
    const act = order.kind === 'preparation' && random.happens(0.8) ? 'replay' : random.pick(acts);
    if (act === 'skip') return { act, itemIndex: random.int(0, Math.max(0, order.items - 1)), reason };
    if (act === 'mark-done') return { act, reason, ...this.named(order) };
    return { act, reason };
  }

  /** What somebody calls the outcome: what is there by the step's marker, or something else altogether. */
  private named(order: OrderRow): { itemIndex: number; resourceId: string } {
    const { random, store } = this.around;
    const open = store.ask({
      text: `select item_index, marker from cloud_operation where order_id = $1 and state in ('stuck', 'failed') order by number`,
      values: [order.order_id],
    }).rows as { item_index: number; marker: string }[];
    const things = this.around.resources();
    const operation = open.length > 0 ? random.pick(open) : null;
    const right = things.find(({ marker }) => operation !== null && marker === operation.marker);
    const itemIndex = operation?.item_index ?? random.int(0, Math.max(0, order.items - 1));
    if (right && random.happens(0.6)) return { itemIndex, resourceId: right.id };
    const wrong = things.length > 0 && random.happens(0.5) ? random.pick(things).id : random.uuid();
    return { itemIndex, resourceId: wrong };
  }

  /** What somebody looked at before he decided: nothing, how it stands, or how it stood. */
  private seenRevision({ revision }: OrderRow): number | null {
    const { random } = this.around;
    if (random.happens(0.5)) return null;
    if (random.happens(0.6) || revision <= 1) return revision;
    this.around.count('lever on an old look');
    return random.int(1, revision - 1);
  }

  private forecast(running: WorkerProcess, order: OrderRow, lever: Lever): void {
    const { time, count } = this.around;
    const { reason } = lever;
    const entry: SentLever = {
      action: `orders.${lever.act}`,
      workOrderId: order.work_order_id,
      reason,
      answer: null,
      dryRun: true,
    };
    this.levers.push(entry);
    time.as(running.process, () => {
      void running.worker?.levers.forecast(order.order_id, lever).then(
        () => {
          entry.answer = 200;
          time.after(null, 1, () => count(`forecast ${lever.act}`));
        },
        () => {},
      );
    });
  }

  private pull(
    running: WorkerProcess,
    order: OrderRow,
    lever: Lever,
    seenRevision: number | null,
    isTold = true,
  ): void {
    const { time, trace, count } = this.around;
    const { order_id: orderId, work_order_id: workOrderId, kind } = order;
    const { act, reason } = lever;
    const entry: SentLever = { action: `orders.${act}`, workOrderId, reason, answer: null };
    this.levers.push(entry);
    const answered = (answer: number | null, why = '') => {
      entry.answer = answer;
      if (!isTold) return;
      count(`lever ${kind === 'billing' ? '' : `at ${kind} `}${act} ${answer ?? 'no answer'}`);
      trace.add('operator', `${act} ${workOrderId} at ${running.process.name}: ${answer ?? 'no answer'} ${why}`);
    };
    time.as(running.process, () => {
      void running.worker?.levers.pull(orderId, lever, { actor: 'operator', seenRevision }).then(
        () => time.after(null, 1, () => answered(200)),
        (error: unknown) => {
          // What is not refused may have been done: its answer says nothing.
          const isRefused = error instanceof RefusedError && error.code !== 'SYS_BUSY';
          time.after(null, 1, () => answered(isRefused ? 409 : null, (error as Error).message));
        },
      );
    });
  }

  private orders(where: string, by = 'created_at, order_id'): OrderRow[] {
    return this.around.store.ask({
      text: `select order_id, work_order_id, kind, machine ->> 'value' as state, revision,
                    (select count(*)::int from work_order_item i where i.order_id = o.order_id) as items
               from work_order o where ${where} order by ${by}`,
    }).rows as unknown as OrderRow[];
  }
}
