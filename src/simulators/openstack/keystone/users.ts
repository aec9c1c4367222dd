import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { compact, created, noContent, ok, type Call, type Reply } from '../call.js';
import { conflict, notFound, unauthorized } from '../errors.js';
import { routesOf } from '../route.js';
import type { User } from '../state/identity-model.js';
import { listLinks, requireAdmin, requireAdminOrSelf, selfLink } from './policy.js';
import { isEnabledAs, projectView } from './projects.js';
import { revokeTokensOf, rolesOn } from './tokens.js';

const UserFields = z.object({
  name: z.string().min(1).max(255),
  domain_id: z.string().optional(),
  password: z.string().nullable().optional(),
  default_project_id: z.string().nullable().optional(),
  description: z.string().nullable().optional(),
  email: z.string().nullable().optional(),
  enabled: z.boolean().optional(),
  options: z.object({}).optional(),
});

export const userRoutes = routesOf('keystone', [
  ['POST', '/users', 'users.create', createUser],
  ['GET', '/users', 'users.list', listUsers],
  ['GET', '/users/{id}', 'users.show', showUser],
  ['PATCH', '/users/{id}', 'users.update', updateUser],
  ['DELETE', '/users/{id}', 'users.delete', deleteUser],
  ['POST', '/users/{id}/password', 'users.password', changeOwnPassword],
  ['GET', '/users/{id}/projects', 'users.projects', listProjectsOfUser],
  ['GET', '/auth/projects', 'auth.projects', (call) => projectsOf(call, call.caller.user)],
]);

function createUser(call: Call): Reply {
  requireAdmin(call, 'create_user');
  const { user: fields } = call.read(z.object({ user: UserFields }));
  const { cloud } = call;
  const domainId = fields.domain_id ?? call.caller.user.domainId;
  if (!cloud.domains.has(domainId)) throw notFound(`Could not find domain: ${domainId}.`);
  refuseTwin(call, domainId, fields.name, null);
  const user: User = {
    id: cloud.newHexId(),
    name: fields.name,
    domainId,
    password: fields.password ?? '',
    description: fields.description ?? '',
    email: fields.email ?? null,
    enabled: fields.enabled ?? true,
    defaultProjectId: fields.default_project_id ?? null,
    passwordExpiresMs: null,
    revokedUpToSecond: null,
    createdMs: Date.now(),
    seeded: false,
  };
  cloud.users.set(user.id, user);
  call.effect('created', 'user', user.id, textsOf(user));
  return created({ user: userView(call, user) });
}

export const textsOf = (user: User) => [user.name, user.description, user.email];

function refuseTwin(call: Call, domainId: string, name: string, exceptId: string | null): void {
  for (const other of call.cloud.users.values()) {
    if (other.domainId !== domainId || other.name !== name || other.id === exceptId) continue;
    throw conflict(
      `Conflict occurred attempting to store user - Duplicate entry found with name ${name} at domain ID ${domainId}.`,
    );
  }
}

function listUsers(call: Call): Reply {
  requireAdmin(call, 'list_users');
  const { query, cloud } = call;
  const users = [...cloud.users.values()].filter(
    (user) =>
      (query.get('name') ?? user.name) === user.name &&
      (query.get('domain_id') ?? user.domainId) === user.domainId &&
      isEnabledAs(query, user.enabled) &&
      !cloud.hidden.has(user.id),
  );
  return ok({ users: users.map((user) => userView(call, user)), links: listLinks(call, '/users') });
}

export function findUser(call: Call): User {
  const id = call.param('id');
  const user = call.cloud.users.get(id);
  if (user === undefined) throw notFound(`Could not find user: ${id}.`);
  return user;
}

function showUser(call: Call): Reply {
  requireAdminOrSelf(call, call.param('id'), 'get_user');
  return ok({ user: userView(call, findUser(call)) });
}

/** A new password or `enabled: false` ends all tokens of the user, to the end of this second. */
function updateUser(call: Call): Reply {
  requireAdmin(call, 'update_user');
  const user = findUser(call);
  const { user: fields } = call.read(z.object({ user: UserFields.partial() }));
  if (fields.name !== undefined) {
    refuseTwin(call, user.domainId, fields.name, user.id);
    user.name = fields.name;
  }
  if (fields.password !== undefined && fields.password !== null) {
    user.password = fields.password;
    revokeTokensOf(user);
  }
  if (fields.enabled === false && user.enabled) revokeTokensOf(user);
  user.enabled = fields.enabled ?? user.enabled;
  user.description = fields.description ?? user.description;
  user.email = fields.email === undefined ? user.email : fields.email;
  user.defaultProjectId = fields.default_project_id === undefined ? user.defaultProjectId : fields.default_project_id;
  call.effect('changed', 'user', user.id, textsOf(user));
  return ok({ user: userView(call, user) });
}

function changeOwnPassword(call: Call): Reply {
  const user = findUser(call);
  const Change = z.object({ user: z.object({ original_password: z.string(), password: z.string().min(1) }) });
  const { user: fields } = call.read(Change);
  if (user.password !== fields.original_password) throw unauthorized();
  user.password = fields.password;
  revokeTokensOf(user);
  call.effect('changed', 'user', user.id, textsOf(user));
  return noContent();
}

function deleteUser(call: Call): Reply {
  requireAdmin(call, 'delete_user');
  const { cloud } = call;
  const user = findUser(call);
  cloud.users.delete(user.id);
  cloud.grants = cloud.grants.filter((grant) => grant.userId !== user.id);
  for (const credential of cloud.applicationCredentials.values()) {
    if (credential.userId === user.id) cloud.applicationCredentials.delete(credential.id);
  }
  call.effect('deleted', 'user', user.id, textsOf(user));
  return noContent();
}

function listProjectsOfUser(call: Call): Reply {
  requireAdminOrSelf(call, call.param('id'), 'list_user_projects');
  return projectsOf(call, findUser(call));
}

function projectsOf(call: Call, user: User): Reply {
  const projects = [...call.cloud.projects.values()].filter(
    (project) => rolesOn(call.cloud, user.id, 'project', project.id).length > 0,
  );
  return ok({ projects: projects.map((project) => projectView(call, project)), links: listLinks(call, '/projects') });
}

function userView(call: Call, user: User): JsonObject {
  return compact({
    id: user.id,
    name: user.name,
    domain_id: user.domainId,
    description: user.description,
    email: user.email ?? undefined,
    enabled: user.enabled,
    default_project_id: user.defaultProjectId ?? undefined,
    password_expires_at: user.passwordExpiresMs === null ? null : new Date(user.passwordExpiresMs).toISOString(),
    options: {},
    links: { self: selfLink(call, `/users/${user.id}`) },
  });
}
