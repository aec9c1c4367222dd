import { pathText } from '../../schemas/problem-paths.js';

/**
 * Where in a JSON text is this offset, and which keys stand twice? Both are only asked once something is wrong, so the
 * scan need not carry names along. The text must be valid JSON up to `stopAt`.
 */
export interface Trace {
  path: string;
  /** The second of two equal keys, with its path. */
  repeated: { path: string; offset: number }[];
}

interface Level {
  isObject: boolean;
  index: number;
  key: string;
  seen: Set<string>;
}

/** A key may be refused for just these, and PostgreSQL takes them in no answer that names it. */
const unstorable = /[\p{Cc}\p{Surrogate}]/gu;

export function traceJson(text: string, stopAt: number): Trace {
  const levels: Level[] = [];
  const repeated: Trace['repeated'] = [];
  const pathNow = (): string =>
    pathText(
      levels
        .map((level) => (level.isObject ? level.key.replace(unstorable, '\ufffd') : level.index))
        .filter((s) => s !== ''),
    );
  let keyNext = false;
  let i = 0;
  while (i < text.length && i < stopAt) {
    const c = text[i];
    const level = levels.at(-1);
    if (c === '"') {
      const behind = behindString(text, i);
      if (keyNext && level !== undefined && behind <= text.length) {
        keyNext = false;
        level.key = decoded(text.slice(i, behind));
        if (level.seen.has(level.key)) repeated.push({ path: pathNow(), offset: i });
        level.seen.add(level.key);
      }
      i = behind;
      continue;
    }
    if (c === '{' || c === '[') {
      levels.push({ isObject: c === '{', index: 0, key: '', seen: new Set() });
      keyNext = c === '{';
    } else if (c === '}' || c === ']') {
      levels.pop();
      keyNext = false;
    } else if (c === ',' && level !== undefined) {
      keyNext = level.isObject;
      level.index++;
    }
    i++;
  }
  return { path: pathNow(), repeated };
}

function behindString(text: string, open: number): number {
  let i = open + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

function decoded(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal.slice(1, -1);
  }
}

/** 1-based, as editors count. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) {
    line++;
    lineStart = i + 1;
  }
  return { line, column: offset - lineStart + 1 };
}
