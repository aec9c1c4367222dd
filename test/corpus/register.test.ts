import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { codes, isCode } from '../../src/codes.js';
import { acceptedFolder, readCorpus } from './corpus.js';
import { elsewhere, numbersElsewhere } from './elsewhere.js';

const corpus = readCorpus();
const folder = new URL('./', import.meta.url);

describe('the corpus of bad input', () => {
  it('has three hundred cases or more', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(300);
  });

  it('has a file for every registered code, or says where the code is shown instead', () => {
    const shown = new Set(corpus.map(({ code }) => code));
    expect(Object.keys(codes).filter((code) => !shown.has(code) && !Object.hasOwn(elsewhere, code))).toEqual([]);
    expect(Object.keys(elsewhere).filter((code) => shown.has(code) || !isCode(code))).toEqual([]);
  });

  it('has a registered code for every folder', () => {
    expect([...new Set(corpus.map(({ code }) => code))].filter((code) => !isCode(code))).toEqual([acceptedFolder]);
  });

  it('has an expectation for every file and a file for every expectation', () => {
    const files = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => readdirSync(new URL(`${name}/`, folder)).map((file) => `${name}/${file}`))
      .filter((name) => !name.endsWith('/expect.json') && !name.endsWith('/first'));
    expect(files.toSorted()).toEqual(corpus.map(({ code, file }) => `${code}/${file}`).toSorted());
  });

  it('expects the class that the register gives the code', () => {
    const other = corpus.filter(({ code, expect: { class: kind, note } }) => {
      return isCode(code) && codes[code].class !== kind && note === undefined;
    });
    expect(other.map(({ code, file, expect: { class: kind } }) => `${code}/${file}: ${kind}`)).toEqual([]);
  });

  it('has every number of the catalogue, or says where it is shown instead', () => {
    const shown = new Set(corpus.flatMap(({ expect: { catalogue } }) => catalogue ?? []));
    const missing = Array.from({ length: 280 }, (_, i) => i + 1).filter((number) => !shown.has(number));
    expect(missing).toEqual(Object.keys(numbersElsewhere).map(Number));
  });
});
