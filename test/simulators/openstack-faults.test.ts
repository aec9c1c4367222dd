import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { seedIds } from '../../src/simulators/openstack/seed-data.js';
import { errorOf, startCloud, type Row, type Session, type TestCloud } from './openstack-client.js';

let cloud: TestCloud;
let admin: Session;
let tenant: Session;
beforeAll(async () => {
  cloud = await startCloud();
});
beforeEach(async () => {
  await cloud.sim('POST', 'reset');
  admin = await cloud.loginAdmin();
  tenant = await cloud.tenant(admin, 't-1');
});
afterAll(() => cloud.close());

const create = 'nova.servers.create';
const wanted = { server: { name: 'vm-1', flavorRef: 'c1-m512-d1', imageRef: seedIds.smallImage, networks: 'none' } };
const send = () => cloud.call(tenant, 'compute', 'POST', '/servers', wanted);
const count = async () => (await cloud.resources('vm')).length;
const record = (id: string, requestId: string) =>
  cloud.call(tenant, 'compute', 'GET', `/servers/${id}/os-instance-actions/${requestId}`);
const message = async (id: string, requestId: string) =>
  ((await record(id, requestId)).body['instanceAction'] as Row)['message'];

describe('a fault of the request', () => {
  test('lose-answer does the work and cuts the line; drop-request cuts it before', async () => {
    await cloud.fault({ operation: create, kind: 'drop-request' });
    await expect(send()).rejects.toThrow();
    expect(await count()).toBe(0);
    await cloud.fault({ operation: create, kind: 'lose-answer' });
    await expect(send()).rejects.toThrow();
    expect(await count()).toBe(1);
  });

  test('late answers after a while, with the work done at once', async () => {
    await cloud.fault({ operation: create, kind: 'late', delayMs: 300 });
    const began = Date.now();
    const reply = send();
    await cloud.until(count, (found) => found === 1);
    expect((await reply).status).toBe(202);
    expect(Date.now() - began).toBeGreaterThanOrEqual(295);
  });

  test('error speaks the words of each service, and can have done the work all the same', async () => {
    await cloud.fault({ operation: '*', kind: 'error', times: 4 });
    const replies = [
      await send(),
      await cloud.call(tenant, 'network', 'GET', '/networks'),
      await cloud.call(tenant, 'volume', 'GET', '/volumes'),
      await cloud.call(tenant, 'identity', 'GET', '/auth/projects'),
    ];
    expect(replies.map((reply) => reply.status)).toEqual([500, 500, 500, 500]);
    expect(replies.map((reply) => errorOf(reply).key)).toEqual([
      'computeFault',
      'NeutronError',
      'computeFault',
      'error',
    ]);
    expect(await count()).toBe(0);
    await cloud.fault({ operation: 'nova.servers.*', kind: 'error', status: 504, afterEffect: true });
    expect((await send()).status).toBe(504);
    expect(await count()).toBe(1);
  });

  test('throttle comes from a proxy in front, with seconds to wait; unavailable and html too', async () => {
    await cloud.sim('POST', 'faults', [
      { operation: create, kind: 'throttle', waitMs: 1500 },
      { operation: create, kind: 'unavailable' },
      { operation: create, kind: 'html' },
      { operation: create, kind: 'malformed' },
    ]);
    const throttled = await send();
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '2']);
    expect((await send()).status).toBe(503);
    expect((await send()).headers.get('content-type')).toContain('text/html');
    expect(await count()).toBe(0);
    await expect(send()).rejects.toThrow();
    expect(await count()).toBe(1);
  });

  test('expire-session ends the tokens of the caller, not those of others', async () => {
    await cloud.fault({ operation: create, kind: 'expire-session' });
    expect((await send()).status).toBe(401);
    expect((await send()).status).toBe(401);
    expect((await cloud.call(admin, 'compute', 'GET', '/servers')).status).toBe(200);
    expect(await count()).toBe(0);
  });

  test('is counted, with all calls, by the name of its operation', async () => {
    await send();
    await cloud.call(tenant, 'compute', 'POST', '/servers/nope/action', { 'os-start': null });
    await cloud.call(tenant, 'network', 'GET', '/no-such-thing');
    expect((await cloud.sim('GET', 'calls'))['calls']).toMatchObject({
      [create]: 1,
      'nova.servers.action.os-start': 1,
      '(unknown)': 1,
      'keystone.tokens.create': expect.any(Number),
    });
  });
});

describe('a fault of the work', () => {
  test('job-fails leaves the server in ERROR with the reason', async () => {
    await cloud.fault({ operation: create, kind: 'job-fails', errortext: 'no power' });
    const { id, requestId } = await cloud.boot(tenant);
    expect(await cloud.settled(tenant, id)).toMatchObject({ status: 'ERROR', fault: { message: 'no power' } });
    expect(await message(id, requestId)).toBe('Error');
  });

  test('job-lies-failed records an error although the server is fine', async () => {
    await cloud.fault({ operation: create, kind: 'job-lies-failed' });
    const { id, requestId } = await cloud.boot(tenant);
    expect(await cloud.settled(tenant, id)).toMatchObject({ status: 'ACTIVE' });
    expect(await message(id, requestId)).toBe('Error');
  });

  test('job-lies-done records success although the server is in ERROR', async () => {
    await cloud.fault({ operation: create, kind: 'job-lies-done' });
    const { id, requestId } = await cloud.boot(tenant);
    expect(await cloud.settled(tenant, id)).toMatchObject({ status: 'ERROR' });
    expect((await record(id, requestId)).body['instanceAction']).toMatchObject({
      message: null,
      events: [{ result: 'Success' }],
    });
  });

  test('job-lies-done of a stop leaves the server running', async () => {
    const { id } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    await cloud.fault({ operation: 'nova.servers.action.os-stop', kind: 'job-lies-done' });
    await cloud.call(tenant, 'compute', 'POST', `/servers/${id}/action`, { 'os-stop': null });
    expect(await cloud.settled(tenant, id)).toMatchObject({ status: 'ACTIVE' });
  });

  test('job-vanishes loses the record, not the work', async () => {
    await cloud.fault({ operation: create, kind: 'job-vanishes' });
    const { id, requestId } = await cloud.boot(tenant);
    expect(await cloud.settled(tenant, id)).toMatchObject({ status: 'ACTIVE' });
    expect((await record(id, requestId)).status).toBe(404);
  });

  test('job-never-ends stays in BUILD, and can be deleted', async () => {
    await cloud.fault({ operation: create, kind: 'job-never-ends' });
    const { id } = await cloud.boot(tenant);
    // One that was begun later is done, and this one is not.
    const other = await cloud.boot(tenant);
    await cloud.settled(tenant, other.id);
    expect(await cloud.server(tenant, id)).toMatchObject({ status: 'BUILD' });
    await cloud.call(tenant, 'compute', 'DELETE', `/servers/${id}`);
    await cloud.until(
      () => cloud.call(tenant, 'compute', 'GET', `/servers/${id}`),
      (reply) => reply.status === 404,
    );
  });

  test('reaches volumes and floating IPs by their status', async () => {
    await cloud.sim('POST', 'faults', [
      { operation: 'cinder.volumes.create', kind: 'job-never-ends' },
      { operation: 'neutron.floatingips.create', kind: 'job-fails' },
    ]);
    const volume = (await cloud.ok(tenant, 'volume', 'POST', '/volumes', { volume: { size: 1 } }))['volume'] as Row;
    const { networkId } = await cloud.network(tenant);
    const port = (await cloud.ok(tenant, 'network', 'POST', '/ports', { port: { network_id: networkId } }))[
      'port'
    ] as Row;
    const address = { floating_network_id: seedIds.externalNetwork, port_id: port['id'] };
    const made = (await cloud.ok(tenant, 'network', 'POST', '/floatingips', { floatingip: address }))[
      'floatingip'
    ] as Row;
    await cloud.until(
      async () => (await cloud.ok(tenant, 'network', 'GET', `/floatingips/${String(made['id'])}`))['floatingip'] as Row,
      (one) => one['status'] === 'ERROR',
    );
    expect(await cloud.volume(tenant, volume['id'])).toMatchObject({ status: 'creating' });
  });
});

test('hide-from-lists keeps a new thing out of lists, but not from being read by its id', async () => {
  await cloud.fault({ operation: create, kind: 'hide-from-lists', hideMs: 3_600_000 });
  const { id } = await cloud.boot(tenant);
  const listed = async () => (await cloud.ok(tenant, 'compute', 'GET', '/servers'))['servers'];
  expect(await listed()).toEqual([]);
  expect(await cloud.server(tenant, id)).toMatchObject({ id });
  expect(await count()).toBe(1);
  await cloud.boot(tenant);
  expect(await listed()).toHaveLength(1);
});

test('the audit names what had an effect, once, with its marker', async () => {
  const { id } = await cloud.boot(tenant, { tags: ['ow-0123456789abcdef'] });
  await cloud.settled(tenant, id);
  await cloud.ok(tenant, 'compute', 'DELETE', `/servers/${id}`);
  await cloud.until(count, (found) => found === 0);
  const audit = ((await cloud.sim('GET', 'effects'))['effects'] as Row[]).filter((one) => one['kind'] === 'vm');
  expect(audit).toMatchObject([
    { operation: create, effect: 'created', id, marker: 'ow-0123456789abcdef' },
    { operation: 'nova.servers.delete', effect: 'deleted', id, marker: 'ow-0123456789abcdef' },
  ]);
});

test('one seed gives out the same ids and tokens again', async () => {
  const run = async () => {
    const one = await startCloud({ seed: 7 });
    try {
      const session = await one.loginAdmin();
      return [session.token, (await one.boot(session)).id];
    } finally {
      await one.close();
    }
  };
  expect(await run()).toEqual(await run());
});
