import type { DraftPart } from '../../planner/plan.js';
import type { NetworkConfig } from '../../schemas/work-order.js';
import { namedNetworks } from '../network-cards.js';
import type { ResolvedPart } from '../provisioner.js';
import type { BandwidthSettings } from './bandwidth-policy.js';
import type { AddressSettings } from './network.js';
import type { Resolving } from './resolve.js';

/** A floating IP with the QoS policy of its bandwidth, bound to a card of its VM; without a VM it stays unbound (Q8). */
export async function resolveAddress(
  resolving: Resolving,
  part: DraftPart,
  config: NetworkConfig,
): Promise<ResolvedPart | null> {
  const { account, tenant, prepare, hold } = resolving;
  const external = await account.catalogue.externalNetwork();
  if (typeof external === 'string') return hold(part, 'newBandwidthValue', 'network_not_found', external);
  const card = cardOf(resolving, part);
  if (!card) {
    const message = 'a card takes one address here, and the VM has no more cards than addresses before this one';
    return hold(part, 'newBandwidthValue', 'public_address_unsupported', message);
  }
  const missing = await account.catalogue.missingForBandwidth();
  if (missing !== null) {
    const message = `${missing}: an address cannot be held to the bandwidth that was sold`;
    return hold(part, 'newBandwidthValue', 'public_address_unsupported', message);
  }
  const policy = `bandwidth-policy/${config.bandwidthMbps}mbps`;
  const name = `orderwright-${config.bandwidthMbps}mbps`;
  const planned: BandwidthSettings = { name, bandwidthMbps: config.bandwidthMbps };
  const held = `QoS policy ${name}: ${config.bandwidthMbps * 1000} kbit/s in each direction`;
  prepare({
    key: policy,
    kind: 'bandwidth-policy',
    platformId: part.platformId,
    settings: planned,
    lines: [{ what: 'bandwidth policy', ordered: `${config.bandwidthMbps} Mbit/s`, resolved: held }],
  });
  const settings: AddressSettings = {
    bandwidthMbps: config.bandwidthMbps,
    externalNetworkId: external.id,
    ...card,
  };
  const ofVm: ResolvedPart['inputs'] =
    part.vmKey === null
      ? {}
      : { vmId: { from: part.vmKey, fact: 'vmId' }, networkId: { from: part.vmKey, fact: 'networkId' } };
  return {
    key: part.key,
    settings,
    needs: {
      'network.reserve': [...tenant.needs, policy],
      ...(part.vmKey === null ? {} : { 'network.bind': [part.vmKey] }),
    },
    inputs: { ...tenant.inputs, qosPolicyId: { from: policy, fact: 'qosPolicyId' }, ...ofVm },
    lines: [
      { what: 'address', ordered: 'public address', resolved: `a floating IP of ${external.name ?? external.id}` },
      { what: 'bandwidth', ordered: `${config.bandwidthMbps}`, resolved: held },
    ],
  };
}

/**
 * The network of the card this address is for: the first address of a VM goes to its default card (not named where a
 * preparation makes its network), the next one to its second card, for Neutron binds one address to a fixed address. Null
 * when no card is left.
 */
function cardOf({ request }: Resolving, part: DraftPart): Pick<AddressSettings, 'networkId'> | null {
  const vm = request.parts.find(({ key }) => key === part.vmKey);
  if (vm?.item.resourceType !== 'VM') return {};
  const siblings = request.parts.filter(
    ({ resourceType, vmKey }) => resourceType === 'NETWORK' && vmKey === part.vmKey,
  );
  const position = siblings.findIndex(({ key }) => key === part.key);
  const cards = namedNetworks(vm.item.config);
  if (cards.length === 0) return position === 0 ? {} : null;
  const card = cards[position];
  return card ? { networkId: card } : null;
}
