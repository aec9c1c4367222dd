import type { Json } from '../json.js';
import type { PlatformFields } from '../schemas/platform.js';
import type { Sql } from './data-source.js';

export type PlatformState = 'open' | 'maintenance' | 'disabled';

/** A configured data centre as it is stored; credentials sealed (associated data: the platform's id). */
export interface StoredPlatform {
  platformId: string;
  name: string;
  kind: string;
  serviceUrl: string;
  state: PlatformState;
  settings: Record<string, Json>;
  sealedCredentials: Uint8Array;
  /** Left out: none of them is said. */
  fields?: Partial<PlatformFields>;
  /** Who logs in there; the one part of the credentials that the source platform's answers show. */
  loginName?: string | null;
}

/** A platform with when it was last changed, so that a worker notices a change. */
export interface ListedPlatform extends StoredPlatform {
  updatedAt: Date;
  /** Why somebody gave it its state; '' when nobody said. */
  stateReason?: string;
  stateSince?: Date;
}

/** Everything that is kept of a platform. */
export interface PlatformRecord extends ListedPlatform {
  /** What the source platform's own routes call `id`. */
  number: number;
  fields: PlatformFields;
  loginName: string | null;
  stateReason: string;
  stateSince: Date;
  /** Grows with each edit. */
  version: number;
  createdAt: Date;
  removedAt: Date | null;
}

const columns = `platform_id, number, name, short_name, kind, service_url, region, domain, project, external_network, host,
  login_name, ca_certificate, limits, maps, naming, settings, sealed_credentials, state, state_reason, state_since, version,
  created_at, updated_at, removed_at`;

/** Workers notice a change by `updated_at`, to the millisecond: it grows with every change, whatever the clock says. */
const changedNow = `greatest(clock_timestamp(), updated_at + interval '1 millisecond')`;

/** Columns that an edit writes, and their types, in the order of {@link valuesOf}. */
const written: readonly [column: string, type: string][] = [
  ['name', 'text'],
  ['kind', 'text'],
  ['service_url', 'text'],
  ['state', 'text'],
  ['settings', 'jsonb'],
  ['sealed_credentials', 'bytea'],
  ['short_name', 'text'],
  ['region', 'text'],
  ['domain', 'text'],
  ['project', 'text'],
  ['external_network', 'text'],
  ['host', 'text'],
  ['ca_certificate', 'text'],
  ['limits', 'jsonb'],
  ['maps', 'jsonb'],
  ['naming', 'jsonb'],
  ['login_name', 'text'],
];

function valuesOf({ fields = {}, ...platform }: StoredPlatform): unknown[] {
  return [
    platform.platformId,
    platform.name,
    platform.kind,
    platform.serviceUrl,
    platform.state,
    JSON.stringify(platform.settings),
    Buffer.from(platform.sealedCredentials),
    fields.shortName ?? null,
    fields.region ?? null,
    fields.domain ?? null,
    fields.project ?? null,
    fields.externalNetwork ?? null,
    fields.host ?? null,
    fields.caCertificate ?? null,
    JSON.stringify(fields.limits ?? {}),
    JSON.stringify(fields.maps ?? {}),
    JSON.stringify(fields.naming ?? {}),
    platform.loginName ?? null,
  ];
}

const insertion = `insert into platform as p (platform_id, ${written.map(([column]) => column).join(', ')})
  values ($1, ${written.map(([, type], i) => `$${i + 2}::${type}`).join(', ')})`;
const assignments = written.map(([column, type], i) => `${column} = $${i + 2}::${type}`).join(', ');

/** @returns false when a platform of this id is there already, removed or not; it is left as it is */
export async function insertPlatform(sql: Sql, platform: StoredPlatform): Promise<boolean> {
  const { rowCount } = await sql.query(`${insertion} on conflict do nothing`, valuesOf(platform));
  return rowCount === 1;
}

/** As `insertPlatform`, but a removed platform of this id comes back as what it is now. @returns null when one is there */
export async function addPlatform(sql: Sql, platform: StoredPlatform): Promise<PlatformRecord | null> {
  const { rows } = await sql.query<PlatformRow>(
    `${insertion} on conflict (platform_id) do update set ${written.map(([column]) => `${column} = excluded.${column}`).join(', ')},
       state_reason = '', state_since = now(), removed_at = null, version = p.version + 1,
       updated_at = ${changedNow.replaceAll('updated_at', 'p.updated_at')}
      where p.removed_at is not null returning ${columns}`,
    valuesOf(platform),
  );
  return rows[0] ? toRecord(rows[0]) : null;
}

/** Where a platform is reached now, for clouds that may come back on another port (the simulated ones). */
export async function movePlatform(sql: Sql, platformId: string, serviceUrl: string): Promise<void> {
  await sql.query(
    `update platform set service_url = $2, version = version + 1, updated_at = ${changedNow}
      where platform_id = $1 and service_url <> $2`,
    [platformId, serviceUrl],
  );
}

/** Writes an edit of a locked platform; the state's reason and instant change with the state only. */
export async function updatePlatform(
  sql: Sql,
  platform: StoredPlatform & { stateReason: string },
): Promise<PlatformRecord> {
  const { rows } = await sql.query<PlatformRow>(
    `update platform set ${assignments}, state_reason = $${written.length + 2},
            state_since = case when state <> $5 then now() else state_since end,
            version = version + 1, updated_at = ${changedNow}
      where platform_id = $1 returning ${columns}`,
    [...valuesOf(platform), platform.stateReason],
  );
  const [row] = rows;
  if (!row) throw new Error(`platform ${platform.platformId} is not there`);
  return toRecord(row);
}

/** Removes a locked platform; its row stays for what names it. */
export async function removePlatform(sql: Sql, platformId: string): Promise<PlatformRecord> {
  const { rows } = await sql.query<PlatformRow>(
    `update platform set removed_at = now(), version = version + 1, updated_at = ${changedNow}
      where platform_id = $1 returning ${columns}`,
    [platformId],
  );
  const [row] = rows;
  if (!row) throw new Error(`platform ${platformId} is not there`);
  return toRecord(row);
}

/** Every platform that is not removed, by name. */
export async function listPlatforms(sql: Sql): Promise<PlatformRecord[]> {
  const { rows } = await sql.query<PlatformRow>(
    `select ${columns} from platform where removed_at is null order by name, platform_id`,
  );
  return rows.map(toRecord);
}

/** One platform; a removed one too. `lock`: until the transaction ends. */
export async function readPlatform(
  sql: Sql,
  platformId: string,
  { lock = false } = {},
): Promise<PlatformRecord | null> {
  const { rows } = await sql.query<PlatformRow>(
    `select ${columns} from platform where platform_id = $1${lock ? ' for update' : ''}`,
    [platformId],
  );
  return rows[0] ? toRecord(rows[0]) : null;
}

/** How many orders that have not ended name the platform, our own preparations included. */
export async function countOpenOrders(sql: Sql, platformId: string): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(
    `select count(distinct order_id)::int as count from work_order o join work_order_item i using (order_id)
      where o.finished_at is null and i.platform_id = $1`,
    [platformId],
  );
  return rows[0]?.count ?? 0;
}

/**
 * How many open orders were begun on the platform, or are being planned for it at this moment: what was asked of its account for
 * them is looked for there. One that was never planned is not among them.
 */
export async function countBegunOrders(sql: Sql, platformId: string): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(
    `select count(distinct order_id)::int as count from work_order o join work_order_item i using (order_id)
       left join work_order_plan p using (order_id)
      where o.finished_at is null and i.platform_id = $1
        and (o.machine ->> 'value' = 'received' or jsonb_typeof(p.plan) = 'object')`,
    [platformId],
  );
  return rows[0]?.count ?? 0;
}

interface PlatformRow {
  platform_id: string;
  number: number;
  name: string;
  short_name: string | null;
  kind: string;
  service_url: string;
  region: string | null;
  domain: string | null;
  project: string | null;
  external_network: string | null;
  host: string | null;
  login_name: string | null;
  ca_certificate: string | null;
  limits: PlatformFields['limits'];
  maps: PlatformFields['maps'];
  naming: PlatformFields['naming'];
  settings: Record<string, Json>;
  sealed_credentials: Buffer;
  state: PlatformState;
  state_reason: string;
  state_since: Date;
  version: number;
  created_at: Date;
  updated_at: Date;
  removed_at: Date | null;
}

function toRecord(row: PlatformRow): PlatformRecord {
  return {
    platformId: row.platform_id,
    number: row.number,
    name: row.name,
    kind: row.kind,
    serviceUrl: row.service_url,
    state: row.state,
    stateReason: row.state_reason,
    stateSince: row.state_since,
    settings: row.settings,
    sealedCredentials: row.sealed_credentials,
    loginName: row.login_name,
    fields: {
      shortName: row.short_name,
      region: row.region,
      domain: row.domain,
      project: row.project,
      externalNetwork: row.external_network,
      host: row.host,
      caCertificate: row.ca_certificate,
      limits: row.limits,
      maps: row.maps,
      naming: row.naming,
    },
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    removedAt: row.removed_at,
  };
}
