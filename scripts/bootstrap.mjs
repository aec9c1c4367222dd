/**
 * Makes a clone ready to run: installs the dependencies when they are missing or older than the lockfile, builds `dist`
 * when a source is newer. Node built-ins only, because it runs before anything is installed. Says one line on standard
 * error per thing done; costs a few milliseconds when there is nothing to do.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ['src', 'migrations', 'bench'];
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package.json'];

/** Installs and builds what is missing. Throws an error whose message says what failed. */
export async function bootstrap(root = ROOT) {
  if (isInstalled(root)) linkOwnCommand(root);
  if (isInstalled(root) && isBuilt(root)) return;
  await withLock(root, async () => {
    if (!isInstalled(root)) await install(root);
    linkOwnCommand(root);
    if (!isBuilt(root)) await build(root);
  });
}

/** When a file was last changed, or 0. */
function changed(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isInstalled(root) {
  const installed = changed(join(root, 'node_modules', '.package-lock.json'));
  return installed > 0 && installed >= changed(join(root, 'package-lock.json'));
}

async function install(root) {
  say('installing dependencies (first run only)…');
  // Development packages too, whatever NODE_ENV says: the build needs the compiler.
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const viaNpm = process.env.npm_execpath;
  const { code, output } =
    viaNpm?.endsWith('npm-cli.js') && existsSync(viaNpm)
      ? await run(process.execPath, [viaNpm, ...args], root)
      : await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, root);
  // npm's reason comes first, then pages of usage.
  if (code !== 0) throw new Error(`"npm ci" failed:\n${output.trim().split('\n').slice(0, 20).join('\n')}`);
  const now = new Date();
  utimesSync(join(root, 'node_modules', '.package-lock.json'), now, now);
}

/** npm links the commands of dependencies, not the package's own: with this, `npx orderwright` needs no registry. */
function linkOwnCommand(root) {
  if (process.platform === 'win32') return;
  const link = join(root, 'node_modules', '.bin', 'orderwright');
  const target = join(root, 'bin', 'orderwright.js');
  if (existsSync(link)) return;
  try {
    chmodSync(target, 0o755);
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true }); // a link that leads nowhere
    symlinkSync(relative(dirname(link), target), link);
  } catch {
    // only a convenience: "node bin/orderwright.js" always works
  }
}

function isBuilt(root) {
  const built = changed(join(root, 'dist', '.built'));
  if (built === 0) return false;
  if (SETTINGS.some((name) => changed(join(root, name)) > built)) return false;
  return !SOURCES.some((folder) => hasNewer(join(root, folder), built));
}

/** A changed file, or a folder in which one was added or removed. */
function hasNewer(path, than) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (found.mtimeMs > than) return true;
  return found.isDirectory() && readdirSync(path).some((name) => hasNewer(join(path, name), than));
}

async function build(root) {
  say('building…');
  const started = new Date();
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await run(process.execPath, [compiler, '-p', 'tsconfig.build.json'], root);
  if (code !== 0) throw new Error(`the build failed:\n${output.trim()}`);
  for (const folder of SOURCES) removeOrphans(root, join(root, 'dist', folder));
  const stamp = join(root, 'dist', '.built');
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started); // a source changed while the compiler ran is newer than this
}

/** Outputs whose source is gone: a removed migration must not be run from `dist`. */
function removeOrphans(root, folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const source = join(root, relative(join(root, 'dist'), path));
    if (entry.isDirectory()) {
      if (existsSync(source)) removeOrphans(root, path);
      else rmSync(path, { recursive: true });
    } else if (/\.js(\.map)?$/.test(entry.name)) {
      const stem = source.replace(/\.js(\.map)?$/, '');
      if (!['.ts', '.tsx', '.js'].some((ending) => existsSync(stem + ending))) rmSync(path);
    }
  }
}

/** Runs a program without showing its output. */
function run(command, args, cwd) {
  return new Promise((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const shell = command.endsWith('.cmd');
    const child = spawn(command, args, { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** One at a time per clone; a lock whose holder is gone, or that was not touched for a minute, is taken away. */
async function withLock(root, work) {
  const path = join(root, '.orderwright', 'bootstrap.lock');
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${process.pid} ${Math.random()}`;
  for (const giveUpAt = Date.now() + 600_000; !tryLock(path, mine);) {
    if (isStale(path)) rmSync(path, { force: true });
    if (Date.now() > giveUpAt) throw new Error(`waited 10 minutes for ${path}; remove it if nothing runs`);
    await sleep(50 + Math.random() * 50);
  }
  const touch = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // taken away; nothing to touch
    }
  }, 2_000);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    if (readText(path) === mine) rmSync(path, { force: true });
  }
}

function tryLock(path, mine) {
  try {
    writeFileSync(path, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(path) {
  const age = Date.now() - changed(path);
  const pid = Number.parseInt(readText(path), 10);
  if (!Number.isInteger(pid)) return age > 5_000;
  if (age > 60_000) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code !== 'EPERM';
  }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await bootstrap();
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
}
