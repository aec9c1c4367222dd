import { crashPoint } from '../crash-point.js';

/** A wake-up call for an order, or for one of its operations. */
export interface Alarm {
  dueAt: number;
  orderId: string;
  /** `<partKey> <name>` of the operation, or null for the order itself. */
  operation: string | null;
}

/** An alarm with the instant it rings at on a clock that never steps, ms. */
type Waiting = Alarm & { ringsAt: number };

/**
 * All waiting in one heap with one timer: 100,000 waiting orders cost 100,000 small rows here, not 100,000 timers.
 * The rows in the database are the truth; this is only what wakes them (reliability X1, X2). What is waited for is a length of time,
 * measured on a clock that never steps: with the wall's set forward a settle window would be over at once.
 */
export class Timers {
  private readonly heap: Waiting[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly now: () => number,
    private readonly ring: (alarm: Alarm) => void,
  ) {}

  add(alarm: Alarm): void {
    const waiting = { ...alarm, ringsAt: performance.now() + Math.max(0, alarm.dueAt - this.now()) };
    this.heap.push(waiting);
    this.rise(this.heap.length - 1);
    if (this.heap[0] === waiting) this.arm();
  }

  get size(): number {
    return this.heap.length;
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.heap.length = 0;
  }

  private arm(): void {
    if (this.timer) clearTimeout(this.timer);
    const first = this.heap[0];
    if (!first) return;
    // Never for long: setTimeout beyond 2^31-1 ms fires at once.
    this.timer = setTimeout(() => this.ringDue(), Math.min(Math.max(first.ringsAt - performance.now(), 0), 60_000));
  }

  private ringDue(): void {
    this.timer = null;
    const now = performance.now();
    for (let first = this.heap[0]; first && first.ringsAt <= now; first = this.heap[0]) {
      this.takeFirst();
      crashPoint('timer.rang', () => [first.operation?.split(' ').at(-1) ?? 'order']);
      const { ringsAt: _, ...alarm } = first;
      this.ring(alarm);
    }
    this.arm();
  }

  private takeFirst(): void {
    const last = this.heap.pop();
    if (!last || this.heap.length === 0) return;
    this.heap[0] = last;
    this.sink(0);
  }

  private rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.due(parent) <= this.due(index)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  private sink(from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      const smaller = left + 1 < this.heap.length && this.due(left + 1) < this.due(left) ? left + 1 : left;
      if (smaller >= this.heap.length || this.due(index) <= this.due(smaller)) return;
      this.swap(index, smaller);
      index = smaller;
    }
  }

  private due(index: number): number {
    return this.heap[index]?.ringsAt ?? Number.POSITIVE_INFINITY;
  }

  private swap(a: number, b: number): void {
    const [first, second] = [this.heap[a], this.heap[b]];
    if (first && second) [this.heap[a], this.heap[b]] = [second, first];
  }
}
