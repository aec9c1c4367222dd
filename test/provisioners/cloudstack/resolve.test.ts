import { describe, expect, it } from '@jest/globals';
import type { Resolution, ResolveRequest } from '../../../src/provisioners/provisioner.js';
import { aCloud, building } from './building.js';
import { anOrder, imageId, zoneId } from '../an-order.js';
import { type SimulatedOptions } from './simulated.js';

// Of the simulated cloud's seed data.
const securityGroupZone = 'b1a0c5de-0000-4000-8000-000000000002';
const sharedNetwork = 'b1a0c5de-0000-4000-8000-000000000030';

async function resolve(request: ResolveRequest, options: SimulatedOptions = {}): Promise<Resolution> {
  return (await aCloud(options)).provisioner.resolve(request);
}
const reasons = (resolution: Resolution): string[] =>
  resolution.state === 'held' ? resolution.holds.map(({ message }) => message.split(':', 1)[0] ?? '') : [];
const withoutOffering: SimulatedOptions = { settings: { createOfferings: false } };
const noAddress = (request: ResolveRequest): ResolveRequest => ({ ...request, parts: request.parts.slice(0, 2) });

describe('a resolved order', () => {
  it("has the VM in the cloud's own terms, with what it waits for", async () => {
    const resolution = await resolve(anOrder());
    if (resolution.state !== 'resolved') throw new Error(JSON.stringify(resolution));
    const [vm, disk, address] = resolution.parts;
    expect(vm).toMatchObject({
      key: 'VM/vm-1#1',
      settings: {
        hostName: 'MyHost-OMS1',
        displayName: 'MyHost-OMS1',
        zoneId,
        templateId: imageId,
        rootDiskGib: 40,
        hasRootPassword: true,
      },
      needs: { 'vm.create': ['default-network/u1', 'service-offering/1c-1024m-2mbit'] },
      inputs: {
        networkId: { from: 'default-network/u1', fact: 'networkId' },
        serviceOfferingId: { from: 'service-offering/1c-1024m-2mbit', fact: 'serviceOfferingId' },
      },
    });
    expect(vm?.lines).toContainEqual({ what: 'memory', ordered: '1 GB', resolved: '1024 MiB' });
    expect(disk).toMatchObject({
      settings: { volumeName: 'OMS-Volume', zoneId, sizeGib: 80 },
      needs: { 'ebs.create': [], 'ebs.attach': ['VM/vm-1#1'] },
      inputs: { vmId: { from: 'VM/vm-1#1', fact: 'vmId' } },
    });
    expect(address).toMatchObject({
      settings: { bandwidthMbps: 2 },
      needs: { 'network.reserve': ['default-network/u1'], 'network.bind': ['VM/vm-1#1'] },
      inputs: { vpcId: { from: 'default-network/u1', fact: 'vpcId' }, vmId: { from: 'VM/vm-1#1', fact: 'vmId' } },
    });
    expect(resolution.preparations).toMatchObject([
      { key: 'default-network/u1', kind: 'default-network', settings: { vpcName: 'u1-vpc', vpcCidr: '10.0.0.0/16' } },
      {
        key: 'service-offering/1c-1024m-2mbit',
        kind: 'service-offering',
        settings: {
          name: 'orderwright-1c-1024m-2mbit',
          cpuCount: 1,
          memoryMib: 1024,
          networkRateMbps: 2,
          cpuSpeedMhz: 1000,
        },
      },
    ]);
  });

  it('takes the exact offering and no decoy when no bandwidth was sold', async () => {
    const cloud = await aCloud(withoutOffering);
    const resolution = await cloud.provisioner.resolve(noAddress(anOrder({ bandwidthMbps: null })));
    if (resolution.state !== 'resolved') throw new Error(JSON.stringify(resolution));
    const line = resolution.parts[0]?.lines.find(({ what }) => what === 'service offering');
    expect(line?.resolved).toContain('Medium Instance');
    expect(resolution.preparations.map(({ kind }) => kind)).toEqual(['default-network']);
  });

  it('puts the address where the VM is, when the order names its network', async () => {
    const { cloud, provisioner, task } = await building();
    const { networkId, vpcId } = task('vm.create').inputs;
    const resolution = await provisioner.resolve(anOrder({ vm: { networkCards: [{ networkId: networkId ?? '' }] } }));
    expect(resolution).toMatchObject({
      parts: [
        { settings: { networkIds: [networkId] }, inputs: {} },
        {},
        { settings: { networkId, vpcId }, needs: { 'network.reserve': [], 'network.bind': ['VM/vm-1#1'] } },
      ],
    });
    expect((await cloud.calls())['createVPC']).toBe(1);
  });

  it('uses the one shared network of a zone that has security groups and no VPCs', async () => {
    const resolution = await resolve(noAddress(anOrder({ vm: { zoneId: securityGroupZone } })));
    expect(resolution).toMatchObject({ parts: [{ settings: { networkIds: [sharedNetwork] } }, {}] });
  });

  it('numbers the machines of one item', async () => {
    const request = anOrder({ vm: { quantity: 3 } });
    const resolution = await resolve({ ...request, parts: request.parts.map((part) => ({ ...part, index: 2 })) });
    expect(resolution).toMatchObject({
      parts: [{ settings: { hostName: 'MyHost-OMS1-2', displayName: 'MyHost-OMS1' } }, {}, {}],
    });
  });

  it('reads the catalogue once for many orders at once', async () => {
    const cloud = await aCloud();
    await Promise.all(Array.from({ length: 20 }, () => cloud.provisioner.resolve(cloud.request)));
    await cloud.provisioner.resolve(cloud.request);
    const calls = await cloud.calls();
    for (const command of [
      'listZones',
      'listTemplates',
      'listServiceOfferings',
      'listDiskOfferings',
      'listNetworkOfferings',
    ]) {
      expect([command, calls[command]]).toEqual([command, 1]);
    }
  });

  it('ignores a router offering that no network offering uses, and says so', async () => {
    const resolution = await resolve(
      anOrder({ systemOfferingIds: { 'some router': 'b1a0c5de-ffff-4000-8000-000000000000' } }),
    );
    expect(resolution).toMatchObject({
      state: 'resolved',
      warnings: [{ code: 'SEM_ROUTER_OFFERING_IGNORED', path: 'systemOfferingIds' }],
    });
  });

  it('warns when the system that was ordered is not the one of the image', async () => {
    expect(await resolve(anOrder({ vm: { extra: { osType: 0 } } }))).toMatchObject({ warnings: [] });
    const windows = await resolve(anOrder({ vm: { extra: { osType: '1' } } }));
    expect(windows).toMatchObject({
      warnings: [{ code: 'SEM_OS_MISMATCH', path: 'workOrderItems[0].workOrderItemConfig.osType' }],
    });
  });
});

describe('an order is held', () => {
  const unknown = '11111111-2222-4333-8444-555555555555';

  it.each([
    ['image_not_found', { vm: { imageId: unknown } }],
    ['zone_not_found', { vm: { zoneId: unknown } }],
    ['keypair_not_found', { vm: { keyPairId: 'nobody' } }],
    ['network_not_found', { vm: { networkId: unknown } }],
    ['network_card_unreadable', { vm: { networkCards: [{ speed: 'fast' }] } }],
    ['root_disk_too_small', { vm: { rootDiskGib: 10 } }],
    ['security_group_unsupported', { vm: { securityGroupId: unknown } }],
    ['no_matching_disk_offering', { ebs: { volumeType: 'TAPE' } }],
    ['public_address_unsupported', { vm: { zoneId: 'b1a0c5de-0000-4000-8000-000000000002' } }],
    ['snapshot_not_found', { ebs: { backupVolumeId: unknown } }],
  ])('with %s', async (reason, order) => {
    expect(reasons(await resolve(anOrder(order)))).toContain(reason);
  });

  it('when no offering has its shape and none may be made, with the nearest three', async () => {
    const resolution = await resolve(anOrder(), withoutOffering);
    expect(resolution).toMatchObject({
      state: 'held',
      holds: [{ code: 'SEM_OFFERING_NONE', path: 'workOrderItems[0].workOrderItemConfig.cpuNum' }],
    });
    if (resolution.state === 'held')
      expect(resolution.holds[0]?.message).toMatch(/nearest: Medium Instance.*Small Instance/);
  });

  it('when several zones could be meant, and not when the platform has named one', async () => {
    const nowhere = anOrder();
    const request = { ...nowhere, parts: nowhere.parts.map((part) => ({ ...part, zoneId: null })) };
    expect(reasons(await resolve(request))).toContain('zone_missing');
    expect(reasons(await resolve(request, { settings: { zoneId } }))).toEqual([]);
  });

  it('with everything that is wrong with it at once', async () => {
    const resolution = await resolve(
      anOrder({ vm: { imageId: unknown, keyPairId: 'nobody' }, ebs: { volumeType: 'TAPE' } }),
    );
    expect(reasons(resolution)).toEqual(['image_not_found', 'keypair_not_found', 'no_matching_disk_offering']);
  });
});

describe('a cloud that cannot be asked', () => {
  it('is a reason to try later, not to hold the order', async () => {
    const cloud = await aCloud();
    await cloud.fault('listZones', 'unavailable');
    await expect(cloud.provisioner.resolve(cloud.request)).rejects.toMatchObject({
      disposition: 'retry',
      code: 'CLD_UNAVAILABLE',
    });
    // What failed is not remembered.
    await expect(cloud.provisioner.resolve(cloud.request)).resolves.toMatchObject({ state: 'resolved' });
  });
});
