/** Runs work in the order it was asked for, so many at a time. A piece of work must not throw. */
export class Turns {
  private readonly waiting: (() => Promise<void>)[] = [];
  private running = 0;
  private whenIdle: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  take(work: () => Promise<void>): void {
    this.waiting.push(work);
    this.next();
  }

  async idle(): Promise<void> {
    if (this.running === 0 && this.waiting.length === 0) return;
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
