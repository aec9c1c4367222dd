/**
 * Runs seeds, in a process of its own since it puts virtual clocks in place of the real ones:
 * `node run.js <first> <count> <stride>`. One line of JSON per seed on standard output; `TRACE=1` prints all that happens,
 * `CLOUD=` and `PROFILE=` choose what it happens on and to.
 */
import { testClouds } from '../clouds/registry.js';
import { SimulatedStore } from './store.js';
import type { Profile } from './faults.js';
import { VirtualTime } from './virtual-time.js';
import { runSeed } from './world.js';

const [first = 1, count = 1, stride = 1] = process.argv.slice(2).map(Number);
const profile = (process.env['PROFILE'] ?? 'unkind') as Profile;
const kind = process.env['CLOUD'] ?? 'cloudstack';
const cloud = testClouds[kind]?.world;
if (!cloud) throw new Error(`CLOUD is one of ${Object.keys(testClouds).join(', ')}`);
const isTraced = process.env['TRACE'] === '1';

const escaped: string[] = [];
for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error: unknown) =>
    escaped.push(`${event}: ${error instanceof Error ? error.stack : String(error)}`),
  );
}

const time = new VirtualTime();
const store = await SimulatedStore.create(time);
for (let i = 0; i < count; i++) {
  const seed = first + i * stride;
  const result = await runSeed(seed, time, store, {
    profile,
    cloud: { ...cloud, kind },
    ...(isTraced && { print: (line: string) => process.stderr.write(`${line}\n`) }),
  }).catch((error: unknown) => {
    // Nobody else would say so: with a listener for what escapes, a script that fails ends quietly, or not at all.
    process.stderr.write(`seed ${seed} could not be run: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
  result.violations.push(...escaped.splice(0));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
process.exit();
