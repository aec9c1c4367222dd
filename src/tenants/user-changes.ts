import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { type Problem, RefusedError } from '../errors.js';
import { inTransaction } from '../store/accept.js';
import { writeAudit } from '../store/audit.js';
import type { Sql } from '../store/data-source.js';
import { forgetMisses, recordLogIn, recordLogOut, replacePassword } from '../store/log-ins.js';
import {
  insertTenant,
  readTenant,
  readTenantByName,
  removeTenant,
  setTenantState,
  type Tenant,
  type TenantContent,
  type TenantState,
  updateTenant,
} from '../store/tenants.js';
import type { PasswordGate, Verdict } from './password-gate.js';
import type { Passwords } from './passwords.js';
import { checkAccountStays, checkNameIsTheirs, contentDifferences, withChange } from './user-content.js';

/** Who acts, as the audit keeps it. */
export interface Actor {
  actor: string;
  reason: string;
}

/** A user to be added. */
export interface NewUser extends Omit<TenantContent, 'accountId'> {
  /** Null: one is drawn. */
  userId: string | null;
  /** Null: the user's own id. */
  accountId: string | null;
  password: string;
}

/** What is to be changed of a user; what is left out stays. `profile` is merged, name by name. */
export type UserChange = Partial<TenantContent> & { password?: string };

export interface UserChangesOptions {
  pool: pg.Pool;
  passwords: Passwords;
  gate: PasswordGate;
}

/**
 * The users, as the source platform keeps them: every change is written down with who and why in the same transaction, and no
 * password, name, address or number stands in what is written down.
 */
export class UserChanges {
  constructor(private readonly options: UserChangesOptions) {}

  /**
   * Adds a user, or recognises one that is there with the same content: a caller whose answer got lost asks again.
   *
   * @throws RefusedError API_PARAMETER; OPS_USER_EXISTS naming what differs or what somebody else has
   */
  async add(given: NewUser, by: Actor): Promise<{ verdict: Verdict; isNew: boolean }> {
    checkNameIsTheirs(given);
    const before = await this.sameAs(given);
    if (before) return { verdict: await this.recognise(before, given), isNew: false };
    const { password, userId: wantedId, accountId: wantedAccount, ...content } = given;
    const userId = wantedId ?? randomUUID().replaceAll('-', '');
    const accountId = wantedAccount ?? userId;
    const passwordHash = await this.options.passwords.hash(password);
    const added = await this.write(async (sql) => {
      const tenant = await insertTenant(sql, userId, { ...content, accountId }, passwordHash);
      if (tenant) await audit(sql, 'create', userId, by, { accountId });
      return tenant;
    });
    if (!(added instanceof RefusedError) && added !== null) {
      return { verdict: { outcome: 'right', tenant: added, passwordHash }, isNew: true };
    }
    // Somebody was faster: perhaps the same caller, who asked twice.
    const now = await this.sameAs(given);
    if (now) return { verdict: await this.recognise(now, given), isNew: false };
    throw added ?? taken('ct_user_id', 'belongs to another user');
  }

  /**
   * Changes what is given. A password is set without asking for the old one: that is how an administrator helps somebody who forgot it.
   *
   * @throws RefusedError API_NOT_FOUND, API_PARAMETER, OPS_USER_EXISTS
   */
  async edit(userId: string, change: UserChange, by: Actor): Promise<{ tenant: Tenant; changed: string[] }> {
    const { password } = change;
    const passwordHash = password === undefined ? null : await this.options.passwords.hash(password);
    const done = await this.write(async (sql) => {
      const before = found(await readTenant(sql, userId, { lock: true }));
      const content = withChange(before, change);
      checkNameIsTheirs(content);
      checkAccountStays(before, content);
      const changed = contentDifferences(before, content);
      const tenant = changed.length === 0 ? before : found(await updateTenant(sql, userId, content));
      if (passwordHash !== null) {
        await replacePassword(sql, userId, null, passwordHash);
        changed.push('password');
      }
      if (changed.length > 0) await audit(sql, 'update', userId, by, { changed });
      return { tenant, changed };
    });
    if (done instanceof RefusedError) throw done;
    return done;
  }

  /** @throws RefusedError API_NOT_FOUND */
  setState(userId: string, state: TenantState, by: Actor): Promise<Tenant> {
    return inTransaction(this.options.pool, async (sql) => {
      const tenant = found(await setTenantState(sql, userId, state));
      await audit(sql, state === 'active' ? 'activate' : 'deactivate', userId, by);
      return tenant;
    });
  }

  /** Softly; whoever removes a user has taken back its registrations before. @throws RefusedError API_NOT_FOUND */
  remove(userId: string, by: Actor): Promise<Tenant> {
    return inTransaction(this.options.pool, async (sql) => {
      const tenant = await removeTenant(sql, userId);
      if (!tenant) throw notFound();
      await audit(sql, 'delete', userId, by);
      return tenant;
    });
  }

  /** @param name user name or e-mail address @throws RefusedError API_RATE_LIMIT */
  async logIn(name: string, password: string, by: Actor): Promise<Verdict> {
    const { gate, pool, passwords } = this.options;
    const verdict = await gate.tryName(name, password);
    if (verdict.outcome !== 'right') return verdict;
    const { tenant, passwordHash } = verdict;
    const isIn = await inTransaction(pool, async (sql) => {
      const isRecorded = await recordLogIn(sql, tenant.userId, passwordHash);
      if (isRecorded) await audit(sql, 'log-in', tenant.userId, by);
      return isRecorded;
    });
    if (!isIn) return { outcome: 'wrong' };
    // Another time, if the house is busy: the log-in itself is done.
    if (passwords.isOutdated(passwordHash) && passwords.hasRoom) {
      await replacePassword(pool, tenant.userId, passwordHash, await passwords.hash(password));
    }
    return verdict;
  }

  /** @throws RefusedError API_NOT_FOUND */
  logOut(userId: string, by: Actor): Promise<void> {
    return inTransaction(this.options.pool, async (sql) => {
      if (!(await recordLogOut(sql, userId))) throw notFound();
      await audit(sql, 'log-out', userId, by);
    });
  }

  /** @throws RefusedError API_RATE_LIMIT */
  async changePassword(tenant: Tenant, before: string, after: string, by: Actor): Promise<Verdict> {
    const verdict = await this.options.gate.tryTenant(tenant, before);
    if (verdict.outcome !== 'right') return verdict;
    const passwordHash = await this.options.passwords.hash(after);
    const isDone = await inTransaction(this.options.pool, async (sql) => {
      const isReplaced = await replacePassword(sql, tenant.userId, verdict.passwordHash, passwordHash);
      if (isReplaced) await audit(sql, 'change-password', tenant.userId, by);
      return isReplaced;
    });
    return isDone ? { ...verdict, passwordHash } : { outcome: 'wrong' };
  }

  /** The user that a repeated creation would mean: of the same id or, where none is given, of the same name. */
  private async sameAs({ userId, username }: NewUser): Promise<Tenant | null> {
    const { pool } = this.options;
    if (userId === null) return readTenantByName(pool, username);
    const tenant = await readTenant(pool, userId);
    return tenant?.removedAt === null ? tenant : null;
  }

  /** The password is tried like any other: asking for a user again and again is no way around the waits. */
  private async recognise(before: Tenant, { accountId, password, userId, ...content }: NewUser): Promise<Verdict> {
    const differing = contentDifferences(before, { ...content, accountId: accountId ?? before.userId });
    if (userId === null && differing.length > 0) throw taken('username', 'belongs to another user');
    if (differing.length > 0) throw different(differing);
    const verdict = await this.options.gate.tryTenant(before, password);
    if (verdict.outcome === 'wrong') throw different(['password']);
    if (verdict.outcome === 'right') await forgetMisses(this.options.pool, before.userId);
    return verdict;
  }

  /** @returns the refusal when another user has the name or the address */
  private async write<T>(work: (sql: Sql) => Promise<T>): Promise<T | RefusedError> {
    try {
      return await inTransaction(this.options.pool, work);
    } catch (error) {
      const { code, constraint } = error as { code?: string; constraint?: string };
      if (code === '23505' && constraint === 'tenant_username') return taken('username', 'belongs to another user');
      if (code === '23505' && constraint === 'tenant_email') return taken('email', 'belongs to another user');
      throw error;
    }
  }
}

function audit(sql: Sql, act: string, subject: string, { actor, reason }: Actor, detail: object = {}): Promise<void> {
  return writeAudit(sql, { actor, action: `users.${act}`, subject, orderId: null, reason, detail: { ...detail } });
}

function found(tenant: Tenant | null): Tenant {
  if (tenant?.removedAt !== null) throw notFound();
  return tenant;
}

function notFound(): RefusedError {
  return new RefusedError('API_NOT_FOUND', 'There is no such user.');
}

function taken(path: string, message: string): RefusedError {
  const problem: Problem = { path, code: 'OPS_USER_EXISTS', message };
  return new RefusedError('OPS_USER_EXISTS', `${path} ${message}.`, [problem]);
}

function different(names: string[]): RefusedError {
  const problems = names.map((path) => ({ path, code: 'OPS_USER_EXISTS', message: 'differs from what is kept' }));
  const message = `There is this user already, and it differs in ${names.join(', ')}. Update it instead.`;
  return new RefusedError('OPS_USER_EXISTS', message, problems);
}
