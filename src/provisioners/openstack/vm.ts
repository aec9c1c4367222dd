import type { Finding, Found, NextStage, OperationHandler, OperationRequest } from '../provisioner.js';
import { input, notOurs, ownMarkers } from '../requests.js';
import { type Account, adoptEarlier, scopeOf } from './account.js';
import { orNull, pathOf } from './client.js';
import { jobIdOf } from './jobs.js';
import { Anything, type Server } from './schema.js';
import { isGoneServer, readServer } from './server-jobs.js';
import { leftPorts, makePorts, onePerNetwork, portsWith, removeLeftPorts } from './server-ports.js';
import { listedServer, markedServers, serverStage, startStage } from './server-stages.js';
import { carriesMarker, groupIdOf, networkIdsOf, portIdsOf } from './vm-settings.js';

/**
 * Ports, then the server on them. Nova minds neither two servers of one name nor of one tag; a port only one server can have, and
 * deleting it disarms the request that carries it. The first stage has no name; it is `port` when the way leads back to it.
 */
export function vmCreate(account: Account): OperationHandler {
  const server = serverStage(account);
  const start = startStage(account);
  const port = portStage(account, server);

  const handlerOf = ({ operation, stage }: OperationRequest): Omit<OperationHandler, 'discard'> => {
    if (stage === null || stage === 'port') return port;
    if (stage === 'server') return server;
    if (stage === 'start') return start;
    throw new Error(`${operation} has no stage "${stage}"`);
  };
  return {
    removableWhileBuilding: true,
    send: (request) => handlerOf(request).send(request),
    find: (request) => handlerOf(request).find(request),
    inspect: (request, resourceId) => handlerOf(request).inspect(request, resourceId),

    // The server, and then what it stood on: a port that somebody made Nova leaves behind.
    async discard(request, resourceId) {
      for (const one of await toDiscard(request, resourceId)) {
        if (!carriesMarker(one, request.marker)) throw notOurs('the server', one.id);
        if (one['OS-EXT-STS:task_state'] !== 'deleting') await remove(account, request, one.id);
        return 'in-progress';
      }
      await removeLeftPorts(account, request, request.marker);
      return 'gone';
    },
  };

  /** What is named; for a port that was given to a request, whatever that request made. */
  async function toDiscard(request: OperationRequest, resourceId: string): Promise<Server[]> {
    const named = await readServer(account.client, scopeOf(request), resourceId);
    if (named && !isGoneServer(named)) return [named];
    return portIdsOf(request).includes(resourceId) ? markedServers(account, request) : [];
  }
}

/** A twin under one marker does no harm: one is taken, and what is left over is removed with the server. */
function portStage(account: Account, server: Omit<OperationHandler, 'discard'>): Omit<OperationHandler, 'discard'> {
  const next = ({ attempt }: OperationRequest, ports: string[]): NextStage => {
    const [resourceId] = ports;
    // The request of that attempt is the first that carries these ports.
    const memo = { ports: ports.join(','), firstWithPorts: String(attempt + 1) };
    return { state: 'next', stage: 'server', memo, ...(resourceId === undefined ? {} : { resourceId }) };
  };
  const existing = async (request: OperationRequest): Promise<string[] | null> =>
    onePerNetwork(await portsWith(account, request, request.marker), networkIdsOf(request));

  const stage: Omit<OperationHandler, 'discard'> = {
    async send(request) {
      const adopted = await adoptEarlier(account, stage, request);
      if (adopted) return adopted;
      return next(request, (await makePorts(account, request, networkIdsOf(request), groupIdOf(request))) ?? []);
    },
    async find(request) {
      // Of an earlier try that was given up, or of an attempt before this way of making servers.
      const earlier = await listedServer(account, request);
      if (earlier.state !== 'absent') return earlier;
      const [resourceId] = (await existing(request)) ?? [];
      if (resourceId === undefined) return { state: 'absent', guarded: true };
      return { state: 'found', resourceId, others: [] };
    },
    async inspect(request, resourceId) {
      const ports = await existing(request);
      if (ports?.includes(resourceId)) return next(request, ports);
      return server.inspect(request, resourceId);
    },
  };
  return stage;
}

/** Done when the server is gone for the customer, and its ports with it. `find` and `inspect` speak of the effect: found/ready = gone. */
export function vmDelete(account: Account): OperationHandler {
  const { client } = account;
  const gone = (request: OperationRequest): Found => ({
    resourceId: input(request, 'vmId'),
    facts: {},
    startedAt: null,
  });
  const remaining = async (request: OperationRequest): Promise<Server | null> => {
    const server = await readServer(client, scopeOf(request), input(request, 'vmId'));
    return server && !isGoneServer(server) ? server : null;
  };
  const makersMarker = (request: OperationRequest): string => request.inputs['marker'] ?? request.marker;
  const leavesPorts = async (request: OperationRequest): Promise<boolean> =>
    (await leftPorts(account, request, makersMarker(request))).length > 0;
  const toPorts: NextStage = { state: 'next', stage: 'ports', memo: {} };

  return {
    async send(request) {
      if (request.stage === 'ports') {
        await removeLeftPorts(account, request, makersMarker(request));
        return { state: 'done', found: gone(request) };
      }
      const server = await remaining(request);
      if (!server) return (await leavesPorts(request)) ? toPorts : { state: 'done', found: gone(request) };
      if (!carriesMarker(server, ...ownMarkers(request))) throw notOurs('the server', server.id);
      const requestId = await remove(account, request, server.id);
      const job = { kind: 'server', scope: scopeOf(request), id: server.id, goal: 'gone', requestId } as const;
      return { state: 'pending', jobId: jobIdOf(job), resourceId: server.id };
    },
    async find(request) {
      const found: Finding = { state: 'found', resourceId: input(request, 'vmId'), others: [] };
      // A second deletion changes nothing.
      const absent: Finding = { state: 'absent', guarded: true };
      if (request.stage === 'ports') return (await leavesPorts(request)) ? absent : found;
      const server = await remaining(request);
      return !server || server['OS-EXT-STS:task_state'] === 'deleting' ? found : absent;
    },
    async inspect(request) {
      const server = await remaining(request);
      if (server) return server['OS-EXT-STS:task_state'] === null ? { state: 'absent' } : { state: 'pending' };
      if (!(await leavesPorts(request))) return { state: 'ready', found: gone(request) };
      return request.stage === 'ports' ? { state: 'absent' } : toPorts;
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
