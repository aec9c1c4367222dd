import { z } from 'zod';
import type { Call } from '../call.js';
import { badRequest, conflict, forbidden, Refusal } from '../errors.js';
import { touch } from '../neutron/owner.js';
import { defaultGroupOf } from '../neutron/default-group.js';
import { makePort, removePort } from '../neutron/ports-state.js';
import { checkQuota } from '../neutron/quota.js';
import type { Server } from '../state/model.js';
import type { Network, Port, SecurityGroup } from '../state/network-model.js';
import { WorkFailure } from '../work.js';

export const NetworkRequest = z.strictObject({
  uuid: z.string().optional(),
  port: z.string().nullable().optional(),
  fixed_ip: z.string().optional(),
  tag: z.string().optional(),
});
type NetworkRequest = z.infer<typeof NetworkRequest>;

/** One interface of a new server: on a port that is there, or on one that Nova makes. */
export type NicPlan = { port: Port } | { port: null; network: Network; fixedIp: string | undefined };

/** @throws 400 for networks and ports that are not there, 409 for a port in use, 403 for an external network */
export function planNics(call: Call, wanted: NetworkRequest[] | 'auto' | 'none' | undefined): NicPlan[] {
  if (wanted === 'none') return [];
  if (wanted === undefined || wanted === 'auto') return [automaticNic(call)].flatMap((nic) => nic ?? []);
  const plans = wanted.map((request): NicPlan => {
    if (request.port) return { port: freePort(call, request.port) };
    if (request.uuid === undefined) throw badRequest("Bad networks format: 'uuid' or 'port' is needed");
    return { port: null, network: usableNetwork(call, request.uuid), fixedIp: request.fixed_ip };
  });
  const own = plans.filter(({ port }) => port === null).length;
  const { cloud, projectId } = call;
  // Asked before anything is made; in words of Nova's own (seen on Zed).
  if (own > 0 && cloud.ports.countOf(projectId) + own > cloud.quotas.limit('neutron', projectId, 'port')) {
    throw forbidden('Maximum number of ports exceeded');
  }
  return plans;
}

/** Without a wish: the only network of the project. */
function automaticNic(call: Call): NicPlan | null {
  const own = [...call.cloud.networks.ofProject(call.projectId)].filter(
    (network) => network.subnetIds.length > 0 && !network.external,
  );
  const [network] = own;
  if (own.length > 1) {
    throw conflict('Multiple possible networks found, use a Network ID to be more specific.');
  }
  return network === undefined ? null : { port: null, network, fixedIp: undefined };
}

export function freePort(call: Call, id: string): Port {
  const port = call.cloud.ports.get(id);
  if (port === undefined || !call.mayAccess(port)) throw badRequest(`Port ${id} could not be found.`);
  if (port.deviceId !== '') throw conflict(`Port ${id} is still in use.`);
  if (port.fixedIps.length === 0) throw badRequest(`Port ${id} requires a FixedIP in order to be used.`);
  return port;
}

export function usableNetwork(call: Call, id: string): Network {
  const network = call.cloud.networks.get(id);
  const isVisible = network !== undefined && (call.mayAccess(network) || network.shared || network.external);
  if (!isVisible) throw badRequest(`Network ${id} could not be found.`);
  if (network.external && !network.shared && !call.isAdmin) {
    throw forbidden(`It is not allowed to create an interface on external network ${id}`);
  }
  if (network.subnetIds.length === 0) {
    throw badRequest(`Network ${id} requires a subnet in order to boot instances on.`);
  }
  return network;
}

/** Groups by name or id within the project. @throws 400 for one that is not there, 409 for a name that several have */
export function findGroups(call: Call, projectId: string, wanted: { name: string }[] | undefined): SecurityGroup[] {
  if (wanted === undefined || wanted.length === 0) return [defaultGroupOf(call.cloud, projectId)];
  const own = [...call.cloud.securityGroups.ofProject(projectId)];
  return wanted.map(({ name }) => {
    if (name === 'default') return defaultGroupOf(call.cloud, projectId);
    const found = own.filter((group) => group.id === name || group.name === name);
    const byId = found.find((group) => group.id === name);
    if (byId === undefined && found.length > 1) {
      throw conflict(`Multiple security_groups found matching '${name}'. Use an ID to be more specific.`);
    }
    const group = byId ?? found[0];
    if (group === undefined) throw badRequest(`Unable to find security_group with name or id '${name}'`);
    return group;
  });
}

/**
 * Gives the server its ports. A port that somebody else took meanwhile fails the build, and the clean-up of the loser takes
 * it away from the winner, too (openstack.md 7.3).
 */
export function allocateNetworks(call: Call, server: Server, nics: NicPlan[], groups: SecurityGroup[]): void {
  const aborted = () =>
    new WorkFailure(`Build of instance ${server.id} aborted: Failed to allocate the network(s), not rescheduling.`);
  for (const nic of nics) {
    if (nic.port !== null) {
      const { port } = nic;
      if (call.cloud.ports.get(port.id) === undefined) throw aborted();
      if (port.deviceId !== '' && port.deviceId !== server.id) {
        unbind(call, port);
        throw aborted();
      }
      bind(call, port, server);
      continue;
    }
    try {
      makeServerPort(call, server, nic.network, nic.fixedIp, groups);
    } catch (error) {
      if (error instanceof Refusal) throw aborted();
      throw error;
    }
  }
}

/** @throws Refusal of Neutron */
export function makeServerPort(
  call: Call,
  server: Server,
  network: Network,
  fixedIp: string | undefined,
  groups: SecurityGroup[],
): Port {
  const { cloud } = call;
  checkQuota(cloud, server.projectId, 'port');
  const port = makePort(cloud, network, {
    projectId: server.projectId,
    networkId: network.id,
    fixedIps: fixedIp === undefined ? null : [{ ip: fixedIp }],
    securityGroupIds: groups.map((group) => group.id),
    madeByNova: true,
  });
  bind(call, port, server);
  return port;
}

export function bind(call: Call, port: Port, server: Server): void {
  call.cloud.moveToDevice(port, server.id, `compute:${server.availabilityZone}`);
  port.bindingHost = 'compute1';
  port.status = 'DOWN';
  touch(port);
}

export function unbind(call: Call, port: Port): void {
  call.cloud.moveToDevice(port, '', '');
  port.bindingHost = '';
  port.status = 'DOWN';
  touch(port);
}

export function bringUp(call: Call, server: Server): void {
  for (const port of call.cloud.portsOfDevice(server.id)) port.status = 'ACTIVE';
}

/** Ports Nova made go, ports given by id stay, unbound. */
export function releaseNetworks(call: Call, server: Server): void {
  for (const port of call.cloud.portsOfDevice(server.id)) {
    if (port.madeByNova) removePort(call.cloud, port);
    else unbind(call, port);
  }
}
