import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { seedIds } from '../../src/simulators/openstack/seed-data.js';
import { startCloud, type Row, type Session, type TestCloud } from './openstack-client.js';

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

const glance = (method: string, path: string, body?: unknown, session: Session = tenant) =>
  cloud.call(session, 'image', method, path, body);
const names = (body: Row) => (body['images'] as Row[]).map((image) => image['name']);

describe('images', () => {
  test('have their properties beside their fields, and are filtered by any of them', async () => {
    const image = (await glance('GET', `/images/${seedIds.image}`)).body;
    expect(image).toMatchObject({
      status: 'active',
      visibility: 'public',
      min_disk: 20,
      os_type: 'linux',
      os_distro: 'centos',
      tags: [],
    });
    const find = async (query: string) => names((await glance('GET', `/images?${query}&sort=name:asc`)).body);
    expect(await find('os_distro=windows')).toEqual(['Windows-2012R2']);
    expect(await find('status=active&visibility=public')).toEqual([
      'CentOS6.4-x86_64',
      'Windows-2012R2',
      'small-linux',
    ]);
    expect(await find('status=deactivated')).toEqual(['withdrawn-linux']);
    expect(await find('no_such_property=1')).toEqual([]);
  });

  test('are listed 25 at a time when no limit is given; the next page is a path without host', async () => {
    for (let index = 0; index < 27; index += 1) {
      expect(
        (await glance('POST', '/images', { name: `i-${String(index).padStart(2, '0')}`, batch: 'x' })).status,
      ).toBe(201);
    }
    const first = (await glance('GET', '/images?batch=x&sort=name:asc')).body;
    expect(first['images']).toHaveLength(25);
    expect(first['next']).toMatch(/^\/v2\/images\?.*marker=/);
    const rest = await glance('GET', String(first['next']).replace(/^\/v2/, ''));
    expect(names(rest.body)).toEqual(['i-25', 'i-26']);
    expect(rest.body).not.toHaveProperty('next');
    expect((await glance('GET', '/images?batch=x&limit=100')).body['images']).toHaveLength(27);
  });

  test('of others are hidden; an unknown one is refused in words of HTML', async () => {
    const mine = (await glance('POST', '/images', { name: 'mine' })).body;
    expect(mine).toMatchObject({ status: 'queued', owner: tenant.projectId });
    const other = await cloud.tenant(admin, 't-2');
    const refused = await glance('GET', `/images/${String(mine['id'])}`, undefined, other);
    expect([refused.status, refused.body]).toEqual([
      404,
      { message: expect.stringContaining('<br /><br />'), code: '404 Not Found', title: 'Not Found' },
    ]);
    expect((await glance('DELETE', `/images/${seedIds.image}`)).status).toBe(403);
    expect((await glance('POST', '/images', { name: 'x', visibility: 'public' })).status).toBe(403);
  });

  test('cannot be asked for without a token', async () => {
    const reply = await cloud.call(null, 'image', 'GET', '/images');
    expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, null]);
  });
});
