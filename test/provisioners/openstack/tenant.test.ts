import { describe, expect, it } from '@jest/globals';
import { type Preparation, preparationOperations } from '../../../src/planner/plan.js';
import { listRules } from '../../../src/provisioners/openstack/security-groups.js';
import { tearDownNetwork } from '../../../src/provisioners/openstack/network-teardown.js';
import type { ResolveRequest } from '../../../src/provisioners/provisioner.js';
import { carryOut, newMarker } from '../../conformance/small-engine.js';
import { anOrder } from '../an-order.js';
import { aCloud } from './building.js';
import type { Simulated } from './simulated.js';

const orderOf = (userId: string): ResolveRequest => {
  const request = anOrder();
  return { ...request, order: { ...request.order, userId } };
};

/** Prepares what orders of this user share; answers all facts, and the marker of the tenant. */
async function prepare(cloud: Simulated, kinds: Preparation['kind'][], userId = 'u1') {
  const resolution = await cloud.provisioner.resolve(orderOf(userId));
  if (resolution.state === 'held') throw new Error(JSON.stringify(resolution.holds));
  const facts: Record<string, string> = {};
  const markers: Record<string, string> = {};
  let lost = 0;
  for (const { kind, settings } of resolution.preparations.filter((one) => kinds.includes(one.kind))) {
    markers[kind] = newMarker();
    const task = { operation: preparationOperations[kind], settings, inputs: facts };
    const outcome = await carryOut(cloud.provisioner, task, markers[kind]);
    lost += outcome.lost;
    Object.assign(facts, outcome.found.facts, { marker: markers['tenant'] });
  }
  return { facts, markers, lost };
}
const remove = (cloud: Simulated, inputs: Record<string, string>) =>
  carryOut(cloud.provisioner, { operation: 'tenant.remove', settings: {}, inputs });

describe('a tenant', () => {
  it('gets a project named for his account, a user, and roles for the user and for us', async () => {
    const cloud = await aCloud();
    const { facts, markers } = await prepare(cloud, ['tenant']);
    expect(facts).toMatchObject({ projectName: 'ct_a1', projectId: expect.any(String), userId: expect.any(String) });
    expect((await cloud.alive(markers['tenant'] ?? '')).map(({ id }) => id)).toEqual([facts['projectId']]);
    // A token for his project is to be had, so our own account has its role in it.
    await expect(cloud.account.client.token(facts['projectId'])).resolves.toMatchObject({
      projectId: facts['projectId'],
    });
  });

  it('gets the five rules of the default group, and no more when it is done again', async () => {
    const cloud = await aCloud();
    const { facts } = await prepare(cloud, ['tenant']);
    const rules = () => listRules(cloud.account.client, facts['projectId'] ?? '', facts['securityGroupId'] ?? '');
    const words = (await rules())
      .filter(({ ethertype }) => ethertype === 'IPv4')
      .map((rule) =>
        [
          rule.direction,
          rule.protocol ?? 'any',
          rule.port_range_min ?? 'any',
          rule.remote_group_id ? 'group' : 'anywhere',
        ].join(' '),
      );
    expect(words.toSorted()).toEqual([
      'egress any any anywhere',
      'ingress any any group',
      'ingress icmp any anywhere',
      'ingress tcp 22 anywhere',
      'ingress tcp 3389 anywhere',
    ]);
    const count = (await rules()).length;
    await prepare(cloud, ['tenant']);
    expect(await rules()).toHaveLength(count);
  });

  it.each(['keystone.projects.create', 'keystone.users.create', 'neutron.security-group-rules.create'])(
    'is made once when the answer to %s is lost',
    async (call) => {
      const cloud = await aCloud();
      await cloud.fault(call, 'lose-answer');
      await prepare(cloud, ['tenant']);
      const made = await cloud.resources();
      expect(made.filter(({ name }) => name === 'ct_a1')).toHaveLength(1);
      expect(made.filter(({ name }) => name === 'ct_u1')).toHaveLength(1);
    },
  );

  it('whose project somebody made before is taken as found, and never removed by us', async () => {
    const cloud = await aCloud();
    const { client } = cloud.account;
    const { ProjectMade } = await import('../../../src/provisioners/openstack/schema.js');
    const body = { project: { name: 'ct_a1', domain_id: 'default', description: 'by hand' } };
    const { value } = await client.change(
      { service: 'identity', method: 'POST', path: '/projects', body },
      ProjectMade,
    );
    const { facts } = await prepare(cloud, ['tenant']);
    expect(facts['projectId']).toBe(value.project.id);
    await expect(remove(cloud, facts)).rejects.toMatchObject({ disposition: 'ask-human', code: 'CLD_CONTRADICTION' });
  });

  it('that holds something is not removed, and what remains is named', async () => {
    const cloud = await aCloud();
    const { facts } = await prepare(cloud, ['tenant', 'default-network']);
    await expect(remove(cloud, facts)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_IN_USE',
      message: expect.stringMatching(/ct_a1 .* still holds 1 router \(.*\), 1 network \(/),
    });
    await tearDownNetwork(cloud.account.client, facts['projectId'] ?? '', facts['networkId'] ?? '');
    await remove(cloud, facts);
    await remove(cloud, facts);
    expect((await cloud.resources()).filter(({ name }) => name?.startsWith('ct_'))).toEqual([]);
  });

  it('of an account with two users leaves the project to the other one', async () => {
    const cloud = await aCloud();
    const first = await prepare(cloud, ['tenant'], 'u1');
    const second = await prepare(cloud, ['tenant'], 'u2');
    expect(second.facts['projectId']).toBe(first.facts['projectId']);
    await remove(cloud, first.facts);
    const left = (await cloud.resources()).flatMap(({ name }) => (name?.startsWith('ct_') ? [name] : []));
    expect(left.toSorted()).toEqual(['ct_a1', 'ct_u2']);
    await remove(cloud, second.facts);
    expect((await cloud.resources()).filter(({ name }) => name?.startsWith('ct_'))).toEqual([]);
  });
});

describe("a tenant's default network", () => {
  it('has a subnet and a router with a way out, each with a mark of its own', async () => {
    const cloud = await aCloud();
    const { facts, markers } = await prepare(cloud, ['tenant', 'default-network']);
    expect(facts).toMatchObject({
      networkId: expect.any(String),
      subnetId: expect.any(String),
      routerId: expect.any(String),
    });
    const ofTenant = (await cloud.resources()).filter(({ details }) => details['projectId'] === facts['projectId']);
    const marks = ['network', 'subnet', 'router'].map((kind) =>
      ofTenant.filter((one) => one.kind === kind).map(({ marker }) => marker),
    );
    expect(marks.map((one) => one.length)).toEqual([1, 1, 1]);
    expect(new Set(marks.flat()).size).toBe(3);
    expect(marks[0]).toEqual([markers['default-network']]);
  });

  it.each([
    'neutron.networks.create',
    'neutron.subnets.create',
    'neutron.routers.create',
    'neutron.routers.add_router_interface',
  ])('is made once when the answer to %s is lost', async (call) => {
    const cloud = await aCloud();
    await cloud.fault(call, 'lose-answer');
    const { lost, facts } = await prepare(cloud, ['tenant', 'default-network']);
    expect(lost).toBe(1);
    const kinds = (await cloud.resources())
      .filter(({ details }) => details['projectId'] === facts['projectId'])
      .map(({ kind }) => kind)
      .filter((kind) => ['network', 'subnet', 'router'].includes(kind));
    expect(kinds.toSorted()).toEqual(['network', 'router', 'subnet']);
  });
});

describe('a bandwidth', () => {
  it('has one policy with a rule for each direction, shared by all who buy it', async () => {
    const cloud = await aCloud();
    const first = await prepare(cloud, ['bandwidth-policy'], 'u1');
    const again = await prepare(cloud, ['bandwidth-policy'], 'u2');
    expect(again.facts['qosPolicyId']).toBe(first.facts['qosPolicyId']);
    const { BandwidthRule } = await import('../../../src/provisioners/openstack/schema.js');
    const rules = await cloud.account.client.list({
      service: 'network',
      path: `/qos/policies/${first.facts['qosPolicyId']}/bandwidth_limit_rules`,
      key: 'bandwidth_limit_rules',
      row: BandwidthRule,
    });
    expect(rules.map(({ direction, max_kbps }) => `${direction} ${max_kbps}`).toSorted()).toEqual([
      'egress 2000',
      'ingress 2000',
    ]);
  });

  it('whose policy somebody has changed is not sold', async () => {
    const cloud = await aCloud();
    const { facts } = await prepare(cloud, ['bandwidth-policy']);
    const { client } = cloud.account;
    const path = `/qos/policies/${facts['qosPolicyId']}/bandwidth_limit_rules`;
    const { Anything, BandwidthRule } = await import('../../../src/provisioners/openstack/schema.js');
    const [rule] = await client.list({ service: 'network', path, key: 'bandwidth_limit_rules', row: BandwidthRule });
    const body = { bandwidth_limit_rule: { max_kbps: 1 } };
    await client.change({ service: 'network', method: 'PUT', path: `${path}/${rule?.id}`, body }, Anything);
    await expect(prepare(cloud, ['bandwidth-policy'])).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_CONTRADICTION',
    });
  });
});
