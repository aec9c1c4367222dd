import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InProcessCloud } from '../../bench/in-process-cloud.js';
import { threeItemOrder } from '../../bench/order.js';
import type { Lever } from '../../src/machines/levers.js';
import type { Resolution, ResolveRequest } from '../../src/provisioners/provisioner.js';
import { samplePlatformId } from '../support/orders.js';
import { Site, until } from './support.js';

/** A cloud whose catalogue is read when the test says so, with the answer that it says. */
class AskedCloud extends InProcessCloud {
  readonly asked: { workOrderId: string; answer(how: 'plan' | 'hold'): Promise<void> }[] = [];

  override async resolve(request: ResolveRequest): Promise<Resolution> {
    return new Promise((resolve) => {
      this.asked.push({
        workOrderId: request.order.workOrderId,
        answer: async (how) => {
          const hold = { path: '', code: 'CFG_REF_UNKNOWN', message: 'no such image' };
          resolve(how === 'plan' ? await super.resolve(request) : { state: 'held', holds: [hold] });
        },
      });
    });
  }
}

describe('a plan that comes late', () => {
  let site: Site;
  let cloud: AskedCloud;
  beforeEach(async () => {
    cloud = new AskedCloud();
    site = await Site.open(cloud);
  });
  afterEach(() => site.close());

  it('does not begin an order that was held meanwhile and whose things went to another', async () => {
    const { worker } = await site.worker('w1');
    const text = threeItemOrder(1, samplePlatformId);
    const submit = async (order: string) => {
      const receipt = await worker.intake.receive({
        channel: 'http',
        origin: 'test',
        bytes: Buffer.from(order),
        contentType: null,
        headers: {},
      });
      return receipt.orderId ?? '';
    };
    const pull = (orderId: string, act: 'hold' | 'resume' | 'replay') =>
      worker.levers.pull(orderId, { act, reason: 'because' } satisfies Lever, { actor: 'ann', seenRevision: null });
    const stateOf = async (orderId: string) => {
      const { rows } = await site.pool.query<{ state: string }>(
        `select machine ->> 'value' as state from work_order where order_id = $1`,
        [orderId],
      );
      return rows[0]?.state;
    };
    const is = (orderId: string, state: string) =>
      until(`it is ${state}`, async () => (await stateOf(orderId)) === state);

    // Planned twice at a time: held and resumed while the first planning was on its way. That one holds it.
    const first = await submit(text);
    await until('it is planned', () => cloud.asked.length === 1);
    await pull(first, 'hold');
    await pull(first, 'resume');
    await until('it is planned again', () => cloud.asked.length === 2);
    await cloud.asked[0]?.answer('hold');
    await is(first, 'held');
    // Its things go to another order, which is built.
    const second = await submit(text.replaceAll(/WO\d{20}bnch/g, 'WO-second'));
    await until('the second is planned', () => cloud.asked.length === 3);
    await cloud.asked[2]?.answer('plan');
    await is(second, 'completed');
    // The first is taken up again, and has to wait for its claims while its second planning comes to an end.
    const holder = await site.pool.connect();
    await holder.query('begin');
    await holder.query('select from resource_claim for update');
    await pull(first, 'replay');
    await cloud.asked[1]?.answer('plan');
    await until('its claims are asked for', async () => {
      const { rows } = await site.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    await holder.query('rollback');
    holder.release();
    await until('it is at rest', async () => ['held', 'completed'].includes((await stateOf(first)) ?? ''));
    expect({ state: await stateOf(first), machines: cloud.count('vm.create') }).toEqual({ state: 'held', machines: 1 });
  }, 60_000);
});
