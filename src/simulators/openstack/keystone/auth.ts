import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { noContent, ok, type Call, type Caller, type Reply } from '../call.js';
import { badRequest, forbidden, notFound, Refusal, unauthorized } from '../errors.js';
import { routesOf } from '../route.js';
import type { Cloud } from '../state/cloud.js';
import type { Token, User } from '../state/identity-model.js';
import { catalogOf } from './catalog.js';
import { callerOf, isProjectUsable, isUsable, issueToken, rolesOn } from './tokens.js';

const DomainRef = z.object({ id: z.string().optional(), name: z.string().optional() });
const ProjectRef = z.object({ id: z.string().optional(), name: z.string().optional(), domain: DomainRef.optional() });
const UserRef = ProjectRef;
const AuthRequest = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.array(z.string()),
      password: z.object({ user: UserRef.extend({ password: z.string() }) }).optional(),
      token: z.object({ id: z.string() }).optional(),
      application_credential: z
        .object({
          id: z.string().optional(),
          name: z.string().optional(),
          secret: z.string(),
          user: UserRef.optional(),
        })
        .optional(),
    }),
    scope: z
      .union([
        z.literal('unscoped'),
        z.object({ project: ProjectRef.optional(), domain: DomainRef.optional(), unscoped: z.object({}).optional() }),
      ])
      .optional(),
  }),
});
type AuthRequest = z.infer<typeof AuthRequest>['auth'];

export const authRoutes = routesOf('keystone', [
  ['POST', '/auth/tokens', 'tokens.create', authenticate, 'open'],
  ['GET', '/auth/tokens', 'tokens.show', showToken],
  ['HEAD', '/auth/tokens', 'tokens.check', showToken],
  ['DELETE', '/auth/tokens', 'tokens.revoke', revokeToken],
  ['GET', '/auth/catalog', 'catalog.show', (call) => ok({ catalog: catalogFor(call, call.caller), links: {} })],
]);

function authenticate(call: Call): Reply {
  const { auth } = call.read(AuthRequest);
  const { cloud } = call;
  const proof = prove(cloud, auth);
  const scope = scopeOf(cloud, auth, proof);
  const token = issueToken(cloud, {
    userId: proof.user.id,
    scope,
    methods: proof.methods,
    applicationCredentialId: proof.applicationCredentialId,
  });
  const caller = callerOf(cloud, token.text);
  // Dead on arrival all the same: who changed the password in this very second gets a token that nobody accepts.
  const shown = caller ?? { token, user: proof.user, project: null, domain: null, roles: [], isAdmin: false };
  return {
    status: 201,
    headers: { 'x-subject-token': token.text, vary: 'X-Auth-Token' },
    body: tokenBody(call, shown, scope === null || call.query.has('nocatalog')),
  };
}

interface Proof {
  user: User;
  methods: string[];
  applicationCredentialId: string | null;
  /** The only scope an application credential has. */
  projectId: string | null;
}

/** @throws the same 401 for a wrong password, an unknown user and a disabled one. */
function prove(cloud: Cloud, { identity, scope }: AuthRequest): Proof {
  const { methods } = identity;
  if (methods.includes('application_credential')) {
    const given = identity.application_credential;
    if (given === undefined) throw expecting('application_credential', 'identity');
    if (scope !== undefined) throw unauthorized();
    const credential =
      given.id === undefined
        ? [...cloud.applicationCredentials.values()].find(
            (one) => one.name === given.name && one.userId === findUser(cloud, given.user ?? {})?.id,
          )
        : cloud.applicationCredentials.get(given.id);
    const user = cloud.users.get(credential?.userId ?? '');
    const isExpired = credential?.expiresMs !== null && (credential?.expiresMs ?? 0) <= Date.now();
    if (credential === undefined || user === undefined || credential.secret !== given.secret || isExpired) {
      throw unauthorized();
    }
    if (!isUsable(cloud, user)) throw unauthorized();
    return { user, methods, applicationCredentialId: credential.id, projectId: credential.projectId };
  }
  if (methods.includes('token')) {
    const caller = callerOf(cloud, identity.token?.id);
    if (caller === null) throw unauthorized();
    return { user: caller.user, methods, applicationCredentialId: null, projectId: null };
  }
  if (!methods.includes('password')) throw unauthorized();
  if (identity.password === undefined) throw expecting('password', 'identity');
  const given = identity.password.user;
  if (given.id === undefined && (given.name === undefined || given.domain === undefined)) {
    throw expecting(given.name === undefined ? 'id or name' : 'domain', 'user');
  }
  const user = findUser(cloud, given);
  if (user === undefined || user.password !== given.password || !isUsable(cloud, user)) throw unauthorized();
  // Only who knows the password is told (keystone.exception.PasswordExpired).
  if (user.passwordExpiresMs !== null && user.passwordExpiresMs <= Date.now()) {
    throw new Refusal(401, `The password is expired and needs to be changed for user: ${user.id}.`);
  }
  return { user, methods: ['password'], applicationCredentialId: null, projectId: null };
}

function expecting(what: string, where: string) {
  return badRequest(
    `Expecting to find ${what} in ${where}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  );
}

function findUser(cloud: Cloud, ref: z.infer<typeof UserRef>): User | undefined {
  if (ref.id !== undefined) return cloud.users.get(ref.id);
  const domainId = findDomainId(cloud, ref.domain);
  return [...cloud.users.values()].find((user) => user.name === ref.name && user.domainId === domainId);
}

function findDomainId(cloud: Cloud, ref: z.infer<typeof DomainRef> | undefined): string | undefined {
  if (ref?.id !== undefined) return ref.id;
  return [...cloud.domains.values()].find((domain) => domain.name === ref?.name)?.id;
}

/** @throws 401 for an unknown project and for one on which the user has no role. */
function scopeOf(cloud: Cloud, { scope }: AuthRequest, proof: Proof): Token['scope'] {
  const { user } = proof;
  if (proof.projectId !== null) return granted(cloud, user, 'project', proof.projectId);
  if (scope === undefined) {
    // Without a wish the default project is taken, if the user may do anything there.
    const { defaultProjectId } = user;
    if (defaultProjectId === null || rolesOn(cloud, user.id, 'project', defaultProjectId).length === 0) return null;
    return granted(cloud, user, 'project', defaultProjectId);
  }
  if (scope === 'unscoped' || scope.unscoped !== undefined) return null;
  if (scope.project !== undefined) {
    const { id, name, domain } = scope.project;
    if (id !== undefined) return granted(cloud, user, 'project', id);
    const domainId = findDomainId(cloud, domain);
    const project = [...cloud.projects.values()].find((one) => one.name === name && one.domainId === domainId);
    if (project === undefined) throw unauthorized();
    return granted(cloud, user, 'project', project.id);
  }
  const domainId = findDomainId(cloud, scope.domain);
  if (domainId === undefined) throw unauthorized();
  return granted(cloud, user, 'domain', domainId);
}

function granted(cloud: Cloud, user: User, kind: 'project' | 'domain', id: string): Token['scope'] {
  const project = cloud.projects.get(id);
  const isThere =
    kind === 'domain' ? cloud.domains.get(id)?.enabled === true : project && isProjectUsable(cloud, project);
  if (isThere !== true || rolesOn(cloud, user.id, kind, id).length === 0) throw unauthorized();
  return { kind, id };
}

function showToken(call: Call): Reply {
  const subject = call.request.headers['x-subject-token'];
  const shown = callerOf(call.cloud, typeof subject === 'string' ? subject : undefined);
  const isOwn = shown !== null && shown.user.id === call.caller.user.id;
  if (!isOwn && !call.isAdmin)
    throw forbidden('You are not authorized to perform the requested action: identity:validate_token.');
  if (shown === null) throw notFound('Could not find token: ***.');
  return {
    status: 200,
    headers: { 'x-subject-token': shown.token.text },
    body: tokenBody(call, shown, shown.token.scope === null || call.query.has('nocatalog')),
  };
}

function revokeToken(call: Call): Reply {
  const subject = call.request.headers['x-subject-token'];
  const token = call.cloud.tokens.get(typeof subject === 'string' ? subject : '');
  if (token === undefined) throw notFound('Could not find token: ***.');
  if (token.userId !== call.caller.user.id && !call.isAdmin) {
    throw forbidden('You are not authorized to perform the requested action: identity:revoke_token.');
  }
  call.cloud.tokens.delete(token.text);
  return noContent();
}

function catalogFor(call: Call, { project }: Caller): JsonObject[] {
  return catalogOf(call.origin, call.cloud.region, project?.id ?? '');
}

function tokenBody(call: Call, caller: Caller, withoutCatalog: boolean): JsonObject {
  const { token, user, project, domain, roles } = caller;
  const inDomain = (id: string) => ({ id, name: call.cloud.domains.get(id)?.name ?? id });
  return {
    token: {
      methods: token.methods,
      user: {
        id: user.id,
        name: user.name,
        domain: inDomain(user.domainId),
        password_expires_at: user.passwordExpiresMs === null ? null : timeText(user.passwordExpiresMs),
      },
      audit_ids: token.auditIds,
      expires_at: timeText(token.expiresMs),
      issued_at: timeText(token.issuedMs),
      ...(project !== null && {
        is_domain: false,
        project: { id: project.id, name: project.name, domain: inDomain(project.domainId) },
      }),
      ...(domain !== null && { domain: { id: domain.id, name: domain.name } }),
      ...(token.scope !== null && { roles }),
      ...(!withoutCatalog && { catalog: catalogFor(call, caller) }),
    },
  };
}

const timeText = (ms: number) => `${new Date(ms).toISOString().slice(0, 23)}000Z`;
