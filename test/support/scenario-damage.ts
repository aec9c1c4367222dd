/** The same order said in another way, and orders that were damaged on their way. */
import type { JsonObject } from '../../src/json.js';
import { pythonRepr } from '../consumers/read/orders.js';
import type { ScenarioMessage } from './scenario-orders.js';
import type { Random } from './scenario-random.js';

export const wrappings = ['same bytes', 'keys reordered', 'msg text', 'msg object', 'form', 'python repr'] as const;
export type Wrapping = (typeof wrappings)[number];

/** The same order in other clothes: it must be recognised. */
export function rewrapped(
  message: ScenarioMessage,
  order: JsonObject,
  wrapping: Wrapping,
  random: Random,
): ScenarioMessage {
  const made = `a copy: ${wrapping}`;
  const text = message.bytes.toString();
  switch (wrapping) {
    case 'same bytes':
      return { ...message, made };
    case 'keys reordered':
      return { ...message, made, bytes: Buffer.from(JSON.stringify(reordered(order, random))) };
    case 'msg text':
      return { ...message, made, bytes: Buffer.from(JSON.stringify({ msg: text })) };
    case 'msg object':
      return { ...message, made, bytes: Buffer.from(JSON.stringify({ msg: order })) };
    case 'form':
      return {
        ...message,
        made,
        contentType: 'application/x-www-form-urlencoded',
        bytes: Buffer.from(new URLSearchParams({ msg: text }).toString()),
      };
    case 'python repr':
      return { ...message, made, bytes: Buffer.from(pythonRepr(order, 2)) };
  }
}

/** Keys of the order, of its items and of their configs in another order, and the items too. */
function reordered(order: JsonObject, random: Random): JsonObject {
  const shuffled = (value: JsonObject): JsonObject => Object.fromEntries(random.shuffle(Object.entries(value)));
  const items = (order['workOrderItems'] as JsonObject[]).map((item) => {
    const config = JSON.parse(item['workOrderItemConfig'] as string) as JsonObject;
    return shuffled({ ...item, workOrderItemConfig: JSON.stringify(shuffled(config)) });
  });
  return shuffled({ ...order, workOrderItems: random.shuffle(items) });
}

export const damages = ['cut-off', 'inner quotes', 'wrong type', 'missing field', 'missing comma'] as const;
export type Damage = (typeof damages)[number];

/** The message as it arrives after something went wrong with it. */
export function damaged(message: ScenarioMessage, order: JsonObject, kind: Damage, random: Random): ScenarioMessage {
  const text = message.bytes.toString();
  const unreadable = { verdict: 'set-aside', code: 'MSG_JSON_SYNTAX' } as const;
  const result = (bytes: string, becomes: ScenarioMessage['becomes'], how = ''): ScenarioMessage => ({
    ...message,
    bytes: Buffer.from(bytes),
    becomes,
    made: `damaged: ${kind}${how}`,
  });
  switch (kind) {
    case 'cut-off': {
      const at = random.int(Math.floor(text.length / 4), text.length - 2);
      return result(text.slice(0, at), unreadable, ` at ${at} of ${text.length}`);
    }
    case 'inner quotes':
      return result(text.replaceAll('\\"', '"'), unreadable);
    case 'missing comma': {
      const commas = [...text.matchAll(/,"/g)].map(({ index }) => index);
      const at = random.pick(commas);
      return result(`${text.slice(0, at)} ${text.slice(at + 1)}`, unreadable, ` at ${at}`);
    }
    case 'wrong type': {
      const [field, value] = random.pick([
        ['workOrderId', 123],
        ['workOrderItems', {}],
        ['accountId', []],
        ['userId', 7],
      ] as const);
      return result(
        JSON.stringify({ ...order, [field]: value }),
        { verdict: 'refused', code: 'ORD_FIELD_TYPE' },
        ` of ${field}`,
      );
    }
    case 'missing field': {
      const field = random.pick(['workOrderId', 'workOrderItems', 'accountId', 'userId']);
      const rest = Object.fromEntries(Object.entries(order).filter(([name]) => name !== field));
      return result(JSON.stringify(rest), { verdict: 'refused', code: 'ORD_FIELD_MISSING' }, ` ${field}`);
    }
  }
}
