import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { seedIds } from '../../src/simulators/openstack/seed-data.js';
import { errorOf, startCloud, type Row, type Session, type TestCloud } from './openstack-client.js';

let cloud: TestCloud;
let admin: Session;
let tenant: Session;
beforeAll(async () => {
  cloud = await startCloud();
});
beforeEach(async () => {
  await cloud.sim('POST', 'reset');
  admin = await cloud.loginAdmin();
  tenant = await cloud.tenant(admin, 't-1');
});
afterAll(() => cloud.close());

const external = seedIds.externalNetwork;
const neutron = (
  method: string,
  path: string,
  body?: unknown,
  session: Session = tenant,
  headers: Record<string, string> = {},
) => cloud.call(session, 'network', method, path, body, { headers });
const make = async (path: string, singular: string, fields: Row, session: Session = tenant) =>
  (await cloud.ok(session, 'network', 'POST', path, { [singular]: fields }))[singular] as Row;
const rows = async (path: string, key: string, session: Session = tenant) =>
  (await cloud.ok(session, 'network', 'GET', path))[key] as Row[];
const refusal = async (method: string, path: string, body?: unknown, session: Session = tenant) => {
  const reply = await neutron(method, path, body, session);
  return [reply.status, errorOf(reply).type];
};

describe('networks and subnets', () => {
  test('may have the same name twice, and are found by name and project', async () => {
    const one = await make('/networks', 'network', { name: 'n', description: 'ow-0123456789abcdef' });
    await make('/networks', 'network', { name: 'n' });
    expect(one).toMatchObject({
      status: 'ACTIVE',
      mtu: 1450,
      'router:external': false,
      shared: false,
      subnets: [],
      tags: [],
      qos_policy_id: null,
      revision_number: 1,
      project_id: tenant.projectId,
    });
    expect(await rows(`/networks?name=n&project_id=${tenant.projectId}`, 'networks')).toHaveLength(2);
    expect(await rows('/networks?description=ow-0123456789abcdef&fields=id&fields=name', 'networks')).toEqual([
      { id: one['id'], name: 'n' },
    ]);
    expect(await cloud.resources('network')).toMatchObject([{ marker: 'ow-0123456789abcdef' }, { marker: null }]);
  });

  test('of others are hidden, but for the external one; administrators see them all', async () => {
    const other = await cloud.tenant(admin, 't-2');
    const foreign = await make('/networks', 'network', { name: 'n' }, other);
    expect((await rows('/networks', 'networks')).map((one) => one['name'])).toEqual(['public']);
    expect(await rows('/networks?router:external=true', 'networks')).toMatchObject([
      { id: external, 'router:external': true },
    ]);
    expect(await rows('/networks', 'networks', admin)).toHaveLength(2);
    expect(await refusal('GET', `/networks/${String(foreign['id'])}`)).toEqual([404, 'NetworkNotFound']);
    expect(await refusal('POST', '/networks', { network: { name: 'n', project_id: other.projectId } })).toEqual([
      403,
      'PolicyNotAuthorized',
    ]);
    expect(await refusal('POST', '/networks', { network: { name: 'n', shared: true } })).toEqual([
      403,
      'PolicyNotAuthorized',
    ]);
    expect(await make('/networks', 'network', { name: 'n', project_id: other.projectId }, admin)).toMatchObject({
      project_id: other.projectId,
    });
  });

  test('cut host bits, and take the first address as gateway', async () => {
    const network = await make('/networks', 'network', { name: 'n' });
    const subnet = await make('/subnets', 'subnet', { network_id: network['id'], ip_version: 4, cidr: '10.30.0.7/24' });
    expect(subnet).toMatchObject({
      cidr: '10.30.0.0/24',
      gateway_ip: '10.30.0.1',
      allocation_pools: [{ start: '10.30.0.2', end: '10.30.0.254' }],
      enable_dhcp: true,
    });
    const again = { subnet: { network_id: network['id'], ip_version: 4, cidr: '10.30.0.128/25' } };
    expect(await refusal('POST', '/subnets', again)).toEqual([400, 'InvalidInput']);
    expect(await refusal('POST', '/subnets', { subnet: { ...again.subnet, cidr: 'x' } })).toEqual([
      400,
      'InvalidInput',
    ]);
    expect(await refusal('POST', '/subnets', { subnet: { ip_version: 4, cidr: '10.0.0.0/8' } })).toEqual([
      400,
      'HTTPBadRequest',
    ]);
  });

  test('in use cannot be deleted; unused ones take their DHCP port with them', async () => {
    const { networkId, subnetId, routerId } = await cloud.network(tenant);
    expect(await refusal('DELETE', `/networks/${networkId}`)).toEqual([409, 'NetworkInUse']);
    expect(await refusal('DELETE', `/subnets/${subnetId}`)).toEqual([409, 'SubnetInUse']);
    expect(await refusal('DELETE', `/routers/${routerId}`)).toEqual([409, 'RouterInUse']);
    await cloud.ok(tenant, 'network', 'PUT', `/routers/${routerId}/remove_router_interface`, { subnet_id: subnetId });
    for (const path of [`/routers/${routerId}`, `/subnets/${subnetId}`, `/networks/${networkId}`]) {
      expect((await neutron('DELETE', path)).status).toBe(204);
      expect((await neutron('DELETE', path)).status).toBe(404);
    }
    expect(await rows('/ports', 'ports')).toEqual([]);
  });

  test('are made many at once, all or none', async () => {
    await cloud.ok(admin, 'network', 'PUT', `/quotas/${tenant.projectId}`, { quota: { network: 2 } });
    const names = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `n-${index}` }));
    expect(await refusal('POST', '/networks', { networks: names(3) })).toEqual([409, 'OverQuota']);
    expect(await rows(`/networks?project_id=${tenant.projectId}`, 'networks')).toEqual([]);
    expect((await neutron('POST', '/networks', { networks: names(2) })).body['networks']).toHaveLength(2);
    const over = await neutron('POST', '/networks', { network: { name: 'n' } });
    expect(over.body).toEqual({
      NeutronError: { type: 'OverQuota', message: "Quota exceeded for resources: ['network'].", detail: '' },
    });
    const details = (await cloud.ok(admin, 'network', 'GET', `/quotas/${tenant.projectId}/details.json`))['quota'];
    expect(details).toMatchObject({ network: { limit: 2, used: 2, reserved: 0 } });
  });

  test('are refused a change of a revision that is over', async () => {
    const network = await make('/networks', 'network', { name: 'n' });
    const path = `/networks/${String(network['id'])}`;
    const put = (revision: number) =>
      neutron('PUT', path, { network: { name: `after-${revision}` } }, tenant, {
        'if-match': `revision_number=${revision}`,
      });
    expect((await put(1)).body['network']).toMatchObject({ name: 'after-1', revision_number: 2 });
    const lost = await put(1);
    expect([lost.status, errorOf(lost).type]).toEqual([412, 'RevisionNumberConstraintFailed']);
  });

  test('carry tags by a second call', async () => {
    const network = await make('/networks', 'network', { name: 'n' });
    await make('/networks', 'network', { name: 'other' });
    const reply = await neutron('PUT', `/networks/${String(network['id'])}/tags`, { tags: ['wo-1'] });
    expect([reply.status, reply.body]).toEqual([200, { tags: ['wo-1'] }]);
    expect(await rows('/networks?tags=wo-1', 'networks')).toMatchObject([{ id: network['id'] }]);
  });

  test('are listed page by page, the last of which can be empty', async () => {
    for (const name of ['a', 'b']) await make('/networks', 'network', { name });
    const query = `?project_id=${tenant.projectId}&limit=2&sort_key=name`;
    const first = (await neutron('GET', `/networks${query}`)).body;
    expect(first).toMatchObject({ networks: [{ name: 'a' }, { name: 'b' }], networks_links: [{ rel: 'next' }] });
    const [next] = first['networks_links'] as { href: string }[];
    const second = await cloud.raw('GET', (next?.href ?? '').slice(cloud.url.length), undefined, {
      'x-auth-token': tenant.token,
    });
    expect(second.body).toMatchObject({ networks: [], networks_links: [{ rel: 'previous' }] });
    const bogus = await neutron('GET', '/networks?bogus=1');
    expect([bogus.status, errorOf(bogus).message]).toEqual([400, "['bogus'] is invalid attribute for filtering"]);
    expect((await neutron('GET', '/networks?changed_since=2026-11-21T00:00:00Z')).status).toBe(400);
  });
});

describe('a router', () => {
  test('takes an address outside, and refuses a second interface on the same subnet', async () => {
    const { subnetId, routerId, networkId } = await cloud.network(tenant);
    const router = (await cloud.ok(tenant, 'network', 'GET', `/routers/${routerId}`))['router'];
    expect(router).toMatchObject({
      status: 'ACTIVE',
      external_gateway_info: {
        network_id: external,
        enable_snat: true,
        external_fixed_ips: [{ ip_address: expect.stringMatching(/^203\.0\.113\./) }],
      },
    });
    const again = await neutron('PUT', `/routers/${routerId}/add_router_interface`, { subnet_id: subnetId });
    expect(again.body).toMatchObject({
      NeutronError: {
        type: 'BadRequest',
        message: `Bad router request: Router already has a port on subnet ${subnetId}.`,
      },
    });
    const owners = (await rows(`/ports?network_id=${networkId}`, 'ports')).map((port) => port['device_owner']);
    expect(owners.toSorted()).toEqual(['network:dhcp', 'network:router_interface']);
    const [port] = await rows(`/ports?fixed_ips=subnet_id=${subnetId}&device_owner=network:router_interface`, 'ports');
    expect(port).toMatchObject({ fixed_ips: [{ ip_address: '10.20.0.1' }] });
    expect(await refusal('DELETE', `/ports/${String(port?.['id'])}`)).toEqual([409, 'ServicePortInUse']);
  });

  test('gives its gateway up, unless a floating IP needs it', async () => {
    const { subnetId, routerId, networkId } = await cloud.network(tenant);
    const port = await make('/ports', 'port', { network_id: networkId });
    const address = await make('/floatingips', 'floatingip', { floating_network_id: external, port_id: port['id'] });
    const off = { router: { external_gateway_info: {} } };
    expect(await refusal('PUT', `/routers/${routerId}`, off)).toEqual([409, 'RouterExternalGatewayInUseByFloatingIp']);
    expect(await refusal('PUT', `/routers/${routerId}/remove_router_interface`, { subnet_id: subnetId })).toEqual([
      409,
      'RouterInterfaceInUseByFloatingIP',
    ]);
    await neutron('DELETE', `/floatingips/${String(address['id'])}`);
    expect((await neutron('PUT', `/routers/${routerId}`, off)).body['router']).toMatchObject({
      external_gateway_info: null,
    });
  });
});

describe('a floating IP', () => {
  test('says by its port whether it is attached; the status follows', async () => {
    const { networkId, routerId } = await cloud.network(tenant);
    const port = await make('/ports', 'port', { network_id: networkId });
    const marker = 'ow-0123456789abcdef';
    const made = await make('/floatingips', 'floatingip', { floating_network_id: external, description: marker });
    expect(made).toMatchObject({
      status: 'DOWN',
      port_id: null,
      fixed_ip_address: null,
      router_id: null,
      description: marker,
    });
    const path = `/floatingips/${String(made['id'])}`;
    const put = async (portId: unknown) =>
      (await neutron('PUT', path, { floatingip: { port_id: portId } })).body['floatingip'] as Row;
    expect(await put(port['id'])).toMatchObject({
      port_id: port['id'],
      router_id: routerId,
      fixed_ip_address: '10.20.0.3',
      port_details: { status: 'DOWN', device_id: '' },
    });
    const statusIs = (status: string) =>
      cloud.until(
        async () => (await cloud.ok(tenant, 'network', 'GET', path))['floatingip'] as Row,
        (one) => one['status'] === status,
      );
    await statusIs('ACTIVE');
    expect(await cloud.resources('address')).toMatchObject([
      { marker, attachedTo: port['id'], details: { ipAddress: made['floating_ip_address'] } },
    ]);
    const second = await make('/floatingips', 'floatingip', { floating_network_id: external });
    expect(
      await refusal('PUT', `/floatingips/${String(second['id'])}`, { floatingip: { port_id: port['id'] } }),
    ).toEqual([409, 'FloatingIPPortAlreadyAssociated']);
    expect(await put(null)).toMatchObject({ port_id: null, fixed_ip_address: null });
    await statusIs('DOWN');
    expect(await rows(`/floatingips?description=${marker}`, 'floatingips')).toMatchObject([{ id: made['id'] }]);
  });

  test('needs an external network, and a router on the way to it', async () => {
    const network = await make('/networks', 'network', { name: 'n' });
    await make('/subnets', 'subnet', { network_id: network['id'], ip_version: 4, cidr: '10.1.0.0/24' });
    const port = await make('/ports', 'port', { network_id: network['id'] });
    const ask = (fields: Row) => refusal('POST', '/floatingips', { floatingip: fields });
    expect(await ask({ floating_network_id: network['id'] })).toEqual([400, 'BadRequest']);
    expect(await ask({ floating_network_id: external, port_id: port['id'] })).toEqual([
      404,
      'ExternalGatewayForFloatingIPNotFound',
    ]);
    expect(await ask({ floating_network_id: external, port_id: 'nope' })).toEqual([404, 'PortNotFound']);
    expect(await cloud.resources('address')).toEqual([]);
  });

  test('with a wish is for administrators, and a taken wish refused', async () => {
    const wish = { floating_network_id: external, floating_ip_address: '203.0.113.77' };
    expect(await refusal('POST', '/floatingips', { floatingip: wish })).toEqual([403, 'PolicyNotAuthorized']);
    expect(await make('/floatingips', 'floatingip', wish, admin)).toMatchObject({
      floating_ip_address: '203.0.113.77',
    });
    expect(await refusal('POST', '/floatingips', { floatingip: wish }, admin)).toEqual([
      409,
      'IpAddressAlreadyAllocated',
    ]);
  });

  test('takes no policy, and there are none, where Neutron lacks the extensions', async () => {
    const plain = await startCloud({ withoutExtensions: ['qos', 'qos-fip'] });
    try {
      const session = await plain.loginAdmin();
      const ask = (method: string, path: string, body?: Row) => plain.call(session, 'network', method, path, body);
      const { extensions } = (await ask('GET', '/extensions')).body as { extensions: { alias: string }[] };
      expect(extensions.map(({ alias }) => alias)).not.toContain('qos-fip');
      expect((await ask('GET', '/qos/policies')).status).toBe(404);
      const wish = { floating_network_id: external, qos_policy_id: 'p' };
      const refused = await ask('POST', '/floatingips', { floatingip: wish });
      expect([refused.status, errorOf(refused).message]).toEqual([400, "Unrecognized attribute(s) 'qos_policy_id'"]);
      const made = await ask('POST', '/floatingips', { floatingip: { floating_network_id: external } });
      expect(made.body['floatingip']).not.toHaveProperty('qos_policy_id');
    } finally {
      await plain.close();
    }
  });

  test('cannot be had when the external network is full, and comes back when one is released', async () => {
    const small = await startCloud({ externalCidrs: ['192.0.2.0/29'] });
    try {
      const session = await small.loginAdmin();
      const ask = () =>
        small.call(session, 'network', 'POST', '/floatingips', { floatingip: { floating_network_id: external } });
      const made = [];
      for (let index = 0; index < 5; index += 1) made.push((await ask()).body['floatingip'] as Row);
      expect(made.map((one) => one['floating_ip_address'])).toEqual([
        '192.0.2.2',
        '192.0.2.3',
        '192.0.2.4',
        '192.0.2.5',
        '192.0.2.6',
      ]);
      const full = await ask();
      expect([full.status, errorOf(full).type]).toEqual([409, 'IpAddressGenerationFailure']);
      const use = await small.ok(session, 'network', 'GET', `/network-ip-availabilities/${external}`);
      expect(use['network_ip_availability']).toMatchObject({ total_ips: 5, used_ips: 5 });
      await small.ok(session, 'network', 'DELETE', `/floatingips/${String(made[2]?.['id'])}`);
      expect((await ask()).body['floatingip']).toMatchObject({ floating_ip_address: '192.0.2.4' });
    } finally {
      await small.close();
    }
  });
});

describe('security groups', () => {
  const groupOf = async (session: Session) =>
    (await rows(`/security-groups?project_id=${session.projectId}&name=default`, 'security_groups', session))[0] as Row;

  test('begin with `default` at the first touch, even by an administrator asking for the project', async () => {
    const found = await rows(`/security-groups?project_id=${tenant.projectId}`, 'security_groups', admin);
    expect(found).toMatchObject([{ name: 'default', project_id: tenant.projectId }]);
    const kinds = ((await groupOf(tenant))['security_group_rules'] as Row[]).map(
      (rule) =>
        `${String(rule['direction'])} ${String(rule['ethertype'])} ${rule['remote_group_id'] === null ? 'any' : 'own'}`,
    );
    expect(kinds.toSorted()).toEqual(['egress IPv4 any', 'egress IPv6 any', 'ingress IPv4 own', 'ingress IPv6 own']);
    expect(await cloud.resources('security-group')).toEqual([]);
  });

  test('let everything out, and refuse the same rule twice, naming the one there is', async () => {
    const group = await make('/security-groups', 'security_group', { name: 'g' });
    expect(group['security_group_rules']).toHaveLength(2);
    const rule = {
      security_group_id: group['id'],
      direction: 'ingress',
      ethertype: 'IPv4',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
      remote_ip_prefix: '0.0.0.0/0',
    };
    const made = await make('/security-group-rules', 'security_group_rule', rule);
    const again = await neutron('POST', '/security-group-rules', { security_group_rule: rule });
    expect([again.status, errorOf(again)]).toEqual([
      409,
      expect.objectContaining({
        type: 'SecurityGroupRuleExists',
        message: `Security group rule already exists. Rule id is ${String(made['id'])}.`,
      }),
    ]);
    const twins = {
      security_group_rules: [
        { ...rule, port_range_min: 1 },
        { ...rule, port_range_min: 1 },
      ],
    };
    expect(await refusal('POST', '/security-group-rules', twins)).toEqual([409, 'DuplicateSecurityGroupRuleInPost']);
    const bad = { ...rule, port_range_min: 23 };
    expect(await refusal('POST', '/security-group-rules', { security_group_rule: bad })).toEqual([
      400,
      'SecurityGroupInvalidPortRange',
    ]);
    expect(await refusal('POST', '/security-groups', { security_group: { name: 'default' } })).toEqual([
      409,
      'SecurityGroupDefaultAlreadyExists',
    ]);
    expect(
      await rows(`/security-group-rules?security_group_id=${String(group['id'])}`, 'security_group_rules'),
    ).toHaveLength(3);
    expect((await neutron('DELETE', `/security-group-rules/${String(made['id'])}`)).status).toBe(204);
  });

  test('in use cannot be deleted', async () => {
    const { networkId } = await cloud.network(tenant);
    const group = await make('/security-groups', 'security_group', { name: 'g' });
    const port = await make('/ports', 'port', { network_id: networkId, security_groups: [group['id']] });
    expect(await refusal('DELETE', `/security-groups/${String(group['id'])}`)).toEqual([409, 'SecurityGroupInUse']);
    await neutron('DELETE', `/ports/${String(port['id'])}`);
    expect((await neutron('DELETE', `/security-groups/${String(group['id'])}`)).status).toBe(204);
  });
});

test('a port takes the address it asks for, unless that is taken or of another subnet', async () => {
  const { networkId, subnetId } = await cloud.network(tenant);
  const port = (ip: string) => ({
    port: { network_id: networkId, fixed_ips: [{ subnet_id: subnetId, ip_address: ip }] },
  });
  expect((await neutron('POST', '/ports', port('10.20.0.50'))).body['port']).toMatchObject({
    status: 'DOWN',
    fixed_ips: [{ subnet_id: subnetId, ip_address: '10.20.0.50' }],
  });
  expect(await refusal('POST', '/ports', port('10.20.0.50'))).toEqual([409, 'IpAddressAlreadyAllocated']);
  expect(await refusal('POST', '/ports', port('10.21.0.50'))).toEqual([400, 'InvalidIpForSubnet']);
});

describe('bandwidth', () => {
  test('is a policy of the administrator, given to a project, with one rule for each direction', async () => {
    expect(await refusal('POST', '/qos/policies', { policy: { name: 'bw10' } })).toEqual([403, 'PolicyNotAuthorized']);
    const policy = await make('/qos/policies', 'policy', { name: 'bw10', project_id: tenant.projectId }, admin);
    const rules = `/qos/policies/${String(policy['id'])}/bandwidth_limit_rules`;
    const rule = { bandwidth_limit_rule: { max_kbps: 10_000, max_burst_kbps: 8000, direction: 'egress' } };
    const made = (await cloud.ok(admin, 'network', 'POST', rules, rule))['bandwidth_limit_rule'] as Row;
    expect((await neutron('POST', rules, rule, admin)).status).toBe(409);
    await cloud.ok(admin, 'network', 'POST', rules, {
      bandwidth_limit_rule: { max_kbps: 10_000, direction: 'ingress' },
    });
    const address = await make('/floatingips', 'floatingip', { floating_network_id: external });
    const path = `/floatingips/${String(address['id'])}`;
    await cloud.ok(tenant, 'network', 'PUT', path, { floatingip: { qos_policy_id: policy['id'] } });
    expect(await cloud.resources('address')).toMatchObject([{ details: { bandwidthMbps: 10 } }]);
    await cloud.ok(admin, 'network', 'PUT', `${rules}/${String(made['id'])}`, {
      bandwidth_limit_rule: { max_kbps: 5000 },
    });
    expect(await cloud.resources('address')).toMatchObject([{ details: { bandwidthMbps: 5 } }]);
    expect(await refusal('DELETE', `/qos/policies/${String(policy['id'])}`, undefined, admin)).toEqual([
      409,
      'QosPolicyInUse',
    ]);
    await neutron('DELETE', path);
    expect((await neutron('DELETE', `/qos/policies/${String(policy['id'])}`, undefined, admin)).status).toBe(204);
  });

  test('policy of somebody else cannot be used, unless it is shared', async () => {
    const own = await make('/qos/policies', 'policy', { name: 'a' }, admin);
    const shared = await make('/qos/policies', 'policy', { name: 'b', shared: true }, admin);
    const ask = (policy: Row) =>
      neutron('POST', '/floatingips', { floatingip: { floating_network_id: external, qos_policy_id: policy['id'] } });
    expect((await ask(own)).status).toBe(404);
    expect((await ask(shared)).status).toBe(201);
  });
});

test('how many addresses are free is told to administrators only', async () => {
  const { networkId } = await cloud.network(tenant);
  expect((await neutron('GET', `/network-ip-availabilities/${networkId}`)).status).toBe(404);
  const reply = await neutron('GET', `/network-ip-availabilities/${networkId}`, undefined, admin);
  // The gateway's own address and that of the DHCP agent.
  expect(reply.body['network_ip_availability']).toMatchObject({
    total_ips: 253,
    used_ips: 2,
    subnet_ip_availability: [{ cidr: '10.20.0.0/24' }],
  });
});
