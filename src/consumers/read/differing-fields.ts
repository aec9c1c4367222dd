import type { Json } from '../../json.js';
import { quoted } from '../../schemas/wire.js';
import { within } from '../../schemas/problem-paths.js';
import { isSecretMark, itemKey } from './canonical.js';
import { limits } from './limits.js';

export interface Difference {
  /** Items are named by their resource: `workOrderItems[VM/4e6e…].workOrderItemConfig.cpuNum`; their place says nothing. */
  path: string;
  first: string;
  second: string;
}

const absent = '(absent)';
const secret = '(secret differs)';

/** What two canonical forms disagree about, for the answer to a conflict. At most 20, values cut, secrets not shown. */
export function differingFields(a: Json, b: Json): Difference[] {
  const found: Difference[] = [];
  compare(a, b, '', found);
  return found;
}

function compare(a: Json | undefined, b: Json | undefined, path: string, found: Difference[]): void {
  if (found.length >= limits.problems || a === b) return;
  if (isSecretMark(a) || isSecretMark(b)) {
    if (JSON.stringify(a) !== JSON.stringify(b)) found.push({ path, first: secret, second: secret });
    return;
  }
  const first = membersOf(a);
  const second = membersOf(b);
  if (first === null || second === null || Array.isArray(a) !== Array.isArray(b)) {
    if (JSON.stringify(a) !== JSON.stringify(b)) found.push({ path, first: shown(a), second: shown(b) });
    return;
  }
  for (const key of new Set([...first.keys(), ...second.keys()])) {
    compare(first.get(key), second.get(key), within(path, key), found);
  }
}

/** Members by the name they have in a path. */
function membersOf(value: Json | undefined): Map<string, Json> | null {
  if (value === null || typeof value !== 'object') return null;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  return new Map(value.map((element, i) => [`[${elementName(element, i)}]`, element]));
}

function elementName(element: Json, i: number): string {
  const isItem = typeof element === 'object' && element !== null && !Array.isArray(element) && 'resourceId' in element;
  return isItem ? itemKey(element) : String(i);
}

const shown = (value: Json | undefined): string => (value === undefined ? absent : quoted(value));
