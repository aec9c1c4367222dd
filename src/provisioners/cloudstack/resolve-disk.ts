import type { DraftPart } from '../../planner/plan.js';
import type { EbsConfig } from '../../schemas/work-order.js';
import type { ResolvedPart } from '../provisioner.js';
import type { EbsSettings } from './ebs.js';
import { printable } from './host-name.js';
import { readOne } from './lookup.js';
import { chooseDiskOffering } from './offerings.js';
import { pathOfField } from '../resolving.js';
import { type Resolving, zoneOf } from './resolve.js';
import { isOfTenant } from './resolve-tenant.js';
import { Snapshot, type Zone } from './schema.js';

export async function resolveDisk(
  resolving: Resolving,
  part: DraftPart,
  config: EbsConfig,
): Promise<ResolvedPart | null> {
  const zone = await zoneOf(resolving, part);
  if (!zone) return null;
  const source =
    config.backupVolumeId === null ? await empty(resolving, part, config) : await restored(resolving, part, config);
  if (!source) return null;
  const settings: EbsSettings = {
    volumeName: printable(config.volumeName, 200) || 'volume',
    zoneId: zone.id,
    ...source.settings,
  };
  return {
    key: part.key,
    settings,
    needs: part.vmKey === null ? { 'ebs.create': [] } : { 'ebs.create': [], 'ebs.attach': [part.vmKey] },
    inputs: part.vmKey === null ? {} : { vmId: { from: part.vmKey, fact: 'vmId' } },
    lines: [
      { what: 'disk', ordered: `${config.sizeGib} GB ${config.volumeType}`, resolved: source.resolved },
      { what: 'zone', ordered: part.zoneId ?? 'none', resolved: zoneText(zone) },
    ],
  };
}

type Source = { settings: Pick<EbsSettings, 'diskOfferingId' | 'sizeGib' | 'snapshotId'>; resolved: string };

async function empty({ account, hold }: Resolving, part: DraftPart, config: EbsConfig): Promise<Source | null> {
  const { catalogue, settings } = account;
  const { volumeType, sizeGib } = config;
  const nameOrId = settings.diskOfferings[volumeType];
  if (nameOrId === undefined) {
    const known = Object.keys(settings.diskOfferings).join(', ');
    const message = `no disk offering is set for the type ${volumeType} on this platform; known types: ${known}`;
    return hold(part, 'volumeType', 'no_matching_disk_offering', message);
  }
  const offerings = await catalogue.diskOfferings();
  const offering = chooseDiskOffering(offerings, nameOrId, volumeType, sizeGib);
  if (!offering) {
    const message = `no disk offering for ${sizeGib} GiB of ${volumeType} (looked for "${nameOrId}", customised or of exactly that size)`;
    return hold(part, 'volumeSize', 'no_matching_disk_offering', message);
  }
  if (!offering.iscustomized) {
    return { settings: { diskOfferingId: offering.id }, resolved: `${sizeGib} GiB, ${offering.name}` };
  }
  const { customdiskofferingminsize: least, customdiskofferingmaxsize: most } = await catalogue.capability();
  if (sizeGib < (least ?? 1) || sizeGib > (most ?? Infinity)) {
    const message = `${sizeGib} GiB is outside of what the platform allows for a disk (${least ?? 1} to ${most ?? 'any'} GiB)`;
    return hold(part, 'volumeSize', 'no_matching_disk_offering', message);
  }
  return {
    settings: { diskOfferingId: offering.id, sizeGib },
    resolved: `${sizeGib} GiB, ${offering.name} (customised)`,
  };
}

/** From a snapshot (Q17): its own offering and size come with it, CloudStack takes no others. */
async function restored(
  { account, registration, hold, warn }: Resolving,
  part: DraftPart,
  config: EbsConfig,
): Promise<Source | null> {
  const snapshotId = config.backupVolumeId ?? '';
  const snapshot = await readOne(account.client, 'listSnapshots', snapshotId, 'snapshot', Snapshot);
  // Another tenant's snapshot is not there for this order (Q17).
  if (!snapshot || !isOfTenant(registration, snapshot)) {
    return hold(
      part,
      'backupVolumeId',
      'snapshot_not_found',
      `the snapshot ${snapshotId} does not exist on this platform`,
    );
  }
  const message = `size and type of the disk are those of the snapshot ${snapshotId}, whatever the order says`;
  warn({ path: pathOfField(part, 'backupVolumeId'), code: 'SEM_SNAPSHOT_DECIDES', message });
  return { settings: { snapshotId }, resolved: `from the snapshot ${snapshotId}` };
}

const zoneText = ({ id, name }: Zone): string => `${name} (${id})`;
