import { z } from 'zod';
import type { JsonObject } from '../../json.js';
import { type OpenStackClient, pathOf } from './client.js';
import { type Goal, jobIdOf } from './jobs.js';
import { isRefusal } from './refusals.js';
import { Anything, Server, ServerRead } from './schema.js';
import { isSettled, readServer } from './server-jobs.js';
import type { Scope } from './tokens.js';
import { rebuildOfVolumeBoot } from './versions.js';

/**
 * What is done to a server beside orders (seed O5, O6). Each answers a job id for `pollJobs`, or null when the server was
 * there already; each throws what the client throws, among it `CLD_IN_USE` (retry) while the server is busy.
 */
export type Begun = { jobId: string | null };

export function startServer(client: OpenStackClient, scope: Scope, id: string): Promise<Begun> {
  return act(client, scope, id, { 'os-start': null }, 'active');
}

export function stopServer(client: OpenStackClient, scope: Scope, id: string): Promise<Begun> {
  return act(client, scope, id, { 'os-stop': null }, 'shutoff');
}

/** @param kind `SOFT` asks the system of a running server, `HARD` pulls the plug */
export function rebootServer(client: OpenStackClient, scope: Scope, id: string, kind: 'SOFT' | 'HARD'): Promise<Begun> {
  return act(client, scope, id, { reboot: { type: kind } }, 'done');
}

/**
 * @param image.adminPass the new root password; without one Nova makes one and shows it in its answer
 * @param image.isVolumeBoot a server that boots from a volume needs a newer version of the API than all else (2.93)
 */
export async function rebuildServer(
  client: OpenStackClient,
  scope: Scope,
  id: string,
  image: { imageId: string; name?: string; adminPass?: string; isVolumeBoot?: boolean },
): Promise<Begun & { adminPass: string | null }> {
  const { imageId, name, adminPass, isVolumeBoot } = image;
  const rebuild = {
    imageRef: imageId,
    ...(name === undefined ? {} : { name }),
    ...(adminPass === undefined ? {} : { adminPass }),
  };
  const { value, requestId } = await client.change(
    {
      service: 'compute',
      scope,
      method: 'POST',
      path: `/servers/${pathOf(id)}/action`,
      body: { rebuild },
      ...(isVolumeBoot ? { microversion: rebuildOfVolumeBoot } : {}),
    },
    z.object({ server: z.object({ adminPass: z.string().optional() }) }),
  );
  const jobId = jobIdOf({ kind: 'server', scope, id, goal: 'done', requestId });
  return { jobId, adminPass: value.server.adminPass ?? null };
}

/** Done in the answer. */
export async function renameServer(client: OpenStackClient, scope: Scope, id: string, name: string): Promise<Server> {
  const path = `/servers/${pathOf(id)}`;
  const change = { service: 'compute', scope, method: 'PUT', path, body: { server: { name } } } as const;
  return (await client.change(change, ServerRead)).value.server;
}

/** By id, else the only one of exactly this name; null when there is none. @throws Error when several have the name */
export async function findServer(client: OpenStackClient, scope: Scope, nameOrId: string): Promise<Server | null> {
  const byId = await readServer(client, scope, nameOrId);
  if (byId) return byId;
  // Nova reads the name as a regular expression, so the exact one is asked for and compared.
  const name = `^${nameOrId.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  const call = { service: 'compute', scope, path: '/servers/detail', query: { name }, key: 'servers' } as const;
  const rows = (await client.list({ ...call, row: Server })).filter((server) => server.name === nameOrId);
  if (rows.length > 1)
    throw new Error(`${rows.length} servers are called "${nameOrId}": ${rows.map(({ id }) => id).join(', ')}`);
  return rows[0] ?? null;
}

async function act(client: OpenStackClient, scope: Scope, id: string, body: JsonObject, goal: Goal): Promise<Begun> {
  const path = `/servers/${pathOf(id)}/action`;
  try {
    const { requestId } = await client.change({ service: 'compute', scope, method: 'POST', path, body }, Anything);
    return { jobId: jobIdOf({ kind: 'server', scope, id, goal, requestId }) };
  } catch (error) {
    // "Cannot 'start' … while it is in vm_state active": it was so already.
    const wanted = { active: 'ACTIVE', shutoff: 'SHUTOFF' }[goal as string];
    if (!isRefusal(error, 409) || wanted === undefined) throw error;
    const server = await readServer(client, scope, id);
    if (!server || !isSettled(server) || server.status !== wanted) throw error;
    return { jobId: null };
  }
}
