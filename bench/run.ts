import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { startEmbeddedPostgres } from '../src/embedded/postgres.js';
import { Worker } from '../src/runner/worker.js';
import { createSealer } from '../src/secrets.js';
import { createHotPool } from '../src/store/data-source.js';
import { simulatedClouds } from '../src/simulators/registry.js';
import { runMigrations } from '../src/store/migrate.js';
import { applicationName } from '../src/store/ownership.js';
import { insertPlatform } from '../src/store/platforms.js';
import { prepareCeiling, type RecordedStatement } from './ceiling.js';
import { cpuSeconds } from './cpu.js';
import { InProcessCloud } from './in-process-cloud.js';
import { measureCloud, ordersPerUser } from './on-cloud.js';
import { threeItemOrder } from './order.js';
import { measurePieces, type PiecesFigures } from './pieces.js';

const platformId = 'bench-platform';
const workerId = 'bench';
const orders = Number(process.env['BENCH_ORDERS'] ?? 6_000);
/** Open orders at a time under full load: as many as a backlog would give. */
const window = Number(process.env['BENCH_WINDOW'] ?? 400);
/** Through a real adapter, per cloud. */
const cloudOrders = Number(process.env['BENCH_CLOUD_ORDERS'] ?? 500);
const latencySeconds = Number(process.env['BENCH_LATENCY_SECONDS'] ?? 15);

interface Figures {
  ordersPerCpuSecond: number;
  ceilingOrdersPerCpuSecond: number;
  ratio: number;
  commitsPerOrder: number;
  walBytesPerOrder: number;
  latencyMs: { p50: number; p99: number };
}

const folder = await mkdtemp(join(tmpdir(), 'orderwright-bench-'));
const server = await startEmbeddedPostgres({ dataDir: folder, durable: true });
try {
  await runMigrations(server.url);
  const at = process.argv.indexOf('--cloud');
  if (at >= 0) await compareClouds(process.argv.slice(at + 1).filter((word) => !word.startsWith('--')));
  else if (process.argv.includes('--pieces')) {
    const pieces = await measureManyPieces();
    printPieces(pieces);
    if (process.argv.includes('--json')) console.log(JSON.stringify({ pieces }));
  } else {
    const figures = await measure();
    print(figures);
    if (process.argv.includes('--json')) console.log(JSON.stringify(figures));
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
// A worker that failed half-way may have left something running; there is nothing to wait for.
process.exit();

/** `--cloud` alone takes all of them, so that they can be compared. */
async function compareClouds(named: string[]): Promise<void> {
  const pool = createHotPool(server.url, { applicationName: applicationName(workerId), size: 10 });
  const sealer = createSealer(Buffer.from(Array.from({ length: 32 }, (_, i) => i)));
  console.log(`3-item order, the real adapter, a simulated cloud in a process of its own whose jobs take no time;`);
  console.log(`${ordersPerUser} orders of each user, whose registration and network are in the figures`);
  const clouds = named.length > 0 ? named : Object.keys(simulatedClouds);
  for (const cloud of clouds) {
    const figures = await measureCloud(cloud, { pool, sealer, databasePid: server.pid, orders: cloudOrders });
    const { callsPerOrder, ordersPerCpuSecond, ordersPerSecond } = figures;
    const texts = [
      `${round(callsPerOrder, 1)} calls per order`,
      `${round(ordersPerCpuSecond)} orders per CPU-second`,
      `${round(ordersPerSecond)} orders per second`,
    ];
    console.log(`  ${cloud.padEnd(14)}${texts.join(', ')}`);
  }
  await pool.end();
}

/** With as many calls at once as a worker makes by default. */
async function measureManyPieces(): Promise<PiecesFigures> {
  const pool = createHotPool(server.url, { applicationName: applicationName(workerId), size: 10 });
  const cloud = new InProcessCloud(() => new Promise((resolve) => setImmediate(resolve)));
  const worker = await startWorker(pool, cloud, { concurrency: 32 });
  const take = (bytes: Buffer) => accept(worker, bytes);
  const figures = await measurePieces({ worker, cloud, platformId, databasePid: server.pid, take });
  await worker.stop();
  await pool.end();
  return figures;
}

async function measure(): Promise<Figures> {
  const pool = createHotPool(server.url, { applicationName: applicationName(workerId), size: 10 });
  const cloud = new InProcessCloud();
  const worker = await startWorker(pool, cloud);
  let number = 1;
  const next = () => Buffer.from(threeItemOrder(number++, platformId));

  await load(worker, Array.from({ length: 1_000 }, next));
  const { recorded, ids } = await record(worker, next());
  await pool.query('checkpoint');

  const batch = Array.from({ length: orders }, next);
  const before = await reading(pool);
  await load(worker, batch);
  const after = await reading(pool);

  // The same rows, as the next thing on the same server, so that both see the same machine.
  const writeAll = prepareCeiling(pool, recorded, ids, orders, 400);
  await pool.query('checkpoint');
  const bareBefore = cpuSeconds(server.pid);
  await writeAll();
  const bareAfter = cpuSeconds(server.pid);

  const latencies = await trickle(worker, next);
  const built = cloud.count('vm.create');
  if (built !== number - 1) throw new Error(`${number - 1} orders, but ${built} VMs: the benchmark is not honest`);
  await worker.stop();
  await pool.end();

  const used = (from: typeof bareBefore, to: typeof bareBefore) =>
    to.engine + to.database - from.engine - from.database;
  const ordersPerCpuSecond = orders / used(before.cpu, after.cpu);
  const ceilingOrdersPerCpuSecond = orders / used(bareBefore, bareAfter);
  if (process.env['BENCH_VERBOSE']) {
    console.error({
      engineCpu: after.cpu.engine - before.cpu.engine,
      databaseCpu: after.cpu.database - before.cpu.database,
      bareEngineCpu: bareAfter.engine - bareBefore.engine,
      bareDatabaseCpu: bareAfter.database - bareBefore.database,
    });
  }
  return {
    ordersPerCpuSecond: round(ordersPerCpuSecond),
    ceilingOrdersPerCpuSecond: round(ceilingOrdersPerCpuSecond),
    ratio: round(ordersPerCpuSecond / ceilingOrdersPerCpuSecond, 2),
    commitsPerOrder: round((after.commits - before.commits) / orders, 3),
    walBytesPerOrder: round((after.wal - before.wal) / orders),
    latencyMs: { p50: round(percentile(latencies, 0.5), 1), p99: round(percentile(latencies, 0.99), 1) },
  };
}

async function startWorker(pool: pg.Pool, cloud: InProcessCloud, { concurrency = 10_000 } = {}): Promise<Worker> {
  const sealer = createSealer(Buffer.from(Array.from({ length: 32 }, (_, i) => i)));
  await insertPlatform(pool, {
    platformId,
    name: 'bench',
    kind: 'in-process',
    serviceUrl: 'http://127.0.0.1:1',
    state: 'open',
    settings: { pace: { settleMs: 100, watchMs: 1, retryMs: 1, pollMinMs: 0, pollMaxMs: 1 } },
    sealedCredentials: sealer.seal('{}', platformId),
  });
  const worker = await Worker.build({
    pool,
    sealer,
    log: pino({ level: 'warn' }),
    workerId,
    leaseMs: 60_000,
    createProvisioner: () => cloud,
    callbackWarnings: () => [],
    mayCallBack: () => false,
    concurrency,
  });
  await worker.start();
  return worker;
}

/** Full load: the next order goes in as soon as there is room, until all are done. */
async function load(worker: Worker, bodies: Buffer[]): Promise<void> {
  const waiting = [...bodies];
  while (waiting.length > 0) {
    const room = window - worker.engine.openOrders;
    if (room <= 0) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      continue;
    }
    await Promise.all(waiting.splice(0, Math.min(room, 200)).map((bytes) => accept(worker, bytes)));
  }
  while (worker.engine.openOrders > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function accept(worker: Worker, bytes: Buffer): Promise<string> {
  const receipt = await worker.intake.receive({
    channel: 'cli',
    origin: 'bench',
    bytes,
    contentType: null,
    headers: {},
  });
  if (receipt.verdict !== 'accepted' || !receipt.orderId)
    throw new Error(`not accepted: ${receipt.verdict} ${receipt.code}`);
  return receipt.orderId;
}

/** 20 orders a second for a while: how long from the last byte in to the last step stored. The cloud takes no time. */
async function trickle(worker: Worker, next: () => Buffer): Promise<number[]> {
  const latencies: number[] = [];
  const runs: Promise<void>[] = [];
  for (let i = 0; i < latencySeconds * 20; i++) {
    const bytes = next();
    runs.push(
      (async () => {
        const start = performance.now();
        const orderId = await accept(worker, bytes);
        while (worker.engine.get(orderId)) await new Promise((resolve) => setTimeout(resolve, 1));
        latencies.push(performance.now() - start);
      })(),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all(runs);
  return latencies.toSorted((a, b) => a - b);
}

/** Runs one order alone and keeps every writing statement that it caused. */
async function record(worker: Worker, bytes: Buffer): Promise<{ recorded: RecordedStatement[]; ids: string[] }> {
  const recorded: RecordedStatement[] = [];
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const statement = args[0];
    if (typeof statement === 'object' && statement !== null && 'name' in statement) {
      const { name, text, values } = statement as RecordedStatement;
      if (/^(insert-|save-)/.test(name)) recorded.push({ name, text, values });
    }
    return Reflect.apply(query, this, args) as never;
  } as typeof query;
  const orderId = await accept(worker, bytes);
  while (worker.engine.openOrders > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  pg.Client.prototype.query = query;

  const order = JSON.parse(bytes.toString()) as { workOrderId: string; workOrderItems: { resourceId: string }[] };
  const messages = recorded.find((one) => one.name === 'insert-messages');
  const [messageId = ''] = /[0-9a-f-]{36}/.exec(String(messages?.values[0])) ?? [];
  const ids = [orderId, messageId, order.workOrderId, ...order.workOrderItems.map((item) => item.resourceId)];
  // An empty one would be found everywhere.
  if (ids.includes('')) throw new Error('the recording has no message');
  return { recorded, ids };
}

async function reading(pool: pg.Pool) {
  // Backends report their counts once a second at the most.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  const { rows } = await pool.query<{ commits: string; wal: string }>(
    `select xact_commit as commits, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as wal
       from pg_stat_database where datname = current_database()`,
  );
  return { commits: Number(rows[0]?.commits), wal: Number(rows[0]?.wal), cpu: cpuSeconds(server.pid) };
}

function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function round(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}

function print(figures: Figures): void {
  const rows: [string, string, string][] = [
    ['engine and database', `${figures.ordersPerCpuSecond} orders per CPU-second`, '≥ 500 now, ≥ 1,000 final'],
    ['bare group commit of the same rows', `${figures.ceilingOrdersPerCpuSecond} orders per CPU-second`, 'same run'],
    ['ratio', `${figures.ratio}`, '≥ 0.45 final'],
    ['commits per order at full load', `${figures.commitsPerOrder}`, '≤ 0.1 final'],
    ['WAL per order', `${figures.walBytesPerOrder} bytes`, '≤ 12,288 final'],
    ['latency at 20 orders/s, p50', `${figures.latencyMs.p50} ms`, '≤ 15 final'],
    ['latency at 20 orders/s, p99', `${figures.latencyMs.p99} ms`, '≤ 40 final'],
  ];
  console.log(`3-item order, 5 cloud jobs, zero-latency cloud, embedded PostgreSQL (fsync on), ${orders} orders`);
  for (const [what, value, bar] of rows) console.log(`  ${what.padEnd(36)}${value.padEnd(32)}${bar}`);
}

function printPieces(figures: PiecesFigures): void {
  const { cpuMsPerPiece, growth, slowestSmallOrderMs, smallOrders, longestBlockMs } = figures;
  const rows: [string, string, string][] = [
    ...Object.entries(cpuMsPerPiece).map(([size, ms]): [string, string, string] => [
      `a piece of an order of ${size}`,
      `${round(ms, 2)} ms of CPU`,
      '',
    ]),
    ['largest against smallest', `${round(growth, 2)}`, '≤ 1.5'],
    [`slowest of ${smallOrders} small orders meanwhile`, `${round(slowestSmallOrderMs)} ms`, '≤ 1,000'],
    ['longest time without a turn for others', `${round(longestBlockMs)} ms of CPU`, '≤ 100'],
  ];
  console.log(`one order of many pieces (VMs and attached disks), zero-latency cloud, embedded PostgreSQL (fsync on)`);
  for (const [what, value, bar] of rows) console.log(`  ${what.padEnd(36)}${value.padEnd(32)}${bar}`);
}
