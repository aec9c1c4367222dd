import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { codes, isCode } from '../../src/codes.js';

describe('the registry of codes', () => {
  it.each(Object.entries(codes))(
    '%s keeps to the grammar and has a title, a page and a fitting status',
    (code, entry) => {
      expect(code).toMatch(/^(MSG|ORD|ITM|CFG|SEM|URL|AUT|API|CLD|STO|BUS|OPS|SYS)(_[A-Z0-9]+)+$/);
      expect(code.length).toBeLessThanOrEqual(40);
      expect(entry.title).toMatch(/^[A-Z\w].*[^.]$/);
      expect(entry.doc).toBe(`docs/codes.md#${code.toLowerCase()}`);
      if (entry.class === 'warning' || entry.class === 'hold' || entry.class === 'duplicate')
        expect(entry.httpStatus).toBe(200);
      if (entry.class === 'reject' || entry.class === 'conflict' || entry.class === 'auth')
        expect(entry.httpStatus).toBeGreaterThanOrEqual(400);
    },
  );

  it('has every code that the intake writes', () => {
    const written = ['../../src/schemas/', '../../src/consumers/read/'].flatMap((folder) => {
      const url = new URL(folder, import.meta.url);
      return readdirSync(url).flatMap(
        (name) => readFileSync(new URL(name, url), 'utf8').match(/'[A-Z]{3}(?:_[A-Z0-9]+)+'/g) ?? [],
      );
    });
    expect(written.length).toBeGreaterThan(50);
    expect(written.map((code) => code.slice(1, -1)).filter((code) => !isCode(code))).toEqual([]);
  });

  it('does not take a name of Object for a code', () => {
    expect(isCode('constructor')).toBe(false);
  });
});
