import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import type { OrderState } from '../../src/machines/order-state.js';
import { claimResources, insertOrders } from '../../src/store/accept.js';
import { seededRandom, type Random } from '../support/scenario-random.js';
import { openStore, orderToAccept } from './support.js';

/** Where an order may stand, as its row says it: status, state of its machine, status of its items. */
const stands = {
  received: ['received', 'received', 'pending'],
  held: ['held', 'held', 'pending'],
  planned: ['planned', 'planned', 'pending'],
  provisioning: ['provisioning', 'provisioning', 'provisioning'],
  paused: ['held', 'paused', 'pending'],
  needsOperator: ['held', 'needsOperator', 'held'],
  failing: ['held', 'failing', 'failed'],
  undoing: ['compensating', 'undoing', 'compensating'],
  completed: ['completed', 'completed', 'completed'],
  failed: ['failed', 'failed', 'failed'],
  undone: ['cancelled', 'cancelled', 'compensated'],
} as const;
type Stand = keyof typeof stands;

/** Where a step or a lever may lead it next. What leads out of `received` is decided by the claims. */
const ways: Partial<Record<Stand, readonly Stand[]>> = {
  held: ['received', 'received', 'received', 'undone'],
  planned: ['paused', 'provisioning', 'needsOperator'],
  paused: ['planned', 'provisioning', 'undoing'],
  provisioning: ['completed', 'failing', 'needsOperator', 'paused'],
  needsOperator: ['provisioning', 'paused', 'undoing'],
  failing: ['provisioning', 'undoing'],
  undoing: ['undone', 'failed'],
};
const isFree: readonly Stand[] = ['received', 'held', 'failed', 'undone'];

describe('orders that want the same things at the same time', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeAll(async () => {
    store = await openStore(12);
  });
  afterAll(() => store.close());

  const stand = async (state: OrderState, at: Stand) => {
    const [status, value, item] = stands[at];
    await store.pool.query(
      `with o as (update work_order set status = $2, machine = machine || jsonb_build_object('value', $3::text),
                         finished_at = case when $2 in ('completed', 'failed', 'cancelled') then now() end
                   where order_id = $1)
       update work_order_item set status = $4 where order_id = $1`,
      [state.orderId, status, value, item],
    );
  };
  /** Things that more than one order has, or is building, or may build without asking again. */
  const shared = async (resourceIds: string[]) => {
    const { rows } = await store.pool.query<{ resource_id: string; orders: string[] }>(
      `select i.resource_id, array_agg(o.work_order_id || ' ' || (o.machine ->> 'value')) as orders
         from work_order_item i join work_order o using (order_id)
        where i.resource_id = any($1::text[]) and o.machine ->> 'value' <> all($2::text[])
        group by i.resource_id having count(distinct o.order_id) > 1`,
      [resourceIds, isFree.map((one) => stands[one][1])],
    );
    return rows;
  };

  /** One order from its planning to its end, with whatever people do to it. */
  async function live(state: OrderState, random: Random, resourceIds: string[]): Promise<void> {
    let at: Stand = 'received';
    for (let steps = 0; steps < 14; steps++) {
      if (at === 'received') {
        at = (await claimResources(store.pool, state)).length > 0 ? 'held' : 'planned';
      } else {
        const next: readonly Stand[] | undefined = ways[at];
        if (!next) return;
        at = random.pick(next);
      }
      await stand(state, at);
      expect(await shared(resourceIds)).toEqual([]);
    }
  }

  it('never have one of them together, however they are held, resumed, replayed, ended and begun', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        run += 1;
        const things = ['a', 'b', 'c'].map((one) => `${one}-${run}`);
        const orders = Array.from({ length: 8 }, (_, i) => {
          const random = seededRandom(seed + i);
          const wanted = things.filter(() => random.next() < 0.6);
          const resourceIds = wanted.length > 0 ? wanted : [random.pick(things)];
          return { random, order: orderToAccept(`WO-${run}-${i}`, { resourceIds }) };
        });
        // As the intake does: without a claim that another order has. None is planned on it before it has asked.
        for (const { order } of orders) await insertOrders(store.pool, [order]);
        await Promise.all(orders.map(({ random, order }) => live(order.step.state, random, things)));
      }),
      { numRuns: 8 },
    );
  }, 120_000);
});
