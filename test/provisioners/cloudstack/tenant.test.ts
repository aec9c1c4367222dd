import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { createAccount } from '../../../src/provisioners/cloudstack/accounts.js';
import { cloudstack, openAccount } from '../../../src/provisioners/cloudstack/index.js';
import { TenantSettings } from '../../../src/provisioners/cloudstack/tenant.js';
import { createVolume } from '../../../src/provisioners/cloudstack/volumes.js';
import { carryOut, handlerOf, newMarker, pause, requestFor } from '../../conformance/small-engine.js';
import { aCloud, building } from './building.js';
import { anOrder } from '../an-order.js';
import { type Simulated, type SimulatedOptions } from './simulated.js';

const registering: SimulatedOptions = { settings: { registerTenants: 'first-order' } };
const onlyPersons: SimulatedOptions = { settings: { registerTenants: 'hold' } };

const accountsOf = async (cloud: Simulated): Promise<string[]> =>
  (await cloud.resources()).flatMap(({ kind, name }) => (kind === 'account' && name?.startsWith('ct_') ? [name] : []));

async function tenantTask(cloud: Simulated, userId = 'u1') {
  const { order, ...rest } = anOrder();
  const resolution = await cloud.provisioner.resolve({ ...rest, order: { ...order, userId } });
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

describe('an account that takes its time, and is seen by nobody until it is made', () => {
  const impatient = (slowRequestTimeoutMs: number): SimulatedOptions => ({
    settings: { registerTenants: 'first-order', requestTimeoutMs: 1_500, slowRequestTimeoutMs },
  });

  it('longer than any patience is made once', async () => {
    const cloud = await aCloud(impatient(1_500));
    await cloud.takes('createAccount', 3_000);
    const { lost } = await carryOut(cloud.provisioner, await tenantTask(cloud));
    expect(lost).toBeGreaterThan(0);
    await pause(7_000);
    expect(await accountsOf(cloud)).toEqual(['ct_u1']);
  });

  it('is asked for once, and is waited for longer than anything else: for four new users at once one after the other', async () => {
    const cloud = await aCloud(impatient(60_000));
    const users = ['u1', 'u2', 'u3', 'u4'];
    const tasks = await Promise.all(users.map((userId) => tenantTask(cloud, userId)));
    await cloud.takes('createAccount', 1_800);
    const outcomes = await Promise.all(tasks.map((task) => carryOut(cloud.provisioner, task)));
    expect(outcomes.map(({ lost }) => lost)).toEqual([0, 0, 0, 0]);
    expect((await cloud.calls())['createAccount']).toBe(4);
    expect((await accountsOf(cloud)).toSorted()).toEqual(['ct_u1', 'ct_u2', 'ct_u3', 'ct_u4']);
  });

  it('for four new users of workers that all lose patience, and each taken up by another worker, is made once for each', async () => {
    const cloud = await aCloud(impatient(1_500));
    const other = cloudstack(cloud.config);
    const users = ['u1', 'u2', 'u3', 'u4'];
    const tasks = await Promise.all(users.map((userId) => tenantTask(cloud, userId)));
    await cloud.takes('createAccount', 1_000);
    await Promise.all(
      tasks.flatMap((task) => {
        const marker = newMarker();
        return [carryOut(cloud.provisioner, task, marker), carryOut(other, task, marker)];
      }),
    );
    await pause(6_000);
    await other.close();
    expect((await accountsOf(cloud)).toSorted()).toEqual(['ct_u1', 'ct_u2', 'ct_u3', 'ct_u4']);
  });

  it('cannot be made twice whatever is still under way: an absence is guarded', async () => {
    const cloud = await aCloud(registering);
    const request = requestFor(await tenantTask(cloud));
    const handler = handlerOf(cloud.provisioner, 'tenant.ensure');
    await expect(handler.find(request)).resolves.toEqual({ state: 'absent', guarded: true });
  });

  it('that was removed again is made anew by the same registration, whose ids are never free again', async () => {
    const cloud = await aCloud(registering);
    const task = await tenantTask(cloud);
    const marker = newMarker();
    const handler = handlerOf(cloud.provisioner, 'tenant.ensure');
    const request = requestFor(task, { marker });
    const made: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { found } = await carryOut(cloud.provisioner, task, marker);
      made.push(found.resourceId);
      for (let step = 0; (await handler.discard(request, found.resourceId)) !== 'gone' && step < 100; step += 1) {
        await pause(20);
      }
    }
    expect(new Set(made).size).toBe(3);
    expect(await accountsOf(cloud)).toEqual([]);
  });
});

describe('two accounts of one name, which the cloud allows when both are asked for at once', () => {
  async function twins(marker: string) {
    const cloud = await aCloud(registering);
    const task = await tenantTask(cloud);
    await cloud.takes('createAccount', 1_000);
    const { client } = openAccount(cloud.config);
    const wanted = {
      username: 'ct_u1',
      accountName: 'ct_u1',
      domainId: TenantSettings.parse(task.settings).domainId,
      password: 'p',
      email: 'a@tenant.invalid',
      firstName: 'Orderwright',
      lastName: marker,
      type: 'user' as const,
    };
    const made = await Promise.all([createAccount(client, wanted), createAccount(client, wanted)]);
    return { cloud, task, client, ids: made.map(({ id }) => id) };
  }

  it('are both found: one is worked in, the other is named', async () => {
    const marker = newMarker();
    const { cloud, task, client, ids } = await twins(marker);
    const handler = handlerOf(cloud.provisioner, 'tenant.ensure');
    const request = requestFor(task, { marker });
    await expect(handler.send(request)).rejects.toMatchObject({ name: 'OutcomeUnknownError' });
    const finding = await handler.find(request);
    if (finding.state !== 'found') throw new Error(finding.state);
    expect([finding.resourceId, ...finding.others].toSorted()).toEqual(ids.toSorted());
    await expect(handler.inspect(request, finding.resourceId)).resolves.toMatchObject({ state: 'next', stage: 'keys' });
    await client.close();
  });

  it('both go when the registration is taken back', async () => {
    const marker = newMarker();
    const { cloud, task, client } = await twins(marker);
    const { found } = await carryOut(cloud.provisioner, task, marker);
    await carryOut(cloud.provisioner, { operation: 'tenant.remove', settings: {}, inputs: found.facts });
    expect(await accountsOf(cloud)).toEqual([]);
    await client.close();
  });

  it('both stay while something of value is in either of them', async () => {
    const marker = newMarker();
    const { cloud, task, client } = await twins(marker);
    const { found } = await carryOut(cloud.provisioner, task, marker);
    const owner = { account: 'ct_u1', domainId: TenantSettings.parse(task.settings).domainId };
    const [zone] = await client.list('listZones', {}, 'zone', z.object({ id: z.string() }));
    const offerings = z.object({ id: z.string(), iscustomized: z.boolean() });
    const fixed = (await client.list('listDiskOfferings', {}, 'diskoffering', offerings)).find(
      (one) => !one.iscustomized,
    );
    const source = { diskOfferingId: fixed?.id ?? '' };
    await createVolume(client, { name: 'd', zoneId: zone?.id ?? '', source, owner }, randomUUID());
    const task2 = { operation: 'tenant.remove' as const, settings: {}, inputs: found.facts };
    await expect(carryOut(cloud.provisioner, task2)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_IN_USE',
    });
    expect(await accountsOf(cloud)).toHaveLength(2);
    await client.close();
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
