import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/properties.js';
import { isFault, pythonToJson } from '../../../src/consumers/read/python-literal.js';
import { readText } from '../../../src/consumers/read/read-text.js';

describe('tokens of a Python literal', () => {
  it('never run together into another value', () => {
    const token = fc.constantFrom(
      '1',
      '23',
      'True',
      'None',
      "'a'",
      "u'b'",
      '[]',
      '{}',
      '-4',
      '1.5',
      '[',
      ']',
      '{',
      '}',
      ',',
      ':',
    );
    fc.assert(
      fc.property(fc.array(token, { minLength: 2, maxLength: 8 }), (tokens) => {
        const spaced = readText(`['x', ${tokens.join(' ')}]`);
        const transcript = pythonToJson(`['x', ${tokens.join('  # remark\n')}]`, 'python');
        // What is read has exactly the scalars that were written, in their order.
        if (!spaced.ok || isFault(transcript)) return;
        const scalars = (JSON.stringify(spaced.value).match(/"[xab]"|-?\d+(?:\.\d+)?|true|null/g) ?? []).slice(1);
        const written = tokens
          .filter((word) => !/^[[\]{},:]+$/.test(word))
          .map((word) =>
            word
              .replace(/^u?'(.)'$/, '"$1"')
              .replace('True', 'true')
              .replace('None', 'null'),
          );
        expect(scalars).toEqual(written);
        expect(JSON.parse(transcript.json)).toEqual(spaced.value);
      }),
      { numRuns: 2000 },
    );
  });

  it('keep their place, so that a fault is reported where it stands', () => {
    const reading = readText("{'a': 1,\n 'b': 2\n 'c': 3}");
    expect(reading).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringMatching(/^line 3, column 2: expected ','/) }],
    });
  });

  it('keep backslashes as they stand when read raw', () => {
    const text = String.raw`'{"a": "\"\u6708", "b": "it\'s"}'`;
    const raw = pythonToJson(text, 'raw');
    expect(isFault(raw) ? raw : JSON.parse(raw.json)).toBe(String.raw`{"a": "\"\u6708", "b": "it's"}`);
  });
});
