import { createHash } from 'node:crypto';
import type { JsonObject } from '../../../json.js';
import { compact, isoSeconds, type Call } from '../call.js';
import type { Flavor, Server } from '../state/model.js';
import { powerStateOf, statusOfServer, taskStateOf } from './status.js';

export const serverUrl = (call: Call, server: Server) => `${call.origin}/compute/v2.1/servers/${server.id}`;

export function serverLinks(call: Call, server: Server): JsonObject[] {
  return [
    { rel: 'self', href: serverUrl(call, server) },
    { rel: 'bookmark', href: `${call.origin}/compute/servers/${server.id}` },
  ];
}

export function shortServerView(call: Call, server: Server): JsonObject {
  return { id: server.id, name: server.name, links: serverLinks(call, server) };
}

/** A server as the microversion of the call prints it (openstack.md 3.3). */
export function serverView(call: Call, server: Server): JsonObject {
  const { version } = call;
  const isDeleted = server.vmState === 'deleted';
  const status = statusOfServer(server);
  const addresses = isDeleted ? {} : addressesOf(call, server);
  // Missing on servers without ports and on failed ones.
  const hasGroups = Object.keys(addresses).length > 0;
  const showsFault = server.fault !== null && (status === 'ERROR' || status === 'DELETED');
  return compact({
    id: server.id,
    name: server.name,
    status,
    tenant_id: server.projectId,
    user_id: server.userId,
    metadata: isDeleted ? {} : server.metadata,
    hostId: server.launchedMs === null ? '' : hostIdOf(server),
    image: server.imageId === null ? '' : { id: server.imageId, links: [] },
    flavor: flavorOf(version, server.flavor),
    addresses,
    accessIPv4: '',
    accessIPv6: '',
    links: serverLinks(call, server),
    created: isoSeconds(server.createdMs),
    updated: isoSeconds(server.updatedMs),
    key_name: server.keyName,
    config_drive: '',
    'OS-DCF:diskConfig': 'MANUAL',
    'OS-EXT-AZ:availability_zone': server.launchedMs === null ? '' : server.availabilityZone,
    'OS-EXT-STS:vm_state': server.vmState,
    'OS-EXT-STS:task_state': taskStateOf(server),
    'OS-EXT-STS:power_state': powerStateOf(server),
    'OS-SRV-USG:launched_at': isoUsage(server.launchedMs),
    'OS-SRV-USG:terminated_at': isoUsage(server.terminatedMs),
    security_groups: hasGroups ? server.securityGroupNames.map((name) => ({ name })) : undefined,
    'os-extended-volumes:volumes_attached': server.volumes.map(({ volumeId, deleteOnTermination }): JsonObject =>
      version >= 3 ? { id: volumeId, delete_on_termination: deleteOnTermination } : { id: volumeId },
    ),
    progress: status === 'ACTIVE' || status === 'BUILD' || status === 'REBUILD' ? 0 : undefined,
    locked: version >= 9 ? server.locked : undefined,
    locked_reason: version >= 73 ? server.lockedReason : undefined,
    description: version >= 19 ? server.description : undefined,
    host_status: version >= 16 && call.isAdmin ? 'UP' : undefined,
    tags: version >= 26 ? (isDeleted ? [] : server.tags) : undefined,
    trusted_image_certificates: version >= 63 ? null : undefined,
    server_groups: version >= 71 ? [] : undefined,
    fault: showsFault ? faultOf(call, server) : undefined,
    ...(call.isAdmin && {
      'OS-EXT-SRV-ATTR:host': server.launchedMs === null ? null : 'compute1',
      'OS-EXT-SRV-ATTR:hypervisor_hostname': server.launchedMs === null ? null : 'compute1',
      'OS-EXT-SRV-ATTR:instance_name': `instance-${server.id.slice(0, 8)}`,
      'OS-EXT-SRV-ATTR:reservation_id': version >= 3 ? server.reservationId : undefined,
    }),
    ...(version >= 3 && (call.isAdmin || version >= 90) && { 'OS-EXT-SRV-ATTR:hostname': server.hostname }),
  });
}

/** Contents only, from 2.47 on: the id cannot be seen any more. */
function flavorOf(version: number, flavor: Flavor): JsonObject {
  if (version < 47) return { id: flavor.id, links: [] };
  return {
    original_name: flavor.name,
    vcpus: flavor.vcpus,
    ram: flavor.memoryMib,
    disk: flavor.diskGib,
    ephemeral: 0,
    swap: 0,
    extra_specs: flavor.extraSpecs,
  };
}

/** Administrators also get a stack trace. */
function faultOf(call: Call, { fault }: Server): JsonObject | undefined {
  if (fault === null) return undefined;
  const trace = 'Traceback (most recent call last):\n' + '  File "nova/compute/manager.py", in _do_build\n'.repeat(40);
  return {
    code: fault.code,
    created: isoSeconds(fault.createdMs),
    message: fault.message,
    ...(call.isAdmin && { details: trace }),
  };
}

/** By name of the network; a floating IP stands beside the address it leads to. */
function addressesOf(call: Call, server: Server): JsonObject {
  const { cloud } = call;
  const addresses: Record<string, JsonObject[]> = {};
  for (const port of cloud.portsOfDevice(server.id)) {
    const name = cloud.networks.get(port.networkId)?.name ?? port.networkId;
    const list = (addresses[name] ??= []);
    const entry = (addr: string, type: string) => ({
      version: 4,
      addr,
      'OS-EXT-IPS:type': type,
      'OS-EXT-IPS-MAC:mac_addr': port.mac,
    });
    for (const { ip } of port.fixedIps) list.push(entry(ip, 'fixed'));
    const floating = cloud.floatingIpOfPort.get(port.id);
    if (floating !== undefined) list.push(entry(floating.address, 'floating'));
  }
  return addresses;
}

const hostIdOf = (server: Server) => createHash('sha224').update(`${server.projectId}compute1`).digest('hex');
const isoUsage = (ms: number | null) => (ms === null ? null : `${new Date(ms).toISOString().slice(0, 19)}.000000`);
