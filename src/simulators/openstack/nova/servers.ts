import { z } from 'zod';
import { noContent, ok, type Call, type Reply } from '../call.js';
import { forbidden, notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { Server } from '../state/model.js';
import { releaseDisks } from './block-devices.js';
import { createServer, Metadata, Tag } from './create-server.js';
import { listServers } from './list-servers.js';
import { releaseNetworks } from './networking.js';
import { findServer, refuseLocked } from './servers-find.js';
import { serverView } from './server-view.js';
import { beginServerWork, failServer, serverTexts } from './server-work.js';

export const serverRoutes = routesOf('nova', [
  ['POST', '/servers', 'servers.create', createServer],
  ['GET', '/servers', 'servers.list', (call) => listServers(call, false)],
  ['GET', '/servers/detail', 'servers.detail', (call) => listServers(call, true)],
  ['GET', '/servers/{id}', 'servers.show', (call) => ok({ server: serverView(call, findServer(call)) })],
  ['PUT', '/servers/{id}', 'servers.update', update],
  ['DELETE', '/servers/{id}', 'servers.delete', removeServer],
  ['GET', '/servers/{id}/metadata', 'servers.metadata.list', (call) => ok({ metadata: findServer(call).metadata })],
  ['POST', '/servers/{id}/metadata', 'servers.metadata.merge', (call) => changeMetadata(call, true)],
  ['PUT', '/servers/{id}/metadata', 'servers.metadata.replace', (call) => changeMetadata(call, false)],
  ['DELETE', '/servers/{id}/metadata/{key}', 'servers.metadata.delete', removeMetadata],
  ['GET', '/servers/{id}/tags', 'servers.tags.list', (call) => ok({ tags: tagged(call).tags })],
  ['PUT', '/servers/{id}/tags', 'servers.tags.replace', replaceTags],
  ['PUT', '/servers/{id}/tags/{tag}', 'servers.tags.add', addTag],
  ['DELETE', '/servers/{id}/tags/{tag}', 'servers.tags.delete', removeTag],
]);

const Update = z.strictObject({
  server: z.strictObject({
    name: z.string().min(1).max(255).optional(),
    description: z.string().max(255).nullable().optional(),
    hostname: z.string().min(2).max(63).optional(),
    accessIPv4: z.string().optional(),
    accessIPv6: z.string().optional(),
    'OS-DCF:diskConfig': z.enum(['AUTO', 'MANUAL']).optional(),
  }),
});

/** Renaming does not touch the host name. */
function update(call: Call): Reply {
  const server = findServer(call);
  const { server: fields } = call.read(Update);
  server.name = fields.name ?? server.name;
  server.description = fields.description === undefined ? server.description : fields.description;
  server.hostname = fields.hostname ?? server.hostname;
  changed(call, server);
  return ok({ server: serverView(call, server) });
}

function changed(call: Call, server: Server): void {
  server.updatedMs = Date.now();
  call.effect('changed', 'vm', server.id, serverTexts(server));
}

/**
 * In any state, also BUILD and ERROR; again while deleting 204, after that 404. A floating IP stays allocated, attached
 * volumes become free or go too.
 */
export function removeServer(call: Call): Reply {
  const { cloud } = call;
  const server = findServer(call);
  refuseLocked(call, server);
  if (server.underway?.phases[0] === 'deleting') return noContent();
  server.cancelWork?.();
  const before = server.vmState;
  beginServerWork(call, server, {
    action: 'delete',
    event: 'compute_terminate_instance',
    taskStates: ['deleting'],
    finish: () => {
      releaseNetworks(call, server);
      releaseDisks(call, server);
      call.effect('deleted', 'vm', server.id, serverTexts(server));
      server.vmState = 'deleted';
      server.metadata = {};
      server.tags = [];
      server.terminatedMs = Date.now();
      cloud.forgetServer(server);
    },
    fail: (reason) => {
      server.vmStateBefore = before;
      failServer(server, reason);
    },
  });
  return noContent();
}

function changeMetadata(call: Call, isMerge: boolean): Reply {
  const server = findServer(call);
  refuseLocked(call, server);
  const { metadata } = call.read(z.strictObject({ metadata: Metadata }));
  const all = isMerge ? { ...server.metadata, ...metadata } : metadata;
  if (Object.keys(all).length > call.cloud.quotas.limit('nova', server.projectId, 'metadata_items')) {
    throw forbidden('Maximum number of metadata items exceeds the quota.');
  }
  server.metadata = all;
  changed(call, server);
  return ok({ metadata: server.metadata });
}

function removeMetadata(call: Call): Reply {
  const server = findServer(call);
  const key = call.param('key');
  if (!Object.hasOwn(server.metadata, key)) throw notFound('Metadata item was not found');
  const { [key]: _gone, ...rest } = server.metadata;
  server.metadata = rest;
  changed(call, server);
  return noContent();
}

/** Below 2.26 there is no such thing. */
function tagged(call: Call): Server {
  if (call.version < 26) throw notFound('The resource could not be found.');
  return findServer(call);
}

function replaceTags(call: Call): Reply {
  const server = tagged(call);
  const { tags } = call.read(z.strictObject({ tags: z.array(Tag).max(50) }));
  server.tags = [...new Set(tags)];
  changed(call, server);
  return ok({ tags: server.tags });
}

function addTag(call: Call): Reply {
  const server = tagged(call);
  const tag = call.param('tag');
  if (server.tags.includes(tag)) return noContent();
  server.tags = [...server.tags, tag];
  changed(call, server);
  return { status: 201 };
}

function removeTag(call: Call): Reply {
  const server = tagged(call);
  const tag = call.param('tag');
  if (!server.tags.includes(tag)) throw notFound(`Server ${server.id} has no tag '${tag}'`);
  server.tags = server.tags.filter((one) => one !== tag);
  changed(call, server);
  return noContent();
}
