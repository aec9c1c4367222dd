import { z } from 'zod';
import { neutronError } from '../errors.js';
import type { Call } from '../call.js';
import type { Port } from '../state/network-model.js';
import { collectionRoutes, commonView, visibleRow, type Collection } from './collection.js';
import { defaultGroupOf } from './default-group.js';
import { networks } from './networks.js';
import { ownerOf, policyRefusal } from './owner.js';
import { makePort, removePort, takeAddresses } from './ports-state.js';
import { findPolicy } from './qos-state.js';
import { checkQuota } from './quota.js';

const FixedIp = z.object({ subnet_id: z.string().optional(), ip_address: z.string().optional() });
const Changeable = z.strictObject({
  name: z.string().max(255).optional(),
  description: z.string().max(255).optional(),
  admin_state_up: z.boolean().optional(),
  fixed_ips: z.array(FixedIp).optional(),
  security_groups: z.array(z.string()).nullable().optional(),
  device_id: z.string().optional(),
  device_owner: z.string().optional(),
  mac_address: z.string().optional(),
  qos_policy_id: z.string().nullable().optional(),
  port_security_enabled: z.boolean().optional(),
  allowed_address_pairs: z.array(z.object({ ip_address: z.string(), mac_address: z.string().optional() })).optional(),
  'binding:host_id': z.string().optional(),
  'binding:vnic_type': z.string().optional(),
});
const Fields = Changeable.extend({
  network_id: z.string(),
  project_id: z.string().optional(),
  tenant_id: z.string().optional(),
});
type Fields = z.infer<typeof Fields>;
type Changeable = z.infer<typeof Changeable>;

export const ports: Collection<Port, Fields, Changeable> = {
  path: '/ports',
  plural: 'ports',
  singular: 'port',
  kind: 'port',
  rows: portsOf,
  get: (cloud, id) => cloud.ports.get(id),
  missing: (id) => neutronError(404, 'PortNotFound', `Port ${id} could not be found.`),
  filters: [
    'network_id',
    'device_id',
    'device_owner',
    'mac_address',
    'admin_state_up',
    'fixed_ips',
    'ip_allocation',
    'security_groups',
    'qos_policy_id',
    'binding:host_id',
  ],
  matches(port, name, values) {
    if (name === 'security_groups') return values.some((id) => port.securityGroupIds.includes(id));
    if (name !== 'fixed_ips') return undefined;
    return port.fixedIps.some((fixed) => values.every((value) => fitsFixedIp(fixed, value)));
  },
  createSchema: Fields,
  create(call, fields) {
    const { cloud } = call;
    const network = visibleRow(call, networks, fields.network_id);
    if (!call.mayAccess(network) && !network.shared) throw policyRefusal('create_port');
    const projectId = ownerOf(call, fields);
    checkQuota(cloud, projectId, 'port');
    return makePort(cloud, network, {
      projectId,
      networkId: network.id,
      name: fields.name,
      description: fields.description,
      fixedIps: fields.fixed_ips === undefined ? null : readFixedIps(fields.fixed_ips),
      securityGroupIds: groupsFor(
        call,
        projectId,
        fields.security_groups,
        fields.port_security_enabled ?? network.portSecurity,
      ),
      deviceId: fields.device_id,
      deviceOwner: fields.device_owner,
      mac: fields.mac_address,
      adminStateUp: fields.admin_state_up,
      portSecurity: fields.port_security_enabled,
      qosPolicyId: fields.qos_policy_id ? findPolicy(call, fields.qos_policy_id).id : null,
      allowedAddressPairs: fields.allowed_address_pairs,
    });
  },
  updateSchema: Changeable,
  update(call, port, fields) {
    const { cloud } = call;
    if (fields.fixed_ips !== undefined) {
      const network = visibleRow(call, networks, port.networkId);
      const before = port.fixedIps;
      // An address that is kept is wished for again.
      for (const { subnetId, ip } of before) cloud.addresses.release(subnetId, ip);
      try {
        port.fixedIps = takeAddresses(cloud, network, port.id, readFixedIps(fields.fixed_ips));
      } catch (error) {
        for (const { subnetId, ip } of before) cloud.addresses.take(subnetId, ip, port.id);
        throw error;
      }
    }
    if (fields.security_groups !== undefined) {
      port.securityGroupIds = groupsFor(call, port.projectId, fields.security_groups ?? [], true);
    }
    if (fields.device_id !== undefined || fields.device_owner !== undefined) {
      cloud.moveToDevice(port, fields.device_id ?? port.deviceId, fields.device_owner ?? port.deviceOwner);
    }
    if (fields.qos_policy_id !== undefined) {
      port.qosPolicyId = fields.qos_policy_id === null ? null : findPolicy(call, fields.qos_policy_id).id;
    }
    port.name = fields.name ?? port.name;
    port.description = fields.description ?? port.description;
    port.adminStateUp = fields.admin_state_up ?? port.adminStateUp;
    port.mac = fields.mac_address ?? port.mac;
    port.portSecurity = fields.port_security_enabled ?? port.portSecurity;
    port.allowedAddressPairs = fields.allowed_address_pairs ?? port.allowedAddressPairs;
    port.bindingHost = fields['binding:host_id'] ?? port.bindingHost;
  },
  remove(call, port) {
    if (['network:router_interface', 'network:router_gateway', 'network:floatingip'].includes(port.deviceOwner)) {
      throw neutronError(
        409,
        'ServicePortInUse',
        `Port ${port.id} cannot be deleted directly via the port API: has device owner ${port.deviceOwner}.`,
      );
    }
    removePort(call.cloud, port);
  },
  view: (call, port) => ({
    ...commonView(port),
    network_id: port.networkId,
    mac_address: port.mac,
    admin_state_up: port.adminStateUp,
    status: port.status,
    fixed_ips: port.fixedIps.map(({ subnetId, ip }) => ({ subnet_id: subnetId, ip_address: ip })),
    device_id: port.deviceId,
    device_owner: port.deviceOwner,
    security_groups: port.securityGroupIds,
    qos_policy_id: port.qosPolicyId,
    qos_network_policy_id: null,
    port_security_enabled: port.portSecurity,
    allowed_address_pairs: port.allowedAddressPairs.map((pair) => ({
      ip_address: pair.ip_address,
      mac_address: pair.mac_address ?? port.mac,
    })),
    extra_dhcp_opts: [],
    'binding:vnic_type': 'normal',
    ...(call.isAdmin && {
      'binding:host_id': port.bindingHost,
      'binding:vif_type': port.bindingHost === '' ? 'unbound' : 'ovs',
      'binding:vif_details': {},
      'binding:profile': {},
    }),
  }),
};

export const portRoutes = collectionRoutes(ports);

/** The two questions that are asked most have an index. */
function portsOf(call: Call): Iterable<Port> {
  const deviceId = call.query.get('device_id');
  if (deviceId !== null && deviceId !== '' && call.query.getAll('device_id').length === 1)
    return call.cloud.portsOfDevice(deviceId);
  const networkId = call.query.getAll('network_id');
  if (networkId.length === 1) return call.cloud.portsOfNetwork(networkId[0] ?? '');
  return call.cloud.ports.values();
}

function fitsFixedIp(fixed: { subnetId: string; ip: string }, filter: string): boolean {
  const [key, value] = filter.split('=');
  return key === 'subnet_id' ? fixed.subnetId === value : key === 'ip_address' && fixed.ip === value;
}

const readFixedIps = (wishes: z.infer<typeof FixedIp>[]) =>
  wishes.map(({ subnet_id: subnetId, ip_address: ip }) => ({ subnetId, ip }));

/** @throws 404 for a group that is not there */
function groupsFor(call: Call, projectId: string, ids: string[] | null | undefined, isProtected: boolean): string[] {
  if (!isProtected) return [];
  if (ids === undefined) return [defaultGroupOf(call.cloud, projectId).id];
  return [...new Set(ids ?? [])].map((id) => {
    const group = call.cloud.securityGroups.get(id);
    if (group === undefined || !call.mayAccess(group)) {
      throw neutronError(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`);
    }
    return group.id;
  });
}
