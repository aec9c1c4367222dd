/** Messages made wrong on purpose: corpus files and real samples, changed a little or put together anew, from one seed. */
import { readdirSync, readFileSync } from 'node:fs';
import { readCorpus } from '../corpus/corpus.js';
import type { Random } from '../support/scenario-random.js';

export interface FuzzedMessage {
  bytes: Buffer;
  contentType: string | null;
}

/** Larger ones have the corpus; here they would only make everything slow. */
const largestSeed = 20_000;
const samples = new URL('../fixtures/work-orders/', import.meta.url);

/** What is changed: every message of the corpus, and the real samples. */
export function fuzzSeeds(): Buffer[] {
  const corpus = readCorpus().filter(({ kind }) => kind === 'message');
  const real = readdirSync(samples).map((name) => readFileSync(new URL(name, samples)));
  return [...corpus.map(({ bytes }) => bytes), ...real].filter(({ length }) => length > 0 && length <= largestSeed);
}

const contentTypes = [
  'application/json',
  'application/json',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  null,
];
/** Where one thing ends and the next begins, in JSON, Python and forms. */
const token = /"(?:\\.|[^"\\]){0,200}"|'(?:\\.|[^'\\]){0,200}'|-?\d+(?:\.\d+)?|[{}[\]:,&=]|\\u[0-9a-f]{4}|[A-Za-z_]+/g;
const numbers = ['0', '-0', '-1', '1e3', '1e400', '0x10', '1.0', '1.5', '00', '9007199254740993', '9'.repeat(40), 'NaN', '""', 'null', 'true', '[]', '{}', '" 1 "', '"１"']; // prettier-ignore
const texts = ['', ' ', '\\u0000', '\\ud83d', '😀', 'x'.repeat(78) + '😀', '\\', '"', "'", '\u202e', '__proto__', 'constructor', 'None', '../..', '%00', '%ff', '\ufeff', '月'.repeat(50), '${x}', '{"a":1}', 'a'.repeat(5_000), '\r\n', '\u0007', '\\x41', "u''"]; // prettier-ignore
const marks = Buffer.from(`"'\\{}[],:#u0 \n%&=+`);

type Change = (bytes: Buffer, random: Random, seeds: readonly Buffer[]) => Buffer;

const changes: Change[] = [
  // One bit.
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    const at = random.int(0, changed.length - 1);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.int(0, 7));
    return changed;
  },
  // One byte that means something.
  (bytes, random) => {
    const at = random.int(0, bytes.length);
    const width = random.int(0, 1);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.pick([...marks])]), bytes.subarray(at + width)]);
  },
  // Cut off, or something cut out.
  (bytes, random) => bytes.subarray(0, random.int(1, bytes.length)),
  (bytes, random) => {
    const at = random.int(0, bytes.length - 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.int(1, 60))]);
  },
  // The beginning of one and the end of another.
  (bytes, random, seeds) => {
    const other = random.pick(seeds);
    return Buffer.concat([
      bytes.subarray(0, random.int(0, bytes.length)),
      other.subarray(random.int(0, other.length - 1)),
    ]);
  },
  // A token twice, moved, or gone.
  (bytes, random) =>
    onTokens(bytes, random, (found, text) => {
      const one = random.pick(found);
      const other = random.pick(found);
      const repeated = text.slice(one.at, one.end).repeat(random.pick([1, 1, 2, 30]));
      return text.slice(0, other.at) + repeated + text.slice(random.next() < 0.5 ? other.at : other.end);
    }),
  (bytes, random) =>
    onTokens(bytes, random, (found, text) => {
      const { at, end } = random.pick(found);
      return text.slice(0, at) + text.slice(end);
    }),
  // Another number, another text.
  (bytes, random) =>
    onTokens(bytes, random, (found, text) => {
      const numeric = found.filter(({ at }) => /[-\d]/.test(text[at] ?? ''));
      const { at, end } = random.pick(numeric.length > 0 ? numeric : found);
      return text.slice(0, at) + random.pick(numbers) + text.slice(end);
    }),
  (bytes, random) =>
    onTokens(bytes, random, (found, text) => {
      const quoted = found.filter(({ at }) => text[at] === '"');
      const { at, end } = random.pick(quoted.length > 0 ? quoted : found);
      const content = random.pick(texts);
      const whole = random.next() < 0.5;
      return whole
        ? `${text.slice(0, at)}"${content}"${text.slice(end)}`
        : `${text.slice(0, at + 1)}${content}${text.slice(at + 1)}`;
    }),
  // One more layer around it.
  (bytes, random) => {
    const text = bytes.toString();
    return Buffer.from(
      random.pick([
        () => JSON.stringify(text),
        () => `{"msg":${text}}`,
        () => JSON.stringify({ msg: text }),
        () => `msg=${encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, ''))}`,
        () => `{'msg': '${text}'}`,
      ])(),
    );
  },
];

function onTokens(
  bytes: Buffer,
  random: Random,
  change: (found: { at: number; end: number }[], text: string) => string,
): Buffer {
  const text = bytes.toString();
  // From somewhere in the middle: the first tokens would be all that is ever met in a long message.
  token.lastIndex = random.int(0, Math.max(0, text.length - 200));
  const found: { at: number; end: number }[] = [];
  for (let match = token.exec(text); match !== null && found.length < 40; match = token.exec(text)) {
    found.push({ at: match.index, end: token.lastIndex });
  }
  return found.length === 0 ? bytes : Buffer.from(change(found, text));
}

/** One message: a seed with one to four changes. */
export function fuzzedMessage(random: Random, seeds: readonly Buffer[]): FuzzedMessage {
  let bytes = random.pick(seeds);
  for (let left = random.pick([1, 1, 2, 4]); left > 0 && bytes.length > 0; left--) {
    bytes = random.pick(changes)(bytes, random, seeds);
  }
  return { bytes, contentType: random.pick(contentTypes) };
}
