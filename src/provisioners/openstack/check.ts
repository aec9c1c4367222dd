import { z } from 'zod';
import { checkLine } from '../check-line.js';
import type { CheckLine } from '../provisioner.js';
import { checkSizes } from '../sold-sizes.js';
import type { Account } from './account.js';
import { pathOf } from './client.js';
import { regionsOf } from './endpoints.js';
import { chooseFlavor, describeFlavor, nearestFlavors } from './flavors.js';
import { IpAvailability, Role } from './schema.js';
import { isAtLeast, spokenVersion, tagsInCreate, type Versioned, volumeTypeInCreate } from './versions.js';

const dayMs = 24 * 3600_000;
/** Warned about so long before the password of our account ends. */
const soonDays = 14;

/** One line per thing an order will need; a login that fails is the only line, since nothing else could be read. */
export async function check(account: Account): Promise<CheckLine[]> {
  const { client, catalogue, settings } = account;
  const login = await checkLine('login', async () => {
    const { projectId, catalog } = await client.login();
    return `project ${projectId}; regions: ${regionsOf(catalog).join(', ') || 'none'}`;
  });
  if (!login.ok) return [login];
  const zones = [...new Set([...Object.values(settings.zones), settings.defaultZone ?? []].flat())];
  return [
    login,
    await checkLine('password', () => passwordAge(account)),
    ...(await inTurn(['compute', 'network', 'volume', 'image'] as const, (service) =>
      checkLine(`${service} endpoint`, () => client.endpoint(service)),
    )),
    await checkLine('compute versions', () => versions(account, 'compute')),
    await checkLine('volume versions', () => versions(account, 'volume')),
    ...(client.isAdministrator ? [await checkLine('tenant role', () => tenantRole(account))] : []),
    await checkLine('external network', () => externalNetwork(account)),
    await checkLine('bandwidth', async () => {
      const missing = await catalogue.missingForBandwidth();
      return missing === null ? 'addresses can be held to it' : fail(`${missing}: no address can be sold`);
    }),
    await checkLine('flavors', async () => {
      const flavors = await catalogue.flavors();
      if (flavors.length === 0) throw new Error('there are none: nothing can be sold');
      return String(flavors.length);
    }),
    ...(await inTurn(Object.entries(settings.flavors), ([shape, id]) =>
      checkLine(`flavor for ${shape}`, async () => {
        const found = (await catalogue.flavors()).find((flavor) => flavor.id === id);
        if (!found) throw new Error(`the flavor ${id} is not there`);
        const [cpu, memory] = shape.split('-').map(Number);
        if (found.vcpus !== cpu || found.ram !== memory) {
          throw new Error(`the flavor ${found.name} has ${found.vcpus} CPU and ${found.ram} MiB`);
        }
        return found.name;
      }),
    )),
    ...(await checkSizes(settings.soldSizes, async (size) => {
      const wanted = { ...size, rootDiskGib: 0 };
      const flavors = await catalogue.flavors();
      const flavor = chooseFlavor(flavors, wanted, settings.flavors);
      if (flavor) return describeFlavor(flavor);
      throw new Error(`no flavor fits it exactly; ${nearestFlavors(flavors, wanted)}`);
    })),
    await checkLine('zones', async () => (await catalogue.zones()).join(', ') || fail('Nova shows none that is up')),
    ...(await inTurn(zones, (zone) => checkLine(`zone ${zone}`, async () => named(await catalogue.zones(), zone)))),
    ...(settings.volumeZone === undefined ? [] : [await checkLine('volume zone', () => volumeZone(account))]),
    ...(await inTurn(Object.entries(settings.volumeTypes), ([ordered, type]) =>
      checkLine(`volume type for ${ordered}`, async () =>
        type === null ? "the cloud's default" : named(await catalogue.volumeTypes(), type),
      ),
    )),
    ...(await inTurn(Object.entries(settings.images), ([ordered, id]) =>
      checkLine(`image for ${ordered}`, async () => {
        const image = await catalogue.image(id);
        if (!image) throw new Error(`the image ${id} is not there`);
        if (image.status !== 'active') throw new Error(`the image ${id} is ${image.status}`);
        return image.name ?? image.id;
      }),
    )),
    await checkLine('quota', () => quota(account)),
  ];
}

async function passwordAge({ client }: Account): Promise<string> {
  const { passwordExpiresAt } = await client.token();
  if (passwordExpiresAt === null) return 'does not expire';
  const endsAt = new Date(passwordExpiresAt.endsWith('Z') ? passwordExpiresAt : `${passwordExpiresAt}Z`);
  const days = Math.floor((endsAt.getTime() - client.now()) / dayMs);
  const text = `the password of our account expires at ${endsAt.toISOString()}`;
  if (days < soonDays) throw new Error(`${text}, in ${days} days`);
  return text;
}

async function versions({ client }: Account, service: Versioned): Promise<string> {
  const range = await client.versions(service);
  const spoken = spokenVersion(range, service);
  const text = range ? `${range.least} to ${range.most}, spoken: ${spoken}` : 'none, the oldest is spoken';
  if (service === 'compute' && !isAtLeast(spoken, tagsInCreate)) {
    throw new Error(`${text}; servers can be marked from ${tagsInCreate} on only`);
  }
  const missing = service === 'compute' && !isAtLeast(spoken, volumeTypeInCreate);
  return missing ? `${text}; root disks of a certain type need ${volumeTypeInCreate}` : text;
}

async function tenantRole({ client, settings }: Account): Promise<string> {
  const query = { name: settings.tenantRole };
  const rows = await client.list({ service: 'identity', path: '/roles', query, key: 'roles', row: Role });
  return named(
    rows.map(({ name }) => name),
    settings.tenantRole,
  );
}

async function externalNetwork({ client, catalogue }: Account): Promise<string> {
  const network = await catalogue.externalNetwork();
  if (typeof network === 'string') throw new Error(network);
  const text = `${network.name ?? ''} (${network.id})`;
  if (!client.isAdministrator) return `${text}; free addresses are shown to administrators only`;
  const path = `/network-ip-availabilities/${pathOf(network.id)}`;
  const { network_ip_availability: ips } = await client.read({ service: 'network', path }, IpAvailability);
  const free = ips.total_ips - ips.used_ips;
  if (free <= 0) throw new Error(`${text} has no free address: ${ips.used_ips} of ${ips.total_ips} are used`);
  return `${text}, ${free} of ${ips.total_ips} addresses free`;
}

async function volumeZone({ client, settings }: Account): Promise<string> {
  const Zones = z.object({ availabilityZoneInfo: z.array(z.object({ zoneName: z.string() })) });
  const { availabilityZoneInfo } = await client.read({ service: 'volume', path: '/os-availability-zone' }, Zones);
  return named(
    availabilityZoneInfo.map(({ zoneName }) => zoneName),
    settings.volumeZone ?? '',
  );
}

const Limits = z.object({ limits: z.object({ absolute: z.record(z.string(), z.number()) }) });
const Defaults = z.object({ quota_set: z.record(z.string(), z.union([z.number(), z.string()])) });

/** Each tenant has a quota of its own, so with tenants what counts is what a new one gets; else our project's own use. */
async function quota({ client }: Account): Promise<string> {
  if (client.isAdministrator) {
    const { projectId } = await client.token();
    const path = `/os-quota-sets/${pathOf(projectId)}/defaults`;
    const { quota_set } = await client.read({ service: 'compute', path }, Defaults);
    const none = ['instances', 'cores', 'ram'].filter((name) => quota_set[name] === 0);
    if (none.length > 0) throw new Error(`a new tenant may have no ${none.join(', ')}`);
    return `a new tenant may have ${quota_set['instances'] ?? '?'} servers, ${quota_set['cores'] ?? '?'} cores`;
  }
  const compute = (await client.read({ service: 'compute', path: '/limits' }, Limits)).limits.absolute;
  const volume = (await client.read({ service: 'volume', path: '/limits' }, Limits)).limits.absolute;
  const pairs = [
    ['servers', compute['totalInstancesUsed'], compute['maxTotalInstances']],
    ['cores', compute['totalCoresUsed'], compute['maxTotalCores']],
    ['volumes', volume['totalVolumesUsed'], volume['maxTotalVolumes']],
    ['GiB of volumes', volume['totalGigabytesUsed'], volume['maxTotalVolumeGigabytes']],
  ] as const;
  // -1 stands for no limit.
  const full = pairs.filter(([, used = 0, most = -1]) => most >= 0 && used >= most);
  if (full.length > 0) throw new Error(`used up: ${full.map(([what, used]) => `${used} ${what}`).join(', ')}`);
  return pairs
    .map(([what, used = 0, most = -1]) => `${used} of ${most < 0 ? 'any number of' : most} ${what}`)
    .join(', ');
}

function named(names: string[], wanted: string): string {
  if (names.includes(wanted)) return wanted;
  throw new Error(`"${wanted}" is not there; have: ${names.slice(0, 10).join(', ') || 'none'}`);
}

function fail(message: string): never {
  throw new Error(message);
}

async function inTurn<T>(items: readonly T[], look: (item: T) => Promise<CheckLine>): Promise<CheckLine[]> {
  const lines: CheckLine[] = [];
  for (const item of items) lines.push(await look(item));
  return lines;
}
