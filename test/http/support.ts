import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Config } from '../../src/config.js';
import { Intake } from '../../src/consumers/intake.js';
import { buildHttp, type PlatformView, type Readiness } from '../../src/http/server.js';
import { advance, type OrderEvent, type Surroundings } from '../../src/machines/advance.js';
import { defaultPace } from '../../src/machines/pace.js';
import { Engine } from '../../src/runner/engine.js';
import { Levers } from '../../src/runner/levers.js';
import { createProvisioner } from '../../src/provisioners/registry.js';
import { Orphans } from '../../src/runner/orphans.js';
import { PlatformRegistry, type PlatformRegistryOptions } from '../../src/runner/platform-registry.js';
import { createSealer } from '../../src/secrets.js';
import { createDataSource, poolOf } from '../../src/store/data-source.js';
import { installationId } from '../../src/store/installation.js';
import { loadOrders } from '../../src/store/load-orders.js';
import { insertPlatform } from '../../src/store/platforms.js';
import { saveSteps } from '../../src/store/steps.js';
import { Passwords } from '../../src/tenants/passwords.js';
import { testDatabase } from '../support/database.js';
import { RecordedRegistrar } from '../support/registrar.js';

export const token = 'a-token-of-the-tests';
export const workerId = 'worker-of-the-tests';

/** A file of real messages, as it lies there. */
export const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/work-orders/${name}`, import.meta.url));

/** The API over a real database and the real intake, without an engine: orders stay as they were taken. */
export async function startApi(
  options: {
    requireToken?: boolean;
    secretKey?: Uint8Array;
    /** Beside another one, on its database. */
    databaseUrl?: string;
    /** Orders are taken by an engine whose cloud never answers; `engine` then moves them, not `happen`. */
    withEngine?: boolean;
    /** Other clouds than CloudStack. */
    clouds?: Pick<PlatformRegistryOptions, 'createProvisioner' | 'kinds'>;
  } & Partial<Pick<Config, 'apiRatePerSecond' | 'legacyIntake'>> = {},
) {
  const database = options.databaseUrl ? { url: options.databaseUrl, drop: async () => {} } : await testDatabase();
  const dataSource = createDataSource(database.url, { poolSize: 4 });
  await dataSource.initialize();
  const pool = poolOf(dataSource);
  const installation = await installationId(pool);
  const surroundings: Surroundings = { installationId: installation, at: Date.now(), pace: () => defaultPace };
  const sealer = createSealer(options.secretKey ?? Buffer.alloc(32, 7));
  const log = pino({ level: 'silent' });
  const identity = { workerId };
  const engine = new Engine({
    pool,
    identity,
    installationId: installation,
    log,
    now: Date.now,
    pace: () => defaultPace,
  });
  engine.connect({
    plan: () => {},
    prepare: () => {},
    run: () => {},
    track: () => {},
    ended: () => {},
    reread: () => {},
  });
  const levers = new Levers({ pool, engine, identity, preparations: { stuckFor: () => [] }, log });
  const orphans = new Orphans({ pool, platforms: { get: () => undefined }, log });
  const intake = new Intake({
    pool,
    sealer,
    identity: { workerId },
    surroundings: () => ({ ...surroundings, at: Date.now() }),
    callbackWarnings: () => [],
    begin: (step, order, claimed) => {
      if (options.withEngine) engine.begin(step, { order, callbackUrl: null, claimed });
    },
  });
  const platforms: PlatformView[] = [
    {
      id: 'dc-1',
      name: 'Beijing-1',
      kind: 'cloudstack',
      serviceUrl: 'http://ops:hunter2@127.0.0.1:9/client/api',
      state: 'open',
    },
  ];
  for (const { weather: _weather, id: platformId, ...platform } of platforms) {
    const sealedCredentials = sealer.seal('{"apiKey":"key-of-dc-1","secretKey":"secret-of-dc-1"}', platformId);
    await insertPlatform(pool, { ...platform, platformId, settings: {}, sealedCredentials });
  }
  /** How often the registry said that something changed. */
  const changes = { count: 0 };
  const registry = new PlatformRegistry({
    pool,
    sealer,
    createProvisioner,
    kinds: ['cloudstack'],
    changed: async () => void (changes.count += 1),
    log,
    ...options.clouds,
  });
  const registrar = new RecordedRegistrar(pool);
  const readiness: Readiness = { ready: true, checks: [{ what: 'database', ok: true, detail: 'answers' }] };
  const { app, close } = await buildHttp({
    config: {
      host: '127.0.0.1',
      port: 0,
      requireToken: options.requireToken ?? false,
      apiTokens: [
        { name: 'tests', sha256: createHash('sha256').update(token).digest('hex'), role: 'admin', accountId: null },
      ],
      apiRatePerSecond: options.apiRatePerSecond ?? 10_000,
      legacyIntake: options.legacyIntake ?? 'token',
      kafka: null,
    },
    dataSource,
    intake,
    levers,
    orphans,
    platforms: () => platforms,
    registry,
    registrar,
    // Cheap: what passwords cost in service test/tenants/passwords.test.ts knows.
    passwords: new Passwords({ ln: 8, r: 8, p: 1 }),
    metrics: new Registry(),
    ready: async () => readiness,
    openSecret: (sealed, context) => sealer.open(sealed, context),
    log: pino({ level: 'silent' }),
  });
  return {
    app,
    pool,
    engine,
    sealer,
    databaseUrl: database.url,
    platforms,
    registry,
    registrar,
    changes,
    readiness,
    async get(path: string, headers: Record<string, string> = {}) {
      const answer = await app.inject({ method: 'GET', url: path, headers });
      return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: parse(answer.body) };
    },
    async post(
      path: string,
      body: Buffer | string,
      headers: Record<string, string> = { 'content-type': 'application/json' },
    ) {
      const answer = await app.inject({ method: 'POST', url: path, headers, payload: body });
      return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: parse(answer.body) };
    },
    /** Any request; an object goes as JSON. */
    async ask(
      method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
      path: string,
      body?: object,
      headers: Record<string, string> = {},
    ) {
      const answer = await app.inject({ method, url: path, headers, ...(body && { payload: body }) });
      return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: parse(answer.body) };
    },
    /** Applies events to an order as the engine would, without carrying anything out. */
    async happen(orderId: string, ...events: OrderEvent[]): Promise<void> {
      for (const event of events) {
        const [loaded] = await loadOrders(pool, [orderId]);
        if (!loaded) throw new Error('no such order');
        const step = advance(loaded.state, event, { ...surroundings, at: Date.now() });
        const saved = await saveSteps(pool, workerId, [
          {
            stepId: randomUUID(),
            step,
            seenRevision: loaded.revision,
            epoch: loaded.epoch,
            storedOperations: loaded.state.operations.length,
            planDocument: step.state.plan && { plan: JSON.stringify(step.state.plan), warnings: '[]', holds: '[]' },
            callbackUrl: null,
            secrets: [],
            audit: [],
          },
        ]);
        if (saved.size === 0) throw new Error(`the step of ${event.about} was not stored`);
      }
    },
    async stop(): Promise<void> {
      await close();
      await dataSource.destroy();
      await database.drop();
    },
  };
}

// The tests look at single fields; what is not there is undefined and fails the comparison.
export interface Loose {
  [name: string]: Loose | undefined;
}

export const textOf = (value: Loose | undefined): string => value as unknown as string;
export const listOf = (value: Loose | undefined): Loose[] => value as unknown as Loose[];

function parse(text: string): Loose {
  try {
    return JSON.parse(text) as Loose;
  } catch {
    return {};
  }
}
