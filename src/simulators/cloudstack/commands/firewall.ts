import type { Call, CommandFamily, CreatePlan, JobPlan } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { invalidParameter, ruleConflict } from '../errors.js';
import { parseCidr } from '../../ipv4.js';
import type { FirewallRule } from '../state/model.js';
import { firewallRuleView } from '../views/network.js';
import { checkPorts } from './acls.js';

export const firewallCommands: CommandFamily = {
  createFirewallRule: {
    kind: 'AC',
    cmd: 'user.firewall.CreateFirewallRule',
    required: ['ipaddressid', 'protocol'],
    run: (call) => create(call, 'firewall'),
  },
  createEgressFirewallRule: {
    kind: 'AC',
    cmd: 'user.firewall.CreateEgressFirewallRule',
    required: ['networkid', 'protocol'],
    run: (call) => create(call, 'egress'),
  },
  createPortForwardingRule: {
    kind: 'AC',
    cmd: 'user.firewall.CreatePortForwardingRule',
    required: ['ipaddressid', 'protocol', 'publicport', 'privateport', 'virtualmachineid'],
    run: (call) => create(call, 'portforwarding'),
  },
  deleteFirewallRule: { kind: 'A', cmd: 'user.firewall.DeleteFirewallRule', required: ['id'], run: remove },
  deleteEgressFirewallRule: { kind: 'A', cmd: 'user.firewall.DeleteEgressFirewallRule', required: ['id'], run: remove },
  deletePortForwardingRule: { kind: 'A', cmd: 'user.firewall.DeletePortForwardingRule', required: ['id'], run: remove },
  listFirewallRules: { kind: 'S', run: (call) => list(call, 'firewall') },
  listEgressFirewallRules: { kind: 'S', run: (call) => list(call, 'egress') },
  listPortForwardingRules: { kind: 'S', run: (call) => list(call, 'portforwarding') },
  // libcloud asks for them whenever it lists nodes; the rules themselves are not simulated.
  listIpForwardingRules: { kind: 'S', run: () => ({}) },
};

/** The key of a rule in answers: egress rules print `firewallrule` too. */
const objectOf = (use: FirewallRule['use']) => (use === 'portforwarding' ? 'portforwardingrule' : 'firewallrule');

function create(call: Call, use: FirewallRule['use']): CreatePlan {
  const { cloud, params } = call;
  const address = use === 'egress' ? undefined : call.row(cloud.addresses, 'ipaddressid');
  const network = use === 'egress' ? call.row(cloud.networks, 'networkid') : undefined;
  const vm = use === 'portforwarding' ? call.row(cloud.vms, 'virtualmachineid') : undefined;
  const protocol = params.required('protocol').toLowerCase();
  const forwards = use === 'portforwarding';
  const startPort = params.integer(forwards ? 'publicport' : 'startport') ?? null;
  const endPort = params.integer(forwards ? 'publicendport' : 'endport') ?? startPort;
  checkPorts(startPort, endPort);
  if (address?.vpcId !== undefined && address.vpcId !== null && use === 'firewall') {
    throw invalidParameter(
      'Unable to create firewall rule for the ip address which belongs to a VPC: VPC tiers use ACLs',
    );
  }
  if (network?.vpcId !== undefined && network.vpcId !== null) {
    throw invalidParameter('Egress firewall rules are not for VPC tiers, which use ACLs');
  }
  if (forwards && address?.vmId !== null)
    throw ruleConflict(`Ip address ${address?.id} already has static NAT enabled`);
  if (forwards && vm !== undefined && vm.nics.length === 0) throw invalidParameter(`VM ${vm.id} has no nic`);
  const cidrs = params.list('cidrlist') ?? ['0.0.0.0/0'];
  for (const cidr of cidrs)
    if (parseCidr(cidr) === null) throw invalidParameter(`Source cidrs formatting error ${cidr}`);
  refuseClash(call, use, address?.id ?? network?.id ?? '', protocol, startPort, endPort, cidrs);
  const rule: FirewallRule = {
    id: cloud.newId(),
    accountId: address?.accountId ?? network?.accountId ?? call.caller.account.id,
    created: Date.now(),
    use,
    addressId: address?.id ?? null,
    networkId: network?.id ?? params.text('networkid') ?? address?.networkId ?? null,
    protocol,
    cidrs,
    startPort,
    endPort,
    privateStartPort: forwards ? (params.integer('privateport') ?? null) : null,
    privateEndPort: forwards ? (params.integer('privateendport') ?? params.integer('privateport') ?? null) : null,
    icmpType: params.integer('icmptype') ?? null,
    icmpCode: params.integer('icmpcode') ?? null,
    vmId: vm?.id ?? null,
    state: 'Staged',
  };
  cloud.firewallRules.add(rule);
  if (rule.addressId !== null) cloud.rulesOfAddress.add(rule.addressId, rule);
  call.effect('created', forwards ? 'port-forwarding-rule' : 'firewall-rule', rule.id);
  return {
    instanceType: forwards ? 'PortForwardingRule' : 'FirewallRule',
    instanceId: rule.id,
    queue: `addresses:${address?.vpcId ?? rule.networkId ?? rule.id}`,
    finish() {
      if (cloud.firewallRules.get(rule.id) !== rule) throw invalidParameter(`Unable to find rule ${rule.id}`);
      rule.state = 'Active';
      return { [objectOf(use)]: firewallRuleView(call, rule) };
    },
    undo: () => drop(call, rule),
  };
}

function refuseClash(
  call: Call,
  use: FirewallRule['use'],
  placeId: string,
  protocol: string,
  startPort: number | null,
  endPort: number | null,
  cidrs: string[],
): void {
  const rules = use === 'egress' ? call.cloud.firewallRules.values() : call.cloud.rulesOfAddress.get(placeId);
  for (const rule of rules) {
    const elsewhere = rule.use !== use || (use === 'egress' && rule.networkId !== placeId);
    if (elsewhere || rule.protocol !== protocol) continue;
    const apart =
      startPort !== null &&
      rule.endPort !== null &&
      (startPort > rule.endPort || (endPort ?? startPort) < (rule.startPort ?? 0));
    const otherCidrs = use !== 'portforwarding' && !rule.cidrs.some((cidr) => cidrs.includes(cidr));
    if (!apart && !otherCidrs) {
      throw ruleConflict(
        `The range specified, ${startPort}-${endPort}, conflicts with rule ${rule.id} which has ${rule.startPort}-${rule.endPort}`,
      );
    }
  }
}

function drop(call: Call, rule: FirewallRule): void {
  if (call.cloud.firewallRules.get(rule.id) !== rule) return;
  if (rule.addressId !== null) call.cloud.rulesOfAddress.delete(rule.addressId, rule);
  call.cloud.firewallRules.remove(rule);
  call.effect('deleted', rule.use === 'portforwarding' ? 'port-forwarding-rule' : 'firewall-rule', rule.id);
}

function remove(call: Call): JobPlan {
  const rule = call.row(call.cloud.firewallRules, 'id');
  return {
    instanceType: 'FirewallRule',
    instanceId: rule.id,
    finish() {
      drop(call, rule);
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}

function list(call: Call, use: FirewallRule['use']) {
  const addressId = call.params.text('ipaddressid');
  const networkId = call.params.text('networkid');
  const rows = listRows(call, call.cloud.firewallRules, {
    accept: (rule) =>
      rule.use === use &&
      (addressId === undefined || rule.addressId === addressId) &&
      (networkId === undefined || rule.networkId === networkId),
  });
  return listAnswer(call, objectOf(use), rows, (rule) => firewallRuleView(call, rule));
}
