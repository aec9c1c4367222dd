import type { Call, CommandFamily, CreatePlan, JobPlan } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { inUse, invalidParameter } from '../errors.js';
import { parseCidr } from '../../ipv4.js';
import type { AclList, AclRule } from '../state/model.js';
import { removeAclList } from '../state/removal.js';
import { aclListView, aclRuleView } from '../views/network.js';

export const aclCommands: CommandFamily = {
  createNetworkACLList: {
    kind: 'AC',
    cmd: 'user.network.CreateNetworkACLList',
    required: ['name', 'vpcid'],
    run: createList,
  },
  deleteNetworkACLList: { kind: 'A', cmd: 'user.network.DeleteNetworkACLList', required: ['id'], run: deleteList },
  replaceNetworkACLList: {
    kind: 'A',
    cmd: 'user.network.ReplaceNetworkACLList',
    required: ['aclid'],
    run: replaceList,
  },
  createNetworkACL: { kind: 'AC', cmd: 'user.network.CreateNetworkACL', required: ['protocol'], run: createRule },
  deleteNetworkACL: { kind: 'A', cmd: 'user.network.DeleteNetworkACL', required: ['id'], run: deleteRule },
  listNetworkACLLists: {
    kind: 'S',
    run(call) {
      const { cloud, params } = call;
      const vpcId = params.text('vpcid');
      const name = params.text('name');
      const wanted = (list: AclList) =>
        (vpcId === undefined || list.vpcId === vpcId || list.vpcId === null) &&
        (name === undefined || list.name === name);
      const rows = listRows(call, cloud.aclLists, { keyword: (list) => [list.name], accept: wanted });
      // The built-in lists are everybody's.
      if (params.text('id') === undefined) {
        for (const list of cloud.aclLists.values()) {
          if (list.vpcId === null && wanted(list) && !rows.includes(list)) rows.push(list);
        }
      }
      return listAnswer(call, 'networkacllist', rows, (list) => aclListView(call, list));
    },
  },
  listNetworkACLs: {
    kind: 'S',
    run(call) {
      const { cloud, params } = call;
      const network = call.optionalRow(cloud.networks, 'networkid');
      const listId = params.text('aclid') ?? network?.aclId ?? undefined;
      const traffic = params.text('traffictype')?.toLowerCase();
      const rows = listRows(call, cloud.aclRules, {
        accept: (rule) =>
          (listId === undefined || rule.listId === listId) &&
          (traffic === undefined || rule.trafficType.toLowerCase() === traffic),
      });
      return listAnswer(call, 'networkacl', rows, (rule) => aclRuleView(call, rule));
    },
  },
};

function createList(call: Call): CreatePlan {
  const { cloud, params } = call;
  const vpc = call.row(cloud.vpcs, 'vpcid');
  const list = cloud.aclLists.add({
    id: cloud.newId(),
    accountId: vpc.accountId,
    created: Date.now(),
    name: params.required('name'),
    description: params.text('description') ?? '',
    vpcId: vpc.id,
  });
  call.effect('created', 'acl-list', list.id, [list.name, list.description]);
  return {
    instanceType: 'NetworkAcl',
    instanceId: list.id,
    finish() {
      if (cloud.aclLists.get(list.id) !== list) throw invalidParameter(`Unable to find ACL list ${list.id}`);
      return { networkacllist: aclListView(call, list) };
    },
    undo: () => removeAclList(call, list),
  };
}

/** A list by id; the built-in ones are found by everybody and cannot be edited. */
function listById(call: Call, name: string): AclList {
  const id = call.params.required(name);
  const list = call.cloud.aclLists.get(id);
  if (list === undefined) throw call.unknownId(name, id);
  if (list.vpcId !== null) call.checkAccess(list.accountId);
  return list;
}

function refuseBuiltIn(list: AclList): void {
  if (list.vpcId === null) throw invalidParameter('Default ACL cannot be modified');
}

function deleteList(call: Call): JobPlan {
  const list = listById(call, 'id');
  return {
    instanceType: 'NetworkAcl',
    instanceId: list.id,
    begin() {
      refuseBuiltIn(list);
      for (const network of call.cloud.networks.ofAccount(list.accountId)) {
        if (network.aclId === list.id) throw inUse(`ACL list ${list.id} is still in use by network ${network.id}`);
      }
    },
    finish() {
      removeAclList(call, list);
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}

function replaceList(call: Call): JobPlan {
  const list = listById(call, 'aclid');
  const network = call.row(call.cloud.networks, 'networkid');
  const before = network.aclId;
  return {
    instanceType: 'NetworkAcl',
    instanceId: list.id,
    queue: `network:${network.id}`,
    begin() {
      if (network.vpcId === null) throw invalidParameter(`Network ${network.id} is not part of a VPC`);
      if (list.vpcId !== null && list.vpcId !== network.vpcId) {
        throw invalidParameter(`Network: ${network.id} and ACL: ${list.id} do not belong to the same VPC`);
      }
    },
    finish() {
      network.aclId = list.id;
      call.effect('changed', 'network', network.id, [network.name]);
      return { success: true };
    },
    undo() {
      network.aclId = before;
    },
  };
}

/** The number is unique in its list: a clash is 431 at once. */
function createRule(call: Call): CreatePlan {
  const { cloud, params } = call;
  const list = ruleList(call);
  refuseBuiltIn(list);
  const protocol = params.required('protocol').toLowerCase();
  const isNumber = /^\d{1,3}$/.test(protocol) && Number(protocol) <= 255;
  if (!isNumber && !['tcp', 'udp', 'icmp', 'all'].includes(protocol))
    throw invalidParameter(`Invalid protocol ${protocol}`);
  const startPort = params.integer('startport') ?? null;
  const endPort = params.integer('endport') ?? startPort;
  if (protocol === 'all' && startPort !== null)
    throw invalidParameter('Start/end port and protocol ALL cannot be combined');
  checkPorts(startPort, endPort);
  const action = (params.text('action') ?? 'allow').toLowerCase();
  if (action !== 'allow' && action !== 'deny')
    throw invalidParameter('Invalid action. Allowed actions are Allow and Deny');
  const traffic = (params.text('traffictype') ?? 'ingress').toLowerCase();
  if (traffic !== 'ingress' && traffic !== 'egress') throw invalidParameter(`Invalid traffictype ${traffic}`);
  const cidrs = params.list('cidrlist') ?? ['0.0.0.0/0'];
  for (const cidr of cidrs)
    if (parseCidr(cidr) === null) throw invalidParameter(`Source cidrs formatting error ${cidr}`);
  const rules = [...cloud.rulesOfAclList.get(list.id)];
  const number = params.integer('number') ?? 1 + rules.reduce((most, rule) => Math.max(most, rule.number), 0);
  if (number < 1) throw invalidParameter(`Invalid number ${number}. Number cannot be < 1`);
  if (rules.some((rule) => rule.number === number)) {
    throw invalidParameter(`ACL item with number ${number} already exists in ACL: ${list.id}`);
  }
  const rule: AclRule = {
    id: cloud.newId(),
    accountId: list.accountId,
    created: Date.now(),
    listId: list.id,
    number,
    protocol,
    action: action === 'allow' ? 'Allow' : 'Deny',
    trafficType: traffic === 'ingress' ? 'Ingress' : 'Egress',
    cidrs,
    startPort,
    endPort,
    icmpType: params.integer('icmptype') ?? null,
    icmpCode: params.integer('icmpcode') ?? null,
    state: 'Staged',
  };
  cloud.aclRules.add(rule);
  cloud.rulesOfAclList.add(list.id, rule);
  call.effect('created', 'acl-rule', rule.id);
  return {
    instanceType: 'NetworkAcl',
    instanceId: rule.id,
    finish() {
      if (cloud.aclRules.get(rule.id) !== rule) throw invalidParameter(`Unable to find ACL item ${rule.id}`);
      rule.state = 'Active';
      return { networkacl: aclRuleView(call, rule) };
    },
    undo: () => removeRule(call, rule),
  };
}

function ruleList(call: Call): AclList {
  if (call.params.text('aclid') !== undefined) return listById(call, 'aclid');
  const network = call.row(call.cloud.networks, 'networkid');
  const list = call.cloud.aclLists.get(network.aclId);
  if (list === undefined) throw invalidParameter(`Network ${network.id} has no ACL list`);
  return list;
}

/** Ports lie between 1 and 65535, the start not above the end. */
export function checkPorts(startPort: number | null, endPort: number | null): void {
  if (startPort === null || endPort === null) return;
  if (startPort < 1 || endPort > 65_535)
    throw invalidParameter(`Ports have to be between 1 and 65535: ${startPort}-${endPort}`);
  if (startPort > endPort) throw invalidParameter(`Start port can't be bigger than end port`);
}

function removeRule(call: Call, rule: AclRule): void {
  if (call.cloud.aclRules.get(rule.id) !== rule) return;
  call.cloud.rulesOfAclList.delete(rule.listId, rule);
  call.cloud.aclRules.remove(rule);
  call.effect('deleted', 'acl-rule', rule.id);
}

function deleteRule(call: Call): JobPlan {
  const rule = call.row(call.cloud.aclRules, 'id');
  return {
    instanceType: 'NetworkAcl',
    instanceId: rule.id,
    finish() {
      removeRule(call, rule);
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}
