import type { Logger } from 'pino';
import type { Sql } from '../store/data-source.js';
import { heldBack } from '../store/held-back.js';

/** Says it when events wait for a transaction of somebody that does not end: nobody else would notice before billing asks. */
export class EventWatch {
  private timer: NodeJS.Timeout | null = null;

  /** @param afterSeconds how long an event may wait before that is said; any transaction may take its moment */
  constructor(private readonly options: { sql: Sql; log: Logger; afterSeconds?: number; everyMs?: number }) {}

  start(): void {
    this.timer = setInterval(() => void this.look(), this.options.everyMs ?? 15_000);
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const { sql, log, afterSeconds = 30 } = this.options;
    try {
      const held = await heldBack(sql);
      if (!held || held.seconds < afterSeconds) return;
      const message =
        'events are told to nobody before a transaction on the database server ends; end it, or its process';
      log.warn({ seconds: Math.round(held.seconds), by: held.by }, message);
    } catch (error) {
      log.warn({ code: (error as { code?: string }).code }, 'it could not be seen whether events are held back');
    }
  }
}
