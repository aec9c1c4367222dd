import { z } from 'zod';
import type { PlatformConfig } from '../provisioner.js';
import { SoldSizes } from '../sold-sizes.js';
import { NamingRule } from '../tenant-names.js';

const Name = z.string().min(1);
const Cidr = z.cidrv4('must be an IPv4 range such as 10.0.0.0/24');
/** What an operator may set for an OpenStack platform. Unknown keys are refused: a typo must not become a default. */
export const OpenStackSettings = z.strictObject({
  /** Not needed when the catalogue has only one. */
  region: Name.optional(),
  interface: z.enum(['public', 'internal', 'admin']).default('public'),
  /** Of the platform's own account, by name; where it is an administrator. */
  userDomain: Name.default('Default'),
  project: Name.default('admin'),
  projectDomain: Name.default('Default'),
  /** Name or id of the network that floating IPs and routers' gateways come from. Not needed when there is only one. */
  externalNetwork: Name.optional(),
  /** Billing's zoneId → Nova availability zone. A zoneId that is not listed has to be a zone's own name. */
  zones: z.record(z.string(), Name).default({}),
  /** Where to build when an order names no zone. */
  defaultZone: Name.optional(),
  /** Cinder's zones have names of their own; none: Cinder chooses. */
  volumeZone: Name.optional(),
  /** Billing's volumeType → name of the volume type; null: the cloud's default one. */
  volumeTypes: z.record(z.string(), Name.nullable()).default({ SATA: 'SATA', SSD: 'SSD' }),
  /** Billing's imageId → id of the Glance image. An imageId that is not listed has to be an image's own id. */
  images: z.record(z.string(), Name).default({}),
  /** What billing sells here, as `<cpu>-<memory MiB>`: the check says which of it nothing fits. */
  soldSizes: SoldSizes,
  /** `<cpu>-<memory MiB>` or `<cpu>-<memory MiB>-<disk GiB>` → flavor id, where several fit and the choice is not ours. */
  flavors: z.record(z.string().regex(/^\d+-\d+(-\d+)?$/, 'must be cpu-memory or cpu-memory-disk'), Name).default({}),
  /** Names of what a tenant is registered as (Q26). */
  tenantProject: NamingRule.default('ct_{accountId}'),
  tenantUser: NamingRule.default('ct_{userId}'),
  /** The role that a tenant's user, and our own account beside it, get in the tenant's project. */
  tenantRole: Name.default('member'),
  /** `first-order`: a tenant is registered by its first order; `hold`: an order of a tenant that is not registered waits (Q27). */
  registerTenants: z.enum(['first-order', 'hold']).default('first-order'),
  defaultNetwork: z
    .strictObject({ cidr: Cidr.default('10.0.0.0/20'), dns: z.array(z.ipv4()).max(5).default([]) })
    .prefault({}),
  /** Router changes took up to 7 s in the lab, and a body that hangs longer than this has an unknown outcome. */
  requestTimeoutMs: z.int().positive().default(60_000),
  /** OpenStack sets no limit of its own (`limits.rate` is empty). */
  callsPerSecond: z.number().positive().default(50),
  catalogueTtlMs: z.int().nonnegative().default(60_000),
  /** PEM of the authority that signed the servers' certificates, when it is not a public one. */
  caCertificate: Name.optional(),
});
export type OpenStackSettings = z.infer<typeof OpenStackSettings>;

/**
 * A user and password of an administrator, who works in the tenants' projects; or an application credential, which is
 * bound to the one project it was made in: then there are no tenants and everything is built in that project.
 */
export const Credentials = z.union([
  z.object({ username: Name, password: Name }),
  z.object({ applicationCredentialId: Name, applicationCredentialSecret: Name }),
]);
export type Credentials = z.infer<typeof Credentials>;

/** @throws Error naming what is wrong with the settings */
export function readSettings(config: PlatformConfig): OpenStackSettings {
  const read = OpenStackSettings.safeParse(config.settings);
  if (read.success) return read.data;
  throw new Error(`settings of the platform "${config.id}" (openstack): ${z.prettifyError(read.error)}`);
}

/** @throws Error that says which fields are needed, never with their values */
export function readCredentials(config: PlatformConfig): Credentials {
  const read = Credentials.safeParse(config.credentials);
  if (read.success) return read.data;
  throw new Error(
    `credentials of the platform "${config.id}" (openstack) must be username and password, or applicationCredentialId and applicationCredentialSecret`,
  );
}
