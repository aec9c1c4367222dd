import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { simulatedCloudOf, simulatedClouds } from '../simulators/registry.js';
import { EmbeddedError } from './embedded-error.js';
import { isAlive } from './file-lock.js';
import { freePort } from './free-port.js';
import { endProcess } from './guard.js';

const Simulator = z.object({
  platformId: z.string(),
  cloud: z.string().refine((kind) => Object.hasOwn(simulatedClouds, kind)),
  pid: z.number().int(),
  port: z.number().int(),
  credentials: z.record(z.string(), z.string()),
});
type Simulator = z.infer<typeof Simulator>;

export interface RunningSimulator extends Simulator {
  serviceUrl: string;
  /** Where its control side is: the same origin. */
  origin: string;
  /** Whether it was running already. */
  attached: boolean;
}

export interface SimulatorsOptions {
  dataDir: string;
  /** One that is known from before stays of the kind that it was. */
  wanted: { platformId: string; cloud: string; seed: number }[];
  latencyMs: { min: number; max: number };
  /** Script that knows `simulate`; the built command by default. */
  entry?: string;
}

const startTimeoutMs = 20_000;

/**
 * Simulated clouds as processes of their own. They outlive a worker that is killed, as real clouds do, and are found
 * again through `simulators.json`; their address and keys stay the same for as long as the data folder does.
 */
export async function ensureSimulators(
  options: SimulatorsOptions,
): Promise<{ simulators: RunningSimulator[]; stop: () => Promise<void> }> {
  const file = join(options.dataDir, 'simulators.json');
  const known = await readSimulators(file);
  const simulators = await Promise.all(
    options.wanted.map(async (wanted) => {
      const before = known.find((one) => one.platformId === wanted.platformId);
      if (before && isAlive(before.pid) && (await answers(before.port))) return running(before, true);
      return running(await start(options, { ...wanted, ...(before && { cloud: before.cloud }) }, before), false);
    }),
  );
  // Written before anything uses them: a worker killed right now finds them again.
  await writeFile(
    `${file}.new`,
    JSON.stringify(
      simulators.map((one) => Simulator.parse(one)),
      null,
      2,
    ),
    { mode: 0o600 },
  );
  await rename(`${file}.new`, file);
  return {
    simulators,
    stop: async () => {
      await Promise.all(
        // Only what still answers is ours for sure: a number may have been given to another program.
        simulators.map(async ({ pid, port }) => ((await answers(port)) ? endProcess(pid) : undefined)),
      );
    },
  };
}

async function readSimulators(file: string): Promise<Simulator[]> {
  try {
    return z.array(Simulator).parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return [];
  }
}

function running(simulator: Simulator, attached: boolean): RunningSimulator {
  const origin = `http://127.0.0.1:${simulator.port}`;
  return { ...simulator, origin, serviceUrl: `${origin}${simulatedCloudOf(simulator.cloud).servicePath}`, attached };
}

async function start(
  { dataDir, latencyMs, entry }: SimulatorsOptions,
  { platformId, cloud, seed }: SimulatorsOptions['wanted'][number],
  before: Simulator | undefined,
): Promise<Simulator> {
  const kind = simulatedCloudOf(cloud);
  const credentials = before?.credentials ?? kind.drawCredentials();
  const port = before && (await isFree(before.port)) ? before.port : await freePort();
  const logFile = join(dataDir, 'simulators.log');
  const log = openSync(logFile, 'a', 0o600);
  const script = entry ?? fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const latency = `${latencyMs.min}-${latencyMs.max}`;
  const child = spawn(
    process.execPath,
    [script, 'simulate', cloud, '--port', String(port), '--seed', String(seed), '--latency', latency],
    {
      env: { ...process.env, NODE_OPTIONS: '', ...kind.environment(credentials) },
      stdio: ['ignore', log, log],
      detached: true,
      windowsHide: true,
    },
  );
  closeSync(log);
  child.unref();
  const pid = await untilItAnswers(child, port, logFile);
  return { platformId, cloud, pid, port, credentials };
}

async function untilItAnswers(child: ChildProcess, port: number, logFile: string): Promise<number> {
  let ended: string | null = null;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = signal ?? `exit code ${code}`));
  const hasEnded = () => ended !== null;
  for (const giveUpAt = Date.now() + startTimeoutMs; Date.now() < giveUpAt && !hasEnded(); await sleep(40)) {
    if (child.pid !== undefined && (await answers(port))) return child.pid;
  }
  if (child.pid !== undefined && !hasEnded()) await endProcess(child.pid);
  const said = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n');
  throw new EmbeddedError('SYS_SIMULATOR_START', `A simulated cloud did not start (${ended ?? 'no answer'}): ${said}`);
}

async function answers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/_sim/calls`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok && 'calls' in ((await answer.json()) as object);
  } catch {
    return false;
  }
}

/** Whether a port of the loopback can be taken. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
