/**
 * Ends the servers of one test run and removes its folder as soon as the run is over, however it ended: its standard
 * input is a pipe that the run holds, and a pipe closes even when its holder is killed.
 *
 * Every server of the run leaves a file `NAME.server.json` in the folder: `{ "pid": 1, "signal": "SIGINT" }` or
 * `{ "container": "id" }`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2];
process.stdin.resume();
process.stdin.on('error', finish);
process.stdin.on('end', finish);

async function finish() {
  const servers = readdirSync(folder)
    .filter((name) => name.endsWith('.server.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  for (const { container } of servers) if (container) spawnSync('docker', ['rm', '-f', container], { stdio: 'ignore' });
  const pids = servers.filter(({ pid }) => pid > 0);
  for (const { pid, signal } of pids) send(pid, signal);
  const giveUpAt = Date.now() + 10_000;
  while (pids.some(({ pid }) => send(pid, 0)) && Date.now() < giveUpAt) await sleep(20);
  for (const { pid } of pids) send(pid, 'SIGKILL');
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      break;
    } catch {
      await sleep(100);
    }
  }
  process.exit(0);
}

function send(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
