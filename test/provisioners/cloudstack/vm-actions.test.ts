import { describe, expect, it } from '@jest/globals';
import { createServiceOffering } from '../../../src/provisioners/cloudstack/offering-list.js';
import { createKeyPair } from '../../../src/provisioners/cloudstack/key-pairs.js';
import { JobAccepted } from '../../../src/provisioners/cloudstack/schema.js';
import { Machine } from '../../../src/provisioners/cloudstack/schema-operations.js';
import {
  findVm,
  hardRebootVm,
  listVms,
  rebootVm,
  recoverVm,
  renameVm,
  resetVmKeyPair,
  resetVmPassword,
  restoreVm,
  scaleVm,
  startVm,
  stopVm,
  terminateVm,
} from '../../../src/provisioners/cloudstack/vm-actions.js';
import { anOperator, aVm, newId, type Operator } from './operator.js';
import { imageId } from '../an-order.js';

const stateOf = async ({ client }: Operator, id: string) => (await findVm(client, id))?.state;

describe('a machine', () => {
  it('is found by id or by exactly its name; an unknown name is an empty list, an unknown id is refused', async () => {
    const operator = await anOperator({ version: '4.9' });
    const { client } = operator;
    const id = await aVm(operator, { name: 'web-1' });
    await aVm(operator, { name: 'web-10' });
    expect(await findVm(client, id)).toMatchObject({ id, name: 'web-1' });
    expect(await findVm(client, 'web-1')).toMatchObject({ id });
    expect(await findVm(client, 'web')).toBeNull();
    expect(await client.list('listVirtualMachines', { name: 'nobody' }, 'virtualmachine', Machine)).toEqual([]);
    const unknown = client.list('listVirtualMachines', { id: newId() }, 'virtualmachine', Machine);
    await expect(unknown).rejects.toMatchObject({ details: { cloudCode: '431/4350' } });
  });

  it('of a name that two have is nobody in particular', async () => {
    const operator = await anOperator();
    const { client } = operator;
    // Host names are unique in a network only.
    const zones = ['0d86f114-7153-4d71-a835-7916a41ab0b7', 'b1a0c5de-0000-4000-8000-000000000002'];
    for (const zoneid of zones) await aVm(operator, { name: 'web', zoneid });
    await expect(findVm(client, 'web')).rejects.toThrow('2 VMs are called "web"');
  });

  it('is stopped, started and rebooted', async () => {
    const operator = await anOperator();
    const { client, done, outcome } = operator;
    const id = await aVm(operator);
    await done(stopVm(client, { id }, newId()));
    expect(await stateOf(operator, id)).toBe('Stopped');
    await done(stopVm(client, { id, isForced: true }, newId()));
    expect(await outcome(rebootVm(client, id, newId()))).toMatchObject({ state: 'failed', cloudCode: '431' });
    await done(startVm(client, id, newId()));
    expect(await stateOf(operator, id)).toBe('Running');
    expect(await outcome(startVm(client, id, newId()))).toMatchObject({ state: 'failed', cloudCode: '431' });
    expect(await done(rebootVm(client, id, newId()))).toBe(id);
  });

  it.each([
    ['4.13', true, 'Stopped'],
    ['4.22', false, 'Running'],
  ])('is hard rebooted; in %s it needs a start afterwards: %s', async (version, needsStart, state) => {
    const operator = await anOperator({ version });
    const id = await aVm(operator);
    const begun = await hardRebootVm(operator, id, newId());
    expect(begun.needsStart).toBe(needsStart);
    await operator.done(begun);
    expect(await stateOf(operator, id)).toBe(state);
  });

  it('is restored from its template, whose password is in the job’s result only', async () => {
    const operator = await anOperator();
    const { client, outcome } = operator;
    const id = await aVm(operator);
    expect(await outcome(restoreVm(client, { id, templateId: imageId }, newId()))).toMatchObject({
      state: 'succeeded',
      resourceId: id,
      secrets: { rootPassword: expect.stringMatching(/^.{6}$/) },
    });
    expect(await findVm(client, id)).toMatchObject({ state: 'Running', templateid: imageId });
  });

  it('is renamed in the answer: what is shown, and the name on its network', async () => {
    const operator = await anOperator();
    const { client } = operator;
    const id = await aVm(operator, { name: 'web-1', displayname: 'Shop' });
    expect(await renameVm(client, id, { displayName: '商店' })).toMatchObject({ name: 'web-1', displayname: '商店' });
    expect(await renameVm(client, id, { hostName: 'web-2' })).toMatchObject({ name: 'web-2', displayname: '商店' });
    await expect(renameVm(client, id, { hostName: 'not a host' })).rejects.toMatchObject({ disposition: 'reject' });
    await expect(
      client.change('updateVirtualMachine', { displayname: 'without an id' }, Machine),
    ).rejects.toMatchObject({ details: { cloudCode: '431/9999' } });
  });

  it.each(['4.9', '4.22'])('gets another size only while it is stopped, CloudStack %s', async (version) => {
    const operator = await anOperator({ version });
    const { client, done, outcome } = operator;
    const id = await aVm(operator);
    const large = { cpuCount: 2, cpuSpeedMhz: 1000, memoryMib: 4096 };
    const offering = await createServiceOffering(client, { name: '2c4g', size: large });
    const size = { serviceOfferingId: offering.id };
    expect(await outcome(scaleVm(client, { id, size }, newId()))).toMatchObject({ state: 'failed', cloudCode: '431' });
    await done(stopVm(client, { id }, newId()));
    expect(await done(scaleVm(client, { id, size }, newId()))).toBe(id);
    expect(await findVm(client, id)).toMatchObject({ cpunumber: 2, memory: 4096, serviceofferingid: offering.id });
  });

  it('of a customised size is told what the offering leaves open', async () => {
    const operator = await anOperator();
    const { client, done } = operator;
    const id = await aVm(operator);
    const offering = await createServiceOffering(client, { name: 'any', size: 'customised' });
    await done(stopVm(client, { id }, newId()));
    const details = { cpuNumber: '3', memory: '2048', cpuSpeed: '1000' };
    await done(scaleVm(client, { id, size: { serviceOfferingId: offering.id, details } }, newId()));
    expect(await findVm(client, id)).toMatchObject({ cpunumber: 3, memory: 2048 });
  });

  it('gets a new password and another key pair while it is stopped', async () => {
    const operator = await anOperator();
    const { client, done, outcome } = operator;
    const id = await aVm(operator);
    await createKeyPair(client, { name: 'k1' });
    const password = 'a-Password-2';
    expect(await outcome(resetVmPassword(client, { id, password }, newId()))).toMatchObject({ state: 'failed' });
    await done(stopVm(client, { id }, newId()));
    expect(await outcome(resetVmPassword(client, { id, password }, newId()))).toMatchObject({
      secrets: { rootPassword: password },
    });
    expect(await done(resetVmKeyPair(client, { id, keyPairName: 'k1' }, newId()))).toBe(id);
  });

  it('is terminated by its id; the seed’s job id is no parameter of it', async () => {
    const operator = await anOperator();
    const { client, done } = operator;
    const id = await aVm(operator);
    await expect(client.change('destroyVirtualMachine', { jobid: id }, JobAccepted)).rejects.toMatchObject({
      disposition: 'reject',
      details: { cloudCode: '431/9999' },
    });
    await done(terminateVm(client, id, newId()));
    expect(await listVms(client, { all: true })).toEqual([]);
  });

  it('that was not expunged can be recovered, and is stopped then', async () => {
    const operator = await anOperator();
    const { client } = operator;
    const id = await aVm(operator);
    await operator.cloud.fault('destroyVirtualMachine', 'error', { errorcode: 531, errortext: 'not yours to expunge' });
    await operator.done(terminateVm(client, id, newId()));
    expect(await stateOf(operator, id)).toBe('Destroyed');
    expect(await recoverVm(client, id)).toMatchObject({ id, state: 'Stopped' });
  });
});
