import { describe, expect, it } from '@jest/globals';
import { begin, ownerParams, scopeParams } from '../../../src/provisioners/cloudstack/begin.js';
import { findJob } from '../../../src/provisioners/cloudstack/jobs.js';
import { createProject } from '../../../src/provisioners/cloudstack/projects.js';
import { anOperator, newId } from './operator.js';

describe('a job begun beside orders', () => {
  it('runs under the id the caller chose, so that a lost answer can be asked for', async () => {
    const operator = await anOperator();
    const requestId = newId();
    await operator.cloud.fault('createProject', 'lose-answer');
    await expect(createProject(operator.client, { name: 'shared' }, requestId)).rejects.toMatchObject({
      name: 'OutcomeUnknownError',
    });
    expect(await findJob(operator.client, requestId)).toMatchObject({ state: 'job', jobId: requestId });
  });

  it('is refused a second time under the same id', async () => {
    const { client } = await anOperator();
    const requestId = newId();
    await createProject(client, { name: 'one' }, requestId);
    await expect(createProject(client, { name: 'two' }, requestId)).rejects.toMatchObject({
      disposition: 'reject',
      details: { cloudCode: '431/4350' },
    });
  });

  it('on a server before 4.5 gets an id of the server instead', async () => {
    const { client } = await anOperator({ version: '4.4' });
    const requestId = newId();
    const { jobId } = await begin(client, 'createProject', { name: 'p', displaytext: 'p' }, requestId);
    expect(jobId).not.toBe(requestId);
  });
});

describe('whose things are meant', () => {
  it('is an account together with its domain, or a project, or nobody in particular', () => {
    expect(ownerParams({ account: 'ct_u1', domainId: 'd1' })).toEqual({ account: 'ct_u1', domainid: 'd1' });
    expect(ownerParams({ projectId: 'p1' })).toEqual({ projectid: 'p1' });
    expect(ownerParams(undefined)).toEqual({});
    expect(scopeParams({ owner: { projectId: 'p1' }, all: true })).toEqual({ projectid: 'p1', listall: true });
  });
});
