import { describe, expect, test } from '@jest/globals';
import { LiveRegion } from '../../src/cli/live.js';
import { table } from '../../src/cli/table.js';
import {
  clean,
  cleanAll,
  cut,
  duration,
  instant,
  pad,
  painter,
  wantsColours,
  width,
  wrap,
} from '../../src/cli/terminal.js';
import { now } from './support.js';

describe('texts of strangers', () => {
  test('cannot move the cursor, change colours or turn the direction of reading', () => {
    expect(clean('a\u001b[2Jb\u009b31mc\u0007\u202egpj.exe\u2066\u200bd\u2028')).toBe('a[2Jb31mcgpj.exed');
    expect(clean('two\r\nlines\tand a tab')).toBe('two lines and a tab');
    expect(clean('订单 é 🚀')).toBe('订单 é 🚀');
  });

  test('are cleaned wherever they stand in an answer', () => {
    expect(cleanAll({ 'a\u001b': ['x\u0000', 1, null, { b: 'y\u202e' }] })).toEqual({ a: ['x', 1, null, { b: 'y' }] });
  });
});

describe('columns', () => {
  test('are counted as a terminal counts them', () => {
    expect(['abc', '订单', 'e\u0301', '한글', '｢', '\u001b[31mred\u001b[39m'].map(width)).toEqual([3, 4, 1, 4, 1, 3]);
    expect(pad('订单', 6)).toBe('订单  ');
    expect(pad('7', 3, 'right')).toBe('  7');
  });

  test('are kept to when a text is cut, colours and wide characters included', () => {
    expect(cut('订单订单', 6)).toBe('订单…');
    expect(width(cut('订单订单', 6))).toBeLessThanOrEqual(6);
    expect(cut('\u001b[31mlong red text\u001b[39m', 5)).toBe('\u001b[31mlong…\u001b[0m');
    expect(cut('short', 5)).toBe('short');
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  });

  test('of a table line up, and the line fits', () => {
    const rows = [
      { name: '订单', n: '1', text: 'a rather long explanation of it' },
      { name: 'abc', n: '22', text: '\u001b[31mshort' },
    ];
    const lines = table(
      rows,
      [
        { title: 'NAME', value: (row) => row.name },
        { title: 'N', side: 'right', value: (row) => row.n },
        { title: 'TEXT', value: (row) => row.text, shrinks: true },
      ],
      painter(false),
      24,
    );
    expect(lines).toEqual(['NAME   N  TEXT', '订单   1  a rather long…', 'abc   22  [31mshort']);
  });
});

test('durations and instants are what people say', () => {
  expect([420, 12_300, 65_000, 7_380_000, 100_000_000].map(duration)).toEqual([
    '0.4 s',
    '12 s',
    '1 min 5 s',
    '2 h 3 min',
    '1 d 3 h',
  ]);
  expect(instant(null, now)).toBe('');
  expect(instant('2020-01-02T03:04:05Z', now)).toMatch(/^2020-01-0[123] \d\d:\d\d:05$/);
});

test('colours appear only where somebody looks at them and nobody asked for none', () => {
  expect(wantsColours(true, {})).toBe(true);
  expect(wantsColours(false, {})).toBe(false);
  expect(wantsColours(true, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColours(true, { TERM: 'dumb' })).toBe(false);
});

describe('a live region', () => {
  const screen = () => {
    const written: string[] = [];
    return { written, write: (text: string) => void written.push(text), columns: 20, rows: 4 };
  };

  test('goes back over what it drew, and never further than the screen is high', () => {
    const on = screen();
    const region = new LiveRegion(on);
    region.draw(['one', 'two']);
    region.draw(['1', '2', '3', '4', '5']);
    region.draw(['last']);
    expect(on.written[0]).toContain('one');
    expect(on.written[1]).toContain('\u001b[2A');
    expect(on.written[1]).not.toContain('2\u001b[K');
    expect(on.written[2]).toContain('\u001b[3A');
  });

  test('gives the terminal back with everything on it', () => {
    const on = screen();
    const region = new LiveRegion(on);
    region.draw(['a']);
    region.finish(['1', '2', '3', '4', '5']);
    expect(on.written[1]).toContain('1\u001b[K\n2');
    expect(on.written.at(-1)).toBe('\u001b[?25h');
  });
});
