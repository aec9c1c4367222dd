import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { OrderState } from '../../src/machines/order-state.js';
import { claimResources, existingOrders, insertOrders, inTransaction } from '../../src/store/accept.js';
import { everything, openStore, orderToAccept, whileLocked } from './support.js';

describe('taking orders into the database', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());

  const ended = ['completed', 'partial', 'failed', 'cancelled'];
  /** An order as its steps would have left it. `state`: of its machine, where the status alone does not say it. */
  const set = (orderId: string, status: string, itemStatus: string, state = status) =>
    inTransaction(store.pool, async (sql) => {
      await sql.query(
        `update work_order set status = $2, machine = machine || jsonb_build_object('value', $3::text),
                finished_at = case when $4 then now() end where order_id = $1`,
        [orderId, status, state, ended.includes(status)],
      );
      await sql.query('update work_order_item set status = $2 where order_id = $1', [orderId, itemStatus]);
    });

  async function accept(workOrderId: string, resourceIds: string[]): Promise<{ state: OrderState; claimed: boolean }> {
    const order = orderToAccept(workOrderId, { resourceIds });
    const inserted = await insertOrders(store.pool, [order]);
    const { state } = order.step;
    return { state, claimed: inserted.get(state.orderId)?.claimed ?? false };
  }

  const ownerOf = async (resourceId: string) => {
    const { rows } = await store.pool.query<{ work_order_id: string }>(
      'select work_order_id from resource_claim join work_order using (order_id) where resource_id = $1',
      [resourceId],
    );
    return rows.map((row) => row.work_order_id);
  };

  it('writes an order whole', async () => {
    const order = orderToAccept('WO-1');
    expect(await insertOrders(store.pool, [order])).toEqual(new Map([[order.step.state.orderId, { claimed: true }]]));
    expect(await everything(store.pool)).toMatchObject({
      work_order: [{ work_order_id: 'WO-1', status: 'received', revision: 1, epoch: 1, worker_id: 'w1' }],
      work_order_item: [{}, {}, {}, {}],
      event: [{ sequence: 1, type: 'work-order.received' }],
      sealed_secret: [{ origin: 'order', field: 'rootPassword' }],
      resource_claim: [{}, {}, {}, {}],
    });
    expect(await existingOrders(store.pool, [order.step.state.orderId, randomUUID()])).toEqual(
      new Map([
        [
          order.step.state.orderId,
          { orderId: order.step.state.orderId, contentHash: 'ab'.repeat(32), status: 'received' },
        ],
      ]),
    );
  });

  it('leaves an order that is there exactly as it is', async () => {
    await insertOrders(store.pool, [orderToAccept('WO-1')]);
    const before = await everything(store.pool);
    const again = orderToAccept('WO-1', { workerId: 'w2', resourceIds: ['other-1', 'other-2'] });
    const inserted = await insertOrders(store.pool, [{ ...again, contentHash: 'cd'.repeat(32) }]);
    expect(inserted).toEqual(new Map());
    expect(await everything(store.pool)).toEqual(before);
  });

  it('takes the new ones of a batch and leaves the known ones', async () => {
    await insertOrders(store.pool, [orderToAccept('WO-known')]);
    const fresh = orderToAccept('WO-new');
    const inserted = await insertOrders(store.pool, [orderToAccept('WO-known'), fresh]);
    expect([...inserted.keys()]).toEqual([fresh.step.state.orderId]);
    expect((await everything(store.pool))['event']).toHaveLength(2);
  });

  it('takes an order once, however many bring it at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => insertOrders(store.pool, [orderToAccept('WO-1')])),
    );
    expect(answers.filter((answer) => answer.size === 1)).toHaveLength(1);
    expect((await everything(store.pool))['work_order_item']).toHaveLength(4);
  });

  it('takes two batches that bring the same orders the other way round, without a deadlock', async () => {
    const [a, m, b] = ['WO-a', 'WO-m', 'WO-b'].map((id) => orderToAccept(id));
    if (!a || !m || !b) throw new Error('three orders');
    const { state } = m.step;
    const outcomes = await whileLocked(
      store.pool,
      `insert into work_order (order_id, kind, producer, work_order_id, user_id, account_id, status, machine)
       values ($1, 'billing', 'default', $2, '', '', 'received', '{}')`,
      [state.orderId, state.workOrderId],
      [
        [a, m, b],
        [b, m, a],
      ].map((batch) => () => insertOrders(store.pool, batch)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect((await everything(store.pool))['work_order']).toHaveLength(3);
  });

  it('lets two orders ask for the same things the other way round, without a deadlock', async () => {
    const holder = await accept('WO-holder', ['other']);
    const outcomes = await whileLocked(
      store.pool,
      `insert into resource_claim (producer, resource_id, order_id) values ('default', 'm', $1)`,
      [holder.state.orderId],
      [() => accept('WO-1', ['a', 'm', 'b']), () => accept('WO-2', ['b', 'm', 'a'])],
    );
    const claimed = outcomes.map((one) => (one.status === 'fulfilled' ? one.value.claimed : one.reason));
    expect(claimed.toSorted()).toEqual([false, true]);
  });

  it('says that a thing belongs to another order, and which', async () => {
    await accept('WO-first', ['vm-1', 'disk-1']);
    const second = await accept('WO-second', ['vm-2', 'disk-1']);
    expect(second.claimed).toBe(false);
    expect(await claimResources(store.pool, second.state)).toEqual([
      { resourceId: 'disk-1', workOrderId: 'WO-first', status: 'received' },
    ]);
    expect(await ownerOf('disk-1')).toEqual(['WO-first']);
    expect(await ownerOf('vm-2')).toEqual(['WO-second']);
  });

  it('claims a thing for an order that has two items of it', async () => {
    const first = await accept('WO-first', ['thing', 'thing']);
    expect(await claimResources(store.pool, first.state)).toEqual([]);
    expect(await ownerOf('thing')).toEqual(['WO-first']);
  });

  it('tells of the order that claimed a thing a moment before', async () => {
    const [first, second] = [await accept('WO-first', ['x']), await accept('WO-second', ['y'])];
    const wanting = (state: OrderState) => ({
      ...state,
      items: state.items.map((item) => ({ ...item, resourceId: 'z' })),
    });
    await store.pool.query(`update work_order_item set resource_id = 'z'`);
    const outcomes = await whileLocked(
      store.pool,
      `insert into resource_claim (producer, resource_id, order_id) values ('default', 'z', $1)`,
      [first.state.orderId],
      [first, second].map(
        ({ state }) =>
          () =>
            claimResources(store.pool, wanting(state)),
      ),
    );
    const [winner] = await ownerOf('z');
    const told = outcomes.map((one) => (one.status === 'fulfilled' ? one.value : [one.reason]));
    expect(told.toSorted((a, b) => a.length - b.length)).toMatchObject([[], [{ workOrderId: winner }]]);
  });

  it.each([
    ['failed', 'failed', 'failed'],
    ['failed before it came to this thing', 'failed', 'cancelled'],
    ['failed, and removed it again', 'failed', 'compensated'],
    ['was cancelled', 'cancelled', 'cancelled'],
    ['was cancelled, and removed it again', 'cancelled', 'compensated'],
    ['kept its master alone, and removed this again', 'partial', 'compensated'],
    ['delivered the rest', 'partial', 'failed'],
    ['is held and was never planned', 'held', 'pending'],
  ])('hands a thing on whose order %s', async (_what, status, itemStatus) => {
    const first = await accept('WO-first', ['vm-1']);
    const second = await accept('WO-second', ['vm-1']);
    await set(first.state.orderId, status, itemStatus);
    expect(await claimResources(store.pool, second.state)).toEqual([]);
    expect(await ownerOf('vm-1')).toEqual(['WO-second']);
  });

  it.each([
    ['was delivered', 'completed', 'completed', 'completed'],
    ['was delivered, though the rest was not', 'partial', 'completed', 'partial'],
    ['is being planned', 'received', 'pending', 'received'],
    ['waits for a cloud that is away', 'received', 'pending', 'waitingForCloud'],
    ['waits for what it shares with others', 'planned', 'pending', 'planned'],
    ['is being built', 'provisioning', 'provisioning', 'provisioning'],
    ['failed, while a replay may still build it', 'provisioning', 'failed', 'provisioning'],
    ['waits for an operator with the thing half built', 'held', 'held', 'needsOperator'],
    ['waits for an operator before it is begun', 'held', 'pending', 'needsOperator'],
    ['is paused before it is begun', 'held', 'pending', 'paused'],
    ['is paused with the thing failed', 'held', 'failed', 'paused'],
    ['has failed and is not undone yet', 'held', 'failed', 'failing'],
    ['has failed before it came to this thing', 'held', 'pending', 'failing'],
    ['is quarantined', 'held', 'pending', 'quarantined'],
    ['is being undone', 'compensating', 'compensated', 'undoing'],
    ['cannot be undone', 'compensating', 'held', 'undoStuck'],
    ['cannot be undone but for this', 'compensating', 'cancelled', 'undoStuck'],
  ])('keeps a thing for its order when it %s', async (_what, status, itemStatus, state) => {
    const first = await accept('WO-first', ['vm-1']);
    const second = await accept('WO-second', ['vm-1']);
    await set(first.state.orderId, status, itemStatus, state);
    expect(await claimResources(store.pool, second.state)).toMatchObject([{ resourceId: 'vm-1', status }]);
    expect(await ownerOf('vm-1')).toEqual(['WO-first']);
  });

  it('keeps a thing for an order of two items of it as long as one of them may be built', async () => {
    const first = await accept('WO-first', ['thing', 'thing']);
    const second = await accept('WO-second', ['thing']);
    await set(first.state.orderId, 'partial', 'completed');
    await store.pool.query(`update work_order_item set status = 'failed' where order_id = $1 and item_index = 0`, [
      first.state.orderId,
    ]);
    expect(await claimResources(store.pool, second.state)).toMatchObject([{ resourceId: 'thing', status: 'partial' }]);
  });

  it('gives what was given up to one of two orders that race for it', async () => {
    const things = ['a', 'b', 'c'];
    const first = await accept('WO-first', things);
    const second = await accept('WO-second', things);
    const third = await accept('WO-third', things.toReversed());
    await set(first.state.orderId, 'failed', 'failed');
    const outcomes = await whileLocked(
      store.pool,
      `select from resource_claim where resource_id = 'b' for update`,
      [],
      [second, third].map(
        ({ state }) =>
          () =>
            claimResources(store.pool, state),
      ),
    );
    const owners = new Set((await Promise.all(things.map(ownerOf))).flat());
    // Whoever was told of no conflict owns everything; the other was told who does.
    const told = outcomes.map((one) => (one.status === 'fulfilled' ? one.value : [one.reason]));
    const winners = ['WO-second', 'WO-third'].filter((_, i) => told[i]?.length === 0);
    expect(winners).toHaveLength(1);
    expect([...owners]).toEqual(winners);
    expect(told.flat()).toMatchObject(things.map(() => ({ workOrderId: winners[0] })));
  });

  it('gives connections back, whether the work is done or fails', async () => {
    for (let i = 0; i < 30; i++) {
      await inTransaction(store.pool, (sql) => sql.query('select 1'));
      await expect(inTransaction(store.pool, (sql) => sql.query('select 1 / 0'))).rejects.toMatchObject({
        code: '22012',
      });
      await expect(inTransaction(store.pool, () => Promise.reject(new Error('ours')))).rejects.toThrow('ours');
    }
    expect(store.pool.idleCount).toBe(store.pool.totalCount);
    expect(store.pool.waitingCount).toBe(0);
  });

  it('takes everything back that was done before an error', async () => {
    await expect(
      inTransaction(store.pool, async (sql) => {
        await insertOrders(sql, [orderToAccept('WO-1')]);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect((await everything(store.pool))['work_order']).toEqual([]);
  });
});
