/** The simulated clouds as tests use them: every scenario is written once and takes the cloud as a parameter. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../src/embedded/free-port.js';
import type { JsonObject } from '../../src/json.js';
import type { FaultRequest } from '../../src/simulators/faults.js';
import { simulatedCloudOf } from '../../src/simulators/registry.js';
import { testClouds } from '../clouds/registry.js';
import type { Doing, Refusal } from '../clouds/test-cloud.js';
import { runFolder } from './run-folder.js';
import { CommandProcess } from './scenario-process.js';

export const cloudKinds = Object.keys(testClouds);

/** The two data centres that the samples name. */
export const platformIds = ['7f61019a8d3011e7aebb005056aaa8be', 'sjif259a8d3011e7aebb005056aaa8be'] as const;

export type TestFault = Partial<Omit<FaultRequest, 'operation'>> & {
  on: Doing | '*';
  /** Instead of a `kind`. */
  says?: Refusal;
};

/** Faults as the control side of this cloud takes them; those that it cannot have are left out. */
export function faultsOf(cloud: string, faults: TestFault[]): JsonObject[] {
  return faults.flatMap(({ on, says, ...fault }) => {
    const operation = on === '*' ? '*' : testClouds[cloud]?.operations[on];
    return operation ? [{ operation, ...(says && testClouds[cloud]?.refusals[says]), ...fault }] : [];
  });
}

/** A simulated cloud in a process of its own, and the file that makes the samples' data centres platforms of it. */
export async function startCloudProcess(
  name: string,
  { cloud, latency, settings }: { cloud: string; latency: string; settings: JsonObject },
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
    settings: { ...kind.settings, callsPerSecond: 2_000, ...settings },
  }));
  const platformsFile = join(runFolder(), `${name}.platforms.json`);
  writeFileSync(platformsFile, JSON.stringify(platforms), { mode: 0o600 });
  return { process, url, platformsFile };
}
