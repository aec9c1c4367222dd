import { cidrText, parseCidr, toIp } from '../ipv4.js';
import type { Cloud } from './state/cloud.js';
import type { Flavor } from './state/model.js';
import type { NeutronRow } from './state/network-model.js';
import type { Image } from './state/storage-model.js';

/** Ids that the sample orders and checks name; the first image is the one of the sample orders. */
export const seedIds = {
  image: '357fb0ae-3543-4893-9d1f-ef0d04da60dd',
  smallImage: 'c10dc5de-0000-4000-8000-000000000001',
  windowsImage: 'c10dc5de-0000-4000-8000-000000000002',
  inactiveImage: 'c10dc5de-0000-4000-8000-000000000003',
  externalNetwork: 'c10dc5de-0000-4000-8000-000000000010',
  domain: 'default',
  adminProject: 'c10dc5de000040008000000000000020',
  adminUser: 'c10dc5de000040008000000000000021',
  adminRole: 'c10dc5de000040008000000000000030',
  memberRole: 'c10dc5de000040008000000000000031',
  readerRole: 'c10dc5de000040008000000000000032',
} as const;

export interface SeedOptions {
  adminUsername: string;
  adminPassword: string;
  /** When the password of the administrator ends, as a time in ms; never, when left out. */
  adminPasswordExpiresMs?: number;
  /** The addresses of the external network `public`. */
  externalCidrs: string[];
}

/** Ranges set aside for documentation and benchmarks (RFC 5737, RFC 2544): some 16,600 addresses. */
export const defaultExternalCidrs = ['203.0.113.0/24', '198.18.0.0/18'];

/** A fresh DevStack-like install plus what the sample orders ask for. */
export function plantSeedData(cloud: Cloud, options: SeedOptions): void {
  const createdMs = Date.now();
  plantIdentity(cloud, options, createdMs);
  plantFlavors(cloud);
  plantImages(cloud, createdMs);
  for (const [index, name] of ['__DEFAULT__', 'SATA', 'SSD'].entries()) {
    const id = `c10dc5de-0000-4000-8001-00000000000${index + 1}`;
    cloud.volumeTypes.set(id, { id, name, isPublic: true, description: index === 0 ? 'Default Volume Type' : null });
  }
  plantExternalNetwork(cloud, options.externalCidrs, createdMs);
}

function plantIdentity(
  cloud: Cloud,
  { adminUsername, adminPassword, adminPasswordExpiresMs }: SeedOptions,
  createdMs: number,
): void {
  const domainId = seedIds.domain;
  cloud.domains.set(domainId, { id: domainId, name: 'Default', description: 'The default domain', enabled: true });
  cloud.projects.set(seedIds.adminProject, {
    id: seedIds.adminProject,
    name: 'admin',
    domainId,
    description: 'Bootstrap project for initializing the cloud.',
    enabled: true,
    tags: [],
    createdMs,
    seeded: true,
  });
  cloud.users.set(seedIds.adminUser, {
    id: seedIds.adminUser,
    name: adminUsername,
    domainId,
    password: adminPassword,
    description: '',
    email: null,
    enabled: true,
    defaultProjectId: null,
    passwordExpiresMs: adminPasswordExpiresMs ?? null,
    revokedUpToSecond: null,
    createdMs,
    seeded: true,
  });
  const roles: [string, string, string[]][] = [
    [seedIds.adminRole, 'admin', [seedIds.memberRole]],
    [seedIds.memberRole, 'member', [seedIds.readerRole]],
    [seedIds.readerRole, 'reader', []],
  ];
  for (const [id, name, implies] of roles) cloud.roles.set(id, { id, name, implies });
  const grant = { userId: seedIds.adminUser, roleId: seedIds.adminRole };
  cloud.grants.push({ ...grant, targetKind: 'project', targetId: seedIds.adminProject });
  cloud.grants.push({ ...grant, targetKind: 'domain', targetId: domainId });
}

/** Cpus and memory in MiB, each with every disk size; disk 0 is for booting from a volume. */
const shapes = [
  [1, 512],
  [1, 1024],
  [1, 2048],
  [2, 1024],
  [2, 2048],
  [2, 4096],
  [4, 8192],
] as const;
const disksGib = [0, 1, 20, 40, 60, 80];

function plantFlavors(cloud: Cloud): void {
  const add = (flavor: Pick<Flavor, 'id' | 'vcpus' | 'memoryMib' | 'diskGib'> & Partial<Flavor>) =>
    cloud.flavors.set(flavor.id, {
      name: flavor.id,
      isPublic: true,
      disabled: false,
      extraSpecs: {},
      access: new Set(),
      ...flavor,
    });
  for (const [vcpus, memoryMib] of shapes) {
    for (const diskGib of disksGib) {
      add({ id: `c${vcpus}-m${memoryMib}-d${diskGib}`, vcpus, memoryMib, diskGib });
    }
  }
  // Decoys: each fits an order by its numbers and must not be taken.
  add({ id: 'old-c1-m1024-d40', vcpus: 1, memoryMib: 1024, diskGib: 40, disabled: true });
  add({ id: 'private-c1-m1024-d40', vcpus: 1, memoryMib: 1024, diskGib: 40, isPublic: false });
  add({
    id: 'bm-c1-m1024-d40',
    vcpus: 1,
    memoryMib: 1024,
    diskGib: 40,
    extraSpecs: { 'resources:CUSTOM_BAREMETAL': '1', 'resources:VCPU': '0' },
  });
}

function plantImages(cloud: Cloud, createdMs: number): void {
  const add = (image: Pick<Image, 'id' | 'name' | 'minDiskGib' | 'properties'> & Partial<Image>) =>
    cloud.images.set(image.id, {
      owner: seedIds.adminProject,
      status: 'active',
      visibility: 'public',
      sizeBytes: 1024 ** 3,
      minMemoryMib: 0,
      tags: [],
      isProtected: false,
      createdMs,
      updatedMs: createdMs,
      seeded: true,
      ...image,
    });
  const linux = (distro: string) => ({ os_type: 'linux', os_distro: distro });
  add({ id: seedIds.image, name: 'CentOS6.4-x86_64', minDiskGib: 20, properties: linux('centos') });
  add({ id: seedIds.smallImage, name: 'small-linux', minDiskGib: 1, properties: linux('linux') });
  add({
    id: seedIds.windowsImage,
    name: 'Windows-2012R2',
    minDiskGib: 40,
    minMemoryMib: 2048,
    properties: { os_type: 'windows', os_distro: 'windows' },
  });
  add({
    id: seedIds.inactiveImage,
    name: 'withdrawn-linux',
    minDiskGib: 1,
    status: 'deactivated',
    properties: linux('linux'),
  });
}

function plantExternalNetwork(cloud: Cloud, cidrs: string[], createdMs: number): void {
  const row = (id: string, name: string): NeutronRow => ({
    id,
    projectId: seedIds.adminProject,
    createdMs,
    updatedMs: createdMs,
    name,
    description: '',
    revision: 1,
    tags: [],
  });
  const network = cloud.networks.add({
    ...row(seedIds.externalNetwork, 'public'),
    adminStateUp: true,
    shared: false,
    external: true,
    mtu: 1500,
    portSecurity: true,
    qosPolicyId: null,
    availabilityZoneHints: [],
    subnetIds: [],
    seeded: true,
  });
  for (const [index, text] of cidrs.entries()) {
    const cidr = parseCidr(text);
    if (cidr === null) throw new Error(`no CIDR: ${text}`);
    const subnet = cloud.subnets.add({
      ...row(`c10dc5de-0000-4000-8002-${String(index + 1).padStart(12, '0')}`, `public-subnet-${index + 1}`),
      networkId: network.id,
      cidr: cidrText(cidr),
      gatewayIp: toIp(cidr.first + 1),
      enableDhcp: false,
      dnsNameservers: [],
      hostRoutes: [],
      pools: [{ start: toIp(cidr.first + 2), end: toIp(cidr.last - 1) }],
      seeded: true,
    });
    network.subnetIds.push(subnet.id);
  }
}
