import { readFileSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import { z } from 'zod';
import type { Config } from './config.js';
import { crashPoint } from './crash-point.js';
import { createKafka, ensureTopics } from './consumers/kafka-client.js';
import { WorkOrderConsumer } from './consumers/work-order.consumer.js';
import { startHttp } from './http/server.js';
import { createMetrics } from './metrics.js';
import { clouds, createProvisioner } from './provisioners/registry.js';
import { CallbackDelivery } from './publishers/deliver-callbacks.js';
import { EventPublisher } from './publishers/publish-events.js';
import { checkCallbackUrl, parseAllowList } from './publishers/url-guard.js';
import { SecretJanitor } from './runner/erase-secrets.js';
import { toStored } from './runner/platform-changes.js';
import { PlatformRegistry } from './runner/platform-registry.js';
import { EventWatch } from './runner/event-watch.js';
import { Worker } from './runner/worker.js';
import { NewPlatform } from './schemas/platform.js';
import type { Warning, WorkOrder } from './schemas/work-order.js';
import { createSealer, parseSecretKey, type Sealer } from './secrets.js';
import { createDataSource, createHotPool, poolOf, type Sql } from './store/data-source.js';
import { runMigrations } from './store/migrate.js';
import { applicationName } from './store/ownership.js';
import { insertPlatform } from './store/platforms.js';
import { randomUUID } from 'node:crypto';

export interface StartOptions {
  /** Apply missing migrations first. */
  migrate: boolean;
  log?: Logger;
  /** This process can do no more (its Kafka consumer is dead): end it. */
  onFatal?(reason: string): void;
}

export interface Running {
  url: string;
  workerId: string;
  worker: Worker;
  stop(): Promise<void>;
}

/**
 * The composition root: builds a worker, its intake and its API from the configuration, starts them in the order in which
 * they need each other and stops them in reverse. Everything else gets what it needs as values.
 */
export async function startOrderwright(config: Config, options: StartOptions): Promise<Running> {
  const log = options.log ?? createLog(config.logLevel);
  const sealer = createSealer(config.secretKeys.map(parseSecretKey));
  const { rules: allow, problems } = parseAllowList(config.callbackAllow);
  if (problems.length > 0) throw new Error(`ORDERWRIGHT_CALLBACK_ALLOW: ${problems.join('; ')}`);
  if (options.migrate) await runMigrations(config.databaseUrl);

  const workerId = randomUUID();
  const dataSource = createDataSource(config.databaseUrl, {
    applicationName: applicationName(workerId),
    poolSize: 5,
  });
  await dataSource.initialize();
  const pool = createHotPool(config.databaseUrl, {
    applicationName: applicationName(workerId),
    size: config.databasePoolSize,
  });
  const stops: Stop[] = [
    { what: 'database', step: async () => void (await Promise.all([pool.end(), dataSource.destroy()])) },
  ];
  const stop = () => stopInReverse(stops, log);
  try {
    if (config.platformsFile) await addPlatforms(pool, sealer, config.platformsFile);
    const worker = await Worker.build({
      pool,
      sealer,
      log,
      workerId,
      leaseMs: config.leaseMs,
      tenantWeights: config.tenantWeights,
      createProvisioner,
      bundleOf: ({ accountId }) => ({
        policy: config.bundlePolicy[accountId] ?? config.bundlePolicy[''] ?? 'rollback',
        undoAfterMs: config.undoAfterMs,
        removeExtras: (config.extras[accountId] ?? config.extras['']) === 'remove',
      }),
      mayCallBack: (url) => checkCallbackUrl(url, allow).ok,
      callbackWarnings: (order) => callbackWarnings(order, (url) => checkCallbackUrl(url, allow)),
    });
    await worker.start();
    stops.push({ what: 'worker', step: () => worker.stop() });

    const callbacks = new CallbackDelivery({
      sql: pool,
      allow,
      path: config.callbackPath,
      secrets: config.callbackSecrets,
      unsigned: config.callbackUnsigned,
      log,
    });
    callbacks.start();
    stops.push({ what: 'callbacks', step: () => callbacks.stop() });

    const eventWatch = new EventWatch({ sql: pool, log });
    eventWatch.start();
    stops.push({ what: 'event watch', step: () => Promise.resolve(eventWatch.stop()) });

    const janitor = new SecretJanitor({ sql: poolOf(dataSource), log });
    janitor.start();
    stops.push({ what: 'janitor', step: () => janitor.stop() });

    const consumer = config.kafka ? await startKafka(config.kafka, worker, pool, options, log, stops) : null;
    const http = await startHttp({
      config,
      dataSource,
      intake: worker.intake,
      levers: worker.levers,
      orphans: worker.orphans,
      platforms: () => worker.platforms.views(),
      registry: new PlatformRegistry({
        pool: poolOf(dataSource),
        sealer,
        createProvisioner,
        kinds: Object.keys(clouds),
        changed: () => worker.platforms.refresh(),
        log,
      }),
      registrar: worker.registrar,
      standingOf: (platformId, orderId) => worker.platforms.standingOf(platformId, orderId),
      metrics: createMetrics(worker, pool),
      openSecret: (sealed, context) => sealer.open(sealed, context),
      ready: () => readiness(worker, consumer),
      log,
    });
    // The door closes first, so that nothing is accepted that this worker would have to give up at once.
    stops.push({ what: 'http', step: () => http.close() });
    log.info({ workerId, url: http.url }, 'ready');
    return { url: http.url, workerId, worker, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Stop {
  what: string;
  step(): Promise<void>;
}

/**
 * Supervisors kill after 30 s. Each part gets its time and no more, so that a broker or a database that is away (whose
 * parts would wait for it for ever) cannot keep the worker from giving its orders up, or this process from ending.
 * Nothing is lost by what is cut short: it is what a crash would leave.
 */
const stopTimeoutMs: Record<string, number> = {
  http: 3_000,
  consumer: 4_000,
  publisher: 2_000,
  callbacks: 2_000,
  // Its grace for calls under way, and a moment to store their answers and to say good-bye.
  worker: 13_000,
  database: 2_000,
};

async function stopInReverse(stops: Stop[], log: Logger): Promise<void> {
  for (const { what, step } of stops.splice(0).toReversed()) {
    const { signal, abort } = deadline(stopTimeoutMs[what] ?? 2_000);
    try {
      await Promise.race([step(), signal]);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      log.warn(
        { what, code, reason: message },
        'a part did not stop as it should; it is left as a crash would leave it',
      );
    } finally {
      abort();
    }
  }
}

function deadline(ms: number): { signal: Promise<never>; abort(): void } {
  let timer: NodeJS.Timeout | undefined;
  const signal = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not stopped within ${ms} ms`)), ms);
  });
  return { signal, abort: () => clearTimeout(timer) };
}

/** Logs are JSON lines on stderr; ids and codes only, never a message's content (reliability N6: redaction is the second net). */
export function createLog(level: Config['logLevel']): Logger {
  return pino(
    {
      level,
      base: null,
      redact: {
        paths: ['*.rootPassword', '*.password', '*.secretkey', '*.apikey', '*.token', '*.authorization'],
        censor: '(secret)',
      },
    },
    pino.destination({ dest: 2, sync: false }),
  );
}

async function startKafka(
  config: NonNullable<Config['kafka']>,
  worker: Worker,
  sql: Sql,
  options: StartOptions,
  log: Logger,
  stops: Stop[],
): Promise<WorkOrderConsumer> {
  if (config.tls?.insecure) log.warn({ variable: 'KAFKA_TLS' }, 'the brokers are not asked who they are');
  const kafka = createKafka(config, log);
  const { topics } = config;
  await ensureTopics(kafka, [topics.orders, topics.events, topics.rejected]);
  const publisher = new EventPublisher({
    kafka,
    sql,
    identity: worker,
    installationId: worker.installationId,
    topics,
    log,
  });
  await publisher.start();
  stops.push({ what: 'publisher', step: () => publisher.stop() });
  const consumer = new WorkOrderConsumer({
    kafka,
    groupId: config.groupId,
    topic: topics.orders,
    intake: worker.intake,
    log,
    onDead: (reason) => {
      log.fatal({ reason }, 'the Kafka consumer is dead');
      options.onFatal?.(reason);
    },
  });
  await consumer.start();
  stops.push({ what: 'consumer', step: () => consumer.stop() });
  return consumer;
}

function callbackWarnings(order: WorkOrder, check: (url: string) => ReturnType<typeof checkCallbackUrl>): Warning[] {
  if (order.callbackUrl === null) return [];
  const verdict = check(order.callbackUrl);
  if (verdict.ok) return [];
  const message = `The result will not be posted to msghandler_url: ${verdict.message}`;
  return [{ path: 'msghandler_url', code: verdict.code, message }];
}

async function readiness(worker: Worker, consumer: WorkOrderConsumer | null) {
  const { silentMs } = worker.ownership;
  const checks = [
    {
      what: 'database',
      ok: silentMs < 5_000,
      detail: silentMs < 5_000 ? 'answers' : `has not answered for ${Math.round(silentMs / 1000)} s`,
    },
  ];
  if (consumer) {
    checks.push({
      what: 'kafka',
      ok: consumer.joined,
      detail: consumer.joined ? 'in the consumer group' : 'not in the consumer group',
    });
  }
  return { ready: checks.every((check) => check.ok), checks };
}

const PlatformsFile = z.array(NewPlatform);

/** The parser's own message is not repeated: it quotes the text, which holds credentials. */
function readJson(path: string): unknown {
  const refuse = (what: string) => new Error(`ORDERWRIGHT_PLATFORMS (${path}): ${what}`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw refuse(`the file cannot be read (${(error as { code?: string }).code ?? 'unknown'})`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('the file is not JSON');
  }
}

/**
 * Adds the platforms of a file that are not there yet. What is there is left as it is, and what was removed stays removed: the
 * database is what people edit, the file only begins it. @throws Error naming what is wrong in the file
 */
async function addPlatforms(sql: Sql, sealer: Sealer, path: string): Promise<void> {
  const parsed = PlatformsFile.safeParse(readJson(path));
  if (!parsed.success) throw new Error(`ORDERWRIGHT_PLATFORMS (${path}): ${z.prettifyError(parsed.error)}`);
  for (const { credentials, ...plain } of parsed.data) {
    const sealedCredentials = sealer.seal(JSON.stringify(credentials), plain.platformId);
    const loginName = credentials['username'] ?? null;
    await insertPlatform(sql, toStored(plain, 'open', { sealedCredentials, loginName }));
    crashPoint('platform.added');
  }
}
