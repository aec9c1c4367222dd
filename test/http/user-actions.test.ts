import { describe, expect, test } from '@jest/globals';
import { listOf } from './support.js';
import { act, api, auditOf, created, datacenter, link, pathsOf, resultsOf, rowOf, serveUsers } from './user-support.js';

serveUsers();

describe('an action on users', () => {
  test('that is not known is refused with the known ones', async () => {
    for (const action of ['dance', 'constructor', '']) {
      const answer = await act(action);
      expect([answer.status, pathsOf(answer)]).toEqual([400, ['action']]);
      expect(answer.text).toContain(
        'active_users, deactivate_user, activate_user, initialize_user, initialize_all_user, dc_register_user, ' +
          'dc_unregister_user, dc_unregister_all_users, dc_register_all_user, unlink_user, login_user, logout_user, change_password',
      );
    }
  });

  test('deactivates, activates, and lists the active ones', async () => {
    const { id, user, given } = await created();
    const active = async () =>
      resultsOf(await act('active_users', { username: given.username, ct_user_id: 'me', os_id: 'x' }))['count'];
    expect(await active()).toBe(1);
    const off = await act('deactivate_user', { user_id: user, ct_user_id: 'me' });
    expect(off.json).toMatchObject({ msg: 'deactivate_user', results: { id, state: 'inactive' } });
    expect(await active()).toBe(0);
    expect((await act('activate_user', { user_id: id })).json).toMatchObject({ results: { id, state: 'active' } });
    expect(await active()).toBe(1);
    expect((await auditOf(user)).slice(2).map(({ action }) => action)).toEqual(['users.deactivate', 'users.activate']);
    expect(pathsOf(await act('deactivate_user', { ct_user_id: user }))).toEqual(['user_id']);
  });

  test.each([
    ['initialize_user', 'register', { withNetwork: true }],
    ['dc_register_user', 'register', {}],
    ['dc_unregister_user', 'unregister', undefined],
  ] as const)('%s asks the registrar for one user in one data centre', async (action, verb, options) => {
    const { id, user } = await created();
    for (const sysplatforms_id of [datacenter.id, datacenter.uuid]) {
      api.registrar.calls.length = 0;
      const answer = await act(action, { user_id: user, sysplatforms_id }, '?ct_user_id=me');
      expect(answer.json).toMatchObject({ msg: action, results: { id, registrations: [{}, { name: 'hall two' }] } });
      const reason = 'asked by the source platform for ct_user_id me';
      expect(api.registrar.calls).toEqual([
        {
          act: verb,
          who: { userIds: [user], platformIds: [datacenter.uuid] },
          by: { actor: 'local', reason },
          ...(options && { options }),
        },
      ]);
      expect((await auditOf(user)).at(-1)).toMatchObject({
        actor: 'local',
        action: `users.${verb}`,
        reason,
        detail: { platformIds: [datacenter.uuid], registrations: 1, ...options },
      });
    }
    expect((await act(action, { user_id: user, sysplatforms_id: 999_999 })).status).toBe(404);
    expect((await act(action, { user_id: 'nobody', sysplatforms_id: datacenter.id })).status).toBe(404);
    expect(pathsOf(await act(action, { sysplatforms_id: datacenter.id }))).toEqual(['user_id']);
  });

  test('initialises a user everywhere, and unlinks one from everywhere', async () => {
    const { user } = await created();
    await act('initialize_user', { user_id: user, ct_user_id: 'me', os_id: 'x' });
    await act('unlink_user', { user_id: user });
    const who = { userIds: [user], platformIds: null };
    expect(api.registrar.calls).toMatchObject([
      { act: 'register', who, options: { withNetwork: true } },
      { act: 'unregister', who },
    ]);
    for (const action of ['dc_register_user', 'dc_unregister_user']) {
      expect(pathsOf(await act(action, { user_id: user }))).toEqual(['sysplatforms_id']);
    }
  });

  test.each([
    ['initialize_all_user', 'register', null, { withNetwork: true }],
    ['dc_register_all_user', 'register', 'hall-2', {}],
    ['dc_unregister_all_users', 'unregister', 'hall-2', undefined],
  ] as const)('%s asks the registrar for everybody, and counts', async (action, verb, platform, options) => {
    const { id } = await created();
    const answer = await act(action, { ...(platform && { sysplatforms_id: platform }), ct_user_id: 'me', os_id: 'x' });
    const who = { userIds: null, platformIds: platform && [platform] };
    expect(api.registrar.calls).toMatchObject([{ act: verb, who, ...(options && { options }) }]);
    const results = resultsOf(answer);
    const rows = listOf(results['user_datacenters']);
    expect(results['count']).toBe(rows.length);
    expect(results['states']).toEqual({ asked: rows.length });
    expect(rows.some((row) => Number(row['user_id']) === id)).toBe(true);
    expect((await auditOf('all users')).at(-1)?.action).toBe(`users.${verb}`);
    if (platform) expect(pathsOf(await act(action))).toEqual(['sysplatforms_id']);
  });

  test('logs out whoever asks, or whom they name', async () => {
    const [{ user }, { user: other }] = [await created(), await created()];
    expect((await act('logout_user', { os_id: 'x' }, `?ct_user_id=${user}`)).json).toMatchObject({
      results: { ct_user_id: user },
    });
    expect((await act('logout_user', { ct_user_id: user, user_id: other })).json).toMatchObject({
      results: { ct_user_id: other },
    });
    expect((await rowOf(user))['logged_out_at']).toEqual(expect.any(String));
    expect((await auditOf(user)).at(-1)?.action).toBe('users.log-out');
    expect((await act('logout_user', { ct_user_id: 'nobody' })).status).toBe(404);
    expect(pathsOf(await act('logout_user'))).toEqual(['user_id']);
  });
});

describe('users in data centres', () => {
  test('are linked and unlinked', async () => {
    const { id, user } = await created();
    const named = { user_id: user, sysplatforms_id: datacenter.id, ct_user_id: 'me' };
    expect((await link('create', named)).json).toMatchObject({ msg: 'linked', results: { id } });
    expect((await link('delete', named)).json).toMatchObject({
      msg: 'being unlinked',
      results: { id, registrations: [{ wanted: 'registered' }, { name: 'hall two', wanted: 'unregistered' }] },
    });
    const who = { userIds: [user], platformIds: [datacenter.uuid] };
    expect(api.registrar.calls).toMatchObject([
      { act: 'register', who },
      { act: 'unregister', who },
    ]);
    expect((await auditOf(user)).slice(2).map(({ action }) => action)).toEqual(['users.register', 'users.unregister']);
    for (const verb of ['create', 'delete']) {
      expect(pathsOf(await link(verb, { user_id: user }))).toEqual(['sysplatforms_id']);
      expect(pathsOf(await link(verb, { sysplatforms_id: datacenter.id }))).toEqual(['user_id']);
      expect((await link(verb, { ...named, user_id: 'nobody' })).status).toBe(404);
      expect((await link(verb, { ...named, sysplatforms_id: 'nowhere' })).status).toBe(404);
    }
  });

  test('are listed by page, and found by user and data centre', async () => {
    const { id, user } = await created();
    const get = async (path: string) => resultsOf(await api.get(`/api/user-datacenters/${path}`));
    const of = await get(`query/?user_id=${user}&ct_user_id=me`);
    expect(of).toMatchObject({
      count: 2,
      page: 1,
      user_datacenters: [{ user_id: id, ct_user_id: user, name: 'Beijing-1' }, { sysplatforms_id: datacenter.id }],
    });
    expect(await get(`query/?user_id=${user}&sysplatforms_id=${datacenter.uuid}`)).toMatchObject({ count: 1 });
    expect((await api.get('/api/user-datacenters/query/?user_id=nobody')).status).toBe(404);
    const all = await get('list/?page_size=200');
    expect(Number(all['count'])).toBeGreaterThan(10);
    const second = resultsOf(await link('list', { page: 2, page_size: 3 }));
    expect(second['user_datacenters']).toEqual(listOf(all['user_datacenters']).slice(3, 6));
    expect(resultsOf(await link('query', { sysplatforms_id: datacenter.id }))['count']).toBeGreaterThan(3);
  });
});
