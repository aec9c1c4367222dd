import { describe, expect, it } from '@jest/globals';
import { openstack } from '../../../src/provisioners/openstack/index.js';
import { setQuotas } from '../../../src/provisioners/openstack/quotas.js';
import { startSimulatedOpenStack } from '../../../src/simulators/openstack/server.js';
import { zoneId } from '../an-order.js';
import { aCloud } from './building.js';

const unknown = 'b1a0c5de-0000-4000-8000-00000000000f';
const smallImage = 'c10dc5de-0000-4000-8000-000000000001';

describe('the check of an OpenStack platform', () => {
  it('finds everything in a good one', async () => {
    const { provisioner } = await aCloud();
    expect((await provisioner.check()).filter(({ ok }) => !ok)).toEqual([]);
  });

  it('says in one line that it cannot log in, without its secrets', async () => {
    const cloud = await aCloud({ credentials: { username: 'admin', password: 'the-wrong-one' } });
    const lines = await cloud.provisioner.check();
    expect(lines).toMatchObject([{ what: 'login', ok: false }]);
    expect(lines[0]?.detail).toContain('CLD_AUTH');
    expect(JSON.stringify(lines)).not.toContain('the-wrong-one');
  });

  it('names line by line what is missing', async () => {
    const cloud = await aCloud({
      settings: {
        externalNetwork: 'internet',
        volumeZone: 'store-9',
        volumeTypes: { SATA: 'SATA', NVME: 'nvme' },
        images: { a: smallImage, b: unknown },
        zones: { [zoneId]: 'az1', other: 'az9' },
        flavors: { '1-1024': 'c1-m2048-d40' },
        tenantRole: 'worker',
        soldSizes: ['1-1024', '2-4096', '7-1024'],
      },
    });
    const wrong = (await cloud.provisioner.check()).filter(({ ok }) => !ok);
    expect(wrong.map(({ what }) => what)).toEqual([
      'tenant role',
      'external network',
      'flavor for 1-1024',
      'size 1-1024',
      'size 7-1024',
      'zone az9',
      'volume zone',
      'volume type for NVME',
      'image for b',
    ]);
  });

  it('names the services that a region lacks', async () => {
    const cloud = await aCloud({ settings: { region: 'Elsewhere' } });
    const wrong = (await cloud.provisioner.check())
      .filter(({ ok }) => !ok)
      .map(({ what, detail }) => `${what}: ${detail}`);
    expect(wrong.join('\n')).toMatch(/network endpoint: CLD_UNSUPPORTED: .*"Elsewhere"; regions: RegionOne/);
  });

  it.each([
    ['has ended', -1, { what: 'login', detail: expect.stringMatching(/password is expired/) }],
    [
      'ends within days',
      2.5 * 24 * 3_600_000,
      { what: 'password', detail: expect.stringMatching(/expires at .*in 2 days/) },
    ],
  ])('names a password that %s', async (_, inMs, line) => {
    const adminPassword = 'test-password';
    const server = await startSimulatedOpenStack({ adminPassword, adminPasswordExpiresMs: Date.now() + inMs });
    const provisioner = openstack({
      id: 'p1',
      name: 'simulated',
      kind: 'openstack',
      serviceUrl: server.serviceUrl,
      credentials: { username: 'admin', password: adminPassword },
      settings: {},
    });
    try {
      expect((await provisioner.check()).filter(({ ok }) => !ok)).toMatchObject([line]);
    } finally {
      await provisioner.close();
      await server.close();
    }
  });

  it.each([
    [['qos-fip'], 'Neutron has no extension qos-fip: no address can be sold'],
    [['qos', 'qos-fip'], 'Neutron has no extension qos, qos-fip: no address can be sold'],
  ])('names what Neutron lacks to hold addresses to a bandwidth: %j', async (withoutExtensions, detail) => {
    const cloud = await aCloud({ withoutExtensions });
    expect((await cloud.provisioner.check()).filter(({ ok }) => !ok)).toMatchObject([{ what: 'bandwidth', detail }]);
  });

  it('names a quota that leaves a new tenant nothing', async () => {
    const cloud = await aCloud();
    await cloud.fault('nova.quota_sets.defaults', 'error', { status: 503, times: 1 });
    const wrong = (await cloud.provisioner.check()).filter(({ ok }) => !ok);
    expect(wrong.map(({ what }) => what)).toEqual(['quota']);
  });

  it('names the quota that is used up, where everything is built in one project', async () => {
    const cloud = await aCloud();
    const { client } = cloud.account;
    const { projectId } = await client.token();
    await setQuotas(client, projectId, { compute: { instances: 0, cores: 0 }, volume: { volumes: 0 } });
    const made = await applicationCredential(cloud.config.serviceUrl, projectId);
    const provisioner = openstack({ ...cloud.config, credentials: made });
    try {
      const wrong = (await provisioner.check()).filter(({ ok }) => !ok);
      expect(wrong).toMatchObject([
        { what: 'quota', detail: expect.stringMatching(/used up: 0 servers, 0 cores, 0 volumes/) },
      ]);
    } finally {
      await provisioner.close();
    }
  });
});

/** As an administrator makes one for us by hand. */
async function applicationCredential(serviceUrl: string, projectId: string) {
  const ask = async (path: string, body: object, token?: string) => {
    const headers = { 'content-type': 'application/json', ...(token && { 'x-auth-token': token }) };
    const answer = await fetch(`${serviceUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return { token: answer.headers.get('x-subject-token') ?? '', json: (await answer.json()) as unknown };
  };
  const user = { name: 'admin', domain: { name: 'Default' }, password: 'test-password' };
  const login = await ask('/auth/tokens', {
    auth: { identity: { methods: ['password'], password: { user } }, scope: { project: { id: projectId } } },
  });
  const { id } = (login.json as { token: { user: { id: string } } }).token.user;
  const { json } = await ask(
    `/users/${id}/application_credentials`,
    { application_credential: { name: 'orderwright' } },
    login.token,
  );
  const { application_credential: made } = json as { application_credential: { id: string; secret: string } };
  return { applicationCredentialId: made.id, applicationCredentialSecret: made.secret };
}
