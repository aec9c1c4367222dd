import type { CloudKind } from './cloud-kind.js';
import { cloudStackKind } from './cloudstack/kind.js';
import { openHttp } from './http.js';
import { openStackKind } from './openstack/kind.js';
import type { Pace } from './pace.js';
import type { PlatformConfig, Provisioner } from './provisioner.js';

/** Every cloud we speak to, by the `kind` of a platform's configuration. */
export const clouds: Readonly<Record<string, CloudKind>> = { cloudstack: cloudStackKind, openstack: openStackKind };

/** Undefined for a kind that we do not know, whatever it is called (`constructor` as well). */
export const cloudKindOf = (kind: string): CloudKind | undefined =>
  Object.hasOwn(clouds, kind) ? clouds[kind] : undefined;

/** What people call a kind of cloud; the kind itself when we do not know it. */
export const titleOf = (kind: string): string => cloudKindOf(kind)?.title ?? kind;

/** See `CloudKind.sentCredentials`. */
export const sentCredentialsOf = (kind: string): readonly string[] => cloudKindOf(kind)?.sentCredentials ?? [];

/**
 * @param gate what its requests go through: the budget of the account, shared with others; without one it keeps to its own
 * @param open another road than HTTP to the cloud, for tests
 * @throws Error naming what is wrong with the configuration
 */
export function createProvisioner(config: PlatformConfig, gate?: Pace, open = openHttp): Provisioner {
  const kind = cloudKindOf(config.kind);
  if (!kind) {
    const known = Object.keys(clouds).join(', ');
    throw new Error(`platform "${config.id}" is of the kind "${config.kind}", which we do not know; known: ${known}`);
  }
  return kind.build(config, open, gate);
}
