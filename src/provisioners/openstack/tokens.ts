import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { HttpAnswer } from '../http.js';
import { withoutPermission } from '../permission.js';
import { isRefusal } from './refusals.js';
import type { Credentials, OpenStackSettings } from './settings.js';

/** A project's id; null: the project the platform's own account logs in to. */
export type Scope = string | null;

const Domain = z.object({ id: z.string(), name: z.string().catch('') });
const Endpoint = z.object({
  interface: z.string(),
  region_id: z.string().nullish(),
  region: z.string().nullish(),
  url: z.string(),
});
const CatalogEntry = z.object({ type: z.string(), endpoints: z.array(Endpoint).catch([]) });
export type CatalogEntry = z.infer<typeof CatalogEntry>;
const TokenBody = z.object({
  token: z.object({
    expires_at: z.string(),
    user: z.object({ id: z.string(), domain: Domain, password_expires_at: z.string().nullish() }),
    project: z.object({ id: z.string(), domain: Domain }).nullish(),
    catalog: z.array(CatalogEntry).default([]),
  }),
});

/** What a login gave us: valid for one project, until `expiresAtMs` by the server's clock as we know it. */
export interface Token {
  id: string;
  refreshAtMs: number;
  userId: string;
  userDomainId: string;
  projectId: string;
  projectDomainId: string;
  passwordExpiresAt: string | null;
  catalog: CatalogEntry[];
}

/** One token per project, one login at a time for each, however many find at once that they need it. */
export interface TokenKeeper {
  current(scope: Scope): Promise<Token>;
  /** Drops the token the caller used, and no newer one that another caller has fetched meanwhile. */
  forget(scope: Scope, used: Token): void;
}

export interface TokenOptions {
  credentials: Credentials;
  settings: Pick<OpenStackSettings, 'userDomain' | 'project' | 'projectDomain'>;
  /** POSTs to Keystone's `/auth/tokens`; throws sorted errors for everything but 201. */
  login(body: JsonObject): Promise<HttpAnswer>;
}

/** A token is taken for ended so long before its end: requests wait for their turn, and the services check exactly. */
const refreshAheadMs = 60_000;
const mostTokens = 2_000;

export function tokenKeeper({ credentials, settings, login }: TokenOptions): TokenKeeper {
  const tokens = new Map<string, Token>();
  const pending = new Map<string, Promise<Token>>();
  const keyOf = (scope: Scope): string => scope ?? '';

  function loginBody(scope: Scope): JsonObject {
    if ('applicationCredentialId' in credentials) {
      const { applicationCredentialId: id, applicationCredentialSecret: secret } = credentials;
      // Bound to its project: a scope in the request is refused.
      return { auth: { identity: { methods: ['application_credential'], application_credential: { id, secret } } } };
    }
    const { username: name, password } = credentials;
    const user = { name, domain: { name: settings.userDomain }, password };
    const project: JsonObject =
      scope === null ? { name: settings.project, domain: { name: settings.projectDomain } } : { id: scope };
    return { auth: { identity: { methods: ['password'], password: { user } }, scope: { project } } };
  }

  async function fetchToken(scope: Scope): Promise<Token> {
    const askedAtMs = Date.now();
    let answer: HttpAnswer;
    try {
      answer = await login(loginBody(scope));
    } catch (error) {
      if (!isRefusal(error, 401) || scope === null) throw error;
      // Keystone says the same for a wrong password and for a project where we have no role: the own project tells.
      await current(null);
      const message = `our account has no role on the project ${scope}, or there is no such project`;
      throw new ProvisioningError('ask-human', 'CLD_PERMISSION', message, error.details);
    }
    const token = readToken(answer, askedAtMs);
    tokens.delete(keyOf(scope));
    tokens.set(keyOf(scope), token);
    for (const oldest of tokens.keys()) {
      if (tokens.size <= mostTokens) break;
      tokens.delete(oldest);
    }
    return token;
  }

  async function current(scope: Scope): Promise<Token> {
    const key = keyOf(scope);
    const known = tokens.get(key);
    if (known && Date.now() < known.refreshAtMs) return known;
    let login = pending.get(key);
    if (!login) {
      // Many share it, and it changes nothing: it must not depend on whether the one who came first may still act.
      login = withoutPermission(() => fetchToken(scope)).finally(() => pending.delete(key));
      pending.set(key, login);
    }
    return login;
  }

  return {
    current,
    forget(scope, used) {
      if (tokens.get(keyOf(scope)) === used) tokens.delete(keyOf(scope));
    },
  };
}

function readToken(answer: HttpAnswer, askedAtMs: number): Token {
  const id = answer.headers['x-subject-token'];
  const read = TokenBody.safeParse(parsed(answer.text));
  if (!read.success || typeof id !== 'string' || id === '') {
    throw new ProvisioningError('retry', 'CLD_RESPONSE_TYPE', 'OpenStack login: no token in the answer');
  }
  const { expires_at, user, project, catalog } = read.data.token;
  if (!project) {
    throw new ProvisioningError('ask-human', 'CLD_PERMISSION', 'OpenStack login: the token is bound to no project');
  }
  // Expiry is told by the server's clock, and ours may be off: what counts is how long it is from the server's now.
  const serverNow = Date.parse(String(answer.headers['date'] ?? ''));
  const livesMs = Date.parse(expires_at) - (Number.isNaN(serverNow) ? askedAtMs : serverNow);
  return {
    id,
    // A token that lives shorter than the margin is used for half its life rather than never.
    refreshAtMs: askedAtMs + Math.max(livesMs - refreshAheadMs, livesMs / 2),
    userId: user.id,
    userDomainId: user.domain.id,
    projectId: project.id,
    projectDomainId: project.domain.id,
    passwordExpiresAt: user.password_expires_at ?? null,
    catalog,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
