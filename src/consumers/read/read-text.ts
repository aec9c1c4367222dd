import type { Json } from '../../json.js';
import type { Problem } from '../../errors.js';
import { limits } from './limits.js';
import { type Backslashes, isFault, pythonToJson, type Transcript } from './python-literal.js';
import { type Scan, scanJson } from './scan.js';
import { lineAndColumn, traceJson } from './trace.js';

export type TextReading =
  | {
      ok: true;
      value: Json;
      /** It was a Python literal (W9). */
      python: boolean;
      /** A Python literal whose strings hold backslashes: there is a second way to read it (W11). */
      backslashes: boolean;
    }
  | {
      ok: false;
      problems: Problem[];
      /** It is not valid text at all, as opposed to valid and not allowed. */
      damaged: boolean;
    };

/** Text to value: JSON if it is JSON, else a Python literal if it is one. Neither is guessed at. */
export function readText(text: string, backslashes: Backslashes = 'python'): TextReading {
  const scan = scanJson(text);
  if (scan.fault === null) return fromJson(text, scan, null);
  if (isMarkup(text)) return damaged('this is a page of HTML or XML, probably an error page; send JSON text');
  const transcript = pythonToJson(text, backslashes);
  if (isFault(transcript)) {
    // The reading that came further knows better what is wrong.
    const { offset, message } = transcript.offset > scan.fault.offset ? transcript : scan.fault;
    return damaged(`${position(text, offset)}: ${message}${hintAbout(text, transcript.message)}`);
  }
  const second = scanJson(transcript.json);
  if (second.fault === null) return fromJson(transcript.json, second, transcript);
  const offset = transcript.sourceOffset(second.fault.offset);
  if (offset > scan.fault.offset) return damaged(`${position(text, offset)}: ${second.fault.message}`);
  return damaged(`${position(text, scan.fault.offset)}: ${scan.fault.message}`);
}

function fromJson(json: string, scan: Scan, transcript: Transcript | null): TextReading {
  const problems: Problem[] = scan.findings.map(({ code, offset, message }) => ({
    path: withoutWrapper(traceJson(json, offset).path),
    code,
    message,
  }));
  if (problems.length > 0) return { ok: false, problems, damaged: false };
  const value = JSON.parse(json) as Json;
  if (countMembers(value) !== scan.members) {
    const repeated = traceJson(json, json.length).repeated.slice(0, limits.problems);
    const twice = repeated.map(({ path }) => ({
      path: withoutWrapper(path),
      code: 'MSG_JSON_DUPKEY',
      message: 'this key stands twice in one object; readers disagree about which one counts, so send it once',
    }));
    return { ok: false, problems: twice, damaged: false };
  }
  return { ok: true, value, python: transcript !== null, backslashes: transcript?.backslashes ?? false };
}

/** The scan has seen to it that this does not go deep. */
function countMembers(value: Json): number {
  if (value === null || typeof value !== 'object') return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) count += countMembers(element);
    return count;
  }
  for (const key in value) {
    count++;
    const member = value[key];
    if (typeof member === 'object' && member !== null) count += countMembers(member);
  }
  return count;
}

const damaged = (message: string): TextReading => ({
  ok: false,
  problems: [{ path: '', code: 'MSG_JSON_SYNTAX', message }],
  damaged: true,
});

function position(text: string, offset: number): string {
  const { line, column } = lineAndColumn(text, offset);
  return `line ${line}, column ${column}`;
}

const isMarkup = (text: string): boolean => /^\s{0,100}</.test(text);

function hintAbout(text: string, literalMessage: string): string {
  if (/^(NaN|undefined|Infinity)/.test(literalMessage)) return `; ${literalMessage}`;
  if (text.includes(': "{"') || text.includes(':"{"')) {
    return '. A JSON text inside a string has lost the backslashes before its quotes; encode it again, or send it as an object';
  }
  return '';
}

/** Paths start at the order, however often it is wrapped. */
const withoutWrapper = (path: string): string => path.replace(/^(?:msg(?:\.|$))+/, '');
