import type { Code } from '../../codes.js';
import { steering } from '../../schemas/wire.js';
import { limits } from './limits.js';

/**
 * One pass over JSON text before anything parses it: is it JSON, and does it hold what must not come in? JSON.parse alone
 * survives a million levels, keeps the last of two equal keys, rounds large integers and takes lone surrogates; what it
 * then hands out breaks JSON.stringify, zod and PostgreSQL much later. No recursion, no look back, no regular expression
 * over more than one key.
 */
export interface Scan {
  /** null: the text is one JSON document. */
  fault: SyntaxFault | null;
  findings: Finding[];
  /** Members of all objects together. Fewer in the parsed value means that a key stood twice. */
  members: number;
}

/** Something that is valid JSON and refused all the same. */
export interface Finding {
  code: Code;
  offset: number;
  message: string;
}

export interface SyntaxFault {
  offset: number;
  /** For people: `expected a comma or the end of the object, found a letter`. Quotes nothing that could be a secret. */
  message: string;
  /** The closing brackets that would complete the text, when it only stops too early; else ''. */
  missing: string;
  /** Where the value before the fault ends, when a comma there could be what is missing; else -1. */
  commaAt: number;
}

const enum At {
  Value,
  FirstElement,
  FirstKey,
  Key,
  Colon,
  After,
  Done,
}

const expectations: Record<At, string> = {
  [At.Value]: 'a value',
  [At.FirstElement]: "a value or ']'",
  [At.FirstKey]: "a key in double quotes or '}'",
  [At.Key]: 'a key in double quotes',
  [At.Colon]: "':'",
  [At.After]: "',' or the closing bracket",
  [At.Done]: 'the end of the text',
};

const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

export function scanJson(text: string): Scan {
  const scan: Scan = { fault: null, findings: [], members: 0 };
  const closers: number[] = [];
  const end = text.length;
  let at: At = At.Value;
  let valueEnd = -1;
  let i = 0;
  while (i < end) {
    const c = text.charCodeAt(i);
    if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) {
      i++;
      continue;
    }
    if (at === At.FirstKey || at === At.Key) {
      if (c === 0x22) {
        const next = endOfString(text, i, scan);
        if (next < 0) return scan;
        if (++scan.members > limits.keys) {
          report(scan, 'MSG_JSON_KEYS', i, `the text has more than ${limits.keys} keys`);
          return scan;
        }
        checkKey(text, i, next, scan);
        i = next;
        at = At.Colon;
        continue;
      }
      if (c !== 0x7d || at === At.Key) return fault(scan, text, i, at, -1);
    } else if (at === At.Colon) {
      if (c !== 0x3a) return fault(scan, text, i, at, -1);
      i++;
      at = At.Value;
      continue;
    } else if (at === At.After) {
      if (c === 0x2c) {
        i++;
        at = closers[closers.length - 1] === 0x7d ? At.Key : At.Value;
        continue;
      }
      if (c !== closers[closers.length - 1]) return fault(scan, text, i, at, valueEnd);
    } else if (at === At.Done) {
      return fault(scan, text, i, at, -1);
    }
    // A value, or the bracket that closes one.
    if (c === 0x7d || c === 0x5d) {
      if (c !== closers[closers.length - 1] || at === At.Value) return fault(scan, text, i, at, -1);
      closers.pop();
      i++;
    } else if (c === 0x7b || c === 0x5b) {
      if (closers.length >= limits.depth) {
        report(scan, 'MSG_JSON_DEPTH', i, `the text is nested more than ${limits.depth} levels deep`);
        return scan;
      }
      closers.push(c === 0x7b ? 0x7d : 0x5d);
      at = c === 0x7b ? At.FirstKey : At.FirstElement;
      i++;
      continue;
    } else {
      const next = c === 0x22 ? endOfString(text, i, scan) : endOfScalar(text, i, c, scan);
      if (next < 0) return scan.fault === null ? fault(scan, text, i, at, -1) : scan;
      i = next;
    }
    valueEnd = i;
    at = closers.length === 0 ? At.Done : At.After;
  }
  if (at !== At.Done) {
    fault(scan, text, end, at, -1);
    if (at === At.After && scan.fault !== null) scan.fault.missing = String.fromCharCode(...closers.toReversed());
  }
  return scan;
}

function report(scan: Scan, code: Code, offset: number, message: string): void {
  if (scan.findings.length < limits.problems) scan.findings.push({ code, offset, message });
}

function fault(scan: Scan, text: string, offset: number, at: At, commaAt: number): Scan {
  const message = `expected ${expectations[at]}, found ${nameOf(text, offset)}`;
  scan.fault = { offset, message, missing: '', commaAt };
  return scan;
}

/** A class of characters rather than the character: it may be one of a password. */
function nameOf(text: string, offset: number): string {
  if (offset >= text.length) return 'the end of the text';
  const c = text[offset] ?? '';
  if (/[\p{L}\p{N}]/u.test(c)) return 'a letter or digit';
  return /^[{}[\]:,"'<>()]$/.test(c) ? `a ${c}` : 'another character';
}

/** Set by endOfString: does the last string hold escapes, does it hold anything beyond ASCII? */
let escaped = false;
let beyondAscii = false;

/** The offset behind the closing quote, or -1 with a fault noted. */
function endOfString(text: string, open: number, scan: Scan): number {
  escaped = false;
  beyondAscii = false;
  const end = text.length;
  for (let i = open + 1; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c > 0x5c) {
      if (c > 0x7e) beyondAscii = true;
    } else if (c === 0x22) return i + 1;
    else if (c === 0x5c) {
      escaped = true;
      const next = endOfEscape(text, i, scan);
      if (next < 0) return stringFault(scan, i, 'a backslash begins an escape that JSON does not have');
      i = next - 1;
    } else if (c < 0x20) {
      if (c === 0) report(scan, 'MSG_TEXT_NUL', i, 'a text holds a NUL character');
      return stringFault(scan, i, 'a text holds a raw control character or line break; write it as an escape');
    }
  }
  return stringFault(scan, end, 'the text ends inside a string');
}

function stringFault(scan: Scan, offset: number, message: string): -1 {
  scan.fault = { offset, message, missing: '', commaAt: -1 };
  return -1;
}

/** Checks the escape at `i` and gives the offset behind it, or -1. A pair of surrogate escapes is one escape. */
function endOfEscape(text: string, i: number, scan: Scan): number {
  const c = text.charCodeAt(i + 1);
  if (c === 0x22 || c === 0x5c || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74) {
    return i + 2;
  }
  if (c !== 0x75) return -1;
  const unit = hex4(text, i + 2);
  if (unit < 0) return -1;
  if (unit === 0) report(scan, 'MSG_TEXT_NUL', i, 'a text holds a NUL character (\\u0000)');
  if (unit < 0xd800 || unit > 0xdfff) return i + 6;
  if (unit < 0xdc00 && text.charCodeAt(i + 6) === 0x5c && text.charCodeAt(i + 7) === 0x75) {
    const low = hex4(text, i + 8);
    if (low >= 0xdc00 && low <= 0xdfff) return i + 12;
  }
  report(scan, 'MSG_TEXT_SURROGATE', i, 'a text holds half a character (a lone surrogate escape)');
  return i + 6;
}

function hex4(text: string, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const c = text.charCodeAt(i);
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function checkKey(text: string, open: number, behind: number, scan: Scan): void {
  const length = behind - open - 2;
  if (length > limits.keyLength) {
    report(scan, 'MSG_JSON_KEYS', open, `a key is longer than ${limits.keyLength} characters`);
    return;
  }
  if (!escaped && !beyondAscii && length !== 9 && length !== 11) return;
  const key = escaped ? String(JSON.parse(text.slice(open, behind))) : text.slice(open + 1, behind - 1);
  if (forbiddenKeys.has(key)) report(scan, 'MSG_JSON_PROTO', open, `a key is named ${key}, which is not allowed`);
  if (steering.test(key)) {
    report(scan, 'MSG_TEXT_CONTROL', open, 'a key holds a control character or one that turns the reading direction');
  }
}

/** The offset behind a number, true, false or null; -1 when there is none. */
function endOfScalar(text: string, i: number, c: number, scan: Scan): number {
  if (c === 0x74) return text.startsWith('true', i) ? i + 4 : -1;
  if (c === 0x66) return text.startsWith('false', i) ? i + 5 : -1;
  if (c === 0x6e) return text.startsWith('null', i) ? i + 4 : -1;
  let at = c === 0x2d ? i + 1 : i;
  const first = text.charCodeAt(at);
  if (!isDigit(first)) return -1;
  at = first === 0x30 ? at + 1 : skipDigits(text, at);
  let exact = at - i < 16 && !(c === 0x2d && first === 0x30);
  if (text.charCodeAt(at) === 0x2e) {
    if (!isDigit(text.charCodeAt(at + 1))) return -1;
    at = skipDigits(text, at + 1);
    exact &&= at - i < 16;
  }
  if ((text.charCodeAt(at) | 0x20) === 0x65) {
    const sign = text.charCodeAt(at + 1);
    const from = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1;
    if (!isDigit(text.charCodeAt(from))) return -1;
    at = skipDigits(text, from);
    exact = false;
  }
  if (!exact && !keepsItsValue(text.slice(i, Math.min(at, i + 64)), at - i)) {
    report(
      scan,
      'MSG_NUMBER_RANGE',
      i,
      'a number is too large, too long or -0: it cannot be kept exactly; send it as text',
    );
  }
  return at;
}

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;

function skipDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}

function keepsItsValue(digits: string, length: number): boolean {
  if (length > 24) return false;
  const value = Number(digits);
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  return value !== 0 || !/^-|[1-9].*[eE]/.test(digits);
}
