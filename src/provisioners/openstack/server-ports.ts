import { z } from 'zod';
import { OutcomeUnknownError } from '../../errors.js';
import { stageMarker } from '../../planner/marker.js';
import type { OperationRequest } from '../provisioner.js';
import { type Account, oldestFirst, scopeOf } from './account.js';
import { orNull, pathOf } from './client.js';
import { isRefusal } from './refusals.js';
import { Anything, Port } from './schema.js';
import { isGoneServer, readServer } from './server-jobs.js';

/**
 * The cards of a server, made before it: `POST /servers` names them, and so a request that was given up can be disarmed. A port
 * that is deleted takes with it whatever request still carries it (docs/decisions/0030).
 */

/** The text that the ports of a VM carry as their description: a marker of their own, for a marker stands for one thing. */
export const portMarker = (operationMarker: string): string => stageMarker(operationMarker, 'port');

/** All ports of a VM, oldest first. What is compared is compared here: an administrator's list has other projects' as well. */
export async function portsWith({ client }: Account, request: OperationRequest, operationMarker: string) {
  const scope = scopeOf(request);
  const projectId = scope ?? (await client.token()).projectId;
  const query = { description: portMarker(operationMarker), project_id: projectId };
  const rows = await client.list({ service: 'network', scope, path: '/ports', query, key: 'ports', row: Port });
  return oldestFirst(rows.filter((port) => port.description === query.description && port.project_id === projectId));
}

/**
 * One port on each network, all or none, in the order of the networks. Null where none can be made beforehand: it is forbidden, or
 * a network has no subnet.
 */
export async function makePorts(
  account: Account,
  request: OperationRequest,
  networkIds: string[],
  securityGroupId: string | undefined,
): Promise<string[] | null> {
  const { client } = account;
  const scope = scopeOf(request);
  const ports = networkIds.map((network_id) => ({
    network_id,
    description: portMarker(request.marker),
    // Nova gives its groups to the ports it makes only. Without one Neutron takes the project's `default`, as Nova does.
    ...(securityGroupId === undefined ? {} : { security_groups: [securityGroupId] }),
  }));
  let made: Port[];
  try {
    const change = { service: 'network', scope, method: 'POST', path: '/ports', body: { ports } } as const;
    made = (await client.change(change, z.object({ ports: z.array(Port) }))).value.ports;
  } catch (error) {
    if (isRefusal(error, 403) && error.code !== 'CLD_QUOTA') return null;
    throw error;
  }
  const ids = onePerNetwork(made, networkIds);
  if (ids !== null && made.every(({ fixed_ips }) => fixed_ips.length > 0)) return ids;
  for (const port of made) await deletePortAsSeen(account, request, port);
  return null;
}

/** For each network a free port that is there, the oldest; null when one is wanting. */
export function onePerNetwork(ports: Port[], networkIds: string[]): string[] | null {
  const left = ports.filter(isFree);
  const ids: string[] = [];
  for (const networkId of networkIds) {
    const at = left.findIndex(({ network_id }) => network_id === networkId);
    const [port] = at < 0 ? [] : left.splice(at, 1);
    if (!port) return null;
    ids.push(port.id);
  }
  return ids;
}

export const isFree = ({ device_id }: Port): boolean => device_id === null || device_id === '';

/**
 * Deletes a port as it was seen, and not when a server has taken it since (`If-Match`).
 *
 * @returns false when it has changed
 */
async function deletePortAsSeen({ client }: Account, request: OperationRequest, port: Port): Promise<boolean> {
  const { id, revision_number: revision } = port;
  const path = `/ports/${pathOf(id)}`;
  try {
    const change = { service: 'network', scope: scopeOf(request), method: 'DELETE', path } as const;
    await orNull(client.change({ ...change, ...(revision === null ? {} : { revision }) }, Anything));
    return true;
  } catch (error) {
    if (isRefusal(error, 412)) return false;
    throw error;
  }
}

/**
 * Removes a VM's ports which no living server has: twins, and those that a deleted server left (Nova deletes only what it made).
 *
 * @throws OutcomeUnknownError when one is being taken just now
 */
export async function removeLeftPorts(account: Account, request: OperationRequest, operationMarker: string) {
  for (const port of await leftPorts(account, request, operationMarker)) {
    if (await deletePortAsSeen(account, request, port)) continue;
    const message = `${request.operation}: the port ${port.id} was taken while it was to be removed`;
    throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message);
  }
}

/** A VM's ports which no living server has. */
export async function leftPorts(account: Account, request: OperationRequest, operationMarker: string): Promise<Port[]> {
  const left: Port[] = [];
  for (const port of await portsWith(account, request, operationMarker)) {
    if (isFree(port) || !(await serverOf(account, request, port))) left.push(port);
  }
  return left;
}

/** The living server that has a port; a port may go on naming one that is gone. */
export async function serverOf({ client }: Account, request: OperationRequest, port: Port) {
  if (isFree(port)) return null;
  const server = await readServer(client, scopeOf(request), port.device_id ?? '');
  return server && !isGoneServer(server) ? server : null;
}
