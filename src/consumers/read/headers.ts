import { cutText } from '../../cut-text.js';
import { steering } from '../../schemas/wire.js';
import type { Warning } from '../../schemas/work-order.js';
import { limits } from './limits.js';

/** A header as Kafka clients hand it over: one value, several under one name, or none. */
type HeaderValue = Buffer | string | (Buffer | string)[] | undefined;

export interface ReadHeaders {
  headers: Record<string, string>;
  /** One for each header that is not kept as it came. */
  warnings: Warning[];
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Headers as they are kept: for tracing only, short, and text that PostgreSQL stores. They decide nothing, so a bad one is
 * cut or left out with a warning, and never a reason to refuse the order.
 */
export function readHeaders(raw: Record<string, HeaderValue>): ReadHeaders {
  const headers: Record<string, string> = {};
  const warnings: Warning[] = [];
  const warn = (path: string, message: string): void => {
    if (warnings.length < limits.problems) warnings.push({ path, code: 'BUS_HEADER_BAD', message });
  };
  const named = Object.entries(raw);
  for (const [name, value] of named.slice(0, limits.headers)) {
    if (name === '' || name.length > limits.headerName || steering.test(name) || name === '__proto__') {
      warn('headers', `a header whose name is empty, longer than ${limits.headerName} or not plain was left out`);
      continue;
    }
    const path = `headers.${name}`;
    const values = Array.isArray(value) ? value : [value];
    const [first] = values;
    if (values.length > 1) warn(path, `the header comes ${values.length} times; the first was kept`);
    if (first === undefined) continue;
    const text = textOf(first);
    if (text === null || text.includes('\0')) {
      warn(path, 'the header is not UTF-8 text and was left out');
      continue;
    }
    if (text.length > limits.headerValue) warn(path, `the header was cut to ${limits.headerValue} characters`);
    headers[name] = cutText(text, limits.headerValue);
  }
  if (named.length > limits.headers)
    warn('headers', `${named.length} headers came; the first ${limits.headers} were kept`);
  return { headers, warnings };
}

function textOf(value: Buffer | string): string | null {
  if (typeof value === 'string') return value;
  try {
    return utf8.decode(value);
  } catch {
    return null;
  }
}
