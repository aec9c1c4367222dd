import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { created, noContent, ok, type Call, type Reply } from '../call.js';
import { conflict, notFound } from '../errors.js';
import { routesOf, type Route } from '../route.js';
import type { Grant, Role } from '../state/identity-model.js';
import { listLinks, requireAdmin, selfLink } from './policy.js';

const base = (kind: Grant['targetKind']) => `/${kind}s/{id}/users/{userId}/roles`;
const grantRoutes = (kind: Grant['targetKind']): Route[] =>
  routesOf('keystone', [
    ['PUT', `${base(kind)}/{roleId}`, 'grants.create', (call) => grant(call, kind)],
    ['HEAD', `${base(kind)}/{roleId}`, 'grants.check', (call) => check(call, kind)],
    ['DELETE', `${base(kind)}/{roleId}`, 'grants.delete', (call) => revoke(call, kind)],
    ['GET', base(kind), 'grants.list', (call) => listGrants(call, kind)],
  ]);

export const roleRoutes: Route[] = [
  ...routesOf('keystone', [
    ['POST', '/roles', 'roles.create', createRole],
    ['GET', '/roles', 'roles.list', listRoles],
    ['GET', '/roles/{id}', 'roles.show', (call) => ok({ role: roleView(call, findRole(call, call.param('id'))) })],
    ['DELETE', '/roles/{id}', 'roles.delete', deleteRole],
    ['GET', '/role_assignments', 'role_assignments.list', listAssignments],
  ]),
  ...grantRoutes('project'),
  ...grantRoutes('domain'),
];

function createRole(call: Call): Reply {
  requireAdmin(call, 'create_role');
  const { role: fields } = call.read(z.object({ role: z.object({ name: z.string().min(1).max(255) }) }));
  if ([...call.cloud.roles.values()].some((other) => other.name === fields.name)) {
    throw conflict(`Conflict occurred attempting to store role - Duplicate entry found with name ${fields.name}.`);
  }
  const role: Role = { id: call.cloud.newHexId(), name: fields.name, implies: [] };
  call.cloud.roles.set(role.id, role);
  call.effect('created', 'role', role.id, [role.name]);
  return created({ role: roleView(call, role) });
}

function listRoles(call: Call): Reply {
  requireAdmin(call, 'list_roles');
  const name = call.query.get('name');
  const roles = [...call.cloud.roles.values()].filter((role) => name === null || role.name === name);
  return ok({ roles: roles.map((role) => roleView(call, role)), links: listLinks(call, '/roles') });
}

function findRole(call: Call, id: string): Role {
  const role = call.cloud.roles.get(id);
  if (role === undefined) throw notFound(`Could not find role: ${id}.`);
  return role;
}

function deleteRole(call: Call): Reply {
  requireAdmin(call, 'delete_role');
  const role = findRole(call, call.param('id'));
  call.cloud.roles.delete(role.id);
  call.cloud.grants = call.cloud.grants.filter((one) => one.roleId !== role.id);
  call.effect('deleted', 'role', role.id, [role.name]);
  return noContent();
}

function named(call: Call, kind: Grant['targetKind']): Grant {
  const { cloud } = call;
  const targetId = call.param('id');
  const isThere = kind === 'project' ? cloud.projects.has(targetId) : cloud.domains.has(targetId);
  if (!isThere) throw notFound(`Could not find ${kind}: ${targetId}.`);
  const userId = call.param('userId');
  if (!cloud.users.has(userId)) throw notFound(`Could not find user: ${userId}.`);
  return { targetKind: kind, targetId, userId, roleId: findRole(call, call.param('roleId')).id };
}

const same = (a: Grant, b: Grant) =>
  a.targetKind === b.targetKind && a.targetId === b.targetId && a.userId === b.userId && a.roleId === b.roleId;

/** A second grant of the same is as good as the first: 204. */
function grant(call: Call, kind: Grant['targetKind']): Reply {
  requireAdmin(call, 'create_grant');
  const wanted = named(call, kind);
  if (!call.cloud.grants.some((one) => same(one, wanted))) {
    call.cloud.grants.push(wanted);
    call.effect('created', 'grant', `${wanted.targetId}/${wanted.userId}/${wanted.roleId}`);
  }
  return noContent();
}

function check(call: Call, kind: Grant['targetKind']): Reply {
  requireAdmin(call, 'check_grant');
  const wanted = named(call, kind);
  if (!call.cloud.grants.some((one) => same(one, wanted))) throw notGranted(wanted);
  return noContent();
}

function revoke(call: Call, kind: Grant['targetKind']): Reply {
  requireAdmin(call, 'revoke_grant');
  const wanted = named(call, kind);
  if (!call.cloud.grants.some((one) => same(one, wanted))) throw notGranted(wanted);
  call.cloud.grants = call.cloud.grants.filter((one) => !same(one, wanted));
  call.effect('deleted', 'grant', `${wanted.targetId}/${wanted.userId}/${wanted.roleId}`);
  return noContent();
}

const notGranted = ({ roleId, userId, targetId }: Grant) =>
  notFound(
    `Could not find role assignment with role: ${roleId}, user or group: ${userId}, project, domain, or system: ${targetId}.`,
  );

function listGrants(call: Call, kind: Grant['targetKind']): Reply {
  requireAdmin(call, 'list_grants');
  const roles = call.cloud.grants
    .filter(
      (one) => one.targetKind === kind && one.targetId === call.param('id') && one.userId === call.param('userId'),
    )
    .map((one) => roleView(call, findRole(call, one.roleId)));
  return ok({ roles, links: listLinks(call, '/roles') });
}

function listAssignments(call: Call): Reply {
  requireAdmin(call, 'list_role_assignments');
  const { query, cloud } = call;
  const withNames = query.has('include_names') && query.get('include_names') !== 'false';
  const inDomain = (id: string) => ({ id, name: cloud.domains.get(id)?.name ?? id });
  const assignments = cloud.grants
    .filter(
      (one) =>
        (query.get('user.id') ?? one.userId) === one.userId &&
        (query.get('role.id') ?? one.roleId) === one.roleId &&
        (query.get('scope.project.id') ?? one.targetId) === one.targetId &&
        (!query.has('scope.project.id') || one.targetKind === 'project'),
    )
    .map((one): JsonObject => {
      const user = cloud.users.get(one.userId);
      const project = cloud.projects.get(one.targetId);
      const target: JsonObject = { id: one.targetId };
      if (withNames && project !== undefined)
        Object.assign(target, { name: project.name, domain: inDomain(project.domainId) });
      if (withNames && one.targetKind === 'domain') target['name'] = cloud.domains.get(one.targetId)?.name ?? '';
      return {
        role: { id: one.roleId, ...(withNames && { name: cloud.roles.get(one.roleId)?.name ?? '' }) },
        user: { id: one.userId, ...(withNames && user && { name: user.name, domain: inDomain(user.domainId) }) },
        scope: { [one.targetKind]: target },
        links: {
          assignment: selfLink(call, `/${one.targetKind}s/${one.targetId}/users/${one.userId}/roles/${one.roleId}`),
        },
      };
    });
  return ok({ role_assignments: assignments, links: listLinks(call, '/role_assignments') });
}

function roleView(call: Call, role: Role): JsonObject {
  return {
    id: role.id,
    name: role.name,
    domain_id: null,
    description: null,
    options: {},
    links: { self: selfLink(call, `/roles/${role.id}`) },
  };
}
