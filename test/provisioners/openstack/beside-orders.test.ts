import { beforeEach, describe, expect, it } from '@jest/globals';
import type { OpenStackClient } from '../../../src/provisioners/openstack/client.js';
import {
  createKeyPair,
  deleteKeyPair,
  listKeyPairs,
  readKeyPair,
} from '../../../src/provisioners/openstack/key-pairs.js';
import {
  deleteFloatingIp,
  ipAvailability,
  listNetworks,
  portsOfSubnet,
  tearDownNetwork,
} from '../../../src/provisioners/openstack/network-teardown.js';
import { readQuotas, setQuotas } from '../../../src/provisioners/openstack/quotas.js';
import { createRule, deleteRule, listRules } from '../../../src/provisioners/openstack/security-groups.js';
import {
  findServer,
  rebootServer,
  rebuildServer,
  renameServer,
  startServer,
  stopServer,
} from '../../../src/provisioners/openstack/server-actions.js';
import { readServer } from '../../../src/provisioners/openstack/server-jobs.js';
import {
  createBackup,
  createSnapshot,
  deleteBackup,
  deleteSnapshot,
  extendVolume,
  listBackups,
  restoreBackup,
} from '../../../src/provisioners/openstack/volume-backups.js';
import { readVolume } from '../../../src/provisioners/openstack/volume-jobs.js';
import { carryOut, finished } from '../../conformance/small-engine.js';
import { imageId } from '../an-order.js';
import { building } from './building.js';

type World = Awaited<ReturnType<typeof building>>;
let world: World;
let client: OpenStackClient;
let scope: string | null;
beforeEach(async () => {
  world = await building();
  client = world.cloud.account.client;
  scope = world.scope;
});
const ended = async (jobId: string | null) => finished(world.provisioner, 'vm.create', jobId ?? '');
const aServer = async (): Promise<string> =>
  (await carryOut(world.provisioner, world.task('vm.create'))).found.resourceId;
const aVolume = async (): Promise<string> =>
  (await carryOut(world.provisioner, world.task('ebs.create'))).found.resourceId;

describe('a server', () => {
  it('is stopped and started, and twice is as good as once', async () => {
    const id = await aServer();
    expect(await ended((await stopServer(client, scope, id)).jobId)).toMatchObject({ state: 'succeeded' });
    expect(await stopServer(client, scope, id)).toEqual({ jobId: null });
    expect((await readServer(client, scope, id))?.status).toBe('SHUTOFF');
    expect(await ended((await startServer(client, scope, id)).jobId)).toMatchObject({ state: 'succeeded' });
    expect(await startServer(client, scope, id)).toEqual({ jobId: null });
    expect((await readServer(client, scope, id))?.status).toBe('ACTIVE');
  });

  it('is rebooted softly and hard, renamed, and found by its name and its id', async () => {
    const id = await aServer();
    for (const kind of ['SOFT', 'HARD'] as const) {
      expect(await ended((await rebootServer(client, scope, id, kind)).jobId)).toMatchObject({ state: 'succeeded' });
    }
    expect((await renameServer(client, scope, id, 'web (1)')).name).toBe('web (1)');
    expect((await findServer(client, scope, 'web (1)'))?.id).toBe(id);
    expect((await findServer(client, scope, id))?.id).toBe(id);
    expect(await findServer(client, scope, 'web')).toBeNull();
  });

  it('is rebuilt, and shows its new password once', async () => {
    const id = await aServer();
    const { jobId, adminPass } = await rebuildServer(client, scope, id, { imageId, isVolumeBoot: true });
    expect(adminPass).toMatch(/./);
    expect(await ended(jobId)).toMatchObject({ state: 'succeeded' });
    expect((await readServer(client, scope, id))?.status).toBe('ACTIVE');
  });

  it('that is busy is a reason to come back later', async () => {
    const id = await aServer();
    await world.cloud.fault('nova.servers.action.*', 'job-never-ends');
    await stopServer(client, scope, id);
    const reboot = rebootServer(client, scope, id, 'SOFT');
    await expect(reboot).rejects.toMatchObject({ disposition: 'retry', code: 'CLD_IN_USE' });
  });
});

describe('a volume', () => {
  it('is backed up, restored, and its backups are listed by id, by volume and altogether', async () => {
    const volumeId = await aVolume();
    const backup = await createBackup(client, scope, { volumeId, name: 'nightly', description: 'before the update' });
    expect(await ended(backup.jobId)).toMatchObject({ state: 'succeeded', resourceId: backup.id });
    for (const filter of [{ backupId: backup.id }, { volumeId }, {}]) {
      expect((await listBackups(client, scope, filter)).map(({ id }) => id)).toEqual([backup.id]);
    }
    expect(await listBackups(client, scope, { volumeId: 'another' })).toEqual([]);
    const restored = await restoreBackup(client, scope, backup.id);
    expect(restored.id).not.toBe(volumeId);
    expect(await ended(restored.jobId)).toMatchObject({ state: 'succeeded' });
    expect(await ended((await restoreBackup(client, scope, backup.id, volumeId)).jobId)).toMatchObject({
      state: 'succeeded',
    });
    expect(await ended((await deleteBackup(client, scope, backup.id)).jobId)).toMatchObject({ state: 'succeeded' });
    expect(await listBackups(client, scope)).toEqual([]);
  });

  it('is snapshotted, and grows', async () => {
    const volumeId = await aVolume();
    const snapshot = await createSnapshot(client, scope, { volumeId, name: 's' });
    expect(await ended(snapshot.jobId)).toMatchObject({ state: 'succeeded' });
    expect(await ended((await deleteSnapshot(client, scope, snapshot.id)).jobId)).toMatchObject({ state: 'succeeded' });
    expect(await ended((await extendVolume(client, scope, volumeId, 100)).jobId)).toMatchObject({ state: 'succeeded' });
    expect((await readVolume(client, scope, volumeId))?.size).toBe(100);
    await expect(extendVolume(client, scope, volumeId, 10)).rejects.toMatchObject({
      disposition: 'reject',
      code: 'CLD_PARAMETER',
    });
  });
});

describe('a key pair', () => {
  it('is made with and without a key, found, listed and deleted', async () => {
    const made = await createKeyPair(client, 'made');
    expect(made.privateKey).toMatch(/PRIVATE KEY/);
    const publicKey = made.keyPair.public_key ?? '';
    await createKeyPair(client, 'given', publicKey);
    expect((await createKeyPair(client, 'given', `${publicKey.trim()} with a comment`)).privateKey).toBeNull();
    await expect(createKeyPair(client, 'given', 'ssh-ed25519 AAAAsomethingelse')).rejects.toMatchObject({
      code: 'CLD_CONTRADICTION',
    });
    expect((await listKeyPairs(client)).map(({ name }) => name).toSorted()).toEqual(['given', 'made']);
    await deleteKeyPair(client, 'given');
    await deleteKeyPair(client, 'given');
    expect(await readKeyPair(client, 'given')).toBeNull();
  });
});

describe('a network', () => {
  it('is listed for its project only, and tells how many addresses it has left', async () => {
    const { networkId = '' } = world.inputs;
    expect((await listNetworks(client, scope)).map(({ id }) => id)).toEqual([networkId]);
    const before = await ipAvailability(client, networkId);
    await aServer();
    const after = await ipAvailability(client, networkId);
    expect(after).toEqual({ total: before?.total, used: (before?.used ?? 0) + 1 });
    expect(await ipAvailability(client, 'b1a0c5de-0000-4000-8000-00000000000f')).toBeNull();
  });

  it('is taken down from the outside in, and not while a server has a card in it', async () => {
    const { networkId = '', routerId = '', subnetId = '' } = world.inputs;
    const vm = (await carryOut(world.provisioner, world.task('vm.create'))).found.facts;
    const address = (await carryOut(world.provisioner, world.task('network.reserve'))).found.facts;
    await carryOut(world.provisioner, world.task('network.bind', { ...address, vmId: vm['vmId'] ?? '' }));
    const owners = (await portsOfSubnet(client, scope, subnetId)).map(
      ({ device_owner }) => device_owner?.split(':')[0],
    );
    expect(owners).toEqual(expect.arrayContaining(['compute', 'network']));
    await expect(tearDownNetwork(client, scope, networkId)).rejects.toThrow(vm['vmId']);
    await carryOut(world.provisioner, world.task('network.unbind', address));
    await deleteFloatingIp(client, scope, address['addressId'] ?? '');
    await deleteFloatingIp(client, scope, address['addressId'] ?? '');
    await carryOut(world.provisioner, world.task('vm.delete', vm));
    const done = await tearDownNetwork(client, scope, networkId);
    expect(done.map((step) => step.split(' ')[0])).toEqual(['interface', 'gateway', 'subnet', 'network', 'router']);
    expect(done.at(-1)).toBe(`router ${routerId}`);
    expect(await tearDownNetwork(client, scope, networkId)).toEqual([]);
    expect(await listNetworks(client, scope)).toEqual([]);
  });
});

describe('a rule of a security group', () => {
  it('is made once, listed and deleted', async () => {
    const groupId = world.inputs['securityGroupId'] ?? '';
    const https = {
      direction: 'ingress',
      ethertype: 'IPv4',
      protocol: 'tcp',
      port_range_min: 443,
      port_range_max: 443,
      remote_ip_prefix: '0.0.0.0/0',
      remote_group_id: null,
    };
    const before = (await listRules(client, scope, groupId)).length;
    const made = await createRule(client, scope, groupId, https);
    expect((await createRule(client, scope, groupId, https)).id).toBe(made.id);
    expect(await listRules(client, scope, groupId)).toHaveLength(before + 1);
    await deleteRule(client, scope, made.id);
    await deleteRule(client, scope, made.id);
    expect(await listRules(client, scope, groupId)).toHaveLength(before);
  });
});

describe('quotas', () => {
  it('are read with their use, and set by name', async () => {
    const project = scope ?? '';
    await aServer();
    await setQuotas(client, project, { compute: { instances: 7 }, volume: { volumes: 5 }, network: { floatingip: 3 } });
    const { compute, volume, network } = await readQuotas(client, project);
    expect(compute['instances']).toEqual({ limit: 7, used: 1 });
    expect(volume['volumes']?.limit).toBe(5);
    expect(network['floatingip']).toEqual({ limit: 3, used: 0 });
  });
});

describe('the catalogue', () => {
  it('lists the flavors, and the images that can be booted from', async () => {
    const { catalogue } = world.cloud.account;
    expect((await catalogue.flavors()).length).toBeGreaterThan(10);
    const images = await catalogue.images();
    expect(images.map(({ id }) => id)).toContain(imageId);
    expect(images.every(({ status }) => status === 'active')).toBe(true);
  });
});
