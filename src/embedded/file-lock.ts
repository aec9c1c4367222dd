/**
 * A lock between processes of one machine, as a file. The holder writes its pid and touches the file every second; a
 * lock is stale when its pid is gone or when it was not touched for a while (its pid may have been given to another
 * program since, for instance after a restart of the machine).
 */
import { randomUUID } from 'node:crypto';
import { readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedError } from './embedded-error.js';

const TOUCH_EVERY_MS = 1_000;
const STALE_AFTER_MS = 30_000;

/** Whether a process lives. `EPERM` means it does and belongs to somebody else. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** The `code` of a Node error, or ''. (Not by `instanceof`: Jest runs tests in a realm with an `Error` of its own.) */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** The first line of whatever was thrown. */
export function messageOf(error: unknown): string {
  const text =
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
  return text.split('\n')[0] ?? '';
}

/** Runs `work` while holding the lock at `path` (its folder must exist). */
export async function withFileLock<T>(path: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${randomUUID()}`;
  const giveUpAt = Date.now() + timeoutMs;
  while (!(await create(path, mine))) {
    if (await isStale(path)) await breakStale(path);
    else if (Date.now() > giveUpAt) {
      const holder = await readFile(path, 'utf8').catch(() => 'unknown');
      const pid = holder.split(' ')[0] ?? 'unknown';
      throw new EmbeddedError(
        'SYS_LOCK_TIMEOUT',
        `Waited ${timeoutMs / 1000} s for ${path}, held by process ${pid}. End that process, or remove the file if it hangs.`,
      );
    } else await sleep(40);
  }
  const touch = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, TOUCH_EVERY_MS);
  touch.unref();
  try {
    return await work();
  } finally {
    clearInterval(touch);
    if ((await readFile(path, 'utf8').catch(() => '')) === mine) await unlink(path).catch(() => undefined);
  }
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const age = Date.now() - mtimeMs;
    // Between creation and the first byte the file is empty: give its writer a moment.
    if (text === '') return age > 2_000;
    return age > STALE_AFTER_MS || !isAlive(Number.parseInt(text, 10));
  } catch {
    return false; // gone in the meantime: the next round tries to create it
  }
}

/** Only one process may take a stale lock away, and it looks again first: the one it saw may be gone by now. */
async function breakStale(path: string): Promise<void> {
  const guard = `${path}.breaking`;
  if (!(await create(guard, String(process.pid)))) {
    const age = await stat(guard).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > 10_000) await unlink(guard).catch(() => undefined);
    await sleep(20);
    return;
  }
  try {
    if (await isStale(path)) await unlink(path).catch(() => undefined);
  } finally {
    await unlink(guard).catch(() => undefined);
  }
}
