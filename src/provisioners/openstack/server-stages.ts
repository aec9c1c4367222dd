import { OutcomeUnknownError, ProvisioningError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type {
  Finding,
  Found,
  Inspection,
  NextStage,
  OperationHandler,
  OperationRequest,
  Sent,
} from '../provisioner.js';
import { input } from '../requests.js';
import { type Account, adoptEarlier, contradiction, markerKey, oldestFirst, scopeOf } from './account.js';
import { pathOf } from './client.js';
import { jobIdOf } from './jobs.js';
import { portsOf } from './ports.js';
import { isRefusal } from './refusals.js';
import { Anything, type Port, Server, ServerMade } from './schema.js';
import { faultOf, isGoneServer, isSettled, readServer } from './server-jobs.js';
import { portsWith, removeLeftPorts, serverOf } from './server-ports.js';
import { requireAlive } from './signs-of-life.js';
import { isAtLeast, tagsInCreate } from './versions.js';
import { carriesMarker, groupIdOf, networkIdsOf, portIdsOf, settingsOf } from './vm-settings.js';

type Stage = Omit<OperationHandler, 'discard'>;

/** Living servers of the request's marker: those in ERROR last, for nobody can use them, else the oldest first. */
export async function markedServers({ client }: Account, request: OperationRequest): Promise<Server[]> {
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
  const sorted = oldestFirst(ours.map((server) => ({ ...server, created_at: server.created })));
  return sorted.toSorted((a, b) => Number(a.status === 'ERROR') - Number(b.status === 'ERROR'));
}

/** What Nova's list shows of the request; says nothing of what may be on its way. */
export async function listedServer(account: Account, request: OperationRequest): Promise<Finding> {
  return findingOf(request, await markedServers(account, request));
}

function findingOf(request: OperationRequest, [server, ...others]: Server[]): Finding {
  if (!server) return { state: 'absent' };
  // One that failed is a job that failed, as when its answer had come: it is removed, and another try is worth it.
  if (others.length === 0 && ['BUILD', 'ERROR'].includes(server.status)) {
    const job = { kind: 'server', scope: scopeOf(request), id: server.id, goal: 'active', requestId: null } as const;
    return { state: 'job', jobId: jobIdOf(job), resourceId: server.id };
  }
  return { state: 'found', resourceId: server.id, others: others.map(({ id }) => id) };
}

/** `POST /servers` on the ports of the stage before, and what becomes of it. */
export function serverStage(account: Account): Stage {
  const { client } = account;

  async function requireTags(): Promise<void> {
    const version = await client.version('compute');
    if (isAtLeast(version, tagsInCreate)) return;
    const message = `Nova speaks ${version}; from ${tagsInCreate} (Pike) on a server can be marked when it is made, and a lost answer be asked for`;
    throw new ProvisioningError('ask-human', 'CLD_UNSUPPORTED', message);
  }

  /**
   * A server that is in no list, by the port it has taken. Nova's creation hangs on Neutron, Glance and, for a root volume, Cinder:
   * before nothing is said to be there, each of them has answered.
   */
  async function find(request: OperationRequest): Promise<Finding> {
    const shown = await listedServer(account, request);
    if (shown.state !== 'absent') return shown;
    const given = portIdsOf(request);
    const scope = scopeOf(request);
    const ports = given.length === 0 ? [] : await portsWith(account, request, request.marker);
    const { rootVolume } = settingsOf(request);
    const others = [...(given.length === 0 ? (['network'] as const) : []), 'image' as const];
    await requireAlive(client, scope, rootVolume ? [...others, 'volume'] : others);
    for (const port of ports.filter(({ id }) => given.includes(id))) {
      const server = await serverOf(account, request, port);
      if (server && !carriesMarker(server, request.marker)) {
        throw contradiction(`the port ${port.id} made for this VM is a card of another server, ${server.id}`);
      }
      if (server) return findingOf(request, [server]);
    }
    return given.length === 0 ? { state: 'absent' } : { state: 'absent', guarded: true };
  }

  /**
   * Disarms every earlier request that carries these ports: without them Nova refuses it, or its build fails. With new ones the
   * server is then asked for again. A port alone is no lock: two requests released at one moment are both accepted (reference 7.3).
   */
  async function disarm(request: OperationRequest): Promise<NextStage> {
    await removeLeftPorts(account, request, request.marker);
    const given = portIdsOf(request);
    const taken = (await portsWith(account, request, request.marker)).filter(({ id }) => given.includes(id));
    if (taken.length === 0) return newPorts;
    const message = `${request.operation}: an earlier attempt has taken ${taken.map(({ id }) => id).join(', ')}`;
    throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message);
  }
  const newPorts: NextStage = { state: 'next', stage: 'port', memo: { ports: '' } };

  async function create(request: OperationRequest): Promise<Sent> {
    const ports = portIdsOf(request);
    const { value, requestId } = await client
      .change(
        {
          service: 'compute',
          scope: scopeOf(request),
          method: 'POST',
          path: '/servers',
          body: { server: await serverBody(request) },
        },
        ServerMade,
      )
      .catch((error: unknown) => {
        // Somebody has our port, and nobody but an earlier request of ours knows it: that one was carried out.
        if (ports.length === 0 || !isRefusal(error, 400, 409) || !/\bport\b.*\bin use\b/i.test(error.message))
          throw error;
        throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', error.message);
      });
    const { id, adminPass } = value.server;
    const isMade = !settingsOf(request).hasRootPassword && adminPass !== undefined;
    const jobId = jobIdOf({ kind: 'server', scope: scopeOf(request), id, goal: 'active', requestId });
    return { state: 'pending', jobId, resourceId: id, ...(isMade && { secrets: { rootPassword: adminPass } }) };
  }

  const stage: Stage = {
    async send(request) {
      await requireTags();
      const hasPorts = portIdsOf(request).length > 0;
      const isFirst = hasPorts && request.attempt <= Number(request.memo['firstWithPorts']);
      // Nothing that hangs is in doubt yet: a look at the list will do.
      const looking = isFirst ? { ...stage, find: (asked: OperationRequest) => listedServer(account, asked) } : stage;
      const adopted = await adoptEarlier(account, looking, request);
      if (adopted) return adopted;
      if (hasPorts && !isFirst) return disarm(request);
      try {
        return await create(request);
      } catch (error) {
        // Taken away meanwhile, with the network say. Refused, so nothing is there.
        if (!hasPorts || !isRefusal(error, 400, 404) || !/\bport\b.*could not be found/i.test(error.message))
          throw error;
        return disarm(request);
      }
    },
    find,
    async inspect(request, resourceId): Promise<Inspection> {
      const server = await readServer(client, scopeOf(request), request.memo['vmId'] ?? resourceId);
      if (!server || isGoneServer(server)) return { state: 'absent' };
      if (!isSettled(server)) return { state: 'pending' };
      switch (server.status) {
        case 'ACTIVE':
          return described(account, request, server);
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
  };
  return stage;
}

async function serverBody(request: OperationRequest): Promise<JsonObject> {
  const settings = settingsOf(request);
  const ports = portIdsOf(request);
  const groupId = ports.length > 0 ? undefined : groupIdOf(request);
  const password = settings.hasRootPassword ? await orderedPassword(request) : await request.openSecret('rootPassword');
  const { rootVolume } = settings;
  return {
    name: settings.name,
    flavorRef: settings.flavorId,
    // Always named: without it Nova takes whatever network the project happens to have, or refuses several.
    networks: ports.length > 0 ? ports.map((port) => ({ port })) : networkIdsOf(request).map((uuid) => ({ uuid })),
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
    // `name` takes an id as well, and an id cannot be mistaken for another group of that name. Ports have theirs already.
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

/** A server that is off is started, for it was bought running. */
export function startStage(account: Account): Stage {
  const { client } = account;
  const { inspect } = serverStage(account);
  const current = (request: OperationRequest) => readServer(client, scopeOf(request), input(request, 'vmId'));
  return {
    async send(request) {
      const server = await current(request);
      if (server?.status === 'ACTIVE' && isSettled(server)) {
        const seen = await described(account, request, server);
        if (seen.state === 'ready') return { state: 'done', found: seen.found };
      }
      const id = input(request, 'vmId');
      const scope = scopeOf(request);
      const path = `/servers/${pathOf(id)}/action`;
      const { requestId } = await client.change(
        { service: 'compute', scope, method: 'POST', path, body: { 'os-start': null } },
        Anything,
      );
      const jobId = jobIdOf({ kind: 'server', scope, id, goal: 'active', requestId });
      return { state: 'pending', jobId, resourceId: id };
    },
    async find(request) {
      const server = await current(request);
      const begun = server && (server.status === 'ACTIVE' || !isSettled(server));
      // A second start changes nothing.
      return begun ? { state: 'found', resourceId: server.id, others: [] } : { state: 'absent', guarded: true };
    },
    inspect,
  };
}

/** An active server with what others need to know of it; one without a card that was made for it cannot be reached. */
async function described(account: Account, request: OperationRequest, server: Server): Promise<Inspection> {
  const [networkId = ''] = networkIdsOf(request);
  const given = portIdsOf(request);
  const ports = given.length > 0 || networkIdsOf(request).length > 1 ? await cardsOf(account, request, server) : null;
  const lost = given.filter((id) => !ports?.some((port) => port.id === id));
  if (lost.length > 0) {
    // What two requests with one port, carried out at one moment, can do to each other (reference 7.3).
    const message = `the server ${server.id} is active and has lost its card, the port ${lost.join(', ')}`;
    return { state: 'broken', code: 'CLD_RESOURCE_ERROR', message };
  }
  const privateIp = privateIpOf(server, ports, networkId);
  const found: Found = {
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
  return { state: 'ready', found };
}

const cardsOf = ({ client }: Account, request: OperationRequest, { id }: Server): Promise<Port[]> =>
  portsOf(client, scopeOf(request), id);

/** The address of the default card. A server names its networks, not their ids, so with several its ports are asked. */
function privateIpOf(server: Server, ports: Port[] | null, networkId: string): string | null {
  if (ports) return ports.find(({ network_id }) => network_id === networkId)?.fixed_ips[0]?.ip_address ?? null;
  const addresses = Object.values(server.addresses).flat();
  return addresses.find((one) => one['OS-EXT-IPS:type'] !== 'floating')?.addr ?? null;
}
