import { afterEach, describe, expect, it } from '@jest/globals';
import type { Lever } from '../../src/machines/levers.js';
import { cloudKinds } from '../support/clouds.js';
import { bought, CloudSite, sitePlatformId } from '../support/cloud-site.js';

const nothing = { vm: 0, volume: 0, address: 0 };
const quota = { says: 'quota', times: 50 } as const;
const refuse = { says: 'not yours', times: 50 } as const;
const ann = { actor: 'ann', seenRevision: null };
const lever = (act: 'cancel' | 'replay' | 'hold' | 'resume'): Lever => ({ act, reason: 'because' });

/** A VM, a disk and an address on a simulated cloud: what goes wrong is undone, and nothing is left. */
describe.each(cloudKinds)('on %s, an order that is undone', (cloud) => {
  let site: CloudSite;
  afterEach(() => site.stop());

  const itemEvents = async () =>
    (await site.query(`select type, item_index as item from event where type ~ '^item\\.(completed|failed|cancelled|compensated)'
                         order by sequence`)) as { type: string; item: number }[];

  const vmIsAskedFor = async () => {
    for (let i = 0; i < 1_500; i++) {
      const [row] = await site.query(`select from cloud_operation where name = 'vm.create' and state = 'inFlight'`);
      if (row) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('no VM was asked for');
  };

  it("leaves nothing on the cloud when its disk is refused, and says each line's last word once", async () => {
    site = await CloudSite.start({ cloud, bundle: { policy: 'rollback', undoAfterMs: 0 } });
    await site.misbehave({ on: 'create a disk', ...quota });
    await site.submit();
    await site.until('failed', ({ status }) => status === 'failed');
    const { items, alive } = await site.outcome();
    expect({ items, alive: bought(alive) }).toEqual({
      items: [expect.any(String), 'failed', expect.any(String)],
      alive: nothing,
    });
    expect((await itemEvents()).map(({ item }) => item)).toEqual([0, 1, 2]);
  });

  it('waits for a person first, and is completed by a replay after the quota was raised', async () => {
    site = await CloudSite.start({ cloud, bundle: { policy: 'rollback', undoAfterMs: 600_000 } });
    await site.misbehave({ on: 'create a disk', ...quota });
    const orderId = await site.submit();
    await site.until('failing', ({ state }) => state === 'failing');
    await site.behave();
    const said = await site.worker.levers.forecast(orderId, lever('replay'));
    expect(said.lines.map(({ what }) => what)).toContain('repeated');
    await site.worker.levers.pull(orderId, lever('replay'), ann);
    await site.until('completed', ({ status }) => status === 'completed');
    expect(bought((await site.outcome()).alive)).toEqual({ vm: 1, volume: 1, address: 1 });
  });

  it('keeps its master alone when that is what was agreed', async () => {
    site = await CloudSite.start({ cloud, bundle: { policy: 'keep-master', undoAfterMs: 0 } });
    await site.misbehave({ on: 'create a disk', ...quota });
    await site.submit();
    await site.until('partial', ({ status }) => status === 'partial');
    const { items, alive } = await site.outcome();
    expect({ items, alive: bought(alive) }).toEqual({
      items: ['completed', 'failed', 'compensated'],
      alive: { ...nothing, vm: 1 },
    });
  });

  it('is gone from the cloud when it is cancelled while jobs run', async () => {
    site = await CloudSite.start({ cloud, latencyMs: { min: 150, max: 300 } });
    const orderId = await site.submit();
    await vmIsAskedFor();
    const said = await site.worker.levers.pull(orderId, lever('cancel'), ann);
    expect(said.outcome.ends).toBe('cancelled');
    await site.until('cancelled', ({ status }) => status === 'cancelled');
    expect(bought((await site.outcome()).alive)).toEqual(nothing);
  });

  it('says what the cloud will not remove, and is cancelled once that is gone', async () => {
    site = await CloudSite.start({ cloud, latencyMs: { min: 150, max: 300 } });
    const orderId = await site.submit();
    await vmIsAskedFor();
    await site.misbehave({ on: 'destroy a VM', ...refuse });
    await site.worker.levers.pull(orderId, lever('cancel'), ann);
    await site.until('stuck', ({ state }) => state === 'undoStuck');
    const { status, alive } = await site.outcome();
    expect({ status, alive: bought(alive) }).toEqual({ status: 'compensating', alive: { ...nothing, vm: 1 } });
    const vm = alive.find(({ kind }) => kind === 'vm');
    expect(await site.query('select resource_id, why, state from orphan')).toEqual([
      { resource_id: vm?.id, why: 'undo', state: 'found' },
    ]);
    await site.behave();
    await site.worker.levers.pull(orderId, lever('replay'), ann);
    await site.until('cancelled', ({ status: now }) => now === 'cancelled');
    expect(bought((await site.outcome()).alive)).toEqual(nothing);
    expect(await site.query('select state from orphan')).toEqual([{ state: 'destroyed' }]);
  });

  it('has what is left over removed by the worker when a person says so, and what bears another marker left alone', async () => {
    site = await CloudSite.start({ cloud });
    const orderId = await site.submit();
    await site.until('completed', ({ status }) => status === 'completed');
    const [disk] = (await site.resources()).filter(({ kind }) => kind === 'volume');
    const [operation] = await site.query(`select marker from cloud_operation where name = 'ebs.create'`);
    const plant = (resourceId: string, marker: string) =>
      site.query(`insert into orphan (platform_id, resource_id, operation, marker, order_id, found_at, changed_at)
        values ('${sitePlatformId}', '${resourceId}', 'ebs.create', '${marker}', '${orderId}', now(), now() - interval '1 hour')`);
    await plant('nobody', String(operation?.['marker']));
    const decision = { actor: 'ann', reason: 'left over', tenant: null };
    await site.worker.orphans.destroy(sitePlatformId, 'nobody', decision, false);
    await site.query(`update orphan set changed_at = now() - interval '1 hour'`);
    await site.until('destroyed', () => true);
    for (let i = 0; i < 500; i++) {
      const [row] = await site.query(`select state from orphan where resource_id = 'nobody'`);
      if (row?.['state'] === 'destroyed') break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await site.query('select resource_id, state from orphan')).toEqual([
      { resource_id: 'nobody', state: 'destroyed' },
    ]);
    expect((await site.resources()).map(({ id }) => id)).toContain(disk?.id);
    expect(await site.query(`select action, actor from audit`)).toEqual([{ action: 'orphans.destroy', actor: 'ann' }]);
  });
});

/** Nova takes a server away in any state; CloudStack does not, and is waited for. */
describe('on openstack, an order whose VM is never built to its end', () => {
  let site: CloudSite;
  afterEach(() => site.stop());

  it('is cancelled at once, and its half-built VM is gone', async () => {
    site = await CloudSite.start({ cloud: 'openstack' });
    await site.misbehave({ on: 'create a VM', kind: 'job-never-ends', times: 1 });
    const orderId = await site.submit();
    for (let i = 0; i < 1_500; i++) {
      const [row] = await site.query(`select from cloud_operation where name = 'vm.create' and state = 'inFlight'`);
      if (row) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await site.worker.levers.pull(orderId, lever('cancel'), ann);
    await site.until('cancelled', ({ status }) => status === 'cancelled');
    expect(bought((await site.outcome()).alive)).toEqual(nothing);
  });
});
