import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { Found, Inspection, NextStage, OperationHandler, OperationRequest, Sent } from '../provisioner.js';
import { input, notOurs, ownMarkers } from '../requests.js';
import { type Account, adoptEarlier, markerKey, oldestFirst, scopeOf } from './account.js';
import { orNull, pathOf } from './client.js';
import { jobIdOf } from './jobs.js';
import { portsOf } from './ports.js';
import { Anything, Server, ServerMade } from './schema.js';
import { faultOf, isGoneServer, isSettled, readServer } from './server-jobs.js';
import { isAtLeast, tagsInCreate } from './versions.js';

/** What `resolve` decided for a VM. */
export const VmSettings = z.object({
  name: z.string(),
  flavorId: z.string(),
  imageId: z.string(),
  /** Absent: the server boots from the image, on the disk of its flavor. */
  rootVolume: z.object({ sizeGib: z.number(), volumeType: z.string().optional() }).optional(),
  availabilityZone: z.string().optional(),
  /** Absent for the tenant's default network; then it is an input. The first is the default card's. */
  networkIds: z.array(z.string()).optional(),
  /** Absent for the tenant's default group; then it is an input, or there are no tenants and Nova takes `default`. */
  securityGroupId: z.string().optional(),
  keyPair: z.string().optional(),
  hasRootPassword: z.boolean(),
});
export type VmSettings = z.infer<typeof VmSettings>;

export const carriesMarker = (server: Server, ...markers: string[]): boolean =>
  markers.some((marker) => server.metadata[markerKey] === marker || server.tags.includes(marker));

const settingsOf = (request: OperationRequest): VmSettings => VmSettings.parse(request.settings);
const networkIdsOf = (request: OperationRequest): string[] =>
  settingsOf(request).networkIds ?? [input(request, 'networkId')];

/** Nova minds neither two servers of one name nor of one tag: only the look before a repeat keeps a second one away. */
export function vmCreate(account: Account): OperationHandler {
  const { client } = account;

  async function marked(request: OperationRequest): Promise<Server[]> {
    const rows = await client.list({
      service: 'compute',
      scope: scopeOf(request),
      path: '/servers/detail',
      // Exact; the comparison that counts is ours, for filters have been dropped silently (reference 1).
      query: { tags: request.marker },
      key: 'servers',
      row: Server,
    });
    const ours = rows.filter((server) => carriesMarker(server, request.marker) && !isGoneServer(server));
    return oldestFirst(ours.map((server) => ({ ...server, created_at: server.created })));
  }

  async function create(request: OperationRequest): Promise<Sent> {
    const { value, requestId } = await client.change(
      {
        service: 'compute',
        scope: scopeOf(request),
        method: 'POST',
        path: '/servers',
        body: { server: await serverBody(request) },
      },
      ServerMade,
    );
    const { id, adminPass } = value.server;
    const isMade = !settingsOf(request).hasRootPassword && adminPass !== undefined;
    const jobId = jobIdOf({ kind: 'server', scope: scopeOf(request), id, goal: 'active', requestId });
    return { state: 'pending', jobId, resourceId: id, ...(isMade && { secrets: { rootPassword: adminPass } }) };
  }

  async function requireTags(): Promise<void> {
    const version = await client.version('compute');
    if (isAtLeast(version, tagsInCreate)) return;
    const message = `Nova speaks ${version}; from ${tagsInCreate} (Pike) on a server can be marked when it is made, and a lost answer be asked for`;
    throw new ProvisioningError('ask-human', 'CLD_UNSUPPORTED', message);
  }

  const handler: OperationHandler = {
    removableWhileBuilding: true,
    async send(request) {
      if (request.stage === 'start') return start(account, request, await describeNow(request));
      await requireTags();
      return (await adoptEarlier(account, handler, request)) ?? create(request);
    },

    async find(request) {
      if (request.stage === 'start') {
        const server = await readServer(client, scopeOf(request), input(request, 'vmId'));
        const begun = server && (server.status === 'ACTIVE' || !isSettled(server));
        return begun ? { state: 'found', resourceId: server.id, others: [] } : { state: 'absent' };
      }
      const [server, ...others] = await marked(request);
      if (!server) return { state: 'absent' };
      if (others.length === 0 && server.status === 'BUILD') {
        const job = {
          kind: 'server',
          scope: scopeOf(request),
          id: server.id,
          goal: 'active',
          requestId: null,
        } as const;
        return { state: 'job', jobId: jobIdOf(job), resourceId: server.id };
      }
      return { state: 'found', resourceId: server.id, others: others.map(({ id }) => id) };
    },

    async inspect(request, resourceId): Promise<Inspection> {
      const server = await readServer(client, scopeOf(request), request.memo['vmId'] ?? resourceId);
      if (!server || isGoneServer(server)) return { state: 'absent' };
      if (!isSettled(server)) return { state: 'pending' };
      switch (server.status) {
        case 'ACTIVE':
          return { state: 'ready', found: await describe(account, request, server) };
        case 'ERROR':
          return { state: 'broken', code: 'CLD_RESOURCE_ERROR', message: faultOf(server).message };
        case 'SHUTOFF': {
          // It was bought running. Off even after our own start: there is something wrong with it.
          const next: NextStage = { state: 'next', stage: 'start', memo: { vmId: server.id }, resourceId: server.id };
          const message = `the server ${server.id} stays off after a start`;
          return request.stage === 'start' ? { state: 'broken', code: 'CLD_RESOURCE_ERROR', message } : next;
        }
        default:
          return { state: 'pending' };
      }
    },

    async discard(request, resourceId) {
      const server = await readServer(client, scopeOf(request), resourceId);
      if (!server || isGoneServer(server)) return 'gone';
      if (!carriesMarker(server, request.marker)) throw notOurs('the server', server.id);
      if (server['OS-EXT-STS:task_state'] !== 'deleting') await remove(account, request, server.id);
      return 'in-progress';
    },
  };

  async function describeNow(request: OperationRequest): Promise<Found | null> {
    const server = await readServer(client, scopeOf(request), input(request, 'vmId'));
    return server?.status === 'ACTIVE' && isSettled(server) ? describe(account, request, server) : null;
  }

  return handler;
}

async function serverBody(request: OperationRequest): Promise<JsonObject> {
  const settings = settingsOf(request);
  const groupId = settings.securityGroupId ?? request.inputs['securityGroupId'];
  const password = settings.hasRootPassword ? await orderedPassword(request) : await request.openSecret('rootPassword');
  const { rootVolume } = settings;
  return {
    name: settings.name,
    flavorRef: settings.flavorId,
    // Always named: without it Nova takes whatever network the project happens to have, or refuses several.
    networks: networkIdsOf(request).map((uuid) => ({ uuid })),
    metadata: { [markerKey]: request.marker },
    tags: [request.marker],
    ...(rootVolume
      ? {
          block_device_mapping_v2: [
            {
              boot_index: 0,
              uuid: settings.imageId,
              source_type: 'image',
              destination_type: 'volume',
              volume_size: rootVolume.sizeGib,
              delete_on_termination: true,
              ...(rootVolume.volumeType === undefined ? {} : { volume_type: rootVolume.volumeType }),
            },
          ],
        }
      : { imageRef: settings.imageId }),
    ...(settings.availabilityZone === undefined ? {} : { availability_zone: settings.availabilityZone }),
    // `name` takes an id as well, and an id cannot be mistaken for another group of that name.
    ...(groupId === undefined ? {} : { security_groups: [{ name: groupId }] }),
    ...(settings.keyPair === undefined ? {} : { key_name: settings.keyPair }),
    ...(password === undefined ? {} : { adminPass: password }),
  };
}

async function orderedPassword(request: OperationRequest): Promise<string> {
  const password = await request.openSecret('rootPassword');
  if (password !== undefined) return password;
  // Building without it would make a machine nobody can enter.
  const message = 'the root password of this order is not kept any more';
  throw new ProvisioningError('ask-human', 'CLD_SECRET_MISSING', message);
}

async function start(account: Account, request: OperationRequest, running: Found | null): Promise<Sent> {
  if (running) return { state: 'done', found: running };
  const id = input(request, 'vmId');
  const scope = scopeOf(request);
  const path = `/servers/${pathOf(id)}/action`;
  const { requestId } = await account.client.change(
    { service: 'compute', scope, method: 'POST', path, body: { 'os-start': null } },
    Anything,
  );
  return { state: 'pending', jobId: jobIdOf({ kind: 'server', scope, id, goal: 'active', requestId }), resourceId: id };
}

async function describe(account: Account, request: OperationRequest, server: Server): Promise<Found> {
  const [networkId = ''] = networkIdsOf(request);
  const privateIp = await privateIpOf(account, request, server, networkId);
  return {
    resourceId: server.id,
    facts: {
      vmId: server.id,
      hostName: server.name,
      marker: request.marker,
      passwordFrom: settingsOf(request).hasRootPassword ? 'order' : 'generated',
      networkId,
      ...(privateIp === null ? {} : { privateIp }),
    },
    startedAt: server['OS-SRV-USG:launched_at'] ?? server.created,
  };
}

/** The address of the default card. A server names its networks, not their ids, so with several its ports are asked. */
async function privateIpOf(account: Account, request: OperationRequest, server: Server, networkId: string) {
  if (networkIdsOf(request).length > 1) {
    const ports = await portsOf(account.client, scopeOf(request), server.id);
    return ports.find(({ network_id }) => network_id === networkId)?.fixed_ips[0]?.ip_address ?? null;
  }
  const addresses = Object.values(server.addresses).flat();
  return addresses.find((one) => one['OS-EXT-IPS:type'] !== 'floating')?.addr ?? null;
}

/** Done when the server is gone for the customer. `find` and `inspect` speak of the effect: found/ready = gone. */
export function vmDelete(account: Account): OperationHandler {
  const { client } = account;
  const gone = (vmId: string): Found => ({ resourceId: vmId, facts: {}, startedAt: null });
  const remaining = async (request: OperationRequest): Promise<Server | null> => {
    const server = await readServer(client, scopeOf(request), input(request, 'vmId'));
    return server && !isGoneServer(server) ? server : null;
  };
  return {
    async send(request) {
      const vmId = input(request, 'vmId');
      const server = await remaining(request);
      if (!server) return { state: 'done', found: gone(vmId) };
      if (!carriesMarker(server, ...ownMarkers(request))) throw notOurs('the server', vmId);
      const requestId = await remove(account, request, vmId);
      const job = { kind: 'server', scope: scopeOf(request), id: vmId, goal: 'gone', requestId } as const;
      return { state: 'pending', jobId: jobIdOf(job), resourceId: vmId };
    },
    async find(request) {
      const server = await remaining(request);
      const begun = !server || server['OS-EXT-STS:task_state'] === 'deleting';
      return begun ? { state: 'found', resourceId: input(request, 'vmId'), others: [] } : { state: 'absent' };
    },
    async inspect(request) {
      const server = await remaining(request);
      if (!server) return { state: 'ready', found: gone(input(request, 'vmId')) };
      return server['OS-EXT-STS:task_state'] === null ? { state: 'absent' } : { state: 'pending' };
    },
    discard: () => Promise.resolve('gone'),
  };
}

/** Works in any state; 404 is what was wanted. A locked one refuses its tenant with 409. */
async function remove({ client }: Account, request: OperationRequest, id: string): Promise<string | null> {
  const path = `/servers/${pathOf(id)}`;
  const scope = scopeOf(request);
  const done = await orNull(client.change({ service: 'compute', scope, method: 'DELETE', path }, Anything));
  return done?.requestId ?? null;
}
