import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { ProvisioningError } from '../errors.js';
import { defaultPace, type Pace } from '../machines/pace.js';
import type { PlatformSummary } from '../planner/draft.js';
import { orderIdFor } from '../order-id.js';
import { NotSentError, type Pace as Gate } from '../provisioners/pace.js';
import { withoutPermission } from '../provisioners/permission.js';
import type { PlatformConfig, Provisioner, Resolution, ResolveRequest } from '../provisioners/provisioner.js';
import type { ListedPlatform } from '../store/platforms.js';
import type { SeenCloud, SeenClouds } from '../store/worker-clouds.js';
import { CloudAccount } from './cloud-account.js';
import type { Standing, Turn } from './fair-turns.js';

/** A configured data centre with the adapter that drives it. */
export interface Platform {
  summary: PlatformSummary;
  serviceUrl: string;
  pace: Pace;
  /** Its `resolve` waits for its turn. */
  provisioner: Provisioner;
  changedAt: number;
  account: CloudAccount;
  /** Why it cannot be used as it is configured; its work waits until somebody has mended it. */
  unusable: string | null;
  /** The adapter itself. */
  direct: Provisioner;
}

/** What the weather is like at a platform, for people. */
export interface Weather {
  /** `broken`: no call gets through; `reopening`: it answers again and work is let in slowly; `unusable`: its settings are not. */
  state: 'open' | 'broken' | 'reopening' | 'maintenance' | 'disabled' | 'unusable';
  since: string | null;
  reason: string | null;
  nextProbeAt: string | null;
  /** Pieces of work that wait until it is open again, all workers. */
  parked: number;
  /** Pieces of work that wait for their turn, all workers. */
  queued: number;
}

export interface PlatformsOptions {
  read(): Promise<ListedPlatform[]>;
  openCredentials(platform: ListedPlatform): Record<string, string>;
  create(config: PlatformConfig, gate: Gate): Provisioner;
  log: Logger;
  now?: () => number;
  /** Turns a tenant gets for one of the others'; 1 for those who are not named. */
  tenantWeights?: ReadonlyMap<string, number>;
  /** Pieces of work at once, where a cloud sets no limit of its own. */
  concurrency?: number;
  /** Tells the other workers what this one sees, and hears what they see. */
  meet?(clouds: SeenClouds): Promise<SeenClouds[]>;
  /** Work waiting for one account at which no more orders are planned; what is begun is always taken. */
  maxWaiting?: number;
}

/** Work for a platform that takes none now: nobody knows it, its settings are bad, or it is in maintenance. */
interface Parked {
  since: number;
  turns: Turn[];
}

const refreshMs = 5_000;
const meetMs = 1_000;
const longestProbeMs = 60_000;

/**
 * The data centres this worker knows, read from the database and read again every few seconds, so that a platform that
 * somebody adds or changes is taken up without a restart; the accounts behind them; and the work that waits for them. All
 * work on a cloud goes through `take`.
 */
export class Platforms {
  private readonly known = new Map<string, Platform>();
  private readonly accounts = new Map<string, CloudAccount>();
  private readonly parked = new Map<string, Parked>();
  private others: SeenClouds[] = [];
  private timers: NodeJS.Timeout[] = [];
  private stopped = false;
  private readonly now: () => number;

  constructor(private readonly options: PlatformsOptions) {
    this.now = options.now ?? Date.now;
  }

  async start(everyMs = refreshMs): Promise<void> {
    await this.refresh();
    await this.meet();
    const every = (ms: number, work: () => Promise<void>) =>
      this.timers.push(
        setInterval(() => {
          work().catch((error: unknown) => {
            this.options.log.warn({ code: (error as { code?: string }).code }, 'platforms could not be read');
          });
        }, ms),
      );
    every(everyMs, () => this.refresh());
    every(meetMs, () => this.meet());
  }

  /** Begins nothing more; resolves when nothing is under way at any cloud. What was not begun is for the next owner. */
  async quiesce(): Promise<void> {
    this.stopped = true;
    this.parked.clear();
    await Promise.all([...this.accounts.values()].map((account) => account.stop()));
  }

  async stop(): Promise<void> {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    for (const account of this.accounts.values()) void account.stop();
    await Promise.all([...this.known.values()].map((platform) => platform.direct.close()));
    this.known.clear();
  }

  get(platformId: string): Platform | undefined {
    return this.known.get(platformId);
  }

  all(): Platform[] {
    return [...this.known.values()];
  }

  /**
   * For planning. One in maintenance counts as open, and one that cannot be used as able to do everything: what is planned
   * for them waits until they are mended, and needs no person for itself.
   */
  summaries(): PlatformSummary[] {
    return this.all().map(({ summary }) =>
      summary.state === 'maintenance' ? { ...summary, state: 'open' as const } : summary,
    );
  }

  pace(platformId: string): Pace {
    return this.known.get(platformId)?.pace ?? defaultPace;
  }

  /** Lets a piece of work have its turn at its platform's account, or keeps it until the platform takes work. */
  take(turn: Turn): void {
    if (this.stopped) return;
    const platform = this.known.get(turn.platformId);
    if (platform && takesWork(platform)) {
      platform.account.take(turn);
      return;
    }
    const parked = this.parked.get(turn.platformId);
    if (parked) parked.turns.push(turn);
    else this.parked.set(turn.platformId, { since: this.now(), turns: [turn] });
  }

  /** Whether nothing is sent to the platform's cloud at present: it does not answer, or it is in maintenance. */
  isAway(platformId: string): boolean {
    const platform = this.known.get(platformId);
    return platform !== undefined && !takesWorkNow(platform);
  }

  /** For how long the platform's cloud has not answered in all, ms. */
  darkMs(platformId: string): number {
    return this.known.get(platformId)?.account.circuit.darkMs ?? 0;
  }

  /** Where an order's next piece of work stands in its queue, as far as this worker has it. */
  standingOf(platformId: string, orderId: string): Standing | null {
    return this.known.get(platformId)?.account.turns.standingOf(orderId) ?? null;
  }

  /** Every configured platform with its weather, the unusable ones too. */
  views(): (Omit<PlatformSummary, 'capabilities'> & { serviceUrl: string; weather: Weather })[] {
    return this.all().map(({ summary: { id, name, kind, state }, serviceUrl }) => {
      return { id, name, kind, state, serviceUrl, weather: this.weatherOf(id) };
    });
  }

  /** What every worker sees of a platform, the worst of it. */
  weatherOf(platformId: string): Weather {
    const parkedHere = this.parked.get(platformId);
    const parked = parkedHere?.turns.length ?? 0;
    const calm = { since: null, reason: null, nextProbeAt: null, parked, queued: 0 };
    const platform = this.known.get(platformId);
    if (!platform || platform.unusable !== null) {
      const since = platform?.changedAt ?? parkedHere?.since ?? null;
      const reason = platform?.unusable ?? 'no platform of this id is configured';
      return { ...calm, state: 'unusable', since: instant(since), reason };
    }
    const seen = [this.seen(platform.account), ...this.seenByOthers(platform.account)];
    const waiting = seen.reduce((sum, one) => sum + (one.waiting[platformId] ?? 0), 0);
    const { state } = platform.summary;
    if (state === 'maintenance') {
      return { ...calm, state, since: instant(platform.changedAt), reason: 'it is in maintenance', parked: waiting };
    }
    const worst = seen.find((one) => one.circuit === 'open') ?? seen.find((one) => one.circuit === 'half-open');
    if (worst && worst.circuit !== 'closed') {
      const { since, reason, nextProbeAt } = worst;
      const broken = worst.circuit === 'open';
      return {
        state: broken ? 'broken' : 'reopening',
        since: instant(since),
        reason,
        nextProbeAt: broken ? instant(nextProbeAt) : null,
        parked: broken ? waiting : 0,
        queued: broken ? 0 : waiting,
      };
    }
    return { ...calm, state: state === 'disabled' ? 'disabled' : 'open', queued: waiting };
  }

  async refresh(): Promise<void> {
    for (const row of await this.options.read()) {
      if (this.stopped) return;
      const known = this.known.get(row.platformId);
      if (known?.changedAt === row.updatedAt.getTime()) continue;
      try {
        this.adopt(this.build(row));
        await known?.direct.close();
      } catch (error) {
        const reason = (error as Error).message;
        this.options.log.error({ platformId: row.platformId, reason }, 'platform cannot be used');
        // One platform with bad settings must not keep the others from working; its work waits until they are mended. One
        // that worked before goes on as it was.
        if (known && known.unusable === null) known.changedAt = row.updatedAt.getTime();
        else this.adopt(this.unusable(row, reason));
      }
    }
  }

  /** Announces what this worker uses and sees, and shares each account's rate with those who use it too. */
  async meet(): Promise<void> {
    const { meet } = this.options;
    if (!meet || this.stopped) return;
    const mine = Object.fromEntries(
      [...this.accounts.values()]
        .filter((account) => account.used)
        .map((account) => [this.nameOf(account), this.seen(account)]),
    );
    this.others = await meet(mine);
    for (const account of this.accounts.values()) account.setWorkers(this.seenByOthers(account).length + 1);
  }

  private adopt(platform: Platform): void {
    const { id, state } = platform.summary;
    const before = this.known.get(id);
    this.known.set(id, platform);
    const moved = before && before.account !== platform.account ? before.account.withdraw(id) : [];
    const paused = state === 'maintenance' ? platform.account.withdraw(id) : [];
    const parked = takesWork(platform) ? (this.parked.get(id)?.turns ?? []) : [];
    if (takesWork(platform)) this.parked.delete(id);
    // What has waited is let in as after an outage: one by one at first.
    if (parked.length > 0) platform.account.circuit.easeIn();
    for (const turn of [...parked, ...moved, ...paused]) this.take(turn);
    this.setLimits();
  }

  /** The strictest of an account's platforms speaks for all; an account without platforms is given up. */
  private setLimits(): void {
    for (const [key, account] of this.accounts) {
      const platforms = this.all().filter((platform) => platform.account === account);
      if (platforms.length === 0) {
        this.accounts.delete(key);
        void account.stop();
        continue;
      }
      const limits = platforms.flatMap(({ direct }) => direct.limits ?? []);
      account.setLimits(
        limits.length === 0
          ? null
          : {
              callsPerSecond: Math.min(...limits.map((one) => one.callsPerSecond)),
              atOnce: Math.min(...limits.map((one) => one.atOnce)),
            },
      );
    }
  }

  private build(row: ListedPlatform): Platform {
    const { pace, ...settings } = row.settings;
    const credentials = this.options.openCredentials(row);
    const key = accountKey(row, credentials);
    const existing = this.accounts.get(key);
    const account = existing ?? this.openAccount(row.platformId);
    const provisioner = this.options.create(
      { id: row.platformId, name: row.name, kind: row.kind, serviceUrl: row.serviceUrl, credentials, settings },
      this.gateOf(row.platformId, account),
    );
    // Only now: a platform that could not be built leaves no account behind.
    if (!existing) this.accounts.set(key, account);
    return {
      summary: { ...summaryOf(row), capabilities: provisioner.capabilities },
      serviceUrl: row.serviceUrl,
      pace: { ...defaultPace, ...(pace as Partial<Pace> | undefined) },
      provisioner: this.inTurn(row.platformId, provisioner),
      changedAt: row.updatedAt.getTime(),
      account,
      unusable: null,
      direct: provisioner,
    };
  }

  /** An account goes on for its other platforms while one of them is in maintenance. */
  private gateOf(platformId: string, account: CloudAccount): Gate {
    const { gate } = account;
    return {
      run: (work, judge) =>
        this.known.get(platformId)?.summary.state === 'maintenance'
          ? Promise.reject(new NotSentError('cloud-down', 'the platform is in maintenance', refreshMs))
          : gate.run(work, judge),
    };
  }

  /** Stands for a platform that cannot be used: nothing reaches it, for all its work is parked. */
  private unusable(row: ListedPlatform, reason: string): Platform {
    const refuse = () => Promise.reject(new ProvisioningError('retry', 'CLD_UNAVAILABLE', reason));
    const summary = summaryOf(row);
    const direct: Provisioner = {
      capabilities: summary.capabilities,
      operations: {},
      resolve: refuse,
      pollJobs: refuse,
      check: () => Promise.resolve([{ what: 'settings', ok: false, detail: reason }]),
      close: () => Promise.resolve(),
    };
    return {
      summary,
      serviceUrl: row.serviceUrl,
      pace: defaultPace,
      provisioner: this.inTurn(row.platformId, direct),
      changedAt: row.updatedAt.getTime(),
      account: this.openAccount(row.platformId),
      unusable: reason,
      direct,
    };
  }

  private openAccount(platformId: string): CloudAccount {
    const account: CloudAccount = new CloudAccount({
      now: this.now,
      weightOf: (tenant) => this.options.tenantWeights?.get(tenant) ?? 1,
      concurrency: this.options.concurrency ?? 32,
      takes: (turn) => {
        const platform = this.known.get(turn.platformId);
        if (platform && takesWork(platform) && platform.account === account) return true;
        this.take(turn);
        return false;
      },
      probe: async () => {
        const probed = this.all().find((platform) => platform.account === account && takesWork(platform));
        // In maintenance it is not disturbed; there is nothing to be let in then either.
        if (!probed) return;
        if (probed.direct.probe) await withoutPermission(async () => probed.direct.probe?.());
        else account.circuit.heard(null);
      },
      probeMs: () => {
        const { retryMs, retryMaxMs } = this.pace(platformId);
        return { first: retryMs, most: Math.min(retryMaxMs, longestProbeMs) };
      },
      log: (message, facts) => this.options.log.warn({ platformId: this.nameOf(account), ...facts }, message),
    });
    return account;
  }

  /** Planning reads the catalogue of the cloud: that is work on the account too, and the tenants take turns at it. */
  private inTurn(platformId: string, provisioner: Provisioner): Provisioner {
    return new Proxy(provisioner, {
      get: (target, name) => {
        if (name === 'resolve') return (request: ResolveRequest) => this.planInTurn(platformId, request);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  private async planInTurn(platformId: string, request: ResolveRequest): Promise<Resolution> {
    // By the adapter of the moment: the platform may have been changed while the order waited.
    const plan = async () => {
      const platform = this.known.get(platformId);
      if (!platform) throw new ProvisioningError('retry', 'CLD_UNAVAILABLE', `Platform ${platformId} is gone.`);
      return withoutPermission(() => platform.direct.resolve(request));
    };
    const platform = this.known.get(platformId);
    if (platform && !takesWorkNow(platform)) {
      // What the catalogue's cache can answer needs no cloud.
      try {
        return await plan();
      } catch (error) {
        if (!saysAway(error)) throw error;
      }
    }
    const { maxWaiting = 20_000 } = this.options;
    const waiting = (platform?.account.waiting ?? 0) + (this.parked.get(platformId)?.turns.length ?? 0);
    if (waiting >= maxWaiting) {
      const message = `${waiting} pieces of work wait for this cloud already; no more orders are planned until there are fewer.`;
      throw new ProvisioningError('retry', 'CLD_THROTTLED', message);
    }
    return new Promise((resolve, reject) => {
      this.take({
        tenant: request.order.accountId,
        platformId,
        orderId: orderIdFor(request.order.producer, request.order.workOrderId),
        urgency: 'plan',
        isRetry: false,
        run: async () => {
          try {
            resolve(await plan());
          } catch (error) {
            if (saysAway(error) && this.isAway(platformId)) return 'again';
            reject(error as Error);
          }
          return 'done';
        },
      });
    });
  }

  /** The same on every worker: the first of its platforms. */
  private nameOf(account: CloudAccount): string {
    const ids = this.all().flatMap((platform) => (platform.account === account ? [platform.summary.id] : []));
    return ids.toSorted()[0] ?? '';
  }

  private seen(account: CloudAccount): SeenCloud {
    const { state, since, reason, nextProbeAt } = account.circuit;
    const waiting: Record<string, number> = {};
    for (const platform of this.all()) {
      if (platform.account !== account) continue;
      const { id } = platform.summary;
      const count = account.waitingOf(id) + (this.parked.get(id)?.turns.length ?? 0);
      if (count > 0) waiting[id] = count;
    }
    return { circuit: state, since, reason, nextProbeAt, waiting };
  }

  private seenByOthers(account: CloudAccount): SeenCloud[] {
    const name = this.nameOf(account);
    return this.others.flatMap((clouds) => clouds[name] ?? []);
  }
}

/** Whether its work may go to its account's queue. */
function takesWork({ unusable, summary }: Platform): boolean {
  return unusable === null && summary.state !== 'maintenance';
}

/** Whether it would begin there at once, as far as the cloud is concerned. */
function takesWorkNow(platform: Platform): boolean {
  return takesWork(platform) && !platform.account.isAway;
}

/** Whether an error means that the cloud was not there, and that nothing was done. */
export function saysAway(error: unknown): boolean {
  return error instanceof ProvisioningError && ['CLD_UNREACHABLE', 'CLD_UNAVAILABLE'].includes(error.code);
}

/**
 * Platforms that lead to the same account share its queue. The credentials are hashed, so that they are nowhere but in their
 * adapter; the hash never leaves this process.
 */
function accountKey({ kind, serviceUrl }: ListedPlatform, credentials: Record<string, string>): string {
  const sorted = Object.entries(credentials).toSorted(([a], [b]) => a.localeCompare(b));
  return createHash('sha256')
    .update(JSON.stringify([kind, serviceUrl, sorted]))
    .digest('base64');
}

function summaryOf({ platformId, name, kind, state }: ListedPlatform): PlatformSummary {
  return { id: platformId, name, kind, state, capabilities: { detachedDisk: true, publicAddress: true } };
}

function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
