import type { Kafka } from 'kafkajs';
import type pg from 'pg';
import type { Logger } from 'pino';
import { WorkOrderConsumer } from '../../src/consumers/work-order.consumer.js';
import type { Bundle } from '../../src/machines/begin-order.js';
import type { RestHttp } from '../../src/provisioners/http.js';
import { clouds, createProvisioner } from '../../src/provisioners/registry.js';
import { EventPublisher } from '../../src/publishers/publish-events.js';
import { PlatformRegistry } from '../../src/runner/platform-registry.js';
import { Worker } from '../../src/runner/worker.js';
import type { Sealer } from '../../src/secrets.js';
import type { SimulatedProcess } from './virtual-time.js';
import type { Watch } from './watch.js';

export const topics = { orders: 'work-orders', events: 'work-order-events', rejected: 'work-orders.rejected' };

/** One worker as `src/main.ts` composes it, without HTTP and callbacks, on the roads of the simulation. */
export interface WorkerProcess {
  process: SimulatedProcess;
  /** As PostgreSQL shows its sessions. */
  applicationName: string;
  /** Null until it is ready. */
  worker: Worker | null;
  consumer: WorkOrderConsumer | null;
  publisher: EventPublisher | null;
  registry: PlatformRegistry | null;
  /** Until then its connections to the database fail, virtual ms. */
  cutOffUntil: number;
}

export interface WorkerSurroundings {
  pool: pg.Pool;
  kafka: Kafka;
  sealer: Sealer;
  log: Logger;
  workerId: string;
  leaseMs: number;
  bundle: Bundle;
  openHttp(options: { timeoutMs: number }): RestHttp;
  watch: Watch;
}

/** Starts it. @throws what a worker's start throws; the process is of no use then */
export async function startWorker(running: WorkerProcess, surroundings: WorkerSurroundings): Promise<void> {
  const { pool, kafka, sealer, log, workerId, leaseMs, bundle, openHttp, watch } = surroundings;
  const worker = await Worker.build({
    pool,
    sealer,
    log,
    workerId,
    leaseMs,
    createProvisioner: (config, gate) => createProvisioner(config, gate, openHttp),
    bundleOf: () => bundle,
    // What is due minutes after something is no less late for it; asked every second, it would cost a fifth of a world.
    looks: { every: 2_500 },
    registrar: { lookEveryMs: 2_000 },
    mayCallBack: () => false,
    callbackWarnings: () => [],
  });
  watch.attach(running.process, worker, () => running.worker !== null);
  await worker.start();
  running.publisher = new EventPublisher({
    kafka,
    sql: pool,
    identity: worker,
    installationId: worker.installationId,
    topics,
    log,
    pollMs: 2_000,
  });
  await running.publisher.start();
  running.consumer = new WorkOrderConsumer({
    kafka,
    groupId: 'workers',
    topic: topics.orders,
    intake: worker.intake,
    log,
    onDead: (reason) => log.fatal({ reason }, 'the Kafka consumer is dead'),
  });
  await running.consumer.start();
  running.registry = new PlatformRegistry({
    pool,
    sealer,
    createProvisioner: (config) => createProvisioner(config, undefined, openHttp),
    kinds: Object.keys(clouds),
    changed: () => worker.platforms.refresh(),
    log,
  });
  running.worker = worker;
}

/** Ends it as a signal would: in reverse. */
export async function stopWorker({ consumer, publisher, worker }: WorkerProcess): Promise<void> {
  await consumer?.stop();
  await publisher?.stop();
  await worker?.stop();
}
