import { describe, expect, it } from '@jest/globals';
import { InProcessCloud } from '../../bench/in-process-cloud.js';
import { ProvisioningError } from '../../src/errors.js';
import { beginOrder, beginPreparation } from '../../src/machines/begin-order.js';
import type { Provisioner } from '../../src/provisioners/provisioner.js';
import type { OpenOrder } from '../../src/runner/engine.js';
import { planOrder } from '../../src/runner/plan-order.js';
import type { WorkOrder } from '../../src/schemas/work-order.js';
import type { ClaimConflict } from '../../src/store/accept.js';
import { Story, vm } from '../machines/story.js';
import { bundleOrder, samplePlatformId } from '../support/orders.js';
import { cloudWith, openOrder, platformsWith, silent } from './support.js';

const orderId = '5b0f29bb-1f8d-5a36-9c28-f2f6a8f5f0aa';
const order = bundleOrder();
const received = () => beginOrder(orderId, order, [], new Story().surroundings()).state;

/** What the database says of the things an order claims. */
function database(standing: ClaimConflict[]) {
  const base = {
    asked: 0,
    claim: () => {
      base.asked += 1;
      return Promise.resolve(standing);
    },
  };
  return base;
}

const seal = (_orderId: string, _index: number, _field: string, value: string) => Buffer.from(value);

async function plan(
  open: OpenOrder,
  cloud: Provisioner | null = new InProcessCloud(),
  base = database([]),
  readOrder: () => Promise<WorkOrder> = () => Promise.resolve(order),
  users = { isClosed: (_: string) => false, generation: () => 1 },
) {
  return planOrder(open, {
    claim: base.claim,
    platforms: await platformsWith(cloud),
    users,
    seal,
    log: silent,
    readOrder,
  });
}

describe('planning an order', () => {
  it('ends with a plan that its cloud resolved, and the warnings that go with it', async () => {
    const { event, planned } = await plan(openOrder(received(), { order }));
    expect(event).toMatchObject({ about: 'order', event: { type: 'PLANNED' } });
    const made = event.about === 'order' ? event.plan : undefined;
    expect(made?.parts.map((part) => part.resourceType)).toEqual(['EBS', 'VM', 'EBS', 'NETWORK']);
    expect(made?.parts.find((part) => part.key === vm)?.needs).toEqual({
      'vm.create': [`default-network/${order.userId}`],
    });
    expect(planned).toEqual({ warnings: made?.warnings, holds: [] });
  });

  it('is held while its user is deactivated', async () => {
    const users = { isClosed: (userId: string) => userId === order.userId, generation: () => 1 };
    const { event } = await plan(openOrder(received(), { order }), undefined, undefined, undefined, users);
    expect(event).toMatchObject({
      event: { type: 'HELD', code: 'ORD_TENANT_DISABLED', message: expect.stringContaining('tenant_disabled') },
    });
  });

  it('reads the order from the database after a restart', async () => {
    let reads = 0;
    const readOrder = () => Promise.resolve(order).finally(() => (reads += 1));
    expect((await plan(openOrder(received()), undefined, undefined, readOrder)).event).toMatchObject({
      event: { type: 'PLANNED' },
    });
    expect(reads).toBe(1);
    await plan(openOrder(received(), { order }), undefined, undefined, readOrder);
    expect(reads).toBe(1);
  });

  it('claims its things only when it is not known that it has them', async () => {
    const base = database([]);
    await plan(openOrder(received(), { order, claimed: true }), undefined, base);
    expect(base.asked).toBe(0);
    await plan(openOrder(received(), { order, claimed: false }), undefined, base);
    expect(base.asked).toBe(1);
  });

  it('holds it, with the item, when another order stands on the same thing', async () => {
    const { resourceId } = order.items[1] ?? { resourceId: '' };
    const base = database([{ resourceId, workOrderId: 'WO-first', status: 'provisioning' }]);
    const { event, planned } = await plan(openOrder(received(), { order, claimed: false }), undefined, base);
    expect(event).toMatchObject({ event: { type: 'HELD', code: 'SEM_RESOURCE_OWNED' } });
    expect(planned?.holds).toMatchObject([{ path: 'workOrderItems[1].resourceId' }]);
    expect(planned?.holds[0]?.message).toContain('WO-first');
  });

  it('holds it when the cloud cannot resolve it, naming the first reason and how many there are', async () => {
    const hold = { path: 'workOrderItems[1]', code: 'SEM_OFFERING_NONE', message: 'No offering of 1 core.' };
    const cloud = cloudWith({}, { resolve: () => Promise.resolve({ state: 'held', holds: [hold, hold, hold] }) });
    const { event, planned } = await plan(openOrder(received(), { order }), cloud);
    expect(event).toMatchObject({ event: { type: 'HELD', message: 'No offering of 1 core. (and 2 more)' } });
    expect(planned?.holds).toHaveLength(3);
  });

  it('does not go on with a platform that is not configured', async () => {
    const { event } = await plan(openOrder(received(), { order }), null);
    expect(event.about === 'order' && ['HELD', 'CLOUD_AWAY'].includes(event.event.type)).toBe(true);
    expect(JSON.stringify(event)).toContain(samplePlatformId);
  });

  it('waits when the cloud cannot be asked, and says why', async () => {
    const away = new ProvisioningError('retry', 'CLD_UNREACHABLE', 'Connection refused.');
    const cloud = cloudWith({}, { resolve: () => Promise.reject(away) });
    expect((await plan(openOrder(received(), { order }), cloud)).event).toEqual({
      about: 'order',
      event: { type: 'CLOUD_AWAY', code: 'CLD_UNREACHABLE', message: 'Connection refused.' },
    });
  });

  it.each([
    ['an adapter stops on a bug', cloudWith({}, { resolve: () => Promise.reject(new TypeError('x')) }), undefined],
    ['the database is away', undefined, () => Promise.reject(new Error('password=hunter2'))],
  ])('waits when %s, without telling the world its text', async (_, cloud, readOrder) => {
    const { event } = await plan(openOrder(received()), cloud, undefined, readOrder);
    expect(event).toMatchObject({ event: { type: 'CLOUD_AWAY', code: 'SYS_UNEXPECTED' } });
    expect(JSON.stringify(event)).not.toContain('hunter2');
  });

  it('takes a preparation as it was placed, without asking anybody', async () => {
    const preparation = { key: 'k', kind: 'default-network' as const, platformId: 'p', settings: {}, lines: [] };
    const { state } = beginPreparation(orderId, 'p/k#1', preparation);
    const { event } = await plan(openOrder(state), null);
    expect(event).toEqual({ about: 'order', event: { type: 'PLANNED' }, plan: state.plan });
  });
});
