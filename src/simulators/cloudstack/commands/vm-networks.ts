import type { Call } from '../call.js';
import { invalidParameter } from '../errors.js';
import type { Zone } from '../state/catalogue-model.js';
import type { Account, Network } from '../state/model.js';
import { makeNetwork } from '../state/networking.js';

export interface NetworkChoice {
  network: Network;
  ip?: string;
  mac?: string;
}

/** The networks of a new VM, the default one first. */
export function networksFor(call: Call, zone: Zone, owner: Account): NetworkChoice[] {
  const { params } = call;
  const ids = params.list('networkids');
  const pairs = params.entries('iptonetworklist');
  if (ids !== undefined && pairs.length > 0) {
    throw invalidParameter("ipToNetworkMap can't be specified along with networkIds or ipAddress");
  }
  if (pairs.length > 0) {
    return pairs.map((pair) => ({
      network: usable(call, zone, pair['networkid'] ?? '', 'iptonetworklist.networkid'),
      ...(pair['ip'] === undefined ? {} : { ip: pair['ip'] }),
      ...(pair['mac'] === undefined ? {} : { mac: pair['mac'] }),
    }));
  }
  const ip = params.text('ipaddress');
  const networks =
    ids === undefined ? [unnamed(call, zone, owner)] : ids.map((id) => usable(call, zone, id, 'networkids'));
  return networks.map((network, index) => (index === 0 && ip !== undefined ? { network, ip } : { network }));
}

/** A network of the caller's reach in this zone; shared networks are everybody's. */
export function usable(call: Call, zone: Zone, id: string, parameter: string): Network {
  const network = call.cloud.networks.get(id);
  if (network === undefined) throw call.unknownId(parameter, id);
  if (network.guestType !== 'Shared') call.checkAccess(network.accountId);
  if (network.zoneId !== zone.id) throw invalidParameter(`Network ${id} is not in zone ${zone.id}`);
  return network;
}

/**
 * Without a network: the account's only one, or a new one from the required offering; several are 431 (reference, section
 * 9.3, inferred there from upstream's documentation).
 */
function unnamed(call: Call, zone: Zone, owner: Account): Network {
  const { cloud } = call;
  if (zone.securityGroups) {
    for (const network of cloud.networks.values()) {
      if (network.zoneId === zone.id && network.guestType === 'Shared') return network;
    }
    throw invalidParameter(`No network with security groups found in zone ${zone.id}`);
  }
  const offering = [...cloud.networkOfferings.values()].find(
    (one) => one.availability === 'Required' && one.state === 'Enabled' && !one.forVpc,
  );
  if (offering === undefined)
    throw invalidParameter('Unable to find a required network offering to create the network from');
  const own = [...cloud.networks.ofAccount(owner.id)].filter(
    (network) => network.zoneId === zone.id && network.guestType === 'Isolated' && network.vpcId === null,
  );
  if (own.length > 1) {
    throw invalidParameter('More than 1 default Isolated networks are found for account; please specify networkIds');
  }
  const [only] = own;
  if (only !== undefined) return only;
  return makeNetwork(call, {
    name: `${owner.name}-network`,
    displaytext: `${owner.name}-network`,
    zoneId: zone.id,
    offering,
    owner,
    cidr: '10.1.1.0/24',
    gateway: '10.1.1.1',
    vpcId: null,
    aclId: null,
    networkDomain: null,
    vlan: null,
  });
}
