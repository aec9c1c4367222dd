import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { InProcessCloud } from '../../bench/in-process-cloud.js';
import { Worker } from '../../src/runner/worker.js';
import { createSealer } from '../../src/secrets.js';
import { createDataSource, createHotPool } from '../../src/store/data-source.js';
import { applicationName } from '../../src/store/ownership.js';
import { insertPlatform } from '../../src/store/platforms.js';
import { testDatabase } from '../support/database.js';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/work-orders/${name}`, import.meta.url));
const delivery = (name: string) => ({
  channel: 'http' as const,
  origin: 'test',
  bytes: fixture(name),
  contentType: null,
  headers: {},
});
const sealer = createSealer(Buffer.alloc(32, 7).fill(9, 0, 5));
const platformIds = ['7f61019a8d3011e7aebb005056aaa8be', 'sjif259a8d3011e7aebb005056aaa8be'];
const quickPace = { settleMs: 5, holdMs: 10, cutMs: 10, watchMs: 5, retryMs: 5, pollMinMs: 1, pollMaxMs: 5 };

describe('a worker', () => {
  let stops: (() => Promise<void>)[] = [];
  let url: string;
  let cloud: InProcessCloud;

  beforeEach(async () => {
    const database = await testDatabase();
    url = database.url;
    cloud = new InProcessCloud();
    stops = [() => database.drop()];
  });
  afterEach(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  async function startWorker(id = 'w1'): Promise<Worker> {
    const pool = createHotPool(url, { applicationName: applicationName(id), size: 5 });
    stops.push(() => pool.end());
    for (const platformId of platformIds) {
      await insertPlatform(pool, {
        platformId,
        name: platformId.slice(0, 4),
        kind: 'in-process',
        serviceUrl: 'http://127.0.0.1:1',
        state: 'open',
        settings: { pace: quickPace },
        sealedCredentials: sealer.seal('{}', platformId),
      });
    }
    const worker = await Worker.build({
      pool,
      sealer,
      log: pino({ level: 'warn' }),
      workerId: id,
      leaseMs: 15_000,
      createProvisioner: () => cloud,
      callbackWarnings: () => [],
      mayCallBack: () => false,
    });
    await worker.start();
    stops.push(() => worker.stop());
    return worker;
  }

  async function settled(worker: Worker): Promise<{ work_order_id: string; status: string; event_sequence: number }[]> {
    for (let i = 0; i < 500; i++) {
      if (worker.engine.openOrders === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const dataSource = createDataSource(url);
    await dataSource.initialize();
    const rows = await dataSource.query(
      `select work_order_id, status, event_sequence from work_order where kind = 'billing' order by created_at, work_order_id`,
    );
    await dataSource.destroy();
    return rows as { work_order_id: string; status: string; event_sequence: number }[];
  }

  it('takes an order with a VM, two disks and an address all the way', async () => {
    const worker = await startWorker();
    const receipt = await worker.intake.receive(delivery('order-60.json'));
    expect(receipt).toMatchObject({ verdict: 'accepted', workOrderId: 'WO20171214074649656662xb0y' });
    expect(await settled(worker)).toMatchObject([{ status: 'completed' }]);
    expect(cloud.count('vm.create')).toBe(1);
    expect(cloud.count('ebs.create')).toBe(2);
    expect(cloud.count('ebs.attach')).toBe(2);
    expect(cloud.count('network.bind')).toBe(1);
    expect(cloud.count('default-network.ensure')).toBe(1);
  });
});
