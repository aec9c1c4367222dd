import { openSync, writeSync } from 'node:fs';

/**
 * Named moments at which a test kills this process: before and after every durable step and every send and receive. They
 * stand in the code that ships, because only that code's own moments prove anything: a test that kills at random moments
 * (test/scenarios/kill-nine.test.ts) hits the gap of a few microseconds between a commit and what follows it once in
 * thousands of runs, a copy made for testing is another program, and a list kept apart from the code is out of date with the
 * next step somebody adds. The crash sweep (`npm run test:crash`) finds the names by recording a run.
 *
 * In production nothing is armed, and a point is one comparison with `null`. Three things have to come together to arm
 * them: `serve` calls `armCrashPoints` with its environment (nothing else does), `CRASH_POINTS=armed` stands in it, and
 * `CRASH_AT` or `CRASH_RECORD` says what for. A crash then is the worst an attacker who sets our environment could do, and
 * such a one could stop us anyway. Nothing is ever skipped, delayed or changed by a point.
 */
interface Armed {
  /** Dies at the `hit`-th time that `name` is passed. */
  crashAt: { name: string; hit: number } | null;
  /** Names are appended here, one a line. */
  record: number | null;
  hits: number;
}

let armed: Armed | null = null;

/**
 * Reads `CRASH_AT=name:hit` (hits count from 1) and `CRASH_RECORD=FILE`; neither is looked at without `CRASH_POINTS=armed`.
 *
 * @returns what was armed, in words for the log; null when nothing was
 * @throws Error when the environment asks for something that cannot be: a sweep must not run without its crash
 */
export function armCrashPoints(env: NodeJS.ProcessEnv): string | null {
  armed = null;
  const { CRASH_POINTS: consent, CRASH_AT: at, CRASH_RECORD: record } = env;
  if (consent === undefined || consent === '') return null;
  if (consent !== 'armed') throw new Error('CRASH_POINTS must be "armed", or not set.');
  if (!at && !record) throw new Error('CRASH_POINTS is armed, but neither CRASH_AT nor CRASH_RECORD says what for.');
  const crashAt = at ? readCrashAt(at) : null;
  // Opened once; each name is written before the process goes on, so that a killed run has recorded all it passed.
  armed = { crashAt, record: record ? openSync(record, 'a', 0o600) : null, hits: 0 };
  return [crashAt && `killed at ${at}`, record && 'every crash point is recorded'].filter(Boolean).join('; ');
}

/**
 * A moment that a test may choose to end at. Does nothing in production.
 *
 * @param name where in the code, such as `step.stored`
 * @param details what it is about, such as the operations of a step: each makes a name of its own, `step.stored:vm.create`;
 *   asked for only when somebody listens
 */
export function crashPoint(name: string, details?: () => readonly string[]): void {
  if (armed === null) return;
  pass(armed, name, details?.() ?? []);
}

function pass(points: Armed, name: string, details: readonly string[]): void {
  const names = details.length === 0 ? [name] : details.map((detail) => `${name}:${detail}`);
  for (const one of names) {
    if (points.record !== null) writeSync(points.record, `${one}\n`);
    if (points.crashAt?.name !== one) continue;
    points.hits += 1;
    if (points.hits === points.crashAt.hit) die();
  }
}

/** The signal is delivered before `kill` returns; the loop is for a system on which it is not. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}

function readCrashAt(text: string): { name: string; hit: number } {
  const [, name, hit] = /^(\S+):([1-9]\d*)$/.exec(text) ?? [];
  if (name === undefined) throw new Error('CRASH_AT must look like name:hit, with hits from 1.');
  return { name, hit: Number(hit) };
}
