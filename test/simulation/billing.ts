import type { Receipt } from '../../src/consumers/intake.js';
import type { JsonObject } from '../../src/json.js';
import { damaged, damages, rewrapped, wrappings } from '../support/scenario-damage.js';
import { changeItems, freshOrder, messageOf, type ScenarioMessage } from '../support/scenario-orders.js';
import type { Chance } from './chance.js';

/** A message that billing has to get rid of, over one road or the other. */
export interface Errand {
  atMs: number;
  channel: 'kafka' | 'http';
  message: ScenarioMessage;
}

export interface Book {
  errands: Errand[];
  /** Root passwords that no output may show. */
  secrets: string[];
  /** The orders of an `unkind` world as they were written, by id. */
  written: Map<string, JsonObject>;
  /** Of those: orders that say what nobody here understands. Nothing may ever be built for them. */
  unknownKinds: Set<string>;
  userIds: string[];
}

/**
 * What billing sends in one world: a few orders shaped like the samples, of few users (who share a network), and among
 * them copies in other clothes, other contents under a known id, and damaged messages.
 */
export function writeBook(
  random: Chance,
  options: { orders: number; withinMs: number; noise: boolean; several: Chance | null },
): Book {
  const { several } = options;
  const errands: Errand[] = [];
  const secrets: string[] = [];
  const atMs = () => Math.floor(random.between(0, options.withinMs));
  const channel = () => random.pick(['kafka', 'http'] as const);
  for (let i = 0; i < options.orders; i++) {
    const { order, facts } = freshOrder(random);
    order['userId'] = random.pick(['bac1eabf2308ee0410980e05c48af0a77eb', 'bac2eabf2308ee0410980e05c48af0a77eb']);
    order['accountId'] = random.pick(['bacedc3cefb4da54b3790d2013e4734b0ef', '5a27b42ada094b7ca0f66f78fba0e7e3']);
    secrets.push(facts.rootPassword);
    if (several) changeItems(order, (config, type) => orderSeveral(config, type, several));
    const message = messageOf(order);
    const first = atMs();
    errands.push({ atMs: first, channel: channel(), message });
    if (!options.noise) continue;
    for (let copies = random.happens(0.5) ? random.int(1, 3) : 0; copies > 0; copies--) {
      const copy = rewrapped(message, order, random.pick(wrappings), random);
      errands.push({ atMs: random.happens(0.5) ? first : atMs(), channel: channel(), message: copy });
    }
    if (random.happens(0.25)) errands.push({ atMs: atMs(), channel: channel(), message: conflicting(order) });
    if (random.happens(0.25)) {
      const garbage = damaged(message, order, random.pick(damages), random);
      errands.push({ atMs: atMs(), channel: channel(), message: garbage });
    }
  }
  return { ...emptyBook(), errands: errands.toSorted((a, b) => a.atMs - b.atMs), secrets };
}

const emptyBook = (): Book => ({ errands: [], secrets: [], written: new Map(), unknownKinds: new Set(), userIds: [] });

/** What an `unkind` world's billing sends in its bursts. */
export function writeUnkindBook(
  random: Chance,
  { bursts, users, accounts }: { bursts: { atMs: number }[]; users: number; accounts: number },
): Book {
  const book = emptyBook();
  const name = (kind: string, i: number) => `${kind}${String(i).padStart(2, '0')}abf2308ee0410980e05c48af0a77eb`;
  book.userIds = Array.from({ length: users }, (_, i) => name('bac', i));
  const accountIds = Array.from({ length: accounts }, (_, i) => name('acc', i));
  for (const { atMs } of bursts) {
    const orders = random.int(1, bursts.length > 1 ? 2 : 4);
    for (let i = 0; i < orders; i++) {
      const user = random.int(0, users - 1);
      const { order, facts } = freshOrder(random, 'order-60.json');
      order['userId'] = book.userIds[user] ?? '';
      // Most users belong to one account; some order for another one now and then.
      order['accountId'] = random.happens(0.85) ? (accountIds[user % accounts] ?? '') : random.pick(accountIds);
      book.secrets.push(facts.rootPassword);
      reshape(order, random);
      enter(book, order, random, atMs + random.between(0, 6_000));
    }
  }
  return book;
}

/** The same things ordered once more, all or some of them, under another id. */
export function orderAgain(book: Book, workOrderId: string, random: Chance): Errand | null {
  const original = book.written.get(workOrderId);
  if (!original) return null;
  const order = structuredClone(original);
  const another = () => `${workOrderId.slice(0, -4)}${random.text(4, '0123456789')}`;
  let againId = another();
  while (book.written.has(againId)) againId = another();
  order['workOrderId'] = againId;
  const items = order['workOrderItems'] as JsonObject[];
  const kept = items.filter(() => random.happens(0.8));
  order['workOrderItems'] = kept.length > 0 ? kept : items;
  for (const item of items) item['workOrderId'] = order['workOrderId'];
  book.written.set(order['workOrderId'] as string, order);
  // What nobody understands may be among what is not ordered again.
  if (isOfUnknownKind(order)) book.unknownKinds.add(order['workOrderId'] as string);
  return { atMs: 0, channel: random.pick(['kafka', 'http'] as const), message: messageOf(order) };
}

/** An order for something new, of things to be created: that much is understood here. */
const isOfUnknownKind = (order: JsonObject): boolean =>
  order['workOrderType'] !== 1 ||
  (order['workOrderItems'] as JsonObject[]).some(({ resourceAction }) => resourceAction !== 0);

/** Writes down an order, and with it copies of it, another content under its id, and what became of it on a bad road. */
function enter(book: Book, order: JsonObject, random: Chance, atMs: number): void {
  const later = () => Math.floor(atMs + random.between(0, 6_000));
  const channel = () => random.pick(['kafka', 'http'] as const);
  if (random.happens(0.08)) {
    if (random.happens(0.5)) order['workOrderType'] = random.pick([2, 3, 9]);
    else random.pick(order['workOrderItems'] as JsonObject[])['resourceAction'] = random.pick([1, 2, 7]);
  }
  if (isOfUnknownKind(order)) book.unknownKinds.add(order['workOrderId'] as string);
  book.written.set(order['workOrderId'] as string, order);
  const message = messageOf(order);
  const errands: Errand[] = [{ atMs: Math.floor(atMs), channel: channel(), message }];
  if (random.happens(0.3)) {
    const copy = rewrapped(message, order, random.pick(wrappings), random);
    errands.push({ atMs: later(), channel: channel(), message: copy });
  }
  if (random.happens(0.12)) errands.push({ atMs: later(), channel: channel(), message: conflicting(order) });
  if (random.happens(0.12)) {
    errands.push({ atMs: later(), channel: channel(), message: damaged(message, order, random.pick(damages), random) });
  }
  book.errands.push(...errands);
}

/** Pieces in one order at the most: more of them would only take longer. */
const mostPieces = 8;
const platformIds = ['7f61019a8d3011e7aebb005056aaa8be', 'sjif259a8d3011e7aebb005056aaa8be'];

/** Any number of machines, disks and addresses in any quantity, but none of them at all. */
function reshape(order: JsonObject, random: Chance): void {
  const items = order['workOrderItems'] as JsonObject[];
  const ofType = (type: string) => items.filter((item) => item['resourceType'] === type);
  const shape = random.pick([
    { VM: 1, NETWORK: 1 },
    { VM: 1, NETWORK: 1, EBS: 1 },
    { VM: 1, NETWORK: 1, EBS: 2 },
    { VM: 1 },
    { VM: 1, EBS: 1 },
    { EBS: 1 },
    { NETWORK: 1 },
    { EBS: 2, NETWORK: 1 },
    { VM: 2 },
    { VM: 2, EBS: 2, NETWORK: 2 },
    { VM: 3, EBS: 1 },
  ] as Partial<Record<'VM' | 'EBS' | 'NETWORK', number>>[]);
  let pieces = 0;
  let line = random.int(1_000, 9e6);
  const platformId = random.pick(platformIds);
  const made: JsonObject[] = [];
  for (const [type, count] of Object.entries(shape)) {
    for (let i = 0; i < count; i++) {
      const item = structuredClone(random.pick(ofType(type)));
      Object.assign(item, { resourceId: random.uuid(), workOrderItemId: ++line, workOrderItemNo: line });
      // Seldom none, never two: which of several masters is meant is a person's question, and one order in a world of them is enough.
      item['master'] = type === 'VM' && i === 0 && random.happens(0.93);
      const wanted = random.happens(0.25) ? random.int(2, 4) : 1;
      const quantity = Math.max(1, Math.min(wanted, mostPieces - pieces));
      pieces += type === 'NETWORK' ? 1 : quantity;
      const config = JSON.parse(item['workOrderItemConfig'] as string) as JsonObject;
      config['platformId'] = random.happens(0.98) ? platformId : random.pick(platformIds);
      if (type === 'VM') {
        config['vmNumber'] = quantity;
        if (random.happens(0.3)) config['rootPassword'] = null;
        if (random.happens(0.5)) config['vmName'] = `host-${random.text(8, 'abcdefghijklmnopqrstuvwxyz')}`;
      } else if (type === 'EBS') {
        Object.assign(config, { volumeNumber: quantity, number: `${quantity}.0` });
      }
      item['workOrderItemConfig'] = JSON.stringify(config);
      made.push(item);
    }
  }
  order['workOrderItems'] = random.shuffle(made);
  order['resourceType'] = Object.keys(shape)[0] ?? 'VM';
}

/** Some items several times over, some machines without a password. */
function orderSeveral(config: JsonObject, resourceType: string, random: Chance): void {
  const quantity = random.happens(0.3) ? random.int(2, 3) : 1;
  if (resourceType === 'VM') {
    config['vmNumber'] = quantity;
    if (random.happens(0.3)) config['rootPassword'] = null;
  } else if (resourceType === 'EBS') {
    Object.assign(config, { volumeNumber: quantity, number: `${quantity}.0` });
  }
}

/** The same id with another content: whichever comes first stands. */
function conflicting(order: JsonObject): ScenarioMessage {
  const other = structuredClone(order);
  other['cycleType'] = 4;
  return { ...messageOf(other), made: 'another content under the same id' };
}

/** As `src/http/intake-routes.ts` answers a receipt. */
export function statusOf({ verdict }: Receipt): number {
  if (verdict === 'accepted' || verdict === 'held') return 202;
  if (verdict === 'duplicate' || verdict === 'skipped') return 200;
  return verdict === 'conflict' ? 409 : 422;
}
