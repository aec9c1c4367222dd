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

const nova = (method: string, path: string, body?: unknown, version?: string, session: Session = tenant) =>
  cloud.call(session, 'compute', method, path, body, version === undefined ? {} : { version: `compute ${version}` });
const act = (id: string, body: unknown, session: Session = tenant) =>
  nova('POST', `/servers/${id}/action`, body, undefined, session);
const record = async (id: string, requestId: string) =>
  (await cloud.ok(tenant, 'compute', 'GET', `/servers/${id}/os-instance-actions/${requestId}`))[
    'instanceAction'
  ] as Row & { events: Row[] };
const idsOf = (rows: unknown) => (rows as Row[]).map((row) => row['id']);

describe('flavors', () => {
  test('that are disabled or private are not for tenants; the decoy that no host can take is', async () => {
    const flavors = (await cloud.ok(tenant, 'compute', 'GET', '/flavors/detail'))['flavors'] as Row[];
    const fitting = flavors.filter((one) => one['vcpus'] === 1 && one['ram'] === 1024 && one['disk'] === 40);
    expect(idsOf(fitting)).toEqual(['c1-m1024-d40', 'bm-c1-m1024-d40']);
    expect(fitting[0]).toMatchObject({
      'OS-FLV-DISABLED:disabled': false,
      'os-flavor-access:is_public': true,
      extra_specs: {},
    });
    const all = (await cloud.ok(admin, 'compute', 'GET', '/flavors/detail?is_public=none'))['flavors'];
    expect(idsOf(all)).toEqual(expect.arrayContaining(['old-c1-m1024-d40', 'private-c1-m1024-d40']));
    expect((await nova('GET', '/flavors/private-c1-m1024-d40')).status).toBe(404);
    const ids = idsOf((await cloud.ok(tenant, 'compute', 'GET', '/flavors?limit=5'))['flavors']);
    expect(ids).toHaveLength(5);
  });
});

describe('a new server', () => {
  test('is accepted with its password, and ends ACTIVE with ports and addresses', async () => {
    const { networkId } = await cloud.network(tenant);
    const marker = 'ow-0123456789abcdef';
    const made = await cloud.boot(tenant, {
      networks: [{ uuid: networkId }],
      metadata: { order: marker },
      tags: [marker],
    });
    expect(made.body).toMatchObject({
      adminPass: expect.stringMatching(/^.{12}$/),
      security_groups: [{ name: 'default' }],
    });
    const server = await cloud.settled(tenant, made.id);
    expect(server).toMatchObject({
      status: 'ACTIVE',
      'OS-EXT-STS:vm_state': 'active',
      'OS-EXT-STS:power_state': 1,
      'OS-EXT-AZ:availability_zone': 'az1',
      flavor: { original_name: 'c1-m512-d1', vcpus: 1, ram: 512, disk: 1 },
      image: { id: seedIds.smallImage },
      tags: [marker],
      addresses: { 'net-1': [{ version: 4, addr: '10.20.0.3', 'OS-EXT-IPS:type': 'fixed' }] },
      security_groups: [{ name: 'default' }],
    });
    expect(server).not.toHaveProperty('fault');
    const ports = (await cloud.ok(tenant, 'network', 'GET', `/ports?device_id=${made.id}`))['ports'];
    expect(ports).toMatchObject([{ status: 'ACTIVE', device_owner: 'compute:az1', network_id: networkId }]);
    expect(await cloud.resources('vm')).toMatchObject([
      {
        id: made.id,
        marker,
        state: 'ACTIVE',
        details: { cpuNumber: 1, memoryMib: 512, rootDiskGib: 1, account: 't-1' },
      },
    ]);
    // What Nova made for it is a detail of the server.
    expect(await cloud.resources('port')).toEqual([]);
  });

  test('is made twice by the same request sent twice', async () => {
    await cloud.boot(tenant);
    await cloud.boot(tenant);
    expect(await cloud.resources('vm')).toHaveLength(2);
  });

  test.each<[string, Row, number, string]>([
    ['flavor', { flavorRef: 'nope' }, 400, 'Flavor nope could not be found.'],
    ['disabled flavor', { flavorRef: 'old-c1-m1024-d40' }, 400, 'Flavor old-c1-m1024-d40 could not be found.'],
    ['image', { imageRef: 'c10dc5de-0000-4000-8000-00000000ffff' }, 400, 'Can not find requested image'],
    ['inactive image', { imageRef: seedIds.inactiveImage }, 400, `Image ${seedIds.inactiveImage} is not active.`],
    ['network', { networks: [{ uuid: 'nope' }] }, 400, 'Network nope could not be found.'],
    ['key', { key_name: 'nope' }, 400, 'Invalid key_name provided.'],
    ['group', { security_groups: [{ name: 'nope' }] }, 400, "Unable to find security_group with name or id 'nope'"],
    ['zone', { availability_zone: 'nova' }, 400, 'The requested availability zone is not available'],
    [
      'large image',
      { imageRef: seedIds.image },
      400,
      "Flavor's disk is smaller than the minimum size specified in image metadata.",
    ],
    [
      'flavor without disk',
      { flavorRef: 'c1-m512-d0' },
      403,
      'Only volume-backed servers are allowed for flavors with zero disk.',
    ],
  ])('with a wrong %s is refused at once', async (_what, fields, status, message) => {
    const server = { name: 'x', flavorRef: 'c1-m512-d1', imageRef: seedIds.smallImage, networks: 'none', ...fields };
    const reply = await nova('POST', '/servers', { server });
    expect(reply.status).toBe(status);
    expect(errorOf(reply)).toMatchObject({ key: status === 400 ? 'badRequest' : 'forbidden', code: status });
    expect(errorOf(reply).message).toContain(message);
    expect(await cloud.resources('vm')).toEqual([]);
  });

  test('without a name breaks the schema', async () => {
    const reply = await nova('POST', '/servers', { server: { flavorRef: 'c1-m512-d1' } });
    expect(reply.status).toBe(400);
    expect(errorOf(reply).message).toContain("'name' is a required property");
  });

  test('that no host can take ends in ERROR with the reason, and a stack trace for administrators only', async () => {
    const { id } = await cloud.boot(tenant, { flavorRef: 'bm-c1-m1024-d40' });
    const server = await cloud.settled(tenant, id);
    expect(server).toMatchObject({ status: 'ERROR', fault: { code: 500, message: 'No valid host was found. ' } });
    expect(server['fault']).not.toHaveProperty('details');
    expect(((await cloud.server(admin, id))['fault'] as Row)['details']).toContain('Traceback');
    expect((await act(id, { 'os-start': null })).status).toBe(409);
    expect((await nova('DELETE', `/servers/${id}`)).status).toBe(204);
  });

  test('counts against the quota', async () => {
    await cloud.ok(admin, 'compute', 'PUT', `/os-quota-sets/${tenant.projectId}`, { quota_set: { instances: 1 } });
    await cloud.boot(tenant);
    const reply = await nova('POST', '/servers', {
      server: { name: 'x', flavorRef: 'c1-m512-d1', imageRef: seedIds.smallImage, networks: 'none' },
    });
    expect(reply.status).toBe(403);
    expect(errorOf(reply).message).toBe('Quota exceeded for instances: Requested 1, but already used 1 of 1 instances');
    const detail = await cloud.ok(admin, 'compute', 'GET', `/os-quota-sets/${tenant.projectId}/detail`);
    expect(detail['quota_set']).toMatchObject({ instances: { limit: 1, in_use: 1, reserved: 0 } });
    const limits = (await cloud.ok(tenant, 'compute', 'GET', '/limits'))['limits'];
    expect(limits).toMatchObject({
      rate: [],
      absolute: { maxTotalInstances: 1, totalInstancesUsed: 1, totalRAMUsed: 512 },
    });
  });

  test('asked for several times over is numbered, and found by the id of its reservation', async () => {
    const reply = await nova('POST', '/servers', {
      server: {
        name: 'many',
        flavorRef: 'c1-m512-d1',
        imageRef: seedIds.smallImage,
        networks: 'none',
        min_count: 2,
        return_reservation_id: true,
      },
    });
    const { reservation_id: reservationId } = reply.body;
    const listed = await cloud.ok(
      tenant,
      'compute',
      'GET',
      `/servers?reservation_id=${String(reservationId)}&sort_key=display_name&sort_dir=asc`,
    );
    expect((listed['servers'] as Row[]).map((one) => one['name'])).toEqual(['many-1', 'many-2']);
  });

  test('boots from a volume that Cinder makes for it and that goes with it', async () => {
    const disk = {
      boot_index: 0,
      uuid: seedIds.image,
      source_type: 'image',
      destination_type: 'volume',
      volume_size: 40,
      volume_type: 'SSD',
      delete_on_termination: true,
    };
    const { id } = await cloud.boot(tenant, {
      flavorRef: 'c1-m1024-d0',
      imageRef: '',
      block_device_mapping_v2: [disk],
    });
    const server = await cloud.settled(tenant, id);
    expect(server).toMatchObject({ status: 'ACTIVE', image: '' });
    const [attached] = server['os-extended-volumes:volumes_attached'] as Row[];
    expect(await cloud.volume(tenant, attached?.['id'])).toMatchObject({
      status: 'in-use',
      size: 40,
      volume_type: 'SSD',
      bootable: 'true',
    });
    expect(await cloud.resources('vm')).toMatchObject([{ details: { rootDiskGib: 40, rootVolumeType: 'SSD' } }]);
    expect(await cloud.resources('volume')).toEqual([]);
    await cloud.ok(tenant, 'compute', 'DELETE', `/servers/${id}`);
    await cloud.until(
      () => nova('GET', `/servers/${id}`),
      (reply) => reply.status === 404,
    );
    expect((await cloud.ok(tenant, 'volume', 'GET', '/volumes'))['volumes'] as Row[]).toEqual([]);
    const small = { ...disk, volume_size: 10 };
    const refused = await nova('POST', '/servers', {
      server: { name: 'x', flavorRef: 'c1-m1024-d0', networks: 'none', block_device_mapping_v2: [small] },
    });
    expect(errorOf(refused).message).toContain('Volume is smaller than the minimum size');
  });

  test('cannot boot from a volume without a system', async () => {
    const blank = (await cloud.ok(tenant, 'volume', 'POST', '/volumes', { volume: { size: 1 } }))['volume'] as Row;
    await cloud.volumeIn(tenant, blank['id'], 'available');
    const disk = { boot_index: 0, uuid: blank['id'], source_type: 'volume', destination_type: 'volume' };
    const reply = await nova('POST', '/servers', {
      server: { name: 'x', flavorRef: 'c1-m512-d0', networks: 'none', block_device_mapping_v2: [disk] },
    });
    expect(errorOf(reply).message).toBe(`Block Device ${String(blank['id'])} is not bootable.`);
  });
});

describe('a microversion', () => {
  test('out of range is refused with the range; without a header it is the lowest', async () => {
    const reply = await nova('GET', '/servers', undefined, '2.999');
    expect(reply.status).toBe(406);
    expect(errorOf(reply)).toMatchObject({
      key: 'computeFault',
      message: 'Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.93.',
    });
    const plain = await cloud.call(tenant, 'compute', 'GET', '/servers', undefined, { version: false });
    expect(plain.headers.get('openstack-api-version')).toBe('compute 2.1');
    const latest = await nova('GET', '/servers', undefined, 'latest');
    expect(latest.headers.get('openstack-api-version')).toBe('compute 2.93');
  });

  test('below 2.75 ignores an unknown filter, with every server as the answer; from then on it is refused', async () => {
    await cloud.boot(tenant);
    expect((await nova('GET', '/servers?bogus=1', undefined, '2.74')).body['servers']).toHaveLength(1);
    const refused = await nova('GET', '/servers?bogus=1', undefined, '2.75');
    expect(refused.status).toBe(400);
    expect((await nova('GET', '/servers?metadata=x')).text).toContain('Invalid filter field: metadata.');
    // Kept for administrators: dropped for a tenant, honoured for them.
    expect((await nova('GET', '/servers?uuid=nope')).body['servers']).toHaveLength(1);
    expect(
      (await nova('GET', '/servers?uuid=nope&all_tenants=1', undefined, undefined, admin)).body['servers'],
    ).toEqual([]);
  });

  test('decides what a server shows and what a create may say', async () => {
    const { id } = await cloud.boot(tenant);
    const old = (await nova('GET', `/servers/${id}`, undefined, '2.25')).body['server'] as Row;
    expect(old).not.toHaveProperty('tags');
    expect(old['flavor']).toMatchObject({ id: 'c1-m512-d1' });
    const server = { name: 'x', flavorRef: 'c1-m512-d1', imageRef: seedIds.smallImage };
    expect(
      (await nova('POST', '/servers', { server: { ...server, networks: 'none', tags: ['a'] } }, '2.51')).status,
    ).toBe(400);
    expect((await nova('POST', '/servers', { server }, '2.37')).text).toContain("'networks' is a required property");
    expect((await nova('POST', '/servers', { server }, '2.36')).status).toBe(202);
    expect((await nova('POST', '/os-keypairs', { keypair: { name: 'k' } }, '2.91')).body['keypair']).toHaveProperty(
      'private_key',
    );
    expect((await nova('POST', '/os-keypairs', { keypair: { name: 'k2' } }, '2.92')).status).toBe(400);
  });

  test('maximum can be lower on another cloud', async () => {
    const older = await startCloud({ computeMaximum: '2.60' });
    try {
      const session = await older.loginAdmin();
      expect(
        (await older.call(session, 'compute', 'GET', '/servers', undefined, { version: 'compute 2.61' })).status,
      ).toBe(406);
    } finally {
      await older.close();
    }
  });
});

describe('an action', () => {
  test('is recorded under the id of its request', async () => {
    const { id, requestId } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    expect(await record(id, requestId)).toMatchObject({
      action: 'create',
      message: null,
      events: [{ result: 'Success' }],
    });
    const reply = await act(id, { 'os-stop': null });
    expect(reply.status).toBe(202);
    expect(reply.headers.get('x-compute-request-id')).toBe(reply.headers.get('x-openstack-request-id'));
    expect(await cloud.settled(tenant, id)).toMatchObject({ status: 'SHUTOFF', 'OS-EXT-STS:power_state': 4 });
    const stop = await record(id, reply.headers.get('x-openstack-request-id') ?? '');
    expect(stop).toMatchObject({ action: 'stop', message: null, events: [{ result: 'Success' }] });
    const list = (await cloud.ok(tenant, 'compute', 'GET', `/servers/${id}/os-instance-actions`))[
      'instanceActions'
    ] as Row[];
    expect(list.map((one) => one['action'])).toEqual(['stop', 'create']);
    expect((await nova('GET', `/servers/${id}/os-instance-actions/req-nope`)).status).toBe(404);
  });

  test('under way shows in the task state, while the status is the old one, and refuses another', async () => {
    const { id } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    await cloud.hold();
    await act(id, { 'os-stop': null });
    expect(await cloud.server(tenant, id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': 'powering-off' });
    const busy = await act(id, { reboot: { type: 'HARD' } });
    expect(busy.status).toBe(409);
    expect(errorOf(busy)).toMatchObject({
      key: 'conflictingRequest',
      message: `Cannot 'reboot' instance ${id} while it is in task_state powering-off`,
    });
  });

  test.each<[string, unknown, number, string, string]>([
    ['pause', { pause: null }, 202, 'PAUSED', 'paused'],
    ['suspend', { suspend: null }, 202, 'SUSPENDED', 'suspended'],
    ['reboot', { reboot: { type: 'SOFT' } }, 202, 'ACTIVE', 'active'],
    ['hard reboot', { reboot: { type: 'HARD' } }, 202, 'ACTIVE', 'active'],
    ['rescue', { rescue: null }, 200, 'RESCUE', 'rescued'],
    ['shelve', { shelve: null }, 202, 'SHELVED_OFFLOADED', 'shelved_offloaded'],
    ['rebuild', { rebuild: { imageRef: seedIds.smallImage, name: 'new' } }, 202, 'ACTIVE', 'active'],
    ['password', { changePassword: { adminPass: 'x' } }, 202, 'ACTIVE', 'active'],
    ['resize', { resize: { flavorRef: 'c1-m1024-d1' } }, 202, 'VERIFY_RESIZE', 'resized'],
  ])('%s ends in its own state', async (_name, body, status, ends, vmState) => {
    const { id } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    expect((await act(id, body)).status).toBe(status);
    expect(await cloud.settled(tenant, id)).toMatchObject({ status: ends, 'OS-EXT-STS:vm_state': vmState });
  });

  test('that does not apply, or does not exist, is told apart', async () => {
    const { id } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    expect(errorOf(await act(id, { 'os-start': null })).message).toBe(
      `Cannot 'start' instance ${id} while it is in vm_state active`,
    );
    const bogus = await act(id, { 'os-bogus': null });
    expect([bogus.status, errorOf(bogus).message]).toEqual([400, 'There is no such action: os-bogus']);
    expect(errorOf(await act(id, { resize: { flavorRef: 'c1-m512-d1' } })).message).toBe(
      'When resizing, instances must change flavor!',
    );
  });

  test('resize waits for its confirmation, or goes back', async () => {
    const { id } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    await act(id, { resize: { flavorRef: 'c1-m1024-d1' } });
    await cloud.until(
      () => cloud.server(tenant, id),
      (one) => one['status'] === 'VERIFY_RESIZE',
    );
    await act(id, { revertResize: null });
    expect(
      await cloud.until(
        () => cloud.server(tenant, id),
        (one) => one['status'] === 'ACTIVE',
      ),
    ).toMatchObject({ flavor: { ram: 512 } });
    await act(id, { resize: { flavorRef: 'c1-m1024-d1' } });
    await cloud.until(
      () => cloud.server(tenant, id),
      (one) => one['status'] === 'VERIFY_RESIZE',
    );
    expect((await act(id, { confirmResize: null })).status).toBe(204);
    expect(
      await cloud.until(
        () => cloud.server(tenant, id),
        (one) => one['status'] === 'ACTIVE',
      ),
    ).toMatchObject({ flavor: { ram: 1024 } });
    await act(id, { resize: { flavorRef: 'c1-m2048-d1' } });
    await cloud.until(
      () => cloud.server(tenant, id),
      (one) => one['status'] === 'VERIFY_RESIZE',
    );
    await cloud.hold();
    expect((await act(id, { confirmResize: null })).status).toBe(204);
    // It looks finished, and is not.
    expect(await cloud.server(tenant, id)).toMatchObject({ status: 'VERIFY_RESIZE', 'OS-EXT-STS:task_state': null });
  });

  test('resize that no host can take leaves the old flavor and no fault: only the record says Error', async () => {
    const { id } = await cloud.boot(tenant, { flavorRef: 'c1-m1024-d1' });
    await cloud.settled(tenant, id);
    const reply = await act(id, { resize: { flavorRef: 'bm-c1-m1024-d40' } });
    const job = reply.headers.get('x-openstack-request-id') ?? '';
    await cloud.until(
      () => record(id, job),
      (one) => one['message'] === 'Error',
    );
    const server = await cloud.server(tenant, id);
    expect(server).toMatchObject({ status: 'ACTIVE', flavor: { disk: 1 } });
    expect(server).not.toHaveProperty('fault');
  });

  test('makes an image, whose id is in the answer and which becomes active', async () => {
    const { id } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    const imageId = String((await act(id, { createImage: { name: 's', metadata: {} } })).body['image_id']);
    const image = () => cloud.ok(tenant, 'image', 'GET', `/images/${imageId}`);
    expect(await image()).toMatchObject({ name: 's', owner: tenant.projectId });
    await cloud.until(image, (one) => one['status'] === 'active');
  });

  test('is refused to the tenant of a locked server, but not to an administrator', async () => {
    const { id } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    await act(id, { lock: { locked_reason: 'unpaid' } });
    expect(await cloud.server(tenant, id)).toMatchObject({ locked: true, locked_reason: 'unpaid' });
    const refused = await act(id, { 'os-stop': null });
    expect([refused.status, errorOf(refused).message]).toEqual([409, `Instance ${id} is locked`]);
    expect((await nova('DELETE', `/servers/${id}`)).status).toBe(409);
    expect((await act(id, { 'os-stop': null }, admin)).status).toBe(202);
    await cloud.settled(tenant, id);
    await act(id, { unlock: null });
    expect((await act(id, { 'os-start': null })).status).toBe(202);
  });
});

describe('looking for servers', () => {
  test('by tag is exact, by name a regular expression', async () => {
    const [one, two] = [
      await cloud.boot(tenant, { name: 'vm-1', tags: ['wo-1'] }),
      await cloud.boot(tenant, { name: 'vm-10' }),
    ];
    const found = async (query: string) =>
      idsOf((await cloud.ok(tenant, 'compute', 'GET', `/servers/detail?${query}`))['servers']);
    expect(await found('tags=wo-1')).toEqual([one.id]);
    expect(await found('not-tags=wo-1')).toEqual([two.id]);
    expect(await found('name=vm-1')).toHaveLength(2);
    expect(await found('name=%5Evm-1%24')).toEqual([one.id]);
    expect(await found('hostname=vm-10')).toEqual([two.id]);
    const rest = await cloud.ok(tenant, 'compute', 'PUT', `/servers/${two.id}`, { server: { name: 'renamed' } });
    expect(rest['server']).toMatchObject({ name: 'renamed' });
  });

  test('goes page by page along absolute links', async () => {
    for (const name of ['a', 'b', 'c']) await cloud.boot(tenant, { name });
    const first = await cloud.ok(tenant, 'compute', 'GET', '/servers?limit=2');
    const [link] = first['servers_links'] as { rel: string; href: string }[];
    expect(link?.rel).toBe('next');
    const next = await cloud.raw('GET', (link?.href ?? '').slice(cloud.url.length), undefined, {
      'x-auth-token': tenant.token,
    });
    expect(next.body['servers']).toHaveLength(1);
    expect(next.body).not.toHaveProperty('servers_links');
  });

  test('of all projects is for administrators', async () => {
    await cloud.boot(tenant);
    expect((await nova('GET', '/servers?all_tenants=1')).status).toBe(403);
    const listed = async (query: string) => (await cloud.ok(admin, 'compute', 'GET', `/servers?${query}`))['servers'];
    expect(await listed('')).toEqual([]);
    expect(await listed('all_tenants=1')).toHaveLength(1);
    expect(await listed(`all_tenants=1&project_id=${tenant.projectId}`)).toHaveLength(1);
    expect(await listed(`all_tenants=1&project_id=${admin.projectId}`)).toEqual([]);
  });

  test('that changed since a time shows deleted ones, without their metadata', async () => {
    const since = `${new Date(Date.now() - 1000).toISOString().slice(0, 19)}Z`;
    const { id } = await cloud.boot(tenant, { metadata: { a: 'b' } });
    await cloud.settled(tenant, id);
    await cloud.ok(tenant, 'compute', 'DELETE', `/servers/${id}`);
    const changed = () => cloud.ok(tenant, 'compute', 'GET', `/servers/detail?changes-since=${since}`);
    const gone = await cloud.until(changed, (body) => (body['servers'] as Row[])[0]?.['status'] === 'DELETED');
    expect(gone['servers']).toMatchObject([{ id, metadata: {}, 'OS-EXT-STS:vm_state': 'deleted' }]);
    expect((await cloud.ok(tenant, 'compute', 'GET', '/servers'))['servers']).toEqual([]);
    expect((await nova('GET', '/servers/detail?changes-since=yesterday')).status).toBe(400);
    const later = `${new Date(Date.now() + 5000).toISOString().slice(0, 19)}Z`;
    expect((await cloud.ok(tenant, 'compute', 'GET', `/servers/detail?changes-since=${later}`))['servers']).toEqual([]);
  });
});

describe('deleting a server', () => {
  test('works while it is built, and again until it is gone', async () => {
    await cloud.hold();
    const { id } = await cloud.boot(tenant);
    expect((await nova('DELETE', `/servers/${id}`)).status).toBe(204);
    expect(await cloud.server(tenant, id)).toMatchObject({ 'OS-EXT-STS:task_state': 'deleting' });
    expect((await nova('DELETE', `/servers/${id}`)).status).toBe(204);
  });

  test('ends in 404, and its records stay readable', async () => {
    const { id, requestId } = await cloud.boot(tenant);
    await nova('DELETE', `/servers/${id}`);
    await cloud.until(
      () => nova('GET', `/servers/${id}`),
      (reply) => reply.status === 404,
    );
    expect((await nova('DELETE', `/servers/${id}`)).status).toBe(404);
    expect(await record(id, requestId)).toMatchObject({ action: 'create' });
  });

  test('keeps ports given by id, unbound, and frees the floating IP and the volumes', async () => {
    const { networkId } = await cloud.network(tenant);
    const port = (await cloud.ok(tenant, 'network', 'POST', '/ports', { port: { network_id: networkId } }))[
      'port'
    ] as Row;
    const { id } = await cloud.boot(tenant, { networks: [{ port: port['id'] }, { uuid: networkId }] });
    await cloud.settled(tenant, id);
    const again = await nova('POST', '/servers', {
      server: { name: 'x', flavorRef: 'c1-m512-d1', imageRef: seedIds.smallImage, networks: [{ port: port['id'] }] },
    });
    expect([again.status, errorOf(again).message]).toEqual([409, `Port ${String(port['id'])} is still in use.`]);
    const floating = (
      await cloud.ok(tenant, 'network', 'POST', '/floatingips', {
        floatingip: { floating_network_id: seedIds.externalNetwork, port_id: port['id'] },
      })
    )['floatingip'] as Row;
    expect((await cloud.server(tenant, id))['addresses']).toMatchObject({
      'net-1': expect.arrayContaining([
        expect.objectContaining({ addr: floating['floating_ip_address'], 'OS-EXT-IPS:type': 'floating' }),
      ]),
    });
    await cloud.ok(tenant, 'compute', 'DELETE', `/servers/${id}`);
    await cloud.until(
      () => nova('GET', `/servers/${id}`),
      (reply) => reply.status === 404,
    );
    const ports = (await cloud.ok(tenant, 'network', 'GET', `/ports?network_id=${networkId}`))['ports'] as Row[];
    expect(ports.filter((one) => !String(one['device_owner']).startsWith('network:'))).toMatchObject([
      { id: port['id'], device_id: '', status: 'DOWN' },
    ]);
  });
});

describe('a volume of a server', () => {
  const attach = (id: string, volumeId: unknown) =>
    nova('POST', `/servers/${id}/os-volume_attachments`, { volumeAttachment: { volumeId } });

  const attachment = async () => {
    const { id } = await cloud.boot(tenant);
    await cloud.settled(tenant, id);
    const made = (await cloud.ok(tenant, 'volume', 'POST', '/volumes', { volume: { size: 1 } }))['volume'] as Row;
    await cloud.volumeIn(tenant, made['id'], 'available');
    return { id, volumeId: String(made['id']) };
  };

  test('is answered with the name of its device at once, while the volume is only reserved', async () => {
    const { id, volumeId } = await attachment();
    await cloud.hold();
    const reply = await attach(id, volumeId);
    const shown = { volumeId, serverId: id, device: '/dev/vdb', delete_on_termination: false };
    expect([reply.status, reply.body['volumeAttachment']]).toEqual([200, expect.objectContaining(shown)]);
    expect(await cloud.volume(tenant, volumeId)).toMatchObject({ status: 'reserved' });
  });

  test('is in use in the end, refuses a second attachment, and is available again after its detachment', async () => {
    const { id, volumeId } = await attachment();
    await attach(id, volumeId);
    expect(await cloud.volumeIn(tenant, volumeId, 'in-use')).toMatchObject({
      attachments: [{ server_id: id, device: '/dev/vdb' }],
    });
    const again = await attach(id, volumeId);
    expect(errorOf(again).message).toBe(`Invalid volume: volume ${volumeId} is already attached to instances: ${id}`);
    expect((await attach(id, 'nope')).status).toBe(404);
    const path = `/servers/${id}/os-volume_attachments/${volumeId}`;
    expect((await nova('DELETE', path)).status).toBe(202);
    await cloud.volumeIn(tenant, volumeId, 'available');
    const gone = await nova('DELETE', path);
    expect([gone.status, errorOf(gone).message]).toEqual([404, `Instance ${id} is not attached to volume ${volumeId}`]);
  });
});

test('key pairs belong to the user, and a second of the same name is refused', async () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVzZWxlc3MtdGVzdC1rZXktMDAwMDAwMDAwMDAwMDAw me';
  const made = await nova('POST', '/os-keypairs', { keypair: { name: 'k', type: 'ssh', public_key: key } });
  expect([made.status, made.body['keypair']]).toEqual([
    201,
    expect.objectContaining({ name: 'k', fingerprint: expect.stringMatching(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/) }),
  ]);
  expect((await nova('POST', '/os-keypairs', { keypair: { name: 'k', public_key: key } })).status).toBe(409);
  expect((await cloud.ok(tenant, 'compute', 'GET', '/os-keypairs'))['keypairs']).toMatchObject([
    { keypair: { name: 'k' } },
  ]);
  expect((await nova('GET', '/os-keypairs/k', undefined, undefined, admin)).status).toBe(404);
  expect((await nova('DELETE', '/os-keypairs/k')).status).toBe(204);
  expect((await nova('DELETE', '/os-keypairs/k')).status).toBe(404);
});

test('a body over 114,688 bytes is refused by the middleware in front', async () => {
  const reply = await nova('POST', '/servers', { server: { name: 'x', user_data: 'a'.repeat(115_000) } });
  expect(reply.status).toBe(413);
  expect(reply.body).toMatchObject({
    code: '413 Request Entity Too Large',
    message: expect.stringContaining('Request is too large.'),
  });
});
