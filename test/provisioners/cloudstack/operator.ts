import { randomUUID } from 'node:crypto';
import { afterEach } from '@jest/globals';
import { begin, type BegunJob } from '../../../src/provisioners/cloudstack/begin.js';
import { openAccount } from '../../../src/provisioners/cloudstack/index.js';
import { pollJobs } from '../../../src/provisioners/cloudstack/jobs.js';
import type { Account } from '../../../src/provisioners/cloudstack/submit.js';
import type { JobReport } from '../../../src/provisioners/provisioner.js';
import { pause } from '../../conformance/small-engine.js';
import { aCloud } from './building.js';
import { imageId, zoneId } from '../an-order.js';
import { type Simulated } from './simulated.js';

export const securityGroupZoneId = 'b1a0c5de-0000-4000-8000-000000000002';
export const mediumOfferingId = 'b1a0c5de-0000-4000-8051-000000000002';
export const tierOfferingId = 'b1a0c5de-0000-4000-8053-000000000002';
export const vpcOfferingId = 'b1a0c5de-0000-4000-8000-000000000040';
/** These tests lose no answers by waiting; on a busy machine two seconds are not long. */
const settings = { requestTimeoutMs: 20_000 };
export const newId = (): string => randomUUID();

const accounts: Account[] = [];
afterEach(async () => {
  for (const { client } of accounts.splice(0)) await client.close();
});

export interface Operator extends Account {
  cloud: Simulated;
  /** What became of a job, once it has ended. */
  outcome(begun: BegunJob | Promise<BegunJob>): Promise<JobReport>;
  /** The same, of a job that has to succeed; gives the id of what it made or changed. */
  done(begun: BegunJob | Promise<BegunJob>): Promise<string>;
}

/** A simulated cloud and an administrator's way in, both closed after the test. */
export async function anOperator({
  version,
  credentials,
  cloud: existing,
}: { version?: string; credentials?: Record<string, string>; cloud?: Simulated } = {}): Promise<Operator> {
  const cloud = existing ?? (await aCloud({ settings, ...(version === undefined ? {} : { version }) }));
  const account = openAccount(credentials === undefined ? cloud.config : { ...cloud.config, credentials });
  accounts.push(account);

  async function outcome(begun: BegunJob | Promise<BegunJob>): Promise<JobReport> {
    const { jobId } = await begun;
    for (let attempt = 0; attempt < 1_000; attempt += 1) {
      const report = (await pollJobs(account.client, [{ jobId, submittedAt: new Date().toISOString() }])).get(jobId);
      if (report && report.state !== 'pending') return report;
      await pause(10);
    }
    throw new Error(`the job ${jobId} never ended`);
  }

  async function done(begun: BegunJob | Promise<BegunJob>): Promise<string> {
    const { resourceId } = await begun;
    const report = await outcome(begun);
    if (report.state !== 'succeeded') throw new Error(JSON.stringify(report));
    return resourceId ?? report.resourceId ?? '';
  }
  return { ...account, cloud, outcome, done };
}

/** A machine as a stranger to orders would make one; it runs. Gives its id. */
export async function aVm({ client, done }: Operator, fields: Record<string, string | boolean> = {}): Promise<string> {
  const params = { zoneid: zoneId, templateid: imageId, serviceofferingid: mediumOfferingId, ...fields };
  return done(begin(client, 'deployVirtualMachine', params, newId()));
}
