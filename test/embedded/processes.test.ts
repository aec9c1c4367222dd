/** Locks and guards between processes. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isAlive, withFileLock } from '../../src/embedded/file-lock.js';
import { endProcess } from '../../src/embedded/guard.js';
import { childThatPrints, compileEmbedded, type Compiled } from '../support/compiled.js';

const folder = mkdtempSync(join(tmpdir(), 'ow-lock-'));
let compiled: Compiled;
beforeAll(async () => {
  compiled = await compileEmbedded();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await compiled.remove();
});

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

test('a guarded process ends when its owner is killed', async () => {
  const script = `const { guard } = await import(${JSON.stringify(compiled.url('guard.js'))});
    const { spawn } = await import('node:child_process');
    const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
    guard(child.pid);
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const { child, line } = await childThatPrints(script);
  const guarded = Number(line);
  await pause(300);
  expect(isAlive(guarded)).toBe(true);
  child.kill('SIGKILL');
  for (let i = 0; i < 200 && isAlive(guarded); i++) await pause(25);
  expect(isAlive(guarded)).toBe(false);
});

test('a guard does not keep its owner running', async () => {
  const script = `const { guard } = await import(${JSON.stringify(compiled.url('guard.js'))});
    guard(process.pid);
    console.log('done');`;
  const { child } = await childThatPrints(script);
  if (child.exitCode === null) await new Promise((done) => child.once('exit', done));
  expect(child.exitCode).toBe(0);
});

test('a process that will not end is ended', async () => {
  const polite = spawn('sleep', ['60'], { stdio: 'ignore' });
  await endProcess(polite.pid ?? 0);
  expect(isAlive(polite.pid ?? 0)).toBe(false);
});

test('one at a time holds the lock, and it is gone afterwards', async () => {
  const path = join(folder, 'a.lock');
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await pause(5);
    inside--;
  };
  await Promise.all(Array.from({ length: 20 }, () => withFileLock(path, 30_000, work)));
  expect(most).toBe(1);
  await expect(withFileLock(path, 1_000, () => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  expect(existsSync(path)).toBe(false);
});

test('a lock is taken over from a dead holder and from one that went silent, not from a living one', async () => {
  const path = join(folder, 'b.lock');
  const dead = spawn('true', { stdio: 'ignore' });
  await new Promise((done) => dead.once('exit', done));
  writeFileSync(path, `${dead.pid} x`);
  // Many at once see the stale lock: still one at a time gets it.
  let holders = 0;
  const takers = Array.from({ length: 8 }, () =>
    withFileLock(path, 30_000, async () => {
      expect(++holders).toBe(1);
      await pause(5);
      holders--;
    }),
  );
  await Promise.all(takers);

  writeFileSync(path, `${process.pid} silent`);
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  await withFileLock(path, 5_000, () => Promise.resolve());

  writeFileSync(path, `${process.pid} alive`);
  await expect(withFileLock(path, 200, () => Promise.resolve())).rejects.toMatchObject({ code: 'SYS_LOCK_TIMEOUT' });
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid} alive`);
});
