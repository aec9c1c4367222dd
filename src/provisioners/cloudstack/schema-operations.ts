import { z } from 'zod';
import { AclRule, Address, Network, ServiceOffering, Snapshot, VirtualMachine, Volume, Vpc } from './schema.js';
import { CloudDate, Id, Int, orEmpty, orFalse, orNull, ownerFields, Text } from './wire-values.js';

/** CloudStack's answers to what is done beside orders, only the fields that are shown or decided on. */

// Accounts, users, projects. Up to 4.4 lists print the users' keys; they are not read.
export const User = z.object({
  id: Id,
  username: Text,
  firstname: orNull(Text),
  lastname: orNull(Text),
  email: orNull(Text),
  /** `enabled`, `disabled`, `locked`. */
  state: orNull(Text),
  created: CloudDate,
  ...ownerFields,
});
export type User = z.infer<typeof User>;
export const UserMade = z.object({ user: User });
export const CloudAccount = z.object({
  id: Id,
  name: Text,
  /** 0 user, 1 root administrator, 2 domain administrator. */
  accounttype: orNull(Int),
  domainid: Id,
  state: orNull(Text),
  user: orEmpty(z.object({ id: Id, username: Text, state: orNull(Text) })),
});
export type CloudAccount = z.infer<typeof CloudAccount>;
export const CloudAccountMade = z.object({ account: CloudAccount });
export const Project = z.object({
  id: Id,
  name: Text,
  displaytext: orNull(Text),
  /** `Active`, `Disabled` (also while it is made), `Suspended`. */
  state: orNull(Text),
  ...ownerFields,
});
export type Project = z.infer<typeof Project>;

// Security groups.
export const GroupRule = z.object({
  ruleid: Id,
  protocol: orNull(Text),
  startport: orNull(Int),
  endport: orNull(Int),
  icmptype: orNull(Int),
  icmpcode: orNull(Int),
  cidr: orNull(Text),
  /** Set together, instead of `cidr`: the group whose members the rule speaks of. */
  account: orNull(Text),
  securitygroupname: orNull(Text),
});
export type GroupRule = z.infer<typeof GroupRule>;
export const GroupWithRules = z.object({
  id: Id,
  name: Text,
  description: orNull(Text),
  ...ownerFields,
  ingressrule: orEmpty(GroupRule),
  egressrule: orEmpty(GroupRule),
});
export type GroupWithRules = z.infer<typeof GroupWithRules>;
export const GroupMade = z.object({ securitygroup: GroupWithRules });

// Machines and disks.
export const Machine = VirtualMachine.extend({
  displayname: orNull(Text),
  zoneid: orNull(Id),
  templateid: orNull(Id),
  serviceofferingid: orNull(Id),
  cpunumber: orNull(Int),
  /** MiB. */
  memory: orNull(Int),
  ...ownerFields,
});
export type Machine = z.infer<typeof Machine>;
export const MachineChanged = z.object({ virtualmachine: Machine });
export const Disk = Volume.extend({
  /** `ROOT` or `DATADISK`. */
  type: orNull(Text),
  zoneid: orNull(Id),
  diskofferingid: orNull(Id),
  ...ownerFields,
});
export type Disk = z.infer<typeof Disk>;
export const DiskSnapshot = Snapshot.extend({
  name: orNull(Text),
  volumeid: orNull(Id),
  /** `BackedUp` when it can be used. */
  state: orNull(Text),
  created: CloudDate,
});
export type DiskSnapshot = z.infer<typeof DiskSnapshot>;

// Networks.
export const GuestNetwork = Network.extend({
  cidr: orNull(Text),
  gateway: orNull(Text),
  netmask: orNull(Text),
  aclid: orNull(Id),
  networkofferingid: orNull(Id),
});
export type GuestNetwork = z.infer<typeof GuestNetwork>;
export const GuestNetworkMade = z.object({ network: GuestNetwork });
export const VpcWithTiers = Vpc.extend({ cidr: orNull(Text), network: orEmpty(GuestNetwork), ...ownerFields });
export type VpcWithTiers = z.infer<typeof VpcWithTiers>;
export const AclRuleShown = AclRule.extend({
  aclid: orNull(Id),
  protocol: orNull(Text),
  startport: orNull(Int),
  endport: orNull(Int),
  icmptype: orNull(Int),
  icmpcode: orNull(Int),
  /** Comma-separated. */
  cidrlist: orNull(Text),
  /** `Ingress` or `Egress`, `Allow` or `Deny`. */
  traffictype: orNull(Text),
  action: orNull(Text),
});
export type AclRuleShown = z.infer<typeof AclRuleShown>;
export const PublicAddress = Address.extend({
  zoneid: orNull(Id),
  associatednetworkid: orNull(Id),
  vpcid: orNull(Id),
  ...ownerFields,
});
export type PublicAddress = z.infer<typeof PublicAddress>;

// Catalogue, keys, jobs.
export const SizeOffering = ServiceOffering.extend({ displaytext: orNull(Text) });
export type SizeOffering = z.infer<typeof SizeOffering>;
export const SizeOfferingMade = z.object({ serviceoffering: SizeOffering });
export const VpcOfferingShown = z.object({ id: Id, name: Text, state: orNull(Text), isdefault: orFalse });
export type VpcOfferingShown = z.infer<typeof VpcOfferingShown>;
export const KeyPair = z.object({ name: Text, fingerprint: orNull(Text), ...ownerFields });
export type KeyPair = z.infer<typeof KeyPair>;
export const KeyPairMade = z.object({ keypair: KeyPair.extend({ privatekey: orNull(Text) }) });
