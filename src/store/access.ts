import type pg from 'pg';
import type { Role } from '../roles.js';
import { inTransaction } from './accept.js';
import { writeAudit } from './audit.js';
import type { Sql } from './data-source.js';

/** A token as people may see it: everything but the token. */
export interface ApiToken {
  name: string;
  role: Role;
  /** null: every account. */
  accountId: string | null;
  createdAt: Date;
  createdBy: string;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

/** A token that opens something now. */
export interface UsableToken {
  name: string;
  sha256: Buffer;
  role: Role;
  accountId: string | null;
  expiresAt: Date | null;
}

/** Tokens that are neither revoked nor expired. */
export async function usableTokens(sql: Sql): Promise<UsableToken[]> {
  const { rows } = await sql.query<{
    name: string;
    sha256: Buffer;
    role: Role;
    account_id: string | null;
    expires_at: Date | null;
  }>(
    `select name, sha256, role, account_id, expires_at from api_token
      where revoked_at is null and (expires_at is null or expires_at > now())`,
  );
  return rows.map((row) => ({
    name: row.name,
    sha256: row.sha256,
    role: row.role,
    accountId: row.account_id,
    expiresAt: row.expires_at,
  }));
}

/** Every token there ever was, newest first. */
export async function listTokens(sql: Sql): Promise<ApiToken[]> {
  const { rows } = await sql.query<TokenRow>(
    `select ${columns} from api_token order by created_at desc, name limit 1000`,
  );
  return rows.map(toToken);
}

/** @returns null when the name was used before, by a revoked token too */
export function addToken(
  pool: pg.Pool,
  token: { name: string; sha256: Buffer; role: Role; accountId: string | null; expiresAt: Date | null },
  by: { actor: string; reason: string },
): Promise<ApiToken | null> {
  return inTransaction(pool, async (sql) => {
    const { rows } = await sql.query<TokenRow>(
      `insert into api_token (name, sha256, role, account_id, expires_at, created_by)
       values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning ${columns}`,
      [token.name, token.sha256, token.role, token.accountId, token.expiresAt, by.actor],
    );
    const [row] = rows;
    if (!row) return null;
    const { role, accountId, expiresAt } = token;
    await writeAudit(sql, {
      actor: by.actor,
      action: 'tokens.add',
      subject: token.name,
      orderId: null,
      reason: by.reason,
      detail: { role, accountId, expiresAt: expiresAt?.toISOString() ?? null },
    });
    return toToken(row);
  });
}

/** Revokes at once; a token that is revoked already stays as it is. @returns null when there is none of this name */
export function revokeToken(
  pool: pg.Pool,
  name: string,
  by: { actor: string; reason: string },
): Promise<ApiToken | null> {
  return inTransaction(pool, async (sql) => {
    const revoked = await sql.query<TokenRow>(
      `update api_token set revoked_at = now() where name = $1 and revoked_at is null returning ${columns}`,
      [name],
    );
    const [row] = revoked.rows;
    if (row) {
      await writeAudit(sql, {
        actor: by.actor,
        action: 'tokens.revoke',
        subject: name,
        orderId: null,
        reason: by.reason,
        detail: {},
      });
      return toToken(row);
    }
    const { rows } = await sql.query<TokenRow>(`select ${columns} from api_token where name = $1`, [name]);
    return rows[0] ? toToken(rows[0]) : null;
  });
}

const columns = 'name, role, account_id, created_at, created_by, expires_at, revoked_at';

interface TokenRow {
  name: string;
  role: Role;
  account_id: string | null;
  created_at: Date;
  created_by: string;
  expires_at: Date | null;
  revoked_at: Date | null;
}

function toToken(row: TokenRow): ApiToken {
  return {
    name: row.name,
    role: row.role,
    accountId: row.account_id,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}
