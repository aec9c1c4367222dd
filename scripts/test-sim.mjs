/**
 * The deterministic simulation: `RUNS=` seeds from `SEED=` on, on two cores. `PROFILE=lost-answers` loses the answer of every
 * create with p = 0.3; `PROFILE=swarm` runs the worlds of before users came back, people pulled every lever and services stood still;
 * `CLOUD=openstack` builds on another cloud. `TRACE=1` with one seed prints all that happens.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { compileSimulation } from '../test/simulation/compile.mjs';
import { runProof } from './proof.mjs';

const cores = 2;
/** A process keeps what a seed leaves behind (about 1 MB): after so many seeds the next one takes over. */
const seedsPerProcess = 500;
const profile = process.env.PROFILE ?? 'unkind';
const cloud = process.env.CLOUD ?? 'cloudstack';
// Ten orders a seed: 1,000 in all.
const runs = Number(process.env.RUNS ?? (profile === 'lost-answers' ? 100 : 1_000));

await runProof({
  name: 'test:sim',
  settings: ['RUNS', 'PROFILE', 'CLOUD'],
  run: async ({ seed, env, report }) => {
    const { script, remove } = compileSimulation();
    const counts = {};
    const total = { seeds: 0, orders: 0, virtualMs: 0, cpuMs: 0 };
    const started = Date.now();
    const take = (result) => {
      total.seeds += 1;
      total.orders += result.orders;
      total.virtualMs += result.virtualMs;
      total.cpuMs += result.cpuMs;
      for (const [what, count] of Object.entries(result.counts)) counts[what] = (counts[what] ?? 0) + count;
      if (total.seeds % 500 === 0) process.stderr.write(`${total.seeds} seeds, ${rate()} a second\n`);
      if (result.violations.length === 0) return report({ runs: 1 });
      const chosen = `${cloud === 'cloudstack' ? '' : `CLOUD=${cloud} `}${profile === 'unkind' ? '' : `PROFILE=${profile} `}`;
      const again = `${chosen}SEED=${result.seed} RUNS=1 npm run test:sim`;
      process.stderr.write(`\nseed ${result.seed}: ${again}\n`);
      for (const line of result.violations) process.stderr.write(`  ${line}\n`);
      for (const line of result.tail) process.stderr.write(`    ${line}\n`);
      report({ runs: 1, violations: result.violations.map((line) => `seed ${result.seed}: ${line}`) });
    };
    const rate = () => Math.round((total.seeds / (Date.now() - started)) * 100_000) / 100;
    try {
      const lanes = Math.min(cores, runs);
      const ends = await Promise.all(
        Array.from({ length: lanes }, (_, lane) => {
          const count = Math.floor((runs - lane + lanes - 1) / lanes);
          return runLane(script, { first: seed + lane, count, stride: lanes }, { ...env, PROFILE: profile }, take);
        }),
      );
      for (const end of ends) if (end !== 0) report({ violations: [`a simulation ended with ${end}`] });
      if (total.seeds !== runs) report({ violations: [`${total.seeds} of ${runs} seeds were run`] });
    } finally {
      remove();
    }
    // A fault that never struck is a hole in the proof: it has to be seen.
    report({
      figures: {
        orders: total.orders,
        virtualMinutes: Math.round(total.virtualMs / 60_000),
        seedsPerSecond: rate(),
        cpuSecondsPerSeed: Math.round(total.cpuMs / Math.max(1, total.seeds) / 10) / 100,
        neverStruck: Object.keys(counts).filter((name) => counts[name] === 0 && !name.startsWith('figure ')),
        counts: Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      },
    });
  },
});

/** One process after the other. @returns how the last one ended */
async function runLane(script, { first, count, stride }, env, take) {
  let end = 0;
  for (let done = 0; done < count && end === 0; done += seedsPerProcess) {
    const batch = { first: first + done * stride, count: Math.min(seedsPerProcess, count - done), stride };
    end = await runSeeds(script, batch, env, take);
  }
  return end;
}

/** One process, one seed after the other. @returns its exit code, or the signal that ended it */
async function runSeeds(script, { first, count, stride }, env, take) {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', script, String(first), String(count), String(stride)],
    {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  const stop = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, stop);
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) take(JSON.parse(line));
  const end = await ended;
  for (const signal of signals) process.off(signal, stop);
  return end;
}
