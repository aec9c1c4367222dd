/**
 * Runs the tests. Arguments go to Jest: `npm test -- test/embedded`, `npm test -- -t "two starters"`.
 * Ends with a line `N passed, N failed` alone; fails when a test failed, when a file could not run, or when none ran.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootstrap } from './bootstrap.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const started = Date.now();
try {
  await bootstrap();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'orderwright-result-'));
const outputFile = join(folder, 'result.json');
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const flags = '--experimental-vm-modules --disable-warning=ExperimentalWarning';
const child = spawn(process.execPath, [jest, '--json', `--outputFile=${outputFile}`, ...process.argv.slice(2)], {
  cwd: root,
  // The report itself goes to standard error; standard output would only carry the JSON a second time.
  stdio: ['inherit', 'ignore', 'inherit'],
  env: { ...process.env, NODE_OPTIONS: [process.env.NODE_OPTIONS, flags].filter(Boolean).join(' ') },
});
// Ctrl-C reaches Jest too; this process waits for it, so that its servers are gone when the prompt is back.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
const ended = await new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));

let result = null;
try {
  result = JSON.parse(readFileSync(outputFile, 'utf8'));
} catch {
  process.stderr.write(`Jest left no result (it ended with ${ended}).\n`);
}
rmSync(folder, { recursive: true, force: true });

const passed = result?.numPassedTests ?? 0;
const skipped = (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
// A file that could not even be loaded has no failed test of its own, but it is a failure.
const failed = (result?.numFailedTests ?? 0) + (result?.numRuntimeErrorTestSuites ?? (result === null ? 1 : 0));
process.stdout.write(`${((Date.now() - started) / 1000).toFixed(1)} s wall time\n`);
if (passed + failed === 0) process.stdout.write('No test ran.\n');
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed === 0 && passed > 0 && ended === 0 ? 0 : 1;
