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

const cinder = (method: string, path: string, body?: unknown, version?: string, session: Session = tenant) =>
  cloud.call(session, 'volume', method, path, body, version === undefined ? {} : { version: `volume ${version}` });
const create = async (fields: Row = {}) =>
  (await cloud.ok(tenant, 'volume', 'POST', '/volumes', { volume: { name: 'vol-1', size: 2, ...fields } }))[
    'volume'
  ] as Row;
const available = async (fields: Row = {}) => cloud.volumeIn(tenant, (await create(fields))['id'], 'available');

describe('a new volume', () => {
  test('is creating at first and available later; bootable is a text', async () => {
    const marker = 'ow-0123456789abcdef';
    const made = await create({ volume_type: 'SSD', availability_zone: 'nova', metadata: { order: marker } });
    expect(made).toMatchObject({ status: 'creating', size: 2, volume_type: 'SSD', bootable: 'false', attachments: [] });
    await cloud.volumeIn(tenant, made['id'], 'available');
    expect(await cloud.resources('volume')).toMatchObject([
      { id: made['id'], marker, state: 'available', attachedTo: null, details: { sizeGib: 2, type: 'SSD' } },
    ]);
  });

  test('takes the default type, and is made from an image that fits into it', async () => {
    expect(await create()).toMatchObject({ volume_type: '__DEFAULT__' });
    expect(await create({ size: 20, imageRef: seedIds.image })).toMatchObject({ bootable: 'true' });
    const small = await cinder('POST', '/volumes', { volume: { size: 2, imageRef: seedIds.image } });
    expect(errorOf(small).message).toContain('Volume size 2GB cannot be smaller than the image minDisk size 20GB.');
  });

  test.each<[string, Row, number]>([
    ['type', { volume_type: 'nope' }, 404],
    ['size', { size: 0 }, 400],
    ['zone', { availability_zone: 'az1' }, 400],
    ['source', { source_volid: 'nope' }, 404],
  ])('with a wrong %s is refused at once', async (_what, fields, status) => {
    expect((await cinder('POST', '/volumes', { volume: { size: 2, ...fields } })).status).toBe(status);
    expect(await cloud.resources('volume')).toEqual([]);
  });

  test('over the quota is refused as 413, with a Retry-After that means nothing', async () => {
    const quota = `/os-quota-sets/${tenant.projectId}`;
    await cloud.ok(admin, 'volume', 'PUT', quota, { quota_set: { volumes: 1, gigabytes: 5 } });
    await create();
    const reply = await cinder('POST', '/volumes', { volume: { size: 1 } });
    expect(reply.status).toBe(413);
    expect(reply.headers.get('retry-after')).toBe('0');
    expect(reply.body).toEqual({
      overLimit: {
        code: 413,
        message: "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'.",
        retryAfter: '0',
      },
    });
    await cloud.ok(admin, 'volume', 'PUT', quota, { quota_set: { volumes: 5 } });
    expect(errorOf(await cinder('POST', '/volumes', { volume: { size: 4 } })).message).toContain(
      'Requested 4G, quota is 5G and 2G has been consumed.',
    );
    const used = (await cloud.ok(admin, 'volume', 'GET', `${quota}?usage=true`))['quota_set'];
    expect(used).toMatchObject({
      volumes: { limit: 5, in_use: 1 },
      gigabytes: { limit: 5, in_use: 2 },
      volumes_SSD: { limit: -1 },
    });
    const limits = (await cloud.ok(tenant, 'volume', 'GET', '/limits'))['limits'];
    expect(limits).toMatchObject({
      rate: [],
      absolute: { maxTotalVolumes: 5, totalVolumesUsed: 1, totalGigabytesUsed: 2 },
    });
  });

  test('that found no backend is in error; why, is in the messages alone', async () => {
    await cloud.fault({ operation: 'cinder.volumes.create', kind: 'job-fails' });
    const { id } = await create();
    expect(await cloud.volumeIn(tenant, id, 'error')).not.toHaveProperty('fault');
    expect(
      (await cloud.ok(tenant, 'volume', 'GET', `/messages?resource_uuid=${String(id)}`))['messages'],
    ).toMatchObject([
      {
        message_level: 'ERROR',
        resource_uuid: id,
        user_message: 'schedule allocate volume:Could not find any available weighted backend.',
      },
    ]);
    expect((await cinder('DELETE', `/volumes/${String(id)}`)).status).toBe(202);
  });
});

describe('looking for volumes', () => {
  test('goes by name and by metadata written as Python does', async () => {
    const one = await create({ name: 'a', metadata: { order_id: 'wo-1', item: '1' } });
    await create({ name: 'b', metadata: { order_id: 'wo-2' } });
    const find = async (query: string) =>
      ((await cloud.ok(tenant, 'volume', 'GET', `/volumes/detail?${query}`))['volumes'] as Row[]).map(
        (row) => row['id'],
      );
    expect(await find('name=a')).toEqual([one['id']]);
    expect(await find(`metadata=${encodeURIComponent("{'order_id':'wo-1'}")}`)).toEqual([one['id']]);
    expect(await find(`metadata=${encodeURIComponent("{'order_id':'wo-1', 'item': '2'}")}`)).toEqual([]);
    expect((await cinder('GET', '/volumes?metadata=wo-1')).status).toBe(400);
    const bogus = await cinder('GET', '/volumes?bogus=1');
    expect([bogus.status, errorOf(bogus).message]).toEqual([400, 'Invalid filters bogus are found in query options.']);
    expect((await cinder('GET', '/volumes?bogus=1', undefined, '3.0')).body['volumes']).toHaveLength(2);
  });

  test('by the time of change shows what has changed since', async () => {
    const { id } = await available();
    const find = (operator: string, at: number) =>
      cinder('GET', `/volumes?updated_at=${operator}:${new Date(at).toISOString().slice(0, 19)}`);
    expect((await find('gte', Date.now() - 60_000)).body['volumes']).toMatchObject([{ id }]);
    expect((await find('gte', Date.now() + 60_000)).body['volumes']).toEqual([]);
    expect((await cinder('GET', '/volumes?updated_at=gte:never')).status).toBe(400);
  });

  test('goes page by page, sorted and counted', async () => {
    for (const name of ['c', 'a', 'b']) await create({ name });
    const first = (await cinder('GET', '/volumes?limit=2&sort=name:asc&with_count=true')).body;
    expect(first).toMatchObject({
      volumes: [{ name: 'a' }, { name: 'b' }],
      count: 3,
      volumes_links: [{ rel: 'next' }],
    });
    const [link] = first['volumes_links'] as { href: string }[];
    const next = await cloud.raw('GET', (link?.href ?? '').slice(cloud.url.length), undefined, {
      'x-auth-token': tenant.token,
    });
    expect(next.body).toMatchObject({ volumes: [{ name: 'c' }] });
  });

  test('of all projects is for administrators, and a foreign project in the path for nobody', async () => {
    await create();
    expect((await cinder('GET', '/volumes?all_tenants=1', undefined, undefined, admin)).body['volumes']).toHaveLength(
      1,
    );
    expect((await cinder('GET', '/volumes', undefined, undefined, admin)).body['volumes']).toEqual([]);
    const other = await cloud.raw('GET', `/volume/v3/${admin.projectId}/volumes`, undefined, {
      'x-auth-token': tenant.token,
    });
    expect([other.status, errorOf(other).message]).toEqual([400, 'Malformed request url']);
  });
});

describe('a volume', () => {
  const act = (id: unknown, body: unknown, version?: string, session?: Session) =>
    cinder('POST', `/volumes/${String(id)}/action`, body, version, session);

  test('grows, but does not shrink', async () => {
    const { id } = await available();
    expect((await act(id, { 'os-extend': { new_size: 3 } })).status).toBe(202);
    expect(await cloud.volumeIn(tenant, id, 'available')).toMatchObject({ size: 3 });
    const smaller = await act(id, { 'os-extend': { new_size: 2 } });
    expect([smaller.status, errorOf(smaller).message]).toEqual([
      400,
      'Invalid input received: New size for extend must be greater than current size. (current: 3, extended: 2).',
    ]);
    expect((await act(id, { 'os-extend': { new_size: 5000 } })).status).toBe(413);
    expect((await act(id, { 'os-retype': { new_type: 'SSD', migration_policy: 'never' } })).status).toBe(202);
    expect(await cloud.volumeIn(tenant, id, 'available')).toMatchObject({ volume_type: 'SSD' });
  });

  test('grows while attached from 3.42 on', async () => {
    const { id } = await available();
    const server = await cloud.boot(tenant);
    await cloud.settled(tenant, server.id);
    await cloud.ok(tenant, 'compute', 'POST', `/servers/${server.id}/os-volume_attachments`, {
      volumeAttachment: { volumeId: id },
    });
    await cloud.volumeIn(tenant, id, 'in-use');
    expect((await act(id, { 'os-extend': { new_size: 3 } }, '3.41')).status).toBe(400);
    expect((await act(id, { 'os-extend': { new_size: 3 } }, '3.42')).status).toBe(202);
    expect(await cloud.volumeIn(tenant, id, 'in-use')).toMatchObject({ size: 3 });
    const refused = await cinder('DELETE', `/volumes/${String(id)}`);
    expect([refused.status, errorOf(refused).message]).toEqual([
      400,
      expect.stringMatching(/^Invalid volume: Volume status must be available or error/),
    ]);
  });

  test('is gone after its deletion; a stuck one is freed by an administrator', async () => {
    const { id } = await available();
    await cloud.fault({ operation: 'cinder.volumes.delete', kind: 'job-never-ends' });
    expect((await cinder('DELETE', `/volumes/${String(id)}`)).status).toBe(202);
    expect(await cloud.volume(tenant, id)).toMatchObject({ status: 'deleting' });
    expect((await cinder('DELETE', `/volumes/${String(id)}`)).status).toBe(400);
    expect((await act(id, { 'os-reset_status': { status: 'error' } })).status).toBe(403);
    expect((await act(id, { 'os-reset_status': { status: 'error' } }, undefined, admin)).status).toBe(202);
    expect((await cinder('DELETE', `/volumes/${String(id)}`)).status).toBe(202);
    await cloud.until(
      () => cinder('GET', `/volumes/${String(id)}`),
      (reply) => reply.status === 404,
    );
    expect((await cinder('DELETE', `/volumes/${String(id)}`)).status).toBe(404);
  });
});

describe('a snapshot', () => {
  test('keeps its volume from being deleted; from 3.66 on it needs no force, and false is refused', async () => {
    const { id } = await available();
    const refused = await cinder('POST', '/snapshots', { snapshot: { volume_id: id, force: false } });
    expect(refused.status).toBe(400);
    const made = (await cloud.ok(tenant, 'volume', 'POST', '/snapshots', { snapshot: { volume_id: id, name: 's' } }))[
      'snapshot'
    ] as Row;
    const snapshot = () => cloud.ok(tenant, 'volume', 'GET', `/snapshots/${String(made['id'])}`);
    await cloud.until(snapshot, (body) => (body['snapshot'] as Row)['status'] === 'available');
    expect((await cinder('DELETE', `/volumes/${String(id)}`)).status).toBe(400);
    expect(await cloud.resources('snapshot')).toMatchObject([{ name: 's', attachedTo: id }]);
    expect((await cinder('DELETE', `/snapshots/${String(made['id'])}`)).status).toBe(202);
    await cloud.until(
      () => cinder('GET', `/snapshots/${String(made['id'])}`),
      (reply) => reply.status === 404,
    );
    expect((await cinder('DELETE', `/volumes/${String(id)}`)).status).toBe(202);
  });
});

describe('a backup', () => {
  const backupIn = (id: unknown, status: string) =>
    cloud.until(
      async () => (await cloud.ok(tenant, 'volume', 'GET', `/backups/${String(id)}`))['backup'] as Row,
      (one) => one['status'] === status,
    );
  const backUp = (fields: Row) => cinder('POST', '/backups', { backup: { name: 'b', ...fields } });

  test('keeps its volume busy, and is restored into it or into a new one', async () => {
    const { id } = await available();
    await cloud.sim('POST', 'latency', {
      operation: { 'cinder.backups.create': { minMs: 3_600_000, maxMs: 3_600_000 } },
    });
    const stuck = (await backUp({ volume_id: id })).body['backup'] as Row;
    expect(stuck).toEqual({ id: expect.any(String), name: 'b', links: expect.any(Array) });
    expect(await cloud.volume(tenant, id)).toMatchObject({ status: 'backing-up' });
    await cloud.sim('POST', 'latency', { operation: { 'cinder.backups.create': { minMs: 1, maxMs: 2 } } });
    const { id: other } = await available();
    const made = (await backUp({ volume_id: other, metadata: { a: 'b' } })).body['backup'] as Row;
    expect(await backupIn(made['id'], 'available')).toMatchObject({
      size: 2,
      fail_reason: null,
      is_incremental: false,
      metadata: { a: 'b' },
    });
    expect((await cinder('GET', `/backups/detail?volume_id=${String(other)}`)).body['backups']).toHaveLength(1);
    const restore = `/backups/${String(made['id'])}/restore`;
    expect((await cinder('POST', restore, { restore: { volume_id: other } })).body['restore']).toMatchObject({
      volume_id: other,
    });
    await cloud.volumeIn(tenant, other, 'available');
    await backupIn(made['id'], 'available');
    const fresh = (await cinder('POST', restore, { restore: { name: 'new' } })).body['restore'] as Row;
    expect(await cloud.volumeIn(tenant, fresh['volume_id'], 'available')).toMatchObject({ name: 'new', size: 2 });
  });

  test('of an attached volume needs force, and an incremental one a full one before', async () => {
    const { id } = await available();
    const early = await backUp({ volume_id: id, incremental: true });
    expect([early.status, errorOf(early).message]).toEqual([
      400,
      'Invalid backup: No backups available to do an incremental backup.',
    ]);
    const server = await cloud.boot(tenant);
    await cloud.settled(tenant, server.id);
    await cloud.ok(tenant, 'compute', 'POST', `/servers/${server.id}/os-volume_attachments`, {
      volumeAttachment: { volumeId: id },
    });
    await cloud.volumeIn(tenant, id, 'in-use');
    expect((await backUp({ volume_id: id })).status).toBe(400);
    const full = (await backUp({ volume_id: id, force: true })).body['backup'] as Row;
    await backupIn(full['id'], 'available');
    const next = (await backUp({ volume_id: id, force: true, incremental: true })).body['backup'] as Row;
    expect(await backupIn(next['id'], 'available')).toMatchObject({ is_incremental: true });
    expect((await cinder('DELETE', `/backups/${String(full['id'])}`)).status).toBe(400);
    expect((await cinder('DELETE', `/backups/${String(next['id'])}`)).status).toBe(202);
  });

  test('that failed says why', async () => {
    const { id } = await available();
    await cloud.fault({ operation: 'cinder.backups.create', kind: 'job-fails', errortext: 'no room' });
    const made = (await backUp({ volume_id: id })).body['backup'] as Row;
    expect(await backupIn(made['id'], 'error')).toMatchObject({ fail_reason: 'no room' });
    expect(await cloud.volume(tenant, id)).toMatchObject({ status: 'available' });
  });
});

test("the types, and a zone with another name than Nova's", async () => {
  const types = (await cloud.ok(tenant, 'volume', 'GET', '/types'))['volume_types'] as Row[];
  expect(types.map((type) => type['name'])).toEqual(['__DEFAULT__', 'SATA', 'SSD']);
  const zones = (await cloud.ok(tenant, 'volume', 'GET', '/os-availability-zone'))['availabilityZoneInfo'];
  expect(zones).toEqual([{ zoneName: 'nova', zoneState: { available: true } }]);
  const refused = await cinder('GET', '/volumes', undefined, '3.999');
  expect([refused.status, errorOf(refused)]).toEqual([
    406,
    expect.objectContaining({
      key: 'computeFault',
      message: 'Version 3.999 is not supported by the API. Minimum is 3.0 and maximum is 3.70.',
    }),
  ]);
});
