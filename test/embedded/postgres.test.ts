/** The embedded server through everything that ends processes. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { isAlive } from '../../src/embedded/file-lock.js';
import { findPostgres } from '../../src/embedded/postgres-binaries.js';
import { canEnter } from '../../src/embedded/postgres-cluster.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.js';
import { childThatPrints, compileEmbedded, type Compiled } from '../support/compiled.js';

const asRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const folders: string[] = [];
const servers: EmbeddedPostgres[] = [];
let compiled: Compiled;

beforeAll(async () => {
  compiled = await compileEmbedded();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
afterAll(() => compiled.remove());

function folder(mode = 0o711): string {
  const path = mkdtempSync(join(tmpdir(), 'ow-pg-'));
  chmodSync(path, mode);
  folders.push(path);
  return path;
}

async function start(dataDir: string, more: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}) {
  const server = await startEmbeddedPostgres({ dataDir, durable: false, ...more });
  servers.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 400 && isAlive(pid); i++) await new Promise((done) => setTimeout(done, 25));
  expect(isAlive(pid)).toBe(false);
}

/** A child that starts the server and then waits to be killed. */
function starter(dataDir: string): string {
  return `const { startEmbeddedPostgres } = await import(${JSON.stringify(compiled.url('postgres.js'))});
    const { url, pid, attached } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, durable: false });
    console.log(JSON.stringify({ url, pid, attached }));
    setInterval(() => {}, 1000);`;
}

describe('a server of our own', () => {
  test('asks for a password, keeps its files to itself, and logs no rows', async () => {
    const dataDir = folder();
    const server = await start(dataDir, { durable: true });
    expect(server.attached).toBe(false);
    expect(statSync(join(dataDir, 'postgres-password')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dataDir, 'postgres.log')).mode & 0o777).toBe(0o600);
    await expect(query(server.url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(/password/);
    expect(await query(server.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    expect(await query(server.url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    await query(server.url, 'CREATE TABLE t (secret text UNIQUE)');
    const insert = `INSERT INTO t VALUES ('hunter2-in-a-row')`;
    await query(server.url, insert);
    await expect(query(server.url, insert)).rejects.toThrow(/unique/);
    expect(readFileSync(join(dataDir, 'postgres.log'), 'utf8')).not.toContain('hunter2');
    await server.stop();
    await gone(server.pid);
    const again = await start(dataDir, { durable: true });
    expect(await query(again.url, 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 1 }]);
  });

  test('takes another port when the wanted one is in use', async () => {
    const blocker = createServer();
    const taken = await new Promise<number>((done) =>
      blocker.listen(0, '127.0.0.1', () => done((blocker.address() as { port: number }).port)),
    );
    const server = await start(folder(), { port: taken, auth: 'trust' });
    expect(server.port).not.toBe(taken);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    blocker.close();
  });

  test('two starters at once share one server', async () => {
    const dataDir = folder();
    const [one, two] = await Promise.all([start(dataDir), childThatPrints(starter(dataDir))]);
    const other = JSON.parse(two.line) as { pid: number; attached: boolean };
    two.child.kill('SIGKILL');
    expect(other.pid).toBe(one.pid);
    expect(other.attached).toBe(!one.attached);
    expect(await query(one.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describe('after a kill', () => {
  test('of its starter, the server lives on and the next starter attaches to it and owns it', async () => {
    const dataDir = folder();
    const { child, line } = await childThatPrints(starter(dataDir));
    const first = JSON.parse(line) as { url: string; pid: number };
    await query(first.url, 'CREATE TABLE kept (n int)');
    child.kill('SIGKILL');
    await new Promise((done) => child.once('exit', done));
    const server = await start(dataDir);
    expect(server).toMatchObject({ attached: true, pid: first.pid, url: first.url });
    expect(await query(server.url, 'SELECT * FROM kept')).toEqual([]);
    await server.stop();
    await gone(first.pid);
  });

  test('of the server itself, the next start recovers what was committed', async () => {
    const dataDir = folder();
    let reason = '';
    const server = await start(dataDir, { durable: true, onExit: (why) => (reason = why) });
    await query(server.url, 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n');
    process.kill(server.pid, 'SIGKILL');
    const again = await start(dataDir, { durable: true });
    expect(reason).toBe('SIGKILL');
    expect(again).toMatchObject({ attached: false });
    expect(again.pid).not.toBe(server.pid);
    expect(await query(again.url, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 1000 }]);
  });

  test.each(['a dead process', 'a process of another program'])(
    'a pid file that names %s is no obstacle',
    async (which) => {
      const dataDir = folder();
      const server = await start(dataDir, { auth: 'trust' });
      const pidFile = join(dataDir, 'pgdata', 'postmaster.pid');
      const lines = readFileSync(pidFile, 'utf8').split('\n');
      await server.stop();
      const foreign = spawn('sleep', ['60'], { stdio: 'ignore', ...(asRoot ? { uid: NOBODY, gid: NOBODY } : {}) });
      if (which === 'a dead process') {
        foreign.kill('SIGKILL');
        await new Promise((done) => foreign.once('exit', done));
      }
      lines[0] = String(foreign.pid);
      writeFileSync(pidFile, lines.join('\n'));
      const again = await start(dataDir);
      expect(await query(again.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      foreign.kill('SIGKILL');
    },
  );
});

describe('users and folders', () => {
  const rootOnly = asRoot ? test : test.skip;

  rootOnly('as root under a folder of mode 0700 the cluster lies elsewhere, with a link to it', async () => {
    const dataDir = join(folder(0o700), 'data');
    const server = await start(dataDir);
    const cluster = readlinkSync(join(dataDir, 'pgdata'));
    folders.push(cluster, `${cluster}.owner`);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    const again = await start(dataDir);
    expect(again.attached).toBe(false);
    expect(await query(again.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  // Node itself and the packages must lie where that user can go.
  const nobody = { uid: NOBODY, gid: NOBODY };
  const reachable = asRoot && [process.execPath, process.cwd()].every((path) => canEnter(realpathSync(path), nobody));
  (reachable ? test : test.skip)('an ordinary user can run it too, in a home of mode 0700', async () => {
    const home = folder(0o700);
    chownSync(home, NOBODY, NOBODY);
    const { child, line } = await childThatPrints(starter(join(home, 'data')), {
      uid: NOBODY,
      gid: NOBODY,
      cwd: home,
      env: { PATH: process.env['PATH'], HOME: home, TMPDIR: home },
    });
    const { url, pid } = JSON.parse(line) as { url: string; pid: number };
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
    process.kill(pid, 'SIGINT');
    await gone(pid);
  });
});

describe('the programs', () => {
  test('are copied once, completely, and copied again when a file is missing', async () => {
    const cacheRoot = folder();
    const [one, two] = await Promise.all([findPostgres({ cacheRoot }), findPostgres({ cacheRoot })]);
    expect(one).toEqual(two);
    expect(one.from).toBe('package');
    rmSync(one.initdb);
    expect(existsSync((await findPostgres({ cacheRoot })).initdb)).toBe(true);
  });

  test('that are nowhere: the error says what to do', async () => {
    await expect(findPostgres({ packageRoot: null, systemFolders: [] })).rejects.toMatchObject({
      code: 'SYS_POSTGRES_MISSING',
      message: expect.stringMatching(/is not installed.*DATABASE_URL.*npm install/),
    });
    await expect(findPostgres({ major: 9, systemFolders: [] })).rejects.toMatchObject({ code: 'SYS_POSTGRES_VERSION' });
  });

  const withSystem = existsSync('/usr/lib/postgresql') ? test : test.skip;
  withSystem('of the machine are the last choice', async () => {
    expect(await findPostgres({ packageRoot: null })).toMatchObject({ from: 'system' });
  });
});
