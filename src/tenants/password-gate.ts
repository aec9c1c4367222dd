import type pg from 'pg';
import type { Logger } from 'pino';
import { claimTry, readWaitMs, type Slowing } from '../store/log-ins.js';
import { readTenantByName, type Tenant } from '../store/tenants.js';
import type { Passwords } from './passwords.js';

/** What became of a try at a password. `waitMs`: nobody looked at it, and nobody will before that. */
export type Verdict =
  | { outcome: 'right'; tenant: Tenant; passwordHash: string }
  | { outcome: 'wrong' }
  | { outcome: 'wait'; waitMs: number };

/** After 5 misses in a row 30 s, doubled with every further one, at most 15 min. */
export const slowing: Slowing = { freeMisses: 5, firstWaitMs: 30_000, longestWaitMs: 900_000 };

/** Of the check itself; the time of a wait that only the queue of hashes makes. */
const busyWaitMs = 1_000;

export interface PasswordGateOptions {
  sql: pg.Pool;
  passwords: Passwords;
  log: Logger;
  now?(): number;
}

/**
 * Where every password of a user is tried: slower with every miss, and the same for a wrong password, for a user that does not
 * exist and for one without a password.
 */
export class PasswordGate {
  private readonly strangers: Strangers;

  constructor(private readonly options: PasswordGateOptions) {
    this.strangers = new Strangers(options.now ?? (() => performance.now()));
  }

  /** @param name user name or e-mail address, whatever the case of its letters */
  async tryName(name: string, password: string): Promise<Verdict> {
    const tenant = await readTenantByName(this.options.sql, name);
    if (tenant) return this.tryTenant(tenant, password);
    const { passwords } = this.options;
    if (!passwords.hasRoom) return { outcome: 'wait', waitMs: busyWaitMs };
    const waitMs = this.strangers.miss(name.toLowerCase());
    if (waitMs > 0) return { outcome: 'wait', waitMs };
    await passwords.verify(password, null);
    return { outcome: 'wrong' };
  }

  /**
   * The try counts as a miss until whoever asked writes down that it was right (`src/store/log-ins.ts`).
   *
   * @throws RefusedError API_RATE_LIMIT when too many passwords are being checked
   */
  async tryTenant(tenant: Tenant, password: string): Promise<Verdict> {
    const { sql, passwords, log } = this.options;
    // Looked at before the try is counted: a busy house is nobody's miss.
    if (!passwords.hasRoom) return { outcome: 'wait', waitMs: busyWaitMs };
    const claimed = await claimTry(sql, tenant.userId, slowing);
    if (!claimed) {
      const waitMs = await readWaitMs(sql, tenant.userId);
      return waitMs > 0 ? { outcome: 'wait', waitMs } : { outcome: 'wrong' };
    }
    const { passwordHash, misses } = claimed;
    const isRight = await passwords.verify(password, passwordHash);
    if (isRight && passwordHash !== null) return { outcome: 'right', tenant, passwordHash };
    if (misses >= slowing.freeMisses) {
      log.warn({ userId: tenant.userId, misses }, 'log-ins of a user are slowed down');
    }
    return { outcome: 'wrong' };
  }
}

/**
 * Misses at names that nobody has, counted as those of users are: else the wait itself would tell which names exist. In this
 * process only, and the name that was tried longest ago is forgotten.
 */
class Strangers {
  private readonly misses = new Map<string, { count: number; after: number }>();

  constructor(
    private readonly now: () => number,
    private readonly mostNames = 10_000,
  ) {}

  /** @returns 0 when the try counts, else ms until the next one does */
  miss(name: string): number {
    const now = this.now();
    const { count, after } = this.misses.get(name) ?? { count: 0, after: now };
    if (after > now) return Math.ceil(after - now);
    const { freeMisses, firstWaitMs, longestWaitMs } = slowing;
    const waitMs = count + 1 < freeMisses ? 0 : Math.min(firstWaitMs * 2 ** (count + 1 - freeMisses), longestWaitMs);
    this.misses.delete(name);
    this.misses.set(name, { count: count + 1, after: now + waitMs });
    if (this.misses.size > this.mostNames) this.misses.delete(this.misses.keys().next().value ?? name);
    return 0;
  }
}
