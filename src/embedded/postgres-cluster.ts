/**
 * The cluster on disk: where it lies, whom it belongs to, how it is made, and which settings its server runs with.
 *
 * PostgreSQL refuses to run as root. As root the server therefore runs as `nobody`, and its cluster must lie where
 * `nobody` can go: in the data folder where possible, else beside it in a folder of the system, with a link to it.
 */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError } from './embedded-error.js';
import { messageOf } from './file-lock.js';
import type { PostgresBinaries } from './postgres-binaries.js';

const run = promisify(execFile);
const NOBODY = 65_534;

export interface ServerUser {
  uid: number;
  gid: number;
}

/** The user the server runs as, or null for the user we are. */
export function serverUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null;
  const id = (flag: string): number => {
    const { status, stdout } = spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' });
    const found = status === 0 ? Number(stdout.trim()) : Number.NaN;
    return Number.isInteger(found) && found > 0 ? found : NOBODY;
  };
  return { uid: id('-u'), gid: id('-g') };
}

/** The folder of the cluster inside `dataDir`: a real folder, or a link to one elsewhere. Not made here. */
export async function clusterFolder(dataDir: string, user: ServerUser | null, durable: boolean): Promise<string> {
  const inside = join(dataDir, 'pgdata');
  const elsewhere = await readlink(inside).catch(() => null);
  if (elsewhere !== null) return elsewhere;
  if (existsSync(inside) || user === null) return inside;
  if ((await readdir(dataDir)).every((name) => name.startsWith('postgres'))) await chmod(dataDir, 0o711);
  if (canEnter(dataDir, user)) return inside;
  const shelf = durable ? '/var/lib/orderwright' : join(tmpdir(), 'orderwright-clusters');
  await mkdir(shelf, { recursive: true, mode: 0o711 });
  const found = lstatSync(shelf);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    throw new EmbeddedError(
      'SYS_POSTGRES_START',
      `${shelf} is not ours alone; remove it, or choose another data folder.`,
    );
  }
  await removeForgotten(shelf);
  const folder = join(shelf, randomBytes(8).toString('hex'));
  await writeFile(`${folder}.owner`, inside, { mode: 0o600 });
  await symlink(folder, inside);
  return folder;
}

/** Removes clusters whose data folder is gone. */
async function removeForgotten(shelf: string): Promise<void> {
  for (const name of await readdir(shelf)) {
    if (!name.endsWith('.owner')) continue;
    const folder = join(shelf, name.slice(0, -'.owner'.length));
    const link = await readFile(join(shelf, name), 'utf8').catch(() => '');
    const target = await readlink(link).catch(() => null);
    if (target === folder || existsSync(join(folder, 'postmaster.pid'))) continue;
    await rm(folder, { recursive: true, force: true });
    await rm(join(shelf, name), { force: true });
  }
}

/** Whether a user may pass through a folder and all folders above it (or run a program there). */
export function canEnter(folder: string, user: ServerUser): boolean {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const { mode, uid, gid } = statSync(path);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** The major version of an existing cluster, or undefined when there is none yet. */
export async function clusterVersion(cluster: string): Promise<number | undefined> {
  const text = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => null);
  return text === null ? undefined : Number.parseInt(text, 10);
}

/** Makes the cluster: complete or not at all, because it gets its name last. */
export async function makeCluster(
  binaries: PostgresBinaries,
  cluster: string,
  user: ServerUser | null,
  options: { durable: boolean; secret: string | null },
): Promise<void> {
  const fresh = `${cluster}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  if (user !== null) await chown(fresh, user.uid, user.gid);
  const args = ['-D', fresh, '-U', 'postgres', '--locale=C', '-E', 'UTF8'];
  if (!options.durable) args.push('--no-sync');
  const passwordFile = `${cluster}.password`;
  if (options.secret === null) args.push('--auth=trust');
  else {
    args.push('--auth=scram-sha-256', `--pwfile=${passwordFile}`);
    await writeFile(passwordFile, `${options.secret}\n`, { mode: 0o600 });
    if (user !== null) await chown(passwordFile, user.uid, user.gid);
  }
  try {
    await run(binaries.initdb, args, { ...user, cwd: dirname(fresh), env: cleanEnvironment(), timeout: 120_000 });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    const said = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr).trim() : '';
    const detail = said === '' ? messageOf(error) : said;
    throw new EmbeddedError('SYS_POSTGRES_START', `initdb could not make ${cluster}: ${detail}`);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(fresh, cluster);
}

/** The superuser's password, made once. */
export async function password(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  const fresh = randomBytes(24).toString('base64url');
  await writeFile(file, `${fresh}\n`, { mode: 0o600 });
  return fresh;
}

/** PostgreSQL's own variables (PGDATA, PGPORT, …) of the caller must not steer our server. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && name !== 'DATABASE_URL');
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

/** Command-line arguments of the server. */
export function serverArguments(
  cluster: string,
  port: number,
  durable: boolean,
  more: Record<string, string> = {},
): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    shared_buffers: '64MB',
    jit: 'off',
    TimeZone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    // A checkpoint every quarter of an hour, and no more than half a gigabyte of log between two.
    checkpoint_timeout: '15min',
    min_wal_size: '80MB',
    max_wal_size: '512MB',
    // Neither statements, nor their parameters, nor rows (DETAIL lines) go into the server's log.
    log_statement: 'none',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
    ...more,
  };
  return ['-D', cluster, '-p', String(port), ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])];
}
