import type { Json, JsonObject } from '../../json.js';
import type { HttpAnswer } from '../http.js';
import type { Behaviour } from './behaviour.js';
import type { ApiError } from './errors.js';

/** The wrappers that are not the command in lower case plus `response` (reference, section 1). */
const oddWrappers: Record<string, string> = {
  restoreVirtualMachine: 'restorevmresponse',
  resetSSHKeyForVirtualMachine: 'resetSSHKeyforvirtualmachineresponse',
  activateProject: 'activaterojectresponse',
  addIpToNic: 'addiptovmnicresponse',
};

export function wrapperOf(command: string): string {
  return oddWrappers[command] ?? `${command.toLowerCase()}response`;
}

export function okAnswer(command: string, body: JsonObject, asJson: boolean, behaviour: Behaviour): HttpAnswer {
  return envelope(200, wrapperOf(command), body, asJson, behaviour);
}

/** The HTTP status equals `errorcode`; recent servers repeat the text in a header. */
export function errorAnswer(
  command: string | undefined,
  error: ApiError,
  asJson: boolean,
  behaviour: Behaviour,
): HttpAnswer {
  const wrapper = error.anonymous || command === undefined ? 'errorresponse' : wrapperOf(command);
  const body: JsonObject = { uuidList: [], errorcode: error.errorcode };
  if (error.cserrorcode !== null) body['cserrorcode'] = error.cserrorcode;
  body['errortext'] = error.message;
  const answer = envelope(error.errorcode, wrapper, body, asJson, behaviour);
  if (behaviour.descriptionHeader) {
    answer.headers = { ...answer.headers, 'X-Description': error.message.replace(/[^\x20-\x7e]/g, '?') };
  }
  return answer;
}

function envelope(
  status: number,
  wrapper: string,
  body: JsonObject,
  asJson: boolean,
  behaviour: Behaviour,
): HttpAnswer {
  if (asJson) {
    return { status, headers: { 'content-type': behaviour.contentType }, body: JSON.stringify({ [wrapper]: body }) };
  }
  const text = `<?xml version="1.0" encoding="UTF-8"?><${wrapper} cloud-stack-version="${behaviour.version}">${xml(body)}</${wrapper}>`;
  return { status, headers: { 'content-type': 'text/xml; charset=UTF-8' }, body: text };
}

/** Lists become repeated elements, as the server's XML serializer writes them. */
function xml(value: Json): string {
  if (value === null) return '';
  if (typeof value !== 'object') {
    return String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  }
  if (Array.isArray(value)) return value.map(xml).join('');
  return Object.entries(value)
    .map(([name, inner]) => {
      const values = Array.isArray(inner) ? inner : [inner];
      return values.map((one) => `<${name}>${xml(one)}</${name}>`).join('');
    })
    .join('');
}

/** `2017-10-19T12:53:01+0000`: offset without a colon, no fraction. */
export function cloudDate(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}+0000`;
}

/** Absent means null: fields without a value are left out of every answer. */
export function withoutNulls(fields: Record<string, Json | undefined>): JsonObject {
  const kept: JsonObject = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined && value !== null) kept[name] = value;
  }
  return kept;
}
