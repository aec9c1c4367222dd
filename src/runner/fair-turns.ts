import { withoutPermission } from '../provisioners/permission.js';

/** What a piece of work says when it ends: done, or that the cloud was away and it has to be begun again. */
export type TurnEnd = 'done' | 'again';

/** A piece of work at a cloud account: one or a few calls. It must not throw. */
export interface Turn {
  /** Whose it is; the tenants take turns. */
  tenant: string;
  platformId: string;
  /** Null for what belongs to no order, such as asking about jobs. */
  orderId: string | null;
  /** What ends something comes before what begins something: it frees what others wait for. */
  urgency: Urgency;
  /** It was tried before and is counted against the account's budget for retries. */
  isRetry: boolean;
  run(): Promise<TurnEnd>;
}

/** `look`: nobody waits for it. It has its turn when no other work wants one, one at a time, whoever's it is. */
export type Urgency = (typeof urgencies)[number] | 'look';
const urgencies = ['finish', 'begin', 'plan'] as const;

/** Where an order's next piece of work stands in the queue. */
export interface Standing {
  /** 1 is next. */
  position: number;
  of: number;
  /** From how fast turns came lately; null while nobody knows. */
  expectedMs: number | null;
}

export interface FairTurnsOptions {
  /** Pieces of work at once at the most; asked every time. */
  atOnce(): number;
  /** How many turns a tenant gets for one of a tenant of weight 1. */
  weightOf(tenant: string): number;
  /** Whether work that has to be begun again still belongs in this queue; if not, it has been put elsewhere. */
  takes(turn: Turn): boolean;
  now?: () => number;
}

/** A tenant's waiting work, and where it is in virtual time. */
interface Flow {
  tenant: string;
  weight: number;
  /** Virtual time at which its next piece of work starts. */
  start: number;
  queues: Record<(typeof urgencies)[number], Queue>;
  size: number;
}

/**
 * The one queue of a cloud account. Tenants take turns by weight (start-time fair queueing: each turn moves its tenant
 * 1/weight ahead, and the tenant who is furthest behind is next), so a tenant who comes with one order waits for at most
 * one turn of each of the others, however many they have waiting. A tenant who was idle saves nothing up. A turn is one
 * piece of work of one to a few calls; that one tenant's work costs more calls than another's is not evened out.
 */
export class FairTurns {
  private readonly flows = new Map<string, Flow>();
  /** Where tenants who ran out of waiting work were; forgotten once the others have passed it, or when nobody waits. */
  private readonly idleAt = new Map<string, number>();
  /** What only looks, outside of all accounts of who had how many turns. */
  private looks = new Queue();
  private looking = false;
  private virtualTime = 0;
  private sweptAt = 0;
  private waitingCount = 0;
  private running = 0;
  private stopped = false;
  private whenIdle: (() => void)[] = [];
  /** Moving average of the time between two turns while others waited, ms. */
  private betweenTurnsMs: number | null = null;
  private lastBusyTurnAt: number | null = null;

  constructor(private readonly options: FairTurnsOptions) {}

  get waiting(): number {
    return this.waitingCount;
  }

  take(turn: Turn): void {
    if (this.stopped) return;
    // While nobody waits nobody can be wronged: no account is kept of such turns.
    if (turn.urgency !== 'look' && this.waitingCount === 0 && this.running < this.options.atOnce()) {
      this.begin(turn);
      return;
    }
    this.enqueue(turn, false);
    this.next();
  }

  /** Begins what may begin now; called when the limit has been raised. */
  next(): void {
    while (!this.stopped && this.waitingCount > 0 && this.running < this.options.atOnce()) {
      const turn = this.dequeue();
      if (!turn) return;
      this.begin(turn);
    }
    if (this.stopped || this.looking || this.waitingCount > 0 || this.running >= this.options.atOnce()) return;
    const look = this.looks.take();
    if (!look) return;
    this.looking = true;
    this.begin(look);
  }

  /** Takes a platform's waiting work out, in the order in which it would have come. */
  withdraw(platformId: string): Turn[] {
    const kept: Turn[] = [];
    const out: { turn: Turn; startsAt: number }[] = [];
    for (const one of this.all()) if (one.turn.platformId === platformId) out.push(one);
    for (const flow of this.flows.values()) {
      for (const urgency of urgencies) {
        for (const turn of flow.queues[urgency].items()) if (turn.platformId !== platformId) kept.push(turn);
      }
    }
    this.forgetAll();
    for (const turn of kept) this.enqueue(turn, false);
    const looks = [...this.looks.items()];
    this.looks = new Queue();
    for (const turn of looks) if (turn.platformId !== platformId) this.looks.put(turn);
    return [
      ...out.toSorted((a, b) => a.startsAt - b.startsAt).map(({ turn }) => turn),
      ...looks.filter((turn) => turn.platformId === platformId),
    ];
  }

  /** Drops what waits and takes nothing more; resolves when nothing runs. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.forgetAll();
    this.looks = new Queue();
    if (this.running === 0) return;
    await new Promise<void>((resolve) => this.whenIdle.push(resolve));
  }

  /** How many of each platform's pieces of work wait. */
  waitingOf(platformId: string): number {
    let count = 0;
    for (const turn of this.all()) if (turn.turn.platformId === platformId) count += 1;
    return count;
  }

  /** Where an order's first waiting piece of work stands; null when none waits. */
  standingOf(orderId: string): Standing | null {
    let mine: number | null = null;
    for (const one of this.all()) {
      if (one.turn.orderId === orderId && (mine === null || one.startsAt < mine)) mine = one.startsAt;
    }
    if (mine === null) return null;
    let before = 0;
    for (const one of this.all()) if (one.startsAt < mine) before += 1;
    const position = before + 1;
    const expectedMs = this.betweenTurnsMs === null ? null : Math.round(position * this.betweenTurnsMs);
    return { position, of: this.waitingCount, expectedMs };
  }

  private *all(): Generator<{ turn: Turn; startsAt: number }> {
    for (const flow of this.flows.values()) {
      let startsAt = flow.start;
      for (const urgency of urgencies) {
        for (const turn of flow.queues[urgency].items()) {
          yield { turn, startsAt };
          startsAt += 1 / flow.weight;
        }
      }
    }
  }

  private begin(turn: Turn): void {
    this.running += 1;
    // It begins when another piece of work ends, and has nothing to do with it.
    void withoutPermission(() => this.runOne(turn));
  }

  private forgetAll(): void {
    this.flows.clear();
    this.idleAt.clear();
    this.virtualTime = this.sweptAt = 0;
    this.waitingCount = 0;
  }

  private async runOne(turn: Turn): Promise<void> {
    let end: TurnEnd = 'done';
    try {
      end = await turn.run();
    } finally {
      this.running -= 1;
      if (turn.urgency === 'look') this.looking = false;
    }
    // First of its tenant's: it had its turn, and could not use it. Unless its platform takes no work any more.
    if (end === 'again' && !this.stopped && this.options.takes(turn)) this.enqueue(turn, true);
    if (this.running === 0 && this.stopped) for (const resolve of this.whenIdle.splice(0)) resolve();
    this.next();
  }

  private enqueue(turn: Turn, first: boolean): void {
    if (turn.urgency === 'look') {
      if (first) this.looks.putFirst(turn);
      else this.looks.put(turn);
      return;
    }
    let flow = this.flows.get(turn.tenant);
    if (!flow) {
      const weight = this.options.weightOf(turn.tenant);
      const start = Math.max(this.virtualTime, this.idleAt.get(turn.tenant) ?? 0);
      const queues = { finish: new Queue(), begin: new Queue(), plan: new Queue() };
      this.flows.set(turn.tenant, (flow = { tenant: turn.tenant, weight, start, queues, size: 0 }));
      this.idleAt.delete(turn.tenant);
    }
    if (first) flow.queues[turn.urgency].putFirst(turn);
    else flow.queues[turn.urgency].put(turn);
    flow.size += 1;
    this.waitingCount += 1;
  }

  private dequeue(): Turn | undefined {
    let chosen: Flow | undefined;
    for (const flow of this.flows.values()) if (!chosen || flow.start < chosen.start) chosen = flow;
    const turn =
      chosen &&
      urgencies
        .map((one) => chosen.queues[one])
        .find((queue) => queue.size > 0)
        ?.take();
    if (!chosen || !turn) return undefined;
    this.virtualTime = chosen.start;
    chosen.start += 1 / chosen.weight;
    chosen.size -= 1;
    this.waitingCount -= 1;
    if (chosen.size === 0) this.retire(chosen);
    this.measure();
    return turn;
  }

  private retire(flow: Flow): void {
    if (this.waitingCount === 0) {
      this.forgetAll();
      return;
    }
    this.flows.delete(flow.tenant);
    this.idleAt.set(flow.tenant, flow.start);
    if (this.idleAt.size <= 1_000 || this.virtualTime < this.sweptAt + 1) return;
    for (const [tenant, at] of this.idleAt) if (at <= this.virtualTime) this.idleAt.delete(tenant);
    this.sweptAt = this.virtualTime;
  }

  private measure(): void {
    const now = (this.options.now ?? Date.now)();
    if (this.lastBusyTurnAt !== null) {
      const between = now - this.lastBusyTurnAt;
      this.betweenTurnsMs = this.betweenTurnsMs === null ? between : this.betweenTurnsMs * 0.9 + between * 0.1;
    }
    // Only while others wait: the time in which nobody wanted a turn says nothing.
    this.lastBusyTurnAt = this.waitingCount > 0 ? now : null;
  }
}

/** First in, first out, with a way to the front; taking does not move what stays. */
class Queue {
  private turns: (Turn | undefined)[] = [];
  private head = 0;

  get size(): number {
    return this.turns.length - this.head;
  }

  put(turn: Turn): void {
    this.turns.push(turn);
  }

  putFirst(turn: Turn): void {
    if (this.head > 0) this.turns[--this.head] = turn;
    else this.turns.unshift(turn);
  }

  take(): Turn | undefined {
    const turn = this.turns[this.head];
    this.turns[this.head] = undefined;
    this.head += 1;
    if (this.head > 1_000 && this.head * 2 > this.turns.length) {
      this.turns = this.turns.slice(this.head);
      this.head = 0;
    } else if (this.head === this.turns.length) {
      this.turns = [];
      this.head = 0;
    }
    return turn;
  }

  *items(): Generator<Turn> {
    for (const turn of this.turns) if (turn) yield turn;
  }
}
