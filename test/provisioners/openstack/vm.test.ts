import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { OperationRequest } from '../../../src/provisioners/provisioner.js';
import {
  carryOut,
  finished,
  handlerOf,
  newMarker,
  pause,
  requestFor,
  sendThrough,
} from '../../conformance/small-engine.js';
import { anOrder } from '../an-order.js';
import { stopServer } from '../../../src/provisioners/openstack/server-actions.js';
import { building } from './building.js';
import type { Simulated } from './simulated.js';

/** Ports that are not the network's own. */
const portsOn = async (cloud: Simulated) => (await cloud.resources()).filter(({ kind }) => kind === 'port');

const withoutPassword = anOrder({ vm: { hasRootPassword: false } });

describe('a VM', () => {
  it('boots from a volume of the ordered size and type, in the tenant’s project, marked twice', async () => {
    const { cloud, provisioner, task, inputs } = await building();
    const marker = newMarker();
    const { found } = await carryOut(provisioner, task('vm.create'), marker);
    expect(found.facts).toMatchObject({
      vmId: found.resourceId,
      marker,
      passwordFrom: 'order',
      hostName: 'MyHost-OMS1',
    });
    expect(found.facts['privateIp']).toMatch(/^10\.0\./);
    expect(found.startedAt).toMatch(/Z$/);
    const vm = (await cloud.resources()).find(({ id }) => id === found.resourceId);
    expect(vm?.details).toMatchObject({
      projectId: inputs['projectId'],
      cpuNumber: 1,
      memoryMib: 1024,
      rootDiskGib: 40,
      rootVolumeType: 'SATA',
      availabilityZone: 'az1',
      metadata: { 'orderwright-marker': marker },
      tags: [marker],
      networkIds: [inputs['networkId']],
    });
  });

  it('boots from its image when the flavor has that disk and no kind of disk was sold with it', async () => {
    const { cloud, provisioner, task } = await building({ settings: { volumeTypes: { SATA: null } } });
    const { found } = await carryOut(provisioner, task('vm.create'));
    const vm = (await cloud.resources()).find(({ id }) => id === found.resourceId);
    expect(vm?.details).toMatchObject({ rootVolumeId: null, rootDiskGib: 40 });
  });

  it('without a password in the order hands over the one that Nova made', async () => {
    const { provisioner, task } = await building({ request: withoutPassword });
    const { rootPassword: _, ...nothingKept } = task('vm.create');
    const { found, secrets } = await carryOut(provisioner, nothingKept);
    expect(found.facts['passwordFrom']).toBe('generated');
    expect(secrets.rootPassword).toMatch(/./);
  });

  it('without a password in the order gets the one that planning has kept for it', async () => {
    const { provisioner, task } = await building({ request: withoutPassword });
    const { secrets } = await carryOut(provisioner, { ...task('vm.create'), rootPassword: 'kept-by-Planning-1' });
    expect(secrets.rootPassword).toBe('kept-by-Planning-1');
  });

  it('whose password is no longer kept is left to a person', async () => {
    const { provisioner, task } = await building();
    const { rootPassword: _, ...without } = task('vm.create');
    await expect(carryOut(provisioner, without)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_SECRET_MISSING',
    });
  });

  it('that no host can take says so, is broken, can be discarded, and is then built anew', async () => {
    const { cloud, provisioner, task } = await building();
    await cloud.fault('nova.servers.create', 'job-fails');
    const handler = handlerOf(provisioner, 'vm.create');
    const { sent, request } = await sendThrough(handler, requestFor(task('vm.create')));
    if (sent.state !== 'pending') throw new Error(sent.state);
    const report = await finished(provisioner, 'vm.create', sent.jobId);
    expect(report).toMatchObject({ state: 'failed', disposition: 'retry', message: expect.stringMatching(/ERROR: ./) });
    const vmId = sent.resourceId ?? '';
    await expect(handler.inspect(request, vmId)).resolves.toMatchObject({
      state: 'broken',
      code: 'CLD_RESOURCE_ERROR',
    });
    for (let step = 0; (await handler.discard(request, vmId)) !== 'gone' && step < 200; step += 1) await pause(20);
    const { found } = await carryOut(provisioner, task('vm.create'), request.marker);
    expect(found.resourceId).not.toBe(vmId);
    expect((await cloud.alive(request.marker)).map(({ id }) => id)).toEqual([found.resourceId]);
  });

  it('that is off is started, for it was bought running', async () => {
    const { cloud, provisioner, task, scope } = await building();
    const marker = newMarker();
    const { found } = await carryOut(provisioner, task('vm.create'), marker);
    const { jobId } = await stopServer(cloud.account.client, scope, found.resourceId);
    expect(await finished(provisioner, 'vm.create', jobId ?? '')).toMatchObject({ state: 'succeeded' });
    const handler = handlerOf(provisioner, 'vm.create');
    const request = requestFor(task('vm.create'), { marker });
    const seen = await handler.inspect(request, found.resourceId);
    expect(seen).toMatchObject({ state: 'next', stage: 'start', memo: { vmId: found.resourceId } });
    if (seen.state !== 'next') return;
    const sent = await handler.send({ ...request, stage: seen.stage, memo: seen.memo });
    if (sent.state !== 'pending') throw new Error(sent.state);
    expect(await finished(provisioner, 'vm.create', sent.jobId)).toMatchObject({ state: 'succeeded' });
    await expect(handler.inspect(request, found.resourceId)).resolves.toMatchObject({ state: 'ready' });
  });

  it.each([
    ['malformed', {}],
    ['html', { afterEffect: true, status: 502 }],
    ['error', { afterEffect: true }],
  ])('that was begun under an answer of no use (%s) is built once', async (kind, fields) => {
    const { cloud, provisioner, task } = await building();
    await cloud.fault('nova.servers.create', kind, fields);
    const marker = newMarker();
    const { lost } = await carryOut(provisioner, task('vm.create'), marker);
    expect(lost).toBe(1);
    expect(await cloud.alive(marker)).toHaveLength(1);
    expect((await cloud.calls())['nova.servers.create']).toBe(1);
  });

  it('cannot be made where servers cannot be marked when they are made', async () => {
    const { provisioner, task } = await building({ computeMaximum: '2.51' });
    await expect(carryOut(provisioner, task('vm.create'))).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_UNSUPPORTED',
      message: expect.stringContaining('2.52'),
    });
  });

  it('that carries another marker is not deleted', async () => {
    const { cloud, provisioner, task } = await building();
    const { found } = await carryOut(provisioner, task('vm.create'));
    const marker = found.facts['marker'] ?? '';
    const stolen = task('vm.delete', { vmId: found.resourceId, marker: newMarker() });
    await expect(carryOut(provisioner, stolen)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_CONTRADICTION',
    });
    expect(await cloud.alive(marker)).toHaveLength(1);
  });

  it('stands on a port made beforehand, which carries its security group and goes with it', async () => {
    const { cloud, provisioner, task, inputs, scope } = await building();
    const { found } = await carryOut(provisioner, task('vm.create'));
    const { account } = cloud;
    const Ports = z.object({ ports: z.array(z.object({ id: z.string(), security_groups: z.array(z.string()) })) });
    const query = { device_id: found.resourceId };
    const { ports } = await account.client.read({ service: 'network', scope, path: '/ports', query }, Ports);
    expect(ports).toMatchObject([{ security_groups: [inputs['securityGroupId']] }]);
    await carryOut(provisioner, task('vm.delete', found.facts));
    expect(await portsOn(cloud)).toEqual([]);
  });

  it('whose port was made twice, since its answer was lost, has one card, and leaves none behind', async () => {
    const { cloud, provisioner, task } = await building();
    const marker = newMarker();
    const handler = handlerOf(provisioner, 'vm.create');
    await handler.send(requestFor(task('vm.create'), { marker }));
    await handler.send(requestFor(task('vm.create'), { marker }));
    expect(await portsOn(cloud)).toHaveLength(2);
    const { found } = await carryOut(provisioner, task('vm.create'), marker);
    const vm = (await cloud.resources()).find(({ id }) => id === found.resourceId);
    expect(vm?.details['portIds']).toHaveLength(1);
    await carryOut(provisioner, task('vm.delete', found.facts));
    expect(await portsOn(cloud)).toEqual([]);
  });

  it('where ports may not be made beforehand gets its card from Nova, and an absence is not guarded', async () => {
    const { cloud, provisioner, task, scope } = await building();
    const refusal = { status: 403, errortext: 'rule:create_port is disallowed by policy' };
    await cloud.fault('neutron.ports.create', 'error', refusal);
    const { found } = await carryOut(provisioner, task('vm.create'));
    expect(found.facts['privateIp']).toMatch(/^10\.0\./);
    expect(scope).not.toBeNull();
    await cloud.fault('neutron.ports.create', 'error', refusal);
    const handler = handlerOf(provisioner, 'vm.create');
    const first = await handler.send(requestFor(task('vm.create')));
    if (first.state !== 'next') throw new Error(first.state);
    const request = requestFor(task('vm.create'), { stage: first.stage, memo: first.memo, attempt: 2 });
    expect(await handler.find(request)).toEqual({ state: 'absent' });
  });

  it('for which the tenant may have no more ports is refused for good, before anything of it is made', async () => {
    const { cloud, provisioner, task, inputs } = await building();
    const { setQuotas } = await import('../../../src/provisioners/openstack/quotas.js');
    await setQuotas(cloud.account.client, inputs['projectId'] ?? '', { network: { port: 0 } });
    const quota = { disposition: 'reject', code: 'CLD_QUOTA' };
    await expect(carryOut(provisioner, task('vm.create'))).rejects.toMatchObject(quota);
    // As Nova says it where it makes the card.
    await cloud.fault('neutron.ports.create', 'error', { status: 403, errortext: 'rule:create_port is disallowed' });
    await expect(carryOut(provisioner, task('vm.create'))).rejects.toMatchObject(quota);
    expect(await portsOn(cloud)).toEqual([]);
  });

  it('whose port somebody has deleted is asked for again on a new one', async () => {
    const { cloud, provisioner, task, scope } = await building();
    const marker = newMarker();
    const beforeSend = async ({ stage, memo }: OperationRequest) => {
      if (stage !== 'server' || (await portsOn(cloud)).length === 0 || deleted) return;
      deleted = true;
      const path = `/ports/${memo['ports'] ?? ''}`;
      await cloud.account.client.change({ service: 'network', scope, method: 'DELETE', path }, z.unknown());
    };
    let deleted = false;
    await carryOut(provisioner, task('vm.create'), marker, { beforeSend });
    expect(await cloud.alive(marker)).toHaveLength(1);
    expect(await portsOn(cloud)).toHaveLength(1);
  });

  it('of a tenant whose quota is used up is refused for good', async () => {
    const { cloud, provisioner, task, inputs } = await building();
    const { setQuotas } = await import('../../../src/provisioners/openstack/quotas.js');
    await setQuotas(cloud.account.client, inputs['projectId'] ?? '', { compute: { instances: 0 } });
    await expect(carryOut(provisioner, task('vm.create'))).rejects.toMatchObject({
      disposition: 'reject',
      code: 'CLD_QUOTA',
    });
  });
});
