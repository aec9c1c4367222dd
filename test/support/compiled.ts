/** Compiles the embedded servers' sources for child processes, which run without Jest's transformer. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from '@swc/core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Compiled {
  /** Address of a compiled module, such as `postgres.js`. */
  url(module: string): string;
  remove(): Promise<void>;
}

/** Puts `src/embedded` as JavaScript where the packages it imports are found. */
export async function compileEmbedded(): Promise<Compiled> {
  const cache = join(ROOT, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'orderwright-embedded-'));
  await chmod(folder, 0o755); // for children that run as another user
  const sources = join(ROOT, 'src', 'embedded');
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  for (const entry of await readdir(sources, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    const { code } = await transform(await readFile(path, 'utf8'), { filename: path, sourceMaps: false });
    const to = join(folder, relative(sources, path)).replace(/\.ts$/, '.js');
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, code);
  }
  return {
    url: (module) => pathToFileURL(join(folder, module)).href,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A child that runs `script`, and the first line it prints. It must print one. */
export async function childThatPrints(
  script: string,
  options: SpawnOptions = {},
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, NODE_OPTIONS: '' },
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let complained = '';
  child.stderr?.on('data', (chunk) => (complained += String(chunk)));
  const line = await new Promise<string>((done, failed) => {
    child.stdout?.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('\n')) done(said.slice(0, said.indexOf('\n')));
    });
    child.once('error', failed);
    child.once('exit', (code, signal) => failed(new Error(`it ended with ${signal ?? code}: ${complained}`)));
  });
  return { child, line };
}
