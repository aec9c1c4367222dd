/** What the crash sweep runs: one line here is a scenario, and every point that it passes is swept. */
import { readFileSync } from 'node:fs';
import type { JsonObject } from '../../src/json.js';
import type { TestFault } from '../support/clouds.js';

export interface CrashScenario {
  name: string;
  /** Which way the messages come. With `kafka` the worker also publishes its events there. */
  channel: 'http' | 'kafka';
  /** Files of test/fixtures/work-orders. */
  messages: string[];
  /** Added to each order's items before it is sent. */
  change?: (order: JsonObject) => void;
  /** Faults of the simulated cloud, switched on before the first message (test/support/clouds.ts). */
  faults?: TestFault[];
  /** What an operator does as soon as an order stands in this state of its machine; again until it is answered. */
  lever?: { act: 'cancel' | 'replay'; inState: string };
  env?: Record<string, string>;
  /** By workOrderId: how each order must end. Messages that are no order are not in it. */
  ends: Record<string, string>;
}

const order60 = 'WO20171214074649656662xb0y';
const order86 = 'WO20171218064746223026mREz';

export const scenarios: CrashScenario[] = [
  {
    name: 'samples',
    channel: 'http',
    messages: ['order-60.json', 'order-86.json'],
    ends: { [order60]: 'completed', [order86]: 'completed' },
  },
  {
    name: 'kafka',
    channel: 'kafka',
    messages: ['order-60.json', 'order-60-unescaped.txt'],
    ends: { [order60]: 'completed' },
  },
  {
    // The disk is there and cannot be attached: everything made so far is removed again.
    name: 'undone',
    channel: 'http',
    messages: ['order-86.json'],
    faults: [{ on: 'attach a disk', says: 'impossible', probability: 1 }],
    env: { ORDERWRIGHT_BUNDLE_POLICY: 'rollback', ORDERWRIGHT_UNDO_AFTER_MS: '100' },
    ends: { [order86]: 'failed' },
  },
  {
    // The same, and a person calls the order off before its time is up.
    name: 'cancelled',
    channel: 'http',
    messages: ['order-86.json'],
    faults: [{ on: 'attach a disk', says: 'impossible', probability: 1 }],
    env: { ORDERWRIGHT_BUNDLE_POLICY: 'rollback', ORDERWRIGHT_UNDO_AFTER_MS: '3600000' },
    lever: { act: 'cancel', inState: 'failing' },
    ends: { [order86]: 'cancelled' },
  },
  {
    // The cloud is mended, and a person lets the order go on.
    name: 'replayed',
    channel: 'http',
    messages: ['order-86.json'],
    faults: [{ on: 'attach a disk', says: 'impossible', times: 1 }],
    env: { ORDERWRIGHT_BUNDLE_POLICY: 'rollback', ORDERWRIGHT_UNDO_AFTER_MS: '3600000' },
    lever: { act: 'replay', inState: 'failing' },
    ends: { [order86]: 'completed' },
  },
];

/** The bytes of a scenario's message as they are sent: orders call back to `callbackUrl`. */
export function messageBytes(scenario: CrashScenario, file: string, callbackUrl: string): Buffer {
  const text = readFileSync(new URL(`../fixtures/work-orders/${file}`, import.meta.url), 'utf8');
  // Whatever is not plain JSON is there for the damage in it.
  if (!file.endsWith('.json')) return Buffer.from(text);
  const order = JSON.parse(text) as JsonObject;
  order['msghandler_url'] = callbackUrl;
  scenario.change?.(order);
  return Buffer.from(JSON.stringify(order));
}
