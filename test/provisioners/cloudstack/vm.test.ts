import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { openAccount } from '../../../src/provisioners/cloudstack/index.js';
import { deleteServiceOffering } from '../../../src/provisioners/cloudstack/offering-list.js';
import { carryOut, finished, handlerOf, newMarker, pause, requestFor } from '../../conformance/small-engine.js';
import { building } from './building.js';
import { anOrder } from '../an-order.js';

describe('a VM', () => {
  it('gets the root password of the order from 4.19 on', async () => {
    const { provisioner, task } = await building();
    const { found } = await carryOut(provisioner, task('vm.create'));
    expect(found.facts).toMatchObject({ passwordFrom: 'order', hostName: expect.stringMatching(/^MyHost-OMS1-ow-/) });
    expect(found.facts['privateIp']).toMatch(/^10\.0\./);
    expect(found.startedAt).toMatch(/Z$/);
  });

  it('of an older server gets it by its user data, and the one the server made is handed over as well', async () => {
    const { provisioner, task } = await building({ version: '4.13' });
    const { found, secrets } = await carryOut(provisioner, task('vm.create'));
    expect(found.facts['passwordFrom']).toBe('user-data');
    expect(secrets.rootPassword).toMatch(/./);
  });

  it('without a password in the order keeps the one the server made', async () => {
    const { provisioner, task } = await building({}, anOrder({ vm: { hasRootPassword: false } }));
    const { found, secrets } = await carryOut(provisioner, task('vm.create'));
    expect(found.facts['passwordFrom']).toBe('generated');
    expect(secrets.rootPassword).toMatch(/./);
  });

  it('whose password is no longer kept is left to a person', async () => {
    const { provisioner, task } = await building();
    const { rootPassword: _, ...without } = task('vm.create');
    await expect(carryOut(provisioner, without)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_SECRET_MISSING',
    });
  });

  it('that an attempt left behind under a forgotten request id is found by its name', async () => {
    const { provisioner, task, cloud } = await building();
    const marker = newMarker();
    const { found } = await carryOut(provisioner, task('vm.create'), marker);
    const again = requestFor(task('vm.create'), { marker, attempt: 2 });
    const handler = handlerOf(provisioner, 'vm.create');
    await expect(handler.send(again)).rejects.toMatchObject({ name: 'OutcomeUnknownError' });
    await expect(handler.find(again)).resolves.toEqual({ state: 'found', resourceId: found.resourceId, others: [] });
    expect(await cloud.alive(marker)).toHaveLength(1);
  });

  it('whose job fails for want of a host is broken, can be discarded, and is then built anew under its name', async () => {
    const { provisioner, task, cloud } = await building();
    await cloud.fault('deployVirtualMachine', 'job-fails', { errorcode: 533 });
    const handler = handlerOf(provisioner, 'vm.create');
    const request = requestFor(task('vm.create'));
    const sent = await handler.send(request);
    if (sent.state !== 'pending') throw new Error(sent.state);
    expect(await finished(provisioner, 'vm.create', sent.jobId)).toMatchObject({
      state: 'failed',
      disposition: 'retry',
      code: 'CLD_CAPACITY',
    });
    const vmId = sent.resourceId ?? '';
    await expect(handler.inspect(request, vmId)).resolves.toMatchObject({
      state: 'broken',
      code: 'CLD_RESOURCE_ERROR',
    });
    for (let step = 0; (await handler.discard(request, vmId)) !== 'gone' && step < 100; step += 1) await pause(20);
    const { found } = await carryOut(provisioner, task('vm.create'), request.marker);
    expect(found.resourceId).not.toBe(vmId);
    expect(await cloud.alive(request.marker)).toHaveLength(1);
  });

  it('of which the job lies is believed to be what it is', async () => {
    const { provisioner, task, cloud } = await building();
    await cloud.fault('deployVirtualMachine', 'job-lies-failed');
    const { found } = await carryOut(provisioner, task('vm.create'));
    expect(found.facts['vmId']).toBe(found.resourceId);
  });

  it('whose job vanishes is found all the same', async () => {
    const { provisioner, task, cloud } = await building();
    await cloud.fault('deployVirtualMachine', 'job-vanishes');
    const marker = newMarker();
    await carryOut(provisioner, task('vm.create'), marker);
    expect(await cloud.alive(marker)).toHaveLength(1);
  });

  it.each([
    ['malformed', {}],
    ['html', { afterEffect: true, status: 502 }],
    ['error', { afterEffect: true }],
    ['late', { delayMs: 4_500 }],
  ])('that was begun under an answer of no use (%s) is built once', async (kind, fields) => {
    const { provisioner, task, cloud } = await building({ settings: { requestTimeoutMs: 3_000 } });
    await cloud.fault('deployVirtualMachine', kind, fields);
    const marker = newMarker();
    const { lost } = await carryOut(provisioner, task('vm.create'), marker);
    expect(lost).toBe(1);
    expect(await cloud.alive(marker)).toHaveLength(1);
    expect((await cloud.calls())['deployVirtualMachine']).toBe(1);
  });

  it('hidden from the lists for a while is not built a second time', async () => {
    const { provisioner, task, cloud } = await building();
    await cloud.fault('deployVirtualMachine', 'lose-answer');
    await cloud.fault('listVirtualMachines', 'hide-from-lists', { hideMs: 60 });
    const marker = newMarker();
    await carryOut(provisioner, task('vm.create'), marker);
    expect(await cloud.alive(marker)).toHaveLength(1);
  });

  it('refused on a repeat for another reason than its name is refused, in the words of the cloud', async () => {
    const { provisioner, task, cloud } = await building();
    const { client } = openAccount(cloud.config);
    const offeringId = task('vm.create').inputs['serviceOfferingId'] ?? '';
    await deleteServiceOffering(client, offeringId);
    await client.close();
    const handler = handlerOf(provisioner, 'vm.create');
    const again = requestFor(task('vm.create'), { attempt: 2, earlierRequestIds: [randomUUID()] });
    await expect(handler.send(again)).rejects.toMatchObject({
      name: 'ProvisioningError',
      disposition: 'reject',
      code: 'CLD_PARAMETER',
      message: expect.stringContaining(`Service offering is inactive: [${offeringId}].`),
    });
  });

  it('refused on a repeat for another reason is looked up all the same when an earlier attempt has left something', async () => {
    const { provisioner, task, cloud } = await building();
    const marker = newMarker();
    const { found } = await carryOut(provisioner, task('vm.create'), marker);
    const text =
      'Zone is not configured to use local storage but disk offering AAA-local mapped in service offering uses it';
    await cloud.fault('deployVirtualMachine', 'error', { errorcode: 431, cserrorcode: 4350, errortext: text });
    const handler = handlerOf(provisioner, 'vm.create');
    const again = requestFor(task('vm.create'), { marker, attempt: 2 });
    await expect(handler.send(again)).rejects.toMatchObject({ name: 'OutcomeUnknownError' });
    await expect(handler.find(again)).resolves.toEqual({ state: 'found', resourceId: found.resourceId, others: [] });
  });

  it('that carries another marker is not deleted', async () => {
    const { provisioner, task, cloud } = await building();
    const { found } = await carryOut(provisioner, task('vm.create'));
    const marker = found.facts['marker'] ?? '';
    const stolen = task('vm.delete', { vmId: found.resourceId, marker: newMarker() });
    await expect(carryOut(provisioner, stolen)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_CONTRADICTION',
    });
    expect(await cloud.alive(marker)).toHaveLength(1);
  });
});
