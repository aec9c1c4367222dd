import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.js';
import type { Role } from '../roles.js';
import { usableTokens, type UsableToken } from '../store/access.js';
import type { Sql } from '../store/data-source.js';

/** Who asks. */
export interface Principal {
  /** Name of the token, as the audit keeps it. */
  name: string;
  role: Role;
  /** Sees and does this account's things only; null: every account's. */
  accountId: string | null;
}

/** A revoked token opens nothing after this, on any worker; until it is over nothing is asked. */
const freshMs = 2_000;
/** A token that is not known may have been made a moment ago on another worker; asked so often, guessing costs little. */
const unknownMs = 200;
/** While the database is away the last answer holds so long, so that a hiccup locks nobody out. */
const staleMs = 5_000;

/** The tokens that open the API: those of the environment, and those of the table, which are read again while asked for. */
export class TokenBook {
  private readonly configured: UsableToken[];
  private stored: UsableToken[] = [];
  private readAt = -Infinity;
  private reading: Promise<void> | null = null;

  constructor(
    private readonly sql: Sql,
    configured: Config['apiTokens'],
    private readonly now: () => number = () => performance.now(),
  ) {
    this.configured = configured.map(({ sha256, ...token }) => ({
      ...token,
      sha256: Buffer.from(sha256, 'hex'),
      expiresAt: null,
    }));
  }

  /** @returns null for a token that opens nothing @throws when the database has been away for too long to tell */
  async find(token: string): Promise<Principal | null> {
    const given = createHash('sha256').update(token).digest();
    const found = match(given, this.configured);
    if (found) return found;
    await this.refresh(freshMs);
    const stored = match(given, this.stored);
    if (stored) return stored;
    await this.refresh(unknownMs);
    return match(given, this.stored);
  }

  /** The table was changed by this process: the next request reads it again. */
  forget(): void {
    this.readAt = -Infinity;
  }

  /** Whether somebody who came in before may stay: long answers ask again and again. */
  async stillOpens(token: string): Promise<boolean> {
    return (await this.find(token)) !== null;
  }

  private async refresh(olderThanMs: number): Promise<void> {
    if (this.now() - this.readAt < olderThanMs) return;
    const startedAt = this.now();
    // One question for all who wait: a wrong token is no way to keep the database busy.
    this.reading ??= usableTokens(this.sql)
      .then((stored) => {
        this.stored = stored;
        this.readAt = startedAt;
      })
      .finally(() => (this.reading = null));
    try {
      await this.reading;
    } catch (error) {
      if (this.now() - this.readAt > staleMs) throw error;
    }
  }
}

/** Every token is compared, each in constant time: neither which one nor how much of it was right can be measured. */
function match(given: Buffer, known: readonly UsableToken[]): Principal | null {
  let found: UsableToken | null = null;
  for (const one of known) if (timingSafeEqual(one.sha256, given)) found = one;
  // The clock of this machine, to the second; the database decides again at the next reading.
  if (found === null || (found.expiresAt !== null && found.expiresAt.getTime() <= Date.now())) return null;
  return { name: found.name, role: found.role, accountId: found.accountId };
}
