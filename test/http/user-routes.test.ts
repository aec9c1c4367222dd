import { describe, expect, test } from '@jest/globals';
import { listOf, type Loose, startApi, textOf, token } from './support.js';
import {
  act,
  api,
  auditOf,
  created,
  datacenter,
  newUser,
  pathsOf,
  post,
  resultsOf,
  rowOf,
  serveUsers,
} from './user-support.js';

const formType = { 'content-type': 'application/x-www-form-urlencoded' };
const form = (fields: object) =>
  new URLSearchParams(Object.entries(fields).map(([k, v]): [string, string] => [k, String(v)])).toString();
serveUsers();

describe('creating a user', () => {
  test('takes one by JSON, registers it everywhere, and shows what was written with its registrations', async () => {
    const given = newUser({ loginName: 'ln', createDate: 1_512_691_200_000, postpaid: true });
    const answer = await post('create', given, '?ct_user_id=the-caller&os_id=x');
    expect(answer.json).toEqual({
      msg: 'created',
      errstatus: 'SUCCESS',
      errcode: 0,
      results: {
        id: expect.any(Number),
        ct_user_id: given.ct_user_id,
        ct_account_id: given.ct_account_id,
        username: given.username,
        state: 'active',
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        mobile: '13800000000',
        email: given.email,
        profile: { loginName: 'ln', createDate: 1_512_691_200_000, postpaid: true },
        registrations: [
          { sysplatforms_id: expect.any(Number), name: 'Beijing-1', state: 'asked', ...newRegistration },
          { sysplatforms_id: datacenter.id, name: 'hall two', state: 'asked', ...newRegistration },
        ],
      },
    });
    const by = { actor: 'local', reason: 'asked by the source platform for ct_user_id the-caller' };
    expect(api.registrar.calls).toEqual([
      { act: 'register', who: { userIds: [given.ct_user_id], platformIds: null }, by },
    ]);
    expect((await auditOf(given.ct_user_id)).slice(0, 1)).toEqual([
      { ...by, action: 'users.create', detail: { accountId: given.ct_account_id } },
    ]);
  });
  const newRegistration = { wanted: 'registered', reason: '', since: expect.any(String) };

  test('takes one by form, draws the ids that are not given, and does not mistake the caller for the user', async () => {
    const { ct_user_id: _user, ct_account_id: _account, mobile: _mobile, ...rest } = newUser();
    const answer = await api.post(
      '/api/users/create?ct_user_id=the-caller',
      form({ ...rest, 'mobile ': '' }),
      formType,
    );
    expect(answer.status).toBe(200);
    const { ct_user_id: user, ct_account_id: account } = resultsOf(answer);
    expect(textOf(user)).toMatch(/^[0-9a-f]{32}$/);
    expect(account).toBe(user);
  });

  test('says which blanks it cut, and which fields it did not use', async () => {
    const { username, ...rest } = newUser({ colour: 'red', level: 3 });
    const answer = await post('create', { ...rest, 'username ': username });
    expect(answer.json['msg']).toBe('created; stray blanks were cut from "username "; not used: colour, level');
  });

  test('is recognised when it is repeated, with or without an id, and registers what was not registered', async () => {
    const { given } = await created();
    const again = await post('create', given);
    expect(again).toMatchObject({ status: 200, json: { errstatus: 'SUCCESS' } });
    expect(textOf(again.json['msg'])).toMatch(/^this user is there already, with the same content/);
    expect(api.registrar.calls).toEqual([]);
    expect((await auditOf(given.ct_user_id)).map(({ action }) => action)).toEqual(['users.create', 'users.register']);

    const { ct_user_id: _user, ct_account_id: _account, ...nameless } = newUser();
    const first = await post('create', nameless);
    expect(resultsOf(await post('create', nameless))['ct_user_id']).toBe(resultsOf(first)['ct_user_id']);

    const unlucky = newUser();
    api.registrar.failure = new Error('the registrar is away');
    expect((await post('create', unlucky)).status).toBe(500);
    expect((await post('create', unlucky)).status).toBe(200);
    expect(api.registrar.calls.at(-1)?.who).toEqual({ userIds: [unlucky.ct_user_id], platformIds: null });
  });

  test('is refused with other content, naming what differs and never a value', async () => {
    const { given } = await created({ city: 'Baoding' });
    const other = { ...given, mobile: '13911111111', ct_account_id: 'another', city: 'Tianjin' };
    const answer = await post('create', other);
    expect(answer).toMatchObject({ status: 409, json: { errcode: 409, results: { code: 'OPS_USER_EXISTS' } } });
    expect(pathsOf(answer)).toEqual(['ct_account_id', 'mobile', 'city']);
    expect(answer.text).not.toMatch(/13800000000|13911111111|Baoding|Tianjin/);
    expect(pathsOf(await post('create', { ...given, password: 'another pass phrase' }))).toEqual(['password']);
  });

  test('is refused for a name or an address that somebody else has, whatever the case of its letters', async () => {
    const { given } = await created();
    const name = await post('create', newUser({ username: given.username.toUpperCase() }));
    expect([name.status, pathsOf(name)]).toEqual([409, ['username']]);
    const email = await post('create', newUser({ email: given.email.toUpperCase() }));
    expect([email.status, pathsOf(email)]).toEqual([409, ['email']]);
    const { ct_user_id: _user, ...nameless } = newUser({ username: given.username });
    expect(pathsOf(await post('create', nameless))).toEqual(['username']);
  });

  test('by two callers at once makes one user', async () => {
    const given = newUser();
    const answers = await Promise.all([post('create', given), post('create', given)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ json }) => textOf(json['msg']) === 'created').toSorted()).toEqual([false, true]);
  });

  test('refuses what is missing or cannot be, all of it at once', async () => {
    const none = await post('create', { ct_user_id: 'a b', email: 'no-address', mobile: 'x', ct_account_id: '/' });
    expect([none.status, pathsOf(none)]).toEqual([
      400,
      ['email', 'mobile', 'ct_account_id', 'username', 'ct_user_id', 'password'],
    ]);
    for (const wrong of [
      { password: '1234567' },
      { password: 'x'.repeat(129) },
      { password: 12_345_678 },
      { username: 'x'.repeat(129) },
      { username: 'nul\u0000inside' },
      { username: '\u202Eright to left' },
      { username: 'somebody@else.example' },
      { username: { a: 1 } },
      { email: `${'x'.repeat(250)}@x.org` },
      { city: 'x'.repeat(501) },
      { city: ['a'] },
    ]) {
      const answer = await post('create', newUser(wrong));
      expect([wrong, answer.status, pathsOf(answer)]).toEqual([wrong, 400, Object.keys(wrong)]);
    }
    const endless = JSON.stringify(newUser({ userLevel: 0 })).replace('"userLevel":0', '"userLevel":1e400');
    const json = { 'content-type': 'application/json' };
    expect(pathsOf(await api.post('/api/users/create/', endless, json))).toEqual(['userLevel']);
    const { password, ...rest } = newUser();
    const inAddress = await post('create', rest, `?password=${encodeURIComponent(password)}`);
    expect([inAddress.status, pathsOf(inAddress)]).toEqual([400, ['password']]);
    // Eight and 128 characters are enough, however many bytes they take.
    for (const good of ['密码密码密码密码', '🔑'.repeat(128)]) await created({ password: good });
    const own = newUser();
    await created({ ...own, username: own.email });
  });

  test('brings a removed user back as what is said now', async () => {
    const { given, id, user } = await created();
    await post('delete', { id });
    const back = await post('create', { ...given, mobile: '13911111111' });
    expect(back.json).toMatchObject({ msg: 'created', results: { id, ct_user_id: user, mobile: '13911111111' } });
  });
});

describe('updating a user', () => {
  test('changes what is given, in both forms, and says in the audit which fields, not what', async () => {
    const { id, user } = await created({ city: 'Baoding', county: 'Lixian' });
    const first = await post('update', { ct_user_id: user, mobile: '13911111111', city: 'Tianjin' }, '?ct_user_id=me');
    expect(first.json).toMatchObject({
      msg: 'updated',
      results: { id, mobile: '13911111111', profile: { city: 'Tianjin', county: 'Lixian' } },
    });
    const second = await post('update', { user_id: user, ct_user_id: 'me', email: `new-${user}@example.org` });
    expect(second.json).toMatchObject({ results: { id, email: `new-${user}@example.org`, mobile: '13911111111' } });
    expect((await post('update', { user_id: id, mobile: '13911111111' })).json['msg']).toBe('nothing was changed');
    const [, , one, two, none] = await auditOf(user);
    expect(one).toEqual({
      actor: 'local',
      action: 'users.update',
      reason: 'asked by the source platform for ct_user_id me',
      detail: { changed: ['mobile', 'city'] },
    });
    expect([two?.detail, none]).toEqual([{ changed: ['email'] }, undefined]);
  });

  test('sets a password for somebody who forgot it, and forgets the misses', async () => {
    const { given, user } = await created();
    await api.pool.query(
      `update tenant set failed_log_ins = 9, log_in_after = now() + interval '1 hour' where user_id = $1`,
      [user],
    );
    expect((await post('update', { user_id: user, password: 'a newer pass phrase' })).json['msg']).toBe('updated');
    expect((await auditOf(user)).at(-1)?.detail).toEqual({ changed: ['password'] });
    expect((await act('login_user', { username: given.username, password: 'a newer pass phrase' })).status).toBe(200);
  });

  test('is refused where it would give away a name, an address, or the account', async () => {
    const [{ user, id }, { given: other }] = [await created(), await created()];
    expect((await post('update', { user_id: user, username: other.username })).status).toBe(409);
    expect((await post('update', { user_id: user, email: other.email })).status).toBe(409);
    expect(pathsOf(await post('update', { user_id: user, username: other.email }))).toEqual(['username']);
    expect(pathsOf(await post('update', { user_id: user, ct_account_id: 'x' }))).toEqual(['ct_account_id']);
    expect(pathsOf(await post('update', { user_id: user, password: 'short' }))).toEqual(['password']);
    const { email, username } = await rowOf(user);
    expect([email, username]).toEqual([`${username as string}@example.org`, username]);
    // Nobody is named: the id in the address is the caller's.
    expect(pathsOf(await post('update', { mobile: '138' }, `?ct_user_id=${user}`))).toEqual(['ct_user_id']);
    expect((await post('update', { user_id: 'nobody', mobile: '13900000000' })).status).toBe(404);
    expect((await post('update', { user_id: user, id: id + 1, mobile: '13900000000' })).status).toBe(404);
  });

  test('is refused when a number is the id of somebody else', async () => {
    const { id } = await created();
    await created({ ct_user_id: String(id) });
    const answer = await post('update', { user_id: id, mobile: '13900000000' });
    expect([answer.status, pathsOf(answer)]).toEqual([400, ['user_id']]);
    expect((await post('update', { id, mobile: '13900000000' })).status).toBe(200);
  });
});

describe('deleting a user', () => {
  test('takes back every registration first, and leaves the row', async () => {
    const { id, user } = await created();
    const answer = await post('delete', { del_ct_user_id: user, ct_user_id: 'me' });
    expect(answer.json).toEqual({ msg: 'deleted', errstatus: 'SUCCESS', errcode: 0, results: {} });
    expect(api.registrar.calls).toMatchObject([{ act: 'unregister', who: { userIds: [user], platformIds: null } }]);
    expect((await rowOf(user))['removed_at']).toEqual(expect.any(String));
    expect(resultsOf(await post('query', { id }))).toMatchObject({ count: 0, users: [] });
    expect((await post('delete', { id })).status).toBe(404);
    expect((await auditOf(user)).map(({ action }) => action)).toEqual([
      'users.create',
      'users.register',
      'users.unregister',
      'users.delete',
    ]);
  });

  test('works by number too, and leaves the user where the registrations cannot be taken back', async () => {
    const { id, user } = await created();
    api.registrar.failure = new Error('the registrar is away');
    expect((await post('delete', { id })).status).toBe(500);
    expect((await rowOf(user))['removed_at']).toBeNull();
    expect((await post('delete', { id })).status).toBe(200);
    expect(pathsOf(await post('delete', { ct_user_id: user }, `?ct_user_id=${user}`))).toEqual(['del_ct_user_id']);
  });
});

describe('looking at users', () => {
  test('lists them by page and by a part of the name, without what is personal', async () => {
    for (const name of ['page_one', 'page_two', 'pageXone']) await created({ username: name });
    const found = async (fields: string) => resultsOf(await api.get(`/api/users/list/?${fields}`));
    const names = (results: Loose) => listOf(results['users']).map(({ username }) => textOf(username));
    expect(names(await found('username=PAGE_'))).toEqual(['page_one', 'page_two']);
    const second = await found('username=page&page=2&page_size=2');
    expect(second).toMatchObject({ count: 3, page: 2, page_size: 2 });
    expect(names(second)).toEqual(['pageXone']);
    expect(Object.keys(listOf(second['users'])[0] ?? {})).toEqual([
      'id',
      'ct_user_id',
      'ct_account_id',
      'username',
      'state',
      'created',
      'registrations',
    ]);
    expect(resultsOf(await post('list', { username: 'page_one' }))).toMatchObject({ count: 1 });
    expect(names(await found('page=900'))).toEqual([]);
    expect((await post('list', { page: 0 })).status).toBe(400);
    expect(names(resultsOf(await post('query', { username: 'page_t' })))).toEqual(['page_two']);
  });

  test('finds one by id or number, with what is personal', async () => {
    const { id, user, given } = await created({ city: 'Baoding' });
    for (const query of [`user_id=${user}`, `user_id=${id}`, `id=${id}`]) {
      const answer = await api.get(`/api/users/query/?${query}&ct_user_id=me`);
      expect(resultsOf(answer)).toMatchObject({
        count: 1,
        users: [{ id, email: given.email, mobile: given.mobile, profile: { city: 'Baoding' } }],
      });
    }
    expect(resultsOf(await api.get('/api/users/query/?user_id=nobody'))).toMatchObject({ count: 0, users: [] });
  });

  test('finds the data centres where the registration of one succeeded or failed, and why', async () => {
    const { id, user } = await created();
    const regist = async () => resultsOf(await api.get(`/api/users/query/?ct_user_id_regist=${user}`));
    expect(await regist()).toMatchObject({ count: 1, users: [{ id }], datacenters: [] });
    await api.registrar.becomes(user, 'dc-1', { state: 'registered' });
    await api.registrar.becomes(user, datacenter.uuid, { state: 'failed', detail: 'CLD_QUOTA: the domain is full' });
    const results = await regist();
    expect(results['datacenters']).toMatchObject([
      { name: 'Beijing-1', state: 'registered', reason: '' },
      { sysplatforms_id: datacenter.id, name: 'hall two', state: 'failed', reason: 'CLD_QUOTA: the domain is full' },
    ]);
    // Nobody created this one; an order brought it here.
    await api.registrar.becomes('from-an-order', 'dc-1', { state: 'registered' });
    const brought = await api.get('/api/users/query/?ct_user_id_regist=from-an-order');
    expect(resultsOf(brought)).toMatchObject({ count: 0, users: [], datacenters: [{ name: 'Beijing-1' }] });
    expect(brought.text).not.toContain('dc-1');
  });
});

describe('whoever asks', () => {
  test('needs a token where tokens are asked for, and an administrator’s for what changes something', async () => {
    const guarded = await startApi({ requireToken: true, databaseUrl: api.databaseUrl });
    try {
      expect(await guarded.get('/api/users/list/')).toMatchObject({ status: 401, json: { errcode: 401 } });
      const bearer = { authorization: `Bearer ${token}` };
      expect((await guarded.get('/api/users/list/', bearer)).status).toBe(200);
      const made = await guarded.ask('POST', '/v1/tokens', { name: 'looker', role: 'viewer' }, bearer);
      const viewer = { authorization: `Bearer ${textOf(made.json['token'])}` };
      expect((await guarded.get('/api/users/list/', viewer)).status).toBe(200);
      expect((await guarded.get('/api/user-datacenters/list/', viewer)).status).toBe(200);
      for (const path of ['users/action', 'users/create', 'user-datacenters/create']) {
        expect((await guarded.ask('POST', `/api/${path}/`, {}, viewer)).status).toBe(403);
      }
    } finally {
      await guarded.stop();
    }
  });

  test('finds nothing where the old surface is off', async () => {
    const off = await startApi({ legacyIntake: 'off', databaseUrl: api.databaseUrl });
    try {
      for (const path of ['users', 'user-datacenters']) expect((await off.get(`/api/${path}/list/`)).status).toBe(404);
    } finally {
      await off.stop();
    }
  });
});
