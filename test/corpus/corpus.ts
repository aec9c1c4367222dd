/** The catalogue of bad input as files: what is in test/corpus, and the bytes that a recipe stands for. See README.md. */
import { readdirSync, readFileSync } from 'node:fs';

/** Where a case is run: as a message through both intakes, as one HTTP request, as one Kafka record, against a cloud's adapter. */
export type CaseKind = 'message' | 'http' | 'kafka' | 'cloud';

export interface Expectation {
  about: string;
  /** Numbers of the catalogue, reliability.md section 5. */
  catalogue?: number[];
  class: string;
  verdict?: string;
  status?: number;
  /** Of the problem, hold or warning that carries the code. */
  path?: string;
  /** Several problems in one answer. */
  paths?: string[];
  /** Where the code of the answer is not the folder's. */
  code?: string;
  /** A file that has to be sent first, and the state its order has to be in. */
  before?: string;
  once?: string;
  copies?: number;
  onlyHttp?: boolean;
  storedOverHttp?: boolean;
  /** Runs beside the others because it waits for a time limit. */
  slow?: boolean;
  /** Texts that must be in no answer and no log. */
  secrets?: string[];
  /** Why it differs from the catalogue. */
  note?: string;
  // Of clouds.
  error?: string;
  disposition?: string;
  retryAfterAtMostMs?: number;
  report?: string;
}

export interface CorpusCase {
  /** The folder: a registered code, or ACCEPTED. */
  code: string;
  file: string;
  kind: CaseKind;
  expect: Expectation;
  /** Of a message: what is sent. Of the others: the description, as JSON. */
  bytes: Buffer;
  contentType: string;
}

/** Bytes described instead of written down: `before`, a unit so many times, `after`, a closing unit so many times. */
interface Recipe {
  before?: string;
  repeat?: string;
  /** Size of the repeated part; `times` counts its units instead. */
  bytes?: number;
  times?: number;
  /** `#` becomes 0, 1, 2 … */
  counted?: string;
  after?: string;
  tail?: Recipe;
}

const folder = new URL('./', import.meta.url);
/** The folder of what has to be accepted although it looks bad. */
export const acceptedFolder = 'ACCEPTED';

export function expand(recipe: Recipe): Buffer {
  const { before = '', repeat = '', counted, after = '', tail } = recipe;
  const times = recipe.times ?? Math.floor((recipe.bytes ?? 0) / Math.max(1, Buffer.byteLength(repeat)));
  const middle =
    counted === undefined
      ? Buffer.from(repeat.repeat(times))
      : Buffer.from(Array.from({ length: times }, (_, i) => counted.replace('#', String(i))).join(''));
  return Buffer.concat([Buffer.from(before), middle, Buffer.from(after), ...(tail ? [expand(tail)] : [])]);
}

/** A text as it stands, or the recipe of one. */
export const textOf = (value: string | Recipe): string =>
  typeof value === 'string' ? value : expand(value).toString();

export function corpusFile(code: string, file: string): Buffer {
  return readFileSync(new URL(`${code}/${file}`, folder));
}

/** Every case, in the order of the folders' names. */
export function readCorpus(): CorpusCase[] {
  const codes = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return codes
    .map(({ name }) => name)
    .toSorted()
    .flatMap((code) => {
      const expectations = JSON.parse(corpusFile(code, 'expect.json').toString()) as Record<string, Expectation>;
      return Object.entries(expectations).map(([file, expect]) => caseOf(code, file, expect));
    });
}

function caseOf(code: string, file: string, expect: Expectation): CorpusCase {
  const bytes = corpusFile(code, file);
  const ending = file.slice(file.lastIndexOf('.') + 1);
  const contentType = ending === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
  const base = { code, file, expect, contentType };
  if (ending === 'recipe') return { ...base, kind: 'message', bytes: expand(JSON.parse(bytes.toString()) as Recipe) };
  if (ending === 'http' || ending === 'kafka' || ending === 'cloud') return { ...base, kind: ending, bytes };
  return { ...base, kind: 'message', bytes };
}

/** The code that an answer to this case has to carry; null for what has to be accepted. */
export const expectedCode = ({ code, expect }: CorpusCase): string | null =>
  expect.code ?? (code === acceptedFolder ? null : code);
