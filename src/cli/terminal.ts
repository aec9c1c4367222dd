/**
 * Texts for a terminal. Names and messages come from strangers: whatever could move the cursor, change colours or turn
 * the direction of reading is taken out before anything is shown.
 */

/** Without C0 and C1 controls, and without characters that change the direction of reading or hide. */
export function clean(text: string): string {
  return text
    .replaceAll(/[\r\n\t]+/g, ' ')
    .replaceAll(/\p{Cc}|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, '');
}

/** Every text in a value cleaned, for printing it whole. */
export function cleanAll<T>(value: T): T {
  if (typeof value === 'string') return clean(value) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => cleanAll(one)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [clean(key), cleanAll(one as unknown)])) as T;
}

const escape = String.fromCharCode(27);
const colourCode = String.raw`${escape}\[[\d;]*m`;
const colourCodes = new RegExp(colourCode, 'g');
const pieces = new RegExp(`${colourCode}|[^]`, 'gu');

/** Columns a text takes, colours not counted. */
export function width(text: string): number {
  let columns = 0;
  for (const character of text.replaceAll(colourCodes, '')) columns += widthOf(character);
  return columns;
}

function widthOf(character: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0;
  // East Asian wide and full-width blocks, and what is drawn as a picture.
  return /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u.test(
    character,
  ) || /^\p{Emoji_Presentation}$/u.test(character)
    ? 2
    : 1;
}

/** Filled up with blanks to so many columns. */
export function pad(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, columns - width(text)));
  return side === 'left' ? text + blanks : blanks + text;
}

/** Cut to so many columns, with … where something is missing. Colours inside stay whole. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let rest = columns - 1;
  let result = '';
  let coloured = false;
  for (const [piece] of text.matchAll(pieces)) {
    if (piece.startsWith('\u001b')) {
      result += piece;
      coloured = true;
      continue;
    }
    rest -= widthOf(piece);
    if (rest < 0) break;
    result += piece;
  }
  return `${result}…${coloured ? '\u001b[0m' : ''}`;
}

/** Broken between words into lines of so many columns. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && width(last) + 1 + width(word) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'cyan' | 'grey' | 'bold';
export type Paint = (colour: Colour, text: string) => string;

const codes: Readonly<Record<Colour, [string, string]>> = {
  red: ['31', '39'],
  green: ['32', '39'],
  yellow: ['33', '39'],
  blue: ['34', '39'],
  cyan: ['36', '39'],
  grey: ['90', '39'],
  bold: ['1', '22'],
};

export function painter(colours: boolean): Paint {
  if (!colours) return (_, text) => text;
  return (colour, text) => {
    const [on, off] = codes[colour];
    return text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

/** Colours only where somebody looks at them, and nobody asked for none (no-color.org). */
export function wantsColours(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR']) return false;
  return isTerminal && env['TERM'] !== 'dumb';
}

/** `4.2 s`, `1 min 5 s`, `2 h 3 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** An instant as people read it here: local time, date only when it is not today. */
export function instant(text: string | null, now: number): string {
  if (text === null) return '';
  const at = new Date(text);
  const two = (n: number) => String(n).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const today = new Date(now).toDateString() === at.toDateString();
  return today ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}
