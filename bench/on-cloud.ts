import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { pino } from 'pino';
import { freePort } from '../src/embedded/free-port.js';
import { endProcess } from '../src/embedded/guard.js';
import { createProvisioner } from '../src/provisioners/registry.js';
import { Worker } from '../src/runner/worker.js';
import type { Sealer } from '../src/secrets.js';
import { simulatedCloudOf } from '../src/simulators/registry.js';
import { insertPlatform } from '../src/store/platforms.js';
import { cpuSeconds } from './cpu.js';
import { threeItemOrder } from './order.js';

/** What is made once for a user (his registration, his network) is in the figures, this often. A quota is ten VMs. */
export const ordersPerUser = 5;

export interface CloudFigures {
  orders: number;
  /** Requests of the adapter, per order. */
  callsPerOrder: number;
  /** The worker, its adapter and HTTP included, and the database. */
  ordersPerCpuSecond: number;
  ordersPerSecond: number;
}

/**
 * Orders through the real adapter to a simulated cloud in a process of its own, whose jobs take no time: what a cloud costs
 * in calls and in our own time. Figures of two clouds of one run can be compared with each other.
 */
export async function measureCloud(
  cloud: string,
  { pool, sealer, databasePid, orders }: { pool: pg.Pool; sealer: Sealer; databasePid: number; orders: number },
): Promise<CloudFigures> {
  const kind = simulatedCloudOf(cloud);
  const credentials = kind.drawCredentials();
  const port = await freePort();
  const platformId = `bench-${cloud}`;
  const origin = `http://127.0.0.1:${port}`;
  const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'simulate', cloud, '--port', String(port), '--latency', '0-1'], {
    env: { ...process.env, ...kind.environment(credentials) },
    stdio: 'ignore',
  });
  try {
    for (let i = 0; !(await fetch(`${origin}/_sim/calls`).catch(() => null)); i++) {
      if (i > 400) throw new Error(`the simulated ${cloud} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await insertPlatform(pool, {
      platformId,
      name: cloud,
      kind: cloud,
      serviceUrl: `${origin}${kind.servicePath}`,
      state: 'open',
      settings: {
        ...kind.settings,
        callsPerSecond: 20_000,
        pace: { settleMs: 100, watchMs: 5, retryMs: 20, pollMinMs: 5, pollMaxMs: 50 },
      },
      sealedCredentials: sealer.seal(JSON.stringify(credentials), platformId),
    });
    const worker = await Worker.build({
      pool,
      sealer,
      log: pino({ level: 'warn' }),
      workerId: platformId,
      leaseMs: 60_000,
      createProvisioner,
      callbackWarnings: () => [],
      mayCallBack: () => false,
    });
    await worker.start();
    let number = cloud.length * 1_000_000;
    const run = async (count: number) => {
      const ids = new Set<string>();
      for (let i = 0; i < count; i++) {
        const user = String(Math.floor(number / ordersPerUser));
        const bytes = Buffer.from(threeItemOrder(number++, platformId, user));
        const receipt = await worker.intake.receive({
          channel: 'cli',
          origin: 'bench',
          bytes,
          contentType: null,
          headers: {},
        });
        if (receipt.verdict !== 'accepted') throw new Error(`not accepted: ${receipt.code}`);
        ids.add(receipt.orderId ?? '');
        while (worker.engine.openOrders > 50) await new Promise((resolve) => setTimeout(resolve, 2));
      }
      while (worker.engine.openOrders > 0) await new Promise((resolve) => setTimeout(resolve, 2));
      const { rows } = await pool.query<{ status: string; reason: string | null; count: number }>(
        `select status, machine -> 'context' -> 'reason' ->> 'message' as reason, count(*)::int from work_order
          where order_id = any ($1) and status <> 'completed' group by 1, 2`,
        [[...ids]],
      );
      if (rows.length > 0 || ids.size !== count) throw new Error(`not honest: ${JSON.stringify(rows)}`);
    };
    const calls = async () => {
      const answer = (await (await fetch(`${origin}/_sim/calls`)).json()) as { calls: Record<string, number> };
      return Object.values(answer.calls).reduce((sum, one) => sum + one, 0);
    };
    // What is shared is made, and the code is warm.
    await run(50);
    const [before, cpuBefore, began] = [await calls(), cpuSeconds(databasePid), performance.now()];
    await run(orders);
    const [after, cpuAfter, ended] = [await calls(), cpuSeconds(databasePid), performance.now()];
    await worker.stop();
    const used = cpuAfter.engine + cpuAfter.database - cpuBefore.engine - cpuBefore.database;
    return {
      orders,
      callsPerOrder: (after - before) / orders,
      ordersPerCpuSecond: orders / used,
      ordersPerSecond: orders / ((ended - began) / 1000),
    };
  } finally {
    if (child.pid !== undefined) await endProcess(child.pid);
  }
}
