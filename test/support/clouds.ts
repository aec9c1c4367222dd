/** The simulated clouds as tests use them: every scenario is written once and takes the cloud as a parameter. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../src/embedded/free-port.js';
import type { JsonObject } from '../../src/json.js';
import type { FaultRequest } from '../../src/simulators/faults.js';
import { simulatedCloudOf, simulatedClouds } from '../../src/simulators/registry.js';
import { runFolder } from './run-folder.js';
import { CommandProcess } from './scenario-process.js';

export const cloudKinds = Object.keys(simulatedClouds);

/** The two data centres that the samples name. */
export const platformIds = ['7f61019a8d3011e7aebb005056aaa8be', 'sjif259a8d3011e7aebb005056aaa8be'] as const;

/** What a fault strikes, in words that hold on every cloud. */
export type Doing =
  | 'create a VM'
  | 'create a disk'
  | 'reserve an address'
  | 'mark an address'
  | 'attach a disk'
  | 'bind an address'
  | 'destroy a VM'
  | 'make a network'
  | 'make a part of a network'
  | 'make an offering';

/** The same in the words of each simulator (`/_sim/faults`); none: it does nothing of the kind in a request of its own. */
const operations: Record<string, Record<Doing, string | null>> = {
  cloudstack: {
    'create a VM': 'deployVirtualMachine',
    'create a disk': 'createVolume',
    'reserve an address': 'associateIpAddress',
    'mark an address': 'createTags',
    'attach a disk': 'attachVolume',
    'bind an address': 'enableStaticNat',
    'destroy a VM': 'destroyVirtualMachine',
    'make a network': 'createVPC',
    'make a part of a network': 'createNetwork',
    'make an offering': 'createServiceOffering',
  },
  openstack: {
    'create a VM': 'nova.servers.create',
    'create a disk': 'cinder.volumes.create',
    'reserve an address': 'neutron.floatingips.create',
    // Its description carries the marker from the start.
    'mark an address': null,
    'attach a disk': 'nova.volume_attachments.create',
    'bind an address': 'neutron.floatingips.update',
    'destroy a VM': 'nova.servers.delete',
    'make a network': 'neutron.networks.create',
    'make a part of a network': 'neutron.subnets.create',
    'make an offering': 'neutron.qos.policies.create',
  },
};

/** How each cloud says no. */
const refusals: Record<string, Record<'quota' | 'not yours' | 'no room', JsonObject>> = {
  cloudstack: {
    quota: { kind: 'error', status: 535, errorcode: 535, errortext: 'quota' },
    'not yours': { kind: 'error', status: 531, errorcode: 531, errortext: 'not yours' },
    'no room': { kind: 'job-fails', errorcode: 533 },
  },
  openstack: {
    quota: {
      kind: 'error',
      status: 403,
      errortext: 'Quota exceeded for resources: Requested 1, but already used 1 of 1',
    },
    'not yours': { kind: 'error', status: 403, errortext: "Policy doesn't allow it to be performed." },
    'no room': { kind: 'job-fails', errortext: 'No valid host was found. There are not enough hosts available.' },
  },
};

export type TestFault = Partial<Omit<FaultRequest, 'operation'>> & {
  on: Doing | '*';
  /** Instead of a `kind`. */
  says?: 'quota' | 'not yours' | 'no room';
};

/** Faults as the control side of this cloud takes them; those that it cannot have are left out. */
export function faultsOf(cloud: string, faults: TestFault[]): JsonObject[] {
  return faults.flatMap(({ on, says, ...fault }) => {
    const operation = on === '*' ? '*' : operations[cloud]?.[on];
    return operation ? [{ operation, ...(says && refusals[cloud]?.[says]), ...fault }] : [];
  });
}

/** What `/_sim/calls` calls it. @throws Error when the cloud has no such request */
export function operationOf(cloud: string, doing: Doing): string {
  const operation = operations[cloud]?.[doing];
  if (!operation) throw new Error(`${cloud} does not "${doing}"`);
  return operation;
}

/** A simulated cloud in a process of its own, and the file that makes the samples' data centres platforms of it. */
export async function startCloudProcess(
  name: string,
  { cloud, latency, pace }: { cloud: string; latency: string; pace: JsonObject },
): Promise<{ process: CommandProcess; url: string; platformsFile: string }> {
  const kind = simulatedCloudOf(cloud);
  const credentials = kind.drawCredentials();
  const port = await freePort();
  const process = CommandProcess.start(
    `${name}.cloud`,
    ['simulate', cloud, '--port', String(port), '--latency', latency],
    kind.environment(credentials),
  );
  await process.says(/Control side/);
  const url = `http://127.0.0.1:${port}`;
  const platforms = platformIds.map((platformId, i) => ({
    platformId,
    name: `dc-${i + 1}`,
    kind: cloud,
    serviceUrl: `${url}${kind.servicePath}`,
    credentials,
    settings: { ...kind.settings, callsPerSecond: 2_000, pace },
  }));
  const platformsFile = join(runFolder(), `${name}.platforms.json`);
  writeFileSync(platformsFile, JSON.stringify(platforms), { mode: 0o600 });
  return { process, url, platformsFile };
}
