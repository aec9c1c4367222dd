import { describe, expect, it } from '@jest/globals';
import {
  authorizeRule,
  createSecurityGroup,
  deleteSecurityGroup,
  type Direction,
  listSecurityGroups,
  revokeRule,
} from '../../../src/provisioners/cloudstack/security-groups.js';
import { anOperator, aVm, newId, securityGroupZoneId } from './operator.js';

const ssh = { protocol: 'tcp', startPort: 22, endPort: 22, cidrs: ['192.168.0.0/24', '10.0.0.0/8'] };
const directions: Direction[] = ['ingress', 'egress'];
const rulesIn = (direction: Direction) => (direction === 'ingress' ? 'ingressrule' : 'egressrule');

describe('a security group', () => {
  it('is made, found by name, and there beside the one every account has', async () => {
    const { client } = await anOperator();
    const made = await createSecurityGroup(client, { name: 'web', description: 'Web servers' });
    expect((await listSecurityGroups(client)).map(({ name }) => name).toSorted()).toEqual(['default', 'web']);
    expect(await listSecurityGroups(client, { name: 'web' })).toMatchObject([
      { id: made.id, ingressrule: [], egressrule: [] },
    ]);
    await expect(createSecurityGroup(client, { name: 'web' })).rejects.toMatchObject({ disposition: 'reject' });
  });

  it('is deleted by its id or by its name', async () => {
    const { client } = await anOperator();
    const { id } = await createSecurityGroup(client, { name: 'one' });
    await createSecurityGroup(client, { name: 'two' });
    await deleteSecurityGroup(client, { id });
    await deleteSecurityGroup(client, { name: 'two' });
    expect((await listSecurityGroups(client)).map(({ name }) => name)).toEqual(['default']);
  });

  it('called default is reserved, and one with machines in it is in use', async () => {
    const operator = await anOperator();
    const { client } = operator;
    await expect(deleteSecurityGroup(client, { name: 'default' })).rejects.toMatchObject({
      disposition: 'reject',
      details: { cloudCode: '431/4350' },
    });
    const { id } = await createSecurityGroup(client, { name: 'web' });
    const vmId = await aVm(operator, { zoneid: securityGroupZoneId, securitygroupids: id });
    expect(await listSecurityGroups(client, { vmId })).toMatchObject([{ id }]);
    await expect(deleteSecurityGroup(client, { id })).rejects.toMatchObject({
      disposition: 'retry',
      code: 'CLD_IN_USE',
    });
  });
});

describe.each(directions)('an %s rule', (direction) => {
  it('is authorized for a group by id or by name, and revoked by its own id', async () => {
    const { client, done } = await anOperator();
    const { id } = await createSecurityGroup(client, { name: 'web' });
    const rules = async () => (await listSecurityGroups(client, { name: 'web' }))[0]?.[rulesIn(direction)] ?? [];
    await done(authorizeRule(client, { group: { id }, direction, rule: ssh }, newId()));
    const dns = { protocol: 'udp', startPort: 53, endPort: 53, groups: [{ account: 'admin', name: 'default' }] };
    await done(authorizeRule(client, { group: { name: 'web' }, direction, rule: dns }, newId()));
    expect(await rules()).toMatchObject([
      { protocol: 'tcp', startport: 22, endport: 22, cidr: '192.168.0.0/24' },
      { protocol: 'tcp', cidr: '10.0.0.0/8' },
      { protocol: 'udp', cidr: null, account: 'admin', securitygroupname: 'default' },
    ]);
    for (const { ruleid } of (await rules()).slice(0, 2)) {
      // The answer's key is the revoke command's, whatever the authorize command's was (the seed read the wrong one).
      expect(await done(revokeRule(client, { ruleId: ruleid, direction }, newId()))).toBe(id);
    }
    expect(await rules()).toMatchObject([{ protocol: 'udp' }]);
    await expect(revokeRule(client, { ruleId: id, direction }, newId())).rejects.toMatchObject({
      details: { cloudCode: '431/4350' },
    });
  });

  it.each([
    ['4.4, the seed’s own server', '4.4', '530'],
    ['4.22', '4.22', '431'],
  ])('that names neither range nor group fails in its job, CloudStack %s', async (_name, version, cloudCode) => {
    const { client, outcome } = await anOperator({ version });
    const { id } = await createSecurityGroup(client, { name: 'web' });
    const rule = { protocol: 'tcp', startPort: 22, endPort: 22 };
    expect(await outcome(authorizeRule(client, { group: { id }, direction, rule }, newId()))).toMatchObject({
      state: 'failed',
      cloudCode,
    });
  });

  it('that is there already fails in its job', async () => {
    const { client, done, outcome } = await anOperator();
    const group = { id: (await createSecurityGroup(client, { name: 'web' })).id };
    await done(authorizeRule(client, { group, direction, rule: ssh }, newId()));
    expect(await outcome(authorizeRule(client, { group, direction, rule: ssh }, newId()))).toMatchObject({
      state: 'failed',
      cloudCode: '530',
    });
  });
});
