/** reliability.md 6.6: who may ask what, and that nobody learns of another account's things (I13). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessOf, type RouteAccess, routeAccess } from '../../src/http/route-access.js';
import { type Role, roles } from '../../src/roles.js';
import { fixture, listOf, startApi, textOf, token as adminToken } from '../http/support.js';

let api: Awaited<ReturnType<typeof startApi>>;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json' };

async function makeToken(fields: Record<string, unknown>): Promise<string> {
  const answer = await api.post('/v1/tokens', JSON.stringify(fields), { ...json, ...bearer(adminToken) });
  expect(answer.status).toBe(201);
  return textOf(answer.json['token']);
}

/** Order 23 for some account under some id. */
function orderFor(accountId: string, workOrderId: string): string {
  return fixture('order-23.json')
    .toString()
    .replaceAll('bac3c2c9bef941a47bd889015bc35578cee', accountId)
    .replaceAll('WO20171208090758640274FMkh', workOrderId);
}
const send = (token: string, accountId: string, workOrderId: string) =>
  api.post('/v1/work-orders', orderFor(accountId, workOrderId), { ...json, ...bearer(token) });

const tokens = new Map<string, string>();
const tokenOf = (role: Role, account: 'acme' | 'bolt' | null): string => tokens.get(`${role}-${account}`) ?? '';
/** What acme has, by what it is called in a path. */
const acme = { workOrderId: 'WO-acme-1', orderId: '', messageId: '' };

beforeAll(async () => {
  api = await startApi({ requireToken: true });
  for (const role of roles) {
    for (const account of ['acme', 'bolt', null] as const) {
      const name = `${role}-${account}`;
      tokens.set(name, await makeToken({ name, role, accountId: account }));
    }
  }
  const taken = await send(tokenOf('producer', 'acme'), 'acme', acme.workOrderId);
  expect(taken.status).toBe(202);
  acme.orderId = textOf(taken.json['orderId']);
  const refused = await api.post('/v1/work-orders', '{"workOrderId": "WO-acme-cut", ', {
    ...json,
    ...bearer(tokenOf('producer', 'acme')),
  });
  acme.messageId = textOf(refused.json['messageId']);
  expect((await send(tokenOf('producer', 'bolt'), 'bolt', 'WO-bolt-1')).status).toBe(202);
  await api.pool.query(
    `insert into orphan (platform_id, resource_id, operation, marker, order_id) values ('p', 'vm-of-acme', 'vm.create', 'm', $1)`,
    [acme.orderId],
  );
  await api.pool.query(
    `insert into cloud_operation (order_id, number, part_key, name, item_index, platform_id, marker, state, attempt, job_id, context)
     values ($1, 0, 'k', 'vm.create', 0, 'p', 'm', 'inFlight', 1, 'job-of-acme', '{}')`,
    [acme.orderId],
  );
});
afterAll(() => api.stop());

const guarded = Object.entries(routeAccess).filter(
  (entry): entry is [string, Exclude<RouteAccess, 'open'>] => entry[1] !== 'open',
);

/** What a route has to be sent before it looks at ids. Levers are only asked what they would do. */
function bodyOf(pattern: string): string {
  if (pattern.endsWith('/mark-done')) return '{"reason": "r", "dryRun": true, "resourceId": "vm-1"}';
  const isLever = /(replay|cancel|hold|resume|skip|adopt|destroy|resubmit)$/.test(pattern);
  return isLever ? '{"reason": "r", "dryRun": true}' : '{}';
}

/** A request to a route, its parameters filled in with what acme has. */
function ask(route: string, token: string | null, id?: string) {
  const [method = 'GET', pattern = ''] = route.split(' ');
  const own = pattern.startsWith('/v1/rejected-messages') ? acme.messageId : acme.workOrderId;
  const url = pattern
    .replace(':name', 'no-such-token')
    .replace(':item', '19')
    .replace(':platform', 'p')
    .replace(':resource', id ?? 'vm-of-acme')
    .replaceAll(/:\w+/g, encodeURIComponent(id ?? own));
  return api.app.inject({
    method: method as 'GET',
    url,
    headers: { ...(method === 'POST' ? json : {}), ...(token === null ? {} : bearer(token)) },
    ...(method === 'POST' && { payload: bodyOf(pattern) }),
  });
}

/** The stream of events never ends, and is asked over a socket below. */
const finite = guarded.filter(([route]) => route !== 'GET /v1/events');

describe('a route', () => {
  it.each(finite)('%s lets in the roles that its row names, and no other', async (route, access) => {
    for (const role of roles) {
      const { statusCode, body } = await ask(route, tokenOf(role, null));
      const refused = statusCode === 403 && body.includes('AUT_FORBIDDEN');
      expect([role, refused]).toEqual([role, !access.roles.includes(role)]);
    }
    expect((await ask(route, null)).statusCode).toBe(401);
  });

  it.each(finite.filter(([, { rows }]) => rows === 'all'))(
    '%s tells of the whole installation, and nothing to a token of one account',
    async (route) => {
      for (const role of roles) expect((await ask(route, tokenOf(role, 'acme'))).statusCode).toBe(403);
    },
  );

  it('that the table does not know does not start', async () => {
    const table = routeAccess as Record<string, RouteAccess>;
    const { 'GET /v1/jobs': row = 'open' } = table;
    delete table['GET /v1/jobs'];
    try {
      await expect(startApi({ databaseUrl: api.databaseUrl })).rejects.toThrow('who may ask GET /v1/jobs');
    } finally {
      table['GET /v1/jobs'] = row;
    }
    expect(() => accessOf('GET', 'constructor')).toThrow('constructor');
  });

  it('says in its description what it answers, so that nothing else can leave it', () => {
    const undescribed = Object.entries((api.app.swagger() as { paths: Record<string, object> }).paths).flatMap(
      ([path, methods]) =>
        Object.entries(methods as Record<string, { responses?: Record<string, { content?: object }> }>)
          .filter(
            ([, { responses = {} }]) =>
              !Object.entries(responses).some(([code, { content }]) => code.startsWith('2') && content),
          )
          .map(([method]) => `${method} ${path}`),
    );
    expect(undescribed).toEqual(['get /v1/events']);
  });
});

describe("another account's things", () => {
  const withId = guarded.filter(([route]) => /\/:(id|resource)\b/.test(route));

  it('are found in several routes', () => expect(withId.length).toBeGreaterThan(4));

  it.each(withId)('%s are not there: the same answer as for what never was', async (route, access) => {
    const isMessage = route.includes('rejected');
    const isOrphan = route.includes('orphans');
    const foreign = isMessage ? [acme.messageId] : isOrphan ? ['vm-of-acme'] : [acme.workOrderId, acme.orderId];
    const never = isMessage ? '00000000-0000-4000-8000-000000000000' : 'WO-never';
    for (const role of access.roles) {
      const wanted = await ask(route, tokenOf(role, 'bolt'), never);
      expect(wanted.statusCode).toBe(404);
      for (const id of foreign) {
        const { statusCode, body, headers } = await ask(route, tokenOf(role, 'bolt'), id);
        expect(statusCode).toBe(404);
        expect(body.replaceAll(id, never)).toBe(wanted.body);
        expect(Object.keys(headers)).toEqual(Object.keys(wanted.headers));
      }
      // To its own account it is there: the test above would pass for a route that knows nothing.
      expect((await ask(route, tokenOf(role, 'acme'))).statusCode).not.toBe(404);
    }
  });

  const lists = [
    '/v1/work-orders',
    '/v1/work-orders?account=acme',
    '/v1/work-orders?q=WO-acme',
    '/v1/rejected-messages',
    '/v1/jobs',
    '/v1/orphans',
  ];
  it.each(lists)('are in no list: %s', async (path) => {
    const seen = (await api.get(path, bearer(tokenOf('viewer', 'acme')))).text;
    const all = (await api.get(path, bearer(tokenOf('viewer', null)))).text;
    const other = await api.get(path, bearer(tokenOf('viewer', 'bolt')));
    expect(other.status).toBe(200);
    const traces = /acme|vm-of|job-of/;
    expect([
      traces.test(seen) || seen.includes(acme.messageId),
      traces.test(all) || all.includes(acme.messageId),
    ]).toEqual([true, true]);
    expect(other.text).not.toMatch(traces);
    expect(other.text).not.toContain(acme.messageId);
  });

  it('are in no event', async () => {
    const told = async (token: string) => (await follow(token, 800)).text;
    const [own, all, other] = [
      await told(tokenOf('viewer', 'acme')),
      await told(tokenOf('viewer', null)),
      await told(tokenOf('viewer', 'bolt')),
    ];
    expect(own).toContain(acme.workOrderId);
    expect(own).not.toContain('WO-bolt-1');
    expect(all).toContain(acme.workOrderId);
    expect(other).toContain('WO-bolt-1');
    expect(other).not.toMatch(/acme/);
    expect(other).not.toContain(acme.orderId);
  });
});

/** What the stream of events says within a while. */
async function follow(token: string, forMs: number): Promise<{ text: string; ended: boolean }> {
  if (api.app.server.address() === null) await api.app.listen({ host: '127.0.0.1', port: 0 });
  const address = api.app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stop = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${port}/v1/events`, { headers: bearer(token), signal: stop.signal });
  let text = '';
  const timer = setTimeout(() => stop.abort(), forMs);
  try {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
    return { text, ended: true };
  } catch {
    return { text, ended: false };
  } finally {
    clearTimeout(timer);
  }
}

describe('an order for another account than that of its token', () => {
  it('is refused, kept, and makes nothing', async () => {
    const answer = await send(tokenOf('producer', 'bolt'), 'acme', 'WO-foreign');
    expect(answer).toMatchObject({ status: 403, json: { code: 'ORD_TENANT_MISMATCH' } });
    const { rows } = await api.pool.query<{ verdict: string; account_id: string }>(
      `select verdict, account_id from received_message where work_order_id = 'WO-foreign'`,
    );
    expect(rows).toEqual([{ verdict: 'refused', account_id: 'bolt' }]);
    expect((await api.pool.query(`select from work_order where work_order_id = 'WO-foreign'`)).rowCount).toBe(0);
  });

  it('learns nothing of the one that has its id', async () => {
    const answer = await send(tokenOf('producer', 'bolt'), 'bolt', acme.workOrderId);
    expect(answer).toMatchObject({ status: 409, json: { code: 'ORD_CONFLICT_BODY', differences: [] } });
    expect(answer.text).not.toMatch(/acme(?!-1)/);
    expect(answer.text).not.toContain(acme.orderId);
  });

  it('is taken by a token of all accounts', async () => {
    expect((await send(tokenOf('producer', null), 'anybody', 'WO-anybody')).status).toBe(202);
  });
});

describe('a token', () => {
  it('is shown once and kept as a hash', async () => {
    const token = await makeToken({ name: 'once', role: 'viewer' });
    const list = await api.get('/v1/tokens', bearer(adminToken));
    expect(listOf(list.json['tokens']).find((one) => textOf(one['name']) === 'once')).toMatchObject({
      role: 'viewer',
      accountId: null,
      createdBy: 'tests',
    });
    expect(list.text).not.toContain(token);
    const { rows } = await api.pool.query<{ text: string }>(
      'select t::text as text from api_token t union all select a::text from audit a',
    );
    expect(rows.map(({ text }) => text).join()).not.toContain(token);
  });

  it('opens nothing within five seconds of being revoked, not even the rest of a long answer', async () => {
    const token = await makeToken({ name: 'leaving', role: 'viewer' });
    expect((await api.get('/v1/jobs', bearer(token))).status).toBe(200);
    const stream = follow(token, 8_000);
    await sleep(200);
    const answer = await api.post('/v1/tokens/leaving/revoke', '{"reason": "left"}', {
      ...json,
      ...bearer(adminToken),
    });
    const revokedAt = performance.now();
    expect(answer.json).toMatchObject({ name: 'leaving', revokedAt: expect.any(String) });
    while ((await api.get('/v1/jobs', bearer(token))).status === 200) await sleep(100);
    expect((await stream).ended).toBe(true);
    expect(performance.now() - revokedAt).toBeLessThan(5_000);
  }, 20_000);

  it('opens nothing after its time', async () => {
    const token = await makeToken({
      name: 'short',
      role: 'viewer',
      expiresAt: new Date(Date.now() + 700).toISOString(),
    });
    expect((await api.get('/v1/jobs', bearer(token))).status).toBe(200);
    await sleep(800);
    expect((await api.get('/v1/jobs', bearer(token))).status).toBe(401);
  });

  it('is never made twice under one name, nor under that of somebody else', async () => {
    for (const name of ['leaving', 'tests', 'local', 'system', 'a b', '']) {
      const answer = await api.post('/v1/tokens', JSON.stringify({ name, role: 'viewer' }), {
        ...json,
        ...bearer(adminToken),
      });
      expect([name, answer.status]).toEqual([name, 400]);
    }
  });

  it('leaves in the audit who made and who revoked it, and why', async () => {
    const { rows } = await api.pool.query(
      `select actor, action, subject, reason from audit where subject = 'leaving' order by audit_id`,
    );
    expect(rows).toEqual([
      { actor: 'tests', action: 'tokens.add', subject: 'leaving', reason: '' },
      { actor: 'tests', action: 'tokens.revoke', subject: 'leaving', reason: 'left' },
    ]);
    await expect(api.pool.query(`delete from audit`)).rejects.toThrow('append-only');
  });

  it('that is wrong is not even looked at after a while', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 30; i++)
      statuses.push(
        (await api.app.inject({ url: '/v1/jobs', headers: bearer(`guess-${i}`), remoteAddress: '10.9.9.9' }))
          .statusCode,
      );
    expect(statuses.slice(0, 15)).toEqual(Array.from({ length: 15 }, () => 401));
    expect(statuses.slice(25)).toEqual(Array.from({ length: 5 }, () => 429));
    // Others are not held up by it.
    expect((await api.get('/v1/jobs', bearer(adminToken))).status).toBe(200);
  });
});

describe('an answer', () => {
  it('allows no page of another origin anything', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'GET', ...bearer(adminToken) };
    for (const method of ['OPTIONS', 'GET'] as const) {
      const answer = await api.app.inject({ method, url: '/v1/work-orders', headers });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('to an error of our own holds no stack and no word of the database', async () => {
    const answer = await api.get('/v1/work-orders?q=%00', bearer(adminToken));
    expect([answer.status, answer.json['code']]).toEqual([400, 'API_PARAMETER']);
    expect(answer.text).not.toMatch(/at .*\.ts:|node_modules|invalid byte|select /i);
  });

  it.each([
    '/v1/work-orders?q=%00',
    '/v1/work-orders?account=%00',
    '/v1/work-orders/%00/timeline',
    '/v1/rejected-messages?code=%00',
    '/v1/rejected-messages/%00',
    '/v1/jobs?platform=%00',
    '/v1/platforms/%00',
    '/v1/registrations?user=%00',
    '/api/users/query/?user_id=%00',
    '/api/users/list/?username=%00',
    '/api/datacenters/query/?id=%00',
    '/api/user-datacenters/query/?user_id=%00',
  ])('to a name with a character that no name can have is a refusal: %s', async (path) => {
    const answer = await api.get(path, bearer(adminToken));
    expect([400, 404]).toContain(answer.status);
  });
});

describe('with a rate of two requests a second', () => {
  it('a token may ask four times at once, is told when to come back, and holds up nobody else', async () => {
    const slow = await startApi({ requireToken: true, apiRatePerSecond: 2 });
    try {
      const statuses = await Promise.all(Array.from({ length: 8 }, () => slow.get('/v1/jobs', bearer(adminToken))));
      expect(statuses.filter(({ status }) => status === 200)).toHaveLength(4);
      const refused = statuses.find(({ status }) => status === 429);
      expect(refused).toMatchObject({ json: { code: 'API_RATE_LIMIT' }, headers: { 'retry-after': '1' } });
      expect((await slow.get('/healthz')).status).toBe(200);
      await sleep(600);
      expect((await slow.get('/v1/jobs', bearer(adminToken))).status).toBe(200);
    } finally {
      await slow.stop();
    }
  });
});

describe("the source platform's own intake", () => {
  it('is not there where it is off', async () => {
    const off = await startApi({ requireToken: true, legacyIntake: 'off' });
    try {
      const headers = { ...json, ...bearer(adminToken) };
      expect((await off.post('/api/msg/order/', fixture('order-23.json'), headers)).status).toBe(404);
      expect((await off.post('/v1/work-orders', fixture('order-23.json'), headers)).status).toBe(202);
    } finally {
      await off.stop();
    }
  });

  it('takes orders without a token from the networks that may, and from no other', async () => {
    const networks = await startApi({
      requireToken: true,
      legacyIntake: [{ family: 4, value: 0x0a020000n, prefix: 16 }],
    });
    try {
      const from = (remoteAddress: string, url: string) =>
        networks.app.inject({ method: 'POST', url, payload: fixture('order-23.json'), headers: json, remoteAddress });
      for (const address of ['10.2.0.1', '10.2.255.255', '::ffff:10.2.0.1']) {
        expect((await from(address, '/api/msg/order/')).statusCode).toBe(200);
      }
      for (const address of ['10.3.0.1', '127.0.0.1', '::1']) {
        expect((await from(address, '/api/msg/order/')).statusCode).toBe(401);
      }
      expect((await from('10.2.0.1', '/v1/work-orders')).statusCode).toBe(401);
      const forged = await networks.app.inject({
        method: 'POST',
        url: '/api/msg/order/',
        headers: { ...json, 'x-forwarded-for': '10.2.0.1', forwarded: 'for=10.2.0.1' },
        payload: '{}',
        remoteAddress: '10.3.0.1',
      });
      expect(forged.statusCode).toBe(401);
    } finally {
      await networks.stop();
    }
  });
});
