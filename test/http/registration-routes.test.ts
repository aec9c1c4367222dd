import { describe, expect, test } from '@jest/globals';
import type { RegistrationJson } from '../../src/http/registration-routes.js';
import { fixture, listOf } from './support.js';
import { api, auditOf, created, datacenter, serveUsers } from './user-support.js';

serveUsers();

const list = async (query = '') => (await api.get(`/v1/registrations${query}`)).json;
const rowsOf = async (query = '') => listOf((await list(query))['registrations']) as unknown as RegistrationJson[];
const ask = (user: string, verb: string, body: object = {}, platform = datacenter.uuid) =>
  api.ask('POST', `/v1/registrations/${platform}/${encodeURIComponent(user)}/${verb}`, body);

describe('registrations, to operators', () => {
  test('are listed by user, with where they go and why they wait', async () => {
    const { user } = await created();
    await api.registrar.becomes(user, datacenter.uuid, { state: 'waiting', detail: 'one order is open' });
    expect(await rowsOf(`?user=${user}&platform=${datacenter.uuid}`)).toEqual([
      {
        userId: user,
        platformId: datacenter.uuid,
        platformName: 'hall two',
        state: 'waiting',
        wanted: 'registered',
        detail: 'one order is open',
        since: expect.stringMatching(/^20\d\d-.*Z$/),
      },
    ]);
    expect(await rowsOf(`?user=${user}&state=failed`)).toEqual([]);
    expect(await rowsOf(`?user=${user}&state=waiting`)).toHaveLength(1);
    expect(await rowsOf('?user=nobody')).toEqual([]);
  });

  test('come page by page, each once', async () => {
    for (let i = 0; i < 4; i++) await created();
    const all = (await rowsOf('?limit=200')).map(({ userId, platformId }) => `${userId} ${platformId}`);
    expect(all.length).toBeGreaterThan(7);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await list(`?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      const rows = listOf(page['registrations']) as unknown as RegistrationJson[];
      expect(rows.length).toBeLessThanOrEqual(3);
      seen.push(...rows.map(({ userId, platformId }) => `${userId} ${platformId}`));
      cursor = page['nextCursor'] as unknown as string | null;
    }
    expect(seen).toEqual(all);
    for (const query of ['cursor=nonsense', 'limit=0', `cursor=${Buffer.from('["u","x"]').toString('base64url')}`]) {
      const refused = await api.get(`/v1/registrations?${query}`);
      expect([refused.status, refused.json['code']]).toEqual([400, 'API_PAGE']);
    }
  });

  test.each([
    ['register', { withNetwork: true }, 'registered'],
    ['unregister', {}, 'unregistered'],
  ] as const)('are asked to %s a user, with who and why', async (verb, more, wanted) => {
    const { user } = await created();
    const answer = await ask(user, verb, { reason: 'ticket 17', ...more });
    expect([answer.status, answer.json]).toMatchObject([202, { userId: user, state: 'asked', wanted }]);
    expect((await auditOf(user)).at(-1)).toMatchObject({
      actor: 'local',
      action: `users.${verb}`,
      reason: 'ticket 17',
      detail: { platformIds: [datacenter.uuid], registrations: 1, ...more },
    });
  });

  test('are refused for whom nobody knows, and where there is no platform', async () => {
    const { user } = await created();
    for (const verb of ['register', 'unregister']) {
      expect((await ask('mistyped', verb, { reason: 'x' })).status).toBe(404);
      expect((await ask(user, verb, { reason: 'x' }, 'nowhere')).status).toBe(404);
      expect((await ask(user, verb)).status).toBe(422);
    }
    expect((await ask(user, 'unregister', { reason: 'x', withNetwork: true })).status).toBe(400);
    expect(api.registrar.calls).toEqual([]);
  });

  test('take a user whom only an order names', async () => {
    await api.post('/api/msg/order/', fixture('order-60.json'));
    const { rows } = await api.pool.query<{ user_id: string }>(`select user_id from work_order where kind = 'billing'`);
    const answer = await ask(rows[0]?.user_id ?? '', 'register', { reason: 'his orders wait' });
    expect(answer.status).toBe(202);
  });
});
