import { describe, expect, it } from '@jest/globals';
import {
  fromNeutronRule,
  toNeutronRules,
  type WantedNeutronRule,
} from '../../../src/provisioners/cloudstack/neutron-rules.js';
import { GroupWithRules } from '../../../src/provisioners/cloudstack/schema-operations.js';
import {
  authorizeRule,
  createSecurityGroup,
  listSecurityGroups,
} from '../../../src/provisioners/cloudstack/security-groups.js';
import { anOperator, newId } from './operator.js';

const groupWith = (rules: object): GroupWithRules => GroupWithRules.parse({ id: 'g1', name: 'web', ...rules });
const known = [{ id: 'g2', name: 'db', account: 'zhangsi' }];
const mapped = (ingressrule: object) =>
  toNeutronRules(groupWith({ ingressrule: [{ ruleid: 'r1', ...ingressrule }] }), known)[0];
const anyIn: WantedNeutronRule = {
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: null,
  port_range_min: null,
  port_range_max: null,
  remote_ip_prefix: null,
  remote_group_id: null,
};

describe("CloudStack's rules in Neutron's form", () => {
  // Recorded: reference/cloudstack.md section 11.
  it('have direction, range of ports and range of addresses', () => {
    const ranges = { cidr: '192.168.0.0/24' };
    const group = groupWith({
      ingressrule: [{ ruleid: 'r1', protocol: 'tcp', startport: 10000, endport: 11000, ...ranges }],
      egressrule: [{ ruleid: 'r2', protocol: 'all', startport: 0, endport: 0, ...ranges }],
    });
    const common = {
      security_group_id: 'g1',
      ethertype: 'IPv4',
      remote_ip_prefix: '192.168.0.0/24',
      remote_group_id: null,
    };
    expect(toNeutronRules(group, [])).toEqual([
      { ...common, id: 'r1', direction: 'ingress', protocol: 'tcp', port_range_min: 10000, port_range_max: 11000 },
      { ...common, id: 'r2', direction: 'egress', protocol: null, port_range_min: null, port_range_max: null },
    ]);
  });

  it.each([
    ['every port', { protocol: 'tcp', startport: 0, endport: 65535 }, [null, null]],
    ['port 0, which Neutron does not know', { protocol: 'udp', startport: 0, endport: 10 }, [1, 10]],
    ['a type of ICMP', { protocol: 'icmp', icmptype: 8, icmpcode: 0 }, [8, 0]],
    ['any ICMP', { protocol: 'icmp', icmptype: -1, icmpcode: -1 }, [null, null]],
  ])('say %s with the two ports', (_name, rule, [min, max]) => {
    expect(mapped({ cidr: '0.0.0.0/0', ...rule })).toMatchObject({ port_range_min: min, port_range_max: max });
  });

  it('name a group by its id, and one nobody knows so that it cannot be read as "anywhere"', () => {
    const of = (account: string) => mapped({ protocol: 'all', account, securitygroupname: 'db' });
    expect(of('zhangsi')).toMatchObject({ remote_ip_prefix: null, remote_group_id: 'g2' });
    expect(of('stranger')).toMatchObject({ remote_ip_prefix: null, remote_group_id: 'stranger/db' });
  });

  it('are of the family of their range', () => {
    expect(mapped({ protocol: 'icmp', cidr: '2001:db8::/32' })).toMatchObject({
      ethertype: 'IPv6',
      protocol: 'ipv6-icmp',
    });
  });
});

describe("Neutron's rules in CloudStack's form", () => {
  it('say "anywhere" in so many words', () => {
    expect(fromNeutronRule(anyIn, [])).toEqual({
      direction: 'ingress',
      rule: { protocol: 'all', cidrs: ['0.0.0.0/0'] },
    });
    expect(fromNeutronRule({ ...anyIn, ethertype: 'IPv6' }, []).rule.cidrs).toEqual(['::/0']);
  });

  it.each([
    [{ protocol: 'tcp' }, { protocol: 'tcp', startPort: 0, endPort: 65535 }],
    [
      { protocol: 'tcp', port_range_min: 22 },
      { protocol: 'tcp', startPort: 22, endPort: 22 },
    ],
    [{ protocol: 'icmp' }, { protocol: 'icmp', icmpType: -1, icmpCode: -1 }],
    [
      { protocol: 'ipv6-icmp', port_range_min: 128 },
      { protocol: 'icmp', icmpType: 128, icmpCode: -1 },
    ],
    [{ protocol: 'gre' }, { protocol: '47' }],
    [{ protocol: '50' }, { protocol: '50' }],
  ])('translate %j', (rule, expected) => {
    const { cidrs: _anywhere, ...said } = fromNeutronRule({ ...anyIn, ...rule }, []).rule;
    expect(said).toEqual(expected);
  });

  it.each([
    [{ protocol: 'carrier-pigeon' }],
    [{ protocol: '256' }],
    [{ port_range_min: 80, port_range_max: 80 }],
    [{ remote_group_id: 'unknown' }],
  ])('are refused where CloudStack cannot say %j', (rule) => {
    expect(() => fromNeutronRule({ ...anyIn, ...rule }, known)).toThrow(
      expect.objectContaining({ disposition: 'reject', code: 'CLD_PARAMETER' }),
    );
  });

  // Seed E10: what the platform's own default group lets through.
  it('come back from the cloud as they were', async () => {
    const { client, done } = await anOperator();
    const { id } = await createSecurityGroup(client, { name: 'default-of-user' });
    const groups = await listSecurityGroups(client);
    const wanted: WantedNeutronRule[] = [
      { ...anyIn, protocol: 'tcp', port_range_min: 22, port_range_max: 22, remote_ip_prefix: '0.0.0.0/0' },
      { ...anyIn, protocol: 'tcp', port_range_min: 3389, port_range_max: 3389, remote_ip_prefix: '0.0.0.0/0' },
      { ...anyIn, protocol: 'icmp', remote_ip_prefix: '0.0.0.0/0' },
      { ...anyIn, remote_group_id: id },
      { ...anyIn, direction: 'egress', remote_ip_prefix: '0.0.0.0/0' },
    ];
    for (const rule of wanted)
      await done(authorizeRule(client, { group: { id }, ...fromNeutronRule(rule, groups) }, newId()));
    const [group] = await listSecurityGroups(client, { name: 'default-of-user' });
    if (!group) throw new Error('the group is gone');
    expect(toNeutronRules(group, groups)).toEqual(
      wanted.map((rule) => ({ ...rule, id: expect.any(String), security_group_id: id })),
    );
  });
});
