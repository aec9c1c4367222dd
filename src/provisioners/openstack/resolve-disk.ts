import type { DraftPart } from '../../planner/plan.js';
import type { EbsConfig } from '../../schemas/work-order.js';
import type { ResolvedPart } from '../provisioner.js';
import { printable } from './account.js';
import type { EbsSettings } from './ebs.js';
import type { Resolving } from './resolve.js';
import { readBackup, readSnapshot } from './volume-jobs.js';

export async function resolveDisk(
  resolving: Resolving,
  part: DraftPart,
  config: EbsConfig,
): Promise<ResolvedPart | null> {
  const { account, tenant } = resolving;
  const type = await volumeTypeOf(resolving, part, config.volumeType, 'volumeType');
  const source = config.backupVolumeId === null ? {} : await sourceOf(resolving, part, config);
  if (!type || !source) return null;
  const { volumeZone } = account.settings;
  const settings: EbsSettings = {
    volumeName: printable(config.volumeName, 255) || 'volume',
    sizeGib: config.sizeGib,
    ...(type.name === null ? {} : { volumeType: type.name }),
    ...(volumeZone === undefined ? {} : { availabilityZone: volumeZone }),
    ...source,
  };
  return {
    key: part.key,
    settings,
    needs: { 'ebs.create': tenant.needs, ...(part.vmKey === null ? {} : { 'ebs.attach': [part.vmKey] }) },
    inputs: { ...tenant.inputs, ...(part.vmKey === null ? {} : { vmId: { from: part.vmKey, fact: 'vmId' } }) },
    lines: [
      {
        what: 'disk',
        ordered: `${config.sizeGib} GB ${config.volumeType}`,
        resolved: `${config.sizeGib} GiB, ${type.text}`,
      },
      { what: 'volume zone', ordered: part.zoneId ?? 'none', resolved: volumeZone ?? "Cinder's choice" },
    ],
  };
}

/** The volume type that billing's word stands for; `name` null means the cloud's default. */
export async function volumeTypeOf(
  { account, hold }: Resolving,
  part: DraftPart,
  ordered: string,
  field: string,
): Promise<{ name: string | null; text: string } | null> {
  const { volumeTypes } = account.settings;
  const name = volumeTypes[ordered];
  if (name === undefined) {
    const known = Object.keys(volumeTypes).join(', ');
    const message = `no volume type is set for ${ordered} on this platform; known: ${known}`;
    return hold(part, field, 'no_matching_disk_offering', message);
  }
  if (name === null) return { name, text: "the cloud's default type" };
  const there = await account.catalogue.volumeTypes();
  if (there.includes(name)) return { name, text: name };
  const message = `the volume type ${name}, set for ${ordered}, is not there; types: ${there.join(', ') || 'none'}`;
  return hold(part, field, 'no_matching_disk_offering', message);
}

/** A snapshot or a backup of the same tenant (Q17); it must fit on the disk that was ordered. */
async function sourceOf({ account, tenant, hold }: Resolving, part: DraftPart, config: EbsConfig) {
  const id = config.backupVolumeId ?? '';
  const snapshot = await readSnapshot(account.client, null, id);
  const backup = snapshot ? null : await readBackup(account.client, null, id);
  const projectId =
    snapshot?.['os-extended-snapshot-attributes:project_id'] ?? backup?.['os-backup-project-attr:project_id'] ?? null;
  const found = snapshot ?? backup;
  // An administrator sees everybody's: another tenant's is as good as not there.
  if (!found || projectId !== tenant.projectId) {
    const message = `the snapshot or backup ${id} does not exist for this tenant on this platform`;
    return hold(part, 'backupVolumeId', 'snapshot_not_found', message);
  }
  if (found.size !== null && found.size > config.sizeGib) {
    const message = `the disk of ${config.sizeGib} GiB is smaller than what it is to be made from (${found.size} GiB)`;
    return hold(part, 'volumeSize', 'no_matching_disk_offering', message);
  }
  return snapshot ? { snapshotId: id } : { backupId: id };
}
