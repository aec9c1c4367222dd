import { describe, expect, it } from '@jest/globals';
import { Anything } from '../../../src/provisioners/openstack/schema.js';
import { withPermission } from '../../../src/provisioners/permission.js';
import { accountAt, json, silence, tokenBody } from './small-cloud.js';

const login = '/identity/v3/auth/tokens';
const unauthorized = { error: { code: 401, title: 'Unauthorized', message: 'requires authentication' } };

describe('a login to Keystone', () => {
  it('is shared by all who need it at once, and kept for each project', async () => {
    const { client, cloud } = await accountAt();
    await Promise.all(Array.from({ length: 20 }, (_, n) => client.token(n % 2 === 0 ? null : 'tenant-1')));
    await client.token('tenant-1');
    expect(cloud.logins).toHaveLength(2);
    expect(cloud.logins).toContainEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'admin', domain: { name: 'Default' }, password: 'open-sesame' } },
        },
        scope: { project: { id: 'tenant-1' } },
      },
    });
  });

  it('by application credential names no scope', async () => {
    const { client, cloud } = await accountAt(undefined, {
      credentials: { applicationCredentialId: 'ac-1', applicationCredentialSecret: 's' },
    });
    await client.token();
    expect(client.isAdministrator).toBe(false);
    expect(cloud.logins).toEqual([
      {
        auth: {
          identity: { methods: ['application_credential'], application_credential: { id: 'ac-1', secret: 's' } },
        },
      },
    ]);
  });

  it.each([
    [30_000, 'half of a short life', 1],
    [-5_000, 'no time at all', 2],
  ])('is repeated when its token has %i ms to live (used for %s)', async (lifeMs, _words, times) => {
    const { client, cloud } = await accountAt(({ path }, response) => {
      if (path === login) json(response, tokenBody('http://127.0.0.1:1', 'p', lifeMs), 201, { 'x-subject-token': 't' });
    });
    await client.token();
    await client.token();
    expect(cloud.logins).toHaveLength(times);
  });

  it('counts the life of a token by the clock of the server', async () => {
    const { client, cloud } = await accountAt(({ path }, response) => {
      if (path !== login) return;
      // Their clock is two hours behind ours: by ours the token is over before it came.
      const date = new Date(Date.now() - 7_200_000).toUTCString();
      json(response, tokenBody('http://127.0.0.1:1', 'p', 3_600_000 - 7_200_000), 201, {
        'x-subject-token': 't',
        date,
      });
    });
    await client.token();
    await client.token();
    expect(cloud.logins).toHaveLength(1);
  });

  it('is done once more after a 401, and once only', async () => {
    let refusals = 1;
    const { client, cloud } = await accountAt(({ path }, response) => {
      if (path === '/network/v2.0/networks' && refusals-- > 0) json(response, unauthorized, 401);
    });
    await client.read({ service: 'network', path: '/networks' }, Anything);
    expect(cloud.requests.map(({ headers }) => headers['x-auth-token'])).toEqual([
      'token-own-project-1',
      'token-own-project-2',
    ]);
    refusals = 2;
    await expect(client.read({ service: 'network', path: '/networks' }, Anything)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_AUTH',
    });
    expect(cloud.logins).toHaveLength(3);
  });

  it('that Keystone refuses needs a person, and never shows the password', async () => {
    const { client } = await accountAt(({ path }, response) => {
      if (path === login) json(response, { error: { code: 401, title: 'x', message: 'bad open-sesame' } }, 401);
    });
    const error: unknown = await client.token().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ disposition: 'ask-human', code: 'CLD_AUTH' });
    expect(String(error)).not.toContain('open-sesame');
  });

  it('to a project where our account has no role is a matter of permission, not of the password', async () => {
    const { client } = await accountAt(({ path, body }, response) => {
      const scope = (body as { auth?: { scope?: { project: { id?: string } } } } | null)?.auth?.scope;
      if (path === login && scope?.project.id === 'tenant-1') json(response, unauthorized, 401);
    });
    await expect(client.token('tenant-1')).rejects.toMatchObject({ disposition: 'ask-human', code: 'CLD_PERMISSION' });
  });

  it.each([
    ['silence', silence],
    ['a 503', (response: Parameters<typeof silence>[0]) => void response.writeHead(503).end('busy')],
  ])('that Keystone does not answer (%s) says that it is away, also after a 401 of Glance', async (_name, answer) => {
    let isDown = false;
    const { client } = await accountAt(
      ({ path }, response) => {
        if (path === login && isDown) answer(response);
        if (path.startsWith('/image/')) response.writeHead(401, { 'content-type': 'text/html' }).end('<h1>401</h1>');
      },
      { settings: { requestTimeoutMs: 3_000 } },
    );
    await client.token();
    isDown = true;
    await expect(client.read({ service: 'image', path: '/images' }, Anything)).rejects.toMatchObject({
      disposition: 'retry',
      code: expect.stringMatching(/^CLD_(UNAVAILABLE|UNREACHABLE)$/),
    });
  });

  it('does not wait for the permission of the work that happened to need it first', async () => {
    const { client, cloud } = await accountAt();
    const never = { now: () => false, later: () => Promise.reject(new Error('never')) };
    await withPermission(never, () => client.token());
    expect(cloud.logins).toHaveLength(1);
  });
});
