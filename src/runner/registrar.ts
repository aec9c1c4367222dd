import type pg from 'pg';
import type { Logger } from 'pino';
import { isOverWithout } from '../machines/order-state.js';
import { type Preparation, userKey } from '../planner/plan.js';
import type { Tenancy } from '../provisioners/provisioner.js';
import { inTransaction } from '../store/accept.js';
import { writeAudit } from '../store/audit.js';
import {
  accountOf,
  listRegistrations,
  noteRegistration,
  openOrdersOf,
  newestTries,
  type PreparationTry,
  type RegistrationPage,
  type RegistrationRow,
  type RegistrationState,
  takeDueRegistrations,
  wantRegistered,
  wantUnregistered,
} from '../store/registrations.js';
import type { Platforms } from './platforms.js';
import type { Preparations } from './preparations.js';

/** Which users, in which data centres; null is all of them. */
export interface Who {
  userIds: string[] | null;
  platformIds: string[] | null;
}

/** How a user's registration in a data centre stands. */
export interface Registration {
  userId: string;
  platformId: string;
  platformName: string;
  /** Its number, by which lists are in order. */
  platformNumber: number;
  /**
   * `asked`: nobody has looked at it yet. `working`: it is being made, or taken back. `waiting`: for a person, or for orders
   * that are still open; `detail` says which.
   */
  state: RegistrationState;
  /** Where it is going. */
  wanted: 'registered' | 'unregistered';
  detail: string;
  since: Date;
}

export interface By {
  actor: string;
  reason: string;
}

export interface RegistrarOptions {
  pool: pg.Pool;
  platforms: Pick<Platforms, 'get'>;
  preparations: Pick<Preparations, 'ensure'>;
  log: Logger;
  /** See `wantUnregistered`: longer than the workers take to hear of it. */
  removalDelayMs?: number;
  lookEveryMs?: number;
}

type Found = { state: RegistrationState; detail: string; lookAgainMs: number | null };

const atOnce = 20;
const soonMs = 1_000;
const laterMs = 5_000;

/**
 * Registers users in data centres and takes registrations back. What is wanted is noted, and that is all a caller waits for;
 * the workers see to it: a registration is made by the same preparations that a first order would place, and taken back by
 * preparations of its own, so that both survive crashes and lost answers like everything else.
 */
export class Registrar {
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> | null = null;

  constructor(private readonly options: RegistrarOptions) {}

  start(): void {
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => (this.looking = null));
    }, this.options.lookEveryMs ?? 1_000);
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.looking;
  }

  /** @param by who asks, for the audit. @returns the registrations as they stand now */
  async register(who: Who, by: By, { withNetwork = false } = {}): Promise<Registration[]> {
    await this.note('users.register', who, by, { withNetwork }, (sql) =>
      wantRegistered(sql, who, by.actor, withNetwork),
    );
    return this.list(who);
  }

  /** The same, the other way. What orders have built is never removed: a registration waits until it is gone. */
  async unregister(who: Who, by: By): Promise<Registration[]> {
    const delayMs = this.options.removalDelayMs ?? 12_000;
    await this.note('users.unregister', who, by, {}, (sql) => wantUnregistered(sql, who, by.actor, delayMs));
    return this.list(who);
  }

  /** @param page null: all of them at once */
  async list(who: Who, page: RegistrationPage | null = null): Promise<Registration[]> {
    return (await listRegistrations(this.options.pool, who, page)).map(
      ({ userId, platformId, platformName, platformNumber, state, wanted, detail, stateSince }) => ({
        userId,
        platformId,
        platformName,
        platformNumber,
        state,
        wanted,
        detail,
        since: stateSince,
      }),
    );
  }

  private async note(
    action: string,
    { userIds, platformIds }: Who,
    { actor, reason }: By,
    detail: { withNetwork?: boolean },
    want: (sql: Pick<pg.Pool, 'query'>) => Promise<number>,
  ): Promise<void> {
    await inTransaction(this.options.pool, async (sql) => {
      const rows = await want(sql);
      await writeAudit(sql, {
        actor,
        action,
        subject: userIds?.length === 1 ? (userIds[0] ?? '') : `${userIds?.length ?? 'all'} users`,
        orderId: null,
        reason,
        detail: { ...detail, platformIds: platformIds ?? 'all', registrations: rows },
      });
    });
  }

  private async look(): Promise<void> {
    try {
      const due = await takeDueRegistrations(this.options.pool, atOnce, 2 * laterMs);
      await Promise.all(due.map((row) => this.see(row)));
    } catch (error) {
      this.options.log.warn({ reason: (error as Error).message }, 'registrations could not be looked at');
    }
  }

  private async see(row: RegistrationRow): Promise<void> {
    const { pool, log } = this.options;
    const found = await this.work(row).catch((error: unknown): Found => {
      const detail = (error as Error).message;
      log.warn({ userId: row.userId, platformId: row.platformId, reason: detail }, 'a registration has to wait');
      return { state: 'waiting', detail, lookAgainMs: laterMs };
    });
    await noteRegistration(pool, row, found);
  }

  private async work(row: RegistrationRow): Promise<Found> {
    const { pool, platforms } = this.options;
    const { userId, platformId, generation, wanted, withNetwork } = row;
    const platform = platforms.get(platformId);
    if (!platform) return { state: 'waiting', detail: 'the data centre cannot be used', lookAgainMs: laterMs };
    const accountId = await accountOf(pool, userId);
    const network = userKey('default-network', userId, generation);
    const isNetworkMeant =
      wanted === 'registered' ? withNetwork : (await newestTries(pool, platformId, [network])).has(network);
    const request = { platformId, userId, accountId, generation, withNetwork: isNetworkMeant };
    const tenancy: Tenancy = (await platform.provisioner.tenancy?.(request)) ?? {
      state: 'resolved',
      made: [],
      undone: [],
    };
    if (tenancy.state === 'held') {
      const detail = tenancy.holds.map(({ message }) => message).join('; ');
      return { state: 'waiting', detail, lookAgainMs: laterMs };
    }
    if (wanted === 'registered') return this.carryOut(row, tenancy.made, tenancy.made);
    const open = await openOrdersOf(pool, userId, platformId);
    if (open.length > 0) {
      const detail = `${open.length} of the user's orders are open here: ${open.slice(0, 3).join(', ')}`;
      return { state: 'waiting', detail, lookAgainMs: laterMs };
    }
    const undone = await this.whatWasMade(platformId, tenancy.undone);
    return this.carryOut(row, undone, [...tenancy.made, ...undone]);
  }

  /** What was never made is not taken back, and nothing waits for it. */
  private async whatWasMade(
    platformId: string,
    undone: { of: string; preparation: Preparation }[],
  ): Promise<Preparation[]> {
    const keys = undone.map(({ of }) => of);
    const tries = await newestTries(this.options.pool, platformId, keys);
    const isMade = ({ of }: { of: string }) => !isOverWithout(tries.get(of)?.status ?? 'failed');
    const dropped = new Set(undone.filter((one) => !isMade(one)).map(({ preparation }) => preparation.key));
    return undone.filter(isMade).map(({ preparation: { needs = [], ...rest } }) => ({
      ...rest,
      needs: needs.filter((key) => !dropped.has(key)),
    }));
  }

  /** Places what is not placed yet, or has failed before it was wanted this time; the rest is looked at. */
  private async carryOut(
    { platformId, wanted, wantedAt }: RegistrationRow,
    preparations: Preparation[],
    among: Preparation[],
  ): Promise<Found> {
    if (preparations.length === 0) {
      const detail =
        wanted === 'registered' ? 'all users share one account here' : 'nothing was made for the user here';
      return { state: wanted, detail, lookAgainMs: null };
    }
    const tries = await newestTries(
      this.options.pool,
      platformId,
      preparations.map(({ key }) => key),
    );
    const standing: PreparationTry[] = [];
    for (const one of preparations) {
      const newest = tries.get(one.key);
      const isOver = newest && isOverWithout(newest.status) && newest.createdAt < wantedAt;
      if (newest && !isOver) standing.push(newest);
      else await this.options.preparations.ensure(one, among);
    }
    const failed = standing.find(({ status }) => isOverWithout(status));
    if (failed) return { state: 'failed', detail: failed.reason ?? 'no reason was given', lookAgainMs: null };
    const held = standing.find(({ status }) => status === 'held');
    if (held) return { state: 'waiting', detail: held.reason ?? 'it needs a person', lookAgainMs: laterMs };
    const isDone = standing.length === preparations.length && standing.every(({ status }) => status === 'completed');
    return isDone
      ? { state: wanted, detail: '', lookAgainMs: null }
      : { state: 'working', detail: '', lookAgainMs: soonMs };
  }
}
