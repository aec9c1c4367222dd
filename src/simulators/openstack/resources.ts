import type { JsonObject } from '../../json.js';
import { findMarker, type SimulatedResource } from '../control.js';
import { backupTexts } from './cinder/backups.js';
import { snapshotTexts } from './cinder/snapshots.js';
import { volumeTexts } from './cinder/volume-state.js';
import { textsOf as imageTexts } from './glance/images.js';
import { textsOf as projectTexts } from './keystone/projects.js';
import { textsOf as userTexts } from './keystone/users.js';
import { textsOf } from './neutron/collection.js';
import { serverTexts } from './nova/server-work.js';
import { statusOfServer } from './nova/status.js';
import type { Cloud } from './state/cloud.js';
import type { Server } from './state/model.js';
import type { FloatingIp, NeutronRow } from './state/network-model.js';
import { statusOf } from './state/underway.js';

type Thing = Pick<SimulatedResource, 'kind' | 'id' | 'name'> & {
  createdMs: number;
  texts: (string | null)[];
  state?: string | null;
  attachedTo?: string | null;
  projectId?: string;
  details?: JsonObject;
};

/**
 * Everything alive, for the control side. What the cloud was seeded with is left out; so is what Nova made for a server (its
 * ports and its disks) while the server lives: they are details of it. What outlives its server shows on its own.
 */
export function simulatedResources(cloud: Cloud): SimulatedResource[] {
  return [...things(cloud)].map(({ kind, id, name, createdMs, texts, state, attachedTo, projectId, details }) => ({
    kind,
    id,
    name,
    marker: findMarker(texts),
    state: state ?? null,
    createdAt: new Date(createdMs).toISOString(),
    attachedTo: attachedTo ?? null,
    details: {
      ...(projectId !== undefined && { projectId, account: cloud.projects.get(projectId)?.name ?? null }),
      ...details,
    },
  }));
}

function* things(cloud: Cloud): Iterable<Thing> {
  for (const server of cloud.servers.values()) yield serverThing(cloud, server);
  yield* storageThings(cloud);
  yield* networkThings(cloud);
  yield* identityThings(cloud);
  for (const pair of cloud.keyPairs.values()) {
    const { id, name, createdMs, userId, fingerprint } = pair;
    yield { kind: 'keypair', id, name, createdMs, texts: [name], details: { userId, fingerprint } };
  }
  for (const image of cloud.images.values()) {
    if (image.seeded) continue;
    const { id, name, createdMs, status, owner } = image;
    yield { kind: 'image', id, name, createdMs, texts: imageTexts(image), state: status, projectId: owner };
  }
}

function serverThing(cloud: Cloud, server: Server): Thing {
  const ports = cloud.portsOfDevice(server.id);
  const root = cloud.volumes.get(server.rootVolumeId);
  return {
    kind: 'vm',
    id: server.id,
    name: server.name,
    createdMs: server.createdMs,
    texts: serverTexts(server),
    state: statusOfServer(server),
    projectId: server.projectId,
    details: {
      cpuNumber: server.flavor.vcpus,
      memoryMib: server.flavor.memoryMib,
      rootDiskGib: root?.sizeGib ?? server.flavor.diskGib,
      rootVolumeId: server.rootVolumeId,
      rootVolumeType: root?.typeName ?? null,
      flavorId: server.flavor.id,
      imageId: server.imageId ?? root?.imageId ?? null,
      availabilityZone: server.availabilityZone,
      keyName: server.keyName,
      metadata: server.metadata,
      tags: server.tags,
      volumeIds: server.volumes.map((one) => one.volumeId),
      portIds: ports.map((port) => port.id),
      networkIds: ports.map((port) => port.networkId),
      privateIps: ports.flatMap((port) => port.fixedIps.map(({ ip }) => ip)),
      fault: server.fault?.message ?? null,
    },
  };
}

function* storageThings(cloud: Cloud): Iterable<Thing> {
  for (const volume of cloud.volumes.values()) {
    if (volume.madeForServerId !== null && cloud.servers.get(volume.madeForServerId) !== undefined) continue;
    const { id, name, createdMs, projectId, sizeGib, typeName, availabilityZone, bootable, metadata } = volume;
    yield {
      kind: 'volume',
      id,
      name,
      createdMs,
      texts: volumeTexts(volume),
      state: statusOf(volume),
      attachedTo: volume.attachment?.serverId ?? null,
      projectId,
      details: {
        sizeGib,
        type: typeName,
        availabilityZone,
        bootable,
        metadata,
        device: volume.attachment?.device ?? null,
      },
    };
  }
  for (const one of cloud.snapshots.values()) {
    const { id, name, createdMs, projectId, sizeGib, volumeId } = one;
    const rest = { state: statusOf(one), attachedTo: volumeId, projectId, details: { sizeGib } };
    yield { kind: 'snapshot', id, name, createdMs, texts: snapshotTexts(one), ...rest };
  }
  for (const one of cloud.backups.values()) {
    const { id, name, createdMs, projectId, sizeGib, volumeId, isIncremental } = one;
    const rest = { state: statusOf(one), attachedTo: volumeId, projectId, details: { sizeGib, isIncremental } };
    yield { kind: 'backup', id, name, createdMs, texts: backupTexts(one), ...rest };
  }
}

function* networkThings(cloud: Cloud): Iterable<Thing> {
  const thing = (kind: string, row: NeutronRow, more: Partial<Thing> = {}): Thing => ({
    kind,
    id: row.id,
    name: row.name,
    createdMs: row.createdMs,
    texts: textsOf(row),
    projectId: row.projectId,
    ...more,
  });
  for (const network of cloud.networks.values()) {
    if (network.seeded) continue;
    yield thing('network', network, {
      state: 'ACTIVE',
      details: { subnetIds: network.subnetIds, shared: network.shared },
    });
  }
  for (const subnet of cloud.subnets.values()) {
    if (subnet.seeded) continue;
    const { cidr, gatewayIp, networkId, dnsNameservers } = subnet;
    yield thing('subnet', subnet, { attachedTo: networkId, details: { cidr, gatewayIp, dnsNameservers } });
  }
  for (const router of cloud.routers.values()) {
    const subnetIds = cloud
      .portsOfDevice(router.id)
      .filter((port) => port.deviceOwner === 'network:router_interface')
      .flatMap((port) => port.fixedIps.map(({ subnetId }) => subnetId));
    const details = { subnetIds, externalNetworkId: router.gatewayNetworkId };
    yield thing('router', router, { state: router.status, details });
  }
  for (const group of cloud.securityGroups.values()) {
    if (group.name === 'default') continue;
    yield thing('security-group', group, { details: { rules: group.rules.length } });
  }
  for (const port of cloud.ports.values()) {
    if (port.deviceOwner.startsWith('network:')) continue;
    if (port.madeByNova && cloud.servers.get(port.deviceId) !== undefined) continue;
    const details = {
      networkId: port.networkId,
      privateIps: port.fixedIps.map(({ ip }) => ip),
      deviceOwner: port.deviceOwner,
    };
    yield thing('port', port, { state: port.status, attachedTo: port.deviceId === '' ? null : port.deviceId, details });
  }
  for (const address of cloud.floatingIps.values()) {
    const port = cloud.ports.get(address.portId);
    yield thing('address', address, {
      name: address.address,
      state: address.status,
      attachedTo: port === undefined ? null : port.deviceId === '' ? port.id : port.deviceId,
      details: {
        ipAddress: address.address,
        portId: address.portId,
        fixedIp: address.fixedIp,
        description: address.description,
        qosPolicyId: address.qosPolicyId,
        bandwidthMbps: bandwidthOf(cloud, address),
      },
    });
  }
  for (const policy of cloud.qosPolicies.values()) {
    const rules = policy.rules.map(({ maxKbps, direction }) => ({ maxKbps, direction }));
    yield thing('qos-policy', policy, { details: { rules, shared: policy.shared } });
  }
}

/** The smallest limit of the policy of the address; null when nothing limits it. */
function bandwidthOf(cloud: Cloud, address: FloatingIp): number | null {
  const limits = cloud.qosPolicies.get(address.qosPolicyId)?.rules.map((rule) => rule.maxKbps / 1000) ?? [];
  return limits.length === 0 ? null : Math.min(...limits);
}

function* identityThings(cloud: Cloud): Iterable<Thing> {
  for (const project of cloud.projects.values()) {
    if (project.seeded) continue;
    const { id, name, createdMs, enabled, domainId, tags, description } = project;
    const details = { domainId, tags, description };
    yield { kind: 'account', id, name, createdMs, texts: projectTexts(project), state: stateOf(enabled), details };
  }
  for (const user of cloud.users.values()) {
    if (user.seeded) continue;
    const { id, name, createdMs, enabled, domainId } = user;
    const roles = cloud.grants
      .filter((grant) => grant.userId === id)
      .map(({ targetId, roleId }) => ({ projectId: targetId, role: cloud.roles.get(roleId)?.name ?? roleId }));
    yield {
      kind: 'user',
      id,
      name,
      createdMs,
      texts: userTexts(user),
      state: stateOf(enabled),
      details: { domainId, roles },
    };
  }
}

const stateOf = (enabled: boolean) => (enabled ? 'enabled' : 'disabled');
