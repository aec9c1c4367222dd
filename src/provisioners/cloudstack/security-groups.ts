import { begin, type BegunJob, type ListScope, type Owner, ownerParams, scopeParams } from './begin.js';
import type { CloudStackClient, Params } from './client.js';
import { Success } from './schema.js';
import { GroupMade, GroupWithRules } from './schema-operations.js';

/**
 * Security groups, of zones that have them (seed C15 to C21). Networks of their own use firewall rules, tiers of a VPC
 * ACLs (`acls.ts`); the three never mix.
 */
export type GroupName = { id: string } | { name: string; owner?: Owner };

export type Direction = 'ingress' | 'egress';

/** What a rule lets through; one rule is made for each range and each group. */
export interface WantedRule {
  /** `tcp`, `udp`, `icmp`, `all`, or the number of a protocol. */
  protocol: string;
  /** Required for tcp and udp, refused for `all`. 0 to 0 means every port. */
  startPort?: number;
  endPort?: number;
  /** -1 stands for any. */
  icmpType?: number;
  icmpCode?: number;
  cidrs?: string[];
  /** Members of these groups. */
  groups?: { account: string; name: string }[];
}

const commands = {
  ingress: { authorize: 'authorizeSecurityGroupIngress', revoke: 'revokeSecurityGroupIngress' },
  egress: { authorize: 'authorizeSecurityGroupEgress', revoke: 'revokeSecurityGroupEgress' },
} as const;

/** @throws ProvisioningError 'reject' (431) when the account has a group of that name; `default` always exists */
export async function createSecurityGroup(
  client: CloudStackClient,
  { name, description, owner }: { name: string; description?: string; owner?: Owner },
): Promise<GroupWithRules> {
  const params = { ...ownerParams(owner), name, description };
  return (await client.change('createSecurityGroup', params, GroupMade)).securitygroup;
}

/** Exactly this name, if one is given. */
export function listSecurityGroups(
  client: CloudStackClient,
  { name, vmId, ...scope }: ListScope & { name?: string; vmId?: string } = {},
): Promise<GroupWithRules[]> {
  const params = { ...scopeParams(scope), securitygroupname: name, virtualmachineid: vmId };
  return client.list('listSecurityGroups', params, 'securitygroup', GroupWithRules);
}

/** @throws ProvisioningError 'reject' (431) for the reserved group `default`, 'retry' (536) while machines are in it */
export async function deleteSecurityGroup(client: CloudStackClient, group: GroupName): Promise<void> {
  const params = 'id' in group ? { id: group.id } : { ...ownerParams(group.owner), name: group.name };
  await client.change('deleteSecurityGroup', params, Success);
}

/**
 * The job fails with 431 (530 on the seed's server) when the rule names neither range nor group, and with 530 when all its
 * rules exist already: list the group first.
 */
export function authorizeRule(
  client: CloudStackClient,
  { group, direction, rule }: { group: GroupName; direction: Direction; rule: WantedRule },
  requestId: string,
): Promise<BegunJob> {
  const named =
    'id' in group ? { securitygroupid: group.id } : { ...ownerParams(group.owner), securitygroupname: group.name };
  return begin(client, commands[direction].authorize, { ...named, ...ruleParams(rule) }, requestId);
}

/** @param ruleId the rule's own id (`ruleid`), not the group's; 431 when the group has no such rule in this direction */
export function revokeRule(
  client: CloudStackClient,
  { ruleId, direction }: { ruleId: string; direction: Direction },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, commands[direction].revoke, { id: ruleId }, requestId);
}

function ruleParams(rule: WantedRule): Params {
  const groups = (rule.groups ?? []).flatMap(({ account, name }, index) => [
    [`usersecuritygrouplist[${index}].account`, account],
    [`usersecuritygrouplist[${index}].group`, name],
  ]);
  return {
    protocol: rule.protocol,
    startport: rule.startPort,
    endport: rule.endPort,
    icmptype: rule.icmpType,
    icmpcode: rule.icmpCode,
    cidrlist: rule.cidrs && rule.cidrs.length > 0 ? rule.cidrs.join(',') : undefined,
    ...(Object.fromEntries(groups) as Record<string, string>),
  };
}
