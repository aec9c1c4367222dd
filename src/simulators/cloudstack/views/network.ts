import type { JsonObject } from '../../../json.js';
import type { Call } from '../call.js';
import { cloudDate, withoutNulls } from '../envelope.js';
import type { AclList, AclRule, FirewallRule, Network, PublicAddress, Vpc } from '../state/model.js';

export function networkView(call: Call, network: Network): JsonObject {
  const { cloud } = call;
  const offering = cloud.networkOfferings.get(network.offeringId);
  const acl = cloud.aclLists.get(network.aclId);
  const shared = network.guestType === 'Shared';
  return withoutNulls({
    id: network.id,
    name: network.name,
    displaytext: network.displaytext,
    broadcastdomaintype: 'Vlan',
    traffictype: 'Guest',
    gateway: network.gateway,
    netmask: network.netmask,
    cidr: network.cidr,
    zoneid: network.zoneId,
    zonename: cloud.zones.get(network.zoneId)?.name,
    networkofferingid: network.offeringId,
    networkofferingname: offering?.name,
    networkofferingdisplaytext: offering?.displaytext,
    networkofferingconservemode: offering?.conserveMode,
    networkofferingavailability: offering?.availability,
    issystem: false,
    state: network.state,
    related: network.id,
    dns1: '192.0.2.53',
    type: network.guestType,
    vlan: call.caller.isRootAdmin ? network.vlan : null,
    acltype: shared ? 'Domain' : 'Account',
    subdomainaccess: shared ? true : null,
    ...(shared ? { domainid: [...cloud.domains.keys()][0], domain: 'ROOT' } : call.ownerFields(network)),
    isdefault: false,
    service: (offering?.services ?? []).map((service) => ({ name: service.name })),
    networkdomain: network.networkDomain,
    specifyipranges: shared,
    canusefordeploy: true,
    ispersistent: offering?.persistent ?? false,
    restartrequired: false,
    strechedl2subnet: false,
    vpcid: network.vpcId,
    vpcname: call.behaviour.minor >= 13 ? cloud.vpcs.get(network.vpcId)?.name : null,
    aclid: network.aclId,
    aclname: call.behaviour.minor >= 13 ? acl?.name : null,
    created: call.behaviour.minor >= 15 ? cloudDate(network.created) : null,
    tags: call.tagFields(network.id),
  });
}

export function vpcView(call: Call, vpc: Vpc): JsonObject {
  const { cloud } = call;
  return withoutNulls({
    id: vpc.id,
    name: vpc.name,
    displaytext: vpc.displaytext,
    state: vpc.state,
    cidr: vpc.cidr,
    zoneid: vpc.zoneId,
    zonename: cloud.zones.get(vpc.zoneId)?.name,
    vpcofferingid: vpc.offeringId,
    vpcofferingname: call.behaviour.minor >= 13 ? cloud.vpcOfferings.get(vpc.offeringId)?.name : null,
    created: cloudDate(vpc.created),
    ...call.ownerFields(vpc),
    networkdomain: vpc.networkDomain,
    restartrequired: false,
    distributedvpcrouter: false,
    redundantvpcrouter: false,
    regionlevelvpc: false,
    service: vpcServices,
    network: [...cloud.networksOfVpc.get(vpc.id)].map((network) => networkView(call, network)),
    tags: call.tagFields(vpc.id),
  });
}

const vpcServices = ['SourceNat', 'StaticNat', 'PortForwarding', 'NetworkACL', 'Dhcp', 'Dns', 'UserData', 'Lb'].map(
  (name) => ({ name, provider: [{ name: 'VpcVirtualRouter' }] }),
);

export function addressView(call: Call, address: PublicAddress): JsonObject {
  const { cloud } = call;
  const vm = cloud.vms.get(address.vmId);
  return withoutNulls({
    id: address.id,
    ipaddress: address.ip,
    allocated: cloudDate(address.created),
    zoneid: address.zoneId,
    zonename: cloud.zones.get(address.zoneId)?.name,
    issourcenat: address.sourceNat,
    ...call.ownerFields(address),
    forvirtualnetwork: true,
    isstaticnat: address.vmId !== null,
    issystem: false,
    virtualmachineid: address.vmId,
    virtualmachinename: vm?.name,
    virtualmachinedisplayname: vm?.displayname,
    vmipaddress: address.vmGuestIp,
    associatednetworkid: address.networkId,
    associatednetworkname: cloud.networks.get(address.networkId)?.name,
    networkid: publicNetworkId,
    physicalnetworkid: publicNetworkId,
    vpcid: address.vpcId,
    state: address.state,
    isportable: false,
    fordisplay: true,
    tags: call.tagFields(address.id),
  });
}

const publicNetworkId = 'b1a0c5de-0000-4000-8000-000000000060';

export function aclListView(call: Call, list: AclList): JsonObject {
  return withoutNulls({
    id: list.id,
    name: list.name,
    description: list.description,
    vpcid: list.vpcId,
    fordisplay: call.behaviour.minor >= 4 ? true : null,
  });
}

export function aclRuleView(call: Call, rule: AclRule): JsonObject {
  return withoutNulls({
    id: rule.id,
    protocol: rule.protocol,
    startport: rule.startPort === null ? null : String(rule.startPort),
    endport: rule.endPort === null ? null : String(rule.endPort),
    traffictype: rule.trafficType,
    state: rule.state,
    cidrlist: rule.cidrs.join(','),
    icmptype: rule.icmpType,
    icmpcode: rule.icmpCode,
    aclid: rule.listId,
    aclname: call.behaviour.minor >= 13 ? call.cloud.aclLists.get(rule.listId)?.name : null,
    number: rule.number,
    action: rule.action,
    fordisplay: true,
    tags: call.tagFields(rule.id),
  });
}

export function firewallRuleView(call: Call, rule: FirewallRule): JsonObject {
  const address = call.cloud.addresses.get(rule.addressId);
  const vm = call.cloud.vms.get(rule.vmId);
  const forwards = rule.use === 'portforwarding';
  return withoutNulls({
    id: rule.id,
    protocol: rule.protocol,
    startport: forwards ? null : rule.startPort,
    endport: forwards ? null : rule.endPort,
    publicport: forwards ? String(rule.startPort) : null,
    publicendport: forwards ? String(rule.endPort) : null,
    privateport: forwards ? String(rule.privateStartPort) : null,
    privateendport: forwards ? String(rule.privateEndPort) : null,
    icmptype: rule.icmpType,
    icmpcode: rule.icmpCode,
    ipaddressid: rule.addressId,
    ipaddress: address?.ip,
    networkid: rule.networkId,
    virtualmachineid: rule.vmId,
    virtualmachinename: vm?.name,
    state: rule.state,
    cidrlist: rule.cidrs.join(','),
    fordisplay: true,
    tags: call.tagFields(rule.id),
  });
}
