import { limits } from './limits.js';

/**
 * Python's way of printing a dict, turned into JSON text token by token. Nothing is evaluated and no grammar is checked
 * here: the JSON that comes out goes through the same scan as everybody's, so limits live in one place.
 *
 * Two Pythons print differently: in a Python 2 repr (seen by its u'' strings) a plain '' string holds bytes and knows no \u.
 */
export interface Transcript {
  json: string;
  /** A string held a backslash: reading those raw would give another text (W11). */
  backslashes: boolean;
  /** Offset in the Python text for an offset in `json`. */
  sourceOffset: (jsonOffset: number) => number;
}

export interface LiteralFault {
  offset: number;
  message: string;
}

/** `raw` keeps backslashes as they stand: for JSON text that was pasted between single quotes without escaping it. */
export type Backslashes = 'python' | 'raw';

export function pythonToJson(text: string, backslashes: Backslashes): Transcript | LiteralFault {
  const writer = new Writer(text, backslashes, false);
  const done = writer.run();
  if (!writer.sawUnicodePrefix || !writer.sawPlainUnicodeEscape) return done;
  return new Writer(text, backslashes, true).run();
}

export const isFault = (result: Transcript | LiteralFault): result is LiteralFault => 'message' in result;

const words: Record<string, string> = {
  True: 'true',
  False: 'false',
  None: 'null',
  true: 'true',
  false: 'false',
  null: 'null',
};
const simpleEscapes: Record<string, string> = {
  '\\': '\\', "'": "'", '"': '"', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\n': '',
}; // prettier-ignore

/** ASCII letters, digits and _ . + - */
const isWordCharacter = (c: number): boolean =>
  (c >= 0x30 && c <= 0x39) ||
  (c >= 0x61 && c <= 0x7a) ||
  (c >= 0x41 && c <= 0x5a) ||
  c === 0x5f ||
  c === 0x2e ||
  c === 0x2b ||
  c === 0x2d;

class Writer {
  sawUnicodePrefix = false;
  sawPlainUnicodeEscape = false;
  private json = '';
  private sawBackslash = false;
  private commaAt = -1;
  private depth = 0;
  private afterOpener = true;
  private afterValue = false;
  /** `true`, `false` or `null`: no Python wrote this. */
  private sawJsonWord = false;
  /** The first escape that Python and JavaScript read differently. */
  private unclearEscapeAt = -1;
  private readonly jsonOffsets: number[] = [];
  private readonly sourceOffsets: number[] = [];
  private fault: LiteralFault | null = null;

  constructor(
    private readonly text: string,
    private readonly backslashes: Backslashes,
    private readonly python2: boolean,
  ) {}

  run(): Transcript | LiteralFault {
    let i = 0;
    while (i < this.text.length && this.fault === null) i = this.token(i);
    if (this.fault !== null) return this.fault;
    // JSON with a slip in it, not a Python literal: what the escape was meant to be would be a guess.
    if (this.sawJsonWord && this.unclearEscapeAt >= 0) {
      return { offset: this.unclearEscapeAt, message: 'a backslash begins an escape that JSON does not have' };
    }
    if (this.commaAt >= 0) this.flushComma();
    return { json: this.json, backslashes: this.sawBackslash, sourceOffset: (offset) => this.sourceOffset(offset) };
  }

  /** Writes the token at `i` and gives the offset behind it. */
  private token(i: number): number {
    const c = this.text[i] ?? '';
    if (c === ' ' || c === '\n' || c === '\r' || c === '\t' || c === '\f') return i + 1;
    if (c === '#') {
      const lineEnd = this.text.indexOf('\n', i);
      return lineEnd < 0 ? this.text.length : lineEnd + 1;
    }
    if (c === ',') {
      const fits = this.commaAt < 0 || this.flushComma();
      this.commaAt = i;
      if (this.afterOpener) this.flushComma();
      return fits ? i + 1 : this.text.length;
    }
    if (c === ':') return this.write(c, i, i + 1);
    if (c === '{' || c === '[') {
      // The scan of what is written so far says the rest.
      if (++this.depth > limits.depth) return this.write(c, i, this.text.length);
      return this.write(c, i, i + 1);
    }
    if (c === '}' || c === ']') {
      this.depth--;
      this.commaAt = -1; // a trailing comma: allowed in Python, and says nothing
      return this.write(c, i, i + 1);
    }
    if (c === '"' || c === "'") return this.string(i, i, 'plain');
    if (c === '(' || c === ')') return this.fail(i, 'a tuple stands where a value should be; send a list');
    return this.word(i);
  }

  private word(i: number): number {
    let end = i;
    while (isWordCharacter(this.text.charCodeAt(end))) end++;
    const word = this.text.slice(i, Math.min(end, i + 400));
    const quote = this.text[end];
    if (quote === "'" || quote === '"') {
      if (word === 'u' || word === 'U') {
        this.sawUnicodePrefix = true;
        return this.string(end, i, 'unicode');
      }
      if (word === 'b' || word === 'B') return this.string(end, i, 'bytes');
      return this.fail(i, 'a string begins with a prefix other than u or b');
    }
    const constant = Object.hasOwn(words, word) ? words[word] : undefined;
    if (constant !== undefined) {
      this.sawJsonWord ||= constant === word;
      return this.write(constant, i, end);
    }
    if (/^[-+.\d]/.test(word)) return this.write(/^-?\d+[lL]$/.test(word) ? word.slice(0, -1) : word, i, end);
    if (/^(NaN|undefined|Infinity|nan|inf)$/.test(word))
      return this.fail(i, `${word} is not a value an order can hold; send null or a number`);
    return this.fail(
      i,
      end === i ? 'a character stands outside of every string' : 'a bare word stands where a value or key should be',
    );
  }

  private string(open: number, from: number, kind: 'plain' | 'unicode' | 'bytes'): number {
    const quote = this.text[open] ?? '';
    let value = '';
    let i = open + 1;
    let chunk = i;
    for (;;) {
      const c = this.text[i];
      if (c === undefined) return this.fail(this.text.length, 'the text ends inside a string');
      if (c === quote) break;
      if (c === '\n' || c === '\r') return this.fail(i, 'a line ends inside a string');
      if (c !== '\\') {
        i++;
        continue;
      }
      this.sawBackslash = true;
      value += this.text.slice(chunk, i);
      const [decoded, behind] = this.escape(i, quote, kind);
      if (behind < 0) return this.fail(i, 'a backslash begins an escape that cannot be read');
      value += decoded;
      i = behind;
      chunk = i;
    }
    return this.write(JSON.stringify(value + this.text.slice(chunk, i)), from, i + 1);
  }

  /** What the escape at `i` stands for, and the offset behind it (-1: unreadable). */
  private escape(i: number, quote: string, kind: 'plain' | 'unicode' | 'bytes'): [string, number] {
    const c = this.text[i + 1];
    if (c === undefined) return ['', -1];
    if (this.backslashes === 'raw') return c === quote ? [c, i + 2] : ['\\' + c, i + 2];
    const simple = simpleEscapes[c];
    if (c === 'a') this.noteUnclear(i);
    if (simple !== undefined) return [simple, i + 2];
    if (c === 'x' || (c >= '0' && c <= '7')) return this.numeric(i, kind);
    if (c === 'u' || c === 'U') {
      if (kind === 'plain') this.sawPlainUnicodeEscape = true;
      if (kind === 'bytes' || (kind === 'plain' && this.python2)) return ['\\' + c, i + 2];
      const digits = this.text.slice(i + 2, i + (c === 'u' ? 6 : 10));
      if (digits.length !== (c === 'u' ? 4 : 8) || !/^[0-9a-fA-F]+$/.test(digits)) return ['', -1];
      const point = Number.parseInt(digits, 16);
      if (point > 0x10ffff) return ['', -1];
      return [c === 'u' ? String.fromCharCode(point) : String.fromCodePoint(point), i + 2 + digits.length];
    }
    if (c === 'N' && kind !== 'bytes') return ['', -1];
    if (c === '/' && quote === '"') return ['/', i + 2]; // JSON with a Python comma or comment in it
    this.noteUnclear(i);
    return ['\\' + c, i + 2]; // Python keeps the backslash of an escape it does not know
  }

  private noteUnclear(at: number): void {
    if (this.unclearEscapeAt < 0) this.unclearEscapeAt = at;
  }

  /** \xNN and \NNN. From 0x80 on they are bytes in Python 2, and a run of them is UTF-8. */
  private numeric(i: number, kind: 'plain' | 'unicode' | 'bytes'): [string, number] {
    const bytes: number[] = [];
    let at = i;
    while (this.text[at] === '\\') {
      const [value, behind] = byteEscape(this.text, at);
      if (behind < 0 || (bytes.length > 0 && value < 0x80)) break;
      bytes.push(value);
      at = behind;
      if (value < 0x80 || kind === 'unicode') break;
    }
    if (bytes.length === 0) return ['', -1];
    const points = (): [string, number] => [bytes.map((byte) => String.fromCharCode(byte)).join(''), at];
    if (kind === 'unicode' || bytes[0] === undefined || bytes[0] < 0x80) return points();
    try {
      return [new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes)), at];
    } catch {
      return kind === 'bytes' || this.python2 ? ['', -1] : points();
    }
  }

  /** Where two values meet, or a comma or colon has no value before it, the scan will stop: so does the writing. */
  private write(token: string, from: number, behind: number): number {
    if (this.commaAt >= 0 && !this.flushComma()) return this.text.length;
    const isCloser = token === '}' || token === ']';
    const fits = isCloser || this.afterValue === (token === ':');
    if (!fits) this.json += ' '; // or 1 2 would come out as 12
    this.note(from);
    this.json += token;
    this.afterOpener = token === '{' || token === '[';
    this.afterValue = token !== ':' && !this.afterOpener;
    return fits ? behind : this.text.length;
  }

  private flushComma(): boolean {
    const fits = this.afterValue;
    this.note(this.commaAt);
    this.json += ',';
    this.commaAt = -1;
    this.afterValue = false;
    return fits;
  }

  private note(sourceOffset: number): void {
    this.jsonOffsets.push(this.json.length);
    this.sourceOffsets.push(sourceOffset);
  }

  private fail(offset: number, message: string): number {
    this.fault = { offset, message };
    return this.text.length;
  }

  /** Exact at the beginning of a token, the token's end or beginning otherwise. */
  private sourceOffset(jsonOffset: number): number {
    let low = 0;
    let high = this.jsonOffsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.jsonOffsets[middle] ?? 0) <= jsonOffset) low = middle + 1;
      else high = middle;
    }
    if (jsonOffset >= this.json.length) return this.text.length;
    return this.sourceOffsets[low - 1] ?? 0;
  }
}

/** The value of the \xNN or \NNN at `at` and the offset behind it (-1: it is neither). */
function byteEscape(text: string, at: number): [number, number] {
  if (text[at + 1] === 'x') {
    const digits = text.slice(at + 2, at + 4);
    return /^[0-9a-fA-F]{2}$/.test(digits) ? [Number.parseInt(digits, 16), at + 4] : [0, -1];
  }
  let value = 0;
  let i = at + 1;
  while (i < at + 4) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 7) || value * 8 + digit > 0xff) break;
    value = value * 8 + digit;
    i++;
  }
  return [value, i === at + 1 ? -1 : i];
}
