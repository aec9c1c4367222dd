import { z } from 'zod';
import type { Code } from '../codes.js';
import { cutText } from '../cut-text.js';
import { secretName } from './secret-names.js';

/**
 * The kinds of field billing sends. Each gives the normalised value or says what is wrong with a code of ours; absent,
 * null and (for ids and info) "" are one thing, null (Q39). Never z.coerce: it reads true as 1 and [] as 0.
 */
export class Wrong {
  constructor(
    readonly code: Code,
    readonly message: string,
    /** Deeper than the field itself: `['size']`. */
    readonly at: string[] = [],
  ) {}
}

/** A field read by `read`; `documented` is what JSON Schema says about it. */
export function field<T>(documented: Record<string, unknown>, read: (value: unknown) => T | Wrong) {
  return z
    .unknown()
    .optional()
    .meta(documented)
    .transform((value, context): T => {
      const result = read(value);
      if (!(result instanceof Wrong)) return result;
      const { code, message, at } = result;
      context.issues.push({ code: 'custom', input: undefined, message, path: at, params: { code } });
      return z.NEVER;
    });
}

/** Whose field it is decides the code. */
export interface Family {
  missing: Code;
  type: Code;
  id: Code;
}
export const orderFamily: Family = { missing: 'ORD_FIELD_MISSING', type: 'ORD_FIELD_TYPE', id: 'ORD_ID_FORMAT' };
export const itemFamily: Family = { missing: 'ITM_FIELD_MISSING', type: 'ITM_FIELD_TYPE', id: 'ORD_ID_FORMAT' };
export const configFamily: Family = { missing: 'CFG_FIELD_MISSING', type: 'CFG_FIELD_TYPE', id: 'CFG_UUID' };

export const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;
const missing = (family: Family): Wrong => new Wrong(family.missing, 'this field is required');

/** Values quoted in messages and in the repair ledger are cut to this many characters. */
export const quotedLength = 80;

/** For messages: the value as JSON, cut. Never call it with what may be a secret. */
export function quoted(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  const text = String(JSON.stringify(value));
  // A lost quote makes one field swallow the next ones, and a password may be among them.
  if (secretName.test(text)) return `a text of ${text.length - 2} characters`;
  return cutText(text, quotedLength);
}

/** What ids of billing's look like. */
export const idForm = /^[A-Za-z0-9_][A-Za-z0-9._:@-]{0,127}$/;
const uuidForm = /^(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32})$/;
const idSchema = { type: 'string', pattern: idForm.source };
const idOrNumberSchema = { anyOf: [idSchema, { type: 'integer' }] };

/** An id that is text on the wire. */
export const textId = (family: Family) =>
  field(idSchema, (value) => {
    if (isAbsent(value)) return missing(family);
    if (typeof value !== 'string') return new Wrong(family.type, `expected text, got ${quoted(value)}`);
    return checkedId(family, value);
  });

/** An id where billing sends text or a whole number; text either way from here on. */
export const textOrNumberId = (family: Family) =>
  field(idOrNumberSchema, (value) => (isAbsent(value) ? missing(family) : idFromNumberOrText(family, value)));

function idFromNumberOrText(family: Family, value: unknown): string | Wrong {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return String(value);
  if (typeof value !== 'string') return new Wrong(family.type, `expected text or a whole number, got ${quoted(value)}`);
  return checkedId(family, value);
}

function checkedId(family: Family, value: string): string | Wrong {
  if (idForm.test(value)) return value;
  return new Wrong(family.id, `${quoted(value)} is not an id: 1 to 128 ASCII letters, digits and . _ : @ - are taken`);
}

/** An id that may be missing: "" means missing as well. */
export const optionalId = (family: Family) =>
  field(idSchema, (value) => {
    if (isAbsent(value) || value === '') return null;
    if (typeof value !== 'string') return new Wrong(family.type, `expected text, got ${quoted(value)}`);
    return checkedId(family, value);
  });

export const uuid = (family: Family) =>
  field({ type: 'string', format: 'uuid' }, (value) => {
    if (isAbsent(value)) return missing(family);
    if (typeof value !== 'string') return new Wrong(family.type, `expected text, got ${quoted(value)}`);
    return uuidForm.test(value) ? value : new Wrong(family.id, `${quoted(value)} is not a UUID`);
  });

/** Billing's own reference or info: carried through, only its type is looked at. Text in canonical form. */
export const reference = (family: Family) =>
  field({ anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] }, (value) => {
    if (isAbsent(value) || value === '') return null;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    if (typeof value === 'string' && value.length <= 4096) return value;
    return new Wrong(family.type, `expected text or a whole number, got ${quoted(value)}`);
  });

export const info = (family: Family) =>
  field({ type: ['string', 'null'] }, (value) => {
    if (isAbsent(value) || value === '') return null;
    return typeof value === 'string' ? value : new Wrong(family.type, `expected text, got ${quoted(value)}`);
  });

const wholeForm = /^\d{1,9}(?:\.0{1,9})?$/;

/** Q40: 1, "1", "1.0" and " 1 " are one; "1.5", "1e3", "", "+1", -1, true and full-width digits are nothing. */
export function wholeNumber(value: unknown): number | null {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0) ? value : null;
  if (typeof value !== 'string' || value.length > 40) return null;
  if (wholeForm.test(value)) return Number(value);
  const trimmed = value.replace(/^ {1,20}/, '').replace(/ {1,20}$/, '');
  return wholeForm.test(trimmed) ? Number(trimmed) : null;
}

const wholeSchema = {
  anyOf: [
    { type: 'integer', minimum: 0 },
    { type: 'string', pattern: wholeForm.source },
  ],
};

/** A code or counter of billing's. */
export const optionalWhole = (code: Code) =>
  field(wholeSchema, (value) => {
    if (isAbsent(value) || value === '') return null;
    return wholeNumber(value) ?? new Wrong(code, `expected a whole number, got ${quoted(value)}`);
  });

export interface Range {
  min: number;
  max: number;
  unit: string;
  /** The code for too many, where it is not simply a bad number. */
  over?: Code;
}

export function readAmount(value: unknown, { min, max, unit, over }: Range): number | Wrong {
  const number = wholeNumber(value);
  if (number === null || number < min) {
    return new Wrong('CFG_NUMBER', `expected a whole number of ${unit} from ${min} to ${max}, got ${quoted(value)}`);
  }
  if (number > max) return new Wrong(over ?? 'CFG_NUMBER', `at most ${max} ${unit} are taken, got ${quoted(value)}`);
  return number;
}

export const amount = (range: Range) =>
  field(wholeSchema, (value) => (isAbsent(value) ? missing(configFamily) : readAmount(value, range)));

export const optionalAmount = (range: Range) =>
  field(wholeSchema, (value) => (isAbsent(value) ? null : readAmount(value, range)));

/** Characters that steer a terminal or turn the reading direction; never part of a name or key. */
export const steering = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

/** A display name. It ends up in clouds that take names for patterns or host names, so it is plain. */
export const displayName = (spaces: boolean) => {
  const form = spaces ? /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._ -]{0,254}$/u : /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]{0,254}$/u;
  return field({ type: 'string', minLength: 1, maxLength: 255, pattern: form.source }, (value) => {
    if (isAbsent(value)) return missing(configFamily);
    if (typeof value !== 'string') return new Wrong('CFG_NAME', `expected text, got ${quoted(value)}`);
    if (steering.test(value)) {
      return new Wrong(
        'MSG_TEXT_CONTROL',
        'the name holds a control character or one that turns the reading direction',
      );
    }
    if (form.test(value)) return value;
    return new Wrong(
      'CFG_NAME',
      `a name has 1 to 255 letters, digits and . _ -, and begins with a letter or digit; got ${quoted(value)}`,
    );
  });
};

/** SATA and SSD are the only ones billing sends; what they mean is each data centre's own map. */
export const storageTypes = ['SATA', 'SSD'] as const;

export function readStorageType(value: unknown): string | Wrong {
  if (storageTypes.some((type) => type === value)) return String(value);
  return new Wrong('CFG_ENUM', `expected ${storageTypes.join(' or ')}, got ${quoted(value)}`);
}
export const storageType = field({ enum: storageTypes }, (value) =>
  isAbsent(value) ? missing(configFamily) : readStorageType(value),
);
export const optionalStorageType = field({ enum: [...storageTypes, null] }, (value) =>
  isAbsent(value) ? null : readStorageType(value),
);
