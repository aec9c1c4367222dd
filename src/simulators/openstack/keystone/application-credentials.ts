import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { created, noContent, ok, type Call, type Reply } from '../call.js';
import { badRequest, conflict, forbidden, notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { ApplicationCredential } from '../state/identity-model.js';
import { listLinks, requireAdminOrSelf } from './policy.js';

const path = '/users/{id}/application_credentials';
const secretAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export const applicationCredentialRoutes = routesOf('keystone', [
  ['POST', path, 'application_credentials.create', create],
  ['GET', path, 'application_credentials.list', list],
  ['GET', `${path}/{credentialId}`, 'application_credentials.show', show],
  ['DELETE', `${path}/{credentialId}`, 'application_credentials.delete', remove],
]);

const Request = z.object({
  application_credential: z.object({
    name: z.string().min(1).max(255),
    description: z.string().nullable().optional(),
    secret: z.string().optional(),
    expires_at: z.string().nullable().optional(),
    roles: z.array(z.object({ id: z.string().optional(), name: z.string().optional() })).optional(),
    unrestricted: z.boolean().optional(),
  }),
});

/** Made with the user's own token, for the project of that token. The secret is in this answer only. */
function create(call: Call): Reply {
  const { cloud, caller } = call;
  if (caller.user.id !== call.param('id')) {
    throw forbidden('You are not authorized to perform the requested action: identity:create_application_credential.');
  }
  if (caller.token.applicationCredentialId !== null) {
    throw forbidden(
      "Using method 'application_credential' is not allowed for managing additional application credentials.",
    );
  }
  const { application_credential: fields } = call.read(Request);
  const twin = [...cloud.applicationCredentials.values()].find(
    (one) => one.userId === caller.user.id && one.name === fields.name,
  );
  if (twin !== undefined) {
    throw conflict(
      `Conflict occurred attempting to store application_credential - Duplicate entry found with name ${fields.name}.`,
    );
  }
  const wanted = fields.roles?.map((ref) => caller.roles.find((role) => role.id === ref.id || role.name === ref.name));
  if (wanted?.includes(undefined) === true)
    throw badRequest('Invalid application credential: Could not find role assignment.');
  const credential: ApplicationCredential = {
    id: cloud.newHexId(),
    name: fields.name,
    description: fields.description ?? '',
    userId: caller.user.id,
    projectId: call.projectId,
    secret: fields.secret ?? cloud.randomText(86, secretAlphabet),
    roleIds: (wanted ?? caller.roles).flatMap((role) => (role === undefined ? [] : [role.id])),
    expiresMs: fields.expires_at ? Date.parse(`${fields.expires_at.replace(/Z$/, '')}Z`) : null,
  };
  cloud.applicationCredentials.set(credential.id, credential);
  call.effect('created', 'application-credential', credential.id, [credential.name, credential.description]);
  return created({ application_credential: { ...view(call, credential), secret: credential.secret } });
}

function list(call: Call): Reply {
  requireAdminOrSelf(call, call.param('id'), 'list_application_credentials');
  const name = call.query.get('name');
  const own = [...call.cloud.applicationCredentials.values()].filter(
    (one) => one.userId === call.param('id') && (name ?? one.name) === one.name,
  );
  return ok({
    application_credentials: own.map((one) => view(call, one)),
    links: listLinks(call, '/application_credentials'),
  });
}

function find(call: Call): ApplicationCredential {
  const id = call.param('credentialId');
  const credential = call.cloud.applicationCredentials.get(id);
  if (credential === undefined || credential.userId !== call.param('id')) {
    throw notFound(`Could not find Application Credential: ${id}.`);
  }
  return credential;
}

function show(call: Call): Reply {
  requireAdminOrSelf(call, call.param('id'), 'get_application_credential');
  return ok({ application_credential: view(call, find(call)) });
}

function remove(call: Call): Reply {
  requireAdminOrSelf(call, call.param('id'), 'delete_application_credential');
  const credential = find(call);
  call.cloud.applicationCredentials.delete(credential.id);
  call.effect('deleted', 'application-credential', credential.id, [credential.name, credential.description]);
  return noContent();
}

function view(call: Call, one: ApplicationCredential): JsonObject {
  return {
    id: one.id,
    name: one.name,
    description: one.description,
    project_id: one.projectId,
    expires_at: one.expiresMs === null ? null : new Date(one.expiresMs).toISOString(),
    unrestricted: false,
    roles: one.roleIds.map((id) => ({ id, name: call.cloud.roles.get(id)?.name ?? '', domain_id: null })),
  };
}
