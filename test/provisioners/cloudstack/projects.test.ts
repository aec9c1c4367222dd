import { describe, expect, it } from '@jest/globals';
import {
  createProject,
  deleteProject,
  listProjects,
  updateProject,
} from '../../../src/provisioners/cloudstack/projects.js';
import { anOperator, newId } from './operator.js';

describe('a project', () => {
  it.each(['4.9', '4.22'])('is made by a job that names it at once, CloudStack %s', async (version) => {
    const { client, done } = await anOperator({ version });
    const begun = await createProject(client, { name: 'shop', displayText: 'The shop' }, newId());
    expect(begun.resourceId).toMatch(/./);
    await done(begun);
    expect(await listProjects(client, { name: 'shop' })).toMatchObject([
      { id: begun.resourceId, displaytext: 'The shop', state: 'Active' },
    ]);
  });

  it.each([
    ['4.9', 'shop'],
    ['4.22', 'store'],
  ])('changes its text, and in %s is then called %s', async (version, name) => {
    const { client, done } = await anOperator({ version });
    const id = await done(createProject(client, { name: 'shop' }, newId()));
    await done(updateProject(client, { id, name: 'store', displayText: 'The store' }, newId()));
    expect(await listProjects(client)).toMatchObject([{ id, name, displaytext: 'The store' }]);
  });

  it('is deleted by a job', async () => {
    const { client, done } = await anOperator();
    const id = await done(createProject(client, { name: 'shop' }, newId()));
    await done(deleteProject(client, id, newId()));
    expect(await listProjects(client, { all: true })).toEqual([]);
  });
});
