import { describe, expect, it } from '@jest/globals';
import type { Resolution } from '../../../src/provisioners/provisioner.js';
import { anOrder, type OrderOptions } from '../an-order.js';
import { aCloud } from './building.js';
import type { SimulatedOptions } from './simulated.js';

const unknown = 'b1a0c5de-0000-4000-8000-00000000000f';
const smallImage = 'c10dc5de-0000-4000-8000-000000000001';
const windows = 'c10dc5de-0000-4000-8000-000000000002';
const inactive = 'c10dc5de-0000-4000-8000-000000000003';

const resolve = async (order: OrderOptions = {}, options: SimulatedOptions = {}) =>
  (await aCloud({ ...options, request: anOrder(order) })).provisioner.resolve(anOrder(order));
const reasons = (resolution: Resolution): string[] =>
  resolution.state === 'held' ? resolution.holds.map(({ message }) => message.split(':')[0] ?? '') : [];
const resolved = (resolution: Resolution) => {
  if (resolution.state === 'held') throw new Error(JSON.stringify(resolution.holds));
  return resolution;
};

describe('an order for OpenStack', () => {
  it('becomes a tenant, his network and a bandwidth that are shared, and three parts that wait for them', async () => {
    const { preparations, parts } = resolved(await resolve());
    expect(preparations.map(({ key, needs, inputs }) => ({ key, needs, inputs }))).toEqual([
      { key: 'tenant/u1' },
      {
        key: 'default-network/u1',
        needs: ['tenant/u1'],
        inputs: { projectId: { from: 'tenant/u1', fact: 'projectId' } },
      },
      { key: 'bandwidth-policy/2mbps' },
    ]);
    const projectId = { from: 'tenant/u1', fact: 'projectId' };
    expect(parts).toMatchObject([
      {
        settings: {
          flavorId: 'c1-m1024-d40',
          availabilityZone: 'az1',
          rootVolume: { sizeGib: 40, volumeType: 'SATA' },
        },
        needs: { 'vm.create': ['tenant/u1', 'default-network/u1'] },
        inputs: { projectId, networkId: { from: 'default-network/u1' }, securityGroupId: { from: 'tenant/u1' } },
      },
      {
        settings: { sizeGib: 80, volumeType: 'SATA' },
        needs: { 'ebs.create': ['tenant/u1'], 'ebs.attach': ['VM/vm-1#1'] },
        inputs: { projectId, vmId: { from: 'VM/vm-1#1', fact: 'vmId' } },
      },
      {
        settings: { bandwidthMbps: 2 },
        needs: { 'network.reserve': ['tenant/u1', 'bandwidth-policy/2mbps'], 'network.bind': ['VM/vm-1#1'] },
        inputs: { projectId, qosPolicyId: { from: 'bandwidth-policy/2mbps', fact: 'qosPolicyId' } },
      },
    ]);
  });

  it('names the tenant by the rules of the platform, and two long names do not become one', async () => {
    const settings = { tenantProject: 'shop-{accountId}', tenantUser: '{userId}@shop' };
    const request = anOrder();
    const longer = (end: string) => ({ ...request, order: { ...request.order, accountId: `${'x'.repeat(80)}${end}` } });
    const { provisioner } = await aCloud({ settings });
    const names = await Promise.all(
      [request, longer('1'), longer('2')].map(
        async (one) => resolved(await provisioner.resolve(one)).preparations[0]?.settings,
      ),
    );
    expect(names[0]).toMatchObject({ projectName: 'shop-a1', userName: 'u1@shop' });
    expect(names[1]?.['projectName']).toHaveLength(64);
    expect(names[1]?.['projectName']).not.toBe(names[2]?.['projectName']);
  });

  it('takes images and zones by the maps of the platform', async () => {
    const settings = { images: { 'img-7': smallImage }, zones: { here: 'az1' } };
    const { parts } = resolved(await resolve({ vm: { imageId: 'img-7', zoneId: 'here' } }, { settings }));
    expect(parts[0]?.settings).toMatchObject({ imageId: smallImage, availabilityZone: 'az1' });
  });

  it('warns when the image has another system than was ordered', async () => {
    const { warnings } = resolved(await resolve({ vm: { extra: { osType: 1 } } }));
    expect(warnings).toMatchObject([{ code: 'SEM_OS_MISMATCH', path: 'workOrderItems[0].workOrderItemConfig.osType' }]);
  });

  it('is built in its own project, without tenants, when the account is an application credential', async () => {
    const admin = await aCloud();
    const { client } = admin.account;
    const { userId, projectId } = await client.token();
    const { z } = await import('zod');
    const body = { application_credential: { name: 'ow', unrestricted: false } };
    const path = `/users/${userId}/application_credentials`;
    const { value } = await client.change(
      { service: 'identity', method: 'POST', path, body },
      z.object({ application_credential: z.object({ id: z.string(), secret: z.string() }) }),
    );
    const { id, secret } = value.application_credential;
    const { openstack } = await import('../../../src/provisioners/openstack/index.js');
    const credentials = { applicationCredentialId: id, applicationCredentialSecret: secret };
    const provisioner = openstack({ ...admin.config, credentials });
    const resolution = resolved(await provisioner.resolve(anOrder()));
    await provisioner.close();
    expect(resolution.preparations.map(({ key }) => key)).toEqual(['default-network/u1', 'bandwidth-policy/2mbps']);
    expect(Object.keys(provisioner.operations)).not.toContain('tenant.ensure');
    expect(projectId).not.toBe('');
  });
});

describe('an order is held', () => {
  it.each<[string, OrderOptions]>([
    ['image_not_found', { vm: { imageId: unknown } }],
    ['image_not_ready', { vm: { imageId: inactive } }],
    ['root_disk_too_small', { vm: { rootDiskGib: 10 } }],
    ['no_matching_offering', { vm: { imageId: windows, rootDiskGib: 40 } }],
    ['no_matching_offering', { vm: { cpuCount: 3 } }],
    ['network_not_found', { vm: { networkId: unknown } }],
    ['network_card_unreadable', { vm: { networkCards: [{ speed: 1 }] } }],
    ['keypair_not_found', { vm: { keyPairId: 'nobody' } }],
    ['security_group_not_found', { vm: { securityGroupId: unknown } }],
    ['no_matching_disk_offering', { ebs: { volumeType: 'TAPE' } }],
    ['no_matching_disk_offering', { vm: { rootDiskType: 'TAPE' } }],
    ['snapshot_not_found', { ebs: { backupVolumeId: unknown } }],
    ['zone_not_found', { vm: { zoneId: unknown } }],
  ])('with %s (%j)', async (reason, order) => {
    expect(reasons(await resolve(order))).toContain(reason);
  });

  it('when no flavor has its shape, with the nearest three', async () => {
    const resolution = await resolve({ vm: { cpuCount: 3 } });
    expect(resolution).toMatchObject({
      state: 'held',
      holds: [{ code: 'SEM_OFFERING_NONE', path: 'workOrderItems[0].workOrderItemConfig.cpuNum' }],
    });
    if (resolution.state === 'held') expect(resolution.holds[0]?.message.split(';')).toHaveLength(4);
  });

  it('when a VM has more addresses than cards, for a card takes one address', async () => {
    const request = anOrder();
    const [address] = request.parts.filter(({ resourceType }) => resourceType === 'NETWORK');
    if (!address) throw new Error('the sample order has no address');
    const { provisioner } = await aCloud();
    const parts = [...request.parts, { ...address, key: 'NETWORK/net-2#1' }];
    expect(reasons(await provisioner.resolve({ ...request, parts }))).toEqual(['public_address_unsupported']);
  });

  it('when Neutron cannot hold an address to the bandwidth that was sold', async () => {
    const { provisioner } = await aCloud({ withoutExtensions: ['qos-fip'] });
    expect(reasons(await provisioner.resolve(anOrder()))).toEqual(['public_address_unsupported']);
  });

  it('when its tenant is not registered and orders may not register anybody', async () => {
    const resolution = await resolve({}, { settings: { registerTenants: 'hold' } });
    expect(resolution).toMatchObject({ state: 'held', holds: [{ code: 'ORD_TENANT_UNKNOWN', path: 'accountId' }] });
  });

  it('with everything that is wrong with it at once', async () => {
    const wrong = { vm: { imageId: unknown, keyPairId: 'nobody' }, ebs: { volumeType: 'TAPE' } };
    expect(reasons(await resolve(wrong))).toEqual([
      'image_not_found',
      'keypair_not_found',
      'no_matching_disk_offering',
    ]);
  });
});

describe('a cloud that cannot be asked', () => {
  it('is a reason to try later, not to hold the order', async () => {
    const cloud = await aCloud();
    await cloud.fault('nova.flavors.list', 'unavailable');
    await cloud.fault('nova.flavors.detail', 'unavailable');
    await expect(cloud.provisioner.resolve(cloud.request)).rejects.toMatchObject({
      disposition: 'retry',
      code: 'CLD_UNAVAILABLE',
    });
    // What failed is not remembered.
    await expect(cloud.provisioner.resolve(cloud.request)).resolves.toMatchObject({ state: 'resolved' });
  });
});
