/** One worker, a real PostgreSQL, and simulated clouds behind real HTTP; all in this process, so that everything can be seen. */
import { pino } from 'pino';
import type { Bundle } from '../../src/machines/begin-order.js';
import type { Pace } from '../../src/machines/pace.js';
import { createProvisioner } from '../../src/provisioners/registry.js';
import { secretContext } from '../../src/consumers/intake.js';
import { readSecretField } from '../../src/runner/piece-secrets.js';
import type { LookTimes } from '../../src/runner/late-looks.js';
import { Worker } from '../../src/runner/worker.js';
import { createSealer } from '../../src/secrets.js';
import { startSimulated } from '../../src/simulators/http.js';
import { simulatedCloudOf } from '../../src/simulators/registry.js';
import { createHotPool } from '../../src/store/data-source.js';
import { applicationName } from '../../src/store/ownership.js';
import { collectSecrets } from '../../src/store/secrets.js';
import { insertPlatform } from '../../src/store/platforms.js';
import type { JsonObject } from '../../src/json.js';
import { ControlSide } from './control-side.js';
import { testDatabase } from './database.js';
import { freshOrder, textOf } from './scenario-orders.js';
import type { Random } from './scenario-random.js';

const sealer = createSealer(Buffer.from(Array.from({ length: 32 }, (_, i) => i + 1)));

export interface OneWorkerOptions {
  platformIds: string[];
  /** The kind of all of them, CloudStack by default. */
  cloud?: string;
  callsPerSecond: number;
  requestTimeoutMs?: number;
  /** Of the cloud's jobs. */
  latencyMs?: { min: number; max: number };
  tenantWeights?: ReadonlyMap<string, number>;
  /** Of the clouds' settings. */
  settings?: JsonObject;
  registrar?: { removalDelayMs: number; lookEveryMs: number };
  bundle?: Bundle;
  /** When what an order made is looked for again. */
  looks?: Partial<LookTimes>;
  /** Changes to how patiently the clouds are treated. */
  pace?: Partial<Pace>;
}

type Cloud = Awaited<ReturnType<typeof startSimulated>> & { credentials: Record<string, string> };

export class OneWorker {
  private constructor(
    readonly worker: Worker,
    private readonly clouds: Map<string, Cloud>,
    readonly pool: ReturnType<typeof createHotPool>,
    readonly query: <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>,
    private readonly stops: (() => Promise<unknown>)[],
  ) {}

  static async start(options: OneWorkerOptions): Promise<OneWorker> {
    const database = await testDatabase();
    const pool = createHotPool(database.url, { applicationName: applicationName('w1'), size: 5 });
    const clouds = new Map<string, Cloud>();
    const cloudKind = options.cloud ?? 'cloudstack';
    const kind = simulatedCloudOf(cloudKind);
    for (const platformId of options.platformIds) {
      const credentials = kind.drawCredentials();
      const simulated = kind.build(
        { latencyMs: options.latencyMs ?? { min: 5, max: 20 } },
        kind.environment(credentials),
      );
      const cloud = { ...(await startSimulated(simulated, {}, kind.servicePath)), credentials };
      clouds.set(platformId, cloud);
      await insertPlatform(pool, {
        platformId,
        name: `dc-${clouds.size}`,
        kind: cloudKind,
        serviceUrl: cloud.serviceUrl,
        state: 'open',
        settings: {
          ...kind.settings,
          ...options.settings,
          callsPerSecond: options.callsPerSecond,
          requestTimeoutMs: options.requestTimeoutMs ?? 2_000,
          pace: {
            settleMs: 50,
            holdMs: 100,
            cutMs: 100,
            watchMs: 50,
            retryMs: 100,
            retryMaxMs: 1_000,
            pollMinMs: 20,
            pollMaxMs: 100,
            ...options.pace,
          },
        },
        sealedCredentials: sealer.seal(JSON.stringify(credentials), platformId),
      });
    }
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
      ...(options.tenantWeights && { tenantWeights: options.tenantWeights }),
      ...(bundle && { bundleOf: () => bundle }),
      ...(options.looks && { looks: options.looks }),
      ...(options.registrar && { registrar: options.registrar }),
    });
    await worker.start();
    const query = async <Row extends object>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows;
    const closeClouds = () => Promise.all([...clouds.values()].map((cloud) => cloud.close()));
    return new OneWorker(worker, clouds, pool, query, [
      () => database.drop(),
      () => pool.end(),
      closeClouds,
      () => worker.stop(),
    ]);
  }

  /** The passwords that were made for an order, as whoever hands them on collects them. */
  async collectSecrets(orderId: string) {
    const found = await collectSecrets(this.pool, orderId, { actor: 'test', reason: 'to hand them on' });
    return found.map(({ itemIndex, field, sealed, cloudResourceId }) => ({
      ...readSecretField(field),
      cloudResourceId,
      value: sealer.open(sealed, secretContext(orderId, itemIndex, field)),
    }));
  }

  async stop(): Promise<void> {
    for (const stop of this.stops.toReversed()) await stop();
  }

  /** An order of a VM, a disk and an address for a tenant. @returns its workOrderId */
  async order(random: Random, tenant: string, platformId: string): Promise<string> {
    const { order } = freshOrder(random, 'order-86.json');
    Object.assign(order, { accountId: tenant, userId: `user-of-${tenant}` });
    for (const item of order['workOrderItems'] as JsonObject[]) {
      const config = JSON.parse(item['workOrderItemConfig'] as string) as JsonObject;
      item['workOrderItemConfig'] = JSON.stringify({ ...config, platformId });
      Object.assign(item, { accountId: tenant, userId: `user-of-${tenant}` });
    }
    const receipt = await this.worker.intake.receive({
      channel: 'http',
      origin: 'test',
      bytes: Buffer.from(textOf(order)),
      contentType: null,
      headers: {},
    });
    if (receipt.verdict !== 'accepted') throw new Error(`an order was ${JSON.stringify(receipt)}`);
    return order['workOrderId'] as string;
  }

  /** How many of billing's orders stand where. */
  async statuses(): Promise<Record<string, number>> {
    const rows = await this.query<{ status: string; count: number }>(
      `select status, count(*)::int from work_order where kind = 'billing' group by status`,
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }

  /** Why orders are held, for a failing test's words. */
  async reasons(): Promise<unknown[]> {
    return this.query(
      `select o.machine -> 'context' -> 'reason' as reason, c.name, c.state, c.context as context
         from work_order o left join cloud_operation c on c.order_id = o.order_id and c.finished_at is null
        where o.finished_at is null limit 3`,
    );
  }

  /** What the platform logs in with. */
  credentialsOf(platformId: string): Record<string, string> {
    return this.clouds.get(platformId)?.credentials ?? {};
  }

  /** The control side of a platform's cloud. */
  cloud(platformId: string): ControlSide {
    const url = this.clouds.get(platformId)?.url;
    if (url === undefined) throw new Error(`no simulated cloud is platform ${platformId}`);
    return ControlSide.at(url);
  }
}
