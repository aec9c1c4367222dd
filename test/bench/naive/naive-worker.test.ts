import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { messageOf, freshOrder } from '../../support/scenario-orders.js';
import { seededRandom } from '../../support/scenario-random.js';
import { Contender } from './contender.js';

/** Were it broken without any fault, the comparison would prove nothing. */
describe('the naive worker, as long as nothing goes wrong,', () => {
  let naive: Contender;
  beforeAll(async () => {
    naive = await Contender.enter('naive', 'samples');
  }, 240_000);
  afterAll(() => naive?.leave(), 60_000);

  it('completes orders 23, 60 and 86, also when one comes twice, and builds nothing else', async () => {
    const random = seededRandom(7);
    const made = ['order-23.json', 'order-60.json', 'order-86.json'].map((sample) => freshOrder(random, sample));
    const orders = made.map(({ facts }) => facts);
    const messages = made.map(({ order }) => messageOf(order));
    await naive.start();
    await naive.world.billing.send([...messages, ...messages.slice(0, 1)]);
    await naive.untilQuiet(orders, 30_000);
    expect(await naive.count(orders)).toEqual({
      orders: 3,
      completed: 3,
      failed: 0,
      withoutEnd: 0,
      doubled: 0,
      lost: 0,
      secondEnds: 0,
      notAsTold: 0,
    });
    const kinds = (await naive.world.cloud.resources()).map(({ kind }) => kind);
    expect(['vm', 'volume', 'address'].map((kind) => kinds.filter((one) => one === kind).length)).toEqual([3, 3, 2]);
    expect(naive.crashes).toBe(0);
  }, 60_000);
});
