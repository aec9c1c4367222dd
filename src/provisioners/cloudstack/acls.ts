import { begin, type BegunJob } from './begin.js';
import type { CloudStackClient } from './client.js';
import { listKnown } from './lookup.js';
import { AclList } from './schema.js';
import { AclRuleShown } from './schema-operations.js';

/** ACL lists, the firewall of a VPC's tiers (seed C37). The built-in `default_allow` and `default_deny` cannot be edited. */

/** Those of a VPC and the built-in ones. */
export function listAclLists(
  client: CloudStackClient,
  { vpcId, name }: { vpcId?: string; name?: string } = {},
): Promise<AclList[]> {
  return listKnown(client, 'listNetworkACLLists', { vpcid: vpcId, name }, 'networkacllist', AclList);
}

export function createAclList(
  client: CloudStackClient,
  { name, description, vpcId }: { name: string; description?: string; vpcId: string },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'createNetworkACLList', { name, description, vpcid: vpcId }, requestId);
}

/** The job fails while a tier uses it. */
export function deleteAclList(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'deleteNetworkACLList', { id }, requestId);
}

/** Gives a tier another list. */
export function replaceAclList(
  client: CloudStackClient,
  { aclId, networkId }: { aclId: string; networkId: string },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'replaceNetworkACLList', { aclid: aclId, networkid: networkId }, requestId);
}

/** In the order in which they are tried. */
export async function listAclRules(client: CloudStackClient, aclId: string): Promise<AclRuleShown[]> {
  const rows = await listKnown(client, 'listNetworkACLs', { aclid: aclId }, 'networkacl', AclRuleShown);
  return rows.toSorted((a, b) => (a.number ?? 0) - (b.number ?? 0));
}

export interface NewAclRule {
  aclId: string;
  /** Its place in the list, from 1, unique there (431 otherwise); without one the last. */
  number?: number;
  /** `tcp`, `udp`, `icmp`, `all`, or a number. */
  protocol: string;
  startPort?: number;
  endPort?: number;
  icmpType?: number;
  icmpCode?: number;
  /** Without any: anywhere. */
  cidrs?: string[];
  traffic: 'ingress' | 'egress';
  action: 'allow' | 'deny';
}

export function createAclRule(client: CloudStackClient, wanted: NewAclRule, requestId: string): Promise<BegunJob> {
  const params = {
    aclid: wanted.aclId,
    number: wanted.number,
    protocol: wanted.protocol,
    startport: wanted.startPort,
    endport: wanted.endPort,
    icmptype: wanted.icmpType,
    icmpcode: wanted.icmpCode,
    cidrlist: wanted.cidrs?.join(','),
    traffictype: wanted.traffic,
    action: wanted.action,
  };
  return begin(client, 'createNetworkACL', params, requestId);
}

export function deleteAclRule(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'deleteNetworkACL', { id }, requestId);
}
