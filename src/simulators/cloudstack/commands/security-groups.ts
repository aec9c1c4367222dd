import type { Call, CommandFamily, JobPlan } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { ApiError, inUse, internalError, invalidParameter } from '../errors.js';
import { parseCidr } from '../../ipv4.js';
import type { SecurityGroup, SecurityGroupRule } from '../state/model.js';
import { securityGroupView } from '../views/security-group.js';
import { groupByName } from './vm-security-groups.js';

export const securityGroupCommands: CommandFamily = {
  createSecurityGroup: {
    kind: 'S',
    required: ['name'],
    run(call) {
      const { cloud, params } = call;
      const owner = call.owner();
      const name = params.required('name');
      const exists = [...cloud.securityGroups.ofAccount(owner.id)].some((group) => group.name === name);
      if (exists || name === 'default') {
        throw invalidParameter(`Unable to create security group, a group with name ${name} already exists.`);
      }
      const group = cloud.securityGroups.add({
        id: cloud.newId(),
        accountId: owner.id,
        created: Date.now(),
        name,
        description: params.text('description') ?? '',
        rules: [],
      });
      call.effect('created', 'security-group', group.id, [group.name, group.description]);
      return { securitygroup: securityGroupView(call, group) };
    },
  },
  deleteSecurityGroup: {
    kind: 'S',
    run(call) {
      const { cloud } = call;
      const group = namedGroup(call, 'id', 'name');
      if (group.name === 'default') throw invalidParameter('The network group default is reserved');
      for (const vm of cloud.vms.ofAccount(group.accountId)) {
        if (vm.securityGroupIds.includes(group.id)) throw inUse('Cannot delete group when it has VMs in it');
      }
      cloud.securityGroups.remove(group);
      cloud.tags.delete(group.id);
      call.effect('deleted', 'security-group', group.id, [group.name, group.description]);
      return call.success();
    },
  },
  listSecurityGroups: {
    kind: 'S',
    run(call) {
      const { cloud, params } = call;
      const name = params.text('securitygroupname');
      const vm = call.optionalRow(cloud.vms, 'virtualmachineid');
      groupByName(call, call.namedOwner() ?? call.caller.account, 'default');
      const rows = listRows(call, cloud.securityGroups, {
        keyword: (group) => [group.name],
        accept: (group) =>
          (name === undefined || group.name === name) && (vm === undefined || vm.securityGroupIds.includes(group.id)),
      });
      return listAnswer(call, 'securitygroup', rows, (group) => securityGroupView(call, group));
    },
  },
  authorizeSecurityGroupIngress: {
    kind: 'A',
    cmd: 'user.securitygroup.AuthorizeSecurityGroupIngress',
    run: (call) => authorize(call, 'ingress'),
  },
  authorizeSecurityGroupEgress: {
    kind: 'A',
    cmd: 'user.securitygroup.AuthorizeSecurityGroupEgress',
    run: (call) => authorize(call, 'egress'),
  },
  revokeSecurityGroupIngress: {
    kind: 'A',
    cmd: 'user.securitygroup.RevokeSecurityGroupIngress',
    required: ['id'],
    run: (call) => revoke(call, 'ingress'),
  },
  revokeSecurityGroupEgress: {
    kind: 'A',
    cmd: 'user.securitygroup.RevokeSecurityGroupEgress',
    required: ['id'],
    run: (call) => revoke(call, 'egress'),
  },
};

function namedGroup(call: Call, idName: string, nameName: string): SecurityGroup {
  const byId = call.optionalRow(call.cloud.securityGroups, idName);
  if (byId !== undefined) return byId;
  return groupByName(call, call.owner(), call.params.required(nameName));
}

function authorize(call: Call, direction: SecurityGroupRule['direction']): JobPlan {
  const group = namedGroup(call, 'securitygroupid', 'securitygroupname');
  let added: SecurityGroupRule[] = [];
  return {
    instanceType: 'SecurityGroup',
    instanceId: group.id,
    queue: `security-group:${group.id}`,
    finish() {
      const wanted = readRules(call, direction);
      added = wanted.filter((rule) => !group.rules.some((other) => sameRule(rule, other)));
      // Only rules that exist already: the job fails, and the group has to be listed to see why.
      if (added.length === 0) throw internalError(`Failed to authorize security group ${direction} rule(s)`);
      group.rules.push(...added);
      call.effect('changed', 'security-group', group.id, [group.name]);
      return { securitygroup: securityGroupView(call, group, added) };
    },
    undo() {
      group.rules = group.rules.filter((rule) => !added.includes(rule));
    },
  };
}

/** Checks and rules of reference section 9.5; refused in the job. */
function readRules(call: Call, direction: SecurityGroupRule['direction']): SecurityGroupRule[] {
  const { params, behaviour } = call;
  const protocol = (params.text('protocol') ?? 'all').toLowerCase();
  const cidrs = params.list('cidrlist') ?? [];
  const groups = params.entries('usersecuritygrouplist');
  if (cidrs.length === 0 && groups.length === 0) {
    // The seed's server said 530 here.
    throw new ApiError(
      behaviour.minor <= 4 ? 530 : 431,
      'At least one cidr or at least one security group needs to be specified',
    );
  }
  for (const cidr of cidrs) if (parseCidr(cidr) === null) throw invalidParameter(`Invalid cidr ${cidr}`);
  const ports = readPorts(call, protocol);
  const base = { direction, protocol, ...ports };
  return [
    ...cidrs.map((cidr) => ({ ...base, id: call.cloud.newId(), cidr, group: null })),
    ...groups.map((group) => ({
      ...base,
      id: call.cloud.newId(),
      cidr: null,
      group: { account: group['account'] ?? '', name: group['group'] ?? '' },
    })),
  ];
}

function readPorts(
  call: Call,
  protocol: string,
): Pick<SecurityGroupRule, 'startPort' | 'endPort' | 'icmpType' | 'icmpCode'> {
  const { params } = call;
  const startPort = params.integer('startport') ?? null;
  const endPort = params.integer('endport') ?? null;
  const none = { startPort: null, endPort: null, icmpType: null, icmpCode: null };
  if (protocol === 'all') {
    if (startPort !== null || endPort !== null)
      throw invalidParameter('Cannot specify startPort/endPort and protocol ALL');
    return { ...none, startPort: 0, endPort: 0 };
  }
  if (protocol === 'icmp') {
    return { ...none, icmpType: params.integer('icmptype') ?? -1, icmpCode: params.integer('icmpcode') ?? -1 };
  }
  if (protocol !== 'tcp' && protocol !== 'udp') {
    if (!/^\d{1,3}$/.test(protocol)) throw invalidParameter(`Invalid protocol ${protocol}`);
    return none;
  }
  if (startPort === null || endPort === null)
    throw invalidParameter(`Invalid port numbers: ${protocol} needs startport and endport`);
  if (startPort < 0 || endPort > 65_535 || startPort > endPort) {
    throw invalidParameter(`Invalid port numbers ${startPort}-${endPort}`);
  }
  return startPort === 0 && endPort === 0
    ? { ...none, startPort: 0, endPort: 65_535 }
    : { ...none, startPort, endPort };
}

function sameRule(a: SecurityGroupRule, b: SecurityGroupRule): boolean {
  const shape = ({ id: _id, ...rest }: SecurityGroupRule) => JSON.stringify(rest);
  return shape(a) === shape(b);
}

/** `id` is the rule's, not the group's. */
function revoke(call: Call, direction: SecurityGroupRule['direction']): JobPlan {
  const id = call.params.required('id');
  for (const group of call.cloud.securityGroups.values()) {
    const rule = group.rules.find((one) => one.id === id && one.direction === direction);
    if (rule === undefined) continue;
    call.checkAccess(group.accountId);
    return {
      instanceType: 'SecurityGroup',
      instanceId: group.id,
      queue: `security-group:${group.id}`,
      finish() {
        group.rules = group.rules.filter((one) => one !== rule);
        call.effect('changed', 'security-group', group.id, [group.name]);
        return { success: true };
      },
      pretend: () => ({ success: true }),
    };
  }
  throw call.unknownId('id', id);
}
