import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { ProvisioningError } from '../errors.js';
import { defaultPace, type Pace } from '../machines/pace.js';
import type { PlatformSummary } from '../planner/draft.js';
import { orderIdFor } from '../order-id.js';
import { adapterConfig } from '../provisioners/common-settings.js';
import type { Pace as Gate } from '../provisioners/pace.js';
import { withoutPermission } from '../provisioners/permission.js';
import type { PlatformConfig, Provisioner, Resolution, ResolveRequest } from '../provisioners/provisioner.js';
import type { ListedPlatform } from '../store/platforms.js';
import type { SeenCloud, SeenClouds } from '../store/worker-clouds.js';
import { CloudAccount } from './cloud-account.js';
import type { Standing, Turn } from './fair-turns.js';
import { changesOf, type Platform, summaryOf, takes, unusableProvisioner } from './platform.js';
import { type Weather, weatherReport } from './weather-report.js';

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

/** Work for a platform that takes none of its kind now: nobody knows it, its settings are bad, or it is in maintenance. */
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
  private refreshing: Promise<void> = Promise.resolve();
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
    if (platform && takes(platform, turn)) {
      platform.account.take(turn);
      return;
    }
    const parked = this.parked.get(turn.platformId);
    if (parked) parked.turns.push(turn);
    else this.parked.set(turn.platformId, { since: this.now(), turns: [turn] });
  }

  /** Whether nothing is sent to the platform's cloud at present: it does not answer, or its settings cannot be used. */
  isAway(platformId: string): boolean {
    const platform = this.known.get(platformId);
    return platform !== undefined && (platform.unusable !== null || platform.account.isAway);
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
    const platform = this.known.get(platformId);
    const parked = this.parked.get(platformId);
    const seen = platform ? [this.seen(platform.account), ...this.seenByOthers(platform.account)] : [];
    return weatherReport(platform, seen, { count: parked?.turns.length ?? 0, since: parked?.since ?? null });
  }

  /** Reads the platforms again. One reading at a time; whoever asks during one gets one that begins after it. */
  refresh(): Promise<void> {
    const next = this.refreshing.then(() => this.readAgain());
    this.refreshing = next.catch(() => {});
    return next;
  }

  private async readAgain(): Promise<void> {
    const rows = await this.options.read();
    const standing = new Set(rows.map(({ platformId }) => platformId));
    for (const id of this.known.keys()) if (!standing.has(id)) await this.forget(id);
    for (const row of rows) {
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
    const queued = state === 'maintenance' ? platform.account.withdraw(id) : [];
    const parked = this.parked.get(id)?.turns ?? [];
    this.parked.delete(id);
    // What has waited is let in as after an outage: one by one at first.
    if (parked.some((turn) => takes(platform, turn))) platform.account.circuit.easeIn();
    for (const turn of [...parked, ...moved, ...queued]) this.take(turn);
    this.setLimits();
  }

  /** A platform that was removed. What waits for it is kept, should somebody add it again. */
  private async forget(platformId: string): Promise<void> {
    const platform = this.known.get(platformId);
    if (!platform) return;
    this.known.delete(platformId);
    for (const turn of platform.account.withdraw(platformId)) this.take(turn);
    this.setLimits();
    await platform.direct.close();
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
    const { pace } = row.settings;
    const { config } = adapterConfig(row, this.options.openCredentials(row));
    const key = accountKey(config);
    const existing = this.accounts.get(key);
    const account = existing ?? this.openAccount(row.platformId);
    const provisioner = this.options.create(config, account.gate);
    // Only now: a platform that could not be built leaves no account behind.
    if (!existing) this.accounts.set(key, account);
    return {
      summary: { ...summaryOf(row), capabilities: provisioner.capabilities },
      serviceUrl: row.serviceUrl,
      pace: { ...defaultPace, ...(pace as Partial<Pace> | undefined) },
      provisioner: this.inTurn(row.platformId, provisioner),
      ...changesOf(row),
      account,
      unusable: null,
      direct: provisioner,
    };
  }

  /** Stands for a platform that cannot be used: nothing reaches it, for all its work is parked. */
  private unusable(row: ListedPlatform, reason: string): Platform {
    const direct = unusableProvisioner(reason);
    return {
      summary: { ...summaryOf(row), capabilities: direct.capabilities },
      serviceUrl: row.serviceUrl,
      pace: defaultPace,
      provisioner: this.inTurn(row.platformId, direct),
      ...changesOf(row),
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
        if (platform && takes(platform, turn) && platform.account === account) return true;
        this.take(turn);
        return false;
      },
      probe: async () => {
        const probed = this.all().find((platform) => platform.account === account && platform.unusable === null);
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
    // In maintenance a plan would be carried out at once, for what is planned goes on.
    if (platform && this.isAway(platformId) && platform.summary.state !== 'maintenance') {
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

/** Whether an error means that the cloud was not there, and that nothing was done. */
export function saysAway(error: unknown): boolean {
  return error instanceof ProvisioningError && ['CLD_UNREACHABLE', 'CLD_UNAVAILABLE'].includes(error.code);
}

/**
 * Platforms that lead to the same account share its queue. The credentials are hashed, so that they are nowhere but in their
 * adapter; the hash never leaves this process.
 */
function accountKey({ kind, serviceUrl, credentials }: PlatformConfig): string {
  const sorted = Object.entries(credentials).toSorted(([a], [b]) => a.localeCompare(b));
  return createHash('sha256')
    .update(JSON.stringify([kind, serviceUrl, sorted]))
    .digest('base64');
}
