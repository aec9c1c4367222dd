import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { carryOut, finished, handlerOf, newMarker, requestFor } from '../../conformance/small-engine.js';
import { building } from './building.js';

/** A tenant with a VM, a disk and an address, not put together yet. */
async function built() {
  const base = await building();
  const { provisioner, task } = base;
  const vm = (await carryOut(provisioner, task('vm.create'))).found.facts;
  const disk = (await carryOut(provisioner, task('ebs.create'))).found.facts;
  const address = (await carryOut(provisioner, task('network.reserve'))).found.facts;
  return { ...base, vm, disk, address };
}

describe('a disk', () => {
  it('has the ordered size and type, and hangs on its VM when it is attached', async () => {
    const { cloud, provisioner, task, vm, disk } = await built();
    const { found } = await carryOut(provisioner, task('ebs.attach', { ...disk, vmId: vm['vmId'] ?? '' }));
    expect(found.facts).toMatchObject({ volumeId: disk['volumeId'], device: expect.stringMatching(/^\/dev\//) });
    const volume = (await cloud.resources()).find(({ id }) => id === disk['volumeId']);
    expect(volume).toMatchObject({ state: 'in-use', attachedTo: vm['vmId'], details: { sizeGib: 80, type: 'SATA' } });
  });

  it('that could not be attached is free again, and its job has failed', async () => {
    const { cloud, provisioner, task, vm, disk } = await built();
    await cloud.fault('nova.volume_attachments.create', 'job-fails');
    const request = requestFor(task('ebs.attach', { ...disk, vmId: vm['vmId'] ?? '' }));
    const handler = handlerOf(provisioner, 'ebs.attach');
    const sent = await handler.send(request);
    if (sent.state !== 'pending') throw new Error(sent.state);
    expect(await finished(provisioner, 'ebs.attach', sent.jobId)).toMatchObject({
      state: 'failed',
      disposition: 'retry',
    });
    await expect(handler.inspect(request, disk['volumeId'] ?? '')).resolves.toEqual({ state: 'absent' });
  });

  it('for which Cinder has no room says so in Cinder’s own words, and is worth another try', async () => {
    const { cloud, provisioner, task } = await building();
    await cloud.fault('cinder.volumes.create', 'job-fails');
    const request = requestFor(task('ebs.create'));
    const sent = await handlerOf(provisioner, 'ebs.create').send(request);
    if (sent.state !== 'pending') throw new Error(sent.state);
    expect(await finished(provisioner, 'ebs.create', sent.jobId)).toMatchObject({
      state: 'failed',
      disposition: 'retry',
      code: 'CLD_CAPACITY',
      message: expect.stringMatching(/backend/),
    });
  });

  it('that still hangs on a VM is not deleted yet', async () => {
    const { provisioner, task, vm, disk } = await built();
    await carryOut(provisioner, task('ebs.attach', { ...disk, vmId: vm['vmId'] ?? '' }));
    await expect(handlerOf(provisioner, 'ebs.delete').send(requestFor(task('ebs.delete', disk)))).rejects.toMatchObject(
      {
        disposition: 'retry',
        code: 'CLD_IN_USE',
      },
    );
  });

  it('of somebody else is neither detached nor deleted', async () => {
    const { cloud, provisioner, task, disk } = await built();
    const stolen = { ...disk, marker: newMarker() };
    await expect(carryOut(provisioner, task('ebs.delete', stolen))).rejects.toMatchObject({ disposition: 'ask-human' });
    expect(await cloud.alive(disk['marker'] ?? '')).toHaveLength(1);
  });
});

describe('a public address', () => {
  it('has the policy of its bandwidth, and is bound to the card of its VM', async () => {
    const { cloud, provisioner, task, vm, address, inputs } = await built();
    expect(address).toMatchObject({
      bandwidthMbps: '2',
      ipAddress: expect.stringMatching(/^(203\.0\.113|198\.1[89])\./),
    });
    await carryOut(provisioner, task('network.bind', { ...address, vmId: vm['vmId'] ?? '' }));
    const { FloatingIpRead } = await import('../../../src/provisioners/openstack/schema.js');
    const call = { service: 'network', path: `/floatingips/${address['addressId']}` } as const;
    const { floatingip } = await cloud.account.client.read(call, FloatingIpRead);
    expect(floatingip).toMatchObject({ qos_policy_id: inputs['qosPolicyId'], project_id: inputs['projectId'] });
    expect(floatingip.port_id).not.toBeNull();
  });

  it('that the network could not wire is not delivered, and can be bound once more', async () => {
    const { cloud, provisioner, task, vm, address } = await built();
    await cloud.fault('neutron.floatingips.update', 'job-fails');
    const bind = task('network.bind', { ...address, vmId: vm['vmId'] ?? '' });
    const handler = handlerOf(provisioner, 'network.bind');
    const sent = await handler.send(requestFor(bind));
    if (sent.state !== 'pending') throw new Error(sent.state);
    expect(await finished(provisioner, 'network.bind', sent.jobId)).toMatchObject({
      state: 'failed',
      disposition: 'retry',
      message: expect.stringMatching(/could not wire/),
    });
    const id = address['addressId'] ?? '';
    await expect(handler.inspect(requestFor(bind), id)).resolves.toMatchObject({ state: 'broken' });
    expect(await handler.discard(requestFor(bind), id)).toBe('in-progress');
    while ((await handler.discard(requestFor(bind), id)) !== 'gone') await sleep(5);
    await carryOut(provisioner, bind);
    const bound = (await cloud.resources()).find((one) => one.id === id);
    expect(bound).toMatchObject({ state: 'ACTIVE', attachedTo: vm['vmId'] });
  });

  it('that lost its bandwidth policy is not bound, and is bound once more with it', async () => {
    const { cloud, provisioner, task, vm, address, inputs, scope } = await built();
    const bind = task('network.bind', { ...address, vmId: vm['vmId'] ?? '' });
    await carryOut(provisioner, bind);
    const { Anything, FloatingIpRead } = await import('../../../src/provisioners/openstack/schema.js');
    const call = { service: 'network', scope, path: `/floatingips/${address['addressId']}` } as const;
    // Any change by anybody that does not name it.
    const body = { floatingip: { description: address['marker'] ?? '' } };
    await cloud.account.client.change({ ...call, method: 'PUT', body }, Anything);
    const handler = handlerOf(provisioner, 'network.bind');
    expect((await handler.find(requestFor(bind))).state).toBe('absent');
    await expect(handler.inspect(requestFor(bind), address['addressId'] ?? '')).resolves.toEqual({ state: 'absent' });
    await carryOut(provisioner, bind);
    const { floatingip } = await cloud.account.client.read(call, FloatingIpRead);
    expect(floatingip.qos_policy_id).toBe(inputs['qosPolicyId']);
  });

  it('that serves one machine is not taken away for another', async () => {
    const { provisioner, task, vm, address } = await built();
    await carryOut(provisioner, task('network.bind', { ...address, vmId: vm['vmId'] ?? '' }));
    const second = (await carryOut(provisioner, task('vm.create'))).found.facts;
    await expect(
      carryOut(provisioner, task('network.bind', { ...address, vmId: second['vmId'] ?? '' })),
    ).rejects.toMatchObject({ disposition: 'ask-human', code: 'CLD_CONTRADICTION' });
  });

  it('of somebody else is neither unbound nor released', async () => {
    const { cloud, provisioner, task, vm, address } = await built();
    await carryOut(provisioner, task('network.bind', { ...address, vmId: vm['vmId'] ?? '' }));
    const stolen = { ...address, marker: newMarker() };
    for (const operation of ['network.unbind', 'network.release'] as const) {
      await expect(carryOut(provisioner, task(operation, stolen))).rejects.toMatchObject({ disposition: 'ask-human' });
    }
    expect(await cloud.alive(address['marker'] ?? '')).toHaveLength(1);
  });
});
