import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { beginOrder } from '../../src/machines/begin-order.js';
import type { OrderState, Step } from '../../src/machines/order-state.js';
import { defaultPace } from '../../src/machines/pace.js';
import { orderIdFor } from '../../src/order-id.js';
import type { Plan } from '../../src/planner/plan.js';
import { type CommitOptions, storeGroup } from '../../src/runner/commit.js';
import { Engine, type Fate, type Happening, type OpenOrder } from '../../src/runner/engine.js';
import { insertOrders } from '../../src/store/accept.js';
import { createHotPool } from '../../src/store/data-source.js';
import { loadOrders } from '../../src/store/load-orders.js';
import { registerWorker } from '../../src/store/ownership.js';
import type { StepToSave } from '../../src/store/steps.js';
import { operationEvents } from '../machines/samples.js';
import { bundlePlan, network, sataDisk, Story } from '../machines/story.js';
import { bundleOrder, samplePlatformId } from '../support/orders.js';
import { meddledPool, silent, Site, until } from './support.js';

/** Order 60 with three things that many orders share. */
function planOfReturningUser(): Plan {
  const [one, ...others] = bundlePlan().preparations;
  if (!one) throw new Error('unreachable');
  const preparations = [one, { ...one, key: 'tenant/u1' }, { ...one, key: 'bandwidth-policy/2' }, ...others];
  const parts = bundlePlan().parts.map((part) => ({
    ...part,
    needs: Object.fromEntries(
      Object.entries(part.needs).map(([name, needs]) => [
        name,
        needs.includes(network) ? [...needs, ...preparations.map(({ key }) => key)] : needs,
      ]),
    ),
  }));
  return { preparations, parts, warnings: [] };
}

const ready = { state: 'ready', facts: { networkId: 'n-1' } } as const;
const hold: Happening['event'] = { about: 'lever', lever: { act: 'hold', reason: 'tonight' } };

describe('one step of an order at a time', () => {
  let site: Site;
  let engine: Engine;
  let asked: string[];
  let ended: string[];
  let reread: string[];
  let orderId: string;
  let complaints: string[];
  let meddle: (run: () => Promise<unknown>, text: string) => Promise<unknown>;
  /** What happens when a step wants the shared things. */
  let prepare: (open: OpenOrder) => void;

  beforeEach(async () => {
    site = await Site.open();
    [asked, ended, reread, complaints] = [[], [], [], []];
    meddle = (run) => run();
    prepare = () => {};
    await registerWorker(site.pool, 'w1');
    engine = new Engine(optionsOf());
    engine.connect({
      plan: () => {},
      prepare: (open) => prepare(open),
      run: (effect, _, operation) => asked.push(`${effect} ${operation.name}`),
      track: (_, operation) => asked.push(`track ${operation.name}`),
      ended: (open) => ended.push(open.state.status),
      reread: (id) => reread.push(id),
    });
    orderId = await accept('WO-1');
  });
  afterEach(async () => {
    meddle = (run) => run();
    await engine.stop();
    await site.close();
  });

  function optionsOf(): ConstructorParameters<typeof Engine>[0] & CommitOptions {
    const log = silent.child({});
    for (const level of ['error', 'warn', 'fatal'] as const) {
      log[level] = (facts: object, message?: string) => complaints.push(`${message} ${JSON.stringify(facts)}`);
    }
    return {
      pool: meddledPool(site.pool, (run, text) => meddle(run, text)),
      identity: { workerId: 'w1' },
      installationId: 'here',
      log,
      now: Date.now,
      pace: () => defaultPace,
    };
  }

  async function accept(workOrderId: string): Promise<string> {
    const order = bundleOrder();
    for (const item of order.items) item.resourceId = `${item.resourceId} of ${workOrderId}`;
    const id = orderIdFor('default', workOrderId);
    const step = beginOrder(id, { ...order, workOrderId }, [], new Story().surroundings(), {
      policy: 'rollback',
      undoAfterMs: 900_000,
    });
    const nothing = { contentHash: '', warnings: [], repairs: [], holds: [], plan: null, secrets: [] };
    await insertOrders(site.pool, [{ step, workerId: 'w1', order, ...nothing }]);
    engine.begin(step, { order, callbackUrl: null, claimed: true });
    return id;
  }

  const row = async (id = orderId) => {
    const [loaded] = await loadOrders(site.pool, [id]);
    if (!loaded) throw new Error('no such order');
    return loaded;
  };
  const isSave = (text: string) => text.includes('saved as (');
  const plan = (id = orderId) =>
    engine.dispatch(id, {
      event: { about: 'order', event: { type: 'PLANNED' }, plan: planOfReturningUser() },
      planned: { warnings: [], holds: [] },
    });
  const tell = (id: string, key: string, outcome: OrderState['preparations'][string] = ready) =>
    engine.dispatch(id, { event: { about: 'preparation', platformId: samplePlatformId, key, outcome } });
  const fateOf = (happening: Happening, id = orderId) =>
    new Promise<Fate>((settled) => engine.dispatch(id, { ...happening, settled }));
  /** What was asked of the clouds and has a row that says so. */
  const begun = async () => (await row()).state.operations.map(({ name }) => `send ${name}`);

  it('is stored and carried out before the next is decided, whatever is told while it is carried out', async () => {
    prepare = ({ state }) => {
      for (const { key } of state.plan?.preparations ?? []) tell(state.orderId, key);
    };
    plan();
    await engine.settle();
    expect(complaints).toEqual([]);
    expect(asked.toSorted()).toEqual((await begun()).toSorted());
    expect(engine.counters).toMatchObject({ lostRaces: 0, reread: 0 });
  });

  it('lets the machine of a user whose things are known begin at once, beside its disks', async () => {
    prepare = ({ state }) => {
      for (const { key } of state.plan?.preparations ?? []) tell(state.orderId, key);
    };
    plan();
    await engine.settle();
    expect(asked.toSorted()).toEqual(['send ebs.create', 'send ebs.create', 'send network.reserve', 'send vm.create']);
  });

  it('forgets for good what a replay forgets: a network that could not be made is not remembered by the step that has it made anew', async () => {
    plan();
    await engine.settle();
    const failure = { disposition: 'reject', code: 'CLD_QUOTA', message: 'No VPC is left.' } as const;
    for (const key of [network, 'tenant/u1']) tell(orderId, key, { state: 'failed', failure });
    await engine.settle();
    expect((await row()).state.machine.value).toBe('failing');
    expect(await fateOf({ event: { about: 'lever', lever: { act: 'replay', reason: 'quota raised' } } })).toBe(
      'stored',
    );
    tell(orderId, 'tenant/u1');
    await engine.settle();
    expect(engine.get(orderId)?.state.machine.value).toBe('provisioning');
    tell(orderId, network);
    tell(orderId, 'bandwidth-policy/2');
    await engine.settle();
    expect(asked).toContain('send vm.create');
  });

  describe('whose commit is it', () => {
    /** Connections that nobody else takes. */
    let elsewhere: pg.Pool;
    beforeEach(() => {
      elsewhere = createHotPool(site.url, { applicationName: 'elsewhere', size: 2 });
    });
    afterEach(() => elsewhere.end());

    /** Our connection breaks while the server still works on the statement: it waits for a row, and is carried out all the same. */
    async function breakWhileTheServerWorks(): Promise<() => Promise<void>> {
      const locker = await elsewhere.connect();
      await locker.query('begin');
      await locker.query('select from work_order where order_id = $1 for update', [orderId]);
      let broken = false;
      meddle = async (run, text) => {
        if (broken || !isSave(text)) return run();
        broken = true;
        run().catch(() => undefined);
        await waitingForTheRow(1);
        throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      };
      return async () => {
        // The second try stands behind the first.
        await waitingForTheRow(2);
        await locker.query('commit');
        locker.release();
      };
    }
    const waitingForTheRow = (count: number) =>
      until(`${count} wait for the row`, async () => {
        const { rows } = await elsewhere.query<{ waiting: number }>(
          `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rows[0]?.waiting === count;
      });

    it('is known when the first try comes through after all and the second one finds nothing to do', async () => {
      const letGo = await breakWhileTheServerWorks();
      plan();
      await letGo();
      await engine.settle();
      expect(complaints.filter((one) => one.includes('taken over'))).toEqual([]);
      expect(engine.counters).toMatchObject({ lostRaces: 0, reread: 0, steps: 1 });
      expect(asked).toEqual(['send ebs.create', 'send ebs.create']);
      expect(await row()).toMatchObject({ revision: 2 });
    });

    it('makes the answer to a lever true: what is done and written down is not called stale', async () => {
      const letGo = await breakWhileTheServerWorks();
      const fate = fateOf({ event: hold });
      await letGo();
      expect(await fate).toBe('stored');
      expect((await row()).state.machine.value).toBe('paused');
    });

    it('is another worker’s only when a row says so; an order of ours that stands elsewhere is read again', async () => {
      await site.pool.query('update work_order set revision = revision + 1 where order_id = $1', [orderId]);
      plan();
      await engine.settle();
      expect({ asked, reread }).toEqual({ asked: [], reread: [orderId] });
      expect(engine.counters).toMatchObject({ lostRaces: 0, reread: 1 });
      expect(engine.get(orderId)).toBeUndefined();
    });
  });

  describe('whoever waits for what became of an event', () => {
    const slow = () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => (open = resolve));
      meddle = async (run, text) => {
        if (isSave(text)) await gate;
        return run();
      };
      return open;
    };

    it('is told when the step before it turns out lost to another worker', async () => {
      const open = slow();
      plan();
      await until('the commit is under way', () => engine.get(orderId)?.saving === true);
      const fate = fateOf({ event: hold });
      await site.pool.query(`update work_order set epoch = epoch + 1, worker_id = 'w2' where order_id = $1`, [orderId]);
      open();
      expect(await fate).toBe('lost');
    });

    it('is told when the order is quarantined before its turn', async () => {
      const open = slow();
      plan();
      await until('the commit is under way', () => engine.get(orderId)?.saving === true);
      const secrets = [{ itemIndex: 99_999, field: 'rootPassword', sealed: Buffer.of(1) }];
      engine.dispatch(orderId, {
        event: { about: 'operation', partKey: sataDisk, name: 'ebs.create', event: operationEvents.ACCEPTED },
        secrets,
      });
      open();
      await until('the poisoned step is under way', () => engine.get(orderId)?.revision === 2);
      const fates = [fateOf({ event: hold }), fateOf({ event: hold })];
      expect(await Promise.all(fates)).toEqual(['refused', 'refused']);
      expect((await row()).state.machine.value).toBe('quarantined');
    });

    it('is told when the order stands where no machine knows how to go on', async () => {
      plan();
      await engine.settle();
      await site.pool.query(`update cloud_operation set state = 'of-another-version' where order_id = $1`, [orderId]);
      engine.dropAll();
      engine.hold(await row());
      const resumed = { event: { about: 'everything', event: { type: 'RESUMED' } } } as const;
      const open = slow();
      const fates = [fateOf({ event: hold }), fateOf(resumed), fateOf({ event: hold })];
      open();
      // The hold that came first is stored before; what comes with and after the undecidable one is refused.
      expect(await Promise.all(fates)).toEqual(['stored', 'refused', 'refused']);
    });

    it('is told when everything is dropped, because others took this worker for dead', async () => {
      const open = slow();
      plan();
      await until('the commit is under way', () => engine.get(orderId)?.saving === true);
      const fate = fateOf({ event: hold });
      engine.dropAll();
      expect(await fate).toBe('lost');
      open();
      await engine.settle();
      // Stored in time, but whoever takes the order next looks for himself what has to be done.
      expect(asked).toEqual([]);
    });
  });

  it('is not taken up again of an order that came to its end since it was seen open', async () => {
    const loaded = await row();
    engine.dropAll();
    engine.resume({ ...loaded, state: { ...loaded.state, status: 'completed' } });
    expect(engine.openOrders).toBe(0);
  });

  describe('in a group', () => {
    const saving = (state: OrderState, stepId: string, changes: Partial<Step> = {}): StepToSave => ({
      stepId,
      step: {
        state: { ...state, sequence: state.sequence + 1 },
        changed: true,
        changedItems: [],
        changedOperations: [],
        orphans: [],
        removed: [],
        announcements: [
          { sequence: state.sequence + 1, type: 'work-order.held', itemIndex: null, at: Date.now(), data: { stepId } },
        ],
        effects: [],
        ...changes,
      },
      seenRevision: 1,
      epoch: 1,
      storedOperations: 0,
      planDocument: null,
      callbackUrl: null,
      secrets: [],
      audit: [],
    });
    const [first, second, third] = ['1', '2', '3'].map((one) => `5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0a${one}`) as [
      string,
      string,
      string,
    ];

    it('stands beside no other of its order: the second one has lost, and nothing of it is stored', async () => {
      const { state } = await row();
      const { state: other } = await row(await accept('WO-2'));
      const fates = await storeGroup([saving(state, first), saving(other, third), saving(state, second)], optionsOf());
      expect(fates.stored).toEqual(new Set([first, third]));
      expect([...fates.lost]).toMatchObject([[second, { workerId: 'w1', revision: 2, stepId: first }]]);
      const { rows } = await site.pool.query(
        `select data ->> 'stepId' as step from event where type = 'work-order.held' order by 1`,
      );
      expect(rows).toEqual([{ step: first }, { step: third }]);
      expect(complaints).toEqual([]);
    });

    it('is stored without one whose rows cannot even be made', async () => {
      const { state } = await row();
      const { state: other } = await row(await accept('WO-2'));
      const never = { type: 'work-order.held', itemIndex: null, at: Number.NaN, data: {} } as const;
      const poison = saving(state, first, { announcements: [{ ...never, sequence: state.sequence + 1 }] });
      const fates = await storeGroup([poison, saving(other, second)], optionsOf());
      expect(fates).toEqual({ stored: new Set([second]), refused: new Set([first]), lost: new Map() });
    });

    it.each(['XX000', '57014'])(
      'is stored without one that makes PostgreSQL stumble each time (%s), which may be its own fault',
      async (code) => {
        const { state } = await row();
        const { state: other } = await row(await accept('WO-2'));
        const options = optionsOf();
        const { pool } = options;
        const stumbling = new Proxy(pool, {
          get: (target, key) =>
            key === 'query'
              ? (statement: string | { values?: unknown[] }, values?: unknown[]) =>
                  JSON.stringify(typeof statement === 'string' ? values : statement.values).includes(first)
                    ? Promise.reject(Object.assign(new Error('stumbled'), { code }))
                    : target.query(statement as string, values)
              : (Reflect.get(target, key, target) as unknown),
        });
        const fates = await storeGroup([saving(state, first), saving(other, second)], { ...options, pool: stumbling });
        expect(fates).toEqual({ stored: new Set([second]), refused: new Set([first]), lost: new Map() });
      },
      60_000,
    );
  });
});
