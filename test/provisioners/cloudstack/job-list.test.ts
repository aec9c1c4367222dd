import { describe, expect, it } from '@jest/globals';
import { listJobs } from '../../../src/provisioners/cloudstack/job-list.js';
import { queryJob, reportOf } from '../../../src/provisioners/cloudstack/jobs.js';
import { createProject } from '../../../src/provisioners/cloudstack/projects.js';
import { anOperator, aVm, newId } from './operator.js';

describe('the list of jobs', () => {
  it('of 4.9 holds the finished ones too, oldest first, with what became of them', async () => {
    const operator = await anOperator({ version: '4.9' });
    const vmId = await aVm(operator);
    const projectId = await operator.done(createProject(operator.client, { name: 'p' }, newId()));
    const jobs = await listJobs(operator.client, { all: true });
    expect(jobs.map(({ jobinstancetype }) => jobinstancetype)).toEqual(['VirtualMachine', 'Project']);
    expect(jobs.map((job) => reportOf(job))).toMatchObject([
      { state: 'succeeded', resourceId: vmId },
      { state: 'succeeded', resourceId: projectId },
    ]);
    expect(await listJobs(operator.client, { command: 'CreateProject' })).toHaveLength(1);
  });

  it('of 4.22 holds those under way alone; the others are asked for one by one', async () => {
    const operator = await anOperator();
    const { client } = operator;
    await operator.cloud.fault('createProject', 'job-never-ends');
    const stuck = await createProject(client, { name: 'stuck' }, newId());
    const finished = await createProject(client, { name: 'finished' }, newId());
    await operator.done(finished);
    expect((await listJobs(client)).map(({ jobid }) => jobid)).toEqual([stuck.jobId]);
    expect(await queryJob(client, finished.jobId)).toMatchObject({ jobstatus: 1 });
    expect(await queryJob(client, newId())).toBeNull();
  });
});
