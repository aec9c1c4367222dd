import { z } from 'zod';
import type { PlatformConfig } from '../provisioner.js';
import { SoldSizes } from '../sold-sizes.js';
import { NamingRule } from '../tenant-names.js';
import { parseCidr } from './cidr.js';

const Cidr = z.string().refine((text) => parseCidr(text) !== null, 'must be an IPv4 range such as 10.0.0.0/16');

/** What an operator may set for a CloudStack platform. Unknown keys are refused: a typo must not become a default. */
export const CloudStackSettings = z.strictObject({
  /** Where to build when an order names no zone. Not needed when the platform has only one. */
  zoneId: z.string().min(1).optional(),
  /** Billing's volumeType → name or id of the disk offering. */
  diskOfferings: z.record(z.string(), z.string().min(1)).default({ SATA: 'SATA', SSD: 'SSD' }),
  /** May an order add a service offering when no existing one fits exactly? Needs root admin keys. */
  createOfferings: z.boolean().default(false),
  /** What billing sells here, as `<cpu>-<memory MiB>`: the check says which of it nothing fits. */
  soldSizes: SoldSizes,
  /** Billing's imageId → id of the template (Q23). An imageId that is not listed has to be a template's own id. */
  images: z.record(z.string(), z.string().min(1)).default({}),
  /** Name or id of the offerings for a tenant's default network. */
  vpcOffering: z.string().min(1).default('Default VPC offering'),
  tierOffering: z.string().min(1).default('DefaultIsolatedNetworkOfferingForVpcNetworks'),
  /** The seed's notes say 10.0.1.0/24, and report gateway clashes as soon as a second subnet comes; hence the larger range. */
  defaultNetwork: z
    .strictObject({ vpcCidr: Cidr.default('10.0.0.0/16'), tierCidr: Cidr.default('10.0.0.0/20') })
    .prefault({})
    .refine(({ vpcCidr, tierCidr }) => {
      const vpc = parseCidr(vpcCidr);
      const tier = parseCidr(tierCidr);
      return vpc !== null && tier !== null && vpc.contains(tier);
    }, 'tierCidr must lie inside vpcCidr'),
  /**
   * Whether each user gets an account of his own: made by his first order (`first-order`), or only by a person, his orders
   * waiting until then (`hold`); `never`: everything is built in the platform's own account. Needs root or domain admin keys.
   */
  registerTenants: z.enum(['first-order', 'hold', 'never']).default('never'),
  tenantAccount: NamingRule.default('ct_{userId}'),
  /** Where the accounts are made; none: in the platform account's own domain. */
  tenantDomainId: z.string().min(1).optional(),
  /** Clock rate asked for where an offering leaves it open. */
  cpuSpeedMhz: z.int().positive().default(1000),
  /** CloudStack's own throttle, where switched on, is 25 a second per account. */
  callsPerSecond: z.number().positive().default(20),
  requestTimeoutMs: z.int().positive().default(10_000),
  /** For `createAccount`, which answers when all is done: seconds alone, half a minute when many are asked for at once. */
  slowRequestTimeoutMs: z.int().positive().default(120_000),
  catalogueTtlMs: z.int().nonnegative().default(60_000),
  /** PEM of the authority that signed the server's certificate, when it is not a public one. */
  caCertificate: z.string().min(1).optional(),
});
export type CloudStackSettings = z.infer<typeof CloudStackSettings>;

/** Keys sign every request; a user name and password open a session instead. */
export const Credentials = z.union([
  z.object({ apiKey: z.string().min(1), secretKey: z.string().min(1) }),
  z.object({ username: z.string().min(1), password: z.string().min(1), domain: z.string().default('/') }),
]);
export type Credentials = z.infer<typeof Credentials>;

export function readSettings(config: PlatformConfig): CloudStackSettings {
  const read = CloudStackSettings.safeParse(config.settings);
  if (read.success) return read.data;
  throw new Error(`settings of the platform "${config.id}" (cloudstack): ${z.prettifyError(read.error)}`);
}

export function readCredentials(config: PlatformConfig): Credentials {
  const read = Credentials.safeParse(config.credentials);
  if (read.success) return read.data;
  // Not zod's own words: they could quote a value.
  throw new Error(
    `credentials of the platform "${config.id}" (cloudstack) must be apiKey and secretKey, or username, password and domain`,
  );
}
