import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startCloud, zoneId, type Row, type TestCloud } from './cloudstack-client.js';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
beforeEach(() => cloud.sim('POST', 'reset'));
afterAll(() => cloud.close());

const idOf = (things: Row[], name: string) => things.find((row) => row['name'] === name)?.['id'];
const gib = 1024 ** 3;

async function newVm(extra: Row = {}): Promise<Row> {
  return (await cloud.done('deployVirtualMachine', cloud.vmParams(extra)))['virtualmachine'] as Row;
}

async function newTier(netmask = '255.255.255.0', cidr = '10.10.0.0/16', extra: Row = {}) {
  const offerings = await cloud.list('listNetworkOfferings', 'networkoffering', { forvpc: true });
  const [vpcOffering] = await cloud.list('listVPCOfferings', 'vpcoffering');
  const { vpc } = (await cloud.done('createVPC', {
    name: 'vpc ow-0123456789abcdef',
    zoneid: zoneId,
    vpcofferingid: vpcOffering?.['id'],
    cidr,
  })) as { vpc: Row };
  const tierParams = {
    name: 'tier',
    zoneid: zoneId,
    vpcid: vpc['id'],
    gateway: '10.10.1.1',
    netmask,
    networkofferingid: idOf(offerings, 'DefaultIsolatedNetworkOfferingForVpcNetworks'),
    ...extra,
  };
  const { network } = (await cloud.ok('createNetwork', tierParams)) as { network: Row };
  return { vpc, network, tierParams };
}

describe('a volume', () => {
  test('takes GB, prints bytes, is Allocated until its first attach, and outlives its virtual machine', async () => {
    const offerings = await cloud.list('listDiskOfferings', 'diskoffering');
    const ssd = idOf(offerings, 'SSD');
    expect((await cloud.call('createVolume', { diskofferingid: ssd, zoneid: zoneId })).status).toBe(431);
    const { volume } = (await cloud.done('createVolume', {
      name: 'OMS-Volume',
      diskofferingid: ssd,
      size: 10,
      zoneid: zoneId,
    })) as { volume: Row };
    expect(volume).toMatchObject({ name: 'OMS-Volume', state: 'Allocated', size: 10 * gib, type: 'DATADISK' });
    const vm = await newVm();
    const { volume: attached } = (await cloud.done('attachVolume', {
      id: volume['id'],
      virtualmachineid: vm['id'],
    })) as { volume: Row };
    expect(attached).toMatchObject({ state: 'Ready', virtualmachineid: vm['id'], deviceid: 1 });
    const twice = await cloud.poll(
      (await cloud.ok('attachVolume', { id: volume['id'], virtualmachineid: vm['id'] }))['jobid'],
    );
    expect(twice).toMatchObject({ jobstatus: 2, jobresult: { errorcode: 431 } });
    expect((await cloud.call('deleteVolume', { id: volume['id'] })).status).toBe(431);
    expect(await cloud.resources('volume')).toMatchObject([
      { attachedTo: vm['id'], details: { sizeGib: 10, type: 'SSD' } },
    ]);
    await cloud.done('destroyVirtualMachine', { id: vm['id'], expunge: true });
    expect(await cloud.resources('volume')).toMatchObject([{ attachedTo: null, state: 'Ready' }]);
    expect(await cloud.ok('deleteVolume', { id: volume['id'] })).toEqual({ success: true });
  });

  test('grows, is snapshotted, and comes back from a snapshot', async () => {
    const custom = idOf(await cloud.list('listDiskOfferings', 'diskoffering'), 'Custom');
    const vm = await newVm({ diskofferingid: custom, size: 5 });
    const [data] = await cloud.list('listVolumes', 'volume', { type: 'DATADISK' });
    expect(data).toMatchObject({ virtualmachineid: vm['id'], size: 5 * gib, name: expect.stringMatching(/^DATA-/) });
    expect(await cloud.done('resizeVolume', { id: data?.['id'], size: 8 })).toMatchObject({
      volume: { size: 8 * gib },
    });
    const { snapshot } = (await cloud.done('createSnapshot', { volumeid: data?.['id'], name: 's' })) as {
      snapshot: Row;
    };
    expect(snapshot).toMatchObject({ state: 'BackedUp', volumeid: data?.['id'] });
    expect(await cloud.done('createVolume', { name: 'copy', snapshotid: snapshot['id'] })).toMatchObject({
      volume: { state: 'Ready', size: 8 * gib },
    });
    await cloud.done('deleteSnapshot', { id: snapshot['id'] });
    expect(await cloud.resources('snapshot')).toEqual([]);
  });
});

describe('a network', () => {
  test('is made for the account when an order names none, and gives its first address to source NAT', async () => {
    const vm = await newVm({ name: 'a' });
    const [nic] = vm['nic'] as Row[];
    expect(nic).toMatchObject({
      ipaddress: '10.1.1.2',
      gateway: '10.1.1.1',
      netmask: '255.255.255.0',
      isdefault: true,
    });
    expect(await cloud.resources('source-nat-address')).toHaveLength(1);
    expect(await cloud.resources('address')).toEqual([]);
    await newVm({ name: 'b' });
    expect(await cloud.resources('network')).toHaveLength(1);
    const job = await cloud.poll((await cloud.ok('deleteNetwork', { id: nic?.['networkid'] }))['jobid']);
    expect(job).toMatchObject({ jobstatus: 2 });
  });

  test('of a VPC lies inside its cidr beside the other tiers', async () => {
    const { network, tierParams } = await newTier();
    expect(network).toMatchObject({ cidr: '10.10.1.0/24', state: 'Allocated', type: 'Isolated' });
    const create = (extra: Row) => cloud.call('createNetwork', { ...tierParams, ...extra });
    expect((await create({ gateway: '10.11.1.1' })).status).toBe(431);
    expect((await create({})).status).toBe(431);
    expect((await create({ gateway: '10.10.1.129', netmask: '255.255.255.128' })).status).toBe(431);
    expect((await create({ gateway: '10.10.2.1' })).status).toBe(200);
    expect(await cloud.list('listVPCs', 'vpc')).toMatchObject([{ network: [{}, {}], service: expect.any(Array) }]);
    expect(await cloud.resources('vpc')).toMatchObject([{ marker: 'ow-0123456789abcdef' }]);
  });

  test('has only so many guest addresses: then 533', async () => {
    const { network } = await newTier('255.255.255.252');
    await newVm({ networkids: network['id'], name: 'one' });
    const full = await cloud.call('deployVirtualMachine', cloud.vmParams({ networkids: network['id'], name: 'two' }));
    expect(full).toMatchObject({ status: 533, body: { errorcode: 533, cserrorcode: 4320 } });
    expect(await cloud.resources('vm')).toHaveLength(1);
  });

  test('of one VPC shares its host names over its tiers', async () => {
    const { network, tierParams } = await newTier();
    const { network: second } = (await cloud.ok('createNetwork', { ...tierParams, gateway: '10.10.2.1' })) as {
      network: Row;
    };
    await newVm({ networkids: network['id'], name: 'web' });
    expect(
      (await cloud.call('deployVirtualMachine', cloud.vmParams({ networkids: second['id'], name: 'web' }))).status,
    ).toBe(431);
  });

  test('follows an ACL list whose rule numbers are unique', async () => {
    const { vpc, network } = await newTier();
    const lists = await cloud.list('listNetworkACLLists', 'networkacllist', { vpcid: vpc['id'] });
    expect(new Set(lists.map((list) => list['name']))).toEqual(new Set(['default_allow', 'default_deny']));
    expect(network['aclid']).toBe(idOf(lists, 'default_deny'));
    const list = await cloud.ok('createNetworkACLList', { name: 'acl', vpcid: vpc['id'] });
    await cloud.poll(list['jobid']);
    const rule = { aclid: list['id'], protocol: 'tcp', startport: 22, endport: 22, number: 1 };
    expect(await cloud.done('createNetworkACL', rule)).toMatchObject({
      networkacl: { number: 1, state: 'Active', action: 'Allow' },
    });
    expect((await cloud.call('createNetworkACL', rule)).status).toBe(431);
    expect((await cloud.call('createNetworkACL', { ...rule, aclid: idOf(lists, 'default_deny') })).status).toBe(431);
    await cloud.done('replaceNetworkACLList', { aclid: list['id'], networkid: network['id'] });
    expect(await cloud.list('listNetworkACLs', 'networkacl', { networkid: network['id'] })).toHaveLength(1);
    await cloud.done('replaceNetworkACLList', { aclid: idOf(lists, 'default_allow'), networkid: network['id'] });
    await cloud.done('deleteNetworkACLList', { id: list['id'] });
  });
});

describe('a public address', () => {
  async function bound(offering: Row = {}) {
    const { vpc, network } = await newTier();
    const vm = await newVm({ networkids: network['id'], ...offering });
    const { ipaddress } = (await cloud.done('associateIpAddress', { vpcid: vpc['id'] })) as { ipaddress: Row };
    return { vpc, network, vm, ipaddress };
  }
  const enable = (ids: { network: Row; vm: Row; ipaddress: Row }) =>
    cloud.call('enableStaticNat', {
      ipaddressid: ids.ipaddress['id'],
      virtualmachineid: ids.vm['id'],
      networkid: ids.network['id'],
    });

  test('is bound to a virtual machine by static NAT and freed again', async () => {
    const ids = await bound();
    expect(ids.ipaddress).toMatchObject({ issourcenat: false, isstaticnat: false, vpcid: ids.vpc['id'] });
    expect(await enable(ids)).toMatchObject({ status: 200, body: { success: true } });
    expect((await enable(ids)).status).toBe(431);
    const [seen] = await cloud.list('listPublicIpAddresses', 'publicipaddress', { id: ids.ipaddress['id'] });
    expect(seen).toMatchObject({
      state: 'Allocated',
      isstaticnat: true,
      virtualmachineid: ids.vm['id'],
      vmipaddress: '10.10.1.2',
    });
    expect(await cloud.resources('address')).toMatchObject([
      { attachedTo: ids.vm['id'], details: { bandwidthMbps: null, sourceNat: false } },
    ]);
    await cloud.done('disableStaticNat', { ipaddressid: ids.ipaddress['id'] });
    await cloud.done('disassociateIpAddress', { id: ids.ipaddress['id'] });
    expect(await cloud.resources('address')).toEqual([]);
    const [nat] = await cloud.resources('source-nat-address');
    expect((await cloud.call('disassociateIpAddress', { id: nat?.['id'] })).status).toBe(431);
  });

  test('loses its binding when the virtual machine is expunged', async () => {
    const ids = await bound();
    await enable(ids);
    await cloud.done('destroyVirtualMachine', { id: ids.vm['id'], expunge: true });
    expect(await cloud.resources('address')).toMatchObject([{ attachedTo: null }]);
    const busy = await cloud.poll((await cloud.ok('deleteVPC', { id: ids.vpc['id'] }))['jobid']);
    expect(busy).toMatchObject({ jobstatus: 2 });
    await cloud.done('deleteNetwork', { id: ids.network['id'] });
    await cloud.done('deleteVPC', { id: ids.vpc['id'] });
    expect(await cloud.resources()).toEqual([]);
  });

  test('is as fast as the slower of service and network offering, where 0 is no limit', async () => {
    const rate = async (networkrate: number, name: string) =>
      (
        await cloud.ok('createServiceOffering', {
          name,
          displaytext: name,
          cpunumber: 1,
          cpuspeed: 500,
          memory: 512,
          networkrate,
        })
      )['serviceoffering'] as Row;
    const two = await rate(2, 'two');
    const zero = await rate(0, 'zero');
    const ids = await bound({ serviceofferingid: two['id'] });
    await enable(ids);
    const bandwidth = async () => {
      const [row] = await cloud.resources('address');
      return (row?.['details'] as Row | undefined)?.['bandwidthMbps'];
    };
    expect(await bandwidth()).toBe(2);
    const { networkoffering } = (await cloud.ok('createNetworkOffering', {
      name: 'slow',
      displaytext: 'slow',
      traffictype: 'GUEST',
      guestiptype: 'Isolated',
      forvpc: true,
      networkrate: 1,
      enable: true,
      'serviceproviderlist[0].service': 'SourceNat',
      'serviceproviderlist[0].provider': 'VpcVirtualRouter',
      supportedservices: 'SourceNat',
    })) as { networkoffering: Row };
    await cloud.done('updateNetwork', { id: ids.network['id'], networkofferingid: networkoffering['id'] });
    expect(await bandwidth()).toBe(1);
    await cloud.ok('deleteServiceOffering', { id: two['id'] });
    expect(await bandwidth()).toBe(1);
    await cloud.done('stopVirtualMachine', { id: ids.vm['id'] });
    await cloud.ok('changeServiceForVirtualMachine', { id: ids.vm['id'], serviceofferingid: zero['id'] });
    expect(await bandwidth()).toBe(1);
    expect((await cloud.resources('service-offering')).map((row) => row['name'])).toEqual(['zero']);
  });

  test('of a network outside a VPC forwards ports behind a firewall', async () => {
    const vm = await newVm();
    const [nic] = vm['nic'] as Row[];
    const { ipaddress } = (await cloud.done('associateIpAddress', { networkid: nic?.['networkid'] })) as {
      ipaddress: Row;
    };
    const rule = { ipaddressid: ipaddress['id'], protocol: 'tcp', startport: 22, endport: 22, cidrlist: '0.0.0.0/0' };
    expect(await cloud.done('createFirewallRule', rule)).toMatchObject({
      firewallrule: { state: 'Active', startport: 22 },
    });
    expect((await cloud.call('createFirewallRule', rule)).status).toBe(537);
    const forward = {
      ipaddressid: ipaddress['id'],
      protocol: 'tcp',
      publicport: 80,
      privateport: 8080,
      virtualmachineid: vm['id'],
    };
    expect(await cloud.done('createPortForwardingRule', forward)).toMatchObject({
      portforwardingrule: { publicport: '80' },
    });
    const nat = { ipaddressid: ipaddress['id'], virtualmachineid: vm['id'] };
    expect((await cloud.call('enableStaticNat', nat)).status).toBe(537);
  });
});

describe('security groups, keys, tags and projects', () => {
  test('a security group takes rules and is refused deletion while in use', async () => {
    const { securitygroup } = (await cloud.ok('createSecurityGroup', { name: 'web' })) as { securitygroup: Row };
    const added = await cloud.done('authorizeSecurityGroupIngress', {
      securitygroupid: securitygroup['id'],
      protocol: 'tcp',
      startport: 80,
      endport: 80,
      cidrlist: '0.0.0.0/0',
    });
    const [rule] = (added['securitygroup'] as Row)['ingressrule'] as Row[];
    expect(rule).toMatchObject({ protocol: 'tcp', startport: 80, cidr: '0.0.0.0/0' });
    const again = await cloud.poll(
      (
        await cloud.ok('authorizeSecurityGroupIngress', {
          securitygroupid: securitygroup['id'],
          protocol: 'tcp',
          startport: 80,
          endport: 80,
          cidrlist: '0.0.0.0/0',
        })
      )['jobid'],
    );
    expect(again).toMatchObject({ jobstatus: 2, jobresultcode: 530 });
    const zones = await cloud.list('listZones', 'zone');
    const vm = await newVm({ zoneid: idOf(zones, 'zone-sg'), securitygroupids: securitygroup['id'] });
    expect((await cloud.call('deleteSecurityGroup', { id: securitygroup['id'] })).status).toBe(536);
    await cloud.done('revokeSecurityGroupIngress', { id: rule?.['ruleid'] });
    await cloud.done('destroyVirtualMachine', { id: vm['id'], expunge: true });
    expect(await cloud.ok('deleteSecurityGroup', { id: securitygroup['id'] })).toEqual({ success: true });
    expect((await cloud.call('deleteSecurityGroup', { name: 'default' })).status).toBe(431);
  });

  test('a private key is shown once', async () => {
    const { keypair } = (await cloud.ok('createSSHKeyPair', { name: 'k1' })) as { keypair: Row };
    expect(keypair['privatekey']).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    expect((await cloud.call('createSSHKeyPair', { name: 'k1' })).status).toBe(431);
    const [listed] = await cloud.list('listSSHKeyPairs', 'sshkeypair');
    expect(listed).not.toHaveProperty('privatekey');
    await newVm({ keypair: 'k1' });
    expect((await cloud.call('deployVirtualMachine', cloud.vmParams({ keypair: 'none' }))).status).toBe(431);
  });

  test('tags come after the resource, filter lists and carry markers', async () => {
    const vm = await newVm();
    await cloud.done('createTags', {
      resourceids: vm['id'],
      resourcetype: 'UserVm',
      'tags[0].key': 'order',
      'tags[0].value': 'ow-abcdef0123456789',
    });
    expect(
      await cloud.list('listVirtualMachines', 'virtualmachine', { 'tags[0].key': 'order', 'tags[0].value': 'other' }),
    ).toEqual([]);
    expect(await cloud.list('listVirtualMachines', 'virtualmachine', { 'tags[0].key': 'order' })).toMatchObject([
      { id: vm['id'] },
    ]);
    expect(await cloud.resources('vm')).toMatchObject([{ marker: 'ow-abcdef0123456789' }]);
    await cloud.done('deleteTags', { resourceids: vm['id'], resourcetype: 'UserVm' });
    expect(await cloud.ok('listTags')).toEqual({});
  });

  test('a project passes through Disabled and keeps its things to itself', async () => {
    const accepted = await cloud.ok('createProject', { name: 'p', displaytext: 'p' });
    await cloud.poll(accepted['jobid']);
    expect(await cloud.list('listProjects', 'project')).toMatchObject([{ state: 'Active' }]);
    await newVm({ projectid: accepted['id'] });
    expect(await cloud.list('listVirtualMachines', 'virtualmachine')).toEqual([]);
    expect(await cloud.list('listVirtualMachines', 'virtualmachine', { projectid: accepted['id'] })).toHaveLength(1);
    expect((await cloud.call('activateProject', { id: accepted['id'] })).wrapper).toBe('activaterojectresponse');
    await cloud.done('deleteProject', { id: accepted['id'] });
    expect(await cloud.resources()).toEqual([]);
  });

  test('a user keeps all of himself when a change of him is refused', async () => {
    const { userId } = await cloud.newAccount('user4');
    const refused = [
      { firstname: 'New', lastname: '' },
      { firstname: 'New', username: 'admin' },
    ];
    for (const change of refused) {
      const reply = await cloud.call('updateUser', { id: userId, ...change });
      expect(reply).toMatchObject({ status: 431, wrapper: 'updateuserresponse', body: { cserrorcode: 4350 } });
    }
    expect(await cloud.list('listUsers', 'user', { username: 'user4' })).toMatchObject([
      { firstname: 'f', lastname: 'l', email: 'a@example.invalid' },
    ]);
  });

  test('a user sees only his own things, an admin with listall everybody’s', async () => {
    const keys = await cloud.newAccount('user3');
    const vm = await newVm();
    expect((await cloud.call('listVirtualMachines', { listall: true }, { keys })).body).toEqual({});
    expect((await cloud.call('listVirtualMachines', { id: vm['id'] }, { keys })).status).toBe(531);
    const { id } = (await cloud.call('deployVirtualMachine', cloud.vmParams(), { keys })).body;
    expect(await cloud.ok('listVirtualMachines')).toMatchObject({ count: 1 });
    expect(await cloud.ok('listVirtualMachines', { listall: true })).toMatchObject({ count: 2 });
    expect(await cloud.ok('listVirtualMachines', { account: 'user3', domainid: keys.domainId })).toMatchObject({
      virtualmachine: [{ id }],
    });
    expect((await cloud.call('listVirtualMachines', { account: 'user3' })).status).toBe(431);
  });
});
