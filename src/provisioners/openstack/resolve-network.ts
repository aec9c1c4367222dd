import { type DraftPart, userKey } from '../../planner/plan.js';
import type { VmConfig } from '../../schemas/work-order.js';
import { namedNetworks, type ResolvedNetworks } from '../network-cards.js';
import type { Place, TenantRequest } from '../resolving.js';
import { printable } from './account.js';
import type { DefaultNetworkSettings } from './default-network.js';
import type { Resolving } from './resolve.js';

/** The networks of a VM's cards, the default card's first; none named: the tenant's default network (Q18). */
export async function resolveVmNetworks(
  resolving: Resolving,
  part: DraftPart,
  config: VmConfig,
): Promise<ResolvedNetworks | null> {
  const { account, tenant, hold } = resolving;
  const named = namedNetworks(config);
  if (named.includes(null)) {
    return hold(part, 'networkCards', 'network_card_unreadable', 'a network card names no networkId');
  }
  if (named.length === 0) {
    const key = await defaultNetwork(resolving, part);
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
    const network = await account.catalogue.network(id ?? '');
    // An administrator sees everybody's: another tenant's is as good as not there.
    const isUsable = network && (network.shared === true || network.project_id === tenant.projectId);
    if (!isUsable) {
      const message = `the network ${id} does not exist for this tenant on this platform`;
      return hold(part, 'networkId', 'network_not_found', message);
    }
    networkIds.push(network.id);
    names.push(network.name ?? network.id);
  }
  const lines = [{ what: 'network', ordered: networkIds.join(', '), resolved: names.join(', ') }];
  return { settings: { networkIds }, needs: [], inputs: {}, lines };
}

/** Plans the tenant's default network and answers its key, or null after a hold. */
export async function defaultNetwork(
  resolving: Pick<Resolving, 'account' | 'tenant' | 'hold' | 'prepare'> & { request: TenantRequest },
  part: Place & Pick<DraftPart, 'platformId'>,
): Promise<string | null> {
  const { account, request, tenant, hold, prepare } = resolving;
  const external = await account.catalogue.externalNetwork();
  if (typeof external === 'string') {
    return hold(part, 'networkId', 'network_not_found', `the default network needs a way out, and ${external}`);
  }
  const { userId } = request.order;
  const { cidr, dns } = account.settings.defaultNetwork;
  const settings: DefaultNetworkSettings = {
    name: `${printable(userId, 200)}-network`,
    cidr,
    dns,
    externalNetworkId: external.id,
  };
  const key = userKey('default-network', userId, request.generation);
  prepare({
    key,
    kind: 'default-network',
    platformId: part.platformId,
    ...(tenant.needs.length === 0 ? {} : { needs: tenant.needs, inputs: tenant.inputs }),
    settings,
    lines: [
      { what: 'default network', ordered: 'none', resolved: `${settings.name} ${cidr}` },
      { what: 'router', ordered: 'none', resolved: `to ${external.name ?? external.id}` },
    ],
  });
  return key;
}
