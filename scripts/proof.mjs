/**
 * What the long proofs share (crash sweep, simulation, fuzzing, chaos, planted bugs): build, run, collect, say and keep
 * the result. A proof's own script is one call:
 *
 *   await runProof({ name: 'test:crash', jest: ['test/crash'], env: { SWEEP: 'full' } });
 *   await runProof({ name: 'test:sim', run: async ({ seed, env, node, jest, report }) => { … report({ runs, violations }) } });
 *
 * The part that does the work hands its result over with `report({ runs, violations, figures })` (test/support/proof-result.ts
 * in Jest and other children: one line of JSON each in the file `PROOF_RESULT`), as often as it likes: runs and violations
 * add up, figures of the same name are overwritten. A failed test, a child that ends with another code than 0, and a part
 * that reports nothing at all are violations too: silence proves nothing.
 *
 * The last line is `violations: N`; the process ends with 1 when N > 0. One line of JSON goes to `.orderwright/proofs.jsonl`:
 * {date, commit, command, seed, runs, seconds, violations, figures}.
 */
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { bootstrap } from './bootstrap.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** So many violations are printed; the number is always that of all. */
const shown = 50;

/**
 * Runs a proof to its last line and sets the exit code.
 *
 * @param proof `name`: of the npm script. Then one of `jest` (paths of test files, run one after the other in one process)
 *   and `run` (a function that is given the tools below). `env`: more environment for the children. `settings`: names of
 *   environment variables that a repetition needs, such as RUNS or PROFILE; they are kept with the command when they are set.
 *   `seed: false` for a proof without chance.
 */
export async function runProof({ name, jest, run, env = {}, settings = [], seed: seeded = true }) {
  const started = Date.now();
  const proven = commit();
  const seed = seeded ? givenSeed() : null;
  const result = { runs: 0, violations: [], figures: {} };
  const folder = mkdtempSync(join(tmpdir(), 'orderwright-proof-'));
  const children = new Set();
  const stopped = { by: '' };
  const stop = (signal) => {
    stopped.by = signal;
    for (const child of children) child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop(signal));
  const said = { count: 0 };
  const report = ({ runs = 0, violations = [], figures = {} }) => {
    said.count += 1;
    result.runs += runs;
    result.violations.push(...violations);
    Object.assign(result.figures, figures);
  };
  const resultFile = join(folder, 'result.jsonl');
  const childEnv = {
    ...process.env,
    ...(seed !== null && { SEED: String(seed) }),
    ...env,
    PROOF_RESULT: resultFile,
  };
  const start = (args, more, output) =>
    child(args, { ...childEnv, ...more }, children, () => stopped.by !== '', output);
  const tools = {
    seed,
    root,
    report,
    env: childEnv,
    /** Runs a script with node and the proof's environment; one that fails is a violation. */
    node: async (script, args = [], more = {}) => {
      const ended = await start([script, ...args], more);
      if (ended !== 0) report({ violations: [`${script} ended with ${ended}`] });
    },
    /** Runs test files; every failed test is a violation. */
    jest: (paths, more = {}) => runJest(paths, more, start, folder, report),
  };
  process.stderr.write(`${name}${seed === null ? '' : `: SEED=${seed}`}\n`);
  try {
    await bootstrap();
    await (jest ? tools.jest(jest) : run(tools));
    for (const line of readLines(resultFile)) report(JSON.parse(line));
    if (said.count === 0) report({ violations: ['nothing was reported: what was to be proven did not run'] });
  } catch (error) {
    report({ violations: [`the proof itself failed: ${error.stack ?? error}`] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (stopped.by !== '') report({ violations: [`stopped by ${stopped.by}`] });
  const seconds = Math.round((Date.now() - started) / 100) / 10;
  const command = commandOf(name, seed, settings);
  keep({ date: new Date().toISOString(), commit: proven, command, seed, seconds, ...counted(result) });
  for (const violation of result.violations.slice(0, shown)) process.stdout.write(`violation: ${oneLine(violation)}\n`);
  const more = result.violations.length - shown;
  if (more > 0) process.stdout.write(`… and ${more} more\n`);
  for (const [figure, value] of Object.entries(result.figures)) process.stdout.write(`${figure}: ${show(value)}\n`);
  process.stdout.write(`${command}: ${result.runs} runs in ${seconds} s\n`);
  process.stdout.write(`violations: ${result.violations.length}\n`);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
}

/** `SEED=`, or a new one. Said first and kept with the result, so that every run can be repeated. */
function givenSeed() {
  const given = process.env.SEED;
  if (given === undefined || given === '') return 1 + Math.floor(Math.random() * 999_999_999);
  if (!/^[1-9]\d{0,14}$/.test(given)) throw new Error(`SEED=${given} is no whole number above 0`);
  return Number(given);
}

/** @returns 0, another code, or the name of the signal that ended it */
function child(args, env, children, isStopping, output = 'inherit') {
  if (isStopping()) return Promise.resolve('nothing: stopped before it began');
  const one = spawn(process.execPath, args, { cwd: root, env, stdio: ['inherit', output, 'inherit'] });
  children.add(one);
  return new Promise((resolve) => {
    one.once('error', (error) => resolve(error.message));
    one.once('close', (code, signal) => {
      children.delete(one);
      resolve(signal ?? code);
    });
  });
}

async function runJest(paths, more, start, folder, report) {
  const outputFile = join(folder, `jest-${Math.random().toString(36).slice(2)}.json`);
  const flags = '--experimental-vm-modules --disable-warning=ExperimentalWarning';
  const NODE_OPTIONS = [process.env.NODE_OPTIONS, flags].filter(Boolean).join(' ');
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  // In one process: a proof shares out the cores itself, and what it prints is seen while it runs.
  const args = [jest, '--runInBand', '--json', `--outputFile=${outputFile}`, ...paths];
  const ended = await start(args, { NODE_OPTIONS, ...more }, 'ignore');
  let outcome;
  try {
    outcome = JSON.parse(readFileSync(outputFile, 'utf8'));
  } catch {
    return report({ violations: [`Jest left no result for ${paths.join(' ')} (it ended with ${ended})`] });
  }
  const violations = outcome.testResults.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length > 0) return failed.map((one) => `failed test: ${one.fullName}: ${one.failureMessages[0] ?? ''}`);
    return assertionResults.length === 0 ? [`${name} could not run: ${message}`] : [];
  });
  if (outcome.numPassedTests + outcome.numFailedTests === 0) violations.push(`no test ran of ${paths.join(' ')}`);
  if (ended !== 0 && violations.length === 0) violations.push(`Jest ended with ${ended}`);
  if (violations.length > 0) report({ violations });
}

/** What has to be typed for the same run. */
function commandOf(name, seed, settings) {
  const words = settings.filter((one) => process.env[one]).map((one) => `${one}=${process.env[one]}`);
  if (seed !== null) words.unshift(`SEED=${seed}`);
  return [...words, `npm run ${name}`].join(' ');
}

/** The commit that was proven; ` dirty` when the tree was not exactly that. */
function commit() {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const head = git('rev-parse', '--short=12', 'HEAD');
  if (head.status !== 0) return 'unknown';
  return head.stdout.trim() + (git('status', '--porcelain').stdout.trim() === '' ? '' : ' dirty');
}

function counted({ runs, violations, figures }) {
  return { runs, violations: violations.length, figures };
}

function keep(line) {
  const file = join(root, '.orderwright', 'proofs.jsonl');
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

function readLines(file) {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

// A failed test's message has pages with colours in them; one line says which it is.
const oneLine = (text) => stripVTControlCharacters(String(text)).replaceAll(/\s+/g, ' ').slice(0, 600);
const show = (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value));
