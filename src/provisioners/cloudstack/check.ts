import { checkLine } from '../check-line.js';
import type { CheckLine } from '../provisioner.js';
import { checkSizes } from '../sold-sizes.js';
import { chooseOffering, describeOffering, nearestOfferings } from './offerings.js';
import type { OwnAccount } from './schema.js';
import type { Account } from './submit.js';

const accountTypes: Readonly<Record<number, string>> = {
  0: 'a user',
  1: 'a root administrator',
  2: 'a domain administrator',
};
/** Fields of an account that say how much of its quota is left (`<name>available`: a number as text, or `Unlimited`). */
const quotas = [
  ['vm', 'VMs'],
  ['volume', 'volumes'],
  ['ip', 'public addresses'],
  ['vpc', 'VPCs'],
  ['network', 'networks'],
  ['cpu', 'CPUs'],
  ['memory', 'MiB of memory'],
  ['primarystorage', 'GiB of storage'],
] as const;

/** One line per thing an order will need; a login that fails is the only line, since nothing else could be read. */
export async function check({ catalogue, settings }: Account): Promise<CheckLine[]> {
  const login = await checkLine('login', async () => `CloudStack ${(await catalogue.capability()).cloudstackversion}`);
  if (!login.ok) return [login];
  const own = () => catalogue.ownAccount();
  return [
    login,
    await checkLine('account', async () => rightsOf(await own(), settings)),
    await checkLine('lost answers', async () => {
      if (await catalogue.takesJobIds()) return 'can be asked for: the server takes our job ids';
      throw new Error('cannot be asked for before CloudStack 4.5; a lost answer to an address may need a person');
    }),
    await checkLine('zone', async () => {
      const zones = await catalogue.zones();
      if (settings.zoneId !== undefined) return named(zones, settings.zoneId);
      if (zones.length === 0) throw new Error('the account sees no zone');
      return zones.map(({ id, name }) => `${name} (${id})`).join(', ');
    }),
    await checkLine('service offerings', async () => {
      const { length } = await catalogue.serviceOfferings();
      if (length === 0 && !settings.createOfferings) throw new Error('there are none, and createOfferings is off');
      return `${length}${settings.createOfferings ? ', missing sizes are made' : ''}`;
    }),
    ...(await checkSizes(settings.soldSizes, async (size) => {
      const zones = await catalogue.zones();
      const zoneId = settings.zoneId ?? zones[0]?.id ?? '';
      // Sold with an address it needs one of that bandwidth, too; nobody sells only those.
      const wanted = { ...size, bandwidthMbps: null, zoneId, rootDiskGib: 0, storageTag: null };
      const offerings = await catalogue.serviceOfferings();
      const chosen = chooseOffering(offerings, wanted, settings.cpuSpeedMhz);
      if (chosen) return describeOffering(chosen.offering);
      if (settings.createOfferings) return 'is made when it is ordered';
      throw new Error(`no service offering fits it exactly; ${nearestOfferings(offerings, wanted)}`);
    })),
    ...(await Promise.all(
      Object.entries(settings.diskOfferings).map(([type, nameOrId]) =>
        checkLine(`disk offering for ${type}`, async () => named(await catalogue.diskOfferings(), nameOrId)),
      ),
    )),
    await checkLine('VPC offering', async () => named(await catalogue.vpcOfferings(), settings.vpcOffering)),
    await checkLine('tier offering', async () => named(await catalogue.networkOfferings(), settings.tierOffering)),
    ...(await Promise.all(
      Object.entries(settings.images).map(([ordered, id]) =>
        checkLine(`image for ${ordered}`, async () => {
          const [template] = await catalogue.template(id);
          if (!template) throw new Error(`the template ${id} is not there, or not ours to use`);
          if (!template.isready) throw new Error(`the template ${id} is not ready`);
          return template.name ?? template.id;
        }),
      ),
    )),
    await checkLine('quota', async () => quotaOf(await own(), settings)),
  ];
}

type Settings = Account['settings'];

/** Whether the account may do what its settings let orders ask for. */
function rightsOf({ name, accounttype }: OwnAccount, { registerTenants, createOfferings }: Settings): string {
  const text = `${name}, ${accountTypes[accounttype ?? -1] ?? `of type ${accounttype}`}`;
  if (registerTenants !== 'never' && accounttype !== 1 && accounttype !== 2) {
    throw new Error(`${text}; registering users (registerTenants) takes an administrator of the domain`);
  }
  if (createOfferings && accounttype !== 1) {
    throw new Error(`${text}; making offerings (createOfferings) takes a root administrator`);
  }
  return text;
}

/** Where users have accounts of their own, each of those has a quota of its own. */
function quotaOf(own: OwnAccount, { registerTenants }: Settings): string {
  if (registerTenants !== 'never') return 'each registered user has his own';
  const left = quotas.map(([field, what]) => ({ what, left: own[`${field}available`] }));
  const none = left.filter((one) => Number(one.left ?? 1) <= 0);
  if (none.length > 0) throw new Error(`used up: no more ${none.map(({ what }) => what).join(', ')}`);
  const limited = left.filter((one) => Number.isFinite(Number(one.left ?? undefined)));
  return limited.length === 0 ? 'unlimited' : limited.map((one) => `${one.left} ${one.what} left`).join(', ');
}

function named(rows: { id: string; name: string }[], nameOrId: string): string {
  const found = rows.find(({ id, name }) => id === nameOrId || name === nameOrId);
  if (found) return `${found.name} (${found.id})`;
  const names = rows.map(({ name }) => name).slice(0, 10);
  throw new Error(`"${nameOrId}" is not there; have: ${names.join(', ') || 'none'}`);
}
