/**
 * Ends the servers of one test run and removes its folder as soon as the run is over, however it ended: its standard
 * input is a pipe that the run holds, and a pipe closes even when its holder is killed.
 *
 * Servers that are shared leave a file `NAME.server.json` in the folder: `{ "pid": 1, "signal": "SIGINT" }` or
 * `{ "container": "id" }`. One that was still starting when the run was killed is found by its own pid file.
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
    .map((name) => JSON.parse(readText(name) || '{}'));
  for (const { container } of servers) if (container) spawnSync('docker', ['rm', '-f', container], { stdio: 'ignore' });
  const broker = JSON.parse(readText('kafka', 'kafka.json') || '{}');
  const database = { pid: Number.parseInt(readText('postgres', 'pgdata', 'postmaster.pid'), 10), signal: 'SIGINT' };
  const pids = [...servers, { pid: broker.pid, signal: 'SIGTERM' }, database].filter(({ pid }) => pid > 0);
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

function readText(...path) {
  try {
    return readFileSync(join(folder, ...path), 'utf8');
  } catch {
    return '';
  }
}
