/** Builds what is missing and runs the benchmark with the young generation that a loaded worker should have as well. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bootstrap } from './bootstrap.mjs';

await bootstrap();
const run = fileURLToPath(new URL('../dist/bench/run.js', import.meta.url));
const child = spawn(process.execPath, ['--max-semi-space-size=128', run, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
child.on('exit', (code) => process.exit(code ?? 1));
