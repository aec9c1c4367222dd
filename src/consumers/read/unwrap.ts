import type { Json, JsonObject } from '../../json.js';
import type { Code } from '../../codes.js';
import { messageFields } from '../../schemas/order-message.js';
import { limits } from './limits.js';
import type { Notes } from './notes.js';
import { readText } from './read-text.js';

export type Unwrapped =
  | { ok: true; order: JsonObject }
  | {
      ok: false;
      /** The innermost text that is damaged, when that is what is wrong: a repair can be proposed for it. */
      damagedText: string | null;
    };

interface Layers {
  msg: number;
  text: number;
}

const refused: Unwrapped = { ok: false, damagedText: null };

/** From text down to the order object, through every wrapper of 5.5. What is wrong is in the notes. */
export function unwrapText(text: string, notes: Notes, layers: Layers = { msg: 0, text: 0 }): Unwrapped {
  const first = readText(text);
  if (!first.ok) {
    for (const { code, path, message } of first.problems) notes.problem(code as Code, path, message);
    return { ok: false, damagedText: first.damaged ? text : null };
  }
  const undo = notes.mark();
  if (first.python) notes.repair('W9', '', `a Python literal of ${text.length} characters`, 'the same as JSON');
  const result = unwrapValue(first.value, notes, layers);
  if (result.ok || result.damagedText === null || !first.backslashes) return result;

  // W11: Python code in which JSON text stands between single quotes with its backslashes not doubled. What Python would
  // make of it is damaged; the text as it stands may not be. Python's reading goes first because where both can be read
  // it is what the notation means.
  const asPasted = readText(text, 'raw');
  if (!asPasted.ok) return result;
  const problems = notes.problems.slice();
  undo();
  notes.repair('W11', '', 'JSON text between quotes, its backslashes not doubled', 'the text as it stands');
  const second = unwrapValue(asPasted.value, notes, layers);
  if (second.ok) return second;
  undo();
  notes.problems.push(...problems.slice(notes.problems.length));
  return result;
}

function unwrapValue(value: Json, notes: Notes, layers: Layers): Unwrapped {
  if (typeof value === 'string') {
    notes.warn('MSG_ENVELOPE_WRAPPED', '', 'the message is a JSON string that holds JSON; send the JSON itself');
    notes.repair('W7', '', `a JSON string of ${value.length} characters`, 'its content');
    return unwrapInnerText(value, notes, layers);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
    return refuse(notes, 'MSG_NOT_OBJECT', `the message is ${kind}; an order is an object`);
  }
  if (!Object.hasOwn(value, 'msg')) {
    for (const key in value) if (messageFields.has(key)) return { ok: true, order: value };
    return refuse(notes, 'MSG_ENVELOPE_MISSING', "the message has neither 'msg' nor any field of an order");
  }
  return unwrapMsg(value, notes, layers);
}

function unwrapMsg(wrapper: JsonObject, notes: Notes, layers: Layers): Unwrapped {
  for (const key in wrapper) {
    if (messageFields.has(key)) {
      return refuse(
        notes,
        'MSG_ENVELOPE_AMBIGUOUS',
        "'msg' and fields of an order stand side by side; send one of them",
      );
    }
    if (key !== 'msg') notes.warn('ORD_UNKNOWN_FIELD', '', "a field beside 'msg' was ignored");
  }
  const depth = layers.msg + 1;
  if (depth > limits.msgLayers) {
    return refuse(notes, 'MSG_ENVELOPE_DEPTH', `'msg' stands inside 'msg' more than ${limits.msgLayers} times`);
  }
  const inner = wrapper['msg'] ?? null;
  const isText = typeof inner === 'string';
  if (depth > 1) {
    notes.warn('MSG_ENVELOPE_WRAPPED', '', `'msg' stands inside 'msg' (level ${depth})`);
    notes.repair('W4', '', `msg inside msg, level ${depth}`, 'its content');
  } else
    notes.repair(
      isText ? 'W2' : 'W3',
      '',
      isText ? "text in the field 'msg'" : "object in the field 'msg'",
      'its content',
    );
  if (!isText) return unwrapValue(inner, notes, { ...layers, msg: depth });
  return unwrapInnerText(inner, notes, { ...layers, msg: depth });
}

function unwrapInnerText(text: string, notes: Notes, layers: Layers): Unwrapped {
  const depth = layers.text + 1;
  if (depth > limits.textLayers) {
    return refuse(
      notes,
      'MSG_ENVELOPE_DEPTH',
      `JSON text stands inside JSON text more than ${limits.textLayers} times`,
    );
  }
  if (!/^\s*(?:[{["']|[ub]['"])/i.test(text)) {
    return refuse(notes, 'MSG_NOT_OBJECT', 'the message is a text that holds no JSON object');
  }
  return unwrapText(text, notes, { ...layers, text: depth });
}

function refuse(notes: Notes, code: Code, message: string): Unwrapped {
  notes.problem(code, '', message);
  return refused;
}
