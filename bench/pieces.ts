import type { Worker } from '../src/runner/worker.js';
import { cpuSeconds } from './cpu.js';
import type { InProcessCloud } from './in-process-cloud.js';
import { orderOfPieces, threeItemOrder } from './order.js';

/** Pieces of one order, smallest first. */
const sizes = [500, 1_000, 2_000];
const smallOrderEveryMs = 200;

export interface PiecesFigures {
  /** Engine and database, for one piece of an order of so many. */
  cpuMsPerPiece: Record<number, number>;
  /** What a piece costs in the largest order, as a multiple of what it costs in the smallest. 1 is linear. */
  growth: number;
  /** While the largest order is built: how long the slowest order of another account took, and how many there were. */
  slowestSmallOrderMs: number;
  smallOrders: number;
  /** CPU of the process between two turns of its event loop at the most, garbage collection on other threads included. */
  longestBlockMs: number;
}

export interface PiecesBench {
  worker: Worker;
  cloud: InProcessCloud;
  platformId: string;
  databasePid: number;
  /** @returns the order's id */
  take(bytes: Buffer): Promise<string>;
}

/**
 * Orders of many pieces, with nothing else to do: what a piece costs, the same number of pieces at every size; and then the
 * largest once more, while small orders of another account come in.
 */
export async function measurePieces(bench: PiecesBench): Promise<PiecesFigures> {
  const [smallest = 0, largest = 0] = [sizes[0], sizes.at(-1)];
  let number = 1;
  const build = async (pieces: number) => {
    const orderId = await bench.take(Buffer.from(orderOfPieces(number++, bench.platformId, 'manypcs', pieces)));
    await ended(bench.worker, orderId);
  };
  await build(smallest);

  const cpuMsPerPiece: Record<number, number> = {};
  for (const size of sizes) {
    const orders = largest / size;
    const before = cpuSeconds(bench.databasePid);
    for (let i = 0; i < orders; i++) await build(size);
    const after = cpuSeconds(bench.databasePid);
    const used = after.engine + after.database - before.engine - before.database;
    cpuMsPerPiece[size] = (used * 1_000) / largest;
  }

  const blocks = watchBlocks();
  let building = true;
  const large = build(largest).finally(() => (building = false));
  const small: Promise<number>[] = [];
  while (building) {
    small.push(timed(bench, threeItemOrder(number++, bench.platformId, 'another')));
    await new Promise((resolve) => setTimeout(resolve, smallOrderEveryMs));
  }
  await large;
  const latencies = await Promise.all(small);

  const built = bench.cloud.count('vm.create') + bench.cloud.count('ebs.create');
  const expected = smallest + largest * (sizes.length + 1) + latencies.length * 2;
  if (built !== expected) throw new Error(`${built} pieces built of ${expected}: the benchmark is not honest`);
  return {
    cpuMsPerPiece,
    growth: (cpuMsPerPiece[largest] ?? 0) / (cpuMsPerPiece[smallest] ?? 0),
    slowestSmallOrderMs: Math.max(...latencies),
    smallOrders: latencies.length,
    longestBlockMs: blocks.end(),
  };
}

async function timed(bench: PiecesBench, text: string): Promise<number> {
  const start = performance.now();
  await ended(bench.worker, await bench.take(Buffer.from(text)));
  return performance.now() - start;
}

async function ended(worker: Worker, orderId: string): Promise<void> {
  while (worker.engine.get(orderId)) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** CPU and not time: on a machine with other work the time would be theirs. */
function watchBlocks(): { end(): number } {
  let [longest, before] = [0, process.cpuUsage()];
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1_000);
    before = process.cpuUsage();
  }, 1);
  return {
    end: () => {
      clearInterval(timer);
      return longest;
    },
  };
}
