import type { Problem } from '../errors.js';
import { type Code, codes, isCode } from '../codes.js';

/** `['workOrderItems', 1, 'workOrderItemConfig', 'volumeSize']` → `workOrderItems[1].workOrderItemConfig.volumeSize`. */
export function pathText(segments: readonly PropertyKey[]): string {
  let text = '';
  for (const segment of segments) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else text += (text === '' ? '' : '.') + String(segment);
  }
  return text;
}

/** The path of a member of the thing at `base`. */
export const within = (base: string, rest: string): string =>
  base === '' || rest === '' || rest.startsWith('[') ? base + rest : `${base}.${rest}`;

/** The same place as an RFC 6901 JSON pointer: `/workOrderItems/1/workOrderItemConfig/volumeSize`. */
export function jsonPointer(path: string): string {
  if (path === '') return '';
  const segments = path.replace(/\[(\d+)\]/g, '.$1').split('.');
  return segments.map((segment) => '/' + segment.replaceAll('~', '~0').replaceAll('/', '~1')).join('');
}

/** The code that speaks for a whole message: the first problem's. */
export function leadingCode(problems: readonly Problem[]): Code {
  const code = problems[0]?.code;
  return code !== undefined && isCode(code) ? code : 'MSG_JSON_SYNTAX';
}

/** The HTTP status of an answer that names these problems. */
export const httpStatusOf = (problems: readonly Problem[]): number => codes[leadingCode(problems)].httpStatus;
