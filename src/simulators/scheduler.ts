interface Entry {
  dueAt: number;
  order: number;
  run: () => void;
}

/**
 * Runs work at a time: one timer for everything, over a binary heap. A simulated cloud may have 20,000 open jobs, and as
 * many timers would cost more than the jobs. The timer never keeps the process alive.
 */
export class Scheduler {
  #heap: Entry[] = [];
  #timer: NodeJS.Timeout | null = null;
  #timerDueAt = Infinity;
  #order = 0;

  after(delayMs: number, run: () => void): void {
    this.#push({ dueAt: Date.now() + Math.max(0, delayMs), order: this.#order++, run });
    this.#arm();
  }

  /** Forgets everything that was planned. */
  clear(): void {
    this.#heap = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerDueAt = Infinity;
  }

  get size(): number {
    return this.#heap.length;
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined || next.dueAt >= this.#timerDueAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerDueAt = next.dueAt;
    // setTimeout takes at most 2^31-1 ms; a longer wait just wakes up early and arms again.
    this.#timer = setTimeout(() => this.#wake(), Math.min(next.dueAt - Date.now(), 2_000_000_000)).unref();
  }

  #wake(): void {
    this.#timer = null;
    this.#timerDueAt = Infinity;
    const now = Date.now();
    for (let next = this.#heap[0]; next !== undefined && next.dueAt <= now; next = this.#heap[0]) {
      this.#pop();
      try {
        next.run();
      } catch (error) {
        // One broken effect must not stop all others; the process hears of it as an uncaught exception.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    this.#arm();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, entry)) break;
      heap[index] = above;
      heap[parent] = entry;
      index = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const leftIndex = 2 * index + 1;
      const left = heap[leftIndex];
      if (left === undefined) return;
      const right = heap[leftIndex + 1];
      const [childIndex, child] =
        right !== undefined && before(right, left) ? [leftIndex + 1, right] : [leftIndex, left];
      if (before(last, child)) return;
      heap[index] = child;
      heap[childIndex] = last;
      index = childIndex;
    }
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
