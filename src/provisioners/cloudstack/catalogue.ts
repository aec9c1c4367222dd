import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import { isRefusal } from './refusals.js';
import type { CloudStackClient } from './client.js';
import {
  Capability,
  DiskOffering,
  NetworkOffering,
  OwnAccount,
  ServiceOffering,
  Template,
  VpcOffering,
  Zone,
} from './schema.js';

/** The cloud's price list, so to speak: read seldom, shared by all orders, one read at a time however many ask. */
export interface Catalogue {
  zones(): Promise<Zone[]>;
  /** One row per zone; empty when the image is unknown or not ours to use. */
  template(id: string): Promise<Template[]>;
  serviceOfferings(): Promise<ServiceOffering[]>;
  diskOfferings(): Promise<DiskOffering[]>;
  networkOfferings(): Promise<z.infer<typeof NetworkOffering>[]>;
  vpcOfferings(): Promise<z.infer<typeof VpcOffering>[]>;
  capability(): Promise<z.infer<typeof Capability>['capability']>;
  /** The account we speak as. */
  ownAccount(): Promise<OwnAccount>;
  /** From 4.5 on a job can be given an id of our choosing; without it a lost answer cannot be asked for. */
  takesJobIds(): Promise<boolean>;
  /** From 4.19 on a password of the customer's choice can be given to deployVirtualMachine. */
  takesPasswords(): Promise<boolean>;
  /** From 4.16 on a reboot can be forced; before, the parameter is ignored. */
  takesForcedReboots(): Promise<boolean>;
  /** After we added an offering ourselves. */
  forgetServiceOfferings(): void;
}

const mostTemplates = 500;

export function catalogueOf(client: CloudStackClient, ttlMs: number): Catalogue {
  const cached = new Map<string, { until: number; value: Promise<unknown> }>();

  function once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = cached.get(key);
    if (known && known.until > Date.now()) return known.value as Promise<T>;
    const value = read();
    cached.set(key, { until: Date.now() + ttlMs, value });
    // A failed read is not kept: the next one who asks tries again.
    value.catch(() => {
      if (cached.get(key)?.value === value) cached.delete(key);
    });
    return value;
  }

  const capability = () =>
    once('capability', async () => (await client.read('listCapabilities', {}, Capability)).capability);

  async function isAtLeast(wanted: number): Promise<boolean> {
    const [major = 0, minor = 0] = (await capability()).cloudstackversion.split('.').map(Number);
    return major > 4 || (major === 4 && minor >= wanted);
  }

  return {
    capability,
    zones: () => once('zones', () => client.list('listZones', { available: true }, 'zone', Zone)),
    template: (id) => {
      if (cached.size > mostTemplates) cached.clear();
      return once(`template/${id}`, () => readTemplate(client, id));
    },
    serviceOfferings: () =>
      once('service', () => client.list('listServiceOfferings', {}, 'serviceoffering', ServiceOffering)),
    diskOfferings: () => once('disk', () => client.list('listDiskOfferings', {}, 'diskoffering', DiskOffering)),
    networkOfferings: () =>
      once('network', () =>
        client.list('listNetworkOfferings', { state: 'Enabled' }, 'networkoffering', NetworkOffering),
      ),
    vpcOfferings: () =>
      once('vpc', () => client.list('listVPCOfferings', { state: 'Enabled' }, 'vpcoffering', VpcOffering)),
    ownAccount: () =>
      once('own-account', async () => {
        // Without `listall` an account lists itself alone, administrators too.
        const [own] = await client.list('listAccounts', {}, 'account', OwnAccount);
        if (!own)
          throw new ProvisioningError('ask-human', 'CLD_PERMISSION', 'CloudStack does not show our own account');
        return own;
      }),
    takesJobIds: () => isAtLeast(5),
    takesPasswords: () => isAtLeast(19),
    takesForcedReboots: () => isAtLeast(16),
    forgetServiceOfferings: () => void cached.delete('service'),
  };
}

async function readTemplate(client: CloudStackClient, id: string): Promise<Template[]> {
  try {
    // Not `list`: the rows of one template share its id and differ by zone.
    const params = { templatefilter: 'executable', id, page: 1, pagesize: 500 };
    const { rows } = await client.page('listTemplates', params, 'template', Template);
    return rows.filter((row) => row.id.toLowerCase() === id.toLowerCase());
  } catch (error) {
    if (isRefusal(error, 431)) return [];
    throw error;
  }
}
