import { z } from 'zod';

/** OpenStack's answers, only the fields we read. What a service leaves out is null. */
const orNull = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? null);
const orEmpty = <T extends z.ZodType>(schema: T) =>
  z
    .array(schema)
    .nullish()
    .transform((value) => value ?? []);
const Id = z.string().min(1);
const Text = orNull(z.string());
const Flag = orNull(z.boolean());
const TextMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

/** Nova's and Cinder's times carry no zone and are UTC: `2026-11-21T05:47:53.277868`. Unreadable ones are null. */
export function readTime(text: string): string | null {
  const time = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
const Time = z
  .unknown()
  .optional()
  .transform((value) => (typeof value === 'string' ? readTime(value) : null));

export const Anything = z.unknown();

// Keystone
export const Project = z.object({
  id: Id,
  name: z.string(),
  domain_id: Text,
  description: Text,
  enabled: Flag,
  tags: orEmpty(z.string()),
});
export type Project = z.infer<typeof Project>;
export const ProjectMade = z.object({ project: Project });
export const User = z.object({ id: Id, name: z.string(), domain_id: Text, enabled: Flag });
export type User = z.infer<typeof User>;
export const UserMade = z.object({ user: User });
export const Role = z.object({ id: Id, name: z.string() });
export const RoleAssignment = z.object({
  role: z.object({ id: Id }),
  user: z.object({ id: Id }).nullish(),
  scope: z.object({ project: z.object({ id: Id }).nullish() }).nullish(),
});

// Nova
const Address = z.object({ addr: z.string(), 'OS-EXT-IPS:type': Text });
export const Server = z.object({
  id: Id,
  /** Servers of an unreachable cell have few fields (2.69). */
  name: z.string().catch(''),
  status: z.string(),
  'OS-EXT-STS:task_state': Text,
  tenant_id: Text,
  metadata: TextMap,
  tags: orEmpty(z.string()),
  addresses: z.record(z.string(), z.array(Address)).catch({}),
  fault: z
    .object({ message: z.string().catch('') })
    .nullish()
    .catch(null),
  created: Time,
  'OS-SRV-USG:launched_at': Time,
});
export type Server = z.infer<typeof Server>;
export const ServerRead = z.object({ server: Server });
export const ServerMade = z.object({ server: z.object({ id: Id, adminPass: z.string().optional() }) });
export const InstanceAction = z.object({
  instanceAction: z.object({
    action: z.string(),
    message: Text,
    events: orEmpty(z.object({ event: z.string(), finish_time: Text, result: Text })),
  }),
});
export const Flavor = z.object({
  id: Id,
  name: z.string(),
  vcpus: z.number(),
  /** MiB. */
  ram: z.number(),
  /** GiB; 0: as large as the image. */
  disk: z.number(),
  'OS-FLV-DISABLED:disabled': Flag,
  'os-flavor-access:is_public': Flag,
  extra_specs: TextMap,
});
export type Flavor = z.infer<typeof Flavor>;
export const NovaZone = z.object({ zoneName: z.string(), zoneState: z.object({ available: z.boolean() }) });
export const KeyPair = z.object({ name: z.string(), fingerprint: Text, public_key: Text });
export type KeyPair = z.infer<typeof KeyPair>;
export const Extension = z.object({ alias: z.string() });
export const KeyPairRow = z.object({ keypair: KeyPair });
export const KeyPairMade = z.object({ keypair: KeyPair.extend({ private_key: z.string().optional() }) });

// Cinder
const Attachment = z.object({ server_id: Id, device: Text });
export const Volume = z.object({
  id: Id,
  name: Text,
  status: z.string(),
  /** GiB. */
  size: orNull(z.number()),
  attachments: orEmpty(Attachment),
  metadata: TextMap,
  created_at: Time,
});
export type Volume = z.infer<typeof Volume>;
export const VolumeRead = z.object({ volume: Volume });
export const VolumeType = z.object({ id: Id, name: z.string() });
export const Snapshot = z.object({
  id: Id,
  name: Text,
  status: z.string(),
  volume_id: Text,
  size: orNull(z.number()),
  metadata: TextMap,
  created_at: Time,
  'os-extended-snapshot-attributes:project_id': Text,
});
export type Snapshot = z.infer<typeof Snapshot>;
export const SnapshotRead = z.object({ snapshot: Snapshot });
export const Backup = z.object({
  id: Id,
  name: Text,
  status: z.string(),
  volume_id: Text,
  size: orNull(z.number()),
  fail_reason: Text,
  created_at: Time,
  'os-backup-project-attr:project_id': Text,
});
export type Backup = z.infer<typeof Backup>;
export const BackupRead = z.object({ backup: Backup });
export const VolumeMessage = z.object({ user_message: z.string(), resource_uuid: Text });

// Neutron
const owned = { id: Id, project_id: Text, name: Text, description: Text, created_at: Time };
export const Network = z.object({
  ...owned,
  status: Text,
  shared: Flag,
  'router:external': Flag,
  subnets: orEmpty(z.string()),
});
export type Network = z.infer<typeof Network>;
export const NetworkRead = z.object({ network: Network });
export const Subnet = z.object({ ...owned, network_id: Text, cidr: Text });
export type Subnet = z.infer<typeof Subnet>;
export const SubnetMade = z.object({ subnet: Subnet });
export const Router = z.object({
  ...owned,
  status: Text,
  external_gateway_info: z.object({ network_id: Text }).nullish(),
});
export type Router = z.infer<typeof Router>;
export const RouterMade = z.object({ router: Router });
export const Port = z.object({
  id: Id,
  project_id: Text,
  description: Text,
  created_at: Time,
  /** Rises with every change. */
  revision_number: orNull(z.number()),
  network_id: Text,
  device_id: Text,
  device_owner: Text,
  fixed_ips: orEmpty(z.object({ subnet_id: Text, ip_address: Text })),
});
export type Port = z.infer<typeof Port>;
export const FloatingIp = z.object({
  id: Id,
  project_id: Text,
  description: Text,
  floating_ip_address: Text,
  port_id: Text,
  qos_policy_id: Text,
  status: Text,
  created_at: Time,
});
export type FloatingIp = z.infer<typeof FloatingIp>;
export const FloatingIpRead = z.object({ floatingip: FloatingIp });
export const SecurityGroup = z.object({ id: Id, project_id: Text, name: Text });
export const SecurityGroupRule = z.object({
  id: Id,
  direction: z.string(),
  ethertype: Text,
  protocol: Text,
  port_range_min: orNull(z.number()),
  port_range_max: orNull(z.number()),
  remote_ip_prefix: Text,
  remote_group_id: Text,
});
export type SecurityGroupRule = z.infer<typeof SecurityGroupRule>;
export const BandwidthRule = z.object({ id: Id, max_kbps: z.number(), direction: z.string().default('egress') });
export const QosPolicy = z.object({ ...owned, shared: Flag });
export type QosPolicy = z.infer<typeof QosPolicy>;
export const QosPolicyMade = z.object({ policy: QosPolicy });
export const IpAvailability = z.object({
  network_ip_availability: z.object({ total_ips: z.number(), used_ips: z.number() }),
});

// Glance
export const Image = z.object({
  id: Id,
  name: Text,
  status: z.string(),
  visibility: Text,
  owner: Text,
  /** Bytes. */
  size: orNull(z.number()),
  virtual_size: orNull(z.number()),
  /** GiB. */
  min_disk: orNull(z.number()),
  /** MiB. */
  min_ram: orNull(z.number()),
  os_type: Text,
  os_distro: Text,
});
export type Image = z.infer<typeof Image>;
