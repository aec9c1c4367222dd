import type { Json, JsonObject } from '../../json.js';
import type { Code } from '../../codes.js';
import { within } from '../../schemas/problem-paths.js';
import { isBlank } from './decode-bytes.js';
import { limits } from './limits.js';
import type { Notes } from './notes.js';
import { readText } from './read-text.js';

/**
 * `workOrderItemConfig` as an object, from JSON text (as billing sends it), an object, text of text, or the text of a
 * Python dict. The last is taken, although the catalogue lists it among the faults: the literal reader is exact, so W9
 * holds inside the order as it does outside.
 */
export function readConfig(sent: Json, path: string, notes: Notes): JsonObject | null {
  let value = sent;
  for (let layer = 0; typeof value === 'string'; layer++) {
    if (layer >= limits.textLayers) {
      notes.problem(
        'MSG_ENVELOPE_DEPTH',
        path,
        `JSON text stands inside JSON text more than ${limits.textLayers} times`,
      );
      return null;
    }
    if (layer === 1) {
      notes.warn('CFG_ENCODING_TWICE', path, 'the config is JSON text inside JSON text; encode it once');
      notes.repair('W7', path, `a JSON string of ${value.length} characters`, 'its content');
    }
    const read = readLayer(value, path, notes);
    if (read === null) return null;
    value = read.value;
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    notes.problem('CFG_NOT_OBJECT', path, `the config is ${kindOf(value)}; send JSON text of an object`);
    return null;
  }
  if (value === sent) {
    if (Buffer.byteLength(JSON.stringify(value)) > limits.configBytes) return tooLarge(path, notes);
    notes.warn(
      'CFG_ALREADY_OBJECT',
      path,
      'the config came as an object; JSON text was expected, the object was taken',
    );
    notes.repair('W8', path, `an object of ${Object.keys(value).length} fields`, 'taken as it is');
  }
  return value;
}

function readLayer(text: string, path: string, notes: Notes): { value: Json } | null {
  if (text.length > limits.configBytes / 3 && Buffer.byteLength(text) > limits.configBytes) {
    return tooLarge(path, notes);
  }
  if (isBlank(text)) {
    notes.problem('CFG_JSON_SYNTAX', path, 'the config is empty; send JSON text of an object');
    return null;
  }
  const read = readText(text);
  if (read.ok) {
    if (read.python) notes.repair('W9', path, `a Python literal of ${text.length} characters`, 'the same as JSON');
    return read;
  }
  for (const { code, path: inside, message } of read.problems) {
    notes.problem(read.damaged ? 'CFG_JSON_SYNTAX' : (code as Code), within(path, inside), `in the config: ${message}`);
  }
  return null;
}

function tooLarge(path: string, notes: Notes): null {
  notes.problem('MSG_TOO_LARGE', path, `a config has at most ${limits.configBytes} bytes`);
  return null;
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
