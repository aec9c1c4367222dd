import type { DraftPart, OperationName, PlanLine, Preparation } from '../../planner/plan.js';
import type { VmConfig } from '../../schemas/work-order.js';
import type { ResolvedPart } from '../provisioner.js';
import { hostNameFrom, printable } from './host-name.js';
import { readOne } from './lookup.js';
import { chooseOffering, describeOffering, nearestOfferings, tagsOf, type WantedShape } from './offerings.js';
import { pathOfField } from '../resolving.js';
import { type Resolving, zoneOf } from './resolve.js';
import { resolveVmNetworks } from './resolve-network.js';
import { isOfTenant } from './resolve-tenant.js';
import { SecurityGroup, SshKeyPair, type Template, type Zone } from './schema.js';
import type { OfferingSettings } from './service-offering.js';
import type { VmSettings } from './vm.js';

export async function resolveVm(resolving: Resolving, part: DraftPart, config: VmConfig): Promise<ResolvedPart | null> {
  const zone = await zoneOf(resolving, part);
  if (!zone) return null;
  // All of them, so that all holds are named at once.
  const template = await templateOf(resolving, part, config, zone);
  const networks = await resolveVmNetworks(resolving, part, config, zone);
  const keyPair = await keyPairOf(resolving, part, config);
  const securityGroups = await securityGroupsOf(resolving, part, config, zone);
  const offering = await offeringOf(resolving, part, config, zone);
  if (!template || !networks || !keyPair || !securityGroups || !offering) return null;

  const settings: VmSettings = {
    hostName: hostNameFrom(config.vmName, config.quantity > 1 ? part.index : null),
    displayName: printable(config.vmName, 255),
    zoneId: zone.id,
    templateId: template.id,
    passwordEnabled: template.passwordenabled,
    hasRootPassword: config.hasRootPassword,
    ...offering.settings,
    ...networks.settings,
    ...securityGroups,
    ...keyPair,
    ...rootDisk(template, config),
  };
  const needs: Partial<Record<OperationName, string[]>> = { 'vm.create': [...networks.needs, ...offering.needs] };
  const lines: PlanLine[] = [
    { what: 'CPU', ordered: `${config.cpuCount}`, resolved: `${config.cpuCount} cores` },
    { what: 'memory', ordered: `${config.memoryMib / 1024} GB`, resolved: `${config.memoryMib} MiB` },
    offering.line,
    { what: 'image', ordered: config.imageId, resolved: template.name ?? template.id },
    {
      what: 'root disk',
      ordered: `${config.rootDiskGib} GB ${config.rootDiskType}`,
      resolved: rootDiskLine(template, config, offering.onStorage),
    },
    { what: 'zone', ordered: part.zoneId ?? 'none', resolved: `${zone.name} (${zone.id})` },
    ...networks.lines,
  ];
  return { key: part.key, settings, needs, inputs: { ...networks.inputs, ...offering.inputs }, lines };
}

async function templateOf(
  resolving: Resolving,
  part: DraftPart,
  config: VmConfig,
  zone: Zone,
): Promise<Template | null> {
  const { account, hold } = resolving;
  const id = account.settings.images[config.imageId] ?? config.imageId;
  const image = id === config.imageId ? id : `${id} (mapped from ${config.imageId})`;
  const rows = await account.catalogue.template(id);
  if (rows.length === 0) {
    return hold(part, 'imageId', 'image_not_found', `the image ${image} does not exist on this platform`);
  }
  const template = rows.find(({ zoneid }) => zoneid === null || zoneid === zone.id);
  if (!template) {
    return hold(part, 'imageId', 'image_not_found', `the image ${image} is not in the zone ${zone.name}`);
  }
  if (!template.isready) return hold(part, 'imageId', 'image_not_ready', `the image ${image} is not ready yet`);
  if (template.size !== null && config.rootDiskGib < gibOf(template)) {
    const message = `the root disk of ${config.rootDiskGib} GiB is smaller than the image, which needs ${gibOf(template)} GiB`;
    return hold(part, 'sysVolumeSize', 'root_disk_too_small', message);
  }
  warnOfOtherSystem(resolving, part, config, template);
  return template;
}

/** 1 is Windows and 0 is not, as far as can be inferred (Q22); so a contradiction warns and decides nothing. */
function warnOfOtherSystem({ warn }: Resolving, part: DraftPart, config: VmConfig, { ostypename }: Template): void {
  const ordered = config.extra['osType'];
  if (ostypename === null || (typeof ordered !== 'number' && typeof ordered !== 'string')) return;
  if ((String(ordered) === '1') === ostypename.includes('Windows')) return;
  const message = `osType ${ordered} does not fit the image's system, ${ostypename}`;
  warn({ path: pathOfField(part, 'osType'), code: 'SEM_OS_MISMATCH', message });
}

const gibOf = ({ size }: Template): number => Math.ceil((size ?? 0) / 2 ** 30);

function rootDisk(template: Template, { rootDiskGib }: VmConfig): { rootDiskGib?: number } {
  return template.size !== null && rootDiskGib > gibOf(template) ? { rootDiskGib } : {};
}

function rootDiskLine(template: Template, config: VmConfig, onStorage: string | null): string {
  const size =
    template.size === null ? "the image's size (unknown)" : `${Math.max(config.rootDiskGib, gibOf(template))} GiB`;
  return `${size} on ${onStorage === null ? 'any storage (the offering names none)' : `storage tagged ${onStorage}`}`;
}

async function keyPairOf({ account, registration, hold }: Resolving, part: DraftPart, { keyPairId }: VmConfig) {
  if (keyPairId === null) return {};
  // Key pairs are known by name; newer servers give them an id as well, and billing may hold either.
  const { rows } = await account.client.page(
    'listSSHKeyPairs',
    { listall: true, page: 1, pagesize: 500 },
    'sshkeypair',
    SshKeyPair,
  );
  const found = rows.find((one) => (one.name === keyPairId || one.id === keyPairId) && isOfTenant(registration, one));
  return found
    ? { keyPair: found.name }
    : hold(part, 'keyPairId', 'keypair_not_found', `the key pair ${keyPairId} does not exist on this platform`);
}

/** Security groups exist in some zones only; where they do not, leaving one out silently would open a machine to the world. */
async function securityGroupsOf(
  { account, registration, hold }: Resolving,
  part: DraftPart,
  config: VmConfig,
  zone: Zone,
) {
  const id = config.securityGroupId;
  if (id === null) return {};
  if (!zone.securitygroupsenabled) {
    const message = `the zone ${zone.name} has no security groups; its networks are guarded by access lists`;
    return hold(part, 'securityGroupId', 'security_group_unsupported', message);
  }
  const group = await readOne(account.client, 'listSecurityGroups', id, 'securitygroup', SecurityGroup);
  return group && isOfTenant(registration, group)
    ? { securityGroupIds: [id] }
    : hold(
        part,
        'securityGroupId',
        'security_group_not_found',
        `the security group ${id} does not exist on this platform`,
      );
}

interface ResolvedOffering {
  settings: Pick<VmSettings, 'serviceOfferingId' | 'details'>;
  needs: string[];
  inputs: ResolvedPart['inputs'];
  line: PlanLine;
  /** The storage tag the root disk is bound to by the offering, or null. */
  onStorage: string | null;
}

async function offeringOf(
  resolving: Resolving,
  part: DraftPart,
  config: VmConfig,
  zone: Zone,
): Promise<ResolvedOffering | null> {
  const { account, hold, prepare } = resolving;
  const { catalogue, settings } = account;
  const offerings = await catalogue.serviceOfferings();
  const wanted: WantedShape = {
    cpuCount: config.cpuCount,
    memoryMib: config.memoryMib,
    bandwidthMbps: part.bandwidthMbps,
    zoneId: zone.id,
    rootDiskGib: config.rootDiskGib,
    storageTag: await storageTagOf(resolving, config.rootDiskType),
  };
  const rate = part.bandwidthMbps === null ? '' : `, ${part.bandwidthMbps} Mbit/s`;
  const ordered = `${config.cpuCount} CPU, ${config.memoryMib / 1024} GB${rate}`;

  const chosen = chooseOffering(offerings, wanted, settings.cpuSpeedMhz);
  if (chosen) {
    const { offering, details } = chosen;
    return {
      settings: { serviceOfferingId: offering.id, ...(details ? { details } : {}) },
      needs: [],
      inputs: {},
      line: { what: 'service offering', ordered, resolved: describeOffering(offering) },
      onStorage: tagsOf(offering.tags)[0] ?? null,
    };
  }
  if (!settings.createOfferings) {
    const message = `no service offering has exactly ${ordered}; ${nearestOfferings(offerings, wanted)}`;
    return hold(part, 'cpuNum', 'no_matching_offering', message);
  }
  const preparation = newOffering(part, wanted, settings.cpuSpeedMhz);
  prepare(preparation);
  return {
    settings: {},
    needs: [preparation.key],
    inputs: { serviceOfferingId: { from: preparation.key, fact: 'serviceOfferingId' } },
    line: { what: 'service offering', ordered, resolved: `orderwright-${shapeName(wanted)} (to be made)` },
    onStorage: null,
  };
}

function shapeName({ cpuCount, memoryMib, bandwidthMbps }: WantedShape): string {
  return `${cpuCount}c-${memoryMib}m${bandwidthMbps === null ? '' : `-${bandwidthMbps}mbit`}`;
}

function newOffering(part: DraftPart, wanted: WantedShape, cpuSpeedMhz: number): Preparation {
  const shape = shapeName(wanted);
  const settings: OfferingSettings = {
    name: `orderwright-${shape}`,
    cpuCount: wanted.cpuCount,
    memoryMib: wanted.memoryMib,
    ...(wanted.bandwidthMbps === null ? {} : { networkRateMbps: wanted.bandwidthMbps }),
    cpuSpeedMhz,
  };
  return {
    key: `service-offering/${shape}`,
    kind: 'service-offering',
    platformId: part.platformId,
    settings,
    lines: [{ what: 'service offering', ordered: 'none of this shape exists', resolved: settings.name }],
  };
}

/** The tag by which the ordered kind of disk finds its storage; the root disk's comes with the service offering. */
async function storageTagOf({ account }: Resolving, diskType: string): Promise<string | null> {
  const nameOrId = account.settings.diskOfferings[diskType];
  if (nameOrId === undefined) return null;
  const offerings = await account.catalogue.diskOfferings();
  const mapped = offerings.find(({ id, name }) => id === nameOrId || name === nameOrId);
  return tagsOf(mapped?.tags ?? null)[0] ?? null;
}
