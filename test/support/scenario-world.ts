/** Everything a scenario needs for real: database, broker, a simulated cloud in its own process, workers in theirs. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { JsonObject } from '../../src/json.js';
import { startCloudProcess } from './clouds.js';
import { ControlSide } from './control-side.js';
import { type TestDatabase, testDatabase } from './database.js';
import { kafkaForTests, uniqueTopic } from './kafka.js';
import { Billing, type Topics } from './scenario-kafka.js';
import { buildCommand, CommandProcess } from './scenario-process.js';

/** A running worker and where its API is. */
export interface RunningWorker {
  process: CommandProcess;
  workerId: string;
  url: string;
}

export interface WorldOptions {
  /** The kind of its cloud, CloudStack by default. */
  cloud?: string;
  /** More of its platforms' settings. */
  settings?: JsonObject;
  /** How long the cloud's jobs take, as `simulate --latency` wants it. */
  latency?: string;
  /** More of the worker's environment. */
  env?: Record<string, string>;
  /** Instead of one of the run's shared server; dropped at the end. */
  database?: TestDatabase;
}

/** A simulated cloud is near and patient: asked often, an order takes as long as its jobs do. */
const pace = {
  settleMs: 400,
  holdMs: 800,
  cutMs: 800,
  watchMs: 100,
  retryMs: 200,
  retryMaxMs: 2_000,
  pollMinMs: 50,
  pollMaxMs: 500,
  jobDeadlineMs: 30_000,
};

export class World {
  private readonly stops: (() => Promise<unknown>)[] = [];
  private readonly workers: CommandProcess[] = [];
  readonly token = randomBytes(18).toString('base64url');
  readonly topics: Topics;
  readonly groupId: string;

  private constructor(
    readonly name: string,
    readonly databaseUrl: string,
    readonly billing: Billing,
    readonly pool: pg.Pool,
    readonly cloud: ControlSide,
    readonly env: Record<string, string>,
  ) {
    this.topics = { orders: `${name}.orders`, events: `${name}.events`, rejected: `${name}.rejected` };
    this.groupId = `${name}.workers`;
  }

  static async start(scenario: string, options: WorldOptions = {}): Promise<World> {
    buildCommand();
    const name = uniqueTopic(scenario);
    const [{ brokers }, database] = [await kafkaForTests(), options.database ?? (await testDatabase())];
    const stops: (() => Promise<unknown>)[] = [() => database.drop()];
    const pool = new pg.Pool({ connectionString: database.url, max: 3 });
    pool.on('error', () => undefined); // a cut connection also fails the statement, which is where it is reported
    stops.push(() => pool.end());
    const topics = { orders: `${name}.orders`, events: `${name}.events`, rejected: `${name}.rejected` };
    const billing = new Billing(brokers, topics);
    stops.push(() => billing.stop());
    try {
      await billing.start();
      const cloud = await startCloudProcess(name, {
        cloud: options.cloud ?? 'cloudstack',
        latency: options.latency ?? '20-60',
        settings: { pace, ...options.settings },
      });
      stops.push(() => cloud.process.end('SIGTERM'));
      const env = {
        DATABASE_URL: database.url,
        KAFKA_BROKERS: brokers.join(','),
        KAFKA_CLIENT_ID: 'orderwright-scenario',
        KAFKA_GROUP_ID: `${name}.workers`,
        KAFKA_TOPIC_ORDERS: topics.orders,
        KAFKA_TOPIC_EVENTS: topics.events,
        KAFKA_TOPIC_REJECTED: topics.rejected,
        PORT: '0',
        ORDERWRIGHT_SECRET_KEY: randomBytes(32).toString('base64'),
        ORDERWRIGHT_PLATFORMS: cloud.platformsFile,
        ...options.env,
      };
      const world = new World(name, database.url, billing, pool, ControlSide.at(cloud.url), env);
      world.stops.push(...stops);
      return world;
    } catch (error) {
      for (const stop of stops.toReversed()) await stop().catch(() => undefined);
      throw error;
    }
  }

  /** A worker and its API, ready. @param env more of its environment */
  async startWorker(env: Record<string, string> = {}): Promise<RunningWorker> {
    const process = CommandProcess.start(`${this.name}.worker-${this.workers.length + 1}`, ['serve'], {
      ...this.env,
      ORDERWRIGHT_API_TOKENS: `scenario:${this.token}`,
      ...env,
    });
    this.workers.push(process);
    const [, workerId = '', url = ''] = await process.says(/"workerId":"([^"]+)","url":"([^"]+)","msg":"ready"/);
    return { process, workerId, url };
  }

  /** Started last, ready or not. */
  newestWorker(): CommandProcess | undefined {
    return this.workers.at(-1);
  }

  /** Everything that any worker wrote. */
  workerLogs(): string {
    return this.workers.map((worker) => worker.log()).join('\n');
  }

  async query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows;
  }

  /** A call of a worker's API. */
  async api({ url }: RunningWorker, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, ...(init.headers as Record<string, string> | undefined) };
    return fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(30_000) });
  }

  /** Ends what it started, in reverse. */
  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.end('SIGKILL')));
    for (const stop of this.stops.toReversed()) await stop();
  }
}
