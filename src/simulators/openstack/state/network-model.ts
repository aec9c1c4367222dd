import type { Row } from './model.js';

/** What every Neutron resource has. */
export interface NeutronRow extends Row {
  name: string;
  description: string;
  updatedMs: number;
  revision: number;
  tags: string[];
}

export interface Network extends NeutronRow {
  adminStateUp: boolean;
  shared: boolean;
  external: boolean;
  mtu: number;
  portSecurity: boolean;
  qosPolicyId: string | null;
  availabilityZoneHints: string[];
  /** In the order of their making. */
  subnetIds: string[];
  seeded: boolean;
}

export interface Subnet extends NeutronRow {
  networkId: string;
  cidr: string;
  gatewayIp: string | null;
  enableDhcp: boolean;
  dnsNameservers: string[];
  hostRoutes: { destination: string; nexthop: string }[];
  pools: { start: string; end: string }[];
  seeded: boolean;
}

export interface FixedIp {
  subnetId: string;
  ip: string;
}

export interface Port extends NeutronRow {
  networkId: string;
  mac: string;
  fixedIps: FixedIp[];
  deviceId: string;
  deviceOwner: string;
  status: string;
  adminStateUp: boolean;
  securityGroupIds: string[];
  qosPolicyId: string | null;
  portSecurity: boolean;
  allowedAddressPairs: { ip_address: string; mac_address?: string | undefined }[];
  bindingHost: string;
  /** Nova made it, and takes it away with the server. */
  madeByNova: boolean;
}

export interface Router extends NeutronRow {
  status: string;
  adminStateUp: boolean;
  /** Null without a gateway. */
  gatewayNetworkId: string | null;
  gatewayPortId: string | null;
  enableSnat: boolean;
  routes: { destination: string; nexthop: string }[];
}

export interface SecurityGroup extends NeutronRow {
  rules: SecurityGroupRule[];
}

export interface SecurityGroupRule extends NeutronRow {
  securityGroupId: string;
  direction: 'ingress' | 'egress';
  ethertype: 'IPv4' | 'IPv6';
  protocol: string | null;
  portMin: number | null;
  portMax: number | null;
  remoteIpPrefix: string | null;
  remoteGroupId: string | null;
}

export interface FloatingIp extends NeutronRow {
  networkId: string;
  address: string;
  /** Holds the address on the external network. */
  externalPortId: string;
  portId: string | null;
  fixedIp: string | null;
  routerId: string | null;
  status: string;
  qosPolicyId: string | null;
  /** Only the newest change of status that is under way counts. */
  wiring: number;
}

export interface BandwidthRule {
  id: string;
  maxKbps: number;
  maxBurstKbps: number;
  direction: 'egress' | 'ingress';
}

export interface QosPolicy extends NeutronRow {
  shared: boolean;
  isDefault: boolean;
  rules: BandwidthRule[];
}
