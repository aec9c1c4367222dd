import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RecordedClouds } from '../support/platforms.js';
import { listOf, startApi, textOf, token } from './support.js';

let api: Awaited<ReturnType<typeof startApi>>;
const clouds = new RecordedClouds();
const formType = { 'content-type': 'application/x-www-form-urlencoded' };
let count = 0;
beforeAll(async () => {
  api = await startApi({ clouds });
});
afterAll(() => api.stop());

const form = (fields: object) =>
  new URLSearchParams(
    Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
const datacenter = (change: object = {}) => ({
  ct_user_id: 'u1',
  os_id: 'somewhere',
  name: `hall ${++count}`,
  uuid: `hall-${count}`,
  service_url: 'http://127.0.0.1:9/identity/v3',
  type: 2,
  user: 'the-admin',
  password: 'pass-of-the-hall',
  host: '10.9.8.7',
  project: 'admin',
  ext_net: 'outside-net',
  ...change,
});
const post = (verb: string, fields: object, query = '') => api.ask('POST', `/api/datacenters/${verb}/${query}`, fields);
async function created(change: object = {}) {
  const given = datacenter(change);
  const answer = await post('create', given);
  if (answer.status !== 200) throw new Error(answer.text);
  return { given, id: Number(answer.json['results']?.['id']), answer };
}
const credentialsOf = () => clouds.built.at(-1)?.credentials;

describe("the source platform's table of data centres", () => {
  test('takes one by JSON, and shows what its white-list allows', async () => {
    const { given, id, answer } = await created();
    expect(answer.json).toEqual({
      msg: 'created',
      errstatus: 'SUCCESS',
      errcode: 0,
      results: {
        id,
        name: given.name,
        short_name: '',
        service_url: given.service_url,
        type: 2,
        type_name: 'OpenStack',
        project: 'admin',
        user: 'the-admin',
      },
    });
    expect(credentialsOf()).toEqual({ username: 'the-admin', password: 'pass-of-the-hall' });
    expect(clouds.built.at(-1)?.settings).toEqual({ project: 'admin', externalNetwork: 'outside-net' });
    // It is the same thing as in /v1/platforms.
    expect((await api.get(`/v1/platforms/${given.uuid}`)).json).toMatchObject({
      number: id,
      kind: 'openstack',
      host: '10.9.8.7',
    });
    const { rows } = await api.pool.query(`select reason from audit where subject = $1`, [given.uuid]);
    expect(rows).toEqual([{ reason: 'asked by the source platform for ct_user_id u1' }]);
  });

  test('takes one by form, of the other type, with its ids in the query string too', async () => {
    const given = datacenter({ type: '1', ext_net: '', project: '' });
    const answer = await api.post('/api/datacenters/create?ct_user_id=u1&os_id=x', form(given), formType);
    expect(answer).toMatchObject({
      status: 200,
      json: { msg: 'created', results: { type: 1, type_name: 'CloudStack' } },
    });
  });

  test('says which stray blanks it cut, what it read as what, and what it did not use', async () => {
    const { type: _type, os_id: _os, ...rest } = datacenter();
    const answer = await post('create', { ...rest, 'type ': 2, CT_OS_ID: 'x', colour: 'red' });
    expect(answer.status).toBe(200);
    expect(textOf(answer.json['msg'])).toBe(
      'created; CT_OS_ID was read as os_id; stray blanks were cut from "type "; not used: colour',
    );
    const twice = await post('create', { ...datacenter(), 'type ': 1 });
    expect(twice).toMatchObject({ status: 400, json: { errstatus: 'ERROR', errcode: 400 } });
    expect((await api.post('/api/datacenters/create/', 'name=a&name=b', formType)).status).toBe(400);
  });

  test('refuses what is missing or cannot be, all of it at once, in its own names', async () => {
    const { name: _name, password: _password, ...rest } = datacenter({ type: 7 });
    const missing = await post('create', rest);
    expect(missing).toMatchObject({ status: 400, json: { errstatus: 'ERROR', errcode: 400 } });
    const paths = (answer: typeof missing) => listOf(answer.json['results']?.['problems']).map(({ path }) => path);
    expect(paths(missing)).toEqual(['name', 'password', 'type']);
    expect(paths(await post('create', datacenter({ service_url: 'no-address', uuid: 'a b' })))).toEqual([
      'service_url',
      'uuid',
    ]);
    expect(paths(await post('create', datacenter({ name: { a: 1 } })))).toEqual(['name']);
    const { given } = await created();
    expect(await post('create', datacenter({ uuid: given.uuid }))).toMatchObject({
      status: 409,
      json: { errcode: 409 },
    });
  });

  test('updates by id or by uuid, the password alone too', async () => {
    const { given, id } = await created();
    expect(await post('update', { id, host: '10.0.0.1' })).toMatchObject({
      status: 200,
      json: { msg: 'updated', results: { id } },
    });
    await post('update', { uuid: given.uuid, password: 'a-newer-password', service_url: 'http://127.0.0.1:9/v3' });
    expect(credentialsOf()).toEqual({ username: 'the-admin', password: 'a-newer-password' });
    expect((await api.get(`/v1/platforms/${given.uuid}`)).json).toMatchObject({
      host: '10.0.0.1',
      serviceUrl: 'http://127.0.0.1:9/v3',
      externalNetwork: 'outside-net',
    });
    expect((await post('update', { id, type: 1 })).status).toBe(400);
    expect((await post('update', { host: 'x' })).status).toBe(400);
    expect((await post('update', { id: 999_999, host: 'x' })).status).toBe(404);
    expect((await post('update', { id, uuid: 'dc-1', host: 'x' })).status).toBe(404);
  });

  test('puts user and password in the place of keys, but not half of them', async () => {
    const half = await post('update', { uuid: 'dc-1', password: 'only-the-password' });
    expect(half).toMatchObject({ status: 400, json: { results: { problems: [{ path: 'user' }] } } });
    // Its address has a password in it, which the registry would not take today.
    const both = {
      uuid: 'dc-1',
      user: 'root-admin',
      password: 'and-its-password',
      service_url: 'http://127.0.0.1:9/client/api',
    };
    expect((await post('update', both)).status).toBe(200);
    expect(credentialsOf()).toEqual({ username: 'root-admin', password: 'and-its-password' });
  });

  test('deletes softly: nobody sees it, and its row stays', async () => {
    const { given, id } = await created();
    expect((await post('delete', { id })).json).toEqual({
      msg: 'deleted',
      errstatus: 'SUCCESS',
      errcode: 0,
      results: {},
    });
    expect((await post('query', { id })).json['results']).toMatchObject({ count: 0, datacenters: [] });
    const { rows } = await api.pool.query('select removed_at from platform where platform_id = $1', [given.uuid]);
    expect(rows).toEqual([{ removed_at: expect.any(Date) }]);
  });

  test('lists by page, in the order they came', async () => {
    await created();
    const all = await api.get('/api/datacenters/list/?page_size=200');
    const total = Number(all.json['results']?.['count']);
    const ids = listOf(all.json['results']?.['datacenters']).map(({ id }) => Number(id));
    expect(ids).toHaveLength(total);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    const second = await post('list', { page: '2', page_size: 2 });
    expect(second.json['results']).toMatchObject({ count: total, page: 2, page_size: 2 });
    expect(listOf(second.json['results']?.['datacenters']).map(({ id }) => Number(id))).toEqual(ids.slice(2, 4));
    for (const wrong of [{ page: 0 }, { page_size: 201 }, { page: 'two' }]) {
      expect(await post('list', wrong)).toMatchObject({ status: 400, json: { results: { code: 'API_PAGE' } } });
    }
  });

  test('finds those a user is registered in: where something of theirs was prepared', async () => {
    const { given, id } = await created();
    const prepared = (user: string, status: string) =>
      api.pool.query(
        `insert into work_order (order_id, kind, producer, work_order_id, user_id, account_id, status, machine)
         values (gen_random_uuid(), 'preparation', 'orderwright', $1, '', '', $2, '{}')`,
        [`${given.uuid}/tenant/${user}#1`, status],
      );
    await prepared('user-in', 'completed');
    await prepared('user-out', 'failed');
    const found = async (user: string) =>
      listOf((await api.get(`/api/datacenters/query/?ct_user_id_regist=${user}`)).json['results']?.['datacenters']).map(
        (one) => Number(one['id']),
      );
    expect(await found('user-in')).toEqual([id]);
    expect(await found('user-out')).toEqual([]);
  });

  test('never shows password, host, external network or uuid', async () => {
    await created();
    const texts = [
      (await api.get('/api/datacenters/list/?page_size=200')).text,
      (await api.get('/api/datacenters/query/?name=Beijing-1')).text,
    ];
    for (const text of texts)
      expect(text).not.toMatch(/pass-of|10\.9\.8\.7|outside-net|hall-\d|hunter2|uuid|password|ext_net/);
  });
});

describe('whoever asks', () => {
  test('gets the envelope whatever is wrong, and only with a token where tokens are asked for', async () => {
    const guarded = await startApi({ requireToken: true, databaseUrl: api.databaseUrl });
    try {
      const none = await guarded.get('/api/datacenters/list/');
      expect(none).toMatchObject({ status: 401, json: { errstatus: 'ERROR', errcode: 401 } });
      const bearer = { authorization: `Bearer ${token}` };
      expect((await guarded.get('/api/datacenters/list/', bearer)).status).toBe(200);
      const gone = await guarded.get('/api/datacenters/nothing/', bearer);
      expect(gone).toMatchObject({ status: 404, json: { errstatus: 'ERROR', errcode: 404 } });
      const cut = await guarded.post('/api/datacenters/create/', '{"a":', {
        'content-type': 'application/json',
        ...bearer,
      });
      expect(cut).toMatchObject({ status: 400, json: { errstatus: 'ERROR' } });
    } finally {
      await guarded.stop();
    }
  });

  test('finds nothing where the old surface is off', async () => {
    const off = await startApi({ legacyIntake: 'off', databaseUrl: api.databaseUrl });
    try {
      expect((await off.get('/api/datacenters/list/')).status).toBe(404);
    } finally {
      await off.stop();
    }
  });
});
