import type { Json } from '../json.js';
import type { Sql } from './data-source.js';

/** A configured data centre as it is stored; credentials sealed (associated data: the platform's id). */
export interface StoredPlatform {
  platformId: string;
  name: string;
  kind: string;
  serviceUrl: string;
  state: 'open' | 'maintenance' | 'disabled';
  settings: Record<string, Json>;
  sealedCredentials: Uint8Array;
}

/** A platform with when it was last changed, so that a worker notices a change. */
export interface ListedPlatform extends StoredPlatform {
  updatedAt: Date;
}

/** @returns false when a platform of this id is there already; it is left as it is */
export async function insertPlatform(sql: Sql, platform: StoredPlatform): Promise<boolean> {
  const { rowCount } = await sql.query(
    `insert into platform (platform_id, name, kind, service_url, state, settings, sealed_credentials)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
    [
      platform.platformId,
      platform.name,
      platform.kind,
      platform.serviceUrl,
      platform.state,
      JSON.stringify(platform.settings),
      Buffer.from(platform.sealedCredentials),
    ],
  );
  return rowCount === 1;
}

/** Where a platform is reached now, for clouds that may come back on another port (the simulated ones). */
export async function movePlatform(sql: Sql, platformId: string, serviceUrl: string): Promise<void> {
  await sql.query(
    'update platform set service_url = $2, updated_at = now() where platform_id = $1 and service_url <> $2',
    [platformId, serviceUrl],
  );
}

/** Every platform, by name. */
export async function listPlatforms(sql: Sql): Promise<ListedPlatform[]> {
  const { rows } = await sql.query<PlatformRow>(
    `select platform_id, name, kind, service_url, state, settings, sealed_credentials, updated_at from platform
      order by name, platform_id`,
  );
  return rows.map((row) => ({
    platformId: row.platform_id,
    name: row.name,
    kind: row.kind,
    serviceUrl: row.service_url,
    state: row.state,
    settings: row.settings,
    sealedCredentials: row.sealed_credentials,
    updatedAt: row.updated_at,
  }));
}

interface PlatformRow {
  platform_id: string;
  name: string;
  kind: string;
  service_url: string;
  state: StoredPlatform['state'];
  settings: Record<string, Json>;
  sealed_credentials: Buffer;
  updated_at: Date;
}
