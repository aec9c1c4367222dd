import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { beginOrder } from '../../src/machines/begin-order.js';
import type { OperationEvent } from '../../src/machines/operation.machine.js';
import { orderIdFor } from '../../src/order-id.js';
import { Engine, type Happening } from '../../src/runner/engine.js';
import { insertOrders } from '../../src/store/accept.js';
import { loadOrders } from '../../src/store/load-orders.js';
import { registerWorker } from '../../src/store/ownership.js';
import { readSecret } from '../../src/store/secrets.js';
import { diskPlan, sataDisk, Story } from '../machines/story.js';
import { operationEvents } from '../machines/samples.js';
import { bundleOrder, orderOf, samplePlatformId } from '../support/orders.js';
import { meddledPool, quickPace, silent, Site, until } from './support.js';
import { defaultPace, type Pace } from '../../src/machines/pace.js';

const planned: Happening = {
  event: { about: 'order', event: { type: 'PLANNED' }, plan: diskPlan() },
  planned: { warnings: [], holds: [] },
};
const onDisk = (event: OperationEvent): Happening => ({
  event: { about: 'operation', partKey: sataDisk, name: 'ebs.create', event },
});
const accepted = onDisk({ type: 'ACCEPTED', jobId: 'job-1', resourceId: null });

describe('the engine', () => {
  let site: Site;
  let engine: Engine;
  /** What was asked of the outside, and whether a commit was under way just then. */
  let asked: string[];
  let ended: string[];
  let reread: string[];
  let pace: Pace;
  let meddle: (run: () => Promise<unknown>, text: string) => Promise<unknown>;

  beforeEach(async () => {
    site = await Site.open();
    [asked, ended, reread, pace] = [[], [], [], defaultPace];
    meddle = (run) => run();
    await registerWorker(site.pool, 'w1');
    engine = new Engine({
      pool: meddledPool(site.pool, (run, text) => meddle(run, text)),
      identity: { workerId: 'w1' },
      installationId: 'here',
      log: silent,
      now: Date.now,
      pace: () => pace,
    });
    engine.connect({
      plan: () => {},
      prepare: () => {},
      run: (effect, open) => asked.push(`${effect} ${open.state.workOrderId}`),
      track: (open) => asked.push(`track ${open.state.workOrderId}`),
      ended: (open) => ended.push(open.state.workOrderId),
      reread: (orderId) => reread.push(orderId),
    });
  });
  afterEach(async () => {
    await engine.stop();
    await site.close();
  });

  /** An order of one disk that this worker has just accepted. @returns its id */
  async function accept(workOrderId: string): Promise<string> {
    const [disk] = bundleOrder().items;
    const order = orderOf(disk ? [{ ...disk, master: true, resourceId: `disk of ${workOrderId}` }] : [], {
      workOrderId,
    });
    const orderId = orderIdFor('default', workOrderId);
    const step = beginOrder(orderId, order, [], new Story().surroundings());
    const nothing = { contentHash: '', warnings: [], repairs: [], holds: [], plan: null, secrets: [] };
    await insertOrders(site.pool, [{ step, workerId: 'w1', order, ...nothing }]);
    engine.begin(step, { order, callbackUrl: null, claimed: true });
    return orderId;
  }

  const row = async (orderId: string) => {
    const [loaded] = await loadOrders(site.pool, [orderId]);
    if (!loaded) throw new Error('no such order');
    return loaded;
  };
  const isSave = (text: string) => text.includes('saved as (');

  it('stores the steps of many orders that are ready together in one commit', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 60; i++) ids.push(await accept(`WO-${i}`));
    for (const id of ids) engine.dispatch(id, planned);
    await engine.settle();
    expect(engine.counters).toMatchObject({ commits: 1, steps: 60, lostRaces: 0 });
    expect(asked).toHaveLength(60);
    for (const loaded of await loadOrders(site.pool, ids)) {
      expect(loaded).toMatchObject({ revision: 2, state: { status: 'provisioning', sequence: 4 } });
    }
  });

  it('asks nothing of the outside before the intent is stored', async () => {
    const id = await accept('WO-1');
    const seen: string[] = [];
    meddle = async (run, text) => {
      if (isSave(text)) seen.push(`before the commit: ${asked.length}`);
      const answer = await run();
      if (isSave(text)) seen.push(`at its answer: ${asked.length}`);
      return answer;
    };
    engine.dispatch(id, planned);
    await engine.settle();
    expect(seen).toEqual(['before the commit: 0', 'at its answer: 0']);
    expect(asked).toEqual(['send WO-1']);
    expect((await row(id)).state.operations[0]).toMatchObject({
      machine: { value: 'requesting', context: { attempt: 1 } },
    });
  });

  it('makes one step of what happens while the last one is being stored, and only what still counts is done', async () => {
    const id = await accept('WO-1');
    engine.dispatch(id, planned);
    // Both while the plan is being stored: the request is answered with "later" and tried no more.
    await until('the commit is under way', () => engine.get(id)?.saving === true);
    engine.dispatch(id, accepted);
    engine.dispatch(id, onDisk({ type: 'JOB_SUCCEEDED', resourceId: 'v-1' }));
    await engine.settle();
    expect(asked).toEqual(['send WO-1', 'inspect WO-1']);
    expect(engine.counters).toMatchObject({ commits: 2, steps: 2 });
  });

  it('reads every step back as it was decided', async () => {
    const id = await accept('WO-1');
    const events = [
      planned,
      accepted,
      onDisk({ type: 'JOB_SUCCEEDED', resourceId: 'v-1' }),
      onDisk(operationEvents.PENDING),
    ];
    for (const happening of events) {
      engine.dispatch(id, happening);
      await engine.settle();
      const memory = engine.get(id);
      if (!memory || memory.unsaved.length > 0) continue;
      const stored = await row(id);
      expect(stored.state).toEqual({ ...memory.state, preparations: {} });
      expect(stored.revision).toBe(memory.revision);
    }
  });

  it('does not store a step after which only something is looked at, and stores it with the next one', async () => {
    const id = await accept('WO-1');
    engine.dispatch(id, planned);
    await engine.settle();
    engine.dispatch(id, onDisk(operationEvents.OUTCOME_UNKNOWN));
    await engine.settle();
    expect(asked).toEqual(['send WO-1', 'lookUp WO-1']);
    expect((await row(id)).state.operations[0]?.machine.value).toBe('requesting');
    engine.dispatch(id, onDisk({ type: 'FOUND_JOB', jobId: 'job-1', resourceId: null }));
    await engine.settle();
    expect((await row(id)).state.operations[0]?.machine).toMatchObject({
      value: 'inFlight',
      context: { jobId: 'job-1' },
    });
  });

  it('keeps what it hears of a preparation together with an answer that is not stored', async () => {
    const id = await accept('WO-1');
    engine.dispatch(id, planned);
    await engine.settle();
    engine.dropAll();
    engine.resume(await row(id));
    await until('the restart is being stored', () => engine.get(id)?.saving === true);
    const outcome = { state: 'ready', facts: { networkId: 'n-1' } } as const;
    engine.dispatch(id, onDisk(operationEvents.FOUND));
    engine.dispatch(id, { event: { about: 'preparation', platformId: samplePlatformId, key: 'network', outcome } });
    await engine.settle();
    expect(engine.get(id)?.state.operations[0]?.machine.value).toBe('verifying');
    expect(Object.values(engine.get(id)?.state.preparations ?? {})).toEqual([outcome]);
  });

  it('drops an order that another worker has taken over, and does nothing of the step that was lost', async () => {
    const [mine, lost] = [await accept('WO-mine'), await accept('WO-lost')];
    await site.pool.query(`update work_order set epoch = epoch + 1, worker_id = 'w2' where order_id = $1`, [lost]);
    engine.dispatch(mine, planned);
    engine.dispatch(lost, planned);
    await engine.settle();
    expect(asked).toEqual(['send WO-mine']);
    expect(engine.counters).toMatchObject({ lostRaces: 1, steps: 1 });
    expect(engine.get(lost)).toBeUndefined();
    const stored = await row(lost);
    expect(stored).toMatchObject({
      revision: 1,
      state: { status: 'received', sequence: 1, operations: [], plan: null },
    });
  });

  it('writes nothing over an order that went on under another revision', async () => {
    const id = await accept('WO-1');
    await site.pool.query('update work_order set revision = revision + 1 where order_id = $1', [id]);
    engine.dispatch(id, planned);
    await engine.settle();
    expect(asked).toEqual([]);
    expect((await row(id)).state.sequence).toBe(1);
  });

  it('keeps the newer hold on an order that it lost and took again meanwhile', async () => {
    const id = await accept('WO-1');
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    meddle = async (run, text) => {
      if (isSave(text)) await gate;
      return run();
    };
    engine.dispatch(id, planned);
    await until('the commit is under way', () => engine.get(id)?.saving === true);
    // The worker was taken for dead, signed on again and took its order anew, all while the commit hung.
    await site.pool.query('update work_order set epoch = epoch + 1 where order_id = $1', [id]);
    engine.dropAll();
    engine.resume(await row(id));
    const taken = engine.get(id);
    release();
    await engine.settle();
    expect(engine.get(id)).toBe(taken);
  });

  it('stores nothing of an order it lost beside what it decides after it took it anew', async () => {
    const [id, other] = [await accept('WO-1'), await accept('WO-2')];
    for (const one of [id, other]) engine.dispatch(one, planned);
    await engine.settle();
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    meddle = async (run, text) => {
      if (isSave(text)) await gate;
      return run();
    };
    engine.dispatch(other, accepted); // keeps the commits waiting
    await new Promise((resolve) => setTimeout(resolve, 20));
    engine.dispatch(id, onDisk({ type: 'ACCEPTED', jobId: 'job of before', resourceId: null }));
    engine.dropAll();
    await site.pool.query('update work_order set epoch = epoch + 1 where order_id = $1', [id]);
    engine.resume(await row(id));
    engine.dispatch(id, onDisk({ type: 'FOUND_JOB', jobId: 'job of now', resourceId: null }));
    open();
    await until('it is stored', async () => (await row(id)).revision === 4);
    await engine.settle();
    expect((await row(id)).state.operations[0]?.machine.context.jobId).toBe('job of now');
    const { rows } = await site.pool.query(
      `select data ->> 'jobId' as job from event where order_id = $1 and sequence > 4`,
      [id],
    );
    expect(rows).toEqual([{ job: 'job of now' }]);
  });

  it('stores a step once when its connection is cut in mid flight', async () => {
    const id = await accept('WO-1');
    const locker: pg.PoolClient = await site.pool.connect();
    await locker.query('begin');
    await locker.query('select from work_order where order_id = $1 for update', [id]);
    engine.dispatch(id, planned);
    let pid = 0;
    await until('the commit waits for the row', async () => {
      const { rows } = await site.pool.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      pid = rows[0]?.pid ?? 0;
      return pid !== 0;
    });
    await locker.query('select pg_terminate_backend($1)', [pid]);
    await locker.query('commit');
    locker.release();
    await engine.settle();
    expect(asked).toEqual(['send WO-1']);
    expect(await row(id)).toMatchObject({ revision: 2, state: { sequence: 4 } });
  });

  /** The statement is carried out, and its answer never comes; then the database is away for so many calls. */
  function loseNextCommit(awayFor: number): void {
    let lost = false;
    let away = awayFor;
    const cut = () => Promise.reject(Object.assign(new Error('Connection terminated'), { code: '57P01' }));
    meddle = async (run, text) => {
      if (!lost && isSave(text)) {
        await run();
        lost = true;
        return cut();
      }
      if (lost && away > 0) {
        away -= 1;
        return cut();
      }
      return run();
    };
  }

  it.each([0, 1, 3])(
    'asks what became of a commit whose answer was lost, even if it has to ask %i times more',
    async (awayFor) => {
      const id = await accept('WO-1');
      loseNextCommit(awayFor);
      engine.dispatch(id, planned);
      await engine.settle();
      expect(engine.counters.lostRaces).toBe(0);
      expect(asked).toEqual(['send WO-1']);
      expect(await row(id)).toMatchObject({ revision: 2, state: { sequence: 4 } });
      engine.dispatch(id, accepted);
      await engine.settle();
      expect((await row(id)).revision).toBe(3);
    },
  );

  it('does not let a step that the database can never take hold up the others of its group', async () => {
    const ids = [await accept('WO-1'), await accept('WO-poison'), await accept('WO-3')];
    for (const id of ids) engine.dispatch(id, planned);
    await engine.settle();
    for (const [index, id] of ids.entries()) {
      // No smallint is as large as this one.
      const secrets = index === 1 ? [{ itemIndex: 99_999, field: 'rootPassword', sealed: Buffer.of(1) }] : [];
      engine.dispatch(id, { ...onDisk({ type: 'ACCEPTED', jobId: 'job', resourceId: null }), secrets });
    }
    await engine.settle();
    expect(asked.slice(3)).toEqual(['track WO-1', 'track WO-3']);
  });

  it('keeps the later of two secrets under one name that come in one step', async () => {
    const id = await accept('WO-1');
    engine.dispatch(id, planned);
    await until('the commit is under way', () => engine.get(id)?.saving === true);
    const bringing = (text: string) => [{ itemIndex: 0, field: 'rootPassword#1', sealed: Buffer.from(text) }];
    engine.dispatch(id, { ...accepted, secrets: bringing('of the answer') });
    engine.dispatch(id, {
      ...onDisk({ type: 'JOB_FAILED', disposition: 'retry', code: 'CLD_JOB_FAILED', message: 'later' }),
      secrets: bringing('of the job'),
    });
    await engine.settle();
    expect(String(await readSecret(site.pool, id, 0, 'rootPassword#1'))).toBe('of the job');
  });

  it('shows an order whose step the database will never take to a person, as it was last stored', async () => {
    const id = await accept('WO-poison');
    engine.dispatch(id, planned);
    await engine.settle();
    const before = (await row(id)).state;
    const secrets = [{ itemIndex: 99_999, field: 'rootPassword', sealed: Buffer.of(1) }];
    engine.dispatch(id, { ...onDisk({ type: 'ACCEPTED', jobId: 'job', resourceId: null }), secrets });
    await engine.settle();
    const { state, revision } = await row(id);
    expect(state).toMatchObject({
      status: 'held',
      machine: {
        value: 'quarantined',
        context: { interrupted: { state: before.machine.value }, reason: { code: 'SYS_STEP_REFUSED' } },
      },
      sequence: before.sequence + 1,
    });
    expect(state.operations).toEqual(before.operations);
    expect(revision).toBe(3);
    expect(engine.get(id)).toBeUndefined();
  });

  it('shows an order in a state that no machine knows to a person, and goes on with it when it is told to', async () => {
    const id = await accept('WO-old');
    engine.dispatch(id, planned);
    await engine.settle();
    await site.pool.query(`update cloud_operation set state = 'of-another-version' where order_id = $1`, [id]);
    engine.dropAll();
    engine.resume(await row(id));
    await engine.settle();
    expect((await row(id)).state.machine.value).toBe('quarantined');
    await site.pool.query(`update cloud_operation set state = 'requesting' where order_id = $1`, [id]);
    engine.hold(await row(id));
    asked.length = 0;
    engine.dispatch(id, { event: { about: 'lever', lever: { act: 'replay', reason: 'mended' } } });
    await engine.settle();
    expect((await row(id)).state.status).toBe('provisioning');
    expect(asked).toContain('lookUp WO-old');
  });

  it('stores who pulled a lever and why with the step it causes, and says that it is stored', async () => {
    const id = await accept('WO-1');
    const audit = { actor: 'ann', action: 'orders.hold', subject: 'WO-1', orderId: id, reason: 'tonight', detail: {} };
    const fate = await new Promise((settled) => {
      engine.dispatch(id, { event: { about: 'lever', lever: { act: 'hold', reason: 'tonight' } }, audit, settled });
    });
    expect(fate).toBe('stored');
    const { rows } = await site.pool.query('select actor, action, reason from audit where order_id = $1', [id]);
    expect(rows).toEqual([{ actor: 'ann', action: 'orders.hold', reason: 'tonight' }]);
    expect((await row(id)).state.machine.value).toBe('paused');
  });

  it('says of a lever that means nothing that it was ignored, and of one for an order it has not that it is lost', async () => {
    const id = await accept('WO-1');
    const fateOf = (orderId: string) =>
      new Promise((settled) => {
        engine.dispatch(orderId, { event: { about: 'lever', lever: { act: 'resume', reason: 'why not' } }, settled });
      });
    expect(await fateOf(id)).toBe('ignored');
    expect(await fateOf('5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0aa')).toBe('lost');
  });

  it('lets go of an order that is over, and stores its last event with it', async () => {
    const id = await accept('WO-1');
    engine.dispatch(id, planned);
    await engine.settle();
    engine.dispatch(id, onDisk({ type: 'DONE', resourceId: 'v-1', facts: { volumeId: 'v-1' }, startedAt: null }));
    await engine.settle();
    expect(engine.openOrders).toBe(0);
    expect(ended).toEqual(['WO-1']);
    const { rows } = await site.pool.query<{ type: string }>(
      'select type from event where order_id = $1 order by sequence',
      [id],
    );
    expect(rows.map((one) => one.type)).toEqual([
      'work-order.received',
      'work-order.planned',
      'item.started',
      'work-order.started',
      'item.completed',
      'work-order.completed',
    ]);
  });

  it('wakes an order by its own alarm', async () => {
    pace = { ...defaultPace, ...quickPace };
    const id = await accept('WO-1');
    engine.dispatch(id, planned);
    await engine.settle();
    engine.dispatch(id, onDisk(operationEvents.TRY_LATER));
    await until('it is sent again', () => asked.filter((one) => one.startsWith('send')).length === 2);
    await engine.settle();
    expect((await row(id)).state.operations[0]?.machine.context).toMatchObject({ attempt: 2, retries: 1 });
  });

  it('takes up what was under way by asking, never by sending', async () => {
    const id = await accept('WO-1');
    engine.dispatch(id, planned);
    await engine.settle();
    asked.length = 0;
    engine.dropAll();
    engine.resume(await row(id));
    await engine.settle();
    expect(asked).toEqual(['lookUp WO-1']);
  });
});
