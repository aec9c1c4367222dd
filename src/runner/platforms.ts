import type { Logger } from 'pino';
import { defaultPace, type Pace } from '../machines/pace.js';
import type { PlatformSummary } from '../planner/draft.js';
import type { PlatformConfig, Provisioner } from '../provisioners/provisioner.js';
import type { ListedPlatform } from '../store/platforms.js';

/** A configured data centre with the adapter that drives it. */
export interface Platform {
  summary: PlatformSummary;
  serviceUrl: string;
  pace: Pace;
  provisioner: Provisioner;
  changedAt: number;
}

export interface PlatformsOptions {
  read(): Promise<ListedPlatform[]>;
  openCredentials(platform: ListedPlatform): Record<string, string>;
  create(config: PlatformConfig): Provisioner;
  log: Logger;
}

/**
 * The data centres this worker knows, read from the database and read again every few seconds, so that a platform that
 * somebody adds or changes is taken up without a restart.
 */
export class Platforms {
  private readonly known = new Map<string, Platform>();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly options: PlatformsOptions) {}

  async start(refreshMs = 5_000): Promise<void> {
    await this.refresh();
    this.timer = setInterval(() => void this.refresh().catch(() => {}), refreshMs);
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await Promise.all([...this.known.values()].map((platform) => platform.provisioner.close()));
    this.known.clear();
  }

  get(platformId: string): Platform | undefined {
    return this.known.get(platformId);
  }

  all(): Platform[] {
    return [...this.known.values()];
  }

  summaries(): PlatformSummary[] {
    return this.all().map((platform) => platform.summary);
  }

  pace(platformId: string): Pace {
    return this.known.get(platformId)?.pace ?? defaultPace;
  }

  async refresh(): Promise<void> {
    for (const row of await this.options.read()) {
      const known = this.known.get(row.platformId);
      if (known?.changedAt === row.updatedAt.getTime()) continue;
      try {
        this.known.set(row.platformId, this.build(row));
        await known?.provisioner.close();
      } catch (error) {
        // One platform with bad settings must not keep the others from working; its orders are held as unknown.
        this.options.log.error(
          { platformId: row.platformId, reason: (error as Error).message },
          'platform cannot be used',
        );
      }
    }
  }

  private build(row: ListedPlatform): Platform {
    const { pace, ...settings } = row.settings;
    const provisioner = this.options.create({
      id: row.platformId,
      name: row.name,
      kind: row.kind,
      serviceUrl: row.serviceUrl,
      credentials: this.options.openCredentials(row),
      settings,
    });
    return {
      summary: {
        id: row.platformId,
        name: row.name,
        kind: row.kind,
        state: row.state,
        capabilities: provisioner.capabilities,
      },
      serviceUrl: row.serviceUrl,
      pace: { ...defaultPace, ...(pace as Partial<Pace> | undefined) },
      provisioner,
      changedAt: row.updatedAt.getTime(),
    };
  }
}
