import type { Logger } from 'pino';
import type { Sql } from '../store/data-source.js';
import { eraseBodies, eraseSecrets } from '../store/secrets.js';

const batch = 500;

/** Erases what nobody needs any more (`store/secrets.ts` says what that is). Every worker may run one: rows are locked. */
export class SecretJanitor {
  private timer: NodeJS.Timeout | null = null;
  private work: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly options: { sql: Sql; log: Logger; everyMs?: number }) {}

  start(): void {
    this.schedule();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    await this.work;
  }

  /** Once round, until nothing is due. @returns what was erased */
  async sweep(): Promise<{ secrets: number; bodies: number }> {
    const { sql } = this.options;
    return {
      secrets: await this.untilNothing(() => eraseSecrets(sql, batch)),
      bodies: await this.untilNothing(() => eraseBodies(sql, batch)),
    };
  }

  private async untilNothing(erase: () => Promise<number>): Promise<number> {
    let total = 0;
    for (let erased = batch; erased === batch && !this.stopped; total += erased) erased = await erase();
    return total;
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.work = this.sweep()
        .then(({ secrets, bodies }) => {
          if (secrets + bodies > 0) this.options.log.info({ secrets, bodies }, 'erased what is not needed any more');
        })
        // The database is away: what is due now is due later all the more.
        .catch((error: unknown) =>
          this.options.log.warn({ reason: (error as { code?: string }).code ?? 'unknown' }, 'nothing could be erased'),
        )
        .finally(() => this.schedule());
    }, this.options.everyMs ?? 60_000);
    this.timer.unref();
  }
}
