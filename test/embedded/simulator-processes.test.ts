import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { isAlive } from '../../src/embedded/file-lock.js';
import { endProcess } from '../../src/embedded/guard.js';
import { ensureSimulators } from '../../src/embedded/simulator-processes.js';

const dataDir = mkdtempSync(join(tmpdir(), 'orderwright-simulators-'));
const entry = join(dataDir, 'entry.mjs');
// Stands for the built command: what matters here is the process, not the cloud.
writeFileSync(
  entry,
  `import { createServer } from 'node:http';
   const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
   const { ORDERWRIGHT_SIMULATOR_SECRET_KEY, ORDERWRIGHT_SIMULATOR_ADMIN_PASSWORD } = process.env;
   if (!ORDERWRIGHT_SIMULATOR_SECRET_KEY && !ORDERWRIGHT_SIMULATOR_ADMIN_PASSWORD) throw new Error('no key');
   createServer((_, answer) => answer.end('{"calls":{}}')).listen(port, '127.0.0.1');`,
);
const options = {
  dataDir,
  entry,
  wanted: [
    { platformId: 'p1', cloud: 'cloudstack', seed: 1 },
    { platformId: 'p2', cloud: 'openstack', seed: 2 },
  ],
  latencyMs: { min: 1, max: 2 },
};
const started: number[] = [];
afterAll(async () => {
  await Promise.all(started.map(endProcess));
  rmSync(dataDir, { recursive: true, force: true });
});

async function ensure() {
  const clouds = await ensureSimulators(options);
  started.push(...clouds.simulators.map((one) => one.pid));
  return clouds;
}

test('simulated clouds are found again, come back where they were, and end when asked', async () => {
  const first = await ensure();
  expect(first.simulators.map((one) => [one.platformId, one.attached])).toEqual([
    ['p1', false],
    ['p2', false],
  ]);
  expect(statSync(join(dataDir, 'simulators.json')).mode & 0o777).toBe(0o600);

  // A worker that was killed leaves them behind.
  const second = await ensure();
  expect(second.simulators.map((one) => one.attached)).toEqual([true, true]);
  expect(second.simulators.map((one) => one.pid)).toEqual(first.simulators.map((one) => one.pid));

  // One of them dies: it comes back with the same address and the same keys.
  const [gone] = second.simulators;
  await endProcess(gone?.pid ?? 0);
  const third = await ensure();
  expect(third.simulators.map((one) => one.attached)).toEqual([false, true]);
  expect(third.simulators[0]).toMatchObject({ port: gone?.port, credentials: gone?.credentials });
  expect(third.simulators.map(({ serviceUrl }) => new URL(serviceUrl).pathname)).toEqual([
    '/client/api',
    '/identity/v3',
  ]);

  // What runs already stays what it is, whatever is asked for now.
  const changed = options.wanted.map((one) => ({ ...one, cloud: 'openstack' }));
  const fourth = await ensureSimulators({ ...options, wanted: changed });
  expect(fourth.simulators.map(({ cloud }) => cloud)).toEqual(['cloudstack', 'openstack']);

  await third.stop();
  expect(third.simulators.map((one) => isAlive(one.pid))).toEqual([false, false]);
});

test('a cloud that does not start says why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'orderwright-simulators-'));
  const broken = join(folder, 'broken.mjs');
  writeFileSync(broken, `console.error('the port is cursed'); process.exit(3);`);
  await expect(ensureSimulators({ ...options, dataDir: folder, entry: broken })).rejects.toThrow(
    /exit code 3[^]*cursed/,
  );
  expect(readFileSync(join(folder, 'simulators.log'), 'utf8')).toContain('cursed');
  rmSync(folder, { recursive: true, force: true });
});
