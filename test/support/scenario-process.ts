/** Orderwright's own command as real child processes, which can be killed and which end with the test run. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runFolder } from './run-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds `dist` when a source is newer. */
export function buildCommand(): void {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'bootstrap.mjs')], {
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the command could not be built:\n${stderr}`);
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One run of `orderwright …`. Its output goes to a file, so that no pipe of ours holds it up or dies with us. */
export class CommandProcess {
  readonly exited: Promise<Exit>;
  exit: Exit | null = null;

  private constructor(
    readonly name: string,
    readonly logFile: string,
    private readonly child: ChildProcess,
  ) {
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit): void => {
        this.exit ??= exit;
        rmSync(recordOf(name), { force: true });
        resolve(this.exit);
      };
      child.once('exit', (code, signal) => end({ code, signal }));
      child.once('error', () => end({ code: -1, signal: null }));
    });
  }

  /**
   * @param name no other process of this run has it
   * @param script below `dist`; the command itself by default
   */
  static start(name: string, args: string[], env: Record<string, string>, script = 'src/cli/main.js'): CommandProcess {
    const logFile = join(runFolder(), `${name}.log`);
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(process.execPath, [join(root, 'dist', script), ...args], {
      // Nothing of ours gets in but what finds programs: the environment is part of what is tested.
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
      stdio: ['ignore', log, log],
      cwd: runFolder(),
    });
    closeSync(log);
    // The reaper ends it should this test run be killed.
    if (child.pid !== undefined) writeFileSync(recordOf(name), JSON.stringify({ pid: child.pid, signal: 'SIGKILL' }));
    return new CommandProcess(name, logFile, child);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Waits until its output holds the pattern. @throws when it ends before, with what it said last */
  async says(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    for (const giveUpAt = Date.now() + timeoutMs; ; await sleep(20)) {
      const found = pattern.exec(this.log());
      if (found) return found;
      if (this.exit === null && Date.now() < giveUpAt) continue;
      const why = this.exit === null ? `did not say ${pattern}` : `ended with ${JSON.stringify(this.exit)}`;
      throw new Error(`${this.name} ${why}: ${this.log().slice(-2_000)}`);
    }
  }

  /** `kill -9`, or a signal it can answer. Resolves when it is gone. */
  async end(signal: NodeJS.Signals, timeoutMs = 40_000): Promise<Exit> {
    if (this.exit === null) this.child.kill(signal);
    const late = sleep(timeoutMs, null, { ref: false });
    const exit = await Promise.race([this.exited, late]);
    if (exit) return exit;
    this.child.kill('SIGKILL');
    throw new Error(`${this.name} did not end within ${timeoutMs} ms of ${signal}: ${this.log().slice(-2_000)}`);
  }
}

const recordOf = (name: string): string => join(runFolder(), `${name}.server.json`);
