import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { OperationName } from '../../src/planner/plan.js';
import { laterRequest } from '../../src/runner/operation-request.js';
import { readWhole } from '../../src/runner/stored-orders.js';
import { cloudKinds } from '../support/clouds.js';
import { bought, CloudSite, sitePlatformId } from '../support/cloud-site.js';
import { until } from '../support/scenario-wait.js';

/** Only the look at an order's end comes by itself; the later ones come when a test moves the order's end back. */
const looks = { after: [60, 600_000, 3_600_000], every: 20, retry: 40, retryMost: 40 } as const;
const rollback = { policy: 'rollback', undoAfterMs: 0 } as const;
const ann = { actor: 'ann', seenRevision: null };

/** What an order made is looked for once more: when it has ended, ten minutes and an hour later. */
describe.each(cloudKinds)('on %s, after the end of an order', (cloud) => {
  let site: CloudSite;
  afterEach(() => site.stop());

  const begin = async (options: Parameters<typeof CloudSite.start>[0] = {}) => {
    site = await CloudSite.start({ cloud, looks, ...options });
  };
  const delivered = async () => {
    const orderId = await site.submit();
    await site.until('completed', ({ status }) => status === 'completed');
    await site.until('without anything shared on its way', () => site.worker.engine.openOrders === 0);
    return orderId;
  };
  /** What billing's order left, asked of the adapter as the engine would ask it. */
  const handlerOf = async (orderId: string, name: OperationName) => {
    const [state] = await readWhole(site.pool, [orderId]);
    const operation = state?.operations.find((one) => one.name === name);
    const handler = site.worker.platforms.get(sitePlatformId)?.provisioner.operations[name];
    if (!state || !operation || !handler) throw new Error(`no ${name}`);
    const openSecret = () => Promise.resolve('Secret-1x');
    return {
      handler,
      operation,
      request: { ...laterRequest(state, operation), earlierRequestIds: [], attempt: 1, openSecret },
    };
  };
  /** A request that nobody waits for any more is carried out. */
  const carriedOutLate = async (orderId: string, name: OperationName) => {
    const before = (await site.resources()).map(({ id }) => id);
    const { handler, request } = await handlerOf(orderId, name);
    // As it left: a first attempt, at each of its stages, that knows nothing of another one.
    for (let sending = request; ;) {
      const sent = await handler.send(sending);
      if (sent.state !== 'next') break;
      sending = { ...sending, stage: sent.stage, memo: { ...sending.memo, ...sent.memo }, requestId: randomUUID() };
    }
    let made: string | undefined;
    await until(
      'the cloud has made it',
      async () => {
        made = (await site.resources()).find(({ id, kind }) => !before.includes(id) && kinds.includes(kind))?.id;
        return { done: made !== undefined, seen: '' };
      },
      10_000,
    );
    return made ?? '';
  };
  const kinds = ['vm', 'volume', 'address'];
  /** Lets so much time pass as if everything had ended so long ago, and waits until nothing is due. */
  const later = async (minutes: number, count: number) => {
    await site.query(`update late_look set ended_at = ended_at - interval '${minutes} minutes',
                        due_at = due_at - interval '${minutes} minutes'`);
    await until(
      `${count} looks of every order are made`,
      async () => {
        const open = await site.query(`select * from late_look where looks < ${count}`);
        return { done: open.length === 0, seen: JSON.stringify(open) };
      },
      20_000,
    );
  };
  const list = () =>
    site.query(`select resource_id, why, state, round(extract(epoch from after_end) / 60)::int as minutes
                  from orphan where why in ('late', 'missing') order by resource_id`);

  it('nothing is listed when nothing is too many, and an hour later all is looked at', async () => {
    await begin();
    await delivered();
    await later(10, 2);
    await later(50, 3);
    expect(await list()).toEqual([]);
    expect(await site.query('select count(*)::int as left from late_look where due_at is not null')).toEqual([
      { left: 0 },
    ]);
  });

  it.each<OperationName>(cloud === 'openstack' ? ['vm.create', 'ebs.create', 'network.reserve'] : ['ebs.create'])(
    'a second thing of %s is listed ten minutes later with its order, once, and left where it is',
    async (name) => {
      await begin();
      const orderId = await delivered();
      await later(0, 1);
      const twin = await carriedOutLate(orderId, name);
      await later(10, 2);
      const listed = [{ resource_id: twin, why: 'late', state: 'found', minutes: 10 }];
      expect(await list()).toEqual(listed);
      await later(50, 3);
      expect(await list()).toEqual(listed);
      expect(await site.query('select order_id from orphan')).toEqual([{ order_id: orderId }]);
      expect((await site.resources()).map(({ id }) => id)).toContain(twin);
    },
  );

  it('it is removed where the producer wants it so, with an entry in the audit, and what was delivered stays', async () => {
    await begin({ bundle: { ...rollback, removeExtras: true } });
    const orderId = await delivered();
    const before = bought(await site.resources());
    await later(0, 1);
    const twin = await carriedOutLate(orderId, 'ebs.create');
    await later(10, 2);
    await site.query(`update orphan set changed_at = now() - interval '1 minute'`);
    await until(
      'the twin is gone',
      async () => {
        await site.query(`update orphan set changed_at = now() - interval '1 minute' where state = 'destroying'`);
        const [row] = await site.query('select state, last_outcome from orphan');
        return { done: row?.['state'] === 'destroyed', seen: JSON.stringify(row) };
      },
      20_000,
    );
    expect(await list()).toMatchObject([{ resource_id: twin, state: 'destroyed' }]);
    expect(bought(await site.resources())).toEqual(before);
    expect(await site.query('select actor, action, order_id from audit')).toEqual([
      { actor: 'orderwright', action: 'orphans.destroy', order_id: orderId },
    ]);
  });

  it('the VM of a cancelled order that comes to life later is listed', async () => {
    await begin({ latencyMs: { min: 150, max: 300 } });
    const orderId = await site.submit();
    await until(
      'the VM is asked for',
      async () => {
        const rows = await site.query(`select from cloud_operation where name = 'vm.create' and state = 'inFlight'`);
        return { done: rows.length > 0, seen: '' };
      },
      20_000,
    );
    await site.worker.levers.pull(orderId, { act: 'cancel', reason: 'because' }, ann);
    await site.until('cancelled', ({ status }) => status === 'cancelled');
    await later(0, 1);
    expect(await list()).toEqual([]);
    const vm = await carriedOutLate(orderId, 'vm.create');
    await later(10, 2);
    expect(await list()).toEqual([{ resource_id: vm, why: 'late', state: 'found', minutes: 10 }]);
  });

  it('a delivered VM that somebody deleted is listed as missing, and cannot be destroyed', async () => {
    await begin();
    const orderId = await delivered();
    const { handler, operation, request } = await handlerOf(orderId, 'vm.create');
    const id = operation.machine.context.resourceId ?? '';
    await until(
      'the VM is gone',
      async () => ({ done: (await handler.discard(request, id)) === 'gone', seen: '' }),
      10_000,
    );
    await later(10, 2);
    const listed = { resource_id: id, why: 'missing', state: 'found', minutes: 10 };
    expect(await list()).toEqual([listed]);
    const decision = { actor: 'ann', reason: 'r', tenant: null };
    await expect(site.worker.orphans.destroy(sitePlatformId, id, decision, false)).rejects.toThrow('not there');
    await site.worker.orphans.adopt(sitePlatformId, id, decision, false);
    await later(50, 3);
    expect(await list()).toEqual([{ ...listed, state: 'adopted' }]);
  });

  it('a look that the cloud does not answer stays due and says why, and is made when the cloud is back', async () => {
    await begin();
    const orderId = await delivered();
    await later(0, 1);
    const twin = await carriedOutLate(orderId, 'ebs.create');
    await site.misbehave({ on: '*', kind: 'unavailable', times: 100_000 });
    await site.query(`update late_look set ended_at = ended_at - interval '10 minutes', due_at = now()`);
    await until(
      'the look has a problem',
      async () => {
        const rows = await site.query(
          `select problem, problem_platform, due_at from late_look where problem is not null`,
        );
        return { done: rows.length > 0, seen: JSON.stringify(rows) };
      },
      20_000,
    );
    expect(
      await site.query(`select distinct problem_platform, looks from late_look where problem is not null`),
    ).toEqual([{ problem_platform: sitePlatformId, looks: 1 }]);
    await site.behave();
    await later(0, 2);
    expect(await list()).toMatchObject([{ resource_id: twin, why: 'late' }]);
    expect(await site.query('select problem from late_look where problem is not null')).toEqual([]);
  });

  it('what a failed try at a shared network left is listed, until another try has taken it over', async () => {
    await begin({ bundle: rollback });
    const refused = cloud === 'cloudstack' ? { status: 431, errorcode: 431 } : { status: 400 };
    await site.misbehave({ on: 'make a part of a network', kind: 'error', errortext: 'Never.', times: 50, ...refused });
    await site.submit();
    await site.until('failed', ({ status }) => status === 'failed');
    await later(0, 1);
    const left = await list();
    // The VPC and its list of rules, or the network.
    expect(left).toMatchObject(
      Array.from({ length: cloud === 'cloudstack' ? 2 : 1 }, () => ({ why: 'late', state: 'found' })),
    );
    await site.behave();
    const again = await site.submitAgain();
    await until(
      'ordered again and delivered',
      async () => {
        const [row] = await site.query(`select status from work_order where order_id = '${again}'`);
        return { done: row?.['status'] === 'completed', seen: JSON.stringify(row) };
      },
      20_000,
    );
    await later(10, 2);
    expect(await list()).toMatchObject(left.map(({ resource_id }) => ({ resource_id, state: 'adopted' })));
    const decision = { actor: 'ann', reason: 'r', tenant: null };
    await expect(
      site.worker.orphans.destroy(sitePlatformId, String(left[0]?.['resource_id']), decision, false),
    ).rejects.toThrow('It is what was delivered.');
  });
});
