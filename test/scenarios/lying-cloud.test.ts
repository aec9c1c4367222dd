import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
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
import { testDatabase } from '../support/database.js';

const platformId = 'sjif259a8d3011e7aebb005056aaa8be';
const sealer = createSealer(Buffer.from(Array.from({ length: 32 }, (_, i) => i + 1)));
const order86 = readFileSync(new URL('../fixtures/work-orders/order-86.json', import.meta.url));

interface Resource {
  kind: string;
  state: string;
  marker: string | null;
  attachedTo: string | null;
  details: Record<string, unknown>;
}

/** One order of a VM, a disk and an address, on a simulated CloudStack with bad manners. */
describe('an order on a cloud that', () => {
  let stops: (() => Promise<unknown>)[] = [];
  let cloud: Awaited<ReturnType<typeof startSimulatedCloudStack>>;
  let worker: Worker;
  let query: (text: string) => Promise<Record<string, unknown>[]>;
  let violations: () => Promise<string[]>;

  beforeEach(async () => {
    const database = await testDatabase();
    cloud = await startSimulatedCloudStack({ latencyMs: { min: 5, max: 20 } });
    const pool = createHotPool(database.url, { applicationName: applicationName('w1'), size: 5 });
    query = async (text) => (await pool.query<Record<string, unknown>>(text)).rows;
    violations = async () => {
      const clouds = [await cloudEvidence(askOverHttp(cloud.url), { name: 'dc-2', settleWindowMs: 60 })];
      const report = await checkInvariants({ sql: pool, clouds });
      return report.violations.map(({ invariant, text }) => `${invariant}: ${text}`);
    };
    await insertPlatform(pool, {
      platformId,
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
        platformId,
      ),
    });
    worker = await Worker.build({
      pool,
      sealer,
      log: pino({ level: 'silent' }),
      workerId: 'w1',
      leaseMs: 15_000,
      createProvisioner,
      callbackWarnings: () => [],
      mayCallBack: () => false,
    });
    await worker.start();
    stops = [() => database.drop(), () => pool.end(), () => cloud.close(), () => worker.stop()];
  });
  afterEach(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  async function misbehave(...faults: object[]): Promise<void> {
    const response = await fetch(`${cloud.url}/_sim/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(faults),
    });
    expect(response.status).toBeLessThan(300);
  }

  /** Runs the order to its end. @returns its status, and what the cloud then holds */
  async function outcome(): Promise<{ status: unknown; items: unknown[]; alive: Resource[] }> {
    await worker.intake.receive({ channel: 'http', origin: 'test', bytes: order86, contentType: null, headers: {} });
    for (let i = 0; worker.engine.openOrders > 0; i++) {
      const [held] = await query(`select from work_order where status = 'held'`);
      if (held || i > 1_500) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [order] = await query(`select status from work_order where kind = 'billing'`);
    const items = await query(`select i.status from work_order_item i join work_order o using (order_id)
                                where o.kind = 'billing' order by item_index`);
    const answer = (await (await fetch(`${cloud.url}/_sim/resources`)).json()) as { resources: Resource[] };
    expect(await violations()).toEqual([]);
    return { status: order?.['status'], items: items.map((item) => item['status']), alive: answer.resources };
  }

  const kinds = (alive: Resource[]) =>
    Object.fromEntries(
      ['vm', 'volume', 'address'].map((kind) => [kind, alive.filter((one) => one.kind === kind).length]),
    );
  const everything = { vm: 1, volume: 1, address: 1 };

  it.each<[string, object[]]>([
    ['has good manners', []],
    [
      'loses the answer to every kind of create',
      [
        'deployVirtualMachine',
        'createVolume',
        'associateIpAddress',
        'createVPC',
        'createNetwork',
        'createServiceOffering',
        'createTags',
        'attachVolume',
        'enableStaticNat',
      ].map((operation) => ({ operation, kind: 'lose-answer', times: 1 })),
    ],
    ['never receives the first request', [{ operation: 'deployVirtualMachine', kind: 'drop-request', times: 1 }]],
    [
      'says that a job is done though nothing was done',
      [{ operation: 'attachVolume', kind: 'job-lies-done', times: 1 }],
    ],
    [
      'says that a job failed though it was done',
      [{ operation: 'deployVirtualMachine', kind: 'job-lies-failed', times: 1 }],
    ],
    ['forgets a job', [{ operation: 'deployVirtualMachine', kind: 'job-vanishes', times: 1 }]],
    ['has no room at first', [{ operation: 'deployVirtualMachine', kind: 'job-fails', errorcode: 533, times: 1 }]],
    ['asks to slow down', [{ operation: '*', kind: 'throttle', times: 5 }]],
    ['answers with a page of HTML', [{ operation: 'createVolume', kind: 'html', times: 1, afterEffect: true }]],
    [
      'hides new things from its lists for a while',
      [
        { operation: 'deployVirtualMachine', kind: 'hide-from-lists', times: 1, hideMs: 60 },
        { operation: 'deployVirtualMachine', kind: 'lose-answer', times: 1 },
      ],
    ],
  ])('%s is completed, with one of each thing', async (_, faults) => {
    if (faults.length > 0) await misbehave(...faults);
    const { status, items, alive } = await outcome();
    expect({ status, items, ...kinds(alive) }).toEqual({
      status: 'completed',
      items: ['completed', 'completed', 'completed'],
      ...everything,
    });
    const markers = alive.map((one) => one.marker).filter((marker) => marker !== null);
    expect(markers.length).toBe(new Set(markers).size);
  });

  it('refuses the tag of an address gives the address back, and billing is told not to charge it', async () => {
    await misbehave({
      operation: 'createTags',
      kind: 'error',
      status: 431,
      errorcode: 431,
      errortext: 'no',
      times: 50,
    });
    const { status, items, alive } = await outcome();
    expect({ status, items, ...kinds(alive) }).toEqual({
      status: 'partial',
      items: ['completed', 'completed', 'failed'],
      ...everything,
      address: 0,
    });
  });

  it('has no quota for the VM keeps nothing of the order', async () => {
    await misbehave({
      operation: 'deployVirtualMachine',
      kind: 'error',
      status: 535,
      errorcode: 535,
      errortext: 'quota',
      times: 50,
    });
    const { status, items, alive } = await outcome();
    expect({ status, items, ...kinds(alive) }).toEqual({
      status: 'failed',
      items: ['failed', 'cancelled', 'cancelled'],
      vm: 0,
      volume: 0,
      address: 0,
    });
  });

  it('has a job that never ends holds the order for a person, and does not send the request again', async () => {
    await misbehave({ operation: 'deployVirtualMachine', kind: 'job-never-ends', effect: false, times: 1 });
    await query(
      `update platform set settings = jsonb_set(settings, '{pace,jobDeadlineMs}', '300'), updated_at = now()`,
    );
    await worker.platforms.refresh();
    const { status, alive } = await outcome();
    expect(status).toBe('held');
    expect(kinds(alive)).toMatchObject({ vm: 1 });
  });
});
