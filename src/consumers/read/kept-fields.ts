import type { JsonObject } from '../../json.js';
import { pathText, within } from '../../schemas/problem-paths.js';
import { secretMark } from './canonical.js';
import type { Notes } from './notes.js';
import { withMarks, withoutSecrets } from './stray-secrets.js';

/** What every part of the reading of one order needs. */
export interface ReadingContext {
  notes: Notes;
  hashKey: Uint8Array;
  workOrderId: string;
}

/** An object of which only some members are modelled. */
export interface KeptFields {
  /** What we do not model, exactly as sent but for secrets. */
  kept: JsonObject;
  /** The part of it that we never heard of, with marks for secrets: it takes part in the hash as it stands. */
  unknown: JsonObject;
}

/** Sorts an object's members into ours, billing's and unknown ones; says which are unknown. */
export function keepFields(
  raw: JsonObject,
  known: ReadonlySet<string>,
  modelled: ReadonlySet<string>,
  path: string,
  context: ReadingContext,
): KeptFields {
  const kept: JsonObject = {};
  let strangers: JsonObject | null = null;
  for (const name in raw) {
    const value = raw[name] ?? null;
    if (known.has(name)) {
      if (!modelled.has(name)) kept[name] = value;
      continue;
    }
    strangers ??= {};
    strangers[name] = value;
    context.notes.warn(
      'ORD_UNKNOWN_FIELD',
      within(path, name),
      'this field is unknown; it is kept and sent back as it came',
    );
  }
  if (strangers === null) return { kept, unknown: {} };
  const { clean, marked } = cleanSecrets(strangers, path, context);
  return { kept: { ...kept, ...clean }, unknown: marked };
}

/** Takes secrets out of what is kept as sent, and warns about each. */
export function cleanSecrets(
  value: JsonObject,
  path: string,
  context: ReadingContext,
): { clean: JsonObject; marked: JsonObject } {
  const { value: clean, found } = withoutSecrets(value);
  if (found.length === 0) return { clean, marked: value };
  for (const secret of found) {
    const place = within(path, pathText(secret.path));
    context.notes.strays.push(typeof secret.value === 'string' ? secret.value : JSON.stringify(secret.value));
    context.notes.warn(
      'MSG_SECRET_REMOVED',
      place,
      'this looks like a secret where none is expected; its value was removed and not kept',
    );
  }
  const mark = (place: string, secret: string): JsonObject =>
    secretMark(context.hashKey, context.workOrderId, `${path}/${place}`, secret);
  return { clean, marked: withMarks(value, found, mark) };
}
