import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { OpenStackClient } from '../../../src/provisioners/openstack/client.js';
import { refusalType } from '../../../src/provisioners/openstack/refusals.js';
import { Anything, Network } from '../../../src/provisioners/openstack/schema.js';
import { withPermission } from '../../../src/provisioners/permission.js';
import { accountAt, type Answer, catalogOf, json, silence, tokenBody, versions } from './small-cloud.js';

const readServers = (client: OpenStackClient, scope: string | null = null) =>
  client.read({ service: 'compute', scope, path: '/servers' }, z.object({ servers: z.array(z.unknown()) }));
const makeServer = (client: OpenStackClient) =>
  client.change(
    { service: 'compute', method: 'POST', path: '/servers', body: { server: { adminPass: 'sesame-12' } } },
    z.object({ server: z.object({ id: z.string() }) }),
  );
const isService = (path: string): boolean => path.startsWith('/compute/v2.1') || path.startsWith('/network/');
/** Answers the services' own requests, and leaves logins and versions to the small cloud. */
const services =
  (answer: (response: ServerResponse, path: string) => void): Answer =>
  ({ path }, response) => {
    if (isService(path)) answer(response, path);
  };

describe('a request to OpenStack', () => {
  it('carries the token of its project and the version of the API it was written for', async () => {
    const { client, cloud } = await accountAt(services((response) => json(response, { servers: [] })));
    await readServers(client, 'tenant-1');
    expect(cloud.requests).toMatchObject([
      {
        method: 'GET',
        path: '/compute/v2.1/servers',
        headers: { 'x-auth-token': 'token-tenant-1-2', 'openstack-api-version': 'compute 2.90' },
      },
    ]);
  });

  it('lowers the version to what the cloud has', async () => {
    const { client, cloud } = await accountAt(({ path }, response) => {
      if (path === '/compute/') json(response, versions('v2.1', '2.1', '2.60'));
    });
    await client.read({ service: 'compute', path: '/flavors' }, Anything);
    expect(cloud.requests[0]?.headers['openstack-api-version']).toBe('compute 2.60');
  });

  it('finds the services by the catalogue, and puts on the version that an address lacks', async () => {
    const { client } = await accountAt();
    expect(new URL(await client.endpoint('compute')).pathname).toBe('/compute/v2.1');
    expect(new URL(await client.endpoint('network')).pathname).toBe('/network/v2.0');
    expect(new URL(await client.endpoint('volume')).pathname).toBe('/volume/v3/own-project');
    expect(new URL(await client.endpoint('image')).pathname).toBe('/image/v2');
  });

  it.each([
    [{ region: 'Elsewhere' }, /no public endpoint of compute in the region "Elsewhere"; regions: RegionOne/],
    [{ interface: 'internal' }, /no internal endpoint of compute/],
  ])(
    'to a service the catalogue does not have (%j) needs a person, and says what is missing',
    async (settings, words) => {
      const { client } = await accountAt(undefined, { settings });
      await expect(readServers(client)).rejects.toMatchObject({
        disposition: 'ask-human',
        code: 'CLD_UNSUPPORTED',
        message: expect.stringMatching(words),
      });
    },
  );

  it('asks which region is meant when there are several', async () => {
    let origin = '';
    const { client, cloud } = await accountAt(({ path }, response) => {
      if (path !== '/identity/v3/auth/tokens') return;
      const catalog = [...catalogOf(origin, 'RegionOne'), ...catalogOf(origin, 'RegionTwo')];
      json(response, tokenBody(origin, undefined, undefined, catalog), 201, { 'x-subject-token': 't' });
    });
    origin = cloud.origin;
    await expect(readServers(client)).rejects.toThrow(/RegionOne, RegionTwo: set "region"/);
  });

  it('reads lists to their end, keeping to its own address whatever host and path the next page names', async () => {
    const pages: Record<string, object> = {
      '': {
        networks: [{ id: 'n1' }],
        networks_links: [{ rel: 'next', href: 'http://10.0.0.1/v2.0/networks?marker=n1&fields=id&fields=name' }],
      },
      n1: {
        networks: [{ id: 'n2' }],
        networks_links: [
          { rel: 'previous', href: 'http://10.0.0.1/x' },
          { rel: 'next', href: '/networks?marker=n2' },
        ],
      },
      n2: { networks: [] },
    };
    const { client, cloud } = await accountAt((request, response) => {
      if (isService(request.path)) json(response, pages[request.query.get('marker') ?? '']);
    });
    const rows = await client.list({ service: 'network', path: '/networks', key: 'networks', row: Network });
    expect(rows.map(({ id }) => id)).toEqual(['n1', 'n2']);
    expect(cloud.requests.map(({ path, query }) => `${path}?${query.toString()}`)).toEqual([
      '/network/v2.0/networks?',
      '/network/v2.0/networks?marker=n1&fields=id&fields=name',
      '/network/v2.0/networks?marker=n2',
    ]);
  });

  it('with an effect leaves only with permission, also one without a body; a read needs none', async () => {
    const { client, cloud } = await accountAt(services((response) => json(response, { servers: [] })));
    await readServers(client);
    const gone = new Error('the order belongs to another worker');
    const none = { now: () => false, later: () => Promise.reject(gone) };
    const remove = () => client.change({ service: 'compute', method: 'DELETE', path: '/servers/1' }, Anything);
    await expect(withPermission(none, remove)).rejects.toBe(gone);
    await expect(withPermission(none, () => makeServer(client))).rejects.toBe(gone);
    await withPermission(none, () => readServers(client));
    expect(cloud.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
    const granted = { now: () => true, later: () => Promise.reject(gone) };
    await withPermission(granted, remove);
    expect(cloud.requests.at(-1)).toMatchObject({ method: 'DELETE', body: null });
  });
});

describe('a refusal', () => {
  const nova = (key: string, code: number, message = 'no') => ({ [key]: { code, message } });
  const neutron = (type: string) => ({ NeutronError: { type, message: 'no', detail: '' } });
  it.each([
    ['compute', 400, nova('badRequest', 400), 'reject', 'CLD_PARAMETER'],
    ['compute', 403, nova('forbidden', 403, 'Quota exceeded for instances: Requested 1'), 'reject', 'CLD_QUOTA'],
    ['compute', 403, nova('forbidden', 403, 'Policy does not allow it'), 'ask-human', 'CLD_PERMISSION'],
    ['compute', 404, nova('itemNotFound', 404), 'reject', 'CLD_PARAMETER'],
    ['compute', 406, nova('computeFault', 406), 'ask-human', 'CLD_UNSUPPORTED'],
    ['compute', 409, nova('conflictingRequest', 409, 'while it is in task_state rebooting'), 'retry', 'CLD_IN_USE'],
    ['compute', 409, nova('conflictingRequest', 409, 'while it is in vm_state active'), 'reject', 'CLD_CONFLICT'],
    ['volume', 413, nova('overLimit', 413), 'reject', 'CLD_QUOTA'],
    ['compute', 413, { message: 'Request is too large', code: '413 x', title: 'x' }, 'reject', 'CLD_PARAMETER'],
    ['compute', 429, nova('overLimit', 429), 'retry', 'CLD_THROTTLED'],
    ['network', 409, neutron('OverQuota'), 'reject', 'CLD_QUOTA'],
    ['network', 409, neutron('IpAddressGenerationFailure'), 'retry', 'CLD_CAPACITY'],
    ['network', 400, neutron('ExternalIpAddressExhausted'), 'retry', 'CLD_CAPACITY'],
    ['network', 409, neutron('SubnetInUse'), 'retry', 'CLD_IN_USE'],
    ['network', 409, neutron('SecurityGroupRuleExists'), 'reject', 'CLD_CONFLICT'],
    ['network', 412, neutron('RevisionNumberConstraintFailed'), 'retry', 'CLD_IN_USE'],
    ['network', 403, neutron('PolicyNotAuthorized'), 'ask-human', 'CLD_PERMISSION'],
  ] as const)('of %s with %i %j is sorted into %s, %s', async (service, status, body, disposition, code) => {
    const headers: Record<string, string> = status === 413 ? { 'retry-after': '0' } : {};
    const { client } = await accountAt(({ method }, response) => {
      if (method === 'PUT') json(response, body, status, headers);
    });
    const refused = client.change({ service, method: 'PUT', path: '/things/1', body: {} }, Anything);
    await expect(refused).rejects.toMatchObject({ name: 'ProvisioningError', disposition, code });
  });

  it('keeps the type for the operations that have to look at it', async () => {
    const { client } = await accountAt(services((response) => json(response, neutron('SubnetInUse'), 409)));
    const error: unknown = await client
      .change({ service: 'network', method: 'DELETE', path: '/subnets/1' }, Anything)
      .catch((thrown: unknown) => thrown);
    expect(refusalType(error as never)).toBe('SubnetInUse');
  });

  it.each([
    [429, { 'retry-after': '7' }],
    [413, { 'retry-after': '7' }],
  ])('by %i with a wait is a throttle, and passes the wait on', async (status, headers) => {
    const { client } = await accountAt(
      services((response) => json(response, nova('overLimit', status), status, headers)),
    );
    await expect(makeServer(client)).rejects.toMatchObject({ code: 'CLD_THROTTLED', details: { retryAfterMs: 7000 } });
  });

  it('never repeats a secret of the request', async () => {
    const { client } = await accountAt(
      services((response) => json(response, nova('badRequest', 400, "'sesame-12' is too short"), 400)),
    );
    const error: unknown = await makeServer(client).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("'[secret]' is too short");
    expect(JSON.stringify(error) + String(error)).not.toContain('sesame-12');
  });
});

/** Long enough for a login on a busy machine, short enough to wait for silence to end. */
const patience = { settings: { requestTimeoutMs: 3_000 } };

describe('no usable answer', () => {
  const ways: [string, (response: ServerResponse) => void][] = [
    ['a reset', (response) => response.destroy()],
    ['silence', silence],
    ["a proxy's 504", (response) => response.writeHead(504).end('<html>Gateway Timeout</html>')],
    ["a proxy's 408", (response) => json(response, { message: 'x', code: '408 Request Timeout', title: 'x' }, 408)],
    [
      'half an answer, then silence',
      (response) => {
        silence(response);
        response.writeHead(202, { 'content-type': 'application/json' }).write('{"server":');
      },
    ],
    ['a page of HTML', (response) => response.writeHead(502).end('<html>Bad Gateway</html>')],
    ["a proxy's 404", (response) => response.writeHead(404).end('<html>not here</html>')],
    ['half an answer', (response) => response.end('{"server":{"id":')],
    ['an answer without what was made', (response) => json(response, { server: {} })],
    [
      'an internal error',
      (response) => json(response, { computeFault: { code: 500, message: 'Unexpected API Error' } }, 500),
    ],
    ['a 503', (response) => json(response, { message: 'x', code: '503 Service Unavailable', title: 'x' }, 503)],
  ];

  /** Patience ended: what was asked for may be held, and be done much later. */
  const silent = ['silence', "a proxy's 504", "a proxy's 408", 'half an answer, then silence'];

  it.each(ways)(
    '(%s) to a change leaves its outcome unknown, and tells how it failed to come',
    async (name, answer) => {
      const { client } = await accountAt(services(answer), patience);
      await expect(makeServer(client)).rejects.toMatchObject({
        name: 'OutcomeUnknownError',
        code: 'CLD_RESPONSE_UNKNOWN',
        how: silent.includes(name) ? 'silent' : 'cut',
      });
    },
  );

  it.each(ways)('(%s) to a read is a reason to ask again', async (_name, answer) => {
    const { client } = await accountAt(services(answer), patience);
    await expect(readServers(client)).rejects.toMatchObject({ name: 'ProvisioningError', disposition: 'retry' });
  });

  it('in time is called a timeout', async () => {
    const { client } = await accountAt(services(silence), patience);
    await expect(makeServer(client)).rejects.toThrow(/timed out/);
  });
});
