import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { type CodeEntry, codes } from '../../src/codes.js';

const script = new URL('../../scripts/codes-doc.mjs', import.meta.url).href;
const { renderCodes } = (await import(script)) as { renderCodes(all: Record<string, CodeEntry>): string };

describe('docs/codes.md', () => {
  it('says what src/codes.ts says (if not: node scripts/codes-doc.mjs)', () => {
    const page = readFileSync(new URL('../../docs/codes.md', import.meta.url), 'utf8');
    expect(page).toBe(renderCodes(codes));
  });

  it('explains every class of code', () => {
    expect(renderCodes(codes)).not.toContain('undefined');
  });
});
