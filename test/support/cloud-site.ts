/** One order on one simulated cloud, with a worker in this process. */
import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { checkInvariants } from '../invariants/check.js';
import type { CloudResource } from '../invariants/evidence.js';
import { cloudEvidence } from '../invariants/from-cloud.js';
import type { ControlSide } from './control-side.js';
import { faultsOf, type TestFault } from './clouds.js';
import { until } from './scenario-wait.js';
import { OneWorker, type OneWorkerOptions } from './one-worker.js';

export const sitePlatformId = 'sjif259a8d3011e7aebb005056aaa8be';
/** A VM, a disk, an address. */
export const order86 = readFileSync(new URL('../fixtures/work-orders/order-86.json', import.meta.url), 'utf8');

export class CloudSite {
  private constructor(
    private readonly site: OneWorker,
    private readonly cloud: string,
  ) {}

  static async start(
    options: Partial<
      Pick<OneWorkerOptions, 'cloud' | 'bundle' | 'latencyMs' | 'settings' | 'registrar' | 'looks'>
    > = {},
  ): Promise<CloudSite> {
    const pace = {
      settleMs: 30,
      holdMs: 60,
      cutMs: 60,
      watchMs: 30,
      retryMs: 20,
      retryMaxMs: 100,
      pollMinMs: 10,
      pollMaxMs: 50,
    };
    return new CloudSite(
      await OneWorker.start({ platformIds: [sitePlatformId], callsPerSecond: 1_000, pace, ...options }),
      options.cloud ?? 'cloudstack',
    );
  }

  stop(): Promise<void> {
    return this.site.stop();
  }

  private get control(): ControlSide {
    return this.site.cloud(sitePlatformId);
  }

  get worker() {
    return this.site.worker;
  }

  get pool() {
    return this.site.pool;
  }

  query(text: string): Promise<Record<string, unknown>[]> {
    return this.site.query<Record<string, unknown>>(text);
  }

  misbehave(...faults: TestFault[]): Promise<void> {
    return this.control.fault(...faultsOf(this.cloud, faults));
  }

  behave(): Promise<void> {
    return this.control.clearFaults();
  }

  resources(): Promise<CloudResource[]> {
    return this.control.resources();
  }

  /** Billing sends its order, or what a test makes of it. @returns our id of it */
  async submit(order = order86): Promise<string> {
    const receipt = await this.worker.intake.receive({
      channel: 'http',
      origin: 'test',
      bytes: Buffer.from(order),
      contentType: null,
      headers: {},
    });
    return receipt.orderId ?? '';
  }

  /** The same things of the same user, ordered under another id. @returns our id of it */
  submitAgain(): Promise<string> {
    const { workOrderId, workOrderItems } = JSON.parse(order86) as {
      workOrderId: string;
      workOrderItems: { resourceId: string }[];
    };
    const ids = new Set([workOrderId, ...workOrderItems.map(({ resourceId }) => resourceId)]);
    let order = order86;
    for (const id of ids) order = order.replaceAll(id, `${id}-again`);
    return this.submit(order);
  }

  /** What {@link OneWorker.collectSecrets} says. */
  collectSecrets(orderId: string) {
    return this.site.collectSecrets(orderId);
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
    const clouds = [await cloudEvidence(this.control, { name: 'dc-2', settleWindowMs: 60 })];
    const report = await checkInvariants({ sql: this.site.pool, clouds });
    return report.violations.map(({ invariant, text }) => `${invariant}: ${text}`);
  }

  /** What the order has come to: its status, its items', and what the cloud then holds. Every invariant is looked at. */
  async outcome(): Promise<{ status: string; items: unknown[]; alive: CloudResource[] }> {
    const { status } = await this.order();
    const finished = ['completed', 'partial', 'failed', 'cancelled'].includes(status);
    const items = await this.query(`select i.status from work_order_item i join work_order o using (order_id)
                                     where o.kind = 'billing' order by item_index`);
    // What the order shared with others is made to its end, whatever became of the order.
    await this.until('without anything shared on its way', () => this.worker.engine.openOrders <= (finished ? 0 : 1));
    // An order can end before what it shares was begun, so that even nothing on its way may not be the end.
    await until(
      'what the order shared is at its end',
      async () => {
        const seen = await this.violations();
        return { done: !seen.some((violation) => violation.startsWith('I7')), seen: seen.join('\n') };
      },
      20_000,
    );
    expect(await this.violations()).toEqual([]);
    const alive = await this.resources();
    return { status, items: items.map((item) => item['status']), alive };
  }
}

/** How many there are of each kind that is bought. */
export function bought(alive: CloudResource[]): { vm: number; volume: number; address: number } {
  const count = (kind: string) => alive.filter((one) => one.kind === kind).length;
  return { vm: count('vm'), volume: count('volume'), address: count('address') };
}
