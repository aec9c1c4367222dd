import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { overlap, parseCidr } from '../../ipv4.js';
import { ok, type Call, type Reply } from '../call.js';
import { neutronError } from '../errors.js';
import { routesOf } from '../route.js';
import type { Port, Router, Subnet } from '../state/network-model.js';
import { ownRow, textsOf, visibleRow } from './collection.js';
import { touch } from './owner.js';
import { ports } from './ports.js';
import { makePort, removePort } from './ports-state.js';
import { routers } from './routers.js';

export const routerInterfaceRoutes = routesOf('neutron', [
  ['PUT', '/routers/{id}/add_router_interface', 'routers.add_router_interface', add],
  ['PUT', '/routers/{id}/remove_router_interface', 'routers.remove_router_interface', remove],
]);

const Request = z.strictObject({ subnet_id: z.string().optional(), port_id: z.string().optional() });

/** By subnet: takes its gateway address. By port: takes the port as it is. */
function add(call: Call): Reply {
  const router = ownRow(call, routers, call.param('id'));
  const wanted = call.read(Request);
  if (wanted.port_id !== undefined) return ok(addPort(call, router, visibleRow(call, ports, wanted.port_id)));
  if (wanted.subnet_id === undefined) {
    throw badRouterRequest('Either subnet_id or port_id must be specified');
  }
  const subnet = findSubnet(call, wanted.subnet_id);
  checkNewSubnet(call, router, subnet);
  if (subnet.gatewayIp === null) throw badRouterRequest('Subnet for router interface must have a gateway IP');
  const network = call.cloud.networks.get(subnet.networkId);
  if (network === undefined)
    throw neutronError(404, 'NetworkNotFound', `Network ${subnet.networkId} could not be found.`);
  const port = makePort(call.cloud, network, {
    projectId: router.projectId,
    networkId: network.id,
    fixedIps: [{ subnetId: subnet.id, ip: subnet.gatewayIp }],
    securityGroupIds: [],
    deviceId: router.id,
    deviceOwner: 'network:router_interface',
    status: 'ACTIVE',
  });
  return ok(done(call, router, port, subnet.id));
}

function addPort(call: Call, router: Router, port: Port): JsonObject {
  if (port.deviceId !== '') {
    throw neutronError(
      409,
      'PortInUse',
      `Unable to complete operation on port ${port.id} for network ${port.networkId}. Port already has an attached device ${port.deviceId}.`,
    );
  }
  const subnetId = port.fixedIps[0]?.subnetId;
  if (subnetId === undefined) throw badRouterRequest('A port used as a router interface needs an address');
  checkNewSubnet(call, router, findSubnet(call, subnetId));
  call.cloud.moveToDevice(port, router.id, 'network:router_interface');
  port.status = 'ACTIVE';
  return done(call, router, port, subnetId);
}

function done(call: Call, router: Router, port: Port, subnetId: string): JsonObject {
  touch(router);
  call.effect('changed', 'router', router.id, textsOf(router));
  return {
    id: router.id,
    tenant_id: router.projectId,
    port_id: port.id,
    network_id: port.networkId,
    subnet_id: subnetId,
    subnet_ids: [subnetId],
  };
}

const badRouterRequest = (text: string) => neutronError(400, 'BadRequest', `Bad router request: ${text}.`);

function findSubnet(call: Call, id: string): Subnet {
  const subnet = call.cloud.subnets.get(id);
  if (subnet === undefined || !call.mayAccess(subnet)) {
    throw neutronError(404, 'SubnetNotFound', `Subnet ${id} could not be found.`);
  }
  return subnet;
}

/** @throws 400 when the router serves the subnet already, or one that overlaps with it */
function checkNewSubnet(call: Call, router: Router, subnet: Subnet): void {
  const cidr = parseCidr(subnet.cidr);
  for (const port of call.cloud.portsOfDevice(router.id)) {
    for (const { subnetId } of port.fixedIps) {
      if (subnetId === subnet.id) throw badRouterRequest(`Router already has a port on subnet ${subnet.id}`);
      const other = call.cloud.subnets.get(subnetId);
      const taken = other === undefined ? null : parseCidr(other.cidr);
      if (taken !== null && cidr !== null && overlap(taken, cidr)) {
        throw badRouterRequest(
          `Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with cidr ${other?.cidr ?? ''} of subnet ${subnetId}`,
        );
      }
    }
  }
}

function remove(call: Call): Reply {
  const router = ownRow(call, routers, call.param('id'));
  const wanted = call.read(Request);
  const port = call.cloud
    .portsOfDevice(router.id)
    .find(
      (one) =>
        one.deviceOwner === 'network:router_interface' &&
        (wanted.port_id ?? one.id) === one.id &&
        (wanted.subnet_id === undefined || one.fixedIps.some(({ subnetId }) => subnetId === wanted.subnet_id)),
    );
  if (port === undefined || (wanted.port_id === undefined && wanted.subnet_id === undefined)) {
    throw wanted.port_id === undefined
      ? neutronError(
          404,
          'RouterInterfaceNotFoundForSubnet',
          `Router ${router.id} has no interface on subnet ${wanted.subnet_id ?? ''}`,
        )
      : neutronError(
          404,
          'RouterInterfaceNotFound',
          `Router ${router.id} does not have an interface with id ${wanted.port_id}`,
        );
  }
  const subnetId = port.fixedIps[0]?.subnetId ?? '';
  for (const address of call.cloud.floatingIps.values()) {
    const target = call.cloud.ports.get(address.portId);
    if (address.routerId !== router.id || target?.fixedIps.some((one) => one.subnetId === subnetId) !== true) continue;
    throw neutronError(
      409,
      'RouterInterfaceInUseByFloatingIP',
      `Router interface for subnet ${subnetId} on router ${router.id} cannot be deleted, as it is required by one or more floating IPs.`,
    );
  }
  removePort(call.cloud, port);
  return ok(done(call, router, port, subnetId));
}
