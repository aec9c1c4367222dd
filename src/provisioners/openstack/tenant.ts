import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, NextStage, OperationHandler, OperationRequest, Sent } from '../provisioner.js';
import { input } from '../requests.js';
import type { Account } from './account.js';
import { readProject } from './catalogue.js';
import { orNull, pathOf } from './client.js';
import { isRefusal } from './refusals.js';
import {
  Anything,
  type Project,
  ProjectMade,
  Role,
  RoleAssignment,
  type User,
  User as UserRow,
  UserMade,
} from './schema.js';
import { inStages, operationMarker } from './stages.js';
import { defaultGroupStage } from './default-group.js';

/** What `resolve` decided for a tenant. */
export const TenantSettings = z.object({ projectName: z.string(), userName: z.string(), roleName: z.string() });
export type TenantSettings = z.infer<typeof TenantSettings>;

export const tenantSettings = (request: OperationRequest): TenantSettings => TenantSettings.parse(request.settings);

/** How a project that we have made introduces itself. Its marks are its tags, one for each of its users. */
const ourProject = 'Made by Orderwright';

/**
 * A tenant: his project, his Keystone user, the roles of that user and of our own account in the project, and the rules
 * of the project's default security group. Names are unique in a domain, so a lost answer is read back by name, and a
 * name that is taken counts as found (O2).
 */
export function tenantEnsure(account: Account): OperationHandler {
  return inStages(
    [
      { name: 'project', handler: projectStage(account) },
      { name: 'user', handler: userStage(account) },
      { name: 'roles', handler: rolesStage(account) },
      { name: 'default-group', handler: defaultGroupStage(account, tenantFound) },
    ],
    { foundByName: true },
  );
}

function tenantFound(request: OperationRequest, securityGroupId: string): Found {
  const projectId = input(request, 'projectId');
  return {
    resourceId: projectId,
    facts: {
      projectId,
      userId: input(request, 'userId'),
      securityGroupId,
      projectName: tenantSettings(request).projectName,
      marker: operationMarker(request),
    },
    startedAt: null,
  };
}

/** Whether a project says that we made it, for whichever of its users. */
export const isOurProject = ({ description }: Project): boolean => description === ourProject;

function projectStage({ client }: Account): OperationHandler {
  const domainId = async (): Promise<string> => (await client.token()).projectDomainId;
  const named = async (request: OperationRequest): Promise<Project | null> =>
    readProject(client, tenantSettings(request).projectName, await domainId());

  const isMarked = ({ tags }: Project, { marker }: OperationRequest): boolean => tags.includes(marker);
  const next = ({ id }: Project): NextStage => ({ state: 'next', stage: 'user', memo: { projectId: id } });

  /**
   * Two users of one account share a project: it carries the marks of both, and goes with the last (tenant.remove).
   * guess: the call that adds one tag (and the one that removes it); the lab recorded tags at create only.
   */
  async function adopt(project: Project, request: OperationRequest): Promise<NextStage> {
    if (project.enabled === false) {
      const message = `the project ${project.name} (${project.id}) is disabled`;
      throw new ProvisioningError('ask-human', 'CLD_RESOURCE_UNAVAILABLE', message);
    }
    if (isOurProject(project) && !isMarked(project, request)) {
      const path = `/projects/${pathOf(project.id)}/tags/${pathOf(request.marker)}`;
      await client.change({ service: 'identity', method: 'PUT', path }, Anything);
    }
    return next(project);
  }

  return {
    async send(request) {
      const existing = await named(request);
      if (existing) return adopt(existing, request);
      try {
        const { value } = await client.change(
          {
            service: 'identity',
            method: 'POST',
            path: '/projects',
            body: {
              project: {
                name: tenantSettings(request).projectName,
                domain_id: await domainId(),
                description: ourProject,
                tags: [request.marker],
              },
            },
          },
          ProjectMade,
        );
        return next(value.project);
      } catch (error) {
        if (!isRefusal(error, 409)) throw error;
        const found = await named(request);
        if (!found) throw error;
        return adopt(found, request);
      }
    },
    async find(request) {
      const project = await named(request);
      // One of ours without this user's mark has still to be given it.
      const isDone = project && (isMarked(project, request) || !isOurProject(project));
      // Names are unique in a domain.
      return isDone ? { state: 'found', resourceId: project.id, others: [] } : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      const project = await named(request);
      return project ? next(project) : { state: 'absent' };
    },
    // A project may hold what others have made by now: tenant.remove looks into that, nothing else deletes one.
    discard: () => Promise.resolve('gone'),
  };
}

function userStage({ client }: Account): OperationHandler {
  async function named(request: OperationRequest): Promise<User | null> {
    const { userDomainId } = await client.token();
    const query = { name: tenantSettings(request).userName, domain_id: userDomainId };
    const rows = await client.list({ service: 'identity', path: '/users', query, key: 'users', row: UserRow });
    return (
      rows.find(({ name, domain_id }) => name === query.name && (domain_id ?? userDomainId) === userDomainId) ?? null
    );
  }
  const next = (request: OperationRequest, { id }: User): NextStage => ({
    state: 'next',
    stage: 'roles',
    memo: { projectId: input(request, 'projectId'), userId: id },
  });
  return {
    async send(request) {
      const existing = await named(request);
      if (existing) return next(request, existing);
      try {
        const { value } = await client.change(
          {
            service: 'identity',
            method: 'POST',
            path: '/users',
            body: {
              user: {
                name: tenantSettings(request).userName,
                domain_id: (await client.token()).userDomainId,
                default_project_id: input(request, 'projectId'),
                description: request.marker,
                password: nobodysPassword(),
              },
            },
          },
          UserMade,
        );
        return next(request, value.user);
      } catch (error) {
        if (!isRefusal(error, 409)) throw error;
        const found = await named(request);
        if (!found) throw error;
        return next(request, found);
      }
    },
    async find(request) {
      const user = await named(request);
      return user ? { state: 'found', resourceId: user.id, others: [] } : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      const user = await named(request);
      return user ? next(request, user) : { state: 'absent' };
    },
    discard: () => Promise.resolve('gone'),
  };
}

/** Nobody logs in as the tenant yet, so nobody keeps it; an administrator sets one when somebody shall. Fits strict rules. */
const nobodysPassword = (): string => `aA1!${randomBytes(32).toString('base64url')}`;

/** Granting twice is answered like granting once (204), so the stage is simply repeated. */
function rolesStage({ client }: Account): OperationHandler {
  async function roleId(request: OperationRequest): Promise<string> {
    const { roleName } = tenantSettings(request);
    const query = { name: roleName };
    const rows = await client.list({ service: 'identity', path: '/roles', query, key: 'roles', row: Role });
    const role = rows.find(({ name }) => name === roleName);
    if (role) return role.id;
    const message = `the cloud has no role "${roleName}"; set "tenantRole"`;
    throw new ProvisioningError('ask-human', 'CLD_UNSUPPORTED', message);
  }
  /** The tenant's user, and our own: without a role in the project nobody can build in it, whatever else he may do. */
  const userIds = async (request: OperationRequest): Promise<string[]> => [
    input(request, 'userId'),
    (await client.token()).userId,
  ];
  async function isGranted(request: OperationRequest): Promise<boolean> {
    const projectId = input(request, 'projectId');
    const role = await roleId(request);
    for (const userId of await userIds(request)) {
      const query = { 'user.id': userId, 'scope.project.id': projectId };
      const call = { service: 'identity', path: '/role_assignments', query, key: 'role_assignments' } as const;
      const rows = await client.list({ ...call, row: RoleAssignment });
      const granted = rows.some(
        (one) => one.role.id === role && one.user?.id === userId && one.scope?.project?.id === projectId,
      );
      if (!granted) return false;
    }
    return true;
  }
  const next = (request: OperationRequest): NextStage => ({
    state: 'next',
    stage: 'default-group',
    memo: { projectId: input(request, 'projectId'), userId: input(request, 'userId') },
  });
  return {
    async send(request): Promise<Sent> {
      const role = await roleId(request);
      for (const userId of await userIds(request)) {
        const path = `/projects/${pathOf(input(request, 'projectId'))}/users/${pathOf(userId)}/roles/${pathOf(role)}`;
        await client.change({ service: 'identity', method: 'PUT', path }, Anything);
      }
      return next(request);
    },
    async find(request) {
      const granted = await isGranted(request);
      return granted
        ? { state: 'found', resourceId: input(request, 'projectId'), others: [] }
        : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      return (await isGranted(request)) ? next(request) : { state: 'absent' };
    },
    discard: () => Promise.resolve('gone'),
  };
}

export async function readProjectById({ client }: Account, id: string): Promise<Project | null> {
  const call = { service: 'identity', path: `/projects/${pathOf(id)}` } as const;
  return (await orNull(client.read(call, ProjectMade)))?.project ?? null;
}
