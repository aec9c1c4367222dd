import { createHash, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { roles } from '../roles.js';
import { addToken, type ApiToken, listTokens, revokeToken } from '../store/access.js';
import type { App, Context } from './context.js';
import { ApiError, ProblemJson } from './problem.js';

const Instant = z.string().meta({ format: 'date-time' });
const tags = ['access'];
const errors = { '4xx': ProblemJson, '5xx': ProblemJson };

export const TokenJson = z.object({
  name: z.string(),
  role: z.enum(roles),
  accountId: z.string().nullable().describe('Sees and does the things of this account only; null: of every account'),
  createdAt: Instant,
  createdBy: z.string(),
  expiresAt: Instant.nullable(),
  revokedAt: Instant.nullable(),
});
export type TokenJson = z.infer<typeof TokenJson>;
export const TokensJson = z.object({ tokens: z.array(TokenJson) });
export type TokensJson = z.infer<typeof TokensJson>;
export const NewTokenJson = TokenJson.extend({ token: z.string().describe('Shown this once; only its hash is kept') });
export type NewTokenJson = z.infer<typeof NewTokenJson>;

const Reason = z.string().max(500).default('');
const NewToken = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, hyphens or underscores'),
  role: z.enum(roles),
  accountId: z.string().min(1).max(200).nullable().default(null),
  expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
  reason: Reason,
});
const Revocation = z.strictObject({ reason: Reason });

/** Names that the audit gives to those who act without a token. */
const reserved = new Set(['local', 'system', 'cli', 'legacy-intake']);

/** Who may use the API: made, listed and revoked by an admin, each act written down. */
export function tokenRoutes(app: App, context: Context): void {
  const { sql } = context;

  app.get(
    '/v1/tokens',
    {
      schema: {
        operationId: 'listTokens',
        tags,
        summary: 'Every token there ever was, never the token itself; those of the environment are not among them',
        response: { 200: TokensJson, ...errors },
      },
    },
    async () => ({ tokens: (await listTokens(sql)).map(presentToken) }),
  );

  app.post(
    '/v1/tokens',
    {
      schema: {
        operationId: 'addToken',
        tags,
        summary: 'Makes a token and shows it once',
        body: NewToken,
        response: { 201: NewTokenJson, ...errors },
      },
    },
    async (request, reply) => {
      const { name, role, accountId, reason } = request.body;
      const expiresAt = request.body.expiresAt === null ? null : new Date(request.body.expiresAt);
      if (expiresAt !== null && expiresAt.getTime() <= Date.now()) {
        throw wrong('expiresAt', 'lies in the past');
      }
      if (reserved.has(name) || context.config.apiTokens.some((one) => one.name === name)) {
        throw wrong('name', 'belongs to somebody else already');
      }
      const token = `ow_${randomBytes(32).toString('base64url')}`;
      const sha256 = createHash('sha256').update(token).digest();
      const added = await addToken(
        sql,
        { name, sha256, role, accountId, expiresAt },
        { actor: actorOf(request), reason },
      );
      context.access.tokensChanged();
      if (added === null) throw wrong('name', 'was used before; names are never used again');
      return reply.code(201).send({ ...presentToken(added), token });
    },
  );

  app.post(
    '/v1/tokens/:name/revoke',
    {
      schema: {
        operationId: 'revokeToken',
        tags,
        summary: 'Revokes a token: within 5 s it opens nothing on any worker',
        params: z.object({ name: z.string().max(64) }),
        body: Revocation.nullish(),
        response: { 200: TokenJson, ...errors },
      },
    },
    async (request) => {
      const by = { actor: actorOf(request), reason: request.body?.reason ?? '' };
      const revoked = await revokeToken(sql, request.params.name, by);
      context.access.tokensChanged();
      if (!revoked) throw new ApiError(404, 'API_NOT_FOUND', 'There is no token of this name in the table.');
      return presentToken(revoked);
    },
  );
}

/** Who acts, as the audit keeps it. */
export function actorOf(request: Pick<FastifyRequest, 'principal'>): string {
  if (request.principal === null) throw new Error('an open route acted');
  return request.principal.name;
}

function wrong(path: string, message: string): ApiError {
  return new ApiError(400, 'API_PARAMETER', `${path} ${message}.`, [{ path, code: 'API_PARAMETER', message }]);
}

function presentToken(token: ApiToken): TokenJson {
  return {
    name: token.name,
    role: token.role,
    accountId: token.accountId,
    createdAt: token.createdAt.toISOString(),
    createdBy: token.createdBy,
    expiresAt: token.expiresAt?.toISOString() ?? null,
    revokedAt: token.revokedAt?.toISOString() ?? null,
  };
}
