import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  applicationName,
  buryWorkers,
  heartbeat,
  registerWorker,
  silenceMs,
  takeOver,
  unregisterWorker,
} from '../../src/store/ownership.js';
import { saveSteps } from '../../src/store/steps.js';
import { fullStep, openStore, storedOrders, until } from './support.js';

const hour = 3_600_000;

describe('who owns an order', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());

  /** As if the last heartbeat had been so long ago. */
  const silent = (workerId: string, ms: number) =>
    store.pool.query(
      `update worker set heartbeat_at = now() - make_interval(secs => $2 / 1000.0) where worker_id = $1`,
      [workerId, ms],
    );

  it('nobody takes what a living worker owns', async () => {
    await storedOrders(store.pool, 3, 'w1');
    await registerWorker(store.pool, 'w1');
    await registerWorker(store.pool, 'w2');
    expect(await takeOver(store.pool, 'w2', 100)).toEqual([]);
  });

  it('what nobody owns is taken, and a worker that signs off leaves its orders at once', async () => {
    const unowned = await storedOrders(store.pool, 2, null);
    const left = await storedOrders(store.pool, 2, 'w1');
    await registerWorker(store.pool, 'w1');
    await unregisterWorker(store.pool, 'w1');
    await registerWorker(store.pool, 'w2');
    // However long the lease is.
    expect(await buryWorkers(store.pool, 2 ** 31)).toEqual(['w1']);
    const taken = await takeOver(store.pool, 'w2', 100);
    expect(taken.toSorted()).toEqual([...unowned, ...left].map((state) => state.orderId).toSorted());
  });

  it('the former owner can write no more, the new one can', async () => {
    const [state] = await storedOrders(store.pool, 1, 'w1');
    if (!state) throw new Error('no order');
    await registerWorker(store.pool, 'w2');
    expect(await takeOver(store.pool, 'w2', 1)).toEqual([state.orderId]);
    expect(await saveSteps(store.pool, 'w1', [fullStep(state)])).toEqual(new Set());
    expect(await saveSteps(store.pool, 'w2', [fullStep(state, { epoch: 1 })])).toEqual(new Set());
    expect(await saveSteps(store.pool, 'w2', [fullStep(state, { epoch: 2 })])).toEqual(new Set([state.orderId]));
  });

  it('a worker whose own row is gone takes nothing, not even what was its own', async () => {
    await storedOrders(store.pool, 2, 'w1');
    await registerWorker(store.pool, 'w1');
    await silent('w1', 20_000);
    // Frozen after its heartbeat, it buries itself when it wakes up.
    expect(await buryWorkers(store.pool, 15_000)).toEqual(['w1']);
    expect(await takeOver(store.pool, 'w1', 100)).toEqual([]);
    await registerWorker(store.pool, 'w2');
    expect(await takeOver(store.pool, 'w2', 100)).toHaveLength(2);
  });

  it('finished orders and those a person holds back are left alone, those that wait for a person are taken', async () => {
    const [finished, held, stuck] = await storedOrders(store.pool, 3, null);
    const set = (orderId: string | undefined, status: string, machine: string, ends: boolean) =>
      store.pool.query(
        `update work_order set status = $2, machine = jsonb_build_object('value', $3::text), finished_at = case when $4 then now() end
          where order_id = $1`,
        [orderId, status, machine, ends],
      );
    await set(finished?.orderId, 'completed', 'completed', true);
    await set(held?.orderId, 'held', 'held', false);
    await set(stuck?.orderId, 'held', 'needsOperator', false);
    await registerWorker(store.pool, 'w2');
    expect(await takeOver(store.pool, 'w2', 100)).toEqual([stuck?.orderId]);
  });

  it('of 8 that claim at once no two get the same order, and none gets more than it asked for', async () => {
    const states = await storedOrders(store.pool, 200, null);
    for (let i = 0; i < 8; i++) await registerWorker(store.pool, `w${i}`);
    const claims = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const mine: string[] = [];
        for (;;) {
          const taken = await takeOver(store.pool, `w${i}`, 7);
          expect(taken.length).toBeLessThanOrEqual(7);
          if (taken.length === 0) return mine;
          mine.push(...taken);
        }
      }),
    );
    // A claimer that met only locked rows may have left early; what is left is there for the next.
    const all = [...claims.flat(), ...(await takeOver(store.pool, 'w7', 200))];
    expect(all).toHaveLength(200);
    expect(new Set(all)).toEqual(new Set(states.map((state) => state.orderId)));
    const { rows } = await store.pool.query<{ epoch: number }>('select distinct epoch from work_order');
    expect(rows).toEqual([{ epoch: 2 }]);
  });

  it('of 8 that look after a dead worker one buries it, and each order gets one new owner', async () => {
    await storedOrders(store.pool, 50, 'gone');
    await registerWorker(store.pool, 'gone');
    await silent('gone', 20_000);
    for (let i = 0; i < 8; i++) await registerWorker(store.pool, `w${i}`);
    const results = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => ({
        buried: await buryWorkers(store.pool, 15_000),
        taken: await takeOver(store.pool, `w${i}`, 100),
      })),
    );
    expect(results.flatMap((one) => one.buried)).toEqual(['gone']);
    const all = [...results.flatMap((one) => one.taken), ...(await takeOver(store.pool, 'w0', 100))];
    expect(all).toHaveLength(50);
    expect(new Set(all).size).toBe(50);
  });

  it('a worker is dead after its lease even when its connections are still there', async () => {
    const zombie = await openNamed(store.url, 'frozen');
    try {
      await registerWorker(store.pool, 'frozen');
      await silent('frozen', 14_000);
      expect(await buryWorkers(store.pool, 15_000)).toEqual([]);
      await silent('frozen', 16_000);
      expect(await buryWorkers(store.pool, 15_000)).toEqual(['frozen']);
      // It wakes up and finds out.
      expect(await heartbeat(store.pool, 'frozen')).toBeNull();
    } finally {
      zombie.kill('SIGKILL');
    }
  });

  it('a killed process is noticed without waiting for its lease', async () => {
    const child = await openNamed(store.url, 'killed');
    await registerWorker(store.pool, 'killed');
    await silent('killed', silenceMs + 1_000);
    // Silent for a moment, but PostgreSQL still sees its session.
    expect(await buryWorkers(store.pool, hour)).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const buried = await until('the killed worker is buried', async () => {
      const gone = await buryWorkers(store.pool, hour);
      return gone.length > 0 && gone;
    });
    expect(buried).toEqual(['killed']);
  });

  it('a worker that beats is never buried for want of a session, since poolers may hide it', async () => {
    await registerWorker(store.pool, 'w1');
    expect(await heartbeat(store.pool, 'w1')).toBeInstanceOf(Date);
    expect(await buryWorkers(store.pool, hour)).toEqual([]);
  });
});

/** A process of its own with one idle session in a worker's name. */
async function openNamed(url: string, workerId: string) {
  const script = `
    import pg from 'pg';
    const client = new pg.Client({ connectionString: process.argv[1], application_name: process.argv[2] });
    client.on('error', () => {});
    await client.connect();
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, url, applicationName(workerId)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  await once(child.stdout, 'data');
  return child;
}
