import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { ok, type Call, type Reply } from '../call.js';
import { badRequest, forbidden, Refusal } from '../errors.js';
import { flag } from '../paging.js';
import { routesOf } from '../route.js';
import type { Cloud } from '../state/cloud.js';

function usage(cloud: Cloud, projectId: string): Record<string, number> {
  const volumes = [...cloud.volumes.ofProject(projectId)];
  const snapshots = [...cloud.snapshots.ofProject(projectId)];
  const backups = [...cloud.backups.ofProject(projectId)];
  const used: Record<string, number> = {
    volumes: volumes.length,
    snapshots: snapshots.length,
    gigabytes: sum(volumes) + sum(snapshots),
    backups: backups.length,
    backup_gigabytes: sum(backups),
  };
  for (const { name } of cloud.volumeTypes.values()) {
    const ofType = volumes.filter((volume) => volume.typeName === name);
    used[`volumes_${name}`] = ofType.length;
    used[`gigabytes_${name}`] = sum(ofType);
  }
  return used;
}

const sum = (rows: { sizeGib: number }[]) => rows.reduce((total, row) => total + row.sizeGib, 0);

/** A quota refusal is a 413 with `Retry-After: 0`: no rate limit. */
function overLimit(message: string): Refusal {
  return new Refusal(413, message, { headers: { 'retry-after': '0' }, fields: { retryAfter: '0' } });
}

/** @throws 413 when one more volume, or its size, is too much */
export function checkVolumeQuota(cloud: Cloud, projectId: string, sizeGib: number, typeName: string): void {
  const used = usage(cloud, projectId);
  for (const name of ['volumes', `volumes_${typeName}`]) {
    const limit = cloud.quotas.limit('cinder', projectId, name);
    if ((used[name] ?? 0) + 1 > limit) {
      throw overLimit(
        `VolumeLimitExceeded: Maximum number of volumes allowed (${limit}) exceeded for quota '${name}'.`,
      );
    }
  }
  checkSize(cloud, projectId, sizeGib, [`gigabytes`, `gigabytes_${typeName}`], used);
}

export function checkGrowth(cloud: Cloud, projectId: string, moreGib: number, typeName: string): void {
  checkSize(cloud, projectId, moreGib, ['gigabytes', `gigabytes_${typeName}`], usage(cloud, projectId));
}

function checkSize(
  cloud: Cloud,
  projectId: string,
  sizeGib: number,
  names: string[],
  used: Record<string, number>,
): void {
  for (const name of names) {
    const limit = cloud.quotas.limit('cinder', projectId, name);
    if ((used[name] ?? 0) + sizeGib <= limit) continue;
    throw overLimit(
      `VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed ${name} quota. Requested ${sizeGib}G, quota is ${limit}G and ${used[name] ?? 0}G has been consumed.`,
    );
  }
}

export function checkSnapshotQuota(cloud: Cloud, projectId: string, sizeGib: number): void {
  const used = usage(cloud, projectId);
  const limit = cloud.quotas.limit('cinder', projectId, 'snapshots');
  if ((used['snapshots'] ?? 0) + 1 > limit) {
    throw overLimit(
      `SnapshotLimitExceeded: Maximum number of snapshots allowed (${limit}) exceeded for quota 'snapshots'.`,
    );
  }
  checkSize(cloud, projectId, sizeGib, ['gigabytes'], used);
}

export function checkBackupQuota(cloud: Cloud, projectId: string, sizeGib: number): void {
  const used = usage(cloud, projectId);
  const limit = cloud.quotas.limit('cinder', projectId, 'backups');
  if ((used['backups'] ?? 0) + 1 > limit) {
    throw overLimit(`BackupLimitExceeded: Maximum number of backups allowed (${limit}) exceeded`);
  }
  checkSize(cloud, projectId, sizeGib, ['backup_gigabytes'], used);
}

export const quotaRoutes = routesOf('cinder', [
  ['GET', '/os-quota-sets/{project}', 'quota_sets.show', show],
  [
    'GET',
    '/os-quota-sets/{project}/defaults',
    'quota_sets.defaults',
    (call) => ok({ quota_set: { id: call.param('project'), ...limitsOf(call, null) } }),
  ],
  ['PUT', '/os-quota-sets/{project}', 'quota_sets.update', update],
  ['DELETE', '/os-quota-sets/{project}', 'quota_sets.delete', remove],
  ['GET', '/limits', 'limits.show', limits],
]);

function limitsOf(call: Call, projectId: string | null): Record<string, number> {
  const { cloud } = call;
  const own = projectId === null ? cloud.quotas.defaults('cinder') : cloud.quotas.limits('cinder', projectId);
  for (const { name } of cloud.volumeTypes.values()) {
    for (const kind of ['volumes', 'gigabytes', 'snapshots']) own[`${kind}_${name}`] ??= -1;
  }
  return own;
}

function show(call: Call): Reply {
  const projectId = call.param('project');
  if (!call.isAdmin && projectId !== call.projectId)
    throw forbidden("Policy doesn't allow quotas:show to be performed.");
  const quota: JsonObject = { id: projectId };
  const used = usage(call.cloud, projectId);
  for (const [name, limit] of Object.entries(limitsOf(call, projectId))) {
    quota[name] = flag(call.query, 'usage') ? { limit, in_use: used[name] ?? 0, reserved: 0, allocated: 0 } : limit;
  }
  return ok({ quota_set: quota });
}

function update(call: Call): Reply {
  call.requireAdmin('volume_extension:quotas:update');
  const projectId = call.param('project');
  const Body = z.object({
    quota_set: z.record(z.string(), z.union([z.number().int(), z.string().regex(/^-?\d+$/), z.boolean()])),
  });
  const { quota_set: wanted } = call.read(Body);
  const known = limitsOf(call, projectId);
  const limits: Record<string, number> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (['force', 'tenant_id', 'id'].includes(name)) continue;
    if (known[name] === undefined) throw badRequest(`Bad key(s) in quota set: ${name}`);
    limits[name] = Number(value);
  }
  call.cloud.quotas.set('cinder', projectId, limits);
  call.effect('changed', 'quota', projectId);
  return ok({ quota_set: limitsOf(call, projectId) });
}

function remove(call: Call): Reply {
  call.requireAdmin('volume_extension:quotas:delete');
  call.cloud.quotas.reset('cinder', call.param('project'));
  call.effect('changed', 'quota', call.param('project'));
  return ok();
}

function limits(call: Call): Reply {
  const used = usage(call.cloud, call.projectId);
  const own = call.cloud.quotas.limits('cinder', call.projectId);
  return ok({
    limits: {
      rate: [],
      absolute: {
        maxTotalVolumes: own['volumes'] ?? -1,
        totalVolumesUsed: used['volumes'] ?? 0,
        maxTotalVolumeGigabytes: own['gigabytes'] ?? -1,
        totalGigabytesUsed: used['gigabytes'] ?? 0,
        maxTotalSnapshots: own['snapshots'] ?? -1,
        totalSnapshotsUsed: used['snapshots'] ?? 0,
        maxTotalBackups: own['backups'] ?? -1,
        totalBackupsUsed: used['backups'] ?? 0,
        maxTotalBackupGigabytes: own['backup_gigabytes'] ?? -1,
        totalBackupGigabytesUsed: used['backup_gigabytes'] ?? 0,
      },
    },
  });
}
