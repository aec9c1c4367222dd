/** Work orders made from the real samples, with fresh ids everywhere, and the messages they arrive in. */
import { readFileSync } from 'node:fs';
import type { JsonObject } from '../../src/json.js';
import { type Damage, damaged, damages, rewrapped, wrappings } from './scenario-damage.js';
import type { Random } from './scenario-random.js';

/** An order that must be completed, and what must then stand in the cloud for it. */
export interface GoodOrder {
  workOrderId: string;
  /** Which sample it was made from. */
  sample: string;
  userId: string;
  vmName: string;
  /** Must be seen by nobody. */
  rootPassword: string;
  resourceIds: string[];
  vm: { cpuNumber: number; memoryMib: number; rootDiskGib: number };
  volumes: { sizeGib: number; type: string }[];
  /** The address to bind, by its Mbit/s; null when none was ordered. */
  bandwidthMbps: number | null;
}

export interface ScenarioMessage {
  /** The order that it speaks of. */
  workOrderId: string;
  /** Kafka's key; null when the sender left it out. */
  key: string | null;
  contentType: string;
  bytes: Buffer;
  /** `order`: it, or another copy of it, is the one that is accepted. */
  becomes: { verdict: 'order' } | { verdict: 'set-aside' | 'refused'; code: string };
  /** How it was made, for a failing test's words. */
  made: string;
}

export interface Scenario {
  orders: GoodOrder[];
  /** Orders that came damaged only: nothing may be built for them. */
  lost: string[];
  messages: ScenarioMessage[];
  /** Every password in any of the messages. */
  secrets: string[];
  /** Times that a sender got no answer and sent again; each may have left one more copy. */
  unanswered: number;
}

const samples = ['order-23.json', 'order-60.json', 'order-86.json'] as const;
const texts = new Map(
  samples.map((name) => [name, readFileSync(new URL(`../fixtures/work-orders/${name}`, import.meta.url), 'utf8')]),
);
const digits = '0123456789';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A sample with an id of its own for everything in it. `order` is free to be changed and written with {@link textOf}. */
export function freshOrder(
  random: Random,
  sample: string = random.pick(samples),
): { order: JsonObject; facts: GoodOrder } {
  const order = JSON.parse(texts.get(sample as (typeof samples)[number]) ?? '') as JsonObject;
  const items = order['workOrderItems'] as JsonObject[];
  const workOrderId = `WO${random.text(20, digits)}${random.text(4, letters)}`;
  const [masterOrderId, bundleId] = [random.uuid(), random.uuid()];
  const [orderId, innerOrderId, workOrderNo] = [random.int(100, 9e6), random.int(100, 9e6), random.int(100, 9e6)];
  const userId = `bac${random.text(2, '0123456789')}eabf2308ee0410980e05c48af0a77eb`;
  Object.assign(order, {
    workOrderId,
    masterOrderId,
    orderId,
    innerOrderId,
    workOrderNo,
    userId,
    resourceId: bundleId,
  });
  const facts: GoodOrder = {
    workOrderId,
    sample,
    userId,
    vmName: '',
    rootPassword: `Sx-${random.text(24, letters)}`,
    resourceIds: [],
    vm: { cpuNumber: 0, memoryMib: 0, rootDiskGib: 0 },
    volumes: [],
    bandwidthMbps: null,
  };
  const firstItemId = random.int(1_000, 9e6);
  items.forEach((item, index) => {
    const resourceId = random.uuid();
    const line = firstItemId + index;
    facts.resourceIds.push(resourceId);
    Object.assign(item, { resourceId, workOrderItemId: line, workOrderItemNo: line, innerOrderItemId: line + 31 });
    Object.assign(item, { orderId, innerOrderId, masterOrderId, masterResourceId: bundleId });
    // Order 23 carries its running number here instead of its id; that stays so.
    item['workOrderId'] = typeof item['workOrderId'] === 'number' ? workOrderNo : workOrderId;
    changeItem(item, (config, resourceType) => changeConfig(config, resourceType, facts, random));
  });
  return { order, facts };
}

type ConfigChange = (config: JsonObject, resourceType: string) => void;

/** Changes the nested configuration of each item. */
export function changeItems(order: JsonObject, change: ConfigChange): void {
  for (const item of order['workOrderItems'] as JsonObject[]) changeItem(item, change);
}

function changeItem(item: JsonObject, change: ConfigChange): void {
  const config = JSON.parse(item['workOrderItemConfig'] as string) as JsonObject;
  change(config, item['resourceType'] as string);
  item['workOrderItemConfig'] = JSON.stringify(config);
}

/** Sizes vary within what the samples show, so that one order's disk cannot stand for another's. */
function changeConfig(config: JsonObject, resourceType: string, facts: GoodOrder, random: Random): void {
  if (resourceType === 'VM') {
    // Many customers call their machine the same; a third of them keep the sample's name.
    if (random.next() < 2 / 3) config['vmName'] = `host-${random.text(8, 'abcdefghijklmnopqrstuvwxyz')}`;
    config['rootPassword'] = facts.rootPassword;
    config['cpuNum'] = String(random.int(1, 2));
    config['memSize'] = String(random.pick([1, 2]));
    facts.vmName = config['vmName'] as string;
    facts.vm = {
      cpuNumber: Number(config['cpuNum']),
      memoryMib: 1024 * Number(config['memSize']),
      rootDiskGib: Number(config['sysVolumeSize']),
    };
  } else if (resourceType === 'EBS') {
    const size = String(random.pick([10, 20, 40, 80, 100]));
    config['volumeSize'] = size;
    (config['dataVolumes'] as JsonObject)['size'] = size;
    facts.volumes.push({ sizeGib: Number(size), type: config['volumeType'] as string });
  } else {
    config['newBandwidthValue'] = String(random.pick([1, 2, 5]));
    facts.bandwidthMbps = Number(config['newBandwidthValue']);
  }
}

/** As Python's `json.dumps` writes it, which is what the real messages look like. */
export function textOf(order: JsonObject): string {
  return JSON.stringify(order).replaceAll(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function messageOf(order: JsonObject): ScenarioMessage {
  const workOrderId = order['workOrderId'] as string;
  return {
    workOrderId,
    key: workOrderId,
    contentType: 'application/json',
    bytes: Buffer.from(textOf(order)),
    becomes: { verdict: 'order' },
    made: 'as billing sends it',
  };
}

/**
 * So many good orders, and mixed in with them copies of some (byte for byte, with other key orders, in other wrappers) and
 * damaged messages: half of these are copies of a good order, the others orders that never come in good form.
 */
export function makeScenario(
  random: Random,
  { orders: count, duplicates, damage }: { orders: number; duplicates: number; damage: number },
): Scenario {
  const made = Array.from({ length: count }, () => freshOrder(random));
  const messages = made.map(({ order }) => messageOf(order));
  const insert = (message: ScenarioMessage, after: number): void => {
    messages.splice(random.int(after, messages.length), 0, message);
  };
  for (let i = 0; i < Math.round(count * duplicates); i++) {
    const { order } = random.pick(made);
    const first = messages.findIndex((one) => one.workOrderId === order['workOrderId']);
    const copy = rewrapped(messageOf(order), order, random.pick(wrappings), random);
    // A sender that forgets the key: the copy may overtake the first one in another partition.
    insert(random.next() < 0.1 ? { ...copy, key: null } : copy, first + 1);
  }
  const lost: GoodOrder[] = [];
  for (let i = 0; i < Math.round(count * damage); i++) {
    const kind: Damage = damages[i % damages.length] ?? 'cut-off';
    const isCopy = random.next() < 0.5;
    const { order, facts } = isCopy ? random.pick(made) : freshOrder(random);
    if (!isCopy) lost.push(facts);
    insert(damaged(messageOf(order), order, kind, random), 0);
  }
  const orders = made.map(({ facts }) => facts);
  return {
    orders,
    lost: lost.map(({ workOrderId }) => workOrderId),
    messages,
    secrets: [...orders, ...lost].map(({ rootPassword }) => rootPassword),
    unanswered: 0,
  };
}
