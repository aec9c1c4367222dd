import type pg from 'pg';
import type { Logger } from 'pino';
import { type Problem, RefusedError } from '../errors.js';
import { adapterConfig, settingsProblems } from '../provisioners/common-settings.js';
import type { CheckLine, PlatformConfig, Provisioner } from '../provisioners/provisioner.js';
import { sentCredentialsOf } from '../provisioners/registry.js';
import { type NewPlatform, PaceSettings, type PlatformChange } from '../schemas/platform.js';
import { pathText } from '../schemas/problem-paths.js';
import { type Sealer, UnsealError } from '../secrets.js';
import { inTransaction } from '../store/accept.js';
import { writeAudit } from '../store/audit.js';
import type { Sql } from '../store/data-source.js';
import {
  addPlatform,
  countBegunOrders,
  countOpenOrders,
  listPlatforms,
  type PlatformRecord,
  type PlatformState,
  readPlatform,
  removePlatform,
  type StoredPlatform,
  updatePlatform,
} from '../store/platforms.js';
import { accountChanges, keysDiffer, sameAccount } from './platform-account.js';
import { changesBetween, edited, plainOf, toStored, withoutCredentials } from './platform-changes.js';

/** Who acts, as the audit keeps it. */
export interface Actor {
  actor: string;
  reason: string;
}

export interface PlatformRegistryOptions {
  pool: pg.Pool;
  sealer: Sealer;
  /** Throws an Error naming what is wrong with the settings or credentials; how it is read: `settingsProblems`. */
  createProvisioner(config: PlatformConfig): Provisioner;
  /** The clouds that `createProvisioner` knows. */
  kinds: readonly string[];
  /** Something was changed here: this process need not wait until it looks again. */
  changed(): Promise<void>;
  log: Logger;
  checkTimeoutMs?: number;
}

/** Shorter than the command line waits for an answer. */
const longestCheckMs = 25_000;

/**
 * The data centres, as people keep them: added, edited, closed and removed in the database, each change checked by the cloud's
 * own schema before it is stored, and written down with who and why in the same transaction. Workers notice by themselves.
 */
export class PlatformRegistry {
  constructor(private readonly options: PlatformRegistryOptions) {}

  /** Every platform that is not removed, by name. */
  list(): Promise<PlatformRecord[]> {
    return listPlatforms(this.options.pool);
  }

  /** One that is not removed, or null. */
  async read(platformId: string): Promise<PlatformRecord | null> {
    const record = await readPlatform(this.options.pool, platformId);
    return record?.removedAt === null ? record : null;
  }

  openOrders(platformId: string): Promise<number> {
    return countOpenOrders(this.options.pool, platformId);
  }

  /** @throws RefusedError OPS_PLATFORM_EXISTS, CFG_PLATFORM_SETTINGS with every problem */
  async add(given: NewPlatform, by: Actor): Promise<PlatformRecord> {
    const { credentials, ...plain } = given;
    const platform = toStored(plain, 'open', this.seal(plain.platformId, credentials));
    this.validate(platform, credentials);
    const added = await inTransaction(this.options.pool, async (sql) => {
      const record = await addPlatform(sql, platform);
      if (!record) {
        const message = `There is a platform "${given.platformId}" already. Edit it instead.`;
        throw new RefusedError('OPS_PLATFORM_EXISTS', message, [
          { path: 'platformId', code: 'OPS_PLATFORM_EXISTS', message },
        ]);
      }
      await this.audit(sql, 'add', record, by, { kind: record.kind, serviceUrl: record.serviceUrl });
      return record;
    });
    await this.tell();
    return added;
  }

  /**
   * Changes what is given and leaves the rest.
   *
   * @param seenVersion the version that somebody decided on; null when they did not say
   * @param mergeCredentials given credentials replace those of their names only; otherwise all of them
   * @throws RefusedError API_NOT_FOUND, OPS_VERSION_STALE, CFG_PLATFORM_SETTINGS with every problem; OPS_PLATFORM_IN_USE when it would
   *   lead to another account while orders are open that were begun in this one
   */
  async edit(
    platformId: string,
    change: PlatformChange,
    by: Actor,
    seenVersion: number | null = null,
    mergeCredentials = false,
  ): Promise<PlatformRecord> {
    return this.change(platformId, seenVersion, async (sql, before) => {
      const isReplaced = change.credentials !== undefined && !mergeCredentials;
      // Not opened where nobody asks for it: credentials sealed under a lost key are mended by new ones.
      const credentials = { ...(isReplaced ? {} : this.open(before)), ...change.credentials };
      const plain = edited(plainOf(before), change);
      const after = toStored(plain, before.state, change.credentials ? this.seal(platformId, credentials) : before);
      this.validate(after, credentials);
      if (change.credentials === undefined) refuseToSendElsewhere(before, after, credentials);
      const compared = await this.keepAccount(sql, before, after, credentials);
      const changed = changesBetween(plainOf(before), plain);
      if (Object.keys(changed).length === 0 && !change.credentials) return before;
      const record = await updatePlatform(sql, { ...after, stateReason: before.stateReason });
      await this.audit(sql, 'edit', record, by, {
        changed: { ...changed, ...(change.credentials && { credentials: 'replaced' }) },
        ...(compared !== null && { account: compared }),
      });
      return record;
    });
  }

  /** Opens, closes, or stops new orders. Its reason is shown to those who wait. @throws RefusedError as `edit` */
  async setState(
    platformId: string,
    state: PlatformState,
    by: Actor,
    seenVersion: number | null = null,
  ): Promise<PlatformRecord> {
    const acts = { open: 'enable', disabled: 'disable', maintenance: 'maintenance' } as const;
    return this.change(platformId, seenVersion, async (sql, before) => {
      const record = await updatePlatform(sql, { ...before, state, stateReason: by.reason });
      await this.audit(sql, acts[state], record, by, { changed: { state: { before: before.state, after: state } } });
      return record;
    });
  }

  /**
   * Takes a platform out of use for good; its row stays for the finished orders that name it.
   *
   * @throws RefusedError OPS_PLATFORM_IN_USE while orders that have not ended name it, and as `edit`
   */
  async remove(platformId: string, by: Actor, seenVersion: number | null = null): Promise<PlatformRecord> {
    return this.change(platformId, seenVersion, async (sql, before) => {
      const open = await countOpenOrders(sql, platformId);
      if (open > 0) {
        const message = `${open} ${open === 1 ? 'order that has not ended names' : 'orders that have not ended name'} "${before.name}". Disable it, and remove it when they have.`;
        throw new RefusedError('OPS_PLATFORM_IN_USE', message);
      }
      const record = await removePlatform(sql, platformId);
      await this.audit(sql, 'remove', record, by, {});
      return record;
    });
  }

  /**
   * Really logs in, with an adapter of its own: no cached catalogue, no session from before, no budget that others use up.
   *
   * @returns null when there is no such platform; else one line per thing looked at, never with a credential in it
   */
  async check(platformId: string): Promise<CheckLine[] | null> {
    const record = await this.read(platformId);
    if (!record) return null;
    let credentials: Record<string, string>;
    let provisioner: Provisioner;
    try {
      credentials = this.open(record);
      this.validate(record, credentials);
      provisioner = this.options.createProvisioner(adapterConfig(record, credentials).config);
    } catch (error) {
      const problems = error instanceof RefusedError ? error.problems : [];
      if (problems.length === 0) return [{ what: 'settings', ok: false, detail: (error as Error).message }];
      return problems.map(({ path, message }) => ({ what: path, ok: false, detail: message }));
    }
    let timer: NodeJS.Timeout | undefined;
    const timeoutMs = this.options.checkTimeoutMs ?? longestCheckMs;
    const late = new Promise<CheckLine[]>((resolve) => {
      const detail = `not done after ${timeoutMs / 1000} s; the cloud answers slowly or not at all`;
      timer = setTimeout(() => resolve([{ what: 'time', ok: false, detail }]), timeoutMs);
    });
    try {
      const lines = await Promise.race([provisioner.check(), late]);
      return lines.map((line) => ({ ...line, detail: withoutCredentials(credentials, line.detail) }));
    } finally {
      clearTimeout(timer);
      await provisioner.close();
    }
  }

  /**
   * An order's requests are looked for where they went. In another account nothing of them is found, and everything would be sent
   * again: so while orders are open that were begun in this one, an edit may not lead to another.
   *
   * @returns what was found out about the account of new keys, for the audit; null when nothing had to be
   * @throws RefusedError OPS_PLATFORM_IN_USE
   */
  private async keepAccount(
    sql: Sql,
    before: PlatformRecord,
    after: StoredPlatform,
    credentials: Record<string, string>,
  ): Promise<string | null> {
    const begun = await countBegunOrders(sql, before.platformId);
    if (begun === 0) return null;
    const old = this.opened(before);
    // What stood there cannot be opened any more, so nobody can say whether the new ones are of the same account but the cloud.
    const changes = accountChanges(adapterConfig(before, old ?? credentials), adapterConfig(after, credentials));
    if (changes.length > 0)
      throw inUse(before.name, begun, changes, `${changes.join(', ')} would lead to another account`);
    if (old === null || !keysDiffer(after.kind, old, credentials)) return null;
    const open = (platform: StoredPlatform, given: Record<string, string>) =>
      this.options.createProvisioner(adapterConfig(platform, given).config);
    const found = await sameAccount(open(before, old), open(after, credentials), this.options.checkTimeoutMs ?? 8_000);
    if (found.isSame === false) throw inUse(before.name, begun, ['credentials'], found.detail);
    return found.detail;
  }

  private opened(record: PlatformRecord): Record<string, string> | null {
    try {
      return this.open(record);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return null;
    }
  }

  private async change(
    platformId: string,
    seenVersion: number | null,
    work: (sql: Sql, before: PlatformRecord) => Promise<PlatformRecord>,
  ): Promise<PlatformRecord> {
    const record = await inTransaction(this.options.pool, async (sql) => {
      const before = await readPlatform(sql, platformId, { lock: true });
      if (before?.removedAt !== null) throw new RefusedError('API_NOT_FOUND', 'There is no such platform.');
      if (seenVersion !== null && seenVersion !== before.version) {
        const message = `The platform has changed since: it is at version ${before.version}, not ${seenVersion}. Look again.`;
        throw new RefusedError('OPS_VERSION_STALE', message);
      }
      return work(sql, before);
    });
    await this.tell();
    return record;
  }

  /** @throws RefusedError CFG_PLATFORM_SETTINGS */
  private validate(platform: StoredPlatform, credentials: Record<string, string>): void {
    const { kinds, createProvisioner } = this.options;
    const found: { path: string; message: string }[] = [];
    if (!kinds.includes(platform.kind)) {
      found.push({ path: 'kind', message: `is not a cloud we know; known: ${kinds.join(', ')}` });
    } else {
      const pace = PaceSettings.safeParse(platform.settings['pace'] ?? {});
      for (const { path, message } of pace.error?.issues ?? []) {
        found.push({ path: pathText(['settings', 'pace', ...path]), message });
      }
      const { config, problems, pathOf } = adapterConfig(platform, credentials);
      found.push(...problems);
      try {
        void createProvisioner(config).close();
      } catch (error) {
        found.push(...settingsProblems(error as Error, pathOf));
      }
    }
    if (found.length === 0) return;
    const problems: Problem[] = found.map((one) => ({ ...one, code: 'CFG_PLATFORM_SETTINGS' }));
    const message = found.map((one) => `${one.path}: ${one.message}`).join('; ');
    throw new RefusedError('CFG_PLATFORM_SETTINGS', `The platform cannot be used like this: ${message}`, problems);
  }

  /** @throws RefusedError when the key they were sealed with is gone */
  private open({ sealedCredentials, platformId }: PlatformRecord): Record<string, string> {
    try {
      return JSON.parse(this.options.sealer.open(sealedCredentials, platformId)) as Record<string, string>;
    } catch (error) {
      if (!(error instanceof UnsealError)) throw error;
      const message = `cannot be opened: ${error.message}. Give them anew.`;
      const problem = { path: 'credentials', code: 'CFG_PLATFORM_SETTINGS', message };
      throw new RefusedError('CFG_PLATFORM_SETTINGS', `The platform's credentials ${message}`, [problem]);
    }
  }

  private seal(platformId: string, credentials: Record<string, string>) {
    const sealedCredentials = this.options.sealer.seal(JSON.stringify(credentials), platformId);
    return { sealedCredentials, loginName: credentials['username'] ?? null };
  }

  private audit(sql: Sql, act: string, { platformId }: PlatformRecord, by: Actor, detail: object): Promise<void> {
    const { actor, reason } = by;
    return writeAudit(sql, {
      actor,
      action: `platforms.${act}`,
      subject: platformId,
      orderId: null,
      reason,
      detail: { ...detail },
    });
  }

  /** The change stands whether or not this worker takes it up at once: it looks again every few seconds. */
  private async tell(): Promise<void> {
    try {
      await this.options.changed();
    } catch (error) {
      this.options.log.warn({ reason: (error as Error).message }, 'a changed platform is taken up a little later');
    }
  }
}

function inUse(name: string, begun: number, paths: string[], why: string): RefusedError {
  const orders = begun === 1 ? '1 order that has not ended was' : `${begun} orders that have not ended were`;
  const message =
    `${orders} begun in the account of "${name}": ${why}, where nothing of them is found and all of it would be built again. ` +
    `Let them end first ("disabled" holds new ones), or add the other account as a platform of its own.`;
  return new RefusedError(
    'OPS_PLATFORM_IN_USE',
    message,
    paths.map((path) => ({ path, code: 'OPS_PLATFORM_IN_USE', message })),
  );
}

/** A stored password goes to the server it was given for, and to no other that somebody writes in its place. */
function refuseToSendElsewhere(
  before: StoredPlatform,
  after: StoredPlatform,
  credentials: Record<string, string>,
): void {
  if (new URL(before.serviceUrl).origin === new URL(after.serviceUrl).origin) return;
  const sent = sentCredentialsOf(after.kind).filter((name) => credentials[name] !== undefined);
  if (sent.length === 0) return;
  const message = `have to be given anew with another server: the stored ${sent.join(' and ')} would be sent to it`;
  const problem = { path: 'credentials', code: 'CFG_PLATFORM_SETTINGS', message };
  throw new RefusedError('CFG_PLATFORM_SETTINGS', `The platform's credentials ${message}.`, [problem]);
}
