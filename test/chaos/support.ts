/** What the chaos runs share: sizes, a database server of their own, workers under a supervisor, and the verdict. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded/postgres.js';
import { runMigrations } from '../../src/store/migrate.js';
import type { TestDatabase } from '../support/database.js';
import { checkFacts } from '../invariants/check.js';
import type { SentMessage } from '../invariants/evidence.js';
import { reportProof } from '../support/proof-result.js';
import { runFolder } from '../support/run-folder.js';
import { violations } from '../support/scenario-checks.js';
import { gather } from '../support/scenario-evidence.js';
import type { Scenario } from '../support/scenario-orders.js';
import { progress, until } from '../support/scenario-wait.js';
import type { RunningWorker, World } from '../support/scenario-world.js';

/** `ORDERS=`, `SECONDS=`, … or the short run's own number. */
export function size(variable: string, usual: number): number {
  const given = Number(process.env[variable] ?? '');
  return Number.isFinite(given) && given > 0 ? given : usual;
}

/** PostgreSQL that may be killed: durable, for what was answered must survive it. */
export class ChaosPostgres {
  /** Restarts without warning (`-m immediate`): nothing is written out, everything is recovered from the log. */
  restarts = 0;

  private constructor(
    private readonly dataDir: string,
    private server: EmbeddedPostgres,
    readonly port: number,
  ) {}

  static async start(): Promise<ChaosPostgres> {
    const dataDir = join(runFolder(), 'chaos-postgres');
    const server = await startServer(dataDir);
    return new ChaosPostgres(dataDir, server, server.port);
  }

  /** A migrated database, and a role for workers that may do what the documentation grants, and no more. */
  async database(): Promise<TestDatabase & { workerUrl(port: number): string }> {
    const { url } = this.server;
    await runMigrations(url);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      // The role of docs/operations.md. Being no superuser, it gets no reserved connection either.
      await client.query(`
        create role orderwright_run login;
        grant usage on schema public to orderwright_run;
        grant select, insert, update on all tables in schema public to orderwright_run;
        grant delete on worker to orderwright_run;`);
    } finally {
      await client.end();
    }
    const { pathname } = new URL(url);
    return {
      url,
      drop: () => this.stop(),
      workerUrl: (port) => `postgres://orderwright_run@127.0.0.1:${port}${pathname}`,
    };
  }

  /** @param settings of the new server, such as `max_connections` */
  async restart(settings: Record<string, string> = {}, downMs = 0): Promise<void> {
    process.kill(this.server.pid, 'SIGQUIT');
    await until('PostgreSQL to be gone', async () => ({ done: !alive(this.server.pid), seen: 'it lives' }), 30_000);
    await sleep(downMs);
    this.server = await startServer(this.dataDir, this.port, settings);
    if (this.server.port !== this.port) throw new Error(`PostgreSQL came back on port ${this.server.port}`);
    this.restarts += 1;
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

async function startServer(
  dataDir: string,
  port?: number,
  settings: Record<string, string> = {},
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    dataDir,
    durable: true,
    auth: 'trust',
    detached: true,
    settings,
    ...(port === undefined ? {} : { port }),
  });
  // For the reaper, should this run be killed.
  writeFileSync(join(runFolder(), 'chaos-postgres.server.json'), JSON.stringify({ pid: server.pid, signal: 'SIGINT' }));
  return server;
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Makes a worker's connections to one port go to another. */
export function redirect(from: number, to: number): Record<string, string> {
  const preload = new URL('./redirect.mjs', import.meta.url);
  if (!existsSync(fileURLToPath(preload))) throw new Error('redirect.mjs is missing');
  return { NODE_OPTIONS: `--import=${preload.href}`, CHAOS_REDIRECT: `${from}:${to}` };
}

/** Kafka's process, when the run's broker is one of this machine. */
export function brokerPid(): number | null {
  const record = JSON.parse(readFileSync(join(runFolder(), 'kafka.server.json'), 'utf8')) as { pid?: number };
  return record.pid ?? null;
}

/**
 * Keeps so many workers running, as a service manager does: one that ends by itself is started again, and counted. A
 * worker may take several tries to start while what it needs is away.
 */
export class Supervisor {
  readonly workers: RunningWorker[] = [];
  /** Why workers ended by themselves, by the last line of their log. */
  readonly ends: string[] = [];
  private stopping = false;

  constructor(
    private readonly world: World,
    private readonly env: Record<string, string> = {},
  ) {}

  /** Adds a worker and keeps it. */
  async add(): Promise<RunningWorker> {
    for (;;) {
      try {
        const worker = await this.world.startWorker(this.env);
        this.workers.push(worker);
        void worker.process.exited.then(() => this.ended(worker));
        return worker;
      } catch (error) {
        if (this.stopping) throw error;
        this.ends.push(`while it started: ${lastLine((error as Error).message)}`);
        await sleep(500);
      }
    }
  }

  /** Takes a worker out of service. */
  async end(worker: RunningWorker, signal: 'SIGTERM' | 'SIGKILL'): Promise<{ code: number | null; ms: number }> {
    this.workers.splice(this.workers.indexOf(worker), 1);
    const started = Date.now();
    const { code } = await worker.process.end(signal);
    return { code, ms: Date.now() - started };
  }

  /** The one to send the next request to; null while there is none. */
  any(at: number): RunningWorker | null {
    return this.workers[at % Math.max(1, this.workers.length)] ?? null;
  }

  stop(): void {
    this.stopping = true;
  }

  private async ended(worker: RunningWorker): Promise<void> {
    const at = this.workers.indexOf(worker);
    if (at < 0 || this.stopping) return;
    this.workers.splice(at, 1);
    this.ends.push(lastLine(worker.process.log()));
    await this.add();
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';

/** Waits until every message is stored and every order at its end. */
export async function drained(world: World, messages: number, timeoutMs: number): Promise<void> {
  const started = Date.now();
  let seen = '';
  for (;;) {
    // The database may be just coming back.
    const now = await progress(world).catch((error: unknown) => String(error));
    if (typeof now !== 'string' && now.messages >= messages && now.open === 0) return;
    seen = JSON.stringify(now);
    if (Date.now() - started > timeoutMs) throw new Error(`not drained after ${timeoutMs / 1000} s: ${seen}`);
    await sleep(200);
  }
}

/**
 * Everything wrong that can be seen from outside, as the proof's frame and Jest want it.
 *
 * @param posted what was posted over HTTP and how it was answered; records are read off the broker
 * @param more what else is wrong, such as a bar that was missed
 * @returns the violations, which a test expects to be none
 */
export async function verdict(
  world: World,
  scenario: Scenario,
  figures: Record<string, unknown>,
  { posted = [], more = [] }: { posted?: readonly SentMessage[]; more?: string[] } = {},
): Promise<string[]> {
  const facts = await gather(world, posted);
  const found = [...violations(scenario, facts), ...more];
  const part = Object.keys(figures)[0]?.split('.')[0] ?? '';
  const all = { ...figures, [`${part}.zeros`]: checkFacts(facts).figures };
  reportProof({ runs: scenario.messages.length, violations: found, figures: all });
  process.stderr.write(`${JSON.stringify(all)}\n`);
  if (found.length > 0) process.stderr.write(`${await whatIsNotCompleted(world)}\n`);
  return found;
}

/** For whoever has to find out why: orders that did not end well, and the operations that hold them. */
async function whatIsNotCompleted(world: World): Promise<string> {
  const rows = await world.query(
    `select o.work_order_id, o.status, o.machine, o.epoch, o.updated_at,
            (select jsonb_agg(to_jsonb(c) - 'order_id') from cloud_operation c
              where c.order_id = o.order_id and c.state <> 'done') as operations
       from work_order o where o.status <> 'completed' limit 5`,
  );
  return JSON.stringify(rows, null, 1);
}
