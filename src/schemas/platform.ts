import { X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** What an operator may say of a data centre. Settings that only one cloud knows are checked by that cloud's own schema. */

const Text = z.string().trim().min(1).max(200);
const Pairs = z.record(z.string().min(1).max(200), z.string().min(1).max(200));

/** Ids that an order can name (`idForm` of wire.ts), at most 64 characters. */
export const PlatformId = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:@-]{0,63}$/, 'must be 1 to 64 letters, digits, or one of . _ : @ -');

/** Without a user or password in it: it is shown to everybody who may read. */
const ServiceUrl = z
  .string()
  .max(2_000)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, username, password, hash } = new URL(text);
    return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '';
  }, 'must be an http or https address without user, password and fragment');

const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** One or several certificates. Looked at here because TLS itself takes any text and then trusts nobody. */
const CaCertificate = z
  .string()
  .max(100_000)
  .refine((text) => {
    const found = text.match(certificates) ?? [];
    return found.length > 0 && found.every(isCertificate);
  }, 'must be one or more certificates in PEM');

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).publicKey.type === 'public';
  } catch {
    return false;
  }
}

/** What the account takes, and how long one call may last. */
export const PlatformLimits = z.strictObject({
  callsPerSecond: z.number().positive().max(10_000).optional(),
  requestTimeoutMs: z.int().min(100).max(600_000).optional(),
});

/** Billing's names → the cloud's names or ids. */
export const PlatformMaps = z.strictObject({
  images: Pairs.optional(),
  diskTypes: Pairs.optional(),
  offerings: Pairs.optional(),
  networks: Pairs.optional(),
  zones: Pairs.optional(),
});

const Template = z
  .string()
  .min(1)
  .max(64)
  .refine(
    (text) => [...text.matchAll(/\{([^{}]*)\}/g)].every(([, name]) => name === 'accountId' || name === 'userId'),
    'may hold {accountId} and {userId} and no other placeholder',
  )
  .refine((text) => /\{(accountId|userId)\}/.test(text), 'must hold {accountId} or {userId}, else all would be one');

/** How a tenant and its user are called at the cloud (Q26): `ct_{accountId}`, `ct_{userId}`. */
export const PlatformNaming = z.strictObject({ tenant: Template.optional(), user: Template.optional() });

/** Sealed at once and never shown. */
const Credentials = z
  .record(z.string().min(1).max(64), z.string().min(1).max(10_000))
  .refine((given) => Object.keys(given).length > 0, 'must not be empty');

/** Settings of the cloud's own schema, and `pace` (`src/machines/pace.ts`). */
const Settings = z.record(z.string(), z.json());

/** How patiently the platform is treated; milliseconds. Looked at where it is written: `pace` goes past the cloud's schema. */
export const PaceSettings = z.strictObject({
  settleMs: z.int().min(0).optional(),
  holdMs: z.int().min(0).optional(),
  cutMs: z.int().min(0).optional(),
  watchMs: z.int().min(1).optional(),
  retryMs: z.int().min(1).optional(),
  retryMaxMs: z.int().min(1).optional(),
  jobDeadlineMs: z.int().min(1).optional(),
  pollMinMs: z.int().min(1).optional(),
  pollMaxMs: z.int().min(1).optional(),
});

const changeable = {
  name: Text,
  shortName: Text.nullable(),
  serviceUrl: ServiceUrl,
  region: Text.nullable(),
  domain: Text.nullable(),
  project: Text.nullable(),
  externalNetwork: Text.nullable(),
  host: Text.nullable(),
  caCertificate: CaCertificate.nullable(),
  limits: PlatformLimits,
  maps: PlatformMaps,
  naming: PlatformNaming,
  credentials: Credentials,
  settings: Settings,
};

/** A data centre to be added: by the API, by `platforms add` and `platforms import`, by ORDERWRIGHT_PLATFORMS. */
export const NewPlatform = z.strictObject({
  ...changeable,
  platformId: PlatformId,
  kind: z.string().min(1).max(40).describe('The cloud: a key of src/provisioners/registry.ts'),
  shortName: changeable.shortName.default(null),
  region: changeable.region.default(null),
  domain: changeable.domain.default(null),
  project: changeable.project.default(null),
  externalNetwork: changeable.externalNetwork.default(null),
  host: changeable.host.default(null),
  caCertificate: changeable.caCertificate.default(null),
  limits: PlatformLimits.default({}),
  maps: PlatformMaps.default({}),
  naming: PlatformNaming.default({}),
  settings: Settings.default({}),
});
export type NewPlatform = z.infer<typeof NewPlatform>;

/** What is given replaces what stood there; what is left out stays. */
export const PlatformChange = z.strictObject(changeable).partial();
export type PlatformChange = z.infer<typeof PlatformChange>;

/** The fields that every cloud's platforms have beside name, kind, address, credentials and settings. */
export type PlatformFields = Pick<
  NewPlatform,
  | 'shortName'
  | 'region'
  | 'domain'
  | 'project'
  | 'externalNetwork'
  | 'host'
  | 'caCertificate'
  | 'limits'
  | 'maps'
  | 'naming'
>;
