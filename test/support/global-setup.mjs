/**
 * Makes the run's folder and starts its reaper. The servers themselves are started by the first test that asks for one
 * (test/support/database.ts, test/support/kafka.ts): a run of pure tests starts none.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export default async function globalSetup() {
  const folder = mkdtempSync(join(tmpdir(), 'orderwright-test-'));
  chmodSync(folder, 0o711); // the database server's user has to pass through
  process.env['ORDERWRIGHT_TEST_RUN_DIR'] = folder;
  // A process group of its own: Ctrl-C ends the run, and the end of the run wakes the reaper.
  const reaper = spawn(process.execPath, [fileURLToPath(new URL('./reaper.mjs', import.meta.url)), folder], {
    stdio: ['pipe', 'inherit', 'inherit'],
    detached: true,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  reaper.unref();
  reaper.stdin.unref();
  globalThis.__orderwrightReaper = reaper;
}
