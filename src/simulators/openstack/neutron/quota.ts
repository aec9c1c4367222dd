import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { noContent, ok, type Call, type Reply } from '../call.js';
import { neutronError } from '../errors.js';
import { routesOf } from '../route.js';
import type { Cloud } from '../state/cloud.js';
import { policyRefusal } from './owner.js';

const tables: Record<string, (cloud: Cloud, projectId: string) => number> = {
  network: (cloud, projectId) => cloud.networks.countOf(projectId),
  subnet: (cloud, projectId) => cloud.subnets.countOf(projectId),
  port: (cloud, projectId) => cloud.ports.countOf(projectId),
  router: (cloud, projectId) => cloud.routers.countOf(projectId),
  floatingip: (cloud, projectId) => cloud.floatingIps.countOf(projectId),
  security_group: (cloud, projectId) => cloud.securityGroups.countOf(projectId),
  security_group_rule: (cloud, projectId) =>
    [...cloud.securityGroups.ofProject(projectId)].reduce((sum, group) => sum + group.rules.length, 0),
};

/** @throws 409 `OverQuota` when the project may not have `more` of these. */
export function checkQuota(cloud: Cloud, projectId: string, resource: string, more = 1): void {
  const used = tables[resource]?.(cloud, projectId) ?? 0;
  if (used + more <= cloud.quotas.limit('neutron', projectId, resource)) return;
  throw neutronError(409, 'OverQuota', `Quota exceeded for resources: ['${resource}'].`);
}

export const quotaRoutes = routesOf('neutron', [
  ['GET', '/quotas/{project}', 'quotas.show', show],
  ['GET', '/quotas/{project}/details', 'quotas.details', details],
  [
    'GET',
    '/quotas/{project}/default',
    'quotas.default',
    (call) => ok({ quota: call.cloud.quotas.defaults('neutron') }),
  ],
  ['PUT', '/quotas/{project}', 'quotas.update', update],
  ['DELETE', '/quotas/{project}', 'quotas.delete', remove],
]);

function checkMayRead(call: Call): string {
  const projectId = call.param('project');
  if (!call.isAdmin && call.projectId !== projectId) throw policyRefusal('get_quota');
  return projectId;
}

function show(call: Call): Reply {
  return ok({ quota: call.cloud.quotas.limits('neutron', checkMayRead(call)) });
}

function details(call: Call): Reply {
  const projectId = checkMayRead(call);
  const quota: JsonObject = {};
  for (const [resource, limit] of Object.entries(call.cloud.quotas.limits('neutron', projectId))) {
    quota[resource] = { limit, used: tables[resource]?.(call.cloud, projectId) ?? 0, reserved: 0 };
  }
  return ok({ quota });
}

function update(call: Call): Reply {
  if (!call.isAdmin) throw policyRefusal('update_quota');
  const projectId = call.param('project');
  const { quota } = call.read(z.object({ quota: z.record(z.string(), z.number().int().min(-1)) }));
  const known = call.cloud.quotas.defaults('neutron');
  const unknown = Object.keys(quota).find((resource) => known[resource] === undefined);
  if (unknown !== undefined) throw neutronError(400, 'HTTPBadRequest', `Unrecognized attribute(s) '${unknown}'`);
  call.cloud.quotas.set('neutron', projectId, quota);
  call.effect('changed', 'quota', projectId);
  return ok({ quota: call.cloud.quotas.limits('neutron', projectId) });
}

function remove(call: Call): Reply {
  if (!call.isAdmin) throw policyRefusal('delete_quota');
  call.cloud.quotas.reset('neutron', call.param('project'));
  call.effect('changed', 'quota', call.param('project'));
  return noContent();
}
