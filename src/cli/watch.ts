import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderJson } from '../http/order-schemas.js';
import type { Api } from './api.js';
import type { Io } from './io.js';
import { LiveRegion } from './live.js';
import { isSettled, orderBlock, progressLines } from './progress.js';
import { styleOf } from './show.js';

const lookMs = 300;
const frameMs = 100;

/** What a command draws on while it waits. */
export function screenOf(io: Io) {
  return {
    write: (text: string) => void process.stdout.write(text),
    get columns() {
      return io.columns;
    },
    get rows() {
      return process.stdout.rows ?? 24;
    },
  };
}

/**
 * Follows an order until it cannot move any more by itself: in place on a terminal, line by line otherwise.
 *
 * @param quiet shows nothing; for `--json`
 */
export async function watchOrder(api: Api, path: string, io: Io, quiet: boolean): Promise<OrderJson> {
  let order = await api.get<OrderJson>(path);
  if (quiet || !io.isTerminal) {
    let before: OrderJson | null = null;
    for (;;) {
      if (!quiet) for (const line of progressLines(before, order)) io.out(line);
      if (isSettled(order)) return order;
      before = order;
      await sleep(lookMs);
      order = await api.get<OrderJson>(path);
    }
  }
  const region = new LiveRegion(screenOf(io));
  const restore = () => region.restore();
  process.once('exit', restore);
  try {
    for (let frame = 0; !isSettled(order); frame++) {
      region.draw(orderBlock(order, styleOf(io, frame)));
      await sleep(frameMs);
      if (frame % (lookMs / frameMs) === 0) order = await api.get<OrderJson>(path);
    }
    region.finish(orderBlock(order, styleOf(io)));
    return order;
  } finally {
    restore();
    process.off('exit', restore);
  }
}
