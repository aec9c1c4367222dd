import { type DraftPart, userKey } from '../../planner/plan.js';
import type { VmConfig } from '../../schemas/work-order.js';
import { namedNetworks, type ResolvedNetworks } from '../network-cards.js';
import type { Place, TenantRequest } from '../resolving.js';
import type { DefaultNetworkSettings } from './default-network.js';
import { printable } from './host-name.js';
import { listKnown, readOne } from './lookup.js';
import type { Resolving } from './resolve.js';
import { isOfTenant } from './resolve-tenant.js';
import { Network, type Zone } from './schema.js';

/** The networks of a VM's cards, the default card's first; none named: the tenant's default network (Q18). */
export async function resolveVmNetworks(
  resolving: Resolving,
  part: DraftPart,
  config: VmConfig,
  zone: Zone,
): Promise<ResolvedNetworks | null> {
  const { account, hold, registration } = resolving;
  const named = namedNetworks(config);
  if (named.includes(null)) {
    return hold(part, 'networkCards', 'network_card_unreadable', 'a network card names no networkId');
  }
  if (named.length === 0 && zone.securitygroupsenabled) return sharedNetwork(resolving, part, zone);
  if (named.length === 0) {
    const key = await defaultNetwork(resolving, part, zone);
    if (key === null) return null;
    return {
      settings: {},
      needs: [key],
      inputs: { networkId: { from: key, fact: 'networkId' } },
      lines: [{ what: 'network', ordered: 'none', resolved: "the tenant's default network" }],
    };
  }
  const networkIds: string[] = [];
  const names: string[] = [];
  for (const id of named) {
    const network = await readOne(account.client, 'listNetworks', id ?? '', 'network', Network);
    const isTheirs = network !== null && (network.type === 'Shared' || isOfTenant(registration, network));
    if (!isTheirs || network.zoneid !== zone.id) {
      const where = isTheirs ? `is not in the zone ${zone.name}` : 'does not exist on this platform';
      return hold(part, 'networkId', 'network_not_found', `the network ${id} ${where}`);
    }
    networkIds.push(network.id);
    names.push(network.name);
  }
  return {
    settings: { networkIds },
    needs: [],
    inputs: {},
    lines: [{ what: 'network', ordered: networkIds.join(', '), resolved: names.join(', ') }],
  };
}

/** Zones with security groups have no VPCs; their VMs share one network, which somebody set up with the zone. */
async function sharedNetwork(
  { account, hold }: Resolving,
  part: DraftPart,
  zone: Zone,
): Promise<ResolvedNetworks | null> {
  const networks = await listKnown(
    account.client,
    'listNetworks',
    { zoneid: zone.id, type: 'Shared' },
    'network',
    Network,
  );
  const shared = networks.filter(({ zoneid, type }) => zoneid === zone.id && type === 'Shared');
  const [only] = shared;
  if (!only || shared.length > 1) {
    const message = `the order names no network and the zone ${zone.name} has ${shared.length} shared ones to choose from`;
    return hold(part, 'networkId', 'network_missing', message);
  }
  return {
    settings: { networkIds: [only.id] },
    needs: [],
    inputs: {},
    lines: [{ what: 'network', ordered: 'none', resolved: `${only.name}, the zone's shared network` }],
  };
}

/** A VPC belongs to one zone: the one that is set, or the only one that can hold it. */
export async function homeZone({ catalogue, settings }: Resolving['account']): Promise<Zone | undefined> {
  const zones = (await catalogue.zones()).filter(({ securitygroupsenabled }) => !securitygroupsenabled);
  if (settings.zoneId !== undefined) return zones.find(({ id }) => id === settings.zoneId);
  return zones.length === 1 ? zones[0] : undefined;
}

type ForTenant = Omit<Resolving, 'request'> & { request: TenantRequest };

/** Plans the tenant's default network and answers its key, or null after a hold. */
export async function defaultNetwork(
  resolving: ForTenant,
  part: Place & Pick<DraftPart, 'platformId'>,
  zone: Zone,
): Promise<string | null> {
  const { account, request, registration, hold, prepare } = resolving;
  const { catalogue, settings } = account;
  const { userId } = request.order;
  const vpcOffering = (await catalogue.vpcOfferings()).find(isCalled(settings.vpcOffering));
  const tierOffering = await tierOfferingOf(resolving);
  if (!vpcOffering || !tierOffering) {
    const missing = vpcOffering
      ? `network offering "${settings.tierOffering}"`
      : `VPC offering "${settings.vpcOffering}"`;
    return hold(
      part,
      'networkId',
      'network_offering_not_found',
      `the default network needs the ${missing}, which is not there or not enabled`,
    );
  }
  // The key in the home zone is plain; another zone's network is another thing.
  const home = await homeZone(account);
  const plain = userKey('default-network', userId, request.generation);
  const key = zone.id === home?.id ? plain : `${plain}/${zone.id}`;
  const planned: DefaultNetworkSettings = {
    vpcName: `${printable(userId, 200)}-vpc`,
    zoneId: zone.id,
    vpcOfferingId: vpcOffering.id,
    tierOfferingId: tierOffering.id,
    ...settings.defaultNetwork,
  };
  prepare({
    key,
    kind: 'default-network',
    platformId: part.platformId,
    ...(registration.owner === null ? {} : { needs: registration.needs, inputs: registration.inputs }),
    settings: planned,
    lines: [
      {
        what: 'default network',
        ordered: 'none',
        resolved: `VPC ${planned.vpcName} ${planned.vpcCidr}, tier ${planned.tierCidr}`,
      },
      { what: 'network offering', ordered: 'none', resolved: tierOffering.name },
    ],
  });
  return key;
}

/** The order may name the router's system offering (Q31); it counts if a network offering uses it, else it is ignored aloud. */
async function tierOfferingOf({ account, request, warn }: ForTenant) {
  const offerings = await account.catalogue.networkOfferings();
  const wanted = Object.values(request.order.systemOfferingIds);
  const byRouter = offerings.find(
    ({ forvpc, serviceofferingid }) => forvpc && serviceofferingid !== null && wanted.includes(serviceofferingid),
  );
  if (!byRouter && wanted.length > 0) {
    const message = "no VPC network offering uses the router offering the order names; the platform's own is used";
    warn({ path: 'systemOfferingIds', code: 'SEM_ROUTER_OFFERING_IGNORED', message });
  }
  return byRouter ?? offerings.find(isCalled(account.settings.tierOffering));
}

const isCalled =
  (nameOrId: string) =>
  ({ id, name }: { id: string; name: string }): boolean =>
    id === nameOrId || name === nameOrId;
