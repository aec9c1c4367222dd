import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startSimulatedCloudStack } from '../../src/simulators/cloudstack/server.js';
import { certificate, RecordedClouds } from '../support/platforms.js';
import { fixture, listOf, type Loose, startApi, textOf } from './support.js';

const keys = { apiKey: 'api-key-of-these-tests', secretKey: 'secret-key-of-these-tests' };

let api: Awaited<ReturnType<typeof startApi>>;
let cloud: Awaited<ReturnType<typeof startSimulatedCloudStack>>;
let count = 0;
beforeAll(async () => {
  cloud = await startSimulatedCloudStack(keys);
  api = await startApi();
});
afterAll(async () => {
  await api.stop();
  await cloud.close();
});

const platform = (change: object = {}) => ({
  platformId: `dc-of-test-${++count}`,
  name: `Test ${count}`,
  kind: 'cloudstack',
  serviceUrl: cloud.serviceUrl,
  credentials: keys,
  settings: { createOfferings: true },
  ...change,
});
/** @returns its id */
async function added(change: object = {}): Promise<string> {
  const answer = await api.ask('POST', '/v1/platforms', platform(change));
  if (answer.status !== 201) throw new Error(answer.text);
  return textOf(answer.json['id']);
}
const show = async (id: string) => (await api.get(`/v1/platforms/${id}`)).json;
const problems = (json: Loose) => listOf(json['errors']).map(({ path, code }) => [path, code]);
const auditOf = async (id: string) =>
  (
    await api.pool.query<{ actor: string; action: string; reason: string; detail: Record<string, unknown> }>(
      'select actor, action, reason, detail from audit where subject = $1 order by audit_id',
      [id],
    )
  ).rows;

describe('a data centre that is added', () => {
  test('can be named at once, with all that was said of it but its credentials', async () => {
    const given = platform({
      shortName: 'bj1',
      region: 'north',
      caCertificate: certificate,
      limits: { callsPerSecond: 40, requestTimeoutMs: 5_000 },
      maps: { diskTypes: { SATA: 'SATA', SSD: 'SSD' } },
      settings: { createOfferings: true, pace: { settleMs: 50 } },
    });
    const answer = await api.ask('POST', '/v1/platforms', { ...given, reason: 'the new hall' });
    const { platformId, credentials: _sealed, ...rest } = given;
    expect(answer).toMatchObject({ status: 201, headers: { location: `/v1/platforms/${platformId}`, etag: '"1"' } });
    expect(answer.json).toMatchObject({ ...rest, id: platformId, state: 'open', version: 1, openOrders: 0 });
    expect(await show(platformId)).toEqual(answer.json);
    const list = await api.get('/v1/platforms');
    expect(listOf(list.json['platforms']).map(({ id }) => id)).toContain(platformId);
    expect(await auditOf(platformId)).toMatchObject([
      { actor: 'local', action: 'platforms.add', reason: 'the new hall' },
    ]);
    expect(api.changes.count).toBeGreaterThan(0);
  });

  test('keeps its credentials sealed, and to itself', async () => {
    const id = await added();
    await api.ask('PATCH', `/v1/platforms/${id}`, {
      credentials: { ...keys, secretKey: 'another-secret-key' },
      reason: 'leak',
    });
    const { rows } = await api.pool.query<{ text: string }>(
      'select p::text as text from platform p union all select a::text from audit a',
    );
    const seen = [
      rows.map(({ text }) => text).join(),
      JSON.stringify(await show(id)),
      (await api.get('/v1/platforms')).text,
    ];
    for (const text of seen)
      for (const secret of [...Object.values(keys), 'another-secret-key']) expect(text).not.toContain(secret);
    const [row] = (
      await api.pool.query<{ sealed: Buffer }>(
        'select sealed_credentials as sealed from platform where platform_id = $1',
        [id],
      )
    ).rows;
    expect(JSON.parse(api.sealer.open(row?.sealed ?? Buffer.of(), id))).toEqual({
      ...keys,
      secretKey: 'another-secret-key',
    });
  });

  test('is refused under an id that is taken', async () => {
    const id = await added();
    const answer = await api.ask('POST', '/v1/platforms', platform({ platformId: id }));
    expect(answer).toMatchObject({ status: 409, json: { code: 'OPS_PLATFORM_EXISTS' } });
    expect(problems(answer.json)).toEqual([['platformId', 'OPS_PLATFORM_EXISTS']]);
  });

  test.each([
    ['a setting its cloud does not know', { settings: { zone: 'z' } }, 'settings'],
    ['a setting of the wrong kind', { settings: { createOfferings: 'yes' } }, 'settings.createOfferings'],
    ['a pace nobody can keep', { settings: { pace: { pollMinMs: -1 } } }, 'settings.pace.pollMinMs'],
    ['credentials its cloud cannot log in with', { credentials: { token: 'hunter2-the-token' } }, 'credentials'],
    ['a cloud that nobody speaks to', { kind: 'stratus' }, 'kind'],
    ['a map its cloud has no use for', { maps: { zones: { i: 'j' } } }, 'maps.zones'],
    ['one thing said twice', { caCertificate: certificate, settings: { caCertificate: certificate } }, 'caCertificate'],
    [
      'a name to map to that its cloud refuses',
      { settings: { diskOfferings: { SATA: '' } } },
      'settings.diskOfferings.SATA',
    ],
  ])('is refused with %s, which is named', async (_what, change, path) => {
    const answer = await api.ask('POST', '/v1/platforms', platform(change));
    expect(answer).toMatchObject({ status: 422, json: { code: 'CFG_PLATFORM_SETTINGS' } });
    expect(problems(answer.json)).toEqual([[path, 'CFG_PLATFORM_SETTINGS']]);
    expect(answer.text).not.toMatch(/hunter2|key-of-these-tests/);
  });

  test.each([
    ['an id that no order could name', { platformId: 'a b' }, 'platformId'],
    ['an id that is too long', { platformId: 'x'.repeat(65) }, 'platformId'],
    ['an address with a password in it', { serviceUrl: 'https://me:hunter2@cloud.example/' }, 'serviceUrl'],
    ['an address of something else', { serviceUrl: 'ftp://cloud.example/' }, 'serviceUrl'],
    ['a certificate that is none', { caCertificate: certificate.replace('MIIBiTCC', 'AAAA') }, 'caCertificate'],
    ['a limit of nothing', { limits: { callsPerSecond: 0 } }, 'limits.callsPerSecond'],
    ['one name for all tenants', { naming: { tenant: 'everybody' } }, 'naming.tenant'],
    ['a placeholder that nobody fills', { naming: { user: 'ct_{accountId}_{phone}' } }, 'naming.user'],
    ['no credentials', { credentials: {} }, 'credentials'],
    ['credentials that are no texts', { credentials: { apiKey: 7 } }, 'credentials.apiKey'],
  ])('is refused with %s', async (_what, change, path) => {
    const answer = await api.ask('POST', '/v1/platforms', platform(change));
    expect(answer).toMatchObject({ status: 400, json: { code: 'API_PARAMETER' } });
    expect(problems(answer.json)).toEqual([[path, 'API_PARAMETER']]);
    expect(answer.text).not.toMatch(/hunter2|key-of-these-tests/);
  });
});

describe('an edit', () => {
  test('replaces what is given, leaves the rest, and leaves before and after in the audit', async () => {
    const id = await added({ region: 'north', limits: { callsPerSecond: 40 } });
    const before = await show(id);
    const answer = await api.ask('PATCH', `/v1/platforms/${id}`, { name: 'Renamed', region: null, reason: 'moved' });
    expect(answer).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    const { updatedAt: _at, unused: _unused, ...rest } = before;
    expect(answer.json).toMatchObject({ ...rest, name: 'Renamed', region: null, version: 2 });
    expect((await auditOf(id)).at(-1)).toMatchObject({
      action: 'platforms.edit',
      reason: 'moved',
      detail: {
        changed: { name: { before: before['name'], after: 'Renamed' }, region: { before: 'north', after: null } },
      },
    });
  });

  test('to another server takes the password anew, for the stored one would be sent there; keys stay', async () => {
    const elsewhere = { serviceUrl: 'http://127.0.0.1:9/client/api', reason: 'moved' };
    const login = { credentials: { username: 'admin', password: 'a-stored-password' } };
    const id = await added(login);
    const path = `/v1/platforms/${id}`;
    expect(await api.ask('PATCH', path, elsewhere)).toMatchObject({
      status: 422,
      json: { code: 'CFG_PLATFORM_SETTINGS', errors: [{ path: 'credentials' }] },
    });
    expect((await api.ask('PATCH', path, { ...elsewhere, ...login })).status).toBe(200);
    expect((await api.ask('PATCH', `/v1/platforms/${await added()}`, elsewhere)).status).toBe(200);
  });

  test('that changes nothing is no edit', async () => {
    const id = await added();
    const answer = await api.ask('PATCH', `/v1/platforms/${id}`, { kind: undefined, reason: 'x' });
    expect(answer).toMatchObject({ status: 200, json: { version: 1 } });
    expect(await auditOf(id)).toHaveLength(1);
  });

  test('is refused when somebody was faster', async () => {
    const id = await added();
    const edit = (name: string) =>
      api.ask('PATCH', `/v1/platforms/${id}`, { name, reason: 'x' }, { 'if-match': '"1"' });
    expect((await edit('first')).status).toBe(200);
    expect(await edit('second')).toMatchObject({ status: 409, json: { code: 'OPS_VERSION_STALE' } });
    expect((await show(id))['name']).toBe('first');
    const late = await api.ask('POST', `/v1/platforms/${id}/disable`, { reason: 'x' }, { 'if-match': '"1"' });
    expect(late).toMatchObject({ status: 409, json: { code: 'OPS_VERSION_STALE' } });
  });

  test('asks for a reason, and is checked like a new one', async () => {
    const id = await added();
    expect(await api.ask('PATCH', `/v1/platforms/${id}`, { name: 'x' })).toMatchObject({
      status: 422,
      json: { code: 'OPS_REASON_MISSING' },
    });
    const answer = await api.ask('PATCH', `/v1/platforms/${id}`, { settings: { cpuSpeedMhz: 'fast' }, reason: 'x' });
    expect(problems(answer.json)).toEqual([['settings.cpuSpeedMhz', 'CFG_PLATFORM_SETTINGS']]);
    expect((await api.ask('PATCH', `/v1/platforms/${id}`, { kind: 'openstack', reason: 'x' })).status).toBe(400);
    expect(await show(id)).toMatchObject({ version: 1, settings: { createOfferings: true } });
  });

  test('mends credentials whose key is lost', async () => {
    const id = await added();
    await api.pool.query(`update platform set sealed_credentials = '\\x01' where platform_id = $1`, [id]);
    const answer = await api.ask('PATCH', `/v1/platforms/${id}`, { name: 'x', reason: 'x' });
    expect(problems(answer.json)).toEqual([['credentials', 'CFG_PLATFORM_SETTINGS']]);
    const check = await api.ask('POST', `/v1/platforms/${id}/check`);
    expect(check.json).toMatchObject({ ok: false, lines: [{ what: 'credentials' }] });
    expect((await api.ask('PATCH', `/v1/platforms/${id}`, { credentials: keys, reason: 'x' })).status).toBe(200);
    expect((await api.ask('POST', `/v1/platforms/${id}/check`)).json).toMatchObject({ ok: true });
  });
});

describe('a state', () => {
  test('is given with its reason, since when, and written down', async () => {
    const id = await added();
    for (const [act, state] of [
      ['maintenance', 'maintenance'],
      ['disable', 'disabled'],
      ['enable', 'open'],
    ] as const) {
      const answer = await api.ask('POST', `/v1/platforms/${id}/${act}`, { reason: `because of ${act}` });
      expect(answer.json).toMatchObject({
        id,
        state,
        stateReason: `because of ${act}`,
        stateSince: expect.any(String),
      });
    }
    expect((await auditOf(id)).map(({ action, reason }) => `${action}: ${reason}`).slice(1)).toEqual([
      'platforms.maintenance: because of maintenance',
      'platforms.disable: because of disable',
      'platforms.enable: because of enable',
    ]);
    expect(await api.ask('POST', `/v1/platforms/${id}/disable`, {})).toMatchObject({
      json: { code: 'OPS_REASON_MISSING' },
    });
    expect((await api.ask('POST', '/v1/platforms/nobody/disable', { reason: 'x' })).status).toBe(404);
  });
});

describe('a removal', () => {
  test('is refused while an order that has not ended names the platform, and done when none does', async () => {
    const text = fixture('order-23.json').toString();
    const id = /platformId\\*":\s*\\*"([\w-]+)/.exec(text)?.[1] ?? '';
    await added({ platformId: id });
    expect((await api.post('/v1/work-orders', text)).status).toBe(202);
    const refused = await api.ask('DELETE', `/v1/platforms/${id}?reason=closed`);
    expect(refused).toMatchObject({
      status: 409,
      json: { code: 'OPS_PLATFORM_IN_USE', detail: expect.stringMatching(/^1 order/) },
    });
    expect(await show(id)).toMatchObject({ openOrders: 1, removedAt: null });
    await api.pool.query(`update work_order set finished_at = now(), status = 'cancelled'`);
    const removed = await api.ask('DELETE', `/v1/platforms/${id}?reason=closed`);
    expect(removed).toMatchObject({ status: 200, json: { id, removedAt: expect.any(String) } });
    expect((await api.get(`/v1/platforms/${id}`)).status).toBe(404);
    expect((await api.get('/v1/platforms')).text).not.toContain(id);
    expect((await api.ask('DELETE', `/v1/platforms/${id}?reason=closed`)).status).toBe(404);
    expect((await auditOf(id)).at(-1)).toMatchObject({ action: 'platforms.remove', reason: 'closed' });
  });

  test('lets the same id be added again, as something new', async () => {
    const id = await added({ region: 'north' });
    await api.ask('POST', `/v1/platforms/${id}/disable`, { reason: 'x' });
    expect((await api.ask('DELETE', `/v1/platforms/${id}`)).json).toMatchObject({ code: 'OPS_REASON_MISSING' });
    await api.ask('DELETE', `/v1/platforms/${id}?reason=x`);
    await added({ platformId: id, name: 'again' });
    expect(await show(id)).toMatchObject({
      name: 'again',
      region: null,
      state: 'open',
      stateReason: null,
      removedAt: null,
    });
  });
});

describe('a check', () => {
  const check = async (change: object) => {
    const id = await added(change);
    const { status, json } = await api.ask('POST', `/v1/platforms/${id}/check`);
    expect(status).toBe(200);
    const wrong = listOf(json['lines']).filter(({ ok }) => (ok as unknown) === false);
    return {
      ok: json['ok'] as unknown as boolean,
      wrong: wrong.map(({ what, detail }) => `${textOf(what)}: ${textOf(detail)}`),
    };
  };

  test('really logs in, and finds everything in a good one', async () => {
    expect(await check({})).toEqual({ ok: true, wrong: [] });
    expect(await check({ credentials: { username: 'admin', password: 'not-this-one' } })).toMatchObject({ ok: false });
  });

  test.each([
    ['a wrong key', { credentials: { ...keys, secretKey: 'wrong' } }, /^login: CLD_AUTH/],
    [
      'a missing disk offering',
      { maps: { diskTypes: { SATA: 'gone' } } },
      /^disk offering for SATA: "gone" is not there; have: /,
    ],
    ['an unknown zone', { settings: { zoneId: 'nowhere' } }, /^zone: "nowhere" is not there; have: zone-1/],
    ['no server at all', { serviceUrl: 'http://127.0.0.1:9/client/api' }, /^login: CLD_UNREACHABLE/],
  ])('names %s exactly, and nothing else', async (_what, change, words) => {
    const { ok, wrong } = await check(change);
    expect({ ok, count: wrong.length }).toEqual({ ok: false, count: 1 });
    expect(wrong[0]).toMatch(words);
  });

  test('repeats no credential that a cloud repeats, and leaves no adapter open', async () => {
    const clouds = new RecordedClouds();
    const other = await startApi({ databaseUrl: api.databaseUrl, clouds });
    try {
      const id = await added();
      const { text } = await other.ask('POST', `/v1/platforms/${id}/check`);
      expect(text).toContain('refused: (secret) (secret)');
      expect(clouds.closed).toBe(clouds.built.length);
    } finally {
      await other.stop();
    }
  });
});
