import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InProcessCloud } from '../../bench/in-process-cloud.js';
import { ProvisioningError } from '../../src/errors.js';
import type { Preparation } from '../../src/planner/plan.js';
import { Site, until } from './support.js';

describe('what many orders share', () => {
  let site: Site;
  let cloud: InProcessCloud;
  beforeEach(async () => {
    cloud = new InProcessCloud();
    site = await Site.open(cloud);
  });
  afterEach(() => site.close());

  const placed = async () => {
    const { rows } = await site.pool.query<{ number: string; status: string }>(
      `select substring(work_order_id from '#(\\d+)$') as number, status from work_order where kind = 'preparation' order by 1`,
    );
    return rows.map(({ number, status }) => `#${number} ${status}`);
  };

  /** The network cannot be made, until `allow` is called. */
  function refuseNetwork(): { allow(): void } {
    const handler = cloud.operations['default-network.ensure'];
    if (!handler) throw new Error('unreachable');
    const send = handler.send;
    handler.send = () => Promise.reject(new ProvisioningError('reject', 'CLD_QUOTA', 'No VPC is left.'));
    return { allow: () => (handler.send = send) };
  }

  /** The network is made in an account that is made before it. @returns the inputs the network was asked for with */
  function standsOnRegistration(): Record<string, string>[] {
    const resolve = cloud.resolve.bind(cloud);
    cloud.resolve = async (request) => {
      const resolution = await resolve(request);
      if (resolution.state === 'held') return resolution;
      const key = `tenant/${request.order.userId}`;
      const platformId = request.parts[0]?.platformId ?? '';
      const inputs = { tenantAccount: { from: key, fact: 'tenantAccount' } };
      return {
        ...resolution,
        preparations: [
          { key, kind: 'tenant', platformId, settings: {}, lines: [] },
          ...resolution.preparations.map((one) => ({ ...one, needs: [key], inputs })),
        ],
      };
    };
    cloud.adds('tenant.ensure', 'tenantAccount');
    const handler = cloud.operations['default-network.ensure'];
    const seen: Record<string, string>[] = [];
    if (handler) {
      const send = handler.send;
      handler.send = (request) => {
        seen.push(request.inputs);
        return send(request);
      };
    }
    return seen;
  }

  it('is made once by the first of many orders, and found by the ones that come later', async () => {
    const { worker } = await site.worker('w1');
    await Promise.all(Array.from({ length: 30 }, (_, number) => site.order(worker, number)));
    await site.settled();
    await site.order(worker, 99);
    await site.settled();
    expect(await site.statuses()).toEqual({ completed: 31 });
    expect(cloud.count('default-network.ensure')).toBe(1);
    expect(await placed()).toEqual(['#1 completed']);
  });

  it('fails every order that waits for it when it cannot be made, and nothing of them is left on the cloud', async () => {
    refuseNetwork();
    const { worker } = await site.worker('w1');
    await Promise.all([1, 2, 3].map((number) => site.order(worker, number)));
    await site.settled();
    expect(await site.statuses()).toEqual({ failed: 3 });
    expect(cloud.count('vm.create')).toBe(0);
    const { rows } = await site.pool.query<{ chargeable: number }>(
      `select count(*)::int as chargeable from event, jsonb_array_elements(data -> 'items') item
        where type = 'work-order.failed' and (item ->> 'chargeable')::boolean`,
    );
    expect(rows[0]?.chargeable).toBe(0);
  });

  it('is tried again, under its next number, by an order that comes after a failure', async () => {
    const network = refuseNetwork();
    const { worker } = await site.worker('w1');
    await site.order(worker, 1);
    await site.settled();
    network.allow();
    await site.order(worker, 2);
    await site.settled();
    expect(await site.statuses()).toEqual({ completed: 1, failed: 1 });
    expect(await placed()).toEqual(['#1 failed', '#2 completed']);
  });

  it('is tried again by another worker too, which had not heard of the failure', async () => {
    const network = refuseNetwork();
    const first = await site.worker('w1');
    await site.order(first.worker, 1);
    await site.settled();
    network.allow();
    const second = await site.worker('w2');
    await site.order(second.worker, 2);
    await site.settled();
    expect(await placed()).toEqual(['#1 failed', '#2 completed']);
  });

  it('may stand on something else that is shared: it waits for that, and gets what it found', async () => {
    const seen = standsOnRegistration();
    const { worker } = await site.worker('w1');
    await Promise.all([1, 2, 3].map((number) => site.order(worker, number)));
    await site.settled();
    expect(await site.statuses()).toEqual({ completed: 3 });
    expect(cloud.count('tenant.ensure')).toBe(1);
    expect(cloud.count('default-network.ensure')).toBe(1);
    expect(seen.map(({ tenantAccount }) => tenantAccount)).toEqual([expect.stringMatching(/./)]);
  });

  it('fails with what it stands on, and every order with it', async () => {
    standsOnRegistration();
    const tenant = cloud.operations['tenant.ensure'];
    if (tenant) tenant.send = () => Promise.reject(new ProvisioningError('reject', 'CLD_PERMISSION', 'not ours'));
    const { worker } = await site.worker('w1');
    await site.order(worker, 1);
    await site.settled();
    expect(await site.statuses()).toEqual({ failed: 1 });
    expect(cloud.count('default-network.ensure')).toBe(0);
    const { rows } = await site.pool.query<{ work_order_id: string; status: string }>(
      `select work_order_id, status from work_order where kind = 'preparation' order by 1`,
    );
    expect(rows.map(({ status }) => status)).toEqual(['failed', 'failed']);
  });

  it('is not tried anew for what stands on it alone, but what somebody else has begun counts', async () => {
    standsOnRegistration();
    const tenant = cloud.operations['tenant.ensure'];
    if (!tenant) throw new Error('unreachable');
    const send = tenant.send;
    tenant.send = () => Promise.reject(new ProvisioningError('reject', 'CLD_PERMISSION', 'not ours'));
    const { worker } = await site.worker('w1');
    await site.order(worker, 1);
    await site.settled();
    tenant.send = send;
    const { rows } = await site.pool.query<{ preparations: Preparation[] }>(
      `select p.plan -> 'preparations' as preparations from work_order_plan p join work_order o using (order_id)
        where o.kind = 'billing'`,
    );
    const [registration, network] = rows[0]?.preparations ?? [];
    if (!registration || !network) throw new Error('the plan names no preparations');
    const triesOf = async () => (await placed()).length;
    await worker['preparations'].ensure(network, [registration]);
    await site.settled();
    expect(await triesOf()).toBe(3); // the registration's one, and two of the network
    expect(cloud.count('default-network.ensure')).toBe(0);
    await worker['preparations'].ensure(registration, []);
    await worker['preparations'].ensure(network, [registration]);
    await site.settled();
    expect(await triesOf()).toBe(5);
    expect(cloud.count('default-network.ensure')).toBe(1);
  });

  it('is found by an order of another worker than the one that makes it', async () => {
    const handler = cloud.operations['default-network.ensure'];
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    if (handler) {
      const send = handler.send;
      handler.send = (request) => gate.then(() => send(request));
    }
    const [first, second] = [await site.worker('w1'), await site.worker('w2')];
    await site.order(first.worker, 1);
    await until('the first has placed it', async () => (await placed()).length === 1);
    await site.order(second.worker, 2);
    release();
    await site.settled();
    expect(await site.statuses()).toEqual({ completed: 2 });
    expect(await placed()).toEqual(['#1 completed']);
  });

  it('is not made for an order that is being undone, by no worker that takes it over', async () => {
    const network = refuseNetwork();
    const disk = cloud.operations['ebs.create'];
    if (!disk) throw new Error('unreachable');
    const send = disk.send;
    let make = () => {};
    const made = new Promise<void>((resolve) => (make = resolve));
    disk.send = (request) => made.then(() => send(request));
    const first = await site.worker('w1');
    await site.order(first.worker, 1);
    await until('the network has failed', async () => (await placed()).includes('#1 failed'));
    const { rows } = await site.pool.query<{ order_id: string }>(
      `select order_id from work_order where kind = 'billing'`,
    );
    const cancel = { act: 'cancel', reason: 'the customer left' } as const;
    await first.worker.levers.pull(rows[0]?.order_id ?? '', cancel, { actor: 'ann', seenRevision: null });
    await first.kill();
    network.allow();
    disk.send = send;
    make();
    await site.silence('w1');
    await site.worker('w2');
    await site.settled();
    expect(await site.statuses()).toEqual({ cancelled: 1 });
    expect(await placed()).toEqual(['#1 failed']);
    expect(cloud.count('default-network.ensure')).toBe(0);
  });

  it('that is quarantined holds the orders that wait for it, and a replay of one of them has it made', async () => {
    const handler = cloud.operations['default-network.ensure'];
    if (!handler) throw new Error('unreachable');
    const send = handler.send;
    handler.send = () => new Promise(() => {});
    const { worker } = await site.worker('w1');
    await site.order(worker, 1);
    await until('the request is out', async () => (await operationsOf('preparation')).includes('requesting'));
    const [shared = ''] = await orderIds('preparation');
    const part = worker.engine.get(shared)?.state.parts[0];
    worker.engine.dispatch(shared, {
      event: {
        about: 'operation',
        partKey: part?.key ?? '',
        name: 'default-network.ensure',
        event: { type: 'ACCEPTED', jobId: 'job', resourceId: null },
      },
      // No smallint is as large as this one: PostgreSQL will never take the step.
      secrets: [{ itemIndex: 99_999, field: 'rootPassword', sealed: Buffer.of(1) }],
    });
    await until('the order is held', async () => (await site.statuses())['held'] === 1);
    handler.send = send;
    const [order = ''] = await orderIds('billing');
    await worker.levers.pull(order, { act: 'replay', reason: 'mended' }, { actor: 'ann', seenRevision: null });
    await until('the order is completed', async () => (await site.statuses())['completed'] === 1);
    expect(cloud.count('default-network.ensure')).toBe(1);
    expect(await placed()).toEqual(['#1 completed']);
  });

  it('that somebody cancelled is tried again under its next number, as one that failed', async () => {
    const network = refuseNetwork();
    const first = await site.worker('w1');
    await site.order(first.worker, 1);
    await site.settled();
    await site.pool.query(`update work_order set status = 'cancelled' where kind = 'preparation'`);
    network.allow();
    const second = await site.worker('w2');
    await site.order(second.worker, 2);
    await site.settled();
    expect(await placed()).toEqual(['#1 cancelled', '#2 completed']);
    expect(await site.statuses()).toEqual({ completed: 1, failed: 1 });
  });

  const orderIds = async (kind: string) => {
    const { rows } = await site.pool.query<{ order_id: string }>('select order_id from work_order where kind = $1', [
      kind,
    ]);
    return rows.map((row) => row.order_id);
  };
  const operationsOf = async (kind: string) => {
    const { rows } = await site.pool.query<{ state: string }>(
      'select c.state from cloud_operation c join work_order o using (order_id) where o.kind = $1',
      [kind],
    );
    return rows.map((row) => row.state);
  };
});
