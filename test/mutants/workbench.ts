/** Plants bugs in copies of the tree, never in the tree itself, and runs the tests that must catch them. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const leftOut = ['node_modules', 'dist', 'coverage'];
const timeoutMs = 180_000;

/** How often the text stands in its file: the mutant applies when it is once. */
export function matches({ file, find }: Mutant): number {
  return readFileSync(join(root, file), 'utf8').split(find).length - 1;
}

export interface TestRun {
  /** Tests of that name that ran. */
  ran: number;
  /** The failures, in the test's own words. */
  failures: string[];
  /** Why nothing ran: the file could not be loaded, or has no such test. */
  trouble: string | null;
}

/** A copy of the tree, with the packages of the original. One bug at a time is planted in it. */
export class Workbench {
  private readonly folder = mkdtempSync(join(tmpdir(), 'orderwright-mutants-'));

  constructor() {
    for (const name of readdirSync(root)) {
      if (leftOut.includes(name) || name.startsWith('.git') || name === '.orderwright') continue;
      cpSync(join(root, name), join(this.folder, basename(name)), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** Runs the named test with the bug in place, and takes the bug out again. */
  async withBug(mutant: Mutant): Promise<TestRun> {
    const takeOut = this.plant(mutant);
    try {
      return await this.run(mutant.test.file, [mutant.test.name]);
    } finally {
      takeOut();
    }
  }

  /** The simulation compiled from the copy, with a bug in it or with none. @returns the script that runs seeds, and how to remove it */
  async simulation(mutant: Mutant | null): Promise<{ script: string; remove(): void }> {
    const takeOut = mutant && this.plant(mutant);
    try {
      const path = join(this.folder, 'test', 'simulation', 'compile.mjs');
      const { compileSimulation } = (await import(path)) as { compileSimulation(): { script: string; remove(): void } };
      return compileSimulation();
    } finally {
      takeOut?.();
    }
  }

  /** @returns takes it out again */
  private plant({ file, find, replace }: Mutant): () => void {
    const path = join(this.folder, file);
    const before = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      before.replace(find, () => replace),
    );
    return () => writeFileSync(path, before);
  }

  /** Runs tests of one file by their names. */
  async run(file: string, names: string[]): Promise<TestRun> {
    const outputFile = join(this.folder, 'result.json');
    rmSync(outputFile, { force: true });
    const pattern = names.map((name) => `${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`).join('|');
    const said = await this.jest([file, '-t', pattern, '--runInBand', '--json', `--outputFile=${outputFile}`]);
    let result: JestResult;
    try {
      result = JSON.parse(readFileSync(outputFile, 'utf8')) as JestResult;
    } catch {
      return { ran: 0, failures: [], trouble: `no result: ${said.slice(-500)}` };
    }
    const all = result.testResults.flatMap(({ assertionResults }) => assertionResults);
    const ran = all.filter(({ status, title }) => ['passed', 'failed'].includes(status) && title !== '');
    const failures = ran.filter(({ status }) => status === 'failed').map((one) => one.failureMessages[0] ?? '');
    const message = result.testResults.map((one) => one.message).join('\n');
    return { ran: ran.length, failures, trouble: ran.length > 0 ? null : `no such test ran: ${message.slice(0, 500)}` };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private jest(args: string[]): Promise<string> {
    const flags = '--experimental-vm-modules --disable-warning=ExperimentalWarning';
    const { JEST_WORKER_ID: _, PROOF_RESULT: __, ORDERWRIGHT_TEST_RUN_DIR: ___, ...env } = process.env;
    const jest = join(this.folder, 'node_modules', 'jest', 'bin', 'jest.js');
    const child = spawn(process.execPath, [jest, ...args], {
      cwd: this.folder,
      env: { ...env, NODE_OPTIONS: flags },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => (said += String(chunk)));
    // Its servers end with it: their reaper notices (test/support/reaper.mjs).
    const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    return new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', () => {
        clearTimeout(late);
        resolve(said);
      });
    });
  }
}

/** Hands the work out to the benches, one piece at a time each. */
export async function shared<T>(
  work: T[],
  benches: Workbench[],
  take: (one: T, bench: Workbench) => Promise<void>,
): Promise<void> {
  const left = work.values();
  await Promise.all(
    benches.map(async (bench) => {
      for (const one of left) await take(one, bench);
    }),
  );
}

interface JestResult {
  testResults: {
    message: string;
    assertionResults: { title: string; status: string; failureMessages: string[] }[];
  }[];
}
