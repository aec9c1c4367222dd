import { createHash, type Hash } from 'node:crypto';

/** What happened, in order and with virtual times: its hash tells whether two runs were the same, its end what went wrong. */
export class Trace {
  private readonly hash: Hash = createHash('sha256');
  private readonly tail: string[] = [];
  private lines = 0;

  constructor(
    private readonly elapsedMs: () => number,
    private readonly keep = 40,
    private readonly print: ((line: string) => void) | null = null,
  ) {}

  add(who: string, what: string): void {
    const line = `${this.elapsedMs().toFixed(3).padStart(11)} ${who.padEnd(9)} ${what}`;
    this.hash.update(line);
    this.lines += 1;
    this.tail.push(line);
    if (this.tail.length > 2 * this.keep) this.tail.splice(0, this.keep);
    this.print?.(line);
  }

  get last(): string[] {
    return this.tail.slice(-this.keep);
  }

  get length(): number {
    return this.lines;
  }

  /** Ends it. */
  digest(): string {
    return this.hash.digest('hex');
  }
}
