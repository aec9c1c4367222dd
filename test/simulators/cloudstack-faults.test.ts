import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newUuid, startCloud, type Row, type TestCloud } from './cloudstack-client.js';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
beforeEach(() => cloud.sim('POST', 'reset'));
afterAll(() => cloud.close());

const deploy = 'deployVirtualMachine';
const send = (extra: Row = {}) => cloud.call(deploy, cloud.vmParams({ name: 'web', ...extra }));
const states = async () => (await cloud.resources('vm')).map((vm) => vm['state']);
const settle = () => new Promise((resolve) => setTimeout(resolve, 40));

describe('a fault of the request', () => {
  test('lose-answer does the work and cuts the line; drop-request cuts it before', async () => {
    await cloud.fault({ operation: deploy, kind: 'lose-answer' });
    await expect(send()).rejects.toThrow();
    await settle();
    expect(await states()).toEqual(['Running']);
    await cloud.sim('POST', 'reset');
    await cloud.fault({ operation: deploy, kind: 'drop-request' });
    await expect(send()).rejects.toThrow();
    expect(await states()).toEqual([]);
    expect((await send()).status).toBe(200);
  });

  test('late answers after a while, with the work done at once', async () => {
    await cloud.fault({ operation: deploy, kind: 'late', delayMs: 120 });
    const began = Date.now();
    const reply = send();
    await settle();
    expect(await states()).toHaveLength(1);
    expect((await reply).status).toBe(200);
    expect(Date.now() - began).toBeGreaterThanOrEqual(115);
  });

  test('error, throttle and unavailable refuse, and can have done the work all the same', async () => {
    await cloud.sim('POST', 'faults', [
      { operation: deploy, kind: 'error', errorcode: 530 },
      { operation: deploy, kind: 'throttle', waitMs: 250 },
      { operation: 'deploy*', kind: 'unavailable' },
    ]);
    expect(await send()).toMatchObject({
      status: 530,
      wrapper: 'deployvirtualmachineresponse',
      body: { errorcode: 530 },
    });
    expect(await send()).toMatchObject({
      status: 429,
      body: { cserrorcode: 4545, errortext: expect.stringContaining('250 ms') },
    });
    expect((await send()).status).toBe(503);
    expect(await states()).toEqual([]);
    await cloud.fault({
      operation: '*',
      kind: 'error',
      status: 500,
      errorcode: 530,
      errortext: 'oops',
      afterEffect: true,
    });
    expect(await send()).toMatchObject({ status: 500, body: { errortext: 'oops' } });
    expect(await states()).toHaveLength(1);
  });

  test('html and malformed answers cannot be read', async () => {
    await cloud.fault({ operation: deploy, kind: 'html' });
    await expect(send()).rejects.toThrow();
    expect(await states()).toEqual([]);
    await cloud.fault({ operation: deploy, kind: 'malformed' });
    await expect(send()).rejects.toThrow();
    expect(await states()).toHaveLength(1);
  });
});

describe('an account', () => {
  const wanted = {
    username: 'u',
    password: 'p',
    email: 'a@example.invalid',
    firstname: 'f',
    lastname: 'l',
    accounttype: 0,
  };
  const accounts = async () => (await cloud.resources('account')).map((one) => one['name']);
  const slowly = () => cloud.sim('POST', 'latency', { operation: { createAccount: { minMs: 1_000, maxMs: 1_000 } } });

  test('is seen by nobody until it is made, and a second one of its name is taken meanwhile', async () => {
    await slowly();
    const first = cloud.call('createAccount', wanted);
    const second = cloud.call('createAccount', wanted);
    expect(await accounts()).toEqual([]);
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect(await accounts()).toEqual(['u', 'u']);
    expect(await cloud.call('createAccount', wanted)).toMatchObject({ status: 431 });
  });

  test('with ids of its own choosing is one: the second waits for the first and is refused, also after it was removed', async () => {
    await slowly();
    const named = { ...wanted, accountid: newUuid(), userid: newUuid() };
    const [first, second] = await Promise.all([cloud.call('createAccount', named), cloud.call('createAccount', named)]);
    expect(first.status).toBe(200);
    const exists = { status: 530, body: { cserrorcode: 0, errortext: 'Entity already exists ' } };
    expect(second).toMatchObject(exists);
    expect(await accounts()).toEqual(['u']);
    await cloud.done('deleteAccount', { id: named.accountid });
    expect(await cloud.call('createAccount', named)).toMatchObject(exists);
  });
});

describe('a fault of the job', () => {
  test('job-fails leaves the virtual machine in Error', async () => {
    await cloud.fault({ operation: deploy, kind: 'job-fails', errorcode: 534 });
    expect(await cloud.poll((await send()).body['jobid'])).toMatchObject({
      jobstatus: 2,
      jobresultcode: 534,
      jobresult: { errorcode: 534 },
    });
    expect(await states()).toEqual(['Error']);
  });

  test('job-lies-failed has done the work', async () => {
    await cloud.fault({ operation: deploy, kind: 'job-lies-failed' });
    expect(await cloud.poll((await send()).body['jobid'])).toMatchObject({ jobstatus: 2 });
    expect(await states()).toEqual(['Running']);
  });

  test('job-lies-done has broken the virtual machine, or made no volume', async () => {
    await cloud.fault({ operation: '*', kind: 'job-lies-done', times: 2 });
    expect(await cloud.poll((await send()).body['jobid'])).toMatchObject({
      jobstatus: 1,
      jobresult: { virtualmachine: { state: 'Running' } },
    });
    expect(await states()).toEqual(['Error']);
    const volume = {
      name: 'v',
      diskofferingid: 'b1a0c5de-0000-4000-8052-000000000001',
      zoneid: cloud.vmParams()['zoneid'],
    };
    expect(await cloud.done('createVolume', volume)).toHaveProperty('volume');
    expect(await cloud.resources('volume')).toEqual([]);
  });

  test('job-lies-done of a destroy leaves the virtual machine as it was', async () => {
    const { id, jobid } = (await send()).body;
    await cloud.poll(jobid);
    await cloud.fault({ operation: 'destroyVirtualMachine', kind: 'job-lies-done' });
    await cloud.done('destroyVirtualMachine', { id, expunge: true });
    expect(await states()).toEqual(['Running']);
  });

  test('job-vanishes answers 431 to the poll, with the work done', async () => {
    await cloud.fault({ operation: deploy, kind: 'job-vanishes' });
    const { jobid } = (await send()).body;
    expect((await cloud.call('queryAsyncJobResult', { jobid })).status).toBe(431);
    await settle();
    expect(await states()).toEqual(['Running']);
  });

  test.each([
    [true, 'Running'],
    [false, 'Starting'],
  ])('job-never-ends with effect %s stays open over a virtual machine in state %s', async (effect, state) => {
    await cloud.fault({ operation: deploy, kind: 'job-never-ends', effect });
    const { jobid } = (await send()).body;
    await settle();
    expect(await cloud.ok('queryAsyncJobResult', { jobid })).toMatchObject({ jobstatus: 0 });
    expect(await states()).toEqual([state]);
  });

  test('job-lost-result has failed without saying why', async () => {
    await cloud.fault({ operation: deploy, kind: 'job-lost-result' });
    const job = await cloud.poll((await send()).body['jobid']);
    expect(job).toMatchObject({ jobstatus: 2, jobresultcode: 530 });
    expect(job).not.toHaveProperty('jobresult');
  });
});

describe('the control side', () => {
  test('hides what is new from lists for a while', async () => {
    await cloud.fault({ operation: deploy, kind: 'hide-from-lists', hideMs: 80 });
    const { id } = (await send()).body;
    expect(await cloud.list('listVirtualMachines', 'virtualmachine', { name: 'web' })).toEqual([]);
    expect(await cloud.ok('listVirtualMachines', { id })).toEqual({});
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await cloud.list('listVirtualMachines', 'virtualmachine', { name: 'web' })).toMatchObject([{ id }]);
  });

  test('counts calls and writes down every effect', async () => {
    const { id, jobid } = (await send({ displayname: 'ow-0123456789abcdef x' })).body;
    await cloud.poll(jobid);
    await cloud.done('destroyVirtualMachine', { id, expunge: true });
    expect((await cloud.sim('GET', 'calls'))['calls']).toMatchObject({
      deployVirtualMachine: 1,
      destroyVirtualMachine: 1,
    });
    const audit = (await cloud.sim('GET', 'effects'))['effects'] as Row[];
    const ofVm = audit.filter((entry) => entry['kind'] === 'vm');
    expect(ofVm.map((entry) => entry['effect'])).toEqual(['created', 'changed', 'deleted']);
    expect(ofVm[0]).toMatchObject({ at: expect.any(String), operation: deploy, id, marker: 'ow-0123456789abcdef' });
  });

  test('refuses a fault it does not know and lists, strikes and forgets the others', async () => {
    expect(await cloud.sim('POST', 'faults', [{ operation: '*', kind: 'earthquake' }])).toHaveProperty('error');
    await cloud.fault({ operation: 'listZones', kind: 'unavailable', times: 2 });
    expect((await cloud.call('listZones')).status).toBe(503);
    expect((await cloud.sim('GET', 'faults'))['faults']).toMatchObject([
      { kind: 'unavailable', remaining: 1, struck: 1 },
    ]);
    await cloud.sim('DELETE', 'faults');
    expect((await cloud.call('listZones')).status).toBe(200);
  });

  test('strikes by probability in the same order for the same seed', async () => {
    const run = async () => {
      const seeded = await startCloud({ seed: 42 });
      await seeded.fault({ operation: 'listZones', kind: 'unavailable', probability: 0.5 });
      const seen: number[] = [];
      for (let index = 0; index < 20; index += 1) seen.push((await seeded.call('listZones')).status);
      await seeded.close();
      return seen;
    };
    const first = await run();
    expect(new Set(first)).toEqual(new Set([200, 503]));
    expect(await run()).toEqual(first);
  });

  test('sets how long jobs take, for one operation or all', async () => {
    await cloud.sim('POST', 'latency', { minMs: 0, maxMs: 0, operation: { [deploy]: { minMs: 150, maxMs: 150 } } });
    const { jobid } = (await send()).body;
    await settle();
    expect(await cloud.ok('queryAsyncJobResult', { jobid })).toMatchObject({ jobstatus: 0 });
    expect(await cloud.poll(jobid)).toMatchObject({ jobstatus: 1 });
  });
});
