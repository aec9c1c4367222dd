import { afterEach, describe, expect, it } from '@jest/globals';
import type { Lever } from '../../src/machines/levers.js';
import { cloudKinds } from '../support/clouds.js';
import { bought, CloudSite, order86 } from '../support/cloud-site.js';

const ann = { actor: 'ann', seenRevision: null };
const lever = (act: 'cancel' | 'replay' | 'hold' | 'resume'): Lever => ({ act, reason: 'because' });
const forGood = { times: 1_000 } as const;
type Stand = { status: string; state: string };

/** The same items each time, of these types: a disk's own claim would come between. */
const orderOf = (workOrderId: string, types: string[]): string => {
  const order = JSON.parse(order86) as { workOrderItems: { resourceType: string; workOrderId: string }[] };
  const items = order.workOrderItems.filter(({ resourceType }) => types.includes(resourceType));
  return JSON.stringify({
    ...order,
    workOrderId,
    workOrderItems: items.map((item) => ({ ...item, workOrderId })),
  });
};
const vmAndAddress = (workOrderId: string) => orderOf(workOrderId, ['VM', 'NETWORK']);
const everything = (workOrderId: string) => orderOf(workOrderId, ['VM', 'EBS', 'NETWORK']);
const machineOnly = (workOrderId: string) => orderOf(workOrderId, ['VM']);

/** Billing's customer orders the same things again, under a new id, because the first order does not come. */
describe.each(cloudKinds)('on %s, things that are ordered again under another id', (cloud) => {
  let site: CloudSite;
  afterEach(() => site.stop());

  const start = (options: Partial<Parameters<typeof CloudSite.start>[0]> = {}) =>
    CloudSite.start({ cloud, bundle: { policy: 'rollback', undoAfterMs: 600_000 }, ...options });
  const standOf = async (orderId: string): Promise<Stand> => {
    const [row] = await site.query(
      `select status, machine ->> 'value' as state from work_order where order_id = '${orderId}'`,
    );
    return row as unknown as Stand;
  };
  const reaches = async (orderId: string, what: string, isSo: (stand: Stand) => boolean): Promise<void> => {
    for (let i = 0; i < 3_000; i++) {
      if (isSo(await standOf(orderId))) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`never ${what}: ${JSON.stringify(await standOf(orderId))}`);
  };
  const rests = ({ status }: Stand) => ['held', 'completed', 'partial', 'failed', 'cancelled'].includes(status);
  const pull = (orderId: string, act: Parameters<typeof lever>[0]) => site.worker.levers.pull(orderId, lever(act), ann);
  /** What the cloud holds of what is sold. */
  const living = async () => bought(await site.resources());
  const holdOf = async (orderId: string): Promise<string> => {
    const [row] = await site.query(
      `select machine -> 'context' -> 'reason' ->> 'message' as message from work_order where order_id = '${orderId}'`,
    );
    return String(row?.['message']);
  };

  it('stay with an order that an operator holds while it waits for the network', async () => {
    site = await start();
    await site.misbehave({ on: 'make a network', kind: 'unavailable', waitMs: 10, ...forGood });
    const first = await site.submit(vmAndAddress('WO-first'));
    await reaches(first, 'waiting for the network', ({ state }) => state === 'planned');
    await pull(first, 'hold');
    const second = await site.submit(vmAndAddress('WO-second'));
    await reaches(second, 'at rest', rests);
    expect(await standOf(second)).toEqual({ status: 'held', state: 'held' });
    await site.behave();
    await pull(first, 'resume');
    await reaches(first, 'built', ({ status }) => status === 'completed');
    await pull(second, 'replay');
    await reaches(second, 'at rest', rests);
    expect({ second: (await standOf(second)).status, living: await living() }).toEqual({
      second: 'held',
      living: { vm: 1, volume: 0, address: 1 },
    });
    expect(await holdOf(second)).toMatch(/was delivered by WO-first/);
  });

  it('stay with an order that needs a person for the network that both share, and one replay builds them once', async () => {
    site = await start();
    await site.misbehave({ on: 'make a network', says: 'not yours', ...forGood });
    const first = await site.submit(vmAndAddress('WO-first'));
    await reaches(first, 'waiting for a person', ({ status }) => status === 'held');
    const second = await site.submit(vmAndAddress('WO-second'));
    await reaches(second, 'at rest', rests);
    await site.behave();
    await pull(first, 'replay');
    await reaches(first, 'built', ({ status }) => status === 'completed');
    await reaches(second, 'at rest', rests);
    expect({ second: await standOf(second), living: await living() }).toEqual({
      second: { status: 'held', state: 'held' },
      living: { vm: 1, volume: 0, address: 1 },
    });
  });

  it('stay with an order that has failed and waits for a person before it is undone', async () => {
    site = await start();
    await site.misbehave({ on: 'create a VM', says: 'quota', ...forGood });
    const first = await site.submit(machineOnly('WO-first'));
    await reaches(first, 'failing', ({ state }) => state === 'failing');
    await site.behave();
    const second = await site.submit(machineOnly('WO-second'));
    await reaches(second, 'at rest', rests);
    await pull(first, 'replay');
    await reaches(first, 'built', ({ status }) => status === 'completed');
    expect({ second: await standOf(second), living: await living() }).toEqual({
      second: { status: 'held', state: 'held' },
      living: { vm: 1, volume: 0, address: 0 },
    });
  });

  it('are built by the second order once the first has ended and was undone', async () => {
    site = await start({ bundle: { policy: 'rollback', undoAfterMs: 0 } });
    await site.misbehave({ on: 'attach a disk', says: 'impossible', ...forGood });
    const first = await site.submit(everything('WO-first'));
    await reaches(first, 'undone', ({ status }) => status === 'failed');
    const [{ undone } = { undone: 0 }] = await site.query(
      `select count(*)::int as undone from work_order_item where order_id = '${first}' and status = 'compensated'`,
    );
    expect(undone).toBeGreaterThan(0);
    await site.behave();
    const second = await site.submit(everything('WO-second'));
    await reaches(second, 'at rest', rests);
    expect({ second: (await standOf(second)).status, living: await living() }).toEqual({
      second: 'completed',
      living: { vm: 1, volume: 1, address: 1 },
    });
  });

  it('are built by the second order when the first was cancelled, and its hold says that this helps', async () => {
    site = await start();
    await site.misbehave({ on: 'create a VM', says: 'quota', ...forGood });
    const first = await site.submit(vmAndAddress('WO-first'));
    await reaches(first, 'failing', ({ state }) => state === 'failing');
    const second = await site.submit(vmAndAddress('WO-second'));
    await reaches(second, 'at rest', rests);
    expect(await holdOf(second)).toMatch(/cancel WO-first.*resume this order/i);
    await site.behave();
    await pull(first, 'cancel');
    await reaches(first, 'cancelled', ({ status }) => status === 'cancelled');
    await pull(second, 'resume');
    await reaches(second, 'built', ({ status }) => status === 'completed');
    expect(await living()).toEqual({ vm: 1, volume: 0, address: 1 });
  });
});
