/** Runs work in the order it was asked for, so many at a time. A piece of work must not throw. */
export class Turns {
  private readonly waiting: (() => Promise<void>)[] = [];
  private running = 0;
  private whenIdle: (() => void)[] = [];
  private stopped = false;

  constructor(private readonly limit: number) {}

  take(work: () => Promise<void>): void {
    if (this.stopped) return;
    this.waiting.push(work);
    this.next();
  }

  /** Drops what waits and takes nothing more; resolves when nothing runs. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.waiting.length = 0;
    if (this.running === 0) return;
    await new Promise<void>((resolve) => this.whenIdle.push(resolve));
  }

  private next(): void {
    if (this.running >= this.limit) return;
    const work = this.waiting.shift();
    if (!work) {
      if (this.running === 0) for (const resolve of this.whenIdle.splice(0)) resolve();
      return;
    }
    this.running += 1;
    void work().finally(() => {
      this.running -= 1;
      this.next();
    });
  }
}
