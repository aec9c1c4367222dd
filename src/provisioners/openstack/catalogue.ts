import { z } from 'zod';
import { orNull, type OpenStackClient, pathOf } from './client.js';
import { Extension, Flavor, Image, KeyPairRow, Network, NetworkRead, NovaZone, Project, VolumeType } from './schema.js';
import type { OpenStackSettings } from './settings.js';

/** What the cloud has to sell: read seldom, shared by all orders, one read at a time however many ask. */
export interface Catalogue {
  flavors(): Promise<Flavor[]>;
  /** Names of Nova's availability zones that are up. */
  zones(): Promise<string[]>;
  image(id: string): Promise<Image | null>;
  /** Images that can be booted from now. */
  images(): Promise<Image[]>;
  volumeTypes(): Promise<string[]>;
  /** Networks that floating IPs can come from. */
  externalNetworks(): Promise<Network[]>;
  /** The one the settings name, or the only one; else what is wrong, in words. */
  externalNetwork(): Promise<Network | string>;
  network(id: string): Promise<Network | null>;
  /** What of Neutron is missing to hold a floating IP to a bandwidth, in words; null: nothing. */
  missingForBandwidth(): Promise<string | null>;
  /** Key pairs of the platform's own user: they are the only ones that a server it makes can be given. */
  keyPairNames(): Promise<string[]>;
  /** A tenant's project by its name; never kept when it is not there. */
  project(name: string): Promise<Project | null>;
}

const mostEntries = 1_000;
/** Network API reference: QoS policies, and `qos_policy_id` of floating IPs. */
const forBandwidth = ['qos', 'qos-fip'];

export function catalogueOf(
  client: OpenStackClient,
  settings: Pick<OpenStackSettings, 'catalogueTtlMs' | 'externalNetwork'>,
): Catalogue {
  const cached = new Map<string, { until: number; value: Promise<unknown> }>();

  function once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = cached.get(key);
    if (known && known.until > Date.now()) return known.value as Promise<T>;
    if (cached.size > mostEntries) cached.clear();
    const value = read();
    cached.set(key, { until: Date.now() + settings.catalogueTtlMs, value });
    // A failed read is not kept, nor is an absence: somebody may be about to add what is missing.
    const forget = () => {
      if (cached.get(key)?.value === value) cached.delete(key);
    };
    value.then((found) => {
      if (found === null) forget();
    }, forget);
    return value;
  }

  const externalNetworks = () =>
    once('external-networks', async () => {
      const query = { 'router:external': true };
      const rows = await client.list({ service: 'network', path: '/networks', query, key: 'networks', row: Network });
      return rows.filter((network) => network['router:external'] === true);
    });

  return {
    flavors: () =>
      once('flavors', () => client.list({ service: 'compute', path: '/flavors/detail', key: 'flavors', row: Flavor })),
    zones: () =>
      once('zones', async () => {
        const answer = await client.read(
          { service: 'compute', path: '/os-availability-zone' },
          z.object({ availabilityZoneInfo: z.array(NovaZone) }),
        );
        return answer.availabilityZoneInfo.flatMap(({ zoneName, zoneState }) =>
          zoneState.available ? [zoneName] : [],
        );
      }),
    image: (id) =>
      once(`image/${id}`, () => orNull(client.read({ service: 'image', path: `/images/${pathOf(id)}` }, Image))),
    images: () =>
      once('images', () =>
        // Without a limit Glance shows 25.
        client.list({
          service: 'image',
          path: '/images',
          query: { status: 'active', limit: 500 },
          key: 'images',
          row: Image,
        }),
      ),
    volumeTypes: () =>
      once('volume-types', async () => {
        const rows = await client.list({ service: 'volume', path: '/types', key: 'volume_types', row: VolumeType });
        // Cinder's own stand-in for "no type named".
        return rows.map(({ name }) => name).filter((name) => name !== '__DEFAULT__');
      }),
    externalNetworks,
    async externalNetwork() {
      const networks = await externalNetworks();
      const wanted = settings.externalNetwork;
      const names = networks.map(({ id, name }) => `${name ?? ''} (${id})`).join(', ') || 'none';
      if (wanted !== undefined) {
        const found = networks.find(({ id, name }) => id === wanted || name === wanted);
        return found ?? `the external network "${wanted}" is not there or not external; there are: ${names}`;
      }
      const [only, ...others] = networks;
      if (only && others.length === 0) return only;
      return `the cloud has ${networks.length} external networks (${names}): set "externalNetwork"`;
    },
    network: (id) =>
      once(`network/${id}`, async () => {
        const answer = await orNull(client.read({ service: 'network', path: `/networks/${pathOf(id)}` }, NetworkRead));
        return answer?.network ?? null;
      }),
    async missingForBandwidth() {
      const there = await once('extensions', async () => {
        const rows = await client.list({ service: 'network', path: '/extensions', key: 'extensions', row: Extension });
        return new Set(rows.map(({ alias }) => alias));
      });
      const missing = forBandwidth.filter((alias) => !there.has(alias));
      return missing.length === 0 ? null : `Neutron has no extension ${missing.join(', ')}`;
    },
    keyPairNames: () =>
      once('key-pairs', async () => {
        const rows = await client.list({ service: 'compute', path: '/os-keypairs', key: 'keypairs', row: KeyPairRow });
        return rows.map(({ keypair }) => keypair.name);
      }),
    async project(name) {
      const { projectDomainId } = await client.token();
      return once(`project/${name}`, () => readProject(client, name, projectDomainId));
    },
  };
}

/** Names are unique in a domain, and the filter is exact; the comparison is ours all the same. */
export async function readProject(client: OpenStackClient, name: string, domainId: string): Promise<Project | null> {
  const query = { name, domain_id: domainId };
  const rows = await client.list({ service: 'identity', path: '/projects', query, key: 'projects', row: Project });
  return rows.find((project) => project.name === name && (project.domain_id ?? domainId) === domainId) ?? null;
}
