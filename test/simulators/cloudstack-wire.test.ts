import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { javaFormEncode, parseExpires, signatureOf, stringToSign } from '../../src/simulators/cloudstack/signature.js';
import { readReply, sign, startCloud, type Row, type TestCloud } from './cloudstack-client.js';

describe('the signature', () => {
  const guideSecret = 'VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ';
  const guideKey = 'plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg';
  const v3 = {
    apikey: 'test-key_2',
    command: 'listVirtualMachines',
    expires: '2030-01-02T03:04:05Z+0000',
    response: 'json',
    signatureversion: '3',
  };
  const vectors: [string, string, string, Record<string, string>][] = [
    ['V1', guideSecret, 'TTpdDq/7j/J58XCRHomKoQXEQds=', { apikey: guideKey, command: 'listUsers', response: 'json' }],
    [
      'V2',
      'test-Secret_1',
      'hG3f6QQXTKmFpC1XiFv+FFXnJdY=',
      {
        apikey: 'test-key_1',
        command: 'deployVirtualMachine',
        'details[0].cpuNumber': '2',
        'details[0].memory': '2048',
        displayname: '订单 a+b/c',
        name: 'web-01',
        networkids: 'n1,n2',
        response: 'json',
        serviceofferingid: 's1',
        templateid: 't1',
        zoneid: 'z1',
      },
    ],
    ['V3', 'test-Secret_2', '3iBDEU1hvgId5pGnVW5lMVTQxW0=', { ...v3, keyword: "v*m!'()_-.~" }],
    ['V3b', 'test-Secret_2', 'NrW3Tb+gdGjGXdDnBK5hhP/f7vE=', { ...v3, keyword: "v*m!'()_-." }],
    [
      'V4',
      'test-Secret_3',
      'QgDFUESpdvbg3leNjwxA+myCXrE=',
      {
        apikey: 'test-key_3',
        command: 'listTemplates',
        response: 'json',
        templateFilter: 'executable',
        templateid: 't1',
      },
    ],
    [
      'V5',
      'test-Secret_3',
      'VXhNVLoBmvY1r5oSC2o7JjQvYXQ=',
      { apikey: 'k', command: 'x', templateZ: '1', templateid: '2' },
    ],
  ];
  test.each(vectors)('agrees with the published vector %s', (_id, secret, signature, params) => {
    expect(signatureOf(Object.entries(params), secret)).toBe(signature);
    expect(sign(params, secret)).toBe(signature);
  });

  test('encodes as a Java form encoder', () => {
    expect(javaFormEncode("a b+c*d~e!'()é")).toBe('a+b%2Bc*d%7Ee%21%27%28%29%C3%A9');
    expect(
      stringToSign([
        ['b', 'X Y'],
        ['Signature', 'z'],
        ['a[0].K', '1'],
      ]),
    ).toBe('a[0].k=1&b=x%20y');
  });

  test('knows the forms of expires of old and new servers', () => {
    const at = Date.parse('2030-01-02T03:04:05Z');
    for (const form of ['Z+0000', '+0000', 'Z', '+00:00', '.123Z'])
      expect(parseExpires(`2030-01-02T03:04:05${form}`, false)).toBe(form === '.123Z' ? at + 123 : at);
    expect(parseExpires('2030-01-02T03:04:05Z+0000', true)).toBe(at);
    expect(parseExpires('2030-01-02T03:04:05Z', true)).toBeNull();
    expect(parseExpires('tomorrow', false)).toBeNull();
  });
});

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
beforeEach(() => cloud.sim('POST', 'reset'));
afterAll(() => cloud.close());

describe('a signed request', () => {
  test.each(['GET', 'POST'] as const)('is taken by %s, whatever characters its values have', async (method) => {
    const reply = await cloud.call('listVirtualMachines', { keyword: "~ +*é'()!", 'tags[0].key': 'a b' }, { method });
    expect(reply).toMatchObject({ status: 200, wrapper: 'listvirtualmachinesresponse', body: {} });
  });

  test.each(['GET', 'POST'] as const)('is 401 by %s when anything about it is wrong', async (method) => {
    const wrong = await cloud.call('listZones', {}, { method, keys: { apiKey: 'nobody', secretKey: 'x' } });
    expect(wrong).toMatchObject({ status: 401, wrapper: 'listzonesresponse', body: { uuidList: [], errorcode: 401 } });
    expect(wrong.body).not.toHaveProperty('cserrorcode');
    expect((await cloud.call('listZones', { signatureversion: 3 }, { method })).status).toBe(401);
    expect(
      (await cloud.call('listZones', { signatureversion: 3, expires: '2001-01-01T00:00:00Z+0000' }, { method })).status,
    ).toBe(401);
    const soon = `${new Date(Date.now() + 600_000).toISOString().slice(0, 19)}Z+0000`;
    expect((await cloud.call('listZones', { signatureversion: 3, expires: soon }, { method })).status).toBe(200);
    const bare = await fetch(`${cloud.serviceUrl}?command=listZones&response=json`);
    expect(bare.status).toBe(401);
  });

  test('of an unknown command is 401 now and was 432 up to 4.9', async () => {
    expect(await cloud.call('listUnicorns')).toMatchObject({ status: 401, wrapper: 'errorresponse' });
    const keys = await cloud.newAccount('user1');
    expect((await cloud.call('createServiceOffering', { name: 'x' }, { keys })).status).toBe(401);
    const old = await startCloud({ version: '4.9' });
    expect(await old.call('listUnicorns')).toMatchObject({
      status: 432,
      wrapper: 'errorresponse',
      body: { cserrorcode: 9999 },
    });
    await old.close();
  });

  test('without response=json is answered in XML', async () => {
    const params = { command: 'listZones', apikey: (await cloud.newAccount('x')).apiKey };
    const text = await (await fetch(`${cloud.serviceUrl}?${new URLSearchParams(params).toString()}`)).text();
    expect(text).toContain('<listzonesresponse cloud-stack-version="4.22">');
  });

  test('with enforcement switched on may not change things by GET', async () => {
    const strict = await startCloud({ enforcePostAndTimestamps: true });
    const expires = `${new Date(Date.now() + 600_000).toISOString().slice(0, 19)}Z+0000`;
    const timed = { signatureversion: 3, expires };
    expect((await strict.call('createSSHKeyPair', { name: 'k', ...timed }, { method: 'GET' })).status).toBe(400);
    expect((await strict.call('createSSHKeyPair', { name: 'k', ...timed })).status).toBe(200);
    expect((await strict.call('listZones')).status).toBe(401);
    await strict.close();
  });
});

describe('an answer', () => {
  test('has one key, the HTTP status of its errorcode and the text in a header', async () => {
    const reply = await cloud.call('deployVirtualMachine', {});
    expect(reply).toMatchObject({
      status: 431,
      wrapper: 'deployvirtualmachineresponse',
      body: { errorcode: 431, uuidList: [] },
    });
    expect(reply.headers.get('x-description')).toContain('missing parameter zoneid');
    expect(reply.headers.get('content-type')).toBe('application/json; charset=UTF-8');
  });

  test('of an empty list has neither count nor array, and past the end a count only', async () => {
    expect(await cloud.ok('listVirtualMachines')).toEqual({});
    expect(await cloud.ok('listZones', { page: 1, pagesize: 1 })).toMatchObject({
      count: 2,
      zone: [{ name: 'zone-1' }],
    });
    expect(await cloud.ok('listZones', { page: 9, pagesize: 1 })).toEqual({ count: 2 });
  });

  test.each<Row>([{ page: 1 }, { pagesize: 10 }, { page: 1, pagesize: 501 }])(
    'is 431 for the page %j',
    async (page) => {
      expect((await cloud.call('listZones', page)).status).toBe(431);
    },
  );

  test('is 431 for a control character and 430 for a broken map', async () => {
    expect((await cloud.call('listZones', { keyword: 'a\tb' })).status).toBe(431);
    expect((await cloud.call('listZones', { 'tags[x].key': 'a' })).status).toBe(430);
  });

  test('is 431 for an unknown id and {} for a removed one', async () => {
    expect((await cloud.call('listVolumes', { id: '00000000-0000-4000-8000-000000000000' })).status).toBe(431);
    const { id } = await cloud.ok('createVolume', {
      diskofferingid: 'b1a0c5de-0000-4000-8052-000000000001',
      zoneid: '0d86f114-7153-4d71-a835-7916a41ab0b7',
    });
    expect(await cloud.ok('deleteVolume', { id })).toEqual({ success: true });
    expect(await cloud.ok('listVolumes', { id })).toEqual({});
  });
});

describe('a session', () => {
  const login = (target: TestCloud, params: Record<string, string> = {}) =>
    fetch(target.serviceUrl, {
      method: 'POST',
      body: new URLSearchParams({
        command: 'login',
        username: 'admin',
        password: 'password',
        domain: '/',
        response: 'json',
        ...params,
      }),
    });
  const cookiesOf = (response: Response) =>
    response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; ');
  const ask = async (target: TestCloud, cookie: string, sessionkey?: string) =>
    readReply(
      await fetch(
        `${target.serviceUrl}?${new URLSearchParams({ command: 'listZones', response: 'json', ...(sessionkey === undefined ? {} : { sessionkey }) }).toString()}`,
        { headers: { cookie } },
      ),
    );

  test('is begun by POST only, with the right password', async () => {
    expect(
      (await fetch(`${cloud.serviceUrl}?command=login&username=admin&password=password&response=json`)).status,
    ).toBe(405);
    expect((await login(cloud, { password: 'no' })).status).toBe(531);
  });

  test('needs cookie and parameter, and ends by logout', async () => {
    const response = await login(cloud);
    const cookie = cookiesOf(response);
    const { body } = await readReply(response);
    expect(body).toMatchObject({ username: 'admin', account: 'admin', type: '1', timeout: 1800, registered: 'false' });
    const key = String(body['sessionkey']);
    expect((await ask(cloud, cookie, key)).body).toHaveProperty('zone');
    await fetch(`${cloud.serviceUrl}?command=logout&response=json&sessionkey=${encodeURIComponent(key)}`, {
      headers: { cookie },
    });
    expect((await ask(cloud, cookie, key)).status).toBe(401);
    const second = await login(cloud);
    expect((await ask(cloud, cookiesOf(second))).status).toBe(401);
  });

  test('dies when idle, and by the fault that ends it', async () => {
    const quick = await startCloud({ sessionTimeoutSeconds: 0.05 });
    const response = await login(quick);
    const key = String((await readReply(response)).body['sessionkey']);
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect((await ask(quick, cookiesOf(response), key)).status).toBe(401);
    await quick.close();

    const other = await login(cloud);
    const otherKey = String((await readReply(other)).body['sessionkey']);
    await cloud.fault({ operation: 'listZones', kind: 'expire-session' });
    expect((await ask(cloud, cookiesOf(other), otherKey)).status).toBe(401);
    expect((await ask(cloud, cookiesOf(other), otherKey)).status).toBe(401);
    expect((await login(cloud)).status).toBe(200);
  });

  test('of 4.4 prints its timeout as text and looks at the parameter only', async () => {
    const old = await startCloud({ version: '4.4' });
    const response = await login(old);
    const { body } = await readReply(response);
    expect(body['timeout']).toBe('1800');
    expect(response.headers.getSetCookie()).toHaveLength(1);
    const cookie = cookiesOf(response);
    expect((await ask(old, cookie, String(body['sessionkey']))).status).toBe(200);
    await old.close();
  });
});

describe('jobs by version', () => {
  const clouds: TestCloud[] = [];
  const start = async (version: string, more: Row = {}) => {
    const started = await startCloud({ version, ...more });
    clouds.push(started);
    return started;
  };
  afterEach(async () => {
    await Promise.all(clouds.splice(0).map((one) => one.close()));
  });
  const failing = { serviceofferingid: 'b1a0c5de-0000-4000-8051-000000000003' };

  test('4.9 lists finished jobs, prints 530 for every failure and success as text', async () => {
    const old = await start('4.9');
    const { jobid } = await old.ok('deployVirtualMachine', old.vmParams(failing));
    expect(await old.poll(jobid)).toMatchObject({ jobresultcode: 530, jobresult: { errorcode: 533 } });
    expect(await old.list('listAsyncJobs', 'asyncjobs')).toMatchObject([
      { jobid, jobstatus: 2 },
      { cmd: 'com.cloud.vm.VmWorkStart' },
    ]);
    await old.ok('createSSHKeyPair', { name: 'k' });
    expect(await old.ok('deleteSSHKeyPair', { name: 'k' })).toEqual({ success: 'true' });
    expect((await old.call('createVPC', { name: 'v', zoneid: 'x', vpcofferingid: 'y' })).status).toBe(431);
  });

  test('4.22 lists open jobs only and prints the real code', async () => {
    await cloud.sim('POST', 'latency', { minMs: 60, maxMs: 60 });
    const { jobid } = await cloud.ok('deployVirtualMachine', cloud.vmParams(failing));
    expect(await cloud.list('listAsyncJobs', 'asyncjobs')).toMatchObject([
      { jobid, jobstatus: 0, cmd: expect.stringContaining('DeployVM') },
    ]);
    expect(await cloud.poll(jobid)).toMatchObject({ jobstatus: 2, jobresultcode: 533, completed: expect.any(String) });
    expect(await cloud.ok('listAsyncJobs', { listall: true })).toEqual({});
  });

  test('expire, and an unknown one is 431', async () => {
    const quick = await start('4.22', { jobExpireMinutes: 0.001 });
    const { jobid } = await quick.ok('deployVirtualMachine', quick.vmParams());
    await quick.poll(jobid);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await quick.call('queryAsyncJobResult', { jobid })).status).toBe(431);
  });

  test('belong to their account', async () => {
    const keys = await cloud.newAccount('user2');
    const { jobid } = await cloud.ok('deployVirtualMachine', cloud.vmParams());
    expect((await cloud.call('queryAsyncJobResult', { jobid }, { keys })).status).toBe(531);
  });

  test('4.13 looks for a part of a name of a virtual machine, 4.22 for the whole', async () => {
    const older = await start('4.13');
    for (const [one, found] of [
      [older, 1],
      [cloud, 0],
    ] as const) {
      await one.done('deployVirtualMachine', one.vmParams({ name: 'web-01' }));
      expect(await one.list('listVirtualMachines', 'virtualmachine', { name: 'web' })).toHaveLength(found);
    }
  });
});
