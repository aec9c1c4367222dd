import type { Cloud } from '../state/cloud.js';
import type { SecurityGroup, SecurityGroupRule } from '../state/network-model.js';

/** The group `default` of a project; made when Neutron hears of the project for the first time. */
export function defaultGroupOf(cloud: Cloud, projectId: string): SecurityGroup {
  for (const group of cloud.securityGroups.ofProject(projectId)) if (group.name === 'default') return group;
  const group = newGroup(cloud, projectId, 'default', 'Default security group');
  for (const ethertype of ['IPv4', 'IPv6'] as const) {
    group.rules.push(newRule(cloud, group, { direction: 'ingress', ethertype, remoteGroupId: group.id }));
  }
  cloud.securityGroups.add(group);
  return group;
}

/** A group with the two rules every group starts with: everything may go out. */
export function newGroup(cloud: Cloud, projectId: string, name: string, description: string): SecurityGroup {
  const now = Date.now();
  const group: SecurityGroup = {
    id: cloud.newId(),
    projectId,
    createdMs: now,
    updatedMs: now,
    name,
    description,
    revision: 1,
    tags: [],
    rules: [],
  };
  for (const ethertype of ['IPv4', 'IPv6'] as const) {
    group.rules.push(newRule(cloud, group, { direction: 'egress', ethertype }));
  }
  return group;
}

export function newRule(
  cloud: Cloud,
  group: SecurityGroup,
  fields: Pick<SecurityGroupRule, 'direction' | 'ethertype'> & Partial<SecurityGroupRule>,
): SecurityGroupRule {
  const now = Date.now();
  return {
    id: cloud.newId(),
    projectId: group.projectId,
    createdMs: now,
    updatedMs: now,
    name: '',
    description: '',
    revision: 0,
    tags: [],
    securityGroupId: group.id,
    protocol: null,
    portMin: null,
    portMax: null,
    remoteIpPrefix: null,
    remoteGroupId: null,
    ...fields,
  };
}
