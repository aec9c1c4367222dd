/** One order on a simulated CloudStack over HTTP, with a worker in this process and a database of its own. */
import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { pino } from 'pino';
import type { Bundle } from '../../src/machines/begin-order.js';
import { createProvisioner } from '../../src/provisioners/registry.js';
import { Worker } from '../../src/runner/worker.js';
import { createSealer } from '../../src/secrets.js';
import { defaultApiKey, defaultSecretKey } from '../../src/simulators/cloudstack/seed-data.js';
import { startSimulatedCloudStack } from '../../src/simulators/cloudstack/server.js';
import { createHotPool } from '../../src/store/data-source.js';
import { applicationName } from '../../src/store/ownership.js';
import { insertPlatform } from '../../src/store/platforms.js';
import { checkInvariants } from '../invariants/check.js';
import { askOverHttp, cloudEvidence } from '../invariants/from-cloud.js';
import { testDatabase } from './database.js';

export const sitePlatformId = 'sjif259a8d3011e7aebb005056aaa8be';
const sealer = createSealer(Buffer.from(Array.from({ length: 32 }, (_, i) => i + 1)));
/** A VM, a disk, an address. */
const order86 = readFileSync(new URL('../fixtures/work-orders/order-86.json', import.meta.url));

export interface SiteResource {
  kind: string;
  id: string;
  state: string;
  marker: string | null;
  attachedTo: string | null;
  details: Record<string, unknown>;
}

export class CloudSite {
  private constructor(
    readonly worker: Worker,
    private readonly cloud: Awaited<ReturnType<typeof startSimulatedCloudStack>>,
    readonly pool: ReturnType<typeof createHotPool>,
    private readonly stops: (() => Promise<unknown>)[],
  ) {}

  static async start(options: { bundle?: Bundle; latencyMs?: { min: number; max: number } } = {}): Promise<CloudSite> {
    const database = await testDatabase();
    const cloud = await startSimulatedCloudStack({ latencyMs: options.latencyMs ?? { min: 5, max: 20 } });
    const pool = createHotPool(database.url, { applicationName: applicationName('w1'), size: 5 });
    await insertPlatform(pool, {
      platformId: sitePlatformId,
      name: 'dc-2',
      kind: 'cloudstack',
      serviceUrl: cloud.serviceUrl,
      state: 'open',
      settings: {
        createOfferings: true,
        diskOfferings: { SATA: 'SATA', SSD: 'SSD' },
        callsPerSecond: 1_000,
        requestTimeoutMs: 2_000,
        pace: { settleMs: 30, watchMs: 30, retryMs: 20, retryMaxMs: 100, pollMinMs: 10, pollMaxMs: 50 },
      },
      sealedCredentials: sealer.seal(
        JSON.stringify({ apiKey: defaultApiKey, secretKey: defaultSecretKey }),
        sitePlatformId,
      ),
    });
    const { bundle } = options;
    const worker = await Worker.build({
      pool,
      sealer,
      log: pino({ level: 'silent' }),
      workerId: 'w1',
      leaseMs: 15_000,
      createProvisioner,
      callbackWarnings: () => [],
      mayCallBack: () => false,
      ...(bundle && { bundleOf: () => bundle }),
    });
    await worker.start();
    return new CloudSite(worker, cloud, pool, [
      () => worker.stop(),
      () => cloud.close(),
      () => pool.end(),
      () => database.drop(),
    ]);
  }

  async stop(): Promise<void> {
    for (const stop of this.stops) await stop();
  }

  async query(text: string): Promise<Record<string, unknown>[]> {
    return (await this.pool.query<Record<string, unknown>>(text)).rows;
  }

  async misbehave(...faults: object[]): Promise<void> {
    const response = await fetch(`${this.cloud.url}/_sim/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(faults),
    });
    expect(response.status).toBeLessThan(300);
  }

  async behave(): Promise<void> {
    await fetch(`${this.cloud.url}/_sim/faults`, { method: 'DELETE' });
  }

  async resources(): Promise<SiteResource[]> {
    const answer = (await (await fetch(`${this.cloud.url}/_sim/resources`)).json()) as { resources: SiteResource[] };
    return answer.resources;
  }

  /** Billing sends its order. @returns our id of it */
  async submit(): Promise<string> {
    const receipt = await this.worker.intake.receive({
      channel: 'http',
      origin: 'test',
      bytes: order86,
      contentType: null,
      headers: {},
    });
    return receipt.orderId ?? '';
  }

  async order(): Promise<{ status: string; state: string }> {
    const [row] = await this.query(
      `select status, machine ->> 'value' as state from work_order where kind = 'billing'`,
    );
    return { status: String(row?.['status']), state: String(row?.['state']) };
  }

  /** Waits until the order stands so. */
  async until(what: string, isSo: (order: { status: string; state: string }) => boolean): Promise<void> {
    for (let i = 0; i < 3_000; i++) {
      if (isSo(await this.order())) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`never ${what}: ${JSON.stringify(await this.order())}`);
  }

  async violations(): Promise<string[]> {
    const clouds = [await cloudEvidence(askOverHttp(this.cloud.url), { name: 'dc-2', settleWindowMs: 60 })];
    const report = await checkInvariants({ sql: this.pool, clouds });
    return report.violations.map(({ invariant, text }) => `${invariant}: ${text}`);
  }

  /** What the order has come to: its status, its items', and what the cloud then holds. Every invariant is looked at. */
  async outcome(): Promise<{ status: string; items: unknown[]; alive: SiteResource[] }> {
    const { status } = await this.order();
    const finished = ['completed', 'partial', 'failed', 'cancelled'].includes(status);
    const items = await this.query(`select i.status from work_order_item i join work_order o using (order_id)
                                     where o.kind = 'billing' order by item_index`);
    // What the order shared with others is made to its end, whatever became of the order.
    await this.until('without anything shared on its way', () => this.worker.engine.openOrders <= (finished ? 0 : 1));
    const alive = await this.resources();
    expect(await this.violations()).toEqual([]);
    return { status, items: items.map((item) => item['status']), alive };
  }
}

/** How many there are of each kind that is bought. */
export function bought(alive: SiteResource[]): { vm: number; volume: number; address: number } {
  const count = (kind: string) => alive.filter((one) => one.kind === kind).length;
  return { vm: count('vm'), volume: count('volume'), address: count('address') };
}
