import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';

/** Services that take a microversion, and the name they know it by. */
export type Versioned = 'compute' | 'volume';

/**
 * The versions we speak, each recorded in the lab (Zed). Nova: 2.90 has all we use: tags in create (2.52), volume type in a
 * block device mapping (2.67), unknown query keys refused instead of ignored (2.75). Cinder: 3.70 has snapshots of attached
 * volumes without `force` (3.66) and a backup as a source (3.47).
 */
export const wantedVersion: Readonly<Record<Versioned, string>> = { compute: '2.90', volume: '3.70' };
/** From here on a server can be given a tag when it is made; without one a lost answer could not be asked for. */
export const tagsInCreate = '2.52';
/** From here on the root disk of a server can be given a volume type. */
export const volumeTypeInCreate = '2.67';
/** From here on a snapshot of an attached volume needs no `force`, and is refused with `force: false`. */
export const snapshotWithoutForce = '3.66';
/** A server that boots from a volume can be rebuilt from here on, and only under this version. */
export const rebuildOfVolumeBoot = '2.93';

/** The services' roots: Keystone and Cinder answer them with 300, Nova and Neutron with 200. */
export const VersionList = z.object({
  versions: z.array(
    z.object({
      id: z.string(),
      status: z.string().catch(''),
      version: z.string().nullish(),
      min_version: z.string().nullish(),
    }),
  ),
});

export interface VersionRange {
  least: string;
  most: string;
}

/** The range of the API generation we speak (v2.1, v3), or null when the cloud has no microversions. */
export function rangeOf(list: z.infer<typeof VersionList>, service: Versioned): VersionRange | null {
  const generation = service === 'compute' ? /^v2\.1$/ : /^v3(\.|$)/;
  const found = list.versions.find(({ id, version }) => generation.test(id) && version);
  return found?.version ? { least: found.min_version || found.version, most: found.version } : null;
}

/** Ours, lowered to the cloud's newest; what needs more asks with {@link isAtLeast}. */
export function spokenVersion(range: VersionRange | null, service: Versioned): string {
  if (!range) return service === 'compute' ? '2.1' : '3.0';
  const wanted = wantedVersion[service];
  if (!isAtLeast(wanted, range.least)) {
    const message = `the cloud's ${service} service no longer speaks ${wanted}; it speaks ${range.least} to ${range.most}`;
    throw new ProvisioningError('ask-human', 'CLD_UNSUPPORTED', message);
  }
  return isAtLeast(range.most, wanted) ? wanted : range.most;
}

export function isAtLeast(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
