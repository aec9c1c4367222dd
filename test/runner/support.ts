import type pg from 'pg';
import { pino } from 'pino';
import { InProcessCloud } from '../../bench/in-process-cloud.js';
import { threeItemOrder } from '../../bench/order.js';
import type { OperationState, OrderState } from '../../src/machines/order-state.js';
import type { OperationName } from '../../src/planner/plan.js';
import type { OperationHandler, Provisioner } from '../../src/provisioners/provisioner.js';
import type { OpenOrder } from '../../src/runner/engine.js';
import { Platforms } from '../../src/runner/platforms.js';
import { Worker } from '../../src/runner/worker.js';
import { createSealer } from '../../src/secrets.js';
import { createHotPool } from '../../src/store/data-source.js';
import { applicationName } from '../../src/store/ownership.js';
import { insertPlatform } from '../../src/store/platforms.js';
import { testDatabase } from '../support/database.js';
import { samplePlatformId } from '../support/orders.js';

export const silent = pino({ level: 'silent' });
export const quickPace = { settleMs: 5, holdMs: 10, cutMs: 10, watchMs: 5, retryMs: 5, pollMinMs: 1, pollMaxMs: 5 };

const sealer = createSealer(Buffer.alloc(32, 7).fill(9, 0, 5));

/** Waits for something to become true; how long it takes decides nothing, only that it happens. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 800; i++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never happened: ${what}`);
}

export function openOrder(state: OrderState, changes: Partial<OpenOrder> = {}): OpenOrder {
  const nothing = {
    callbackUrl: null,
    order: null,
    claimed: true,
    waiting: [],
    saving: false,
    unsaved: [],
    storedOperations: 0,
  };
  return { state, stored: state, revision: 1, epoch: 1, ...nothing, ...changes };
}

/** A cloud whose answers a test chooses; what it does not choose is an error. */
export function cloudWith(
  operations: Partial<Record<OperationName, Partial<OperationHandler>>>,
  changes: Partial<Provisioner> = {},
): Provisioner {
  const refuse = () => Promise.reject(new Error('this test did not expect the cloud to be asked'));
  const handlers = Object.entries(operations).map(([name, handler]): [string, OperationHandler] => [
    name,
    { send: refuse, find: refuse, inspect: refuse, discard: refuse, ...handler },
  ]);
  return {
    capabilities: { detachedDisk: true, publicAddress: true },
    operations: Object.fromEntries(handlers),
    resolve: refuse,
    pollJobs: refuse,
    check: () => Promise.resolve([]),
    close: () => Promise.resolve(),
    ...changes,
  };
}

/** The platforms of a worker that knows one, or none. */
export async function platformsWith(provisioner: Provisioner | null, pace: object = quickPace): Promise<Platforms> {
  const row = {
    platformId: samplePlatformId,
    name: 'sample',
    kind: 'in-process',
    serviceUrl: 'http://127.0.0.1:1',
    state: 'open' as const,
    settings: { pace: { ...pace } },
    sealedCredentials: Buffer.alloc(0),
    updatedAt: new Date(0),
  };
  const platforms = new Platforms({
    read: () => Promise.resolve(provisioner ? [row] : []),
    openCredentials: () => ({}),
    create: () => {
      if (!provisioner) throw new Error('unreachable');
      return provisioner;
    },
    log: silent,
  });
  await platforms.refresh();
  return platforms;
}

export function operationOf(state: OrderState, name: OperationName): OperationState {
  const found = state.operations.find((one) => one.name === name);
  if (!found) throw new Error(`${name} has not begun`);
  return found;
}

/** A pool whose every call goes through `meddle` first. */
export function meddledPool(
  pool: pg.Pool,
  meddle: (run: () => Promise<unknown>, text: string) => Promise<unknown>,
): pg.Pool {
  return new Proxy(pool, {
    get(target, key) {
      if (key === 'query') {
        return (first: string | { text: string }, values?: unknown[]) =>
          meddle(() => target.query(first as string, values), typeof first === 'string' ? first : first.text);
      }
      if (key === 'connect') return () => meddle(() => target.connect(), 'connect');
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A worker, and the ways it can be hurt. */
export interface HurtWorker {
  worker: Worker;
  /** Nothing it does reaches the database or the cloud any more, nor any answer it. */
  freeze(): void;
  /** It goes on where it was, without knowing that time has passed. */
  thaw(): void;
  /** As `kill -9`: it is frozen for ever, and its sessions are gone. */
  kill(): Promise<void>;
}

/** One database, one cloud, and as many workers as a test wants. */
export class Site {
  private readonly stops: (() => Promise<unknown>)[] = [];
  private constructor(
    readonly url: string,
    readonly pool: pg.Pool,
    readonly cloud: InProcessCloud,
  ) {}

  static async open(cloud = new InProcessCloud()): Promise<Site> {
    const database = await testDatabase();
    const pool = createHotPool(database.url, { applicationName: 'test', size: 3 });
    await insertPlatform(pool, {
      platformId: samplePlatformId,
      name: 'sample',
      kind: 'in-process',
      serviceUrl: 'http://127.0.0.1:1',
      state: 'open',
      settings: { pace: quickPace },
      sealedCredentials: sealer.seal('{}', samplePlatformId),
    });
    const site = new Site(database.url, pool, cloud);
    site.stops.push(database.drop, () => pool.end());
    return site;
  }

  async close(): Promise<void> {
    for (const stop of this.stops.toReversed()) await stop();
  }

  async worker(workerId: string): Promise<HurtWorker> {
    const own = createHotPool(this.url, { applicationName: applicationName(workerId), size: 4 });
    let frozen: Promise<void> | null = null;
    let wake = () => {};
    let dead = false;
    const awake = async () => {
      while (frozen) await frozen;
    };
    const hold = async <T>(run: () => Promise<T>): Promise<T> => {
      await awake();
      return run().finally(awake);
    };
    const worker = await Worker.build({
      pool: meddledPool(own, hold),
      sealer,
      log: silent,
      workerId,
      leaseMs: 15_000,
      createProvisioner: () => held(this.cloud, hold),
      callbackWarnings: () => [],
      mayCallBack: () => false,
    });
    await worker.start();
    this.stops.push(async () => {
      if (!dead) await worker.stop();
      if (!dead) await own.end();
    });
    const freeze = () => {
      frozen ??= new Promise((resolve) => (wake = resolve));
    };
    return {
      worker,
      freeze,
      thaw: () => {
        // It slept for longer than anybody trusts a heartbeat; here no such time has passed.
        worker.ownership['confirmedAt'] = Number.NEGATIVE_INFINITY;
        frozen = null;
        wake();
      },
      kill: async () => {
        dead = true;
        freeze();
        // The clocks of a killed process stop; what it awaits never comes.
        worker.poller.stop();
        void worker.ownership.stop();
        void worker.platforms.stop();
        worker['preparations'].stop();
        worker['engine']['timers'].stop();
        await this.pool.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()`,
          [applicationName(workerId)],
        );
        void own.end();
      },
    };
  }

  /** As if a worker had been silent for an hour. */
  async silence(workerId: string): Promise<void> {
    await this.pool.query(`update worker set heartbeat_at = now() - interval '1 hour' where worker_id = $1`, [
      workerId,
    ]);
  }

  async order(worker: Worker, number: number): Promise<void> {
    const receipt = await worker.intake.receive({
      channel: 'http',
      origin: 'test',
      bytes: Buffer.from(threeItemOrder(number, samplePlatformId)),
      contentType: null,
      headers: {},
    });
    if (receipt.verdict !== 'accepted') throw new Error(`order ${number} was ${receipt.verdict}`);
  }

  /** How many of billing's orders stand where. */
  async statuses(): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<{ status: string; count: number }>(
      `select status, count(*)::int from work_order where kind = 'billing' group by status`,
    );
    return Object.fromEntries(rows.map((row) => [row.status, row.count]));
  }

  async settled(): Promise<void> {
    await until('every order is over or held', async () => {
      const { rows } = await this.pool.query<{ open: number }>(
        `select count(*)::int as open from work_order where finished_at is null and status <> 'held'`,
      );
      return rows[0]?.open === 0;
    });
  }
}

/** The cloud as a worker that can be frozen sees it: its requests arrive, and what they answer waits for it to wake. */
function held(cloud: InProcessCloud, hold: <T>(run: () => Promise<T>) => Promise<T>): Provisioner {
  const operations = Object.entries(cloud.operations).map(([name, handler]): [string, OperationHandler] => [
    name,
    {
      send: (request) => hold(() => handler.send(request)),
      find: (request) => hold(() => handler.find(request)),
      inspect: (request, id) => hold(() => handler.inspect(request, id)),
      discard: (request, id) => hold(() => handler.discard(request, id)),
    },
  ]);
  return {
    capabilities: cloud.capabilities,
    operations: Object.fromEntries(operations),
    resolve: (request) => hold(() => cloud.resolve(request)),
    pollJobs: (jobs) => hold(() => cloud.pollJobs(jobs)),
    check: () => cloud.check(),
    close: () => Promise.resolve(),
  };
}
