import { describe, expect, it } from '@jest/globals';
import { carryOut, handlerOf, newMarker, pause, requestFor } from '../../conformance/small-engine.js';
import { aCloud, building } from './building.js';
import { anOrder } from '../an-order.js';
import { type Simulated, type SimulatedOptions } from './simulated.js';

const registering: SimulatedOptions = { settings: { registerTenants: 'first-order' } };
const onlyPersons: SimulatedOptions = { settings: { registerTenants: 'hold' } };

const accountsOf = async (cloud: Simulated): Promise<string[]> =>
  (await cloud.resources()).flatMap(({ kind, name }) => (kind === 'account' && name?.startsWith('ct_') ? [name] : []));

async function tenantTask(cloud: Simulated) {
  const resolution = await cloud.provisioner.resolve(anOrder());
  if (resolution.state === 'held') throw new Error(JSON.stringify(resolution));
  const [preparation] = resolution.preparations;
  return { operation: 'tenant.ensure' as const, settings: preparation?.settings ?? {}, inputs: {} };
}

describe('a user who was never registered in the data centre', () => {
  it('is registered as the first step: everything of his order waits for it and is made in his account', async () => {
    const { cloud, provisioner, resolution, task } = await building(registering);
    expect(resolution.preparations.map(({ key, needs }) => [key, needs])).toEqual([
      ['tenant/u1', undefined],
      ['default-network/u1', ['tenant/u1']],
      ['service-offering/1c-1024m-2mbit', undefined],
    ]);
    for (const { needs } of resolution.parts) expect(Object.values(needs)[0]).toContain('tenant/u1');

    const { found: vm } = await carryOut(provisioner, task('vm.create'));
    const { found: disk } = await carryOut(provisioner, task('ebs.create'));
    const { found: address } = await carryOut(provisioner, task('network.reserve'));
    const attach = task('ebs.attach', { ...disk.facts, vmId: vm.resourceId });
    await carryOut(provisioner, attach);
    const account = (await cloud.resources()).find(({ kind, name }) => kind === 'account' && name === 'ct_u1');
    const ofHis = (await cloud.resources()).filter(({ details }) => details['account'] === 'ct_u1').map(({ id }) => id);
    expect(account).toBeDefined();
    expect(ofHis).toEqual(expect.arrayContaining([vm.resourceId, disk.resourceId, address.resourceId]));
  });

  it('waits for a person where only persons may register', async () => {
    const cloud = await aCloud(onlyPersons);
    expect(await cloud.provisioner.resolve(anOrder())).toMatchObject({
      state: 'held',
      holds: [{ code: 'ORD_TENANT_UNKNOWN', message: expect.stringContaining('tenant_not_registered') }],
    });
    expect(await accountsOf(cloud)).toEqual([]);
  });

  it('works in the account of the platform where nobody is registered', async () => {
    const cloud = await aCloud();
    const resolution = await cloud.provisioner.resolve(anOrder());
    if (resolution.state === 'held') throw new Error('held');
    expect(resolution.preparations.map(({ kind }) => kind)).not.toContain('tenant');
  });
});

describe('a registration', () => {
  it('whose answer is lost is found, and made once', async () => {
    const cloud = await aCloud(registering);
    await cloud.fault('createAccount', 'lose-answer');
    const { lost, found } = await carryOut(cloud.provisioner, await tenantTask(cloud));
    expect(lost).toBe(1);
    expect(await accountsOf(cloud)).toEqual(['ct_u1']);
    expect(found.facts).toMatchObject({ tenantAccount: 'ct_u1' });
  });

  it('whose keys are made without an answer makes them anew', async () => {
    const cloud = await aCloud(registering);
    await cloud.fault('registerUserKeys', 'lose-answer');
    const { lost } = await carryOut(cloud.provisioner, await tenantTask(cloud));
    expect(lost).toBe(1);
    expect((await cloud.calls())['registerUserKeys']).toBe(2);
  });

  it('asked for by two workers at once is one', async () => {
    const cloud = await aCloud(registering);
    const task = await tenantTask(cloud);
    const [one, other] = await Promise.all([carryOut(cloud.provisioner, task), carryOut(cloud.provisioner, task)]);
    expect(one.found).toEqual(other.found);
    expect(await accountsOf(cloud)).toEqual(['ct_u1']);
  });

  it('is found again by every later order, and taken away by none but the one that made it', async () => {
    const cloud = await aCloud(registering);
    const task = await tenantTask(cloud);
    const { found } = await carryOut(cloud.provisioner, task);
    const before = (await cloud.calls())['registerUserKeys'];
    const again = await carryOut(cloud.provisioner, task, newMarker());
    expect(again.found.resourceId).toBe(found.resourceId);
    const handler = handlerOf(cloud.provisioner, 'tenant.ensure');
    await expect(handler.discard(requestFor(task), found.resourceId)).rejects.toMatchObject({
      disposition: 'ask-human',
    });
    expect(before).toBe(1);
  });

  it('that is discarded takes its account away', async () => {
    const cloud = await aCloud(registering);
    const task = await tenantTask(cloud);
    const marker = newMarker();
    const { found } = await carryOut(cloud.provisioner, task, marker);
    const handler = handlerOf(cloud.provisioner, 'tenant.ensure');
    const request = requestFor(task, { marker });
    for (let step = 0; (await handler.discard(request, found.resourceId)) !== 'gone' && step < 100; step += 1) {
      await pause(20);
    }
    expect(await accountsOf(cloud)).toEqual([]);
  });
});

describe("another tenant's things", () => {
  it('cannot be named in an order: key pair, snapshot and network are not found', async () => {
    const { cloud, provisioner, task } = await building(registering);
    const { found } = await carryOut(provisioner, task('vm.create'));
    const network = (await cloud.resources()).find(({ kind }) => kind === 'network');
    expect(found.resourceId).toMatch(/./);
    const order = anOrder({ vm: { networkId: network?.id ?? '' } });
    const stranger = { ...order, order: { ...order.order, userId: 'u2' } };
    expect(await provisioner.resolve(stranger)).toMatchObject({
      state: 'held',
      holds: [{ message: expect.stringContaining('network_not_found') }, {}],
    });
    expect(await provisioner.resolve(order)).toMatchObject({ state: 'resolved' });
  });
});
