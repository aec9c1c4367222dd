import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

/**
 * Time that passes only when nothing else is left to do, and the processes that live in it. While it is installed, every
 * timer and every look at a clock in this thread is a virtual one. A timer belongs to the process in whose code it was
 * set: it never rings when that process is dead, and late when it is frozen. Everything that reaches a process (an answer
 * of the store, of a cloud) comes as such a timer, so a dead process does nothing more and a frozen one wakes up with all
 * that it has missed.
 */
export class VirtualTime {
  private readonly inside = new AsyncLocalStorage<SimulatedProcess | null>();
  private heap: Entry[] = [];
  private order = 0;
  private nowMs = start;
  /** Entries that rang since the reset: a measure of work, and a lid on a world that never comes to rest. */
  rung = 0;

  get now(): number {
    return this.nowMs;
  }

  /** Since the start of this world, ms. */
  get elapsedMs(): number {
    return this.nowMs - start;
  }

  reset(): void {
    this.heap = [];
    this.order = 0;
    this.nowMs = start;
    this.rung = 0;
  }

  /** The process whose code is running; null for the world itself. */
  get current(): SimulatedProcess | null {
    return this.inside.getStore() ?? null;
  }

  /** Runs code as that of a process. */
  as<T>(process: SimulatedProcess | null, run: () => T): T {
    return this.inside.run(process, run);
  }

  after(process: SimulatedProcess | null, delayMs: number, run: () => void): Entry {
    return this.push(new Entry(this, process, this.nowMs + Math.max(0, delayMs), run, null));
  }

  /** Resolves for whoever awaits it after so much virtual time. */
  pause(delayMs: number): Promise<void> {
    const { current } = this;
    return new Promise((resolve) => this.after(current, delayMs, resolve));
  }

  /** A process that is frozen does nothing; what should have reached it waits for the thaw. */
  thaw(process: SimulatedProcess): void {
    process.frozen = false;
    for (const entry of process.missed.splice(0)) {
      entry.dueAt = this.nowMs;
      this.push(entry);
    }
  }

  /**
   * Lets time pass until `done` says so.
   *
   * @returns false when `untilMs` came first
   */
  async run(done: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      // Everything that was set off runs to its next wait before the clock moves on.
      await new Promise<void>((resolve) => real.setImmediate(resolve));
      if (done()) return true;
      const next = this.pop();
      if (!next || next.dueAt > untilMs) {
        if (next) this.push(next);
        this.nowMs = Math.max(this.nowMs, untilMs);
        return false;
      }
      this.nowMs = Math.max(this.nowMs, next.dueAt);
      this.rung += 1;
      const { process } = next;
      if (process?.alive === false) continue;
      if (process?.frozen) {
        process.missed.push(next);
        continue;
      }
      if (next.repeatMs !== null) {
        next.dueAt = this.nowMs + next.repeatMs;
        this.push(next);
      }
      this.inside.run(process, next.run);
    }
  }

  /** Puts virtual clocks and timers in place of the real ones. @returns puts the real ones back */
  install(): () => void {
    const entryOf = (delayMs: number | undefined, run: () => void, repeatMs: number | null) => {
      const wait = Math.max(1, Number(delayMs ?? 0) || 1);
      return this.push(new Entry(this, this.current, this.nowMs + wait, run, repeatMs));
    };
    const clear = (entry: unknown) => {
      if (entry instanceof Entry) entry.cancelled = true;
    };
    const clock = () => this.nowMs + (this.inside.getStore()?.clockOffsetMs ?? 0);
    class VirtualDate extends real.Date {
      constructor(...given: unknown[]) {
        if (given.length === 0) super(clock());
        else super(...(given as [number]));
      }
      static override now(): number {
        return clock();
      }
      static override [Symbol.hasInstance](value: unknown): boolean {
        return Object.prototype.toString.call(value) === '[object Date]';
      }
    }
    Object.assign(globalThis, {
      Date: VirtualDate,
      setTimeout: (run: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) =>
        entryOf(delayMs, () => run(...args), null),
      setInterval: (run: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) =>
        entryOf(delayMs, () => run(...args), Math.max(1, delayMs ?? 1)),
      setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
        this.push(new Entry(this, this.current, this.nowMs, () => run(...args), null)),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    });
    performance.now = () => this.nowMs - start - (this.inside.getStore()?.asleepMs ?? 0);
    os.uptime = () => (this.nowMs - start) / 1_000;
    timersPromises.setTimeout = (delayMs?: number, value?: unknown) =>
      new Promise((resolve) => entryOf(delayMs, () => resolve(value), null));
    syncBuiltinESMExports();
    return () => {
      const { performanceNow, sleep, uptime, ...globals } = real;
      os.uptime = uptime;
      timersPromises.setTimeout = sleep;
      syncBuiltinESMExports();
      Object.assign(globalThis, globals);
      performance.now = performanceNow;
    };
  }

  private push(entry: Entry): Entry {
    entry.order = this.order++;
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Entry;
      if (isBefore(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
    return entry;
  }

  private pop(): Entry | undefined {
    for (;;) {
      const { heap } = this;
      const first = heap[0];
      const last = heap.pop();
      if (!first || !last) return undefined;
      if (heap.length > 0) this.sink(last);
      if (!first.cancelled) return first;
    }
  }

  private sink(entry: Entry): void {
    const { heap } = this;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry) ? right : left;
      if (isBefore(entry, heap[child] as Entry)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = entry;
  }
}

/** What an operating system would call a process: it can die, be stopped for a while, and have a clock that is wrong. */
export class SimulatedProcess {
  alive = true;
  frozen = false;
  clockOffsetMs = 0;
  /** For how long its machine was suspended in all, ms: a monotonic clock stands still then, the one on the wall does not. */
  asleepMs = 0;
  readonly missed: Entry[] = [];

  constructor(readonly name: string) {}
}

/** Long enough ago that no real clock agrees by accident. */
const start = Date.UTC(2027, 0, 4, 8);

const timersPromises = createRequire(import.meta.url)('node:timers/promises') as {
  setTimeout: (delayMs?: number, value?: unknown) => Promise<unknown>;
};

const real = {
  sleep: timersPromises.setTimeout,
  uptime: os.uptime,
  Date,
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval,
  clearImmediate,
  performanceNow: performance.now.bind(performance),
};

/** One wait; what `setTimeout` returns, with the little of it that code uses. */
export class Entry {
  cancelled = false;
  order = 0;

  constructor(
    readonly time: VirtualTime,
    readonly process: SimulatedProcess | null,
    public dueAt: number,
    readonly run: () => void,
    readonly repeatMs: number | null,
  ) {}

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
