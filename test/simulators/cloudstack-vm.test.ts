import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newUuid, startCloud, type Row, type TestCloud } from './cloudstack-client.js';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
beforeEach(() => cloud.sim('POST', 'reset'));
afterAll(() => cloud.close());

const deploy = async (extra: Row = {}) =>
  (await cloud.done('deployVirtualMachine', cloud.vmParams(extra)))['virtualmachine'] as Row;

describe('a virtual machine', () => {
  test('is there with its id before its job ends, runs after it, and shows its password once', async () => {
    const accepted = await cloud.ok(
      'deployVirtualMachine',
      cloud.vmParams({ name: 'web-01', displayname: 'ow-0123456789abcdef' }),
    );
    expect(accepted).toEqual({ id: expect.any(String), jobid: expect.any(String) });
    const job = await cloud.poll(accepted['jobid']);
    expect(job).toMatchObject({
      jobstatus: 1,
      jobresultcode: 0,
      jobresulttype: 'object',
      jobinstancetype: 'VirtualMachine',
      jobinstanceid: accepted['id'],
    });
    const vm = (job['jobresult'] as Row)['virtualmachine'] as Row;
    expect(vm).toMatchObject({ id: accepted['id'], name: 'web-01', state: 'Running', cpunumber: 1, memory: 1024 });
    expect(vm['password']).toMatch(/^\w{6}$/);
    expect(vm['created']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/);
    const [listed] = await cloud.list('listVirtualMachines', 'virtualmachine', { id: accepted['id'] });
    expect(listed).not.toHaveProperty('password');
    const [seen] = await cloud.resources('vm');
    expect(seen).toMatchObject({
      id: accepted['id'],
      marker: 'ow-0123456789abcdef',
      state: 'Running',
      details: { rootDiskGib: 20 },
    });
    expect(await cloud.resources('volume')).toEqual([]);
  });

  test('takes the password of the caller from 4.19 on', async () => {
    expect(await deploy({ password: 'S3cret-pw' })).toMatchObject({ password: 'S3cret-pw' });
  });

  test.each(['1web', '-web', 'web-', 'zhangsi_vm', 'a'.repeat(64), '虚机'])('cannot be called %s', async (name) => {
    expect(await cloud.call('deployVirtualMachine', cloud.vmParams({ name }))).toMatchObject({
      status: 431,
      body: { errorcode: 431, cserrorcode: 4350 },
    });
  });

  test('holds its name in its network domain until it is expunged', async () => {
    const vm = await deploy({ name: 'web-01' });
    const again = () => cloud.call('deployVirtualMachine', cloud.vmParams({ name: 'web-01' }));
    expect((await again()).status).toBe(431);
    await cloud.done('destroyVirtualMachine', { id: vm['id'] });
    expect((await again()).status).toBe(431);
    await cloud.done('expungeVirtualMachine', { id: vm['id'] });
    expect((await again()).status).toBe(200);
  });

  test('takes user data as base64 only', async () => {
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ userdata: '#cloud-config' }))).status).toBe(431);
    await deploy({ userdata: Buffer.from('#cloud-config').toString('base64') });
  });

  test('goes through its states: stop, start, reboot, destroy, recover', async () => {
    const { id } = await deploy();
    expect(await cloud.done('stopVirtualMachine', { id })).toMatchObject({ virtualmachine: { state: 'Stopped' } });
    expect(await cloud.done('stopVirtualMachine', { id })).toMatchObject({ virtualmachine: { state: 'Stopped' } });
    expect(await cloud.done('startVirtualMachine', { id })).toMatchObject({ virtualmachine: { state: 'Running' } });
    const job = await cloud.poll((await cloud.ok('startVirtualMachine', { id }))['jobid']);
    expect(job).toMatchObject({ jobstatus: 2, jobresultcode: 431, jobresult: { errorcode: 431 } });
    await cloud.done('rebootVirtualMachine', { id });
    expect(await cloud.done('destroyVirtualMachine', { id })).toMatchObject({ virtualmachine: { state: 'Destroyed' } });
    expect(await cloud.ok('recoverVirtualMachine', { id })).toMatchObject({ virtualmachine: { state: 'Stopped' } });
  });

  test('is left in Error by a failed deploy, with its name held until it is expunged', async () => {
    const offering = 'b1a0c5de-0000-4000-8051-000000000003';
    const accepted = await cloud.ok(
      'deployVirtualMachine',
      cloud.vmParams({ name: 'bm', serviceofferingid: offering }),
    );
    expect(await cloud.poll(accepted['jobid'])).toMatchObject({
      jobstatus: 2,
      jobresultcode: 533,
      jobresult: { errorcode: 533 },
    });
    expect(await cloud.list('listVirtualMachines', 'virtualmachine', { id: accepted['id'] })).toMatchObject([
      { state: 'Error' },
    ]);
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ name: 'bm' }))).status).toBe(431);
    expect(await cloud.done('destroyVirtualMachine', { id: accepted['id'] })).toMatchObject({
      virtualmachine: { state: 'Expunging' },
    });
    await cloud.done('expungeVirtualMachine', { id: accepted['id'] });
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ name: 'bm' }))).status).toBe(200);
  });

  test('is expunged by itself after the delay', async () => {
    const quick = await startCloud({ expungeDelaySeconds: 0.05 });
    const { virtualmachine } = (await quick.done('deployVirtualMachine', quick.vmParams())) as { virtualmachine: Row };
    await quick.done('destroyVirtualMachine', { id: virtualmachine['id'] });
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(await quick.resources('vm')).toEqual([]);
    expect(await quick.ok('listVirtualMachines', { id: virtualmachine['id'] })).toEqual({});
    await quick.close();
  });

  test('runs its jobs one after the other', async () => {
    await cloud.sim('POST', 'latency', { minMs: 40, maxMs: 40 });
    const { id } = await deploy();
    const stop = await cloud.ok('stopVirtualMachine', { id });
    const start = await cloud.ok('startVirtualMachine', { id });
    await cloud.poll(stop['jobid']);
    expect(await cloud.ok('queryAsyncJobResult', { jobid: start['jobid'] })).toMatchObject({ jobstatus: 0 });
    expect(await cloud.poll(start['jobid'])).toMatchObject({ jobstatus: 1 });
  });

  test('is refused before any record when a limit is reached', async () => {
    const keys = await cloud.newAccount('small');
    await cloud.ok('updateResourceLimit', { resourcetype: 0, max: 0, account: 'small', domainid: keys.domainId });
    const reply = await cloud.call('deployVirtualMachine', cloud.vmParams(), { keys });
    expect(reply).toMatchObject({ status: 535, body: { errorcode: 535 } });
    expect(await cloud.resources('vm')).toEqual([]);
  });

  test('takes cpu and memory from details only with a custom offering', async () => {
    const { serviceoffering } = (await cloud.ok('createServiceOffering', {
      name: 'custom',
      displaytext: 'c',
      customized: true,
    })) as { serviceoffering: Row };
    expect(serviceoffering).toMatchObject({ iscustomized: true });
    const shape = { 'details[0].cpuNumber': 2, 'details[0].memory': 2048, 'details[0].cpuSpeed': 1000 };
    expect(await deploy({ serviceofferingid: serviceoffering['id'], ...shape })).toMatchObject({
      cpunumber: 2,
      memory: 2048,
    });
    expect(
      (await cloud.call('deployVirtualMachine', cloud.vmParams({ serviceofferingid: serviceoffering['id'] }))).status,
    ).toBe(431);
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams(shape))).status).toBe(431);
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ 'details[0.cpuNumber': 1 }))).status).toBe(430);
  });

  test('keeps a system offering out of the list and out of reach', async () => {
    const id = '53db3c3e-2136-4579-8424-3497b9ed751e';
    expect((await cloud.list('listServiceOfferings', 'serviceoffering')).map((row) => row['id'])).not.toContain(id);
    expect(await cloud.list('listServiceOfferings', 'serviceoffering', { issystem: true })).toMatchObject([
      { id, name: 'System Offering For Software Router' },
    ]);
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ serviceofferingid: id }))).status).toBe(431);
  });

  test('is changed, restored and given a new password', async () => {
    const { id } = await deploy({ name: 'web' });
    expect(await cloud.ok('updateVirtualMachine', { id, displayname: '张三的主机' })).toMatchObject({
      virtualmachine: { displayname: '张三的主机' },
    });
    const wrong = await cloud.poll((await cloud.ok('resetPasswordForVirtualMachine', { id }))['jobid']);
    expect(wrong).toMatchObject({ jobstatus: 2, jobresult: { errorcode: 431 } });
    await cloud.done('stopVirtualMachine', { id });
    expect(await cloud.done('resetPasswordForVirtualMachine', { id })).toMatchObject({
      virtualmachine: { password: expect.any(String) },
    });
    expect((await cloud.call('restoreVirtualMachine', { virtualmachineid: id })).wrapper).toBe('restorevmresponse');
    const small = 'b1a0c5de-0000-4000-8051-000000000001';
    expect(await cloud.done('scaleVirtualMachine', { id, serviceofferingid: small })).toMatchObject({
      virtualmachine: { memory: 512 },
    });
  });

  test('keeps all of itself when a change of it is refused', async () => {
    const vm = await deploy({ name: 'web-1', displayname: 'Shop' });
    const refused = [
      { name: 'web-2', displayname: 'Other', securitygroupids: newUuid() },
      { name: 'web-2', displayname: 'Other', userdata: 'not base64!' },
    ];
    for (const change of refused) {
      expect((await cloud.call('updateVirtualMachine', { id: vm['id'], ...change })).status).toBe(431);
    }
    expect(await cloud.list('listVirtualMachines', 'virtualmachine')).toMatchObject([
      { name: 'web-1', displayname: 'Shop' },
    ]);
    await cloud.ok('deployVirtualMachine', cloud.vmParams({ name: 'web-2' }));
  });

  test('is restored with a password of the server, whatever the caller would like', async () => {
    const vm = await deploy();
    const restored = await cloud.done('restoreVirtualMachine', { virtualmachineid: vm['id'], password: 'a-Wish-1' });
    expect(restored).toMatchObject({ virtualmachine: { password: expect.stringMatching(/^[^-]{6}$/) } });
  });

  test('gives up everything of an account that is deleted', async () => {
    const keys = await cloud.newAccount('leaver');
    const accepted = (await cloud.call('deployVirtualMachine', cloud.vmParams(), { keys })).body;
    await cloud.poll(accepted['jobid']);
    await cloud.done('deleteAccount', { id: keys.accountId });
    expect(await cloud.resources()).toEqual([]);
    expect((await cloud.call('listZones', {}, { keys })).status).toBe(401);
  });
});

describe('customid and customjobid', () => {
  test('customid becomes the id; while it lives a reuse is 431, afterwards 530', async () => {
    const customid = newUuid();
    expect(await deploy({ customid })).toMatchObject({ id: customid });
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ customid }))).status).toBe(431);
    await cloud.done('destroyVirtualMachine', { id: customid, expunge: true });
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ customid }))).status).toBe(530);
    const keys = await cloud.newAccount('other');
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ customid: newUuid() }), { keys })).status).toBe(
      531,
    );
  });

  test('a reused customjobid is refused after the second record was made', async () => {
    const customjobid = newUuid();
    const first = await cloud.ok('deployVirtualMachine', cloud.vmParams({ customjobid }));
    expect(first['jobid']).toBe(customjobid);
    await cloud.poll(customjobid);
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ customjobid }))).status).toBe(431);
    expect(new Set((await cloud.resources('vm')).map((vm) => vm['state']))).toEqual(new Set(['Running', 'Stopped']));
    expect(
      (await cloud.call('startVirtualMachine', { id: first['id'], customjobid: newUuid().toUpperCase() })).status,
    ).toBe(431);
  });
});
