import { limits } from './limits.js';
import { isFault, pythonToJson } from './python-literal.js';
import { scanJson } from './scan.js';

/**
 * Damage that a person can mend, and how we would mend it. A proposal is never used: it is kept beside the message until
 * somebody accepts it (W10 a missing final brace, W12 quotes that lost their backslashes, W13 a missing comma).
 */
export interface Proposal {
  rules: string[];
  text: string;
}

/** Each attempt reads the whole text again; real damage seen so far needed two at most. */
const attempts = 4;

export function proposeRepair(text: string): Proposal | null {
  if (text.length > limits.repairableLength) return null;
  const rules: string[] = [];
  let mended = text;
  const requoted = quoteInnerObjects(text);
  if (requoted !== null) {
    rules.push('W12');
    mended = requoted;
  }
  for (let attempt = 0; attempt < attempts; attempt++) {
    const fault = whatIsWrong(mended);
    if (fault === null) return rules.length > 0 ? { rules, text: mended } : null;
    if (fault.missing !== '') {
      rules.push('W10');
      const lastLineHasComment = mended.indexOf('#', mended.lastIndexOf('\n') + 1) >= 0;
      mended = `${mended.trimEnd()}${lastLineHasComment ? '\n' : ''}${fault.missing}`;
    } else if (fault.commaAt >= 0) {
      rules.push('W13');
      mended = `${mended.slice(0, fault.commaAt)},${mended.slice(fault.commaAt)}`;
    } else return null;
  }
  return null;
}

interface Mendable {
  missing: string;
  commaAt: number;
}

const hopeless: Mendable = { missing: '', commaAt: -1 };

function whatIsWrong(text: string): Mendable | null {
  const scan = scanJson(text);
  if (scan.fault === null) return null;
  if (scan.fault.missing !== '') return scan.fault;
  const asJson = commaBefore(text, scan.fault.commaAt, scan.fault.offset);
  if (asJson >= 0) return { missing: '', commaAt: asJson };
  const literal = pythonToJson(text, 'python');
  if (isFault(literal)) return hopeless;
  const { fault } = scanJson(literal.json);
  if (fault === null) return null;
  if (fault.missing !== '') return fault;
  if (fault.commaAt < 0) return hopeless;
  // In the Python text the value before may be followed by a comment: the comma goes before the next token instead.
  const next = literal.sourceOffset(fault.offset);
  return { missing: '', commaAt: commaBefore(text, next, next) };
}

/** Only where the next thing is a value or key that begins like one; a bare letter there is another kind of damage. */
function commaBefore(text: string, commaAt: number, next: number): number {
  return commaAt >= 0 && /^(?:[ub]?['"]|[{[])/.test(text.slice(next, next + 2)) ? commaAt : -1;
}

/**
 * `"config": "{"a": 1}"` → `"config": "{\"a\": 1}"`, for every such object, or null when there is none or one does not end.
 * What was lost beyond the backslashes of the quotes (`u6708` for `\u6708`) stays lost: that is why this is only proposed.
 */
function quoteInnerObjects(text: string): string | null {
  let mended = '';
  let done = 0;
  for (let at = text.indexOf('"{"'); at >= 0; at = text.indexOf('"{"', done)) {
    if (!followsColon(text, at)) return null;
    const behind = behindObject(text, at + 1);
    if (behind < 0 || text[behind] !== '"') return null;
    mended += text.slice(done, at) + JSON.stringify(text.slice(at + 1, behind));
    done = behind + 1;
  }
  return done === 0 ? null : mended + text.slice(done);
}

function followsColon(text: string, at: number): boolean {
  let i = at - 1;
  while (i >= 0 && (text[i] === ' ' || text[i] === '\n')) i--;
  return text[i] === ':';
}

function behindObject(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      i++;
      while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
    } else if (c === '{' || c === '[') depth++;
    else if ((c === '}' || c === ']') && --depth === 0) return i + 1;
  }
  return -1;
}
