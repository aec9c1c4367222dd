import type { ItemJson, OrderJson } from '../../src/http/order-schemas.js';
import type { Io } from '../../src/cli/io.js';
import type { Style } from '../../src/cli/progress.js';
import { painter } from '../../src/cli/terminal.js';

export const now = Date.parse('2026-03-01T12:00:10.000Z');

export const plain: Style = { paint: painter(false), columns: 200, frame: 0, now };

/** An `Io` that keeps what was written. */
export function fakeIo(change: Partial<Io> = {}): Io & { written: string[]; complained: string[] } {
  const written: string[] = [];
  const complained: string[] = [];
  return {
    written,
    complained,
    out: (text) => void written.push(...text.split('\n')),
    err: (text) => void complained.push(...text.split('\n')),
    status: (text) => void complained.push(text),
    isTerminal: false,
    columns: 200,
    paint: painter(false),
    env: {},
    now: () => now,
    stdin: (async function* () {})(),
    ...change,
  };
}

export function item(change: Partial<ItemJson> = {}): ItemJson {
  return {
    workOrderItemId: '83',
    resourceId: 'r-1',
    resourceType: 'VM',
    platformId: 'p-1',
    platformName: 'dc-1',
    master: true,
    summary: 'web: 1 core, 1 GiB, 40 GiB SATA',
    status: 'pending',
    state: 'unplanned',
    cloudResourceIds: [],
    facts: [],
    deliveredAt: null,
    jobs: [],
    failure: null,
    waitingFor: null,
    ...change,
  };
}

export function order(change: Partial<OrderJson> = {}): OrderJson {
  return {
    orderId: '0a10402a-dfdb-546d-b4e8-c766ea745706',
    workOrderId: 'WO1',
    status: 'provisioning',
    userId: 'u-1',
    accountId: 'a-1',
    createdAt: '2026-03-01T12:00:00.000Z',
    updatedAt: '2026-03-01T12:00:01.000Z',
    finishedAt: null,
    version: 3,
    reason: null,
    holds: [],
    warnings: [],
    repairs: [],
    items: [item()],
    ...change,
  };
}
