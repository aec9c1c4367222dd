import { messageFields } from '../../schemas/order-message.js';
import { notUtf8 } from './decode-bytes.js';
import { limits } from './limits.js';
import type { Notes } from './notes.js';

export type FormReading = { ok: true; msg: string } | { ok: false; proposal: string | null };

/** The field `msg` of a form body (W1), or what is wrong with it. */
export function readForm(body: string, notes: Notes): FormReading {
  const found: string[] = [];
  const others: string[] = [];
  const pairs = body.split('&', limits.formFields + 1);
  if (pairs.length > limits.formFields) {
    return refuse(notes, 'MSG_ENVELOPE_AMBIGUOUS', `the form has more than ${limits.formFields} fields`);
  }
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeField(equals < 0 ? pair : pair.slice(0, equals));
    const value = decodeField(equals < 0 ? '' : pair.slice(equals + 1));
    if (typeof name !== 'string') return badBytes(name, notes);
    if (name !== 'msg') {
      others.push(name);
      continue;
    }
    if (typeof value !== 'string') return badBytes(value, notes);
    found.push(value);
  }
  return judge(found, others, notes);
}

function judge(found: string[], others: string[], notes: Notes): FormReading {
  const [msg] = found;
  if (msg === undefined) {
    return refuse(notes, 'MSG_ENVELOPE_MISSING', "the form has no field 'msg'; send msg=<JSON text of the order>");
  }
  // What Python's requests makes of data={'msg': {...}}: one msg=<key> for every key of the dictionary (W5).
  if (found.every((value) => value === 'msg' || messageFields.has(value))) {
    return refuse(
      notes,
      'MSG_ENVELOPE_FORM_DICT',
      'a dictionary was form-encoded; send JSON text: msg=json.dumps(order)',
    );
  }
  if (found.length > 1) return refuse(notes, 'MSG_ENVELOPE_AMBIGUOUS', "the form has the field 'msg' more than once");
  if (others.some((name) => messageFields.has(name))) {
    return refuse(
      notes,
      'MSG_ENVELOPE_AMBIGUOUS',
      "the form has 'msg' and fields of an order side by side; send one of them",
    );
  }
  if (msg.includes('\0')) return refuse(notes, 'MSG_TEXT_NUL', "the field 'msg' holds a NUL character");
  if (others.length > 0)
    notes.warn('ORD_UNKNOWN_FIELD', '', `the form has ${others.length} more field(s), which were ignored`);
  return { ok: true, msg };
}

function refuse(
  notes: Notes,
  code: 'MSG_ENVELOPE_MISSING' | 'MSG_ENVELOPE_FORM_DICT' | 'MSG_ENVELOPE_AMBIGUOUS' | 'MSG_TEXT_NUL',
  message: string,
): FormReading {
  notes.problem(code, '', message);
  return { ok: false, proposal: null };
}

function badBytes(bytes: Uint8Array, notes: Notes): FormReading {
  const decoded = notUtf8(bytes, notes);
  return { ok: false, proposal: decoded.ok ? null : decoded.proposal };
}

/** The decoded field, or its bytes when they are not UTF-8. A `%` that begins no escape stands for itself, as browsers read it. */
function decodeField(field: string): string | Uint8Array {
  const spaced = field.includes('+') ? field.replaceAll('+', ' ') : field;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    const source = Buffer.from(spaced);
    const bytes = Buffer.alloc(source.length);
    let length = 0;
    for (let i = 0; i < source.length; i++) {
      const high = source[i] === 0x25 ? hexDigit(source[i + 1]) : -1;
      const low = high < 0 ? -1 : hexDigit(source[i + 2]);
      if (low < 0) bytes[length++] = source[i] ?? 0;
      else {
        bytes[length++] = high * 16 + low;
        i += 2;
      }
    }
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length));
    } catch {
      return bytes.subarray(0, length);
    }
  }
}

function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
