import type pg from 'pg';
import { pino } from 'pino';
import { type By, Registrar, type Registration, type Who } from '../../src/runner/registrar.js';

/** The real one, whose registrations nobody looks at: what becomes of them the tests say themselves. It keeps what it was asked for. */
export class RecordedRegistrar {
  readonly calls: { act: 'register' | 'unregister'; who: Who; by: By; options?: object }[] = [];
  /** Thrown by the next call that would change something. */
  failure: Error | null = null;
  private readonly real: Registrar;

  constructor(private readonly pool: pg.Pool) {
    const nobody = () => Promise.reject(new Error('nobody looks at registrations here'));
    this.real = new Registrar({
      pool,
      platforms: { get: () => undefined },
      preparations: { ensure: nobody },
      log: pino({ level: 'silent' }),
    });
  }

  async register(who: Who, by: By, options?: { withNetwork?: boolean }): Promise<Registration[]> {
    this.note({ act: 'register', who, by, ...(options && { options }) });
    return this.real.register(who, by, options);
  }

  async unregister(who: Who, by: By): Promise<Registration[]> {
    this.note({ act: 'unregister', who, by });
    return this.real.unregister(who, by);
  }

  list(...asked: Parameters<Registrar['list']>): Promise<Registration[]> {
    return this.real.list(...asked);
  }

  /** Says how a registration stands. */
  async becomes(userId: string, platformId: string, change: Partial<Registration>): Promise<void> {
    const { state = 'asked', wanted = 'registered', detail = '', since = new Date() } = change;
    await this.pool.query(
      `insert into tenant_registration (user_id, platform_id, wanted, wanted_by, state, detail, state_since)
       values ($1, $2, $3, 'tests', $4, $5, $6)
       on conflict (user_id, platform_id) do update set wanted = $3, state = $4, detail = $5, state_since = $6`,
      [userId, platformId, wanted, state, detail, since],
    );
  }

  private note(call: RecordedRegistrar['calls'][number]): void {
    if (this.failure) {
      const { failure } = this;
      this.failure = null;
      throw failure;
    }
    this.calls.push(call);
  }
}
