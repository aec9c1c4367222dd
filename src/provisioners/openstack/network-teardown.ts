import { type OpenStackClient, orNull, pathOf } from './client.js';
import { Anything, FloatingIp, IpAvailability, Network, NetworkRead, Port } from './schema.js';
import type { Scope } from './tokens.js';

/** Owners of a router's legs in a tenant's subnets; distributed and highly available routers have words of their own. */
const interfaceOwners = [
  'network:router_interface',
  'network:router_interface_distributed',
  'network:ha_router_replicated_interface',
];
const gatewayOwner = 'network:router_gateway';

/** The networks of a project, and with `isSharedToo` those that everybody may use (O8). */
export async function listNetworks(client: OpenStackClient, scope: Scope, isSharedToo = false): Promise<Network[]> {
  const { projectId } = await client.token(scope);
  const rows = await client.list({ service: 'network', scope, path: '/networks', key: 'networks', row: Network });
  return rows.filter((one) => one.project_id === projectId || (isSharedToo && one.shared === true));
}

/** Addresses of a network, for administrators; null when there is no such network (O9). */
export async function ipAvailability(
  client: OpenStackClient,
  networkId: string,
): Promise<{ total: number; used: number } | null> {
  const path = `/network-ip-availabilities/${pathOf(networkId)}`;
  const answer = await orNull(client.read({ service: 'network', path }, IpAvailability));
  if (!answer) return null;
  const { total_ips: total, used_ips: used } = answer.network_ip_availability;
  return { total, used };
}

/** Gone already is as good as deleted (O10). */
export function deleteFloatingIp(client: OpenStackClient, scope: Scope, id: string): Promise<void> {
  return remove(client, scope, `/floatingips/${pathOf(id)}`);
}

/** Ports with an address in a subnet (O12). The filter of Neutron's is compared here. */
export async function portsOfSubnet(client: OpenStackClient, scope: Scope, subnetId: string): Promise<Port[]> {
  const query = { fixed_ips: `subnet_id=${subnetId}` };
  const rows = await client.list({ service: 'network', scope, path: '/ports', query, key: 'ports', row: Port });
  return rows.filter(({ fixed_ips }) => fixed_ips.some(({ subnet_id }) => subnet_id === subnetId));
}

/** By its port, which is right also where a router has several legs in one subnet (O13). */
export async function removeRouterInterface(client: OpenStackClient, scope: Scope, port: Port): Promise<void> {
  const path = `/routers/${pathOf(port.device_id ?? '')}/remove_router_interface`;
  const body = { port_id: port.id };
  await orNull(client.change({ service: 'network', scope, method: 'PUT', path, body }, Anything));
}

/** Refused (409, `CLD_IN_USE`) while floating IPs go through it (O14). */
export async function removeRouterGateway(client: OpenStackClient, scope: Scope, routerId: string): Promise<void> {
  const path = `/routers/${pathOf(routerId)}`;
  const body = { router: { external_gateway_info: {} } };
  await orNull(client.change({ service: 'network', scope, method: 'PUT', path, body }, Anything));
}

export function deletePort(client: OpenStackClient, scope: Scope, id: string): Promise<void> {
  return remove(client, scope, `/ports/${pathOf(id)}`);
}

/** What a tear-down did, in the order it was done: `floating-ip <id>`, `interface <port>`, … */
export type TornDown = string[];

/**
 * Takes a network down with all that hangs on it, in the only order Neutron allows (reference 7.4; seed O13-O16): floating
 * IPs of its ports, the routers' legs, gateways of the routers that have no other leg, all other ports, subnets, the network,
 * and last those routers. May be repeated: what is gone is passed over. Neutron's own ports (DHCP)
 * go with the network; servers have to be gone before.
 *
 * @throws Error naming the servers that still have a card in it; nothing has been done then
 */
export async function tearDownNetwork(client: OpenStackClient, scope: Scope, networkId: string): Promise<TornDown> {
  const call = { service: 'network', scope, path: `/networks/${pathOf(networkId)}` } as const;
  const read = await orNull(client.read(call, NetworkRead));
  if (!read) return [];
  const ports = await portsOfNetwork(client, scope, networkId);
  const servers = serversOf(ports);
  if (servers.length > 0) throw new Error(`the network ${networkId} still has servers: ${servers.join(', ')}`);
  const done: TornDown = [];
  for (const address of await addressesOf(client, scope, ports)) {
    await deleteFloatingIp(client, scope, address.id);
    done.push(`floating-ip ${address.id}`);
  }
  const legs = ports.filter(({ device_owner }) => interfaceOwners.includes(device_owner ?? ''));
  for (const port of legs) {
    await removeRouterInterface(client, scope, port);
    done.push(`interface ${port.id}`);
  }
  const routers = [...new Set(legs.flatMap(({ device_id }) => device_id ?? []))];
  const empty: string[] = [];
  for (const id of routers) if (!(await hasLegs(client, scope, id))) empty.push(id);
  for (const id of empty) {
    await removeRouterGateway(client, scope, id);
    done.push(`gateway ${id}`);
  }
  for (const port of ports.filter(isOrdinary)) {
    await deletePort(client, scope, port.id);
    done.push(`port ${port.id}`);
  }
  for (const id of read.network.subnets) {
    await remove(client, scope, `/subnets/${pathOf(id)}`);
    done.push(`subnet ${id}`);
  }
  await remove(client, scope, `/networks/${pathOf(networkId)}`);
  done.push(`network ${networkId}`);
  for (const id of empty) {
    await deleteRouter(client, scope, id);
    done.push(`router ${id}`);
  }
  return done;
}

/** Ids of the servers that have a card in a network. */
export async function serversOfNetwork(client: OpenStackClient, scope: Scope, networkId: string): Promise<string[]> {
  return serversOf(await portsOfNetwork(client, scope, networkId));
}

/** Refused (409, `CLD_IN_USE`) while it has legs. Gone already is as good as deleted. */
export function deleteRouter(client: OpenStackClient, scope: Scope, id: string): Promise<void> {
  return remove(client, scope, `/routers/${pathOf(id)}`);
}

const serversOf = (ports: Port[]): string[] => ports.filter(isServerPort).map(({ device_id }) => device_id ?? '');
const isServerPort = ({ device_owner }: Port): boolean => device_owner?.startsWith('compute:') ?? false;
/** `network:dhcp` and its like are Neutron's own and go by themselves. */
const isOrdinary = ({ device_owner }: Port): boolean => !(device_owner ?? '').startsWith('network:');

async function portsOfNetwork(client: OpenStackClient, scope: Scope, networkId: string): Promise<Port[]> {
  const query = { network_id: networkId };
  const rows = await client.list({ service: 'network', scope, path: '/ports', query, key: 'ports', row: Port });
  return rows.filter(({ network_id }) => network_id === networkId);
}

async function addressesOf(client: OpenStackClient, scope: Scope, ports: Port[]): Promise<FloatingIp[]> {
  const { projectId } = await client.token(scope);
  const query = { project_id: projectId };
  const call = { service: 'network', scope, path: '/floatingips', query, key: 'floatingips' } as const;
  const ids = new Set(ports.map(({ id }) => id));
  return (await client.list({ ...call, row: FloatingIp })).filter(
    ({ port_id }) => port_id !== null && ids.has(port_id),
  );
}

async function hasLegs(client: OpenStackClient, scope: Scope, routerId: string): Promise<boolean> {
  const query = { device_id: routerId };
  const rows = await client.list({ service: 'network', scope, path: '/ports', query, key: 'ports', row: Port });
  return rows.some(({ device_id, device_owner }) => device_id === routerId && device_owner !== gatewayOwner);
}

async function remove(client: OpenStackClient, scope: Scope, path: string): Promise<void> {
  await orNull(client.change({ service: 'network', scope, method: 'DELETE', path }, Anything));
}
