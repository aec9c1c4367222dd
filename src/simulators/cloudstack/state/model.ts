import type { JsonObject } from '../../../json.js';

/** Everything that belongs to an account. */
export interface Owned {
  id: string;
  accountId: string;
  created: number;
}

export interface Account extends Owned {
  name: string;
  /** 0 user, 1 root admin, 2 domain admin, 5 the internal account of a project. */
  type: 0 | 1 | 2 | 5;
  domainId: string;
  state: 'enabled' | 'disabled' | 'locked';
  networkDomain: string | null;
  projectId: string | null;
  /** Quotas by resource type; -1 is unlimited. */
  limits: Map<number, number>;
}

export interface User extends Owned {
  username: string;
  password: string;
  firstname: string;
  lastname: string;
  email: string;
  state: 'enabled' | 'disabled' | 'locked';
  timezone: string | null;
  apiKey: string | null;
  secretKey: string | null;
}

export interface Domain {
  id: string;
  name: string;
  path: string;
}

/** `accountId` is the project's internal account, which owns what is made in the project. */
export interface Project extends Owned {
  name: string;
  displaytext: string;
  domainId: string;
  ownerAccountId: string;
  state: 'Active' | 'Disabled' | 'Suspended';
}

export type VmState =
  'Starting' | 'Running' | 'Stopping' | 'Stopped' | 'Destroyed' | 'Expunging' | 'Restoring' | 'Error';

export interface Nic {
  id: string;
  networkId: string;
  ip: string;
  mac: string;
  isDefault: boolean;
}

export interface Vm extends Owned {
  name: string;
  displayname: string;
  instanceName: string;
  state: VmState;
  zoneId: string;
  templateId: string;
  templateName: string;
  passwordEnabled: boolean;
  serviceOfferingId: string;
  cpuNumber: number;
  cpuSpeed: number;
  memoryMib: number;
  group: string | null;
  keypairs: string[];
  securityGroupIds: string[];
  details: Record<string, string>;
  haEnable: boolean;
  dynamicallyScalable: boolean;
  userdata: string | null;
  userId: string;
  nics: Nic[];
  /** Password to print in the result of the start that first uses it. */
  pendingPassword: string | null;
  destroyedAt: number | null;
  /** Host-name keys it holds until expunged. */
  nameKeys: string[];
}

export type VolumeState = 'Allocated' | 'Creating' | 'Ready' | 'Attaching' | 'Resizing' | 'Destroy' | 'Expunging';

export interface Volume extends Owned {
  name: string;
  type: 'ROOT' | 'DATADISK';
  state: VolumeState;
  sizeBytes: number;
  zoneId: string;
  diskOfferingId: string | null;
  vmId: string | null;
  deviceId: number | null;
  attachedAt: number | null;
  snapshotId: string | null;
  storageType: string;
}

export interface Snapshot extends Owned {
  name: string;
  volumeId: string;
  volumeName: string;
  zoneId: string;
  sizeBytes: number;
  state: 'Allocated' | 'Creating' | 'BackedUp' | 'Error';
}

export interface Network extends Owned {
  name: string;
  displaytext: string;
  zoneId: string;
  offeringId: string;
  guestType: 'Isolated' | 'Shared' | 'L2';
  state: 'Allocated' | 'Implementing' | 'Implemented' | 'Setup' | 'Shutdown' | 'Destroy';
  cidr: string | null;
  gateway: string | null;
  netmask: string | null;
  networkDomain: string;
  vpcId: string | null;
  aclId: string | null;
  vlan: string | null;
  seeded: boolean;
  guestIps: { take(wanted?: string): string | null; release(ip: string): void };
}

export interface Vpc extends Owned {
  name: string;
  displaytext: string;
  cidr: string;
  zoneId: string;
  offeringId: string;
  networkDomain: string;
  state: 'Enabled' | 'Inactive';
}

export interface AclList extends Owned {
  name: string;
  description: string;
  vpcId: string | null;
}

export interface AclRule extends Owned {
  listId: string;
  number: number;
  protocol: string;
  action: 'Allow' | 'Deny';
  trafficType: 'Ingress' | 'Egress';
  cidrs: string[];
  startPort: number | null;
  endPort: number | null;
  icmpType: number | null;
  icmpCode: number | null;
  state: 'Staged' | 'Add' | 'Active' | 'Revoke';
}

export interface PublicAddress extends Owned {
  ip: string;
  zoneId: string;
  state: 'Free' | 'Allocating' | 'Allocated' | 'Releasing';
  sourceNat: boolean;
  networkId: string | null;
  vpcId: string | null;
  /** The VM of a static NAT. */
  vmId: string | null;
  vmGuestIp: string | null;
}

/** Firewall rules (ingress on an address, egress on a network) and port forwarding rules. */
export interface FirewallRule extends Owned {
  use: 'firewall' | 'egress' | 'portforwarding';
  addressId: string | null;
  networkId: string | null;
  protocol: string;
  cidrs: string[];
  startPort: number | null;
  endPort: number | null;
  privateStartPort: number | null;
  privateEndPort: number | null;
  icmpType: number | null;
  icmpCode: number | null;
  vmId: string | null;
  state: 'Staged' | 'Add' | 'Active';
}

export interface SecurityGroup extends Owned {
  name: string;
  description: string;
  rules: SecurityGroupRule[];
}

export interface SecurityGroupRule {
  id: string;
  direction: 'ingress' | 'egress';
  protocol: string;
  startPort: number | null;
  endPort: number | null;
  icmpType: number | null;
  icmpCode: number | null;
  cidr: string | null;
  group: { account: string; name: string } | null;
}

export interface KeyPair extends Owned {
  name: string;
  fingerprint: string;
  publicKey: string;
}

export interface Tag {
  key: string;
  value: string;
  resourceType: string;
  accountId: string;
}

export interface Job {
  id: string;
  command: string;
  cmd: string;
  accountId: string;
  userId: string;
  instanceType: string | null;
  instanceId: string | null;
  status: 0 | 1 | 2;
  resultCode: number;
  result: JsonObject | null;
  created: number;
  completed: number | null;
  /** Answers 431 although the work was done (fault job-vanishes). */
  vanished: boolean;
  /** The work is over and the job still says 0 (fault job-never-ends). */
  stuck: boolean;
}
