import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { parseCidr } from '../../ipv4.js';
import { isoSeconds, type Call } from '../call.js';
import { neutronError } from '../errors.js';
import type { SecurityGroup, SecurityGroupRule } from '../state/network-model.js';
import { collectionRoutes, commonView, type Collection } from './collection.js';
import { defaultGroupOf, newGroup, newRule } from './default-group.js';
import { ownerOf, touch } from './owner.js';
import { checkQuota } from './quota.js';

const GroupFields = z.strictObject({
  name: z.string().max(255).optional(),
  description: z.string().max(255).optional(),
  stateful: z.boolean().optional(),
  project_id: z.string().optional(),
  tenant_id: z.string().optional(),
});
type GroupFields = z.infer<typeof GroupFields>;

const groups: Collection<SecurityGroup, GroupFields, GroupFields> = {
  path: '/security-groups',
  plural: 'security_groups',
  singular: 'security_group',
  kind: 'security-group',
  rows(call) {
    // Asking for a project's groups is a first touch, too.
    for (const projectId of [...call.query.getAll('project_id'), ...call.query.getAll('tenant_id')]) {
      if (call.cloud.projects.has(projectId)) defaultGroupOf(call.cloud, projectId);
    }
    return call.cloud.securityGroups.values();
  },
  get: (cloud, id) => cloud.securityGroups.get(id),
  missing: missingGroup,
  filters: ['shared', 'stateful'],
  createSchema: GroupFields,
  create(call, fields) {
    const projectId = ownerOf(call, fields);
    defaultGroupOf(call.cloud, projectId);
    if (fields.name === 'default') {
      throw neutronError(409, 'SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
    }
    checkQuota(call.cloud, projectId, 'security_group');
    return call.cloud.securityGroups.add(newGroup(call.cloud, projectId, fields.name ?? '', fields.description ?? ''));
  },
  updateSchema: GroupFields,
  update(_call, group, fields) {
    if (group.name === 'default' && fields.name !== undefined && fields.name !== 'default') {
      throw neutronError(409, 'SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.');
    }
    group.name = fields.name ?? group.name;
    group.description = fields.description ?? group.description;
  },
  remove(call, group) {
    if (group.name === 'default' && !call.isAdmin) {
      throw neutronError(
        409,
        'SecurityGroupCannotRemoveDefault',
        'Insufficient rights for removing default security group.',
      );
    }
    for (const port of call.cloud.ports.values()) {
      if (port.securityGroupIds.includes(group.id)) {
        throw neutronError(409, 'SecurityGroupInUse', `Security Group ${group.id} in use.`);
      }
    }
    call.cloud.securityGroups.remove(group);
  },
  view: (_call, group) => ({
    ...commonView(group),
    stateful: true,
    shared: false,
    security_group_rules: group.rules.map(ruleView),
  }),
};

const RuleFields = z.strictObject({
  security_group_id: z.string(),
  direction: z.enum(['ingress', 'egress']),
  ethertype: z.enum(['IPv4', 'IPv6']).optional(),
  protocol: z.union([z.string(), z.number().int()]).nullable().optional(),
  port_range_min: z.coerce.number().int().nullable().optional(),
  port_range_max: z.coerce.number().int().nullable().optional(),
  remote_ip_prefix: z.string().nullable().optional(),
  remote_group_id: z.string().nullable().optional(),
  remote_address_group_id: z.null().optional(),
  description: z.string().max(255).optional(),
  project_id: z.string().optional(),
  tenant_id: z.string().optional(),
});
type RuleFields = z.infer<typeof RuleFields>;

const rules: Collection<SecurityGroupRule, RuleFields, Record<string, never>> = {
  path: '/security-group-rules',
  plural: 'security_group_rules',
  singular: 'security_group_rule',
  kind: 'security-group-rule',
  *rows(call) {
    for (const group of call.cloud.securityGroups.values()) yield* group.rules;
  },
  get(cloud, id) {
    for (const group of cloud.securityGroups.values()) {
      const rule = group.rules.find((one) => one.id === id);
      if (rule !== undefined) return rule;
    }
    return undefined;
  },
  missing: (id) => neutronError(404, 'SecurityGroupRuleNotFound', `Security group rule ${id} does not exist`),
  filters: [
    'security_group_id',
    'direction',
    'ethertype',
    'protocol',
    'port_range_min',
    'port_range_max',
    'remote_ip_prefix',
    'remote_group_id',
  ],
  createSchema: RuleFields,
  create(call, fields) {
    const group = findGroup(call, fields.security_group_id);
    const wanted = readRule(call, fields);
    const twin = group.rules.find((rule) => contentOf(rule) === contentOf(wanted));
    if (twin !== undefined) {
      throw neutronError(409, 'SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${twin.id}.`);
    }
    checkQuota(call.cloud, group.projectId, 'security_group_rule');
    const rule = newRule(call.cloud, group, { ...wanted, description: fields.description ?? '' });
    group.rules.push(rule);
    touch(group);
    return rule;
  },
  checkMany(many) {
    const seen = new Set<string>();
    for (const fields of many) {
      const { description: _description, ...content } = fields;
      const key = JSON.stringify(Object.entries(content).sort());
      if (seen.has(key)) {
        throw neutronError(409, 'DuplicateSecurityGroupRuleInPost', `Duplicate Security Group Rule in POST.`);
      }
      seen.add(key);
    }
  },
  updateSchema: z.strictObject({}),
  update() {
    throw neutronError(404, 'HTTPNotFound', 'The resource could not be found.');
  },
  remove(call, rule) {
    const group = findGroup(call, rule.securityGroupId);
    group.rules = group.rules.filter((one) => one !== rule);
    touch(group);
  },
  view: (_call, rule) => ruleView(rule),
};

export const securityGroupRoutes = [...collectionRoutes(groups), ...collectionRoutes(rules)];

function missingGroup(id: string) {
  return neutronError(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`);
}

function findGroup(call: Call, id: string): SecurityGroup {
  const group = call.cloud.securityGroups.get(id);
  if (group === undefined || !call.mayAccess(group)) throw missingGroup(id);
  return group;
}

type Wanted = Pick<
  SecurityGroupRule,
  'direction' | 'ethertype' | 'protocol' | 'portMin' | 'portMax' | 'remoteIpPrefix' | 'remoteGroupId'
>;

function readRule(call: Call, fields: RuleFields): Wanted {
  const protocol =
    fields.protocol === null || fields.protocol === undefined ? null : String(fields.protocol).toLowerCase();
  const portMin = fields.port_range_min ?? null;
  const portMax = fields.port_range_max ?? null;
  const isIcmp = protocol !== null && ['icmp', 'icmpv6', 'ipv6-icmp', '1', '58'].includes(protocol);
  if (portMin !== null || portMax !== null) {
    if (protocol === null) {
      throw neutronError(
        400,
        'SecurityGroupProtocolRequiredWithPorts',
        'Must also specify protocol if port range is given.',
      );
    }
    const isRange = portMin !== null && portMax !== null && portMin >= 1 && portMin <= portMax && portMax <= 65_535;
    if (!isIcmp && !isRange) {
      throw neutronError(
        400,
        'SecurityGroupInvalidPortRange',
        'For TCP/UDP protocols, port_range_min must be <= port_range_max',
      );
    }
  }
  if (fields.remote_ip_prefix && fields.remote_group_id) {
    throw neutronError(
      400,
      'SecurityGroupRemoteGroupAndRemoteIpPrefix',
      'Only remote_ip_prefix or remote_group_id may be provided.',
    );
  }
  const remoteGroupId = fields.remote_group_id ? findGroup(call, fields.remote_group_id).id : null;
  const ethertype = fields.ethertype ?? 'IPv4';
  const remoteIpPrefix = fields.remote_ip_prefix ?? null;
  if (remoteIpPrefix !== null && ethertype === 'IPv4' && parseCidr(withBits(remoteIpPrefix)) === null) {
    throw neutronError(
      400,
      'HTTPBadRequest',
      `Invalid input for remote_ip_prefix. Reason: '${remoteIpPrefix}' is not a valid IP subnet.`,
    );
  }
  return { direction: fields.direction, ethertype, protocol, portMin, portMax, remoteIpPrefix, remoteGroupId };
}

const withBits = (prefix: string) => (prefix.includes('/') ? prefix : `${prefix}/32`);

function contentOf(rule: Wanted): string {
  // 0.0.0.0/0 and no prefix at all mean the same.
  const prefix = rule.remoteIpPrefix === '0.0.0.0/0' || rule.remoteIpPrefix === '::/0' ? null : rule.remoteIpPrefix;
  return JSON.stringify([
    rule.direction,
    rule.ethertype,
    rule.protocol,
    rule.portMin,
    rule.portMax,
    prefix,
    rule.remoteGroupId,
  ]);
}

function ruleView(rule: SecurityGroupRule): JsonObject {
  return {
    id: rule.id,
    tenant_id: rule.projectId,
    project_id: rule.projectId,
    security_group_id: rule.securityGroupId,
    direction: rule.direction,
    ethertype: rule.ethertype,
    protocol: rule.protocol,
    port_range_min: rule.portMin,
    port_range_max: rule.portMax,
    remote_ip_prefix: rule.remoteIpPrefix,
    remote_group_id: rule.remoteGroupId,
    remote_address_group_id: null,
    description: rule.description,
    created_at: isoSeconds(rule.createdMs),
    updated_at: isoSeconds(rule.updatedMs),
    revision_number: rule.revision,
    tags: rule.tags,
  };
}
