import { afterEach, describe, expect, it } from '@jest/globals';
import { cloudStackClient } from '../../../src/provisioners/cloudstack/client.js';
import { pollJobs, reportOf } from '../../../src/provisioners/cloudstack/jobs.js';
import { Job } from '../../../src/provisioners/cloudstack/schema.js';
import { openHttp } from '../../../src/provisioners/http.js';
import { pace } from '../../../src/provisioners/pace.js';
import type { JobRef } from '../../../src/provisioners/provisioner.js';
import { json, smallCloud } from './small-cloud.js';

const report = (fields: object) => reportOf(Job.parse({ jobid: 'j', ...fields }));

describe('a job of CloudStack', () => {
  // The seed's own note has 0 and 1 swapped; these are its recorded answers.
  it('is pending at 0, done at 1, failed at 2 and at 3', () => {
    expect(report({ jobstatus: 0, jobprocstatus: 0, jobresultcode: 0, jobinstanceid: 'vm-1' })).toEqual({
      state: 'pending',
    });
    expect(report({ jobstatus: '1', jobinstanceid: 'vm-1', jobresult: { success: true } })).toEqual({
      state: 'succeeded',
      resourceId: 'vm-1',
    });
    const jobresult = { errorcode: 530, errortext: 'Failed to create VPC' };
    expect(report({ jobstatus: 2, jobresultcode: 530, jobresult })).toMatchObject({
      state: 'failed',
      disposition: 'retry',
      code: 'CLD_JOB_FAILED',
      message: expect.stringContaining('Failed to create VPC'),
    });
    expect(report({ jobstatus: 3, jobresult })).toMatchObject({ state: 'failed', code: 'CLD_JOB_FAILED' });
  });

  it.each([
    ['a restart of the server', { jobstatus: 2, jobresultcode: 530 }],
    ['the limit for what blocks a queue', { jobstatus: 2, jobresultcode: 0 }],
    ['whatever ends one as cancelled', { jobstatus: 3 }],
  ])('that was cut off by %s has said nothing of how far it came: only its thing tells', (_name, job) => {
    expect(report(job)).toEqual({ state: 'lost' });
  });

  it('that failed is judged by the inner code, not by the 530 outside', () => {
    const jobresult = { errorcode: 533, errortext: 'Unable to create a deployment for VM[...]' };
    expect(report({ jobstatus: 2, jobresultcode: 530, jobresult })).toEqual({
      state: 'failed',
      disposition: 'retry',
      code: 'CLD_CAPACITY',
      message: "CloudStack's job failed with 533: Unable to create a deployment for VM[...]",
      cloudCode: '533',
    });
    expect(report({ jobstatus: 2, jobresultcode: 535 })).toMatchObject({ disposition: 'reject', code: 'CLD_QUOTA' });
  });

  it('hands over what is shown once, and the id when only the result has it', () => {
    const jobresult = { virtualmachine: { id: 'vm-1', password: 'aB3xyz', state: 'Running' } };
    expect(report({ jobstatus: 1, jobresult })).toEqual({
      state: 'succeeded',
      resourceId: 'vm-1',
      secrets: { rootPassword: 'aB3xyz' },
    });
  });
});

describe('asking for many jobs', () => {
  const toClose: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of toClose.splice(0)) await one.close();
  });

  /** `listed` is what the list shows, `known` what the server answers when asked for one. */
  async function cloudWith({ listed, known }: { listed: object[]; known: Record<string, number> }) {
    const cloud = await smallCloud(({ params }, response) => {
      if (params.get('command') === 'listAsyncJobs') {
        const page = Number(params.get('page'));
        return json(response, { r: { count: listed.length, asyncjobs: listed.slice((page - 1) * 500, page * 500) } });
      }
      const jobid = params.get('jobid') ?? '';
      const jobstatus = known[jobid];
      return jobstatus === undefined
        ? json(response, { r: { errorcode: 431, errortext: 'no such job' } }, 431)
        : json(response, { r: { jobid, jobstatus, jobinstanceid: `of-${jobid}` } });
    });
    const client = cloudStackClient({
      serviceUrl: cloud.url,
      credentials: { apiKey: 'k', secretKey: 's' },
      http: openHttp({ connections: 4, timeoutMs: 1000 }),
      pace: pace({ perSecond: 10_000, burst: 10_000, atOnce: 8, maxWaiting: 10_000 }),
    });
    toClose.push(client, cloud);
    const commands = () => cloud.requests.map(({ params }) => params.get('command'));
    return { client, cloud, commands };
  }
  const refs = (count: number): JobRef[] =>
    Array.from({ length: count }, (_, n) => ({
      jobId: `j${n}`,
      operation: 'vm.create',
      submittedAt: '2026-01-05T08:00:00.000Z',
    }));
  const rows = (count: number, jobstatus: number) =>
    Array.from({ length: count }, (_, n) => ({ jobid: `j${n}`, jobstatus }));

  it('asks one by one for up to three', async () => {
    const { client, commands } = await cloudWith({ listed: [], known: { j0: 0, j1: 1 } });
    const reports = await pollJobs(client, refs(3));
    expect([...reports]).toEqual([
      ['j0', { state: 'pending' }],
      ['j1', { state: 'succeeded', resourceId: 'of-j1' }],
      ['j2', { state: 'lost' }],
    ]);
    expect(commands()).toEqual(Array.from({ length: 3 }, () => 'queryAsyncJobResult'));
  });

  it('reads one list for hundreds, from the day before the oldest', async () => {
    const { client, cloud, commands } = await cloudWith({ listed: rows(400, 0), known: {} });
    const reports = await pollJobs(client, refs(400));
    expect(reports.size).toBe(400);
    expect(commands()).toEqual(['listAsyncJobs']);
    expect(cloud.requests[0]?.params.get('startdate')).toBe('2026-01-04');
  });

  it('reads all pages, skips rows that are not ours, and asks for each that is missing', async () => {
    const internal = [{ cmd: 'com.cloud.vm.VmWorkStart' }, { jobid: 'other', jobstatus: 2 }];
    const { client, commands } = await cloudWith({ listed: [...internal, ...rows(900, 0)], known: { j900: 1 } });
    const reports = await pollJobs(client, refs(902));
    expect(reports.get('j899')).toEqual({ state: 'pending' });
    expect(reports.get('j900')).toMatchObject({ state: 'succeeded' });
    expect(reports.get('j901')).toEqual({ state: 'lost' });
    expect(reports.has('other')).toBe(false);
    expect(commands().filter((command) => command === 'listAsyncJobs')).toHaveLength(2);
    expect(commands()).toHaveLength(4);
  });

  it("does not read an old server's whole history for a handful", async () => {
    const { client, commands } = await cloudWith({
      listed: rows(10_000, 1).toReversed(),
      known: { j0: 1, j1: 1, j2: 1, j3: 1 },
    });
    const reports = await pollJobs(client, refs(4));
    expect([...reports.values()].every(({ state }) => state === 'succeeded')).toBe(true);
    expect(commands()).toHaveLength(5);
  });

  it('concludes nothing from a list it could not read', async () => {
    const { client } = await cloudWith({ listed: [], known: {} });
    await client.close();
    await expect(pollJobs(client, refs(10))).rejects.toThrow();
  });
});
