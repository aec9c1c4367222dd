import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InProcessCloud } from '../../bench/in-process-cloud.js';
import type { OperationName } from '../../src/planner/plan.js';
import type { OperationRequest, Sent } from '../../src/provisioners/provisioner.js';
import type { Worker } from '../../src/runner/worker.js';
import { Site, until } from './support.js';

/** Keeps count of everything that was ever made, so that what is made twice is seen even where one replaces the other. */
class CountingCloud extends InProcessCloud {
  readonly sends = new Map<string, number>();
  /** Called when a request arrives, before it is carried out. */
  onSend: (operation: OperationName, request: OperationRequest) => void = () => {};

  constructor() {
    super();
    for (const [name, handler] of Object.entries(this.operations)) {
      const send = handler.send.bind(handler);
      handler.send = (request): Promise<Sent> => {
        const key = `${name} ${request.marker}`;
        this.sends.set(key, (this.sends.get(key) ?? 0) + 1);
        this.onSend(name as OperationName, request);
        return send(request);
      };
    }
  }

  get doubled(): string[] {
    return [...this.sends].filter(([, times]) => times > 1).map(([key]) => key);
  }
}

describe('a worker that dies', () => {
  let site: Site;
  let cloud: CountingCloud;
  beforeEach(async () => {
    cloud = new CountingCloud();
    site = await Site.open(cloud);
  });
  afterEach(() => site.close());

  /** Orders one after the other; whoever waits for an answer when the worker dies never gets it. */
  async function takeOrders(worker: Worker, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await site.order(worker, i);
  }

  const events = async () => {
    const { rows } = await site.pool.query<{ order_id: string; sequences: number[]; ends: number }>(
      `select order_id, array_agg(sequence order by sequence) as sequences,
              count(*) filter (where type in ('work-order.completed', 'work-order.partial', 'work-order.failed'))::int as ends
         from event group by order_id`,
    );
    return rows;
  };

  it.each([1, 3, 7, 12, 20, 33])(
    'at its request number %i is followed by one that builds nothing twice',
    async (number) => {
      const first = await site.worker('w1');
      let requests = 0;
      cloud.onSend = () => {
        requests += 1;
        if (requests === number) first.freeze();
      };
      takeOrders(first.worker, 8).catch(() => {});
      await until('it dies', () => requests >= number);
      await first.kill();
      cloud.onSend = () => {};
      await site.silence('w1');
      await site.worker('w2');
      await site.settled();
      const { completed = 0, ...others } = await site.statuses();
      expect(others).toEqual({});
      expect(cloud.doubled).toEqual([]);
      const made = ['vm.create', 'ebs.create', 'ebs.attach', 'network.bind'] as const;
      expect(made.map((name) => cloud.count(name))).toEqual(made.map(() => completed));
      expect(cloud.count('default-network.ensure')).toBe(1);
      for (const { sequences, ends } of await events()) {
        expect(sequences).toEqual(sequences.map((_, index) => index + 1));
        expect(ends).toBe(1);
      }
    },
  );

  it('and wakes up again after its orders went to another changes nothing any more', async () => {
    const first = await site.worker('w1');
    let requests = 0;
    cloud.onSend = () => {
      requests += 1;
      if (requests === 5) first.freeze();
    };
    takeOrders(first.worker, 4).catch(() => {});
    await until('it freezes', () => requests >= 5);
    cloud.onSend = () => {};
    await site.silence('w1');
    await site.worker('w2');
    await site.settled();
    const before = await site.pool.query(
      'select order_id, revision, epoch, status, event_sequence from work_order order by 1',
    );
    const sent = new Map(cloud.sends);
    first.thaw();
    await until('it finds out', () => first.worker.engine.openOrders === 0);
    await first.worker.engine.settle();
    const after = await site.pool.query(
      'select order_id, revision, epoch, status, event_sequence from work_order order by 1',
    );
    expect(after.rows).toEqual(before.rows);
    expect(cloud.sends).toEqual(sent);
    expect(cloud.doubled).toEqual([]);
  });

  it('gracefully gives its orders up, and another goes on at once', async () => {
    const first = await site.worker('w1');
    for (let i = 0; i < 4; i++) await site.order(first.worker, i);
    await first.worker.stop();
    await site.worker('w2');
    await site.settled();
    expect(await site.statuses()).toEqual({ completed: 4 });
    expect(cloud.doubled).toEqual([]);
  });

  it('leaves an order in a state that nobody knows, and the others are taken up all the same', async () => {
    const first = await site.worker('w1');
    for (let i = 0; i < 3; i++) await site.order(first.worker, i);
    await first.kill();
    await site.pool.query(
      `update work_order set machine = jsonb_build_object('value', 'queued', 'context', '{}'::jsonb)
        where order_id = (select order_id from work_order where kind = 'billing' and finished_at is null
                           order by created_at limit 1)`,
    );
    await site.silence('w1');
    await site.worker('w2');
    await until('the others are over', async () => (await site.statuses())['completed'] === 2);
    expect(cloud.doubled).toEqual([]);
  });
});

describe('two workers on one database', () => {
  let site: Site;
  let cloud: CountingCloud;
  beforeEach(async () => {
    cloud = new CountingCloud();
    site = await Site.open(cloud);
  });
  afterEach(() => site.close());

  it('share the network of one user, which is made once', async () => {
    const [first, second] = [await site.worker('w1'), await site.worker('w2')];
    await Promise.all(
      Array.from({ length: 20 }, (_, number) => site.order((number % 2 === 0 ? first : second).worker, number)),
    );
    await site.settled();
    expect(await site.statuses()).toEqual({ completed: 20 });
    expect(cloud.count('default-network.ensure')).toBe(1);
    expect(cloud.doubled).toEqual([]);
  });
});
