#!/usr/bin/env node
/** The command. In a clone it first installs and builds what is missing; in the published package all of it is there. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`orderwright needs Node 20.19 or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}
if (existsSync(at('../src')) && existsSync(at('../scripts/bootstrap.mjs'))) {
  const { bootstrap } = await import('../scripts/bootstrap.mjs');
  try {
    await bootstrap();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
await import('../dist/src/cli/main.js');
