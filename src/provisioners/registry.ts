import { cloudstack } from './cloudstack/index.js';
import { openHttp } from './http.js';
import { openstack } from './openstack/index.js';
import type { Pace } from './pace.js';
import type { PlatformConfig, Provisioner } from './provisioner.js';

/** Every cloud we speak to: the `kind` of a platform's configuration, and who builds its provisioner. */
export const clouds: Readonly<
  Record<string, (config: PlatformConfig, open: typeof openHttp, gate?: Pace) => Provisioner>
> = { cloudstack, openstack };

/**
 * @param gate what its requests go through: the budget of the account, shared with others; without one it keeps to its own
 * @param open another road than HTTP to the cloud, for tests
 * @throws Error naming what is wrong with the configuration
 */
export function createProvisioner(config: PlatformConfig, gate?: Pace, open = openHttp): Provisioner {
  const build = Object.hasOwn(clouds, config.kind) ? clouds[config.kind] : undefined;
  if (!build) {
    const known = Object.keys(clouds).join(', ');
    throw new Error(`platform "${config.id}" is of the kind "${config.kind}", which we do not know; known: ${known}`);
  }
  return build(config, open, gate);
}
