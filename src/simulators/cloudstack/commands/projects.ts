import type { Call, CommandFamily, CreatePlan, JobPlan } from '../call.js';
import { listAnswer } from '../call.js';
import { invalidParameter } from '../errors.js';
import { checkLimit } from '../state/limits.js';
import type { Account, Project } from '../state/model.js';
import { projectView } from '../views/account.js';
import { removeAccount } from './accounts.js';

export const projectCommands: CommandFamily = {
  createProject: {
    kind: 'AC',
    cmd: 'user.project.CreateProject',
    required: ['name'],
    requiredUpTo49: ['displaytext'],
    run: create,
  },
  updateProject: { kind: 'A', cmd: 'user.project.UpdateProject', required: ['id'], run: update },
  deleteProject: {
    kind: 'A',
    cmd: 'user.project.DeleteProject',
    required: ['id'],
    run(call) {
      const project = call.row(call.cloud.projects, 'id');
      return {
        instanceType: 'Project',
        instanceId: project.id,
        finish() {
          removeProject(call, project);
          return { success: true };
        },
        pretend: () => ({ success: true }),
      };
    },
  },
  activateProject: {
    kind: 'A',
    cmd: 'user.project.ActivateProject',
    required: ['id'],
    run: (call) => setState(call, 'Active'),
  },
  suspendProject: {
    kind: 'A',
    cmd: 'user.project.SuspendProject',
    required: ['id'],
    run: (call) => setState(call, 'Suspended'),
  },
  listProjects: {
    kind: 'S',
    run(call) {
      const { params, cloud } = call;
      const id = params.text('id');
      if (id !== undefined && cloud.projects.get(id) === undefined && !cloud.removed.has(id))
        throw call.unknownId('id', id);
      const name = params.text('name');
      const state = params.text('state');
      const owner = call.namedOwner();
      const all = params.flag('listall') === true;
      const rows = [...cloud.projects.values()].filter(
        (project) =>
          (id === undefined || project.id === id) &&
          (name === undefined || project.name === name) &&
          (state === undefined || project.state === state) &&
          (owner === undefined || project.ownerAccountId === owner.id) &&
          (project.ownerAccountId === call.caller.account.id ||
            ((all || id !== undefined) && call.mayAccess(project.accountId))) &&
          !cloud.hidden.has(project.id),
      );
      return listAnswer(call, 'project', rows, (project) => projectView(call, project));
    },
  },
};

function create(call: Call): CreatePlan {
  const { cloud, params } = call;
  const owner = call.owner();
  const name = params.required('name');
  for (const other of cloud.projects.values()) {
    if (other.name === name && other.domainId === owner.domainId) {
      throw invalidParameter(`Project with name ${name} already exists in domain id=${owner.domainId}`);
    }
  }
  checkLimit(cloud, owner, 'project', 1);
  const accountId = cloud.newId();
  const project: Project = {
    id: cloud.newId(),
    accountId,
    created: Date.now(),
    name,
    displaytext: params.text('displaytext') ?? name,
    domainId: owner.domainId,
    ownerAccountId: owner.id,
    // New ones pass through Disabled, as the seed shows.
    state: 'Disabled',
  };
  const account: Account = {
    id: accountId,
    accountId,
    created: project.created,
    name: `PrjAcct-${name}-${cloud.nextSerial()}`,
    type: 5,
    domainId: owner.domainId,
    state: 'enabled',
    networkDomain: null,
    projectId: project.id,
    limits: new Map(),
  };
  cloud.accounts.add(account);
  cloud.projects.add(project);
  call.effect('created', 'project', project.id, [project.name, project.displaytext]);
  return {
    instanceType: 'Project',
    instanceId: project.id,
    finish() {
      if (cloud.projects.get(project.id) !== project)
        throw invalidParameter(`Unable to find project by id ${project.id}`);
      project.state = 'Active';
      return { project: projectView(call, project) };
    },
    undo: () => removeProject(call, project),
  };
}

function removeProject(call: Call, project: Project): void {
  const { cloud } = call;
  if (cloud.projects.get(project.id) !== project) return;
  const account = cloud.accounts.get(project.accountId);
  if (account !== undefined) removeAccount(call, account);
  cloud.projects.remove(project);
  cloud.tags.delete(project.id);
  call.effect('deleted', 'project', project.id, [project.name, project.displaytext]);
}

function update(call: Call): JobPlan {
  const project = call.row(call.cloud.projects, 'id');
  const before = { name: project.name, displaytext: project.displaytext };
  return {
    instanceType: 'Project',
    instanceId: project.id,
    finish() {
      project.displaytext = call.params.text('displaytext') ?? project.displaytext;
      if (call.behaviour.minor >= 19) project.name = call.params.text('name') ?? project.name;
      call.effect('changed', 'project', project.id, [project.name, project.displaytext]);
      return { project: projectView(call, project) };
    },
    undo: () => Object.assign(project, before),
  };
}

function setState(call: Call, state: Project['state']): JobPlan {
  const project = call.row(call.cloud.projects, 'id');
  const before = project.state;
  return {
    instanceType: 'Project',
    instanceId: project.id,
    finish() {
      project.state = state;
      call.effect('changed', 'project', project.id, [project.name]);
      return { project: projectView(call, project) };
    },
    undo() {
      project.state = before;
    },
  };
}
