import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/properties.js';
import { readdirSync, readFileSync } from 'node:fs';
import type { Json } from '../../../src/json.js';
import { readMessage } from '../../../src/consumers/read/read-message.js';
import { isFault, pythonToJson } from '../../../src/consumers/read/python-literal.js';
import { readText } from '../../../src/consumers/read/read-text.js';
import { scanJson } from '../../../src/consumers/read/scan.js';
import { isCode } from '../../../src/codes.js';
import { asSent, draft, hashKey, item, pythonRepr, pythonString, read, readable } from './orders.js';

// A failing run prints its seed and path; give them to fc.assert to see it again. SEED= and RUNS= do the same from outside.
const parameters = {
  numRuns: Number(process.env['RUNS'] ?? 300),
  ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }),
};

const folder = new URL('../../fixtures/work-orders/', import.meta.url);
const fixtures = readdirSync(folder).map((name) => readFileSync(new URL(name, folder)));

const contentType = fc.constantFrom(null, 'application/json', 'application/x-www-form-urlencoded', 'text/plain', '');

/** Every reading has registered codes, and is either an order or at least one reason. */
function expectAnAnswer(bytes: Uint8Array, type: string | null): void {
  const reading = readMessage({ bytes, contentType: type }, { hashKey });
  if (reading.verdict === 'readable') {
    expect(reading.contentHash).toMatch(/^[0-9a-f]{64}$/);
    expect([...reading.warnings, ...reading.holds].every(({ code }) => isCode(code))).toBe(true);
    return;
  }
  expect(reading.problems.length).toBeGreaterThan(0);
  expect(reading.problems.length).toBeLessThanOrEqual(20);
  expect(reading.problems.every(({ code }) => isCode(code))).toBe(true);
}

describe('whatever arrives gets an answer', () => {
  it('arbitrary bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), contentType, expectAnAnswer), parameters);
  });

  it('arbitrary JSON', () => {
    fc.assert(
      fc.property(fc.json(), contentType, (json, type) => expectAnAnswer(Buffer.from(json), type)),
      parameters,
    );
  });

  it('orders whose fields hold anything', () => {
    const field = fc.oneof(
      fc.constantFrom(
        'workOrderId',
        'workOrderItems',
        'systemOfferingIds',
        'workOrderConfig',
        'msghandler_url',
        'cycleType',
      ),
      fc.string(),
    );
    const configField = fc.constantFrom(
      'vmName',
      'cpuNum',
      'networkCards',
      'rootPassword',
      'keyPairId',
      'dataVolumes',
      'number',
      'volumeSize',
    );
    const anything = fc.jsonValue() as fc.Arbitrary<Json>;
    fc.assert(
      fc.property(field, anything, fc.nat(2), configField, anything, (name, value, index, inner, innerValue) => {
        const order = draft();
        item(order, index).workOrderItemConfig[inner] = innerValue;
        const sent = { ...asSent(order), [name]: value };
        expectAnAnswer(Buffer.from(JSON.stringify(sent)), null);
      }),
      parameters,
    );
  });

  it('real messages with bytes changed, taken out, put in and cut off', () => {
    const mutation = fc.record({
      at: fc.nat(6000),
      kind: fc.constantFrom('set', 'drop', 'insert', 'cut', 'double'),
      byte: fc.nat(255),
    });
    const punctuation = fc.constantFrom(...Buffer.from(`"'\\{}[],:#u0 \n%&=`));
    const arbitrary = fc.record({
      bytes: fc.constantFrom(...fixtures),
      mutations: fc.array(mutation, { minLength: 1, maxLength: 4 }),
      mark: punctuation,
    });
    fc.assert(
      fc.property(arbitrary, contentType, ({ bytes, mutations, mark }, type) => {
        let mutated = Buffer.from(bytes);
        for (const { at, kind, byte } of mutations) {
          const i = at % Math.max(1, mutated.length);
          const value = byte % 2 === 0 ? mark : byte;
          if (kind === 'set') mutated[i] = value;
          else if (kind === 'drop') mutated = Buffer.concat([mutated.subarray(0, i), mutated.subarray(i + 1)]);
          else if (kind === 'insert')
            mutated = Buffer.concat([mutated.subarray(0, i), Buffer.from([value]), mutated.subarray(i)]);
          else if (kind === 'cut') mutated = mutated.subarray(0, i);
          else mutated = Buffer.concat([mutated.subarray(0, i), mutated.subarray(Math.max(0, i - 50))]);
        }
        expectAnAnswer(mutated, type);
      }),
      { ...parameters, numRuns: parameters.numRuns * 3 },
    );
  });

  it('what only looks like GBK, since it was cut, is no proposal', () => {
    const bytes = readFileSync(new URL('order-86.form.txt', folder));
    const reading = read(Buffer.concat([bytes.subarray(0, 2438), bytes.subarray(2441)]));
    expect(reading).toMatchObject({ verdict: 'unreadable', proposal: null, problems: [{ code: 'MSG_UTF8' }] });
  });

  it('a proposal that is made leads to an order or to named problems of one', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fixtures), fc.nat(6000), fc.integer({ min: 1, max: 3 }), (bytes, at, length) => {
        const from = at % bytes.length;
        const reading = read(Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]));
        if (reading.verdict === 'readable' || reading.proposal === null) return;
        const again = read(reading.proposal);
        if (again.verdict === 'unreadable')
          expect(again.problems.map(({ code }) => code)).not.toContain('MSG_JSON_SYNTAX');
      }),
      parameters,
    );
  });
});

/** A wrapper of 5.5 around the text of a message; each costs one text layer, and W4 one msg layer. */
const wrappers: Record<string, (text: string) => string> = {
  W2: (text) => JSON.stringify({ msg: text }),
  W4: (text) => JSON.stringify({ msg: { msg: text } }),
  W7: (text) => JSON.stringify(text),
  'W9 Python 2': (text) => `{u'msg': ${pythonString(text, 2)}}`,
  'W9 Python 3': (text) => `{'msg': ${pythonString(text, 3)}}`,
  'W9 a string': (text) => pythonString(text, 2),
};
const outermost: Record<string, (text: string) => string> = {
  bare: (text) => text,
  W1: (text) => `msg=${encodeURIComponent(text).replaceAll('%20', '+')}`,
  'W14 BOM': (text) => `\ufeff${text}`,
  'W14 blanks': (text) => `\r\n ${text}\r\n`,
};
const bodies: Record<string, () => string> = {
  'W8 configs as text': () => JSON.stringify(asSent(draft())),
  'W8 configs as objects': () => JSON.stringify(draft()),
  'W9 Python 2': () => pythonRepr(asSent(draft()) as Json, 2),
  'W9 Python 3': () => pythonRepr(draft(), 3),
  indented: () => JSON.stringify(asSent(draft()), null, 2),
};

describe('an order is the same order', () => {
  const hash = readable(JSON.stringify(asSent(draft()))).contentHash;

  it('in every stack of wrappers', () => {
    const stack = fc.array(fc.constantFrom(...Object.keys(wrappers)), { maxLength: 3 }).filter((names) => {
      const msgs = names.reduce(
        (count, name) => count + (name === 'W4' ? 2 : name === 'W7' || name === 'W9 a string' ? 0 : 1),
        0,
      );
      return msgs <= 5;
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(bodies)),
        stack,
        fc.constantFrom(...Object.keys(outermost)),
        (body, names, outer) => {
          let message = bodies[body]?.() ?? '';
          for (const name of names) message = wrappers[name]?.(message) ?? message;
          expect(readable(outermost[outer]?.(message) ?? message).contentHash).toBe(hash);
        },
      ),
      parameters,
    );
  });

  it('whatever its texts hold, as JSON and as either Python prints it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !value.includes('\0'));
    fc.assert(
      fc.property(text, fc.constantFrom<2 | 3>(2, 3), (description, python) => {
        const order = { ...asSent(draft()), resourceDescription: description } as Json;
        const asJson = readable(JSON.stringify(order));
        const asPython = readable(pythonRepr(order, python));
        expect(asPython.order).toEqual(asJson.order);
        expect(asPython.contentHash).toBe(asJson.contentHash);
      }),
      parameters,
    );
  });
});

describe('the scan', () => {
  it('says what JSON.parse says about what is JSON', () => {
    const almost = fc
      .tuple(fc.json(), fc.nat(200), fc.constantFrom('', '"', '\\', '{', ']', ',', ':', '0', '-', 'e', '.', '\n', 't'))
      .map(
        ([json, at, mark]) => json.slice(0, at % (json.length + 1)) + mark + json.slice((at % (json.length + 1)) + 1),
      );
    fc.assert(
      fc.property(fc.oneof(almost, fc.json(), fc.string()), (text) => {
        let parses = true;
        try {
          JSON.parse(text);
        } catch {
          parses = false;
        }
        expect(scanJson(text).fault === null).toBe(parses);
      }),
      { ...parameters, numRuns: parameters.numRuns * 5 },
    );
  });

  it('lets every ordinary value through unchanged, as JSON and as a Python literal', () => {
    const value = fc
      .jsonValue({ maxDepth: 5 })
      .filter((json) => !/u0000|ud[89a-f]|__proto__|e[-+]\d|-0\b|\d{17}/i.test(JSON.stringify(json)));
    fc.assert(
      fc.property(value, fc.constantFrom<2 | 3>(2, 3), (json, python) => {
        const text = JSON.stringify(json);
        const asJson = readText(text);
        if (!asJson.ok) {
          expect(asJson.problems.map(({ code }) => code)).not.toContain('MSG_JSON_SYNTAX');
          return;
        }
        expect(asJson.value).toEqual(JSON.parse(text));
        const transcript = pythonToJson(pythonRepr(json as Json, python), 'python');
        expect(isFault(transcript) ? transcript : JSON.parse(transcript.json)).toEqual(JSON.parse(text));
      }),
      parameters,
    );
  });
});
