import { z } from 'zod';
import { neutronError } from '../errors.js';
import type { Network } from '../state/network-model.js';
import { collectionRoutes, commonView, type Collection } from './collection.js';
import { newRow, ownerOf, policyRefusal } from './owner.js';
import { findPolicy } from './qos-state.js';
import { checkQuota } from './quota.js';
import { removePort } from './ports-state.js';
import type { Call } from '../call.js';

const Fields = z.strictObject({
  name: z.string().max(255).optional(),
  description: z.string().max(255).optional(),
  admin_state_up: z.boolean().optional(),
  shared: z.boolean().optional(),
  'router:external': z.boolean().optional(),
  mtu: z.number().int().optional(),
  port_security_enabled: z.boolean().optional(),
  qos_policy_id: z.string().nullable().optional(),
  availability_zone_hints: z.array(z.string()).optional(),
  dns_domain: z.string().optional(),
  project_id: z.string().optional(),
  tenant_id: z.string().optional(),
  'provider:network_type': z.string().optional(),
  'provider:physical_network': z.string().optional(),
  'provider:segmentation_id': z.number().int().optional(),
});
type Fields = z.infer<typeof Fields>;

export const networks: Collection<Network, Fields, Fields> = {
  path: '/networks',
  plural: 'networks',
  singular: 'network',
  kind: 'network',
  rows: (call) => call.cloud.networks.values(),
  get: (cloud, id) => cloud.networks.get(id),
  isPublic: (network) => network.shared || network.external,
  missing: (id) => neutronError(404, 'NetworkNotFound', `Network ${id} could not be found.`),
  filters: ['shared', 'router:external', 'admin_state_up', 'mtu', 'subnets', 'port_security_enabled', 'qos_policy_id'],
  matches: (network, name, values) =>
    name === 'subnets' ? values.some((id) => network.subnetIds.includes(id)) : undefined,
  createSchema: Fields,
  create(call, fields) {
    checkPrivileges(call, fields);
    const projectId = ownerOf(call, fields);
    checkQuota(call.cloud, projectId, 'network');
    return call.cloud.networks.add({
      ...newRow(call, fields, projectId),
      adminStateUp: fields.admin_state_up ?? true,
      shared: fields.shared ?? false,
      external: fields['router:external'] ?? false,
      mtu: fields.mtu ?? 1450,
      portSecurity: fields.port_security_enabled ?? true,
      qosPolicyId: policyId(call, fields),
      availabilityZoneHints: fields.availability_zone_hints ?? [],
      subnetIds: [],
      seeded: false,
    });
  },
  updateSchema: Fields,
  update(call, network, fields) {
    checkPrivileges(call, fields);
    network.name = fields.name ?? network.name;
    network.description = fields.description ?? network.description;
    network.adminStateUp = fields.admin_state_up ?? network.adminStateUp;
    network.shared = fields.shared ?? network.shared;
    network.external = fields['router:external'] ?? network.external;
    network.mtu = fields.mtu ?? network.mtu;
    network.portSecurity = fields.port_security_enabled ?? network.portSecurity;
    if (fields.qos_policy_id !== undefined) network.qosPolicyId = policyId(call, fields);
  },
  /** Its subnets and the ports of its DHCP agents go with it. */
  remove(call, network) {
    const { cloud } = call;
    const ports = cloud.portsOfNetwork(network.id);
    if (ports.some((port) => port.deviceOwner !== 'network:dhcp')) {
      throw neutronError(
        409,
        'NetworkInUse',
        `Unable to complete operation on network ${network.id}. There are one or more ports still in use on the network.`,
      );
    }
    for (const port of ports) removePort(cloud, port);
    for (const subnet of cloud.subnetsOf(network)) {
      cloud.subnets.remove(subnet);
      cloud.addresses.forget(subnet.id);
      call.effect('deleted', 'subnet', subnet.id, [subnet.name, subnet.description, ...subnet.tags]);
    }
    cloud.networks.remove(network);
  },
  view: (call, network) => ({
    ...commonView(network),
    admin_state_up: network.adminStateUp,
    status: 'ACTIVE',
    subnets: network.subnetIds,
    shared: network.shared,
    'router:external': network.external,
    mtu: network.mtu,
    port_security_enabled: network.portSecurity,
    qos_policy_id: network.qosPolicyId,
    availability_zone_hints: network.availabilityZoneHints,
    availability_zones: network.subnetIds.length > 0 ? ['nova'] : [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    ...(call.isAdmin && {
      'provider:network_type': network.external ? 'flat' : 'geneve',
      'provider:physical_network': network.external ? 'public' : null,
      'provider:segmentation_id': null,
    }),
  }),
};

export const networkRoutes = collectionRoutes(networks);

function checkPrivileges(call: Call, fields: Fields): void {
  if (call.isAdmin) return;
  const special = ['shared', 'router:external', 'provider:network_type', 'provider:physical_network'] as const;
  for (const name of special) {
    if (fields[name] !== undefined && fields[name] !== false) throw policyRefusal(`create_network:${name}`);
  }
}

function policyId(call: Call, { qos_policy_id: id }: Fields): string | null {
  return id === undefined || id === null ? null : findPolicy(call, id).id;
}
