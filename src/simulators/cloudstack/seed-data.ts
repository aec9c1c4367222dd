import { cidrText, netmaskOf, parseCidr } from '../ipv4.js';
import { guestPool } from './state/addressing.js';
import type { Cloud } from './state/cloud.js';
import type * as catalogue from './state/catalogue-model.js';
import type * as model from './state/model.js';

/** Made up, and only good for a simulated cloud. */
export const defaultApiKey = 'simulated-cloudstack-api-key-not-a-secret-0000000000000000000000000000000000000000000';
export const defaultSecretKey = 'simulated-cloudstack-secret-key-not-a-secret-000000000000000000000000000000000000000';

/** Ids that the sample orders and checks name; the first three come from the seed's own orders. */
export const seedIds = {
  zone: '0d86f114-7153-4d71-a835-7916a41ab0b7',
  template: '357fb0ae-3543-4893-9d1f-ef0d04da60dd',
  routerOffering: '53db3c3e-2136-4579-8424-3497b9ed751e',
  securityGroupZone: 'b1a0c5de-0000-4000-8000-000000000002',
  domain: '9499b7d4-3527-11e7-b291-005056aa8e4f',
  adminAccount: 'b1a0c5de-0000-4000-8000-000000000010',
  adminUser: 'b1a0c5de-0000-4000-8000-000000000011',
  systemAccount: 'b1a0c5de-0000-4000-8000-000000000012',
  aclAllow: 'b1a0c5de-0000-4000-8000-000000000020',
  aclDeny: 'b1a0c5de-0000-4000-8000-000000000021',
  sharedNetwork: 'b1a0c5de-0000-4000-8000-000000000030',
  vpcOffering: 'b1a0c5de-0000-4000-8000-000000000040',
} as const;

export interface SeedKeys {
  apiKey: string;
  secretKey: string;
  adminPassword: string;
}

/** A fresh install plus what the sample orders ask for (reference, sections 9.2 and 12). */
export function plantSeedData(cloud: Cloud, keys: SeedKeys): void {
  const created = Date.now();
  cloud.domains.set(seedIds.domain, { id: seedIds.domain, name: 'ROOT', path: 'ROOT' });
  plantAccounts(cloud, keys, created);
  cloud.zones.set(seedIds.zone, { id: seedIds.zone, name: 'zone-1', networktype: 'Advanced', securityGroups: false });
  cloud.zones.set(seedIds.securityGroupZone, {
    id: seedIds.securityGroupZone,
    name: 'zone-sg',
    networktype: 'Advanced',
    securityGroups: true,
  });
  cloud.templates.set(seedIds.template, {
    id: seedIds.template,
    name: 'CentOS6.4-x86_64',
    displaytext: 'CentOS 6.4 (64-bit)',
    ostypename: 'CentOS 6.4 (64-bit)',
    sizeGib: 20,
    passwordEnabled: true,
    featured: true,
    ready: true,
    hypervisor: 'KVM',
    zoneIds: [seedIds.zone, seedIds.securityGroupZone],
    created,
  });
  plantOfferings(cloud, created);
  const system = { accountId: seedIds.systemAccount, created };
  cloud.aclLists.add({
    ...system,
    id: seedIds.aclAllow,
    name: 'default_allow',
    description: 'Default Network ACL Allow All',
    vpcId: null,
  });
  cloud.aclLists.add({
    ...system,
    id: seedIds.aclDeny,
    name: 'default_deny',
    description: 'Default Network ACL Deny All',
    vpcId: null,
  });
  plantSharedNetwork(cloud, created);
}

function plantAccounts(cloud: Cloud, keys: SeedKeys, created: number): void {
  for (const [id, name] of [
    [seedIds.adminAccount, 'admin'],
    [seedIds.systemAccount, 'system'],
  ] as const) {
    const account: model.Account = {
      id,
      accountId: id,
      created,
      name,
      type: 1,
      domainId: seedIds.domain,
      state: 'enabled',
      networkDomain: null,
      projectId: null,
      limits: new Map(),
    };
    cloud.accounts.add(account);
    cloud.accountByName.set(`${seedIds.domain}/${name}`, account);
  }
  const admin: model.User = {
    id: seedIds.adminUser,
    accountId: seedIds.adminAccount,
    created,
    username: 'admin',
    password: keys.adminPassword,
    firstname: 'admin',
    lastname: 'cloud',
    email: 'admin@example.invalid',
    state: 'enabled',
    timezone: null,
    apiKey: keys.apiKey,
    secretKey: keys.secretKey,
  };
  cloud.users.add(admin);
  cloud.userByApiKey.set(keys.apiKey, admin);
  cloud.userByName.set(`${seedIds.domain}/admin`, admin);
}

function plantOfferings(cloud: Cloud, created: number): void {
  const service = (serial: number, name: string, cpuNumber: number, cpuSpeed: number, memoryMib: number) =>
    ({
      id: seedId('51', serial),
      name,
      displaytext: name,
      cpuNumber,
      cpuSpeed,
      memoryMib,
      range: null,
      networkRate: null,
      tags: null,
      hostTags: null,
      storageType: 'shared',
      offerHa: false,
      limitCpuUse: false,
      isSystem: false,
      systemVmType: null,
      rootDiskGib: null,
      seeded: true,
      created,
    }) satisfies catalogue.ServiceOffering;
  const services: catalogue.ServiceOffering[] = [
    service(1, 'Small Instance', 1, 500, 512),
    service(2, 'Medium Instance', 1, 1000, 1024),
    // A decoy: fits a 1 CPU / 1 GiB order by its numbers, but no host carries the tag.
    { ...service(3, 'BM-1c1g', 1, 1000, 1024), hostTags: 'baremetal' },
    {
      ...service(4, 'System Offering For Software Router', 1, 500, 256),
      id: seedIds.routerOffering,
      isSystem: true,
      systemVmType: 'domainrouter',
    },
  ];
  for (const offering of services) cloud.serviceOfferings.set(offering.id, offering);

  const disks: [string, number | null, string | null][] = [
    ['Small', 5, null],
    ['Medium', 20, null],
    ['Large', 100, null],
    ['Custom', null, null],
    ['SATA', null, 'SATA'],
    ['SSD', null, 'SSD'],
  ];
  for (const [index, [name, diskGib, tags]] of disks.entries()) {
    const id = seedId('52', index + 1);
    const displaytext = `${name} Disk${diskGib === null ? '' : `, ${diskGib} GB`}`;
    cloud.diskOfferings.set(id, { id, name, displaytext, diskGib, tags, storageType: 'shared', seeded: true, created });
  }
  plantNetworkOfferings(cloud, created);
  cloud.vpcOfferings.set(seedIds.vpcOffering, {
    id: seedIds.vpcOffering,
    name: 'Default VPC offering',
    displaytext: 'Default VPC offering',
    state: 'Enabled',
    isDefault: true,
    created,
  });
}

function plantNetworkOfferings(cloud: Cloud, created: number): void {
  const isolated = ['Dhcp', 'Dns', 'UserData', 'SourceNat', 'StaticNat', 'PortForwarding', 'Firewall', 'Lb', 'Vpn'];
  const tier = ['Dhcp', 'Dns', 'UserData', 'SourceNat', 'StaticNat', 'PortForwarding', 'NetworkACL'];
  const rows: [string, 'Isolated' | 'Shared', boolean, string, string[]][] = [
    ['DefaultIsolatedNetworkOfferingWithSourceNatService', 'Isolated', false, 'VirtualRouter', isolated],
    ['DefaultIsolatedNetworkOfferingForVpcNetworks', 'Isolated', true, 'VpcVirtualRouter', [...tier, 'Lb']],
    ['DefaultIsolatedNetworkOfferingForVpcNetworksNoLB', 'Isolated', true, 'VpcVirtualRouter', tier],
    ['DefaultSharedNetworkOffering', 'Shared', false, 'VirtualRouter', ['Dhcp', 'Dns', 'UserData']],
    [
      'DefaultSharedNetworkOfferingWithSGService',
      'Shared',
      false,
      'VirtualRouter',
      ['Dhcp', 'Dns', 'UserData', 'SecurityGroup'],
    ],
  ];
  for (const [index, [name, guestType, forVpc, provider, services]] of rows.entries()) {
    const id = seedId('53', index + 1);
    cloud.networkOfferings.set(id, {
      id,
      name,
      displaytext: name,
      guestType,
      trafficType: 'Guest',
      forVpc,
      isDefault: true,
      availability: index === 0 ? 'Required' : 'Optional',
      state: 'Enabled',
      networkRate: null,
      serviceOfferingId: null,
      conserveMode: !forVpc,
      persistent: false,
      services: services.map((service) => ({
        name: service,
        providers: [service === 'SecurityGroup' ? 'SecurityGroupProvider' : provider],
      })),
      seeded: true,
      created,
    });
  }
}

/** The guest network of the zone with security groups: VMs there need no network of their own. */
function plantSharedNetwork(cloud: Cloud, created: number): void {
  const cidr = parseCidr('10.64.0.0/16');
  const offering = [...cloud.networkOfferings.values()].find((one) => one.name.endsWith('WithSGService'));
  if (cidr === null || offering === undefined) return;
  cloud.networks.add({
    id: seedIds.sharedNetwork,
    accountId: seedIds.systemAccount,
    created,
    name: 'defaultGuestNetwork',
    displaytext: 'defaultGuestNetwork',
    zoneId: seedIds.securityGroupZone,
    offeringId: offering.id,
    guestType: 'Shared',
    state: 'Setup',
    cidr: cidrText(cidr),
    gateway: '10.64.0.1',
    netmask: netmaskOf(16),
    networkDomain: 'sg.sim.internal',
    vpcId: null,
    aclId: null,
    vlan: '100',
    seeded: true,
    guestIps: guestPool(cidr, '10.64.0.1'),
  });
}

function seedId(family: string, serial: number): string {
  return `b1a0c5de-0000-4000-80${family}-${String(serial).padStart(12, '0')}`;
}
