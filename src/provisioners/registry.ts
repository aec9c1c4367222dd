import { cloudstack } from './cloudstack/index.js';
import type { PlatformConfig, Provisioner } from './provisioner.js';

/** Every cloud we speak to: the `kind` of a platform's configuration, and who builds its provisioner. */
export const clouds: Readonly<Record<string, (config: PlatformConfig) => Provisioner>> = {
  cloudstack,
};

export function createProvisioner(config: PlatformConfig): Provisioner {
  const build = Object.hasOwn(clouds, config.kind) ? clouds[config.kind] : undefined;
  if (!build) {
    const known = Object.keys(clouds).join(', ');
    throw new Error(`platform "${config.id}" is of the kind "${config.kind}", which we do not know; known: ${known}`);
  }
  return build(config);
}
