import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { accepted, ok, type Call, type Reply } from '../call.js';
import { badRequest, forbidden } from '../errors.js';
import { routesOf } from '../route.js';
import type { Cloud } from '../state/cloud.js';

export function usage(cloud: Cloud, projectId: string): Record<string, number> {
  const used = { instances: 0, cores: 0, ram: 0 };
  for (const { flavor } of cloud.servers.ofProject(projectId)) {
    used.instances += 1;
    used.cores += flavor.vcpus;
    used.ram += flavor.memoryMib;
  }
  return used;
}

/** @throws 403 `Quota exceeded for cores, instances: Requested 4, 1, but already used 18, 10 of 20, 10 cores, instances` */
export function checkQuota(cloud: Cloud, projectId: string, more: Record<string, number>): void {
  const used = usage(cloud, projectId);
  const over = Object.keys(more)
    .filter((name) => {
      const limit = cloud.quotas.limit('nova', projectId, name);
      return (more[name] ?? 0) > 0 && (used[name] ?? 0) + (more[name] ?? 0) > limit;
    })
    .sort();
  if (over.length === 0) return;
  const list = (values: (name: string) => number) => over.map(values).join(', ');
  const names = over.join(', ');
  const limits = list((name) => cloud.quotas.limit('nova', projectId, name));
  throw forbidden(
    `Quota exceeded for ${names}: Requested ${list((name) => more[name] ?? 0)}, but already used ${list((name) => used[name] ?? 0)} of ${limits} ${names}`,
  );
}

export const quotaRoutes = routesOf('nova', [
  ['GET', '/os-quota-sets/{project}', 'quota_sets.show', (call) => show(call, false)],
  ['GET', '/os-quota-sets/{project}/detail', 'quota_sets.detail', (call) => show(call, true)],
  [
    'GET',
    '/os-quota-sets/{project}/defaults',
    'quota_sets.defaults',
    (call) => ok({ quota_set: { id: call.param('project'), ...call.cloud.quotas.defaults('nova') } }),
  ],
  ['PUT', '/os-quota-sets/{project}', 'quota_sets.update', update],
  ['DELETE', '/os-quota-sets/{project}', 'quota_sets.delete', remove],
  ['GET', '/limits', 'limits.show', limits],
]);

function show(call: Call, withUse: boolean): Reply {
  const projectId = call.param('project');
  if (!call.isAdmin && projectId !== call.projectId) {
    throw forbidden("Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.");
  }
  const quota: JsonObject = { id: projectId };
  const used = usage(call.cloud, projectId);
  for (const [name, limit] of Object.entries(call.cloud.quotas.limits('nova', projectId))) {
    quota[name] = withUse ? { limit, in_use: used[name] ?? 0, reserved: 0 } : limit;
  }
  return ok({ quota_set: quota });
}

function update(call: Call): Reply {
  call.requireAdmin('os_compute_api:os-quota-sets:update');
  const projectId = call.param('project');
  const Body = z.object({
    quota_set: z.record(z.string(), z.union([z.number().int().min(-1), z.string().regex(/^-?\d+$/), z.boolean()])),
  });
  const { force, ...wanted } = call.read(Body).quota_set;
  const known = call.cloud.quotas.defaults('nova');
  const used = usage(call.cloud, projectId);
  const limits: Record<string, number> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (known[name] === undefined) throw badRequest(`Additional properties are not allowed ('${name}' was unexpected)`);
    const limit = Number(value);
    const inUse = used[name] ?? 0;
    if (force !== true && limit >= 0 && limit < inUse) {
      throw badRequest(
        `Quota limit ${limit} for ${name} must be greater than or equal to already used and reserved ${inUse}.`,
      );
    }
    limits[name] = limit;
  }
  call.cloud.quotas.set('nova', projectId, limits);
  call.effect('changed', 'quota', projectId);
  return ok({ quota_set: call.cloud.quotas.limits('nova', projectId) });
}

function remove(call: Call): Reply {
  call.requireAdmin('os_compute_api:os-quota-sets:delete');
  call.cloud.quotas.reset('nova', call.param('project'));
  call.effect('changed', 'quota', call.param('project'));
  return accepted();
}

/** What a tenant sees of its own limits. */
function limits(call: Call): Reply {
  const wanted = call.query.get('tenant_id');
  const projectId = wanted !== null && call.isAdmin ? wanted : call.projectId;
  const own = call.cloud.quotas.limits('nova', projectId);
  const used = usage(call.cloud, projectId);
  return ok({
    limits: {
      rate: [],
      absolute: {
        maxTotalInstances: own['instances'] ?? -1,
        totalInstancesUsed: used['instances'] ?? 0,
        maxTotalCores: own['cores'] ?? -1,
        totalCoresUsed: used['cores'] ?? 0,
        maxTotalRAMSize: own['ram'] ?? -1,
        totalRAMUsed: used['ram'] ?? 0,
        maxTotalKeypairs: own['key_pairs'] ?? -1,
        maxServerMeta: own['metadata_items'] ?? -1,
        maxServerGroups: own['server_groups'] ?? -1,
        maxServerGroupMembers: own['server_group_members'] ?? -1,
        totalServerGroupsUsed: 0,
      },
    },
  });
}
