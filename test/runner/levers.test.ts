import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RefusedError } from '../../src/errors.js';
import { beginOrder } from '../../src/machines/begin-order.js';
import type { Lever } from '../../src/machines/levers.js';
import { defaultPace } from '../../src/machines/pace.js';
import { orderIdFor } from '../../src/order-id.js';
import { Engine } from '../../src/runner/engine.js';
import { Levers } from '../../src/runner/levers.js';
import { insertOrders } from '../../src/store/accept.js';
import { listAudit } from '../../src/store/audit.js';
import { loadOrders } from '../../src/store/load-orders.js';
import { registerWorker } from '../../src/store/ownership.js';
import type { Hold } from '../../src/schemas/work-order.js';
import { diskPlan, Story } from '../machines/story.js';
import { bundleOrder, orderOf } from '../support/orders.js';
import { silent, Site } from './support.js';

const hold: Lever = { act: 'hold', reason: 'maintenance tonight' };
const replay: Lever = { act: 'replay', reason: 'mended' };
const ann = { actor: 'ann', seenRevision: null };

/** A worker as far as levers are concerned: an engine whose clouds are not asked. */
class Bench {
  readonly engine: Engine;
  readonly levers: Levers;
  readonly asked: string[] = [];

  constructor(
    readonly site: Site,
    readonly workerId: string,
    answerWithinMs: number,
  ) {
    const identity = { workerId };
    const { pool } = site;
    const pace = () => defaultPace;
    this.engine = new Engine({ pool, identity, installationId: 'here', log: silent, now: Date.now, pace });
    this.engine.connect({
      plan: (open) => this.asked.push(`plan ${open.state.workOrderId}`),
      prepare: () => {},
      run: () => {},
      track: () => {},
      ended: () => {},
      reread: () => {},
    });
    const preparations = { stuckFor: () => [] };
    this.levers = new Levers({ pool, engine: this.engine, identity, preparations, log: silent, answerWithinMs });
  }

  async accept(workOrderId: string, holds: Hold[] = []): Promise<string> {
    const [disk] = bundleOrder().items;
    const items = disk ? [{ ...disk, master: true, resourceId: `disk of ${workOrderId}` }] : [];
    const order = orderOf(items, { workOrderId });
    const orderId = orderIdFor('default', workOrderId);
    const step = beginOrder(orderId, order, holds, new Story().surroundings());
    const nothing = { contentHash: '', warnings: [], repairs: [], holds, plan: null, secrets: [] };
    await insertOrders(this.site.pool, [{ step, workerId: this.workerId, order, ...nothing }]);
    this.engine.begin(step, { order, callbackUrl: null, claimed: true });
    return orderId;
  }

  async stop(): Promise<void> {
    this.levers.stop();
    await this.engine.stop();
  }
}

describe('a lever', () => {
  let site: Site;
  let one: Bench;
  let other: Bench;
  beforeEach(async () => {
    site = await Site.open();
    one = new Bench(site, 'w1', 20_000);
    other = new Bench(site, 'w2', 20_000);
    for (const { workerId } of [one, other]) await registerWorker(site.pool, workerId);
  });
  afterEach(async () => {
    await one.stop();
    await other.stop();
    await site.close();
  });

  const stateOf = async (orderId: string) => (await loadOrders(site.pool, [orderId]))[0]?.state;
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof RefusedError ? error.code : String(error)),
    );

  it('moves an order of this worker, and leaves who, when and why behind', async () => {
    const id = await one.accept('WO-1');
    const told = await one.levers.pull(id, hold, ann);
    expect(told.outcome).toEqual({ status: 'held', ends: 'held' });
    expect(await stateOf(id)).toMatchObject({ status: 'held', machine: { value: 'paused' } });
    expect(await listAudit(site.pool, id)).toMatchObject([
      { actor: 'ann', action: 'orders.hold', subject: 'WO-1', reason: 'maintenance tonight' },
    ]);
  });

  it('does nothing and leaves nothing behind when only its forecast is asked for', async () => {
    const id = await one.accept('WO-1');
    expect((await one.levers.forecast(id, hold)).allowed).toBeNull();
    expect(await stateOf(id)).toMatchObject({ status: 'received' });
    expect(await listAudit(site.pool, id)).toEqual([]);
  });

  it('moves an order that another worker holds through that worker, which stays its owner', async () => {
    const id = await one.accept('WO-1');
    one.levers.start(20);
    await other.levers.pull(id, hold, ann);
    expect(await stateOf(id)).toMatchObject({ machine: { value: 'paused' } });
    expect(one.engine.get(id)?.state.status).toBe('held');
    expect(other.engine.get(id)).toBeUndefined();
    const { rows } = await site.pool.query('select worker_id, epoch from work_order');
    expect(rows).toEqual([{ worker_id: 'w1', epoch: 1 }]);
  });

  it('is told back as it was refused there', async () => {
    const id = await one.accept('WO-1');
    one.levers.start(20);
    const seenLongAgo = { actor: 'ann', seenRevision: 77 };
    expect(await codeOf(other.levers.pull(id, hold, seenLongAgo))).toBe('OPS_VERSION_STALE');
    expect(await stateOf(id)).toMatchObject({ status: 'received' });
  });

  it('is withdrawn when the worker that holds the order does not answer, and not carried out later', async () => {
    const id = await one.accept('WO-1');
    const impatient = new Bench(site, 'w3', 300);
    expect(await codeOf(impatient.levers.pull(id, hold, ann))).toBe('SYS_BUSY');
    one.levers.start(20);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await stateOf(id)).toMatchObject({ status: 'received' });
    await impatient.stop();
  });

  it('takes an order that rests with nobody: nothing of it is under way', async () => {
    const holds = [{ path: '', code: 'SEM_EBS_SIZE', message: 'The two sizes of a disk disagree.' }];
    const id = await one.accept('WO-1', holds);
    expect(one.engine.get(id)).toBeUndefined();
    await other.levers.pull(id, replay, ann);
    expect(other.asked).toEqual(['plan WO-1']);
    expect(await stateOf(id)).toMatchObject({ status: 'received' });
    other.engine.dispatch(id, { event: { about: 'order', event: { type: 'PLANNED' }, plan: diskPlan() } });
    await other.engine.settle();
    expect(await stateOf(id)).toMatchObject({ status: 'provisioning' });
  });

  it('is refused when it means nothing, and for an order that there is not', async () => {
    const id = await one.accept('WO-1');
    expect(await codeOf(one.levers.pull(id, replay, ann))).toBe('OPS_REPLAY_STATE');
    expect(await codeOf(one.levers.pull(id, { act: 'resume', reason: 'x' }, ann))).toBe('OPS_LEVER_STATE');
    const nobody = '5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0aa';
    expect(await codeOf(one.levers.pull(nobody, hold, ann))).toBe('API_NOT_FOUND');
  });

  it('of two that were pulled at the same version one is done, and the other is told to look again', async () => {
    const id = await one.accept('WO-1');
    const seen = { actor: 'ann', seenRevision: 1 };
    const cancel: Lever = { act: 'cancel', reason: 'gone' };
    const fates = [codeOf(one.levers.pull(id, hold, seen)), codeOf(one.levers.pull(id, cancel, seen))];
    expect((await Promise.all(fates)).toSorted()).toEqual(['OPS_VERSION_STALE', 'done']);
  });

  it('that is refused leaves no order behind in the memory of its worker, to grow old there', async () => {
    const holds = [{ path: '', code: 'SEM_EBS_SIZE', message: 'The two sizes of a disk disagree.' }];
    const id = await one.accept('WO-1', holds);
    const seenLongAgo = { actor: 'ann', seenRevision: 77 };
    expect(await codeOf(one.levers.pull(id, replay, seenLongAgo))).toBe('OPS_VERSION_STALE');
    expect(await codeOf(one.levers.pull(id, hold, ann))).toBe('OPS_LEVER_STATE');
    expect(one.engine.get(id)).toBeUndefined();
    await other.levers.pull(id, replay, ann);
    other.engine.dispatch(id, { event: { about: 'order', event: { type: 'HELD', code: 'X', message: 'again' } } });
    await other.engine.settle();
    // Nothing that the first worker remembers stands against what is allowed now.
    expect(await codeOf(one.levers.pull(id, { act: 'resume', reason: 'looked at' }, ann))).toBe('done');
  });

  it('that waits for its order keeps no other one waiting, and whoever pulled it is told so', async () => {
    const [stuck, free] = [await one.accept('WO-1'), await one.accept('WO-2')];
    const impatient = new Bench(site, 'w3', 1_500);
    const open = one.engine.get(stuck);
    if (!open) throw new Error('unreachable');
    // A step of it is on its way for ever: the database does not answer.
    open.saving = true;
    one.levers.start(20);
    const waiting = codeOf(impatient.levers.pull(stuck, hold, ann));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await codeOf(other.levers.pull(free, hold, ann))).toBe('done');
    expect(await waiting).toBe('SYS_BUSY');
    open.saving = false;
    await impatient.stop();
  });
});
