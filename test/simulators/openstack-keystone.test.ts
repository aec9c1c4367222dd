import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { seedIds } from '../../src/simulators/openstack/seed-data.js';
import { errorOf, startCloud, type Row, type Session, type TestCloud } from './openstack-client.js';

let cloud: TestCloud;
let admin: Session;
beforeAll(async () => {
  cloud = await startCloud();
});
beforeEach(async () => {
  await cloud.sim('POST', 'reset');
  admin = await cloud.loginAdmin();
});
afterAll(() => cloud.close());

const tokens = '/identity/v3/auth/tokens';
const identity = (method: string, path: string, body?: unknown, session: Session | null = admin) =>
  cloud.call(session, 'identity', method, path, body);

describe('a token', () => {
  test('comes in a header; the body says whose it is, for how long, and where the services are', async () => {
    const user = cloud.userNamed('admin', 'test-password');
    const reply = await cloud.raw(
      'POST',
      tokens,
      cloud.authBody(user, { project: { name: 'admin', domain: { name: 'Default' } } }),
    );
    expect(reply.status).toBe(201);
    expect(reply.headers.get('x-subject-token')).toMatch(/^gAAAAAB/);
    const token = reply.body['token'] as Row & { catalog: { type: string; endpoints: Row[] }[] };
    expect(token).toMatchObject({
      methods: ['password'],
      project: { name: 'admin', domain: { id: 'default', name: 'Default' } },
      roles: [{ name: 'admin' }, { name: 'member' }, { name: 'reader' }],
    });
    expect(Date.parse(String(token['expires_at'])) - Date.parse(String(token['issued_at']))).toBe(3_600_000);
    const publicUrls = Object.fromEntries(
      token.catalog.map(({ type, endpoints }) => [
        type,
        endpoints.find((one) => one['interface'] === 'public')?.['url'],
      ]),
    );
    expect(publicUrls).toMatchObject({
      identity: `${cloud.url}/identity/v3`,
      compute: `${cloud.url}/compute/v2.1`,
      volumev3: `${cloud.url}/volume/v3/${seedIds.adminProject}`,
      network: `${cloud.url}/network`,
      image: `${cloud.url}/image`,
    });
    expect(token.catalog[0]?.endpoints.map((one) => [one['interface'], one['region_id']])).toEqual([
      ['public', 'RegionOne'],
      ['internal', 'RegionOne'],
      ['admin', 'RegionOne'],
    ]);
  });

  test('without a scope has no catalog, and with ?nocatalog leaves it out', async () => {
    const user = cloud.userNamed('admin', 'test-password');
    const unscoped = await cloud.raw('POST', tokens, cloud.authBody(user));
    expect(unscoped.body['token']).not.toHaveProperty('catalog');
    expect(unscoped.body['token']).not.toHaveProperty('project');
    const scope = { project: { id: seedIds.adminProject } };
    const short = await cloud.raw('POST', `${tokens}?nocatalog`, cloud.authBody(user, scope));
    expect(short.body['token']).toMatchObject({ project: { name: 'admin' } });
    expect(short.body['token']).not.toHaveProperty('catalog');
  });

  test('is refused with the same 401 for a wrong password, an unknown project and a disabled user, and with 400 for missing parts', async () => {
    const one = await cloud.tenant(admin, 't-1');
    const scope = { project: { id: one.projectId } };
    const ask = (user: Row, wanted: unknown) => cloud.raw('POST', tokens, cloud.authBody(user, wanted));
    const wrong = await ask(cloud.userNamed('t-1', 'wrong'), scope);
    const unknown = await ask(cloud.userNamed('t-1', one.password), {
      project: { name: 'nope', domain: { id: 'default' } },
    });
    const foreign = await ask(cloud.userNamed('t-1', one.password), { project: { id: seedIds.adminProject } });
    await identity('PATCH', `/users/${one.userId}`, { user: { enabled: false } });
    const disabled = await ask(cloud.userNamed('t-1', one.password), scope);
    for (const reply of [wrong, unknown, foreign, disabled]) {
      expect(reply.status).toBe(401);
      expect(reply.text).toBe(wrong.text);
    }
    expect(errorOf(wrong)).toMatchObject({ key: 'error', code: 401 });
    expect((await cloud.raw('POST', tokens, { auth: {} })).status).toBe(400);
    expect((await cloud.raw('POST', tokens, cloud.authBody({ name: 'admin', password: 'test-password' }))).status).toBe(
      400,
    );
  });

  test('is asked for by every service, which name Keystone in their refusal', async () => {
    for (const [service, path] of [
      ['compute', '/servers'],
      ['network', '/networks'],
    ] as const) {
      const reply = await cloud.call(null, service, 'GET', path);
      expect(reply.status).toBe(401);
      expect(reply.headers.get('www-authenticate')).toBe(`Keystone uri="${cloud.serviceUrl}"`);
      expect(errorOf(reply).message).toBe('The request you have made requires authentication.');
    }
  });

  test('can be looked at and revoked', async () => {
    const other = await cloud.tenant(admin, 't-1');
    const subject = { 'x-auth-token': admin.token, 'x-subject-token': other.token };
    const shown = await cloud.raw('GET', tokens, undefined, subject);
    expect(shown.body['token']).toMatchObject({
      user: { name: 't-1' },
      roles: [{ name: 'member' }, { name: 'reader' }],
    });
    expect((await cloud.raw('DELETE', tokens, undefined, subject)).status).toBe(204);
    expect((await cloud.call(other, 'compute', 'GET', '/servers')).status).toBe(401);
    expect((await cloud.raw('GET', tokens, undefined, subject)).status).toBe(404);
  });

  test('is dead at once for a user that was disabled, and for a project that was', async () => {
    const [one, two] = [await cloud.tenant(admin, 't-1'), await cloud.tenant(admin, 't-2')];
    await identity('PATCH', `/users/${one.userId}`, { user: { enabled: false } });
    await identity('PATCH', `/projects/${two.projectId}`, { project: { enabled: false } });
    expect((await cloud.call(one, 'network', 'GET', '/networks')).status).toBe(401);
    expect((await cloud.call(two, 'network', 'GET', '/networks')).status).toBe(401);
  });
});

describe('an application credential', () => {
  test('logs in to its own project only, without a scope; its secret is shown once', async () => {
    const one = await cloud.tenant(admin, 't-1');
    const path = `/users/${one.userId}/application_credentials`;
    const made = await identity('POST', path, { application_credential: { name: 'robot' } }, one);
    const credential = made.body['application_credential'] as Row;
    expect(made.status).toBe(201);
    const listed = await identity('GET', path, undefined, one);
    expect((listed.body['application_credentials'] as Row[])[0]).not.toHaveProperty('secret');
    const body = (secret: unknown, scope?: unknown) => ({
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: credential['id'], secret },
        },
        ...(scope !== undefined && { scope }),
      },
    });
    const reply = await cloud.raw('POST', tokens, body(credential['secret']));
    expect(reply.body['token']).toMatchObject({ project: { id: one.projectId }, user: { id: one.userId } });
    expect((await cloud.raw('POST', tokens, body('wrong'))).status).toBe(401);
    expect(
      (await cloud.raw('POST', tokens, body(credential['secret'], { project: { id: one.projectId } }))).status,
    ).toBe(401);
    expect((await identity('POST', path, { application_credential: { name: 'robot' } }, admin)).status).toBe(403);
    expect((await identity('POST', path, { application_credential: { name: 'robot' } }, one)).status).toBe(409);
  });
});

describe('a tenant', () => {
  test('is made once: the name is unique in the domain, and the conflict names the project that is there', async () => {
    const body = {
      project: { name: 'ct_1', domain_id: 'default', description: 'ow-0123456789abcdef', tags: ['ext:42'] },
    };
    const made = (await identity('POST', '/projects', body)).body['project'] as Row;
    expect(made).toMatchObject({
      name: 'ct_1',
      enabled: true,
      parent_id: 'default',
      is_domain: false,
      tags: ['ext:42'],
    });
    const again = await identity('POST', '/projects', body);
    expect(again.status).toBe(409);
    expect(errorOf(again).message).toContain(`name is ct_1, project id ${String(made['id'])}.`);
    const listed = await identity('GET', '/projects?tags=ext:42');
    expect(listed.body).toMatchObject({ projects: [{ id: made['id'] }], links: { next: null } });
    expect((await identity('GET', '/projects?name=ct_1&domain_id=default')).body['projects']).toHaveLength(1);
    expect((await identity('GET', '/projects?name=ct_2&domain_id=default')).body['projects']).toEqual([]);
    expect(await cloud.resources('account')).toMatchObject([{ name: 'ct_1', marker: 'ow-0123456789abcdef' }]);
  });

  test('has a user whose second grant is as good as the first, and member brings reader', async () => {
    const one = await cloud.tenant(admin, 't-1');
    const grant = `/projects/${one.projectId}/users/${one.userId}/roles/${seedIds.memberRole}`;
    expect((await identity('PUT', grant)).status).toBe(204);
    expect((await identity('HEAD', grant)).status).toBe(204);
    const admins = grant.replace(seedIds.memberRole, seedIds.adminRole);
    expect((await identity('HEAD', admins)).status).toBe(404);
    const assignments = await identity('GET', `/role_assignments?user.id=${one.userId}&include_names=true`);
    expect(assignments.body['role_assignments']).toMatchObject([
      { role: { name: 'member' }, scope: { project: { name: 't-1' } }, user: { name: 't-1' } },
    ]);
    expect((await identity('POST', '/users', { user: { name: 't-1', domain_id: 'default' } })).status).toBe(409);
    expect((await identity('POST', '/roles', { role: { name: 'member' } })).status).toBe(409);
    expect((await identity('GET', '/roles?name=member')).body['roles']).toMatchObject([{ id: seedIds.memberRole }]);
  });

  test("is nobody's to manage but the administrator's", async () => {
    const one = await cloud.tenant(admin, 't-1');
    for (const [method, path, body] of [
      ['GET', '/projects', undefined],
      ['POST', '/users', { user: { name: 'x' } }],
      ['PUT', `/projects/${one.projectId}/users/${one.userId}/roles/${seedIds.adminRole}`, undefined],
    ] as const) {
      const reply = await identity(method, path, body, one);
      expect(reply.status).toBe(403);
      expect(errorOf(reply).message).toMatch(/^You are not authorized to perform the requested action: identity:/);
    }
    expect((await identity('GET', `/users/${one.userId}`, undefined, one)).status).toBe(200);
  });

  test('that is deleted leaves its network behind, and its token is dead', async () => {
    const one = await cloud.tenant(admin, 't-1');
    const network = (await cloud.ok(one, 'network', 'POST', '/networks', { network: { name: 'left' } }))[
      'network'
    ] as Row;
    expect((await identity('DELETE', `/projects/${one.projectId}`)).status).toBe(204);
    expect((await identity('DELETE', `/projects/${one.projectId}`)).status).toBe(404);
    expect((await cloud.call(one, 'network', 'GET', '/networks')).status).toBe(401);
    expect(await cloud.ok(admin, 'network', 'GET', `/networks/${String(network['id'])}`)).toMatchObject({
      network: { name: 'left' },
    });
  });

  test('gives the administrator a token for its project once he holds a role there', async () => {
    const one = await cloud.tenant(admin, 't-1');
    const user = cloud.userNamed('admin', 'test-password');
    const scope = { project: { id: one.projectId } };
    expect((await cloud.raw('POST', tokens, cloud.authBody(user, scope))).status).toBe(401);
    await identity('PUT', `/projects/${one.projectId}/users/${admin.userId}/roles/${seedIds.adminRole}`);
    const inside = await cloud.login(user, scope);
    const network = (await cloud.ok(inside, 'network', 'POST', '/networks', { network: { name: 'n' } }))['network'];
    expect(network).toMatchObject({ project_id: one.projectId });
  });

  test('domain has to be disabled before it is deleted', async () => {
    const domain = (await identity('POST', '/domains', { domain: { name: 'd' } })).body['domain'] as Row;
    const path = `/domains/${String(domain['id'])}`;
    expect((await identity('POST', '/domains', { domain: { name: 'd' } })).status).toBe(409);
    expect((await identity('DELETE', path)).status).toBe(403);
    await identity('PATCH', path, { domain: { enabled: false } });
    expect((await identity('DELETE', path)).status).toBe(204);
  });
});

test('the roots of the services list their versions to everybody', async () => {
  const statuses = await Promise.all(
    ['/identity', '/compute', '/volume', '/network', '/image'].map(
      async (path) => (await cloud.raw('GET', path)).status,
    ),
  );
  expect(statuses).toEqual([300, 200, 300, 200, 300]);
  expect((await cloud.raw('GET', '/compute/v2.1')).body).toMatchObject({
    version: { version: '2.93', min_version: '2.1' },
  });
});
