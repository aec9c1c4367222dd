import type pg from 'pg';
import type { Logger } from 'pino';
import { readUserNews } from '../store/registrations.js';

export interface UserBookOptions {
  pool: pg.Pool;
  log: Logger;
  everyMs?: number;
}

/**
 * What planning has to know of users, without a question to the database for each order: who may not order any more, and
 * whose registrations were taken back. Both are exceptions, so there is little to remember; all workers know of a change
 * within seconds (`Registrar` waits for that before it takes anything away).
 */
export class UserBook {
  private readonly closed = new Set<string>();
  private readonly generations = new Map<string, number>();
  private since: Date | null = null;
  private timer: NodeJS.Timeout | null = null;
  private refreshing: Promise<void> | null = null;

  constructor(private readonly options: UserBookOptions) {}

  /** @throws when the database cannot be asked: a worker that does not know plans nothing */
  async start(): Promise<void> {
    await this.refresh();
    this.timer = setInterval(() => {
      this.refreshing ??= this.refresh()
        .catch((error: unknown) => {
          this.options.log.warn({ reason: (error as Error).message }, 'what is new of users could not be read');
        })
        .finally(() => (this.refreshing = null));
    }, this.options.everyMs ?? 5_000);
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.refreshing;
  }

  isClosed(userId: string): boolean {
    return this.closed.has(userId);
  }

  /** See `userKey`. */
  generation(userId: string, platformId: string): number {
    return this.generations.get(JSON.stringify([userId, platformId])) ?? 1;
  }

  async refresh(): Promise<void> {
    const { closed, registrations, until } = await readUserNews(this.options.pool, this.since);
    for (const { userId, isClosed } of closed) {
      if (isClosed) this.closed.add(userId);
      else this.closed.delete(userId);
    }
    for (const { userId, platformId, generation } of registrations) {
      this.generations.set(JSON.stringify([userId, platformId]), generation);
    }
    this.since = until;
  }
}
