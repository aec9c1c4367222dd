/** Crash points do nothing unless the environment says so three times over; armed, they kill at exactly the pass asked for. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { armCrashPoints, crashPoint } from '../src/crash-point.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orderwright-crash-point-'));
});
afterAll(() => {
  armCrashPoints({});
  rmSync(folder, { recursive: true, force: true });
});

/** Passes the points of `script` in a process of its own, whose environment is `env`. */
function pass(
  script: string,
  env: Record<string, string>,
): { signal: string | null; status: number | null; said: string } {
  const { code } = transformFileSync(fileURLToPath(new URL('../src/crash-point.ts', import.meta.url)), {
    sourceMaps: false,
  });
  const program = `${code}\narmCrashPoints(process.env);\n${script}\nprocess.stdout.write('lived');`;
  const { signal, status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, NODE_OPTIONS: '', CRASH_POINTS: '', CRASH_AT: '', CRASH_RECORD: '', ...env },
    encoding: 'utf8',
  });
  return { signal, status, said: stdout };
}

const twice = `for (const i of [1, 2, 3]) { process.stdout.write(String(i)); crashPoint('step.stored', () => ['vm.create:inFlight']); }`;

describe('a crash point', () => {
  it('kills the process at the pass that was asked for, and not before', () => {
    const crash = pass(twice, { CRASH_POINTS: 'armed', CRASH_AT: 'step.stored:vm.create:inFlight:2' });
    expect(crash).toEqual({ signal: 'SIGKILL', status: null, said: '12' });
  });

  it('lets the process live when another name was asked for', () => {
    const crash = pass(twice, { CRASH_POINTS: 'armed', CRASH_AT: 'step.stored:vm.create:1' });
    expect(crash).toEqual({ signal: null, status: 0, said: '123lived' });
  });

  it('is nothing without consent, whatever else is set', () => {
    const crash = pass(twice, { CRASH_AT: 'step.stored:vm.create:inFlight:1', CRASH_RECORD: join(folder, 'none') });
    expect(crash).toEqual({ signal: null, status: 0, said: '123lived' });
    expect(() => readFileSync(join(folder, 'none'))).toThrow('ENOENT');
  });

  it('has recorded everything that was passed when the process dies, the last point included', () => {
    const record = join(folder, 'points');
    pass(`crashPoint('begin'); crashPoint('step.before', () => ['a', 'b']); crashPoint('end'); crashPoint('never');`, {
      CRASH_POINTS: 'armed',
      CRASH_AT: 'end:1',
      CRASH_RECORD: record,
    });
    expect(readFileSync(record, 'utf8').split('\n')).toEqual(['begin', 'step.before:a', 'step.before:b', 'end', '']);
  });

  it('does not even ask for its details while nothing is armed', () => {
    expect(armCrashPoints({})).toBeNull();
    crashPoint('step.stored', () => {
      throw new Error('asked');
    });
  });
});

describe('arming crash points', () => {
  it.each([
    ['another consent', { CRASH_POINTS: 'yes', CRASH_AT: 'a:1' }],
    ['nothing to do', { CRASH_POINTS: 'armed' }],
    ['no hit', { CRASH_POINTS: 'armed', CRASH_AT: 'a' }],
    ['a hit of 0', { CRASH_POINTS: 'armed', CRASH_AT: 'a:0' }],
    ['a name with a blank', { CRASH_POINTS: 'armed', CRASH_AT: 'a b:1' }],
  ])('is refused with %s: a sweep must not run without its crash', (_, env) => {
    expect(() => armCrashPoints(env)).toThrow(/CRASH_/);
    // And nothing is armed by half.
    expect(() => crashPoint('a')).not.toThrow();
  });

  it('is said in words for the log', () => {
    expect(armCrashPoints({ CRASH_POINTS: 'armed', CRASH_AT: 'never.passed:1' })).toBe('killed at never.passed:1');
  });
});
