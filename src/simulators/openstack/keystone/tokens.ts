import type { Caller } from '../call.js';
import type { Cloud } from '../state/cloud.js';
import type { Project, Token, User } from '../state/identity-model.js';

const tokenAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function issueToken(cloud: Cloud, fields: Omit<Token, 'text' | 'auditIds' | 'issuedMs' | 'expiresMs'>): Token {
  const issuedMs = Date.now();
  forgetExpired(cloud, issuedMs);
  const token: Token = {
    ...fields,
    text: `gAAAAAB${cloud.randomText(176, tokenAlphabet)}`,
    auditIds: [cloud.randomText(22, tokenAlphabet)],
    issuedMs,
    expiresMs: issuedMs + cloud.tokenLifeMs,
  };
  cloud.tokens.set(token.text, token);
  return token;
}

/** Tokens are kept in the order of their issue and live equally long, so the expired ones are in front. */
function forgetExpired(cloud: Cloud, nowMs: number): void {
  for (const [text, token] of cloud.tokens) {
    if (token.expiresMs > nowMs) return;
    cloud.tokens.delete(text);
  }
}

/**
 * Who the token stands for; null when it is unknown, expired, revoked, or its user or project is gone or disabled. Nothing is
 * cached: the 300 s for which real services may accept a revoked token are left out.
 */
export function callerOf(cloud: Cloud, text: string | undefined): Caller | null {
  const token = text === undefined ? undefined : cloud.tokens.get(text);
  // Expiry is exact: a 3 s token is refused at 3 s.
  if (token === undefined || token.expiresMs <= Date.now()) return null;
  const user = cloud.users.get(token.userId);
  if (user === undefined || !isUsable(cloud, user)) return null;
  // Revocation knows seconds only: a token issued in the same second as the change is dead on arrival.
  if (user.revokedUpToSecond !== null && Math.floor(token.issuedMs / 1000) <= user.revokedUpToSecond) return null;
  if (token.applicationCredentialId !== null && !cloud.applicationCredentials.has(token.applicationCredentialId))
    return null;
  return describe(cloud, token, user);
}

function describe(cloud: Cloud, token: Token, user: User): Caller | null {
  const { scope } = token;
  if (scope === null) return { token, user, project: null, domain: null, roles: [], isAdmin: false };
  const project = scope.kind === 'project' ? (cloud.projects.get(scope.id) ?? null) : null;
  const domain = scope.kind === 'domain' ? (cloud.domains.get(scope.id) ?? null) : null;
  if (project !== null && !isProjectUsable(cloud, project)) return null;
  if (project === null && domain?.enabled !== true) return null;
  const limitedTo = cloud.applicationCredentials.get(token.applicationCredentialId ?? '')?.roleIds;
  const roles = rolesOn(cloud, user.id, scope.kind, scope.id, limitedTo);
  // A token without a role left is no token any more.
  if (roles.length === 0) return null;
  return { token, user, project, domain, roles, isAdmin: roles.some((role) => role.name === 'admin') };
}

export function isUsable(cloud: Cloud, user: User): boolean {
  return user.enabled && cloud.domains.get(user.domainId)?.enabled === true;
}

export function isProjectUsable(cloud: Cloud, project: Project): boolean {
  return project.enabled && cloud.domains.get(project.domainId)?.enabled === true;
}

/** The roles granted there, with those they imply (member brings reader). */
export function rolesOn(
  cloud: Cloud,
  userId: string,
  kind: 'project' | 'domain',
  targetId: string,
  limitedTo?: string[],
): { id: string; name: string }[] {
  const found = new Map<string, { id: string; name: string }>();
  const add = (roleId: string) => {
    const role = cloud.roles.get(roleId);
    if (role === undefined || found.has(roleId)) return;
    found.set(roleId, { id: role.id, name: role.name });
    for (const implied of role.implies) add(implied);
  };
  for (const grant of cloud.grants) {
    const isHere = grant.userId === userId && grant.targetKind === kind && grant.targetId === targetId;
    if (isHere && (limitedTo === undefined || limitedTo.includes(grant.roleId))) add(grant.roleId);
  }
  return [...found.values()];
}

/** Ends every token of the user that exists now. */
export function revokeTokensOf(user: User): void {
  user.revokedUpToSecond = Math.floor(Date.now() / 1000);
}

/** Ends them at once, with nothing left for the rest of the second: a fault of the control side. */
export function dropTokensOf(cloud: Cloud, userId: string): void {
  for (const [text, token] of cloud.tokens) if (token.userId === userId) cloud.tokens.delete(text);
}
