/**
 * A PostgreSQL server of our own, for `orderwright up`, the demo, the benchmark and the tests: real PostgreSQL 18 from
 * npm, made and started on first use, attached to when it still runs, recovered when it was killed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { EmbeddedError } from './embedded-error.js';
import { codeOf, isAlive, withFileLock } from './file-lock.js';
import { freePort } from './free-port.js';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.js';
import * as disk from './postgres-cluster.js';

const DATABASE = 'orderwright';
const START_TIMEOUT_MS = 60_000;

export interface EmbeddedPostgresOptions {
  /** Everything is kept here: cluster, password, log. Made if missing. */
  dataDir: string;
  /** The port wanted; another one is taken if it is in use. Default: a free one. */
  port?: number;
  /** Whether a commit is on disk when it is answered. False only where the data may be lost (tests). */
  durable: boolean;
  /** `password` (default): scram-sha-256 with a generated password. `trust`: none, for tests. Fixed with the cluster. */
  auth?: 'password' | 'trust';
  /** The server outlives this process; nobody stops it but {@link EmbeddedPostgres.stop}. */
  detached?: boolean;
  /** Default: `postgres.log` in the data folder. */
  logFile?: string;
  /** Server settings that differ from ours, such as `max_connections`. */
  settings?: Record<string, string>;
  /** Called when a server that this process started ends without our asking. Starting again recovers it. */
  onExit?: (reason: string) => void;
}

export interface EmbeddedPostgres {
  url: string;
  port: number;
  pid: number;
  /** Whether the server was running already. */
  attached: boolean;
  /** Stops the server, unless another living process started it. */
  stop(): Promise<void>;
}

interface Running {
  pid: number;
  port: number;
}

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  return withFileLock(join(dataDir, 'postgres.lock'), 2 * START_TIMEOUT_MS, async () => {
    const user = disk.serverUser();
    const cluster = await disk.clusterFolder(dataDir, user, options.durable);
    const version = await disk.clusterVersion(cluster);
    const passwordFile = join(dataDir, 'postgres-password');
    const withPassword = version === undefined ? options.auth !== 'trust' : existsSync(passwordFile);
    const secret = withPassword ? await disk.password(passwordFile) : null;
    const urlOf = (port: number, database: string): string =>
      `postgres://postgres${secret === null ? '' : `:${secret}`}@127.0.0.1:${port}/${database}`;

    const living = version === undefined ? null : await attach(cluster, (port) => urlOf(port, 'postgres'));
    let running = living;
    let binaries: PostgresBinaries | null = null;
    if (running === null) {
      binaries = await findPostgres(version === undefined ? {} : { major: version });
      if (version === undefined) {
        await disk.makeCluster(binaries, cluster, user, { durable: options.durable, secret });
      }
      running = await start({ ...options, dataDir }, binaries, cluster, user, (port) => urlOf(port, 'postgres'));
    }
    const { pid, port } = running;
    await ensureDatabase(urlOf(port, 'postgres'));
    // Whoever lives and started it keeps it; a server left behind belongs to whoever finds it.
    const ownerFile = join(dataDir, 'postgres.owner');
    const owner = living === null ? 0 : Number.parseInt(await readFile(ownerFile, 'utf8').catch(() => '0'), 10);
    const ours = owner === process.pid || !isAlive(owner);
    if (ours) await writeFile(ownerFile, options.detached === true ? '0' : String(process.pid), { mode: 0o600 });
    const stopOnExit = (): void => signalStop(pid);
    if (ours && options.detached !== true) process.once('exit', stopOnExit);
    return {
      url: urlOf(port, DATABASE),
      port,
      pid,
      attached: living !== null,
      stop: async () => {
        process.off('exit', stopOnExit);
        if (!ours) return;
        expected.add(pid);
        await stopServer(pid, cluster, binaries);
      },
    };
  });
}

/** Servers whose end we asked for. */
const expected = new Set<number>();

/** The server that runs on this cluster already, once it answers; null when there is none. */
async function attach(cluster: string, urlOf: (port: number) => string): Promise<Running | null> {
  const pidFile = join(cluster, 'postmaster.pid');
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const lines = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n');
    const pid = Number(lines[0]);
    const port = Number(lines[3]);
    if (!isAlive(pid)) {
      // The server takes a stale pid file away itself when it starts, after looking at the shared memory it names.
      // Processes of a killed server need a moment to notice.
      if (!serverProcesses(cluster).length || Date.now() > giveUpAt) return null;
    } else if (port > 0 && (await answers(urlOf(port), cluster))) return { pid, port };
    else if (process.platform === 'linux' && !serverProcesses(cluster).includes(pid)) {
      // The number was given to another program (after a restart of the machine): PostgreSQL would refuse to start.
      if (!serverProcesses(cluster).length) await rm(pidFile, { force: true });
    } else if (Date.now() > giveUpAt) {
      throw new EmbeddedError(
        'SYS_POSTGRES_START',
        `Process ${pid} holds ${cluster} but does not answer on port ${port}. End it, then start again.`,
      );
    }
    await sleep(30);
  }
}

/** Processes that work in this cluster (Linux only; elsewhere unknown, hence none). */
function serverProcesses(cluster: string): number[] {
  if (process.platform !== 'linux' || !existsSync(cluster)) return [];
  const folder = realpathSync(cluster);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        if (readlinkSync(`/proc/${name}/cwd`) !== folder) return false;
        return readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z';
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function answers(url: string, cluster: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    return realpathSync(rows[0]?.data_directory ?? '') === realpathSync(cluster);
  } catch (error) {
    if (codeOf(error) === '28P01') {
      throw new EmbeddedError(
        'SYS_POSTGRES_START',
        `The server of ${cluster} refuses the password in its data folder. Put the file back, or remove the folder.`,
      );
    }
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function start(
  options: EmbeddedPostgresOptions,
  binaries: PostgresBinaries,
  cluster: string,
  user: disk.ServerUser | null,
  urlOf: (port: number) => string,
): Promise<Running> {
  const logFile = options.logFile ?? join(options.dataDir, 'postgres.log');
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > 10_000_000) await rename(logFile, `${logFile}.1`);
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  for (let attempt = 0; ; attempt++) {
    const port = attempt === 0 && options.port !== undefined ? options.port : await freePort();
    const logFrom = await stat(logFile).then(
      (found) => found.size,
      () => 0,
    );
    const log = openSync(logFile, 'a', 0o600);
    // Always a process group of its own: Ctrl-C is for us, and we still need the database while we finish.
    const child = spawn(binaries.postgres, disk.serverArguments(cluster, port, options.durable, options.settings), {
      ...user,
      cwd: cluster,
      env: disk.cleanEnvironment(),
      stdio: ['ignore', log, log],
      detached: true,
      windowsHide: true,
    });
    closeSync(log);
    let ended: string | null = null;
    let ready = false;
    let end = (): void => undefined;
    const gone = new Promise<false>((done) => (end = () => done(false)));
    child.once('error', (error) => {
      ended = error.message;
      end();
    });
    child.once('exit', (code, signal) => {
      ended = signal ?? `exit code ${code}`;
      end();
      if (ready && child.pid !== undefined && !expected.delete(child.pid)) options.onExit?.(ended);
    });
    child.unref();
    const pid = child.pid;
    const hasEnded = (): boolean => ended !== null;
    while (!hasEnded() && pid !== undefined && Date.now() < giveUpAt) {
      // Another program may hold the port and say nothing: the end of our process must not wait for it.
      if (await Promise.race([answers(urlOf(port), cluster), gone])) {
        ready = true;
        return { pid, port };
      }
      await sleep(20);
    }
    if (!hasEnded() && pid !== undefined) signalStop(pid);
    const said = (await readFile(logFile, 'utf8').catch(() => '')).slice(logFrom).trim();
    const again = /could not (bind|create any TCP\/IP sockets)|Address already in use|shared memory block/.test(said);
    if (Date.now() > giveUpAt || !again) {
      const tail = said.split('\n').slice(-8).join('\n');
      throw new EmbeddedError('SYS_POSTGRES_START', `PostgreSQL did not start (${ended ?? 'no answer'}): ${tail}`);
    }
    await sleep(100);
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Fast shutdown: open transactions are rolled back, everything committed is written out. */
function signalStop(pid: number): void {
  try {
    process.kill(pid, process.platform === 'win32' ? 'SIGTERM' : 'SIGINT');
  } catch {
    // it is gone already
  }
}

async function stopServer(pid: number, cluster: string, binaries: PostgresBinaries | null): Promise<void> {
  if (process.platform === 'win32' && binaries !== null) {
    spawnSync(binaries.pgCtl, ['stop', '-D', cluster, '-m', 'fast', '-w'], { windowsHide: true });
  } else signalStop(pid);
  const pidFile = join(cluster, 'postmaster.pid');
  for (const giveUpAt = Date.now() + 30_000; existsSync(pidFile) && isAlive(pid); await sleep(15)) {
    if (Date.now() < giveUpAt) continue;
    throw new EmbeddedError('SYS_POSTGRES_START', `PostgreSQL (process ${pid}) does not stop; see its log.`);
  }
}
