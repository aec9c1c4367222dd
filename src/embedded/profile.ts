import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { type Config, loadConfig } from '../config.js';
import { startOrderwright } from '../main.js';
import type { Pace } from '../machines/pace.js';
import { createSealer, parseSecretKey } from '../secrets.js';
import { simulatedCloudOf } from '../simulators/registry.js';
import { createDataSource, poolOf } from '../store/data-source.js';
import { runMigrations } from '../store/migrate.js';
import { insertPlatform, listPlatforms, movePlatform } from '../store/platforms.js';
import { EmbeddedError } from './embedded-error.js';
import { isAlive, withFileLock } from './file-lock.js';
import { freePort } from './free-port.js';
import { guard } from './guard.js';
import { startEmbeddedPostgres } from './postgres.js';
import { ensureSimulators, isFree, type RunningSimulator } from './simulator-processes.js';

/** The two data centres that the source platform's own test orders name: one of each kind that it has. */
export const simulatedPlatforms = [
  { platformId: '7f61019a8d3011e7aebb005056aaa8be', name: 'dc-1', cloud: 'cloudstack', seed: 1 },
  { platformId: 'sjif259a8d3011e7aebb005056aaa8be', name: 'dc-2', cloud: 'openstack', seed: 2 },
] as const;

/** A simulated cloud is near and patient: asked often, an order takes as long as its jobs do. */
const simulatedPace: Pace = {
  settleMs: 500,
  holdMs: 5_000,
  cutMs: 2_000,
  watchMs: 250,
  retryMs: 300,
  retryMaxMs: 5_000,
  jobDeadlineMs: 60_000,
  pollMinMs: 150,
  pollMaxMs: 1_000,
};

export interface EmbeddedOptions {
  dataDir: string;
  /** The port asked for; null takes 8080, or a free one when that is in use. */
  port: number | null;
  /** What the simulated data centres of a new data folder all are; null: what `simulatedPlatforms` says of each. */
  cloud?: string | null;
  env: NodeJS.ProcessEnv;
  /** The database and the clouds end with this process, even when it is killed; for demonstrations. */
  guarded?: boolean;
  /** How long jobs of the simulated clouds take. */
  latencyMs?: { min: number; max: number };
  /** One line per thing that takes time. */
  say: (line: string) => void;
  onFatal?: (reason: string) => void;
}

export interface EmbeddedProfile {
  url: string;
  workerId: string;
  config: Config;
  dataDir: string;
  logFile: string;
  postgres: { port: number; attached: boolean };
  simulators: (RunningSimulator & { name: string })[];
  /** Stops the worker, then the clouds and the database, whoever started them. */
  stop(): Promise<void>;
}

/**
 * Everything on one machine with nothing installed but Node: PostgreSQL and two simulated clouds as processes of their own,
 * and the worker with its API in this one. After a crash of this process a second call finds the others and goes on.
 */
export async function startEmbeddedProfile(options: EmbeddedOptions): Promise<EmbeddedProfile> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  return withFileLock(join(dataDir, 'up.lock'), 120_000, async () => {
    await refuseSecond(dataDir);
    const stops: (() => Promise<void>)[] = [];
    const stop = async () => {
      for (const step of stops.splice(0).toReversed()) await step();
    };
    try {
      return { ...(await start({ ...options, dataDir }, stops)), stop };
    } catch (error) {
      await stop();
      throw error;
    }
  });
}

async function start(options: EmbeddedOptions, stops: (() => Promise<void>)[]): Promise<Omit<EmbeddedProfile, 'stop'>> {
  const { dataDir, env, say } = options;
  const logFile = join(dataDir, 'orderwright.log');
  say('starting PostgreSQL…');
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), durable: true, detached: true });
  stops.push(() => postgres.stop());
  if (options.guarded) guard(postgres.pid);
  const config = loadConfig(
    {
      ...env,
      DATABASE_URL: postgres.url,
      ORDERWRIGHT_SECRET_KEY: env['ORDERWRIGHT_SECRET_KEY'] || (await secretKey(dataDir)),
      PORT: String(options.port ?? (await choosePort(env))),
    },
    'embedded',
  );
  await runMigrations(config.databaseUrl);
  say('starting the simulated clouds…');
  const clouds = await ensureSimulators({
    dataDir,
    wanted: simulatedPlatforms.map(({ platformId, cloud, seed }) => ({
      platformId,
      cloud: options.cloud ?? cloud,
      seed,
    })),
    latencyMs: options.latencyMs ?? { min: 400, max: 1_600 },
  });
  stops.push(() => clouds.stop());
  if (options.guarded) for (const { pid } of clouds.simulators) guard(pid);
  const simulators = clouds.simulators.map((one, i) => ({
    ...one,
    name: simulatedPlatforms[i]?.name ?? one.platformId,
  }));
  await seedPlatforms(config, simulators);

  say('starting the worker…');
  const log = pino(
    { level: config.logLevel, base: null },
    pino.destination({ dest: logFile, sync: false, mode: 0o600 }),
  );
  const { onFatal } = options;
  const running = await startOrderwright(config, { migrate: false, log, ...(onFatal && { onFatal }) });
  stops.push(() => running.stop());
  const upFile = join(dataDir, 'up.json');
  await writeFile(`${upFile}.new`, JSON.stringify({ url: running.url, pid: process.pid }), { mode: 0o600 });
  await rename(`${upFile}.new`, upFile);
  stops.push(() => rm(upFile, { force: true }));
  return {
    url: running.url,
    workerId: running.workerId,
    config,
    dataDir,
    logFile,
    postgres: { port: postgres.port, attached: postgres.attached },
    simulators,
  };
}

/** Two workers on one data folder would be fine for the database, but not for the port and the one who stops it all. */
async function refuseSecond(dataDir: string): Promise<void> {
  try {
    const up = JSON.parse(await readFile(join(dataDir, 'up.json'), 'utf8')) as { url: string; pid: number };
    if (up.pid === process.pid || !isAlive(up.pid)) return;
    const answer = await fetch(`${up.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    if (!answer.ok) return;
    throw new EmbeddedError(
      'SYS_ALREADY_UP',
      `Orderwright is up already on ${dataDir}: ${up.url} (process ${up.pid}).`,
    );
  } catch (error) {
    if (error instanceof EmbeddedError) throw error;
  }
}

/** The key of this data folder, made on first use. Without it nothing sealed in the database can be opened again. */
async function secretKey(dataDir: string): Promise<string> {
  const file = join(dataDir, 'secret.key');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
    return (await readFile(file, 'utf8')).trim();
  }
}

async function choosePort(env: NodeJS.ProcessEnv): Promise<number | string> {
  if (env['PORT']) return env['PORT'];
  return (await isFree(8080)) ? 8080 : freePort();
}

/** Puts the simulated clouds into an empty table; later only follows them to a new address. */
async function seedPlatforms(config: Config, simulators: EmbeddedProfile['simulators']): Promise<void> {
  const sealer = createSealer(config.secretKeys.map(parseSecretKey));
  const dataSource = createDataSource(config.databaseUrl, { applicationName: 'orderwright-up', poolSize: 1 });
  await dataSource.initialize();
  try {
    const sql = poolOf(dataSource);
    const isEmpty = (await listPlatforms(sql)).length === 0;
    for (const { platformId, name, cloud, serviceUrl, credentials } of simulators) {
      if (!isEmpty) {
        await movePlatform(sql, platformId, serviceUrl);
        continue;
      }
      await insertPlatform(sql, {
        platformId,
        name,
        kind: cloud,
        serviceUrl,
        state: 'open',
        settings: {
          ...simulatedCloudOf(cloud).settings,
          registerTenants: 'first-order',
          callsPerSecond: 200,
          pace: { ...simulatedPace },
        },
        sealedCredentials: sealer.seal(JSON.stringify(credentials), platformId),
      });
    }
  } finally {
    await dataSource.destroy();
  }
}
