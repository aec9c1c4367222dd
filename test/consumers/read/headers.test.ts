import { describe, expect, it } from '@jest/globals';
import { readHeaders } from '../../../src/consumers/read/headers.js';

const pathsOf = (raw: Parameters<typeof readHeaders>[0]): string[] => readHeaders(raw).warnings.map(({ path }) => path);

describe('headers of a record', () => {
  it('are kept as they came when they are plain', () => {
    const raw = {
      traceparent: Buffer.from('00-abc-01'),
      'x-request-id': 'r1',
      empty: Buffer.alloc(0),
      none: undefined,
    };
    expect(readHeaders(raw)).toEqual({
      headers: { traceparent: '00-abc-01', 'x-request-id': 'r1', empty: '' },
      warnings: [],
    });
  });

  it.each([
    ['that is not UTF-8', { producer: Buffer.from([0xff, 0xfe]) }, {}],
    ['with a NUL', { producer: 'a\0b' }, {}],
    ['that comes twice', { producer: ['a', 'b'] }, { producer: 'a' }],
    ['that is long', { producer: 'x'.repeat(8192) }, { producer: `${'x'.repeat(199)}…` }],
    ['cut inside a character', { producer: `${'x'.repeat(198)}😀😀` }, { producer: `${'x'.repeat(198)}…` }],
  ])('one %s is warned about, cut or left out', (_name, raw, kept) => {
    const { headers, warnings } = readHeaders(raw);
    expect(headers).toEqual(kept);
    expect(warnings).toMatchObject([{ code: 'BUS_HEADER_BAD', path: 'headers.producer' }]);
  });

  it('whose names are not plain are left out', () => {
    const raw = JSON.parse('{"a\\nb":"v","":"v","__proto__":"v"}') as Record<string, string>;
    raw['n'.repeat(101)] = 'v';
    expect(readHeaders(raw).headers).toEqual({});
    expect(pathsOf(raw)).toEqual(['headers', 'headers', 'headers', 'headers']);
  });

  it('beyond the fiftieth are left out, with one warning', () => {
    const raw = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`h${i}`, 'v']));
    expect(Object.keys(readHeaders(raw).headers)).toHaveLength(50);
    expect(pathsOf(raw)).toEqual(['headers']);
  });
});
