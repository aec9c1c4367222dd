import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import type { Call } from '../call.js';
import { neutronError } from '../errors.js';
import type { FloatingIp, Port } from '../state/network-model.js';
import { collectionRoutes, commonView, visibleRow, type Collection } from './collection.js';
import { networks } from './networks.js';
import { newRow, ownerOf, policyRefusal } from './owner.js';
import { makePort, removePort } from './ports-state.js';
import { ports } from './ports.js';
import { findPolicy } from './qos-state.js';
import { checkQuota } from './quota.js';

const Changeable = z.strictObject({
  port_id: z.string().nullable().optional(),
  fixed_ip_address: z.string().nullable().optional(),
  description: z.string().max(255).optional(),
  qos_policy_id: z.string().nullable().optional(),
});
const Fields = Changeable.extend({
  floating_network_id: z.string(),
  floating_ip_address: z.string().optional(),
  subnet_id: z.string().optional(),
  dns_name: z.string().optional(),
  dns_domain: z.string().optional(),
  project_id: z.string().optional(),
  tenant_id: z.string().optional(),
});
type Fields = z.infer<typeof Fields>;
type Changeable = z.infer<typeof Changeable>;

const floatingIps: Collection<FloatingIp, Fields, Changeable> = {
  path: '/floatingips',
  plural: 'floatingips',
  singular: 'floatingip',
  kind: 'address',
  rows: (call) => call.cloud.floatingIps.values(),
  get: (cloud, id) => cloud.floatingIps.get(id),
  missing: (id) => neutronError(404, 'FloatingIPNotFound', `Floating IP ${id} could not be found`),
  filters: ['floating_ip_address', 'floating_network_id', 'fixed_ip_address', 'port_id', 'router_id', 'qos_policy_id'],
  createSchema: Fields,
  create(call, fields) {
    const { cloud } = call;
    knowQos(call, fields);
    const projectId = ownerOf(call, fields);
    checkQuota(cloud, projectId, 'floatingip');
    const network = visibleRow(call, networks, fields.floating_network_id);
    if (!network.external) throw badRequest(`Network ${network.id} is not a valid external network`);
    if (fields.floating_ip_address !== undefined && !call.isAdmin) {
      throw policyRefusal('create_floatingip:floating_ip_address');
    }
    const target = fields.port_id ? findTarget(call, null, network.id, fields.port_id, fields.fixed_ip_address) : null;
    const policyId = fields.qos_policy_id ? findPolicy(call, fields.qos_policy_id).id : null;
    const row = newRow(call, { description: fields.description }, projectId);
    const wished = { ip: fields.floating_ip_address, subnetId: fields.subnet_id };
    const external = makePort(cloud, network, {
      projectId: '',
      networkId: network.id,
      fixedIps: wished.ip === undefined && wished.subnetId === undefined ? null : [wished],
      securityGroupIds: [],
      deviceId: row.id,
      deviceOwner: 'network:floatingip',
      status: 'N/A',
    });
    const address: FloatingIp = {
      ...row,
      networkId: network.id,
      address: external.fixedIps[0]?.ip ?? '',
      externalPortId: external.id,
      portId: null,
      fixedIp: null,
      routerId: null,
      status: 'DOWN',
      qosPolicyId: policyId,
      wiring: 0,
    };
    cloud.floatingIps.add(address);
    if (target !== null) attach(call, address, target);
    return address;
  },
  updateSchema: Changeable,
  update(call, address, fields) {
    knowQos(call, fields);
    // Any change without it takes the policy away, one of the description alone as well (seen on Zed).
    address.qosPolicyId = fields.qos_policy_id ? findPolicy(call, fields.qos_policy_id).id : null;
    if (fields.port_id !== undefined) {
      const target =
        fields.port_id === null || fields.port_id === ''
          ? null
          : findTarget(call, address, address.networkId, fields.port_id, fields.fixed_ip_address);
      if (target?.port.id !== address.portId) detach(call, address);
      if (target !== null) attach(call, address, target);
    }
    address.description = fields.description ?? address.description;
  },
  remove(call, address) {
    const { cloud } = call;
    if (address.portId !== null) cloud.floatingIpOfPort.delete(address.portId);
    const external = cloud.ports.get(address.externalPortId);
    if (external !== undefined) removePort(cloud, external);
    cloud.floatingIps.remove(address);
  },
  view: (call, address) => {
    const port = call.cloud.ports.get(address.portId);
    const { name: _name, ...common } = commonView(address);
    return {
      ...common,
      floating_network_id: address.networkId,
      floating_ip_address: address.address,
      fixed_ip_address: address.fixedIp,
      port_id: address.portId,
      router_id: address.routerId,
      status: address.status,
      ...(call.cloud.extensions.has('qos-fip') && { qos_policy_id: address.qosPolicyId }),
      dns_name: '',
      dns_domain: '',
      port_details: port === undefined ? null : portDetails(port),
    } satisfies JsonObject;
  },
};

export const floatingIpRoutes = collectionRoutes(floatingIps);

const badRequest = (text: string) => neutronError(400, 'BadRequest', `Bad floatingip request: ${text}.`);

/** An attribute of an extension that is not there is refused like any unknown one. */
function knowQos({ cloud }: Call, fields: Changeable): void {
  if (fields.qos_policy_id === undefined || cloud.extensions.has('qos-fip')) return;
  throw neutronError(400, 'HTTPBadRequest', "Unrecognized attribute(s) 'qos_policy_id'");
}

interface Target {
  port: Port;
  fixedIp: string;
  routerId: string;
}

/**
 * Where the address will lead.
 * @throws 404 `ExternalGatewayForFloatingIPNotFound` when no router joins the port's subnet and the external network, 409
 *   `FloatingIPPortAlreadyAssociated` when the port has one
 */
function findTarget(
  call: Call,
  address: FloatingIp | null,
  externalNetworkId: string,
  portId: string,
  wishedIp: string | null | undefined,
): Target {
  const { cloud } = call;
  const port = visibleRow(call, ports, portId);
  const fixed = port.fixedIps.find(({ ip }) => (wishedIp ?? ip) === ip);
  if (fixed === undefined)
    throw badRequest(`Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses`);
  const router = cloud
    .portsOfNetwork(port.networkId)
    .filter((one) => one.deviceOwner === 'network:router_interface')
    .filter((one) => one.fixedIps.some(({ subnetId }) => subnetId === fixed.subnetId))
    .map((one) => cloud.routers.get(one.deviceId))
    .find((one) => one?.gatewayNetworkId === externalNetworkId);
  if (router === undefined) {
    throw neutronError(
      404,
      'ExternalGatewayForFloatingIPNotFound',
      `External network ${externalNetworkId} is not reachable from subnet ${fixed.subnetId}. Therefore, cannot associate Port ${port.id} with a Floating IP.`,
    );
  }
  const other = cloud.floatingIpOfPort.get(port.id);
  if (other !== undefined && other.id !== address?.id) {
    throw neutronError(
      409,
      'FloatingIPPortAlreadyAssociated',
      `Cannot associate floating IP ${address?.address ?? ''} (${address?.id ?? ''}) with port ${port.id} using fixed IP ${fixed.ip}, as that fixed IP already has a floating IP on external network ${externalNetworkId}.`,
    );
  }
  return { port, fixedIp: fixed.ip, routerId: router.id };
}

function attach(call: Call, address: FloatingIp, { port, fixedIp, routerId }: Target): void {
  if (address.portId === port.id) return;
  Object.assign(address, { portId: port.id, fixedIp, routerId });
  call.cloud.floatingIpOfPort.set(port.id, address);
  wire(call, address, 'ACTIVE');
}

function detach(call: Call, address: FloatingIp): void {
  if (address.portId === null) return;
  call.cloud.floatingIpOfPort.delete(address.portId);
  Object.assign(address, { portId: null, fixedIp: null, routerId: null });
  wire(call, address, 'DOWN');
}

/** The L3 agent does it later; until then the status is the old one. */
function wire(call: Call, address: FloatingIp, status: 'ACTIVE' | 'DOWN'): void {
  const number = ++address.wiring;
  const isNewest = () => address.wiring === number;
  call.cloud.works.begin({
    operation: call.operation,
    row: { underway: null },
    phases: [null],
    failureText: 'the L3 agent could not wire the address',
    finish: () => {
      if (isNewest()) address.status = status;
    },
    fail: () => {
      if (isNewest()) address.status = 'ERROR';
    },
  });
}

function portDetails(port: Port): JsonObject {
  return {
    name: port.name,
    network_id: port.networkId,
    mac_address: port.mac,
    admin_state_up: port.adminStateUp,
    status: port.status,
    device_id: port.deviceId,
    device_owner: port.deviceOwner,
  };
}
