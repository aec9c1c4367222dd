import { z } from 'zod';
import { cidrText, overlap, parseCidr, toIp, toNumber, type Cidr } from '../../ipv4.js';
import { neutronError } from '../errors.js';
import type { Call } from '../call.js';
import type { Network, Subnet } from '../state/network-model.js';
import { collectionRoutes, commonView, visibleRow, type Collection } from './collection.js';
import { networks } from './networks.js';
import { newRow, ownerOf, policyRefusal } from './owner.js';
import { makePort, removePort } from './ports-state.js';
import { checkQuota } from './quota.js';

const Pool = z.object({ start: z.string(), end: z.string() });
const HostRoute = z.object({ destination: z.string(), nexthop: z.string() });
const Changeable = z.strictObject({
  name: z.string().max(255).optional(),
  description: z.string().max(255).optional(),
  gateway_ip: z.string().nullable().optional(),
  enable_dhcp: z.boolean().optional(),
  dns_nameservers: z.array(z.string()).optional(),
  host_routes: z.array(HostRoute).optional(),
  allocation_pools: z.array(Pool).optional(),
});
const Fields = Changeable.extend({
  network_id: z.string(),
  cidr: z.string(),
  ip_version: z.union([z.literal(4), z.literal('4')]),
  project_id: z.string().optional(),
  tenant_id: z.string().optional(),
});
type Fields = z.infer<typeof Fields>;
type Changeable = z.infer<typeof Changeable>;

const subnets: Collection<Subnet, Fields, Changeable> = {
  path: '/subnets',
  plural: 'subnets',
  singular: 'subnet',
  kind: 'subnet',
  rows: (call) => call.cloud.subnets.values(),
  get: (cloud, id) => cloud.subnets.get(id),
  missing: (id) => neutronError(404, 'SubnetNotFound', `Subnet ${id} could not be found.`),
  filters: ['network_id', 'cidr', 'gateway_ip', 'ip_version', 'enable_dhcp'],
  createSchema: Fields,
  create(call, fields) {
    const { cloud } = call;
    const network = visibleRow(call, networks, fields.network_id);
    if (!call.mayAccess(network)) throw policyRefusal('create_subnet');
    const projectId = ownerOf(call, { ...fields, project_id: fields.project_id ?? network.projectId });
    checkQuota(cloud, projectId, 'subnet');
    const cidr = readCidr(fields.cidr);
    refuseOverlap(call, network, cidr);
    const gatewayIp = fields.gateway_ip === undefined ? toIp(cidr.first + 1) : fields.gateway_ip;
    checkGateway(gatewayIp, cidr);
    const subnet: Subnet = {
      ...newRow(call, fields, projectId),
      networkId: network.id,
      // Host bits are cut: 10.30.0.7/24 becomes 10.30.0.0/24.
      cidr: cidrText(cidr),
      gatewayIp,
      enableDhcp: fields.enable_dhcp ?? true,
      dnsNameservers: fields.dns_nameservers ?? [],
      hostRoutes: fields.host_routes ?? [],
      pools: readPools(fields.allocation_pools, cidr, gatewayIp),
      seeded: false,
    };
    cloud.subnets.add(subnet);
    network.subnetIds.push(subnet.id);
    // guess: the agent's port is there at once, and one serves all subnets of its network in turn.
    if (subnet.enableDhcp && !network.external) {
      makePort(cloud, network, {
        projectId,
        networkId: network.id,
        fixedIps: [{ subnetId: subnet.id }],
        securityGroupIds: [],
        deviceId: `dhcp-${network.id}`,
        deviceOwner: 'network:dhcp',
        status: 'ACTIVE',
      });
    }
    return subnet;
  },
  updateSchema: Changeable,
  update(_call, subnet, fields) {
    const cidr = readCidr(subnet.cidr);
    if (fields.gateway_ip !== undefined) {
      checkGateway(fields.gateway_ip, cidr);
      subnet.gatewayIp = fields.gateway_ip;
    }
    if (fields.allocation_pools !== undefined) {
      subnet.pools = readPools(fields.allocation_pools, cidr, subnet.gatewayIp);
    }
    subnet.name = fields.name ?? subnet.name;
    subnet.description = fields.description ?? subnet.description;
    subnet.enableDhcp = fields.enable_dhcp ?? subnet.enableDhcp;
    subnet.dnsNameservers = fields.dns_nameservers ?? subnet.dnsNameservers;
    subnet.hostRoutes = fields.host_routes ?? subnet.hostRoutes;
  },
  remove(call, subnet) {
    const { cloud } = call;
    const ports = cloud
      .portsOfNetwork(subnet.networkId)
      .filter((port) => port.fixedIps.some(({ subnetId }) => subnetId === subnet.id));
    if (ports.some((port) => port.deviceOwner !== 'network:dhcp')) {
      throw neutronError(
        409,
        'SubnetInUse',
        `Unable to complete operation on subnet ${subnet.id}: One or more ports have an IP allocation from this subnet.`,
      );
    }
    for (const port of ports) removePort(cloud, port);
    const network = cloud.networks.get(subnet.networkId);
    if (network !== undefined) network.subnetIds = network.subnetIds.filter((id) => id !== subnet.id);
    cloud.subnets.remove(subnet);
    cloud.addresses.forget(subnet.id);
  },
  view: (_call, subnet) => ({
    ...commonView(subnet),
    network_id: subnet.networkId,
    ip_version: 4,
    cidr: subnet.cidr,
    gateway_ip: subnet.gatewayIp,
    enable_dhcp: subnet.enableDhcp,
    dns_nameservers: subnet.dnsNameservers,
    host_routes: subnet.hostRoutes,
    allocation_pools: subnet.pools,
    subnetpool_id: null,
    ipv6_address_mode: null,
    ipv6_ra_mode: null,
    service_types: [],
  }),
};

export const subnetRoutes = collectionRoutes(subnets);

function readCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr !== null && cidr.bits <= 30) return cidr;
  throw neutronError(400, 'InvalidInput', `Invalid input for operation: '${text}' is not a valid IP subnet.`);
}

function refuseOverlap(call: Call, network: Network, cidr: Cidr): void {
  for (const other of call.cloud.subnetsOf(network)) {
    const taken = parseCidr(other.cidr);
    if (taken === null || !overlap(taken, cidr)) continue;
    throw neutronError(
      400,
      'InvalidInput',
      `Invalid input for operation: Requested subnet with cidr: ${cidrText(cidr)} for network: ${network.id} overlaps with another subnet.`,
    );
  }
}

function checkGateway(ip: string | null, cidr: Cidr): void {
  if (ip === null) return;
  const value = toNumber(ip);
  if (value !== null && value > cidr.first && value < cidr.last) return;
  throw neutronError(400, 'InvalidInput', 'Invalid input for operation: Gateway is not valid on subnet.');
}

function readPools(pools: Subnet['pools'] | undefined, cidr: Cidr, gatewayIp: string | null): Subnet['pools'] {
  if (pools !== undefined) {
    for (const { start, end } of pools) {
      const [first, last] = [toNumber(start), toNumber(end)];
      if (first !== null && last !== null && first <= last && first > cidr.first && last < cidr.last) continue;
      throw neutronError(
        400,
        'OutOfBoundsAllocationPool',
        `The allocation pool ${start}-${end} spans beyond the subnet cidr ${cidrText(cidr)}.`,
      );
    }
    return pools;
  }
  const gateway = gatewayIp === null ? null : toNumber(gatewayIp);
  const first = cidr.first + 1;
  const last = cidr.last - 1;
  if (gateway === null || gateway < first || gateway > last) return [{ start: toIp(first), end: toIp(last) }];
  const parts = [
    [first, gateway - 1],
    [gateway + 1, last],
  ] as const;
  return parts.filter(([from, to]) => from <= to).map(([from, to]) => ({ start: toIp(from), end: toIp(to) }));
}
