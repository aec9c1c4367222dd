/** Turns the sources into JavaScript for a process without Jest: the simulation needs clocks that nobody else looks at. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = [
  'src',
  'migrations',
  'test/clouds',
  'test/simulation',
  'test/invariants',
  'test/support',
  'test/consumers',
];

/** @returns the script that runs seeds, and how to remove all that was written */
export function compileSimulation() {
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'orderwright-simulation-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "version": "0.0.0" }');
  for (const name of folders) {
    for (const entry of readdirSync(join(root, name), { withFileTypes: true, recursive: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
      const path = join(entry.parentPath ?? entry.path, entry.name);
      const to = join(folder, relative(root, path)).replace(/\.ts$/, '.js');
      const { code } = transformSync(readFileSync(path, 'utf8'), { filename: path, cwd: root, sourceMaps: false });
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, code);
    }
  }
  cpSync(join(root, 'test/fixtures/work-orders'), join(folder, 'test/fixtures/work-orders'), { recursive: true });
  return {
    script: join(folder, 'test/simulation/run.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
