import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { codes } from '../src/codes.js';

const source = new URL('../src/', import.meta.url);
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

describe('the register of codes', () => {
  it('has every code that the sources name', () => {
    const named = files
      .filter((name) => !name.endsWith('codes.ts') && !name.startsWith('simulators'))
      .flatMap((name) => {
        const text = readFileSync(new URL(name, source), 'utf8');
        return [...text.matchAll(/'((?:MSG|ORD|ITM|CFG|SEM|URL|AUT|API|CLD|STO|BUS|OPS|SYS)_[A-Z0-9_]+)'/g)].map(
          ([, code]) => code ?? '',
        );
      });
    expect([...new Set(named)].filter((code) => !Object.hasOwn(codes, code))).toEqual([]);
  });

  it('has only codes of the agreed form', () => {
    const form = /^(MSG|ORD|ITM|CFG|SEM|URL|AUT|API|CLD|STO|BUS|OPS|SYS)(_[A-Z0-9]+)+$/;
    expect(Object.keys(codes).filter((code) => !form.test(code) || code.length > 40)).toEqual([]);
  });
});
