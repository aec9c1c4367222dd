/** The folder of this test run; see global-setup.mjs and reaper.mjs. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileLock } from '../../src/embedded/file-lock.js';

/** What a server of the run leaves behind for the other test files and for the reaper. */
export interface ServerRecord {
  pid?: number;
  signal?: 'SIGINT' | 'SIGTERM';
  container?: string;
}

export function runFolder(): string {
  const folder = process.env['ORDERWRIGHT_TEST_RUN_DIR'];
  if (folder === undefined) throw new Error('No folder for this test run: start the tests with "npm test" or jest.');
  return folder;
}

/** The server `name` of this run: started by whoever comes first, shared by all workers. */
export async function sharedServer<T extends ServerRecord>(name: string, start: () => Promise<T>): Promise<T> {
  const file = join(runFolder(), `${name}.server.json`);
  const known = await read<T>(file);
  if (known !== null) return known;
  return withFileLock(join(runFolder(), `${name}.lock`), 300_000, async () => {
    const made = await read<T>(file);
    if (made !== null) return made;
    const record = await start();
    await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${file}.new`, file);
    return record;
  });
}

async function read<T>(file: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return null;
  }
}
