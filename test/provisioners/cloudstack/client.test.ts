import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { cloudStackClient, type CloudStackClient } from '../../../src/provisioners/cloudstack/client.js';
import { JobAccepted, Success, Volume } from '../../../src/provisioners/cloudstack/schema.js';
import { sign } from '../../../src/provisioners/cloudstack/signing.js';
import { openHttp } from '../../../src/provisioners/http.js';
import { pace } from '../../../src/provisioners/pace.js';
import { json, smallCloud, type Recorded } from './small-cloud.js';

const secretKey = 'a-secret-key';
const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close();
});

function clientOf(serviceUrl: string, credentials: object = { apiKey: 'key', secretKey }): CloudStackClient {
  const client = cloudStackClient({
    serviceUrl,
    credentials: credentials as { apiKey: string; secretKey: string },
    http: openHttp({ connections: 4, timeoutMs: 400, maxAnswerBytes: 64 * 1024 }),
    pace: pace({ perSecond: 1000, burst: 1000, atOnce: 4, maxWaiting: 100 }),
  });
  toClose.push(client);
  return client;
}

async function against(answer: (request: Recorded, response: ServerResponse) => void, credentials?: object) {
  const cloud = await smallCloud(answer);
  toClose.push(cloud);
  return { cloud, client: clientOf(cloud.url, credentials) };
}

const anything = z.unknown();
const read = (client: CloudStackClient) => client.read('listZones', {}, anything);
const change = (client: CloudStackClient) =>
  client.change('deployVirtualMachine', { password: 'sesame-12' }, JobAccepted);
const refusal = (errorcode: number, cserrorcode?: number) => ({
  deployvirtualmachineresponse: { uuidList: [], errorcode, cserrorcode, errortext: 'no, because of sesame-12' },
});

describe('a request to CloudStack', () => {
  it('is posted, signed over everything, and expires within the quarter of an hour that servers may insist on', async () => {
    const { client, cloud } = await against((_, response) => json(response, { listzonesresponse: {} }));
    await read(client);
    const [request] = cloud.requests;
    const { signature, ...signed } = Object.fromEntries(request?.params ?? []);
    expect(request?.method).toBe('POST');
    expect(signed).toMatchObject({ command: 'listZones', response: 'json', apikey: 'key', signatureversion: '3' });
    expect(signature).toBe(sign(signed, secretKey));
    const lifetime = Date.parse(signed['expires']?.replace('+0000', '') ?? '') - Date.now();
    expect(lifetime).toBeGreaterThan(5 * 60_000);
    expect(lifetime).toBeLessThan(15 * 60_000);
  });

  it.each([-3_600_000, 3_600_000])('goes through although our clock is off by %i ms', async (aheadMs) => {
    const theirs = () => Date.now() + aheadMs;
    let refused = 0;
    const { client, cloud } = await against(({ params }, response) => {
      response.setHeader('date', new Date(theirs()).toUTCString());
      const expires = Date.parse(params.get('expires')?.replace('+0000', '') ?? '');
      const isGood = expires > theirs() && expires < theirs() + 15 * 60_000;
      if (!isGood) refused += 1;
      if (isGood) json(response, { listzonesresponse: {} });
      else json(response, { listzonesresponse: { errorcode: 401, errortext: 'unable to verify' } }, 401);
    });
    await read(client);
    await read(client);
    expect({ refused, asked: cloud.requests.length }).toEqual({ refused: 1, asked: 3 });
  });

  it('asks no second time when it is refused for its credentials', async () => {
    const { client, cloud } = await against((_, response) =>
      json(response, { listzonesresponse: { errorcode: 401, errortext: 'unable to verify' } }, 401),
    );
    await expect(read(client)).rejects.toMatchObject({ code: 'CLD_AUTH' });
    expect(cloud.requests).toHaveLength(1);
  });

  it('takes the only key of the answer, whatever it is called', async () => {
    const { client } = await against((_, response) => json(response, { restorevmresponse: { jobid: 'j-1' } }));
    await expect(client.change('restoreVirtualMachine', {}, JobAccepted)).resolves.toEqual({ jobid: 'j-1', id: null });
  });

  it('reads numbers and truth in both spellings', async () => {
    const { client } = await against((_, response) => json(response, { r: { success: 'true' } }));
    await expect(client.change('deleteVolume', {}, Success)).resolves.toEqual({ success: true });
    expect(Success.parse({ success: true })).toEqual({ success: true });
    expect(Success.safeParse({ success: 'false' }).success).toBe(false);
    const volume = { id: 7, name: 'v', state: 'Ready', size: '85899345920', created: '2017-10-19T12:53:01+0800' };
    expect(Volume.parse(volume)).toMatchObject({ id: '7', size: 85899345920, created: '2017-10-19T04:53:01.000Z' });
  });

  it('reads lists to their end, without counting on the filter, and empty ones without an array', async () => {
    const rows = Array.from({ length: 1100 }, (_, n) => ({ id: `v${n}`, name: 'v', state: 'Ready' }));
    const { client, cloud } = await against(({ params }, response) => {
      const page = Number(params.get('page'));
      const shown = params.get('command') === 'listVolumes' ? rows.slice((page - 1) * 500, page * 500) : undefined;
      json(response, { r: shown ? { count: rows.length, volume: shown } : {} });
    });
    expect(await client.list('listVolumes', {}, 'volume', Volume)).toHaveLength(1100);
    expect(await client.list('listSnapshots', {}, 'snapshot', Volume)).toEqual([]);
    expect(cloud.requests.map(({ params }) => params.get('page'))).toEqual(['1', '2', '3', '1']);
  });
});

describe('a refusal', () => {
  it.each([
    [429, 'retry', 'CLD_THROTTLED'],
    [430, 'reject', 'CLD_PARAMETER'],
    [431, 'reject', 'CLD_PARAMETER'],
    [432, 'reject', 'CLD_PARAMETER'],
    [401, 'ask-human', 'CLD_AUTH'],
    [531, 'ask-human', 'CLD_PERMISSION'],
    [532, 'reject', 'CLD_QUOTA'],
    [533, 'retry', 'CLD_CAPACITY'],
    [534, 'retry', 'CLD_RESOURCE_UNAVAILABLE'],
    [535, 'reject', 'CLD_QUOTA'],
    [536, 'retry', 'CLD_IN_USE'],
    [537, 'reject', 'CLD_CONFLICT'],
  ])('of %i is sorted by its number into %s, %s', async (status, disposition, code) => {
    const { client } = await against((_, response) => json(response, refusal(status, 4350), status));
    await expect(change(client)).rejects.toMatchObject({ disposition, code, details: { cloudCode: `${status}/4350` } });
  });

  it('is also read from the errorresponse wrapper, with a number in quotes, and from a 200', async () => {
    const body = { errorresponse: { errorcode: '432', errortext: 'The given command does not exist' } };
    const { client } = await against((_, response) => json(response, body, 200));
    await expect(change(client)).rejects.toMatchObject({ disposition: 'reject', details: { cloudCode: '432' } });
  });

  it('never repeats a secret of the request', async () => {
    const { client } = await against((_, response) => json(response, refusal(431), 431));
    const error: unknown = await change(client).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('no, because of [secret]');
    expect(JSON.stringify(error) + String(error)).not.toContain('sesame-12');
  });

  it.each([
    ['the wait in its text', {}, 'please retry after 834 ms.', 834],
    ['Retry-After in seconds', { 'retry-after': '7' }, '', 7000],
    ['a wait that nobody would wait for, cut down', { 'retry-after': '1000000000' }, '', 600_000],
    [
      'Retry-After as a date, by the clock of the server',
      { date: 'Sat, 21 Nov 2020 10:00:00 GMT', 'retry-after': 'Sat, 21 Nov 2020 10:00:42 GMT' },
      '',
      42_000,
    ],
  ])('for too many calls passes on %s', async (_name, headers, errortext, retryAfterMs) => {
    const { client } = await against((_, response) => {
      response.writeHead(429, headers).end(JSON.stringify({ r: { errorcode: 429, errortext } }));
    });
    await expect(change(client)).rejects.toMatchObject({ code: 'CLD_THROTTLED', details: { retryAfterMs } });
  });
});

describe('no usable answer', () => {
  const ways: [string, (response: ServerResponse) => void][] = [
    ['a reset', (response) => response.destroy()],
    ['silence', () => {}],
    ['a page of HTML', (response) => response.writeHead(502).end('<html>Bad Gateway</html>')],
    ['a 503 that is not CloudStack speaking', (response) => response.writeHead(503).end('<html>busy</html>')],
    ['half an answer', (response) => response.end('{"deployvirtualmachineresponse":{"id":"1"')],
    ['an answer without a job id', (response) => json(response, { r: { id: '1' } })],
    ['an answer that is too large', (response) => json(response, { r: { jobid: 'x'.repeat(80_000) } })],
    ['a server that is shut down', (response) => json(response, refusal(503, 9999), 503)],
    ['an array', (response) => json(response, [])],
    ['two keys', (response) => json(response, { a: { jobid: '1' }, b: {} })],
  ];

  it.each(ways)('(%s) to a change leaves its outcome unknown', async (name, answer) => {
    const { client } = await against((_, response) => answer(response));
    await expect(change(client)).rejects.toMatchObject({
      name: 'OutcomeUnknownError',
      code: 'CLD_RESPONSE_UNKNOWN',
      how: name === 'silence' ? 'silent' : 'cut',
    });
  });

  it.each([408, 504])(
    'because a proxy gave up waiting (%i) is silence: the server may be at it yet',
    async (status) => {
      const { client } = await against((_, response) => response.writeHead(status).end('<html>timed out</html>'));
      await expect(change(client)).rejects.toMatchObject({ name: 'OutcomeUnknownError', how: 'silent' });
    },
  );

  it.each([
    [4250, 'CLD_CAPACITY', 'Failed to fetch any free public IP address'],
    [9999, 'CLD_JOB_FAILED', 'Failed to enable static NAT'],
  ])(
    'of a server that says it went wrong inside (530/%i) ends the request, and keeps the words',
    async (cs, code, words) => {
      const envelope = { r: { uuidList: [], errorcode: 530, cserrorcode: cs, errortext: words } };
      const { client } = await against((_, response) => json(response, envelope, 530));
      await expect(change(client)).rejects.toMatchObject({
        name: 'OutcomeUnknownError',
        how: 'failed',
        code,
        message: expect.stringContaining(words),
      });
    },
  );

  it.each(ways)('(%s) to a read is a reason to ask again', async (_name, answer) => {
    const { client } = await against((_, response) => answer(response));
    await expect(client.read('listZones', {}, JobAccepted)).rejects.toMatchObject({
      name: 'ProvisioningError',
      disposition: 'retry',
    });
  });

  it('because nobody listens is a refusal: nothing was sent', async () => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, 'close');
    const client = clientOf(`http://127.0.0.1:${port}/client/api`);
    await expect(change(client)).rejects.toMatchObject({ disposition: 'retry', code: 'CLD_UNREACHABLE' });
    const noSuchHost = clientOf('http://cloudstack.invalid/client/api');
    await expect(change(noSuchHost)).rejects.toMatchObject({ disposition: 'retry', code: 'CLD_UNREACHABLE' });
  });
});

describe('a session', () => {
  const credentials = { username: 'admin', password: 'open-sesame', domain: '/' };

  function serverOfSessions(lifetime: number) {
    let logins = 0;
    let left = 0;
    return (request: Recorded, response: ServerResponse) => {
      if (request.params.get('command') === 'login') {
        logins += 1;
        left = lifetime;
        response.setHeader('set-cookie', [`JSESSIONID=s${logins}; Path=/client`, `sessionkey=k+/${logins}=; HttpOnly`]);
        return json(response, { loginresponse: { sessionkey: `k+/${logins}=`, timeout: '1800' } });
      }
      const known = request.params.get('sessionkey') === `k+/${logins}=`;
      left -= 1;
      return known && left >= 0
        ? json(response, { r: { jobid: 'j' } })
        : json(response, { r: { errorcode: 401, errortext: 'unable to verify user credentials' } }, 401);
    };
  }
  const logins = (requests: Recorded[]) => requests.filter(({ params }) => params.get('command') === 'login').length;

  it('is opened once for all who ask at once, and shows key and cookies', async () => {
    const { client, cloud } = await against(serverOfSessions(100), credentials);
    await Promise.all([1, 2, 3, 4, 5].map(() => change(client)));
    expect(logins(cloud.requests)).toBe(1);
    const [, request] = cloud.requests;
    expect(request?.headers.cookie).toBe('JSESSIONID=s1; sessionkey=k+/1=');
    expect(request?.params.get('signature')).toBeNull();
  });

  it('that died is opened again once, and the call made once more', async () => {
    const { client, cloud } = await against(serverOfSessions(2), credentials);
    for (let call = 0; call < 4; call += 1) await change(client);
    expect(logins(cloud.requests)).toBe(2);
  });

  it('that is refused even after a new login asks for a person', async () => {
    const { client, cloud } = await against(serverOfSessions(0), credentials);
    await expect(change(client)).rejects.toMatchObject({ disposition: 'ask-human', code: 'CLD_AUTH' });
    expect(logins(cloud.requests)).toBe(2);
  });

  it('with a wrong password asks for a person, and never names it', async () => {
    const { client } = await against(
      (_, response) => json(response, { loginresponse: { errorcode: 531, errortext: 'bad open-sesame' } }, 531),
      credentials,
    );
    const error: unknown = await change(client).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ disposition: 'ask-human', code: 'CLD_AUTH' });
    expect(String(error)).not.toContain('open-sesame');
  });

  it('that could not be opened left the change unsent', async () => {
    const { client } = await against((_, response) => response.destroy(), credentials);
    await expect(change(client)).rejects.toMatchObject({ disposition: 'retry', code: 'CLD_UNREACHABLE' });
  });
});

describe('patience', () => {
  it.each(['createAccount', 'createNetwork', 'associateIpAddress'])(
    'is longer for %s, which works before it answers',
    async (command) => {
      const cloud = await smallCloud((_, response) => {
        setTimeout(() => json(response, { r: { jobid: '1' } }), 900);
      });
      const client = cloudStackClient({
        serviceUrl: cloud.url,
        credentials: { apiKey: 'key', secretKey },
        http: openHttp({ connections: 4, timeoutMs: 400 }),
        pace: pace({ perSecond: 1000, burst: 1000, atOnce: 4, maxWaiting: 100 }),
        requestTimeoutMs: 3_000,
        slowRequestTimeoutMs: 9_000,
      });
      toClose.push(client, cloud);
      await expect(client.change(command, {}, JobAccepted)).resolves.toMatchObject({ jobid: '1' });
      await expect(client.change('createVolume', {}, JobAccepted)).rejects.toMatchObject({ how: 'silent' });
    },
  );
});
