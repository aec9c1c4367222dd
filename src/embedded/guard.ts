/**
 * A process that must not outlive us gets a guard: a small Node process that holds the other end of a pipe of ours. The
 * pipe closes however we end, by SIGKILL too, and then the guard ends the process.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './file-lock.js';

const KILL_AFTER_MS = 10_000;

const GUARD = `
const pid = Number(process.argv[1]);
const send = (signal) => { try { return process.kill(pid, signal); } catch { return false; } };
setInterval(() => { if (!send(0)) process.exit(0); }, 1000);
const end = () => { send('SIGTERM'); setTimeout(() => { send('SIGKILL'); process.exit(0); }, ${KILL_AFTER_MS}); };
process.stdin.on('end', end).on('error', end).resume();
`;

/** From now on `pid` ends when this process ends. It does not keep this process running. */
export function guard(pid: number): void {
  const child = spawn(process.execPath, ['-e', GUARD, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
    detached: true, // Ctrl-C in the terminal is not for the guard
    windowsHide: true,
  });
  child.on('error', () => undefined);
  child.unref();
  if (child.stdin !== null && 'unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
}

/** Asks a process to end, and ends it after a while. Resolves when it is gone. */
export async function endProcess(pid: number): Promise<void> {
  const send = (signal: NodeJS.Signals): void => {
    try {
      process.kill(pid, signal);
    } catch {
      // gone
    }
  };
  send('SIGTERM');
  const killAt = Date.now() + KILL_AFTER_MS;
  for (let killed = false; isAlive(pid); await sleep(25)) {
    if (Date.now() < killAt) continue;
    if (!killed) send('SIGKILL');
    killed = true;
    if (Date.now() > killAt + 5_000) return;
  }
}
