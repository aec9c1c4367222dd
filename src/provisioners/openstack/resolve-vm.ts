import { z } from 'zod';
import type { DraftPart, PlanLine } from '../../planner/plan.js';
import type { VmConfig } from '../../schemas/work-order.js';
import type { ResolvedPart } from '../provisioner.js';
import { printable } from './account.js';
import { orNull, pathOf } from './client.js';
import { chooseFlavor, describeFlavor, nearestFlavors } from './flavors.js';
import { pathOfField } from '../resolving.js';
import { type Resolving, zoneOf } from './resolve.js';
import { volumeTypeOf } from './resolve-disk.js';
import { resolveVmNetworks } from './resolve-network.js';
import { type Flavor, type Image, SecurityGroup } from './schema.js';
import type { VmSettings } from './vm-settings.js';

export async function resolveVm(resolving: Resolving, part: DraftPart, config: VmConfig): Promise<ResolvedPart | null> {
  const { tenant } = resolving;
  // All of them, so that all holds are named at once.
  const zone = await zoneOf(resolving, part);
  const image = await imageOf(resolving, part, config);
  const networks = await resolveVmNetworks(resolving, part, config);
  const keyPair = await keyPairOf(resolving, part, config);
  const group = await securityGroupOf(resolving, part, config);
  const flavor = await flavorOf(resolving, part, config);
  const rootType = await volumeTypeOf(resolving, part, config.rootDiskType, 'sysVolumeType');
  if (!zone || !image || !networks || !keyPair || !group || !flavor || !rootType) return null;

  // The flavor's own disk lies where Nova's hosts keep theirs; a kind of disk that was sold only a volume has.
  const fromImage = flavor.disk === config.rootDiskGib && rootType.name === null;
  const suffix = config.quantity > 1 ? `-${part.index}` : '';
  const settings: VmSettings = {
    name: `${printable(config.vmName, 255 - suffix.length) || 'vm'}${suffix}`,
    flavorId: flavor.id,
    imageId: image.id,
    ...(fromImage
      ? {}
      : {
          rootVolume: {
            sizeGib: config.rootDiskGib,
            ...(rootType.name === null ? {} : { volumeType: rootType.name }),
          },
        }),
    availabilityZone: zone,
    ...networks.settings,
    ...group.settings,
    ...keyPair,
    hasRootPassword: config.hasRootPassword,
  };
  const rootText = fromImage
    ? `${flavor.disk} GiB, the flavor's`
    : `volume of ${config.rootDiskGib} GiB, ${rootType.text}`;
  const lines: PlanLine[] = [
    { what: 'CPU', ordered: `${config.cpuCount}`, resolved: `${flavor.vcpus} cores` },
    { what: 'memory', ordered: `${config.memoryMib / 1024} GB`, resolved: `${flavor.ram} MiB` },
    { what: 'flavor', ordered: orderedShape(config), resolved: describeFlavor(flavor) },
    { what: 'image', ordered: config.imageId, resolved: image.name ?? image.id },
    { what: 'root disk', ordered: `${config.rootDiskGib} GB ${config.rootDiskType}`, resolved: rootText },
    { what: 'zone', ordered: part.zoneId ?? 'none', resolved: zone },
    ...networks.lines,
  ];
  return {
    key: part.key,
    settings,
    needs: { 'vm.create': [...tenant.needs, ...networks.needs] },
    inputs: { ...tenant.inputs, ...group.inputs, ...networks.inputs },
    lines,
  };
}

const orderedShape = ({ cpuCount, memoryMib }: VmConfig): string => `${cpuCount} CPU, ${memoryMib / 1024} GB`;

async function flavorOf({ account, hold }: Resolving, part: DraftPart, config: VmConfig): Promise<Flavor | null> {
  const flavors = await account.catalogue.flavors();
  const flavor = chooseFlavor(flavors, config, account.settings.flavors);
  if (flavor) return flavor;
  const message = `no flavor has exactly ${orderedShape(config)}; ${nearestFlavors(flavors, config)}`;
  return hold(part, 'cpuNum', 'no_matching_offering', message);
}

/** Rounded up: GiB that an image needs on its disk. */
const gibOf = ({ min_disk, size, virtual_size }: Image): number =>
  Math.max(min_disk ?? 0, Math.ceil((virtual_size ?? size ?? 0) / 2 ** 30));

async function imageOf(resolving: Resolving, part: DraftPart, config: VmConfig): Promise<Image | null> {
  const { account, tenant, hold } = resolving;
  const id = account.settings.images[config.imageId] ?? config.imageId;
  const image = await account.catalogue.image(id);
  const mapped = id === config.imageId ? id : `${id} (mapped from ${config.imageId})`;
  // An administrator sees everybody's; what a tenant may not see Nova would refuse him.
  const isUsable = image && (image.visibility !== 'private' || image.owner === tenant.projectId);
  if (!isUsable) {
    const message = `the image ${mapped} does not exist for this tenant on this platform`;
    return hold(part, 'imageId', 'image_not_found', message);
  }
  if (image.status !== 'active') {
    return hold(part, 'imageId', 'image_not_ready', `the image ${mapped} is ${image.status}`);
  }
  if (config.rootDiskGib < gibOf(image)) {
    const message = `the root disk of ${config.rootDiskGib} GiB is smaller than the image, which needs ${gibOf(image)} GiB`;
    return hold(part, 'sysVolumeSize', 'root_disk_too_small', message);
  }
  if (config.memoryMib < (image.min_ram ?? 0)) {
    const message = `the image needs ${image.min_ram} MiB of memory, more than the ${config.memoryMib} ordered`;
    return hold(part, 'memSize', 'no_matching_offering', message);
  }
  warnOfOtherSystem(resolving, part, config, image);
  return image;
}

/** 1 is Windows and 0 is not, as far as can be inferred (Q22); so a contradiction warns and decides nothing. */
function warnOfOtherSystem({ warn }: Resolving, part: DraftPart, config: VmConfig, image: Image): void {
  const ordered = config.extra['osType'];
  const system = image.os_type ?? image.os_distro;
  if (system === null || (typeof ordered !== 'number' && typeof ordered !== 'string')) return;
  if ((String(ordered) === '1') === /windows/i.test(system)) return;
  const message = `osType ${ordered} does not fit the image's system, ${system}`;
  warn({ path: pathOfField(part, 'osType'), code: 'SEM_OS_MISMATCH', message });
}

/**
 * Key pairs belong to a user, and the server is made by ours: only a pair of our own account's can be put into it.
 * guess: that billing's keyPairId is the name of one.
 */
async function keyPairOf({ account, hold }: Resolving, part: DraftPart, { keyPairId }: VmConfig) {
  if (keyPairId === null) return {};
  const names = await account.catalogue.keyPairNames();
  if (names.includes(keyPairId)) return { keyPair: keyPairId };
  const message = `the key pair ${keyPairId} does not exist on this platform`;
  return hold(part, 'keyPairId', 'keypair_not_found', message);
}

interface ResolvedGroup {
  settings: Pick<VmSettings, 'securityGroupId'>;
  inputs: ResolvedPart['inputs'];
}

/** None named: the tenant's default group (Q19). Without tenants Nova takes the project's own `default`. */
async function securityGroupOf(
  { account, tenant, hold }: Resolving,
  part: DraftPart,
  { securityGroupId: id }: VmConfig,
): Promise<ResolvedGroup | null> {
  if (id === null) {
    const [key] = tenant.needs;
    return {
      settings: {},
      inputs: key === undefined ? {} : { securityGroupId: { from: key, fact: 'securityGroupId' } },
    };
  }
  const call = { service: 'network', path: `/security-groups/${pathOf(id)}` } as const;
  const answer = await orNull(account.client.read(call, z.object({ security_group: SecurityGroup })));
  if (answer && answer.security_group.project_id === tenant.projectId) {
    return { settings: { securityGroupId: id }, inputs: {} };
  }
  const message = `the security group ${id} does not exist for this tenant on this platform`;
  return hold(part, 'securityGroupId', 'security_group_not_found', message);
}
