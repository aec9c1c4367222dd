import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { variables } from '../../src/config.js';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** The rows of the table of variables: `| `NAME` | … |`. */
const section = /## Every environment variable\n(.*?)\n## /s.exec(page)?.[1] ?? '';
const documented = [...section.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name]) => name);

describe('docs/operations.md', () => {
  it('lists every variable of src/config.ts and no other, in its order', () => {
    expect(documented).toEqual(Object.keys(variables));
  });
});
