/** The whole program over a database of its own, for the corpus and for fuzzing: real sockets, a simulated cloud, its logs kept. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pg from 'pg';
import { pino } from 'pino';
import { loadConfig } from '../../src/config.js';
import { openBody } from '../../src/consumers/intake.js';
import { startOrderwright } from '../../src/main.js';
import { createSealer, parseSecretKey } from '../../src/secrets.js';
import { startSimulatedCloudStack } from '../../src/simulators/cloudstack/server.js';
import { testDatabase } from '../support/database.js';

export interface CorpusWorld {
  url: string;
  token: string;
  pool: pg.Pool;
  /** Everything it logged so far. */
  log(): string;
  /** Why it would have ended its process; must stay empty. */
  fatal: string[];
  /** The bytes of a kept message, unsealed. */
  opened(sealed: Uint8Array): Buffer;
  stop(): Promise<void>;
}

const keys = { apiKey: 'corpus-api-key', secretKey: 'corpus-secret-key' };
const platformIds = ['sjif259a8d3011e7aebb005056aaa8be', '7f61019a8d3011e7aebb005056aaa8be'];

/** @param env more of its environment, such as the broker */
export async function startCorpusWorld(env: Record<string, string> = {}): Promise<CorpusWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'orderwright-corpus-'));
  const [database, cloud] = await Promise.all([
    testDatabase(),
    startSimulatedCloudStack({ ...keys, latencyMs: { min: 1, max: 5 } }),
  ]);
  const platforms = platformIds.map((platformId, i) => ({
    platformId,
    name: `dc-${i + 1}`,
    kind: 'cloudstack',
    serviceUrl: cloud.serviceUrl,
    credentials: keys,
    settings: {
      createOfferings: true,
      diskOfferings: { SATA: 'SATA', SSD: 'SSD' },
      callsPerSecond: 5_000,
      pace: { settleMs: 50, holdMs: 100, cutMs: 100, watchMs: 20, retryMs: 50, pollMinMs: 10, pollMaxMs: 50 },
    },
  }));
  const platformsFile = join(folder, 'platforms.json');
  await writeFile(platformsFile, JSON.stringify(platforms), { mode: 0o600 });
  const secretKey = randomBytes(32).toString('base64');
  const token = randomBytes(24).toString('base64url');
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const fatal: string[] = [];
  const config = loadConfig(
    {
      DATABASE_URL: database.url,
      ORDERWRIGHT_SECRET_KEY: secretKey,
      ORDERWRIGHT_API_TOKENS: `corpus:${token}`,
      ORDERWRIGHT_PLATFORMS: platformsFile,
      PORT: '0',
      ORDERWRIGHT_API_RATE: '100000',
      ...env,
    },
    'embedded',
  );
  const running = await startOrderwright(config, {
    migrate: false,
    log: pino({ level: 'debug', base: null }, sink),
    onFatal: (reason) => fatal.push(reason),
  });
  const pool = new pg.Pool({ connectionString: database.url, max: 3 });
  pool.on('error', () => undefined); // a cut connection also fails the statement, which is where it is reported
  const sealer = createSealer([parseSecretKey(secretKey)]);
  return {
    url: running.url,
    token,
    pool,
    log: () => lines.join(''),
    fatal,
    opened: (sealed) => Buffer.from(openBody(sealer, sealed)),
    async stop() {
      await running.stop();
      await pool.end();
      await cloud.close();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}

/** An order that has nothing wrong with it: one small disk. */
export function goodOrder(workOrderId: string): string {
  const config = {
    volumeName: 'good',
    volumeNumber: 1,
    volumeSize: '10',
    volumeType: 'SSD',
    platformId: platformIds[0],
    zoneId: '0d86f114-7153-4d71-a835-7916a41ab0b7',
  };
  const item = {
    workOrderItemId: 1,
    resourceType: 'EBS',
    resourceId: `${workOrderId}.disk`,
    workOrderItemConfig: JSON.stringify(config),
  };
  return JSON.stringify({
    workOrderId,
    userId: 'bac9eabf2308ee0410980e05c48af0a77eb',
    accountId: 'bacedc3cefb4da54b3790d2013e4734b0ef',
    resourceType: 'EBS',
    workOrderType: 1,
    workOrderItems: [item],
  });
}
