/**
 * Dumps of a database, and clusters to restore them into. The embedded PostgreSQL comes without `pg_dump`, so this does what `pg_dump`
 * does: every row of every table by COPY, in one snapshot, into tables that are made anew, and the sequences as they stood. As there,
 * a transaction number (`xid8`) is a value like any other.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.js';
import { runMigrations } from '../../src/store/migrate.js';
import { runFolder } from './run-folder.js';

/** A server of its own, with numbers of transactions of its own. */
export async function startCluster(name: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir: join(runFolder(), name), durable: false, auth: 'trust' });
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** An empty database, of the owner if one is named. */
export async function createDatabase(cluster: EmbeddedPostgres, name: string, owner = 'postgres'): Promise<string> {
  await withClient(cluster.url, (client) => client.query(`create database ${name} owner ${owner}`));
  const url = new URL(cluster.url);
  url.pathname = `/${name}`;
  return url.href;
}

/** Uses up numbers of transactions, as other databases of the server do. */
export async function spendTransactions(url: string, count: number): Promise<void> {
  await withClient(url, (client) =>
    client.query(`do $$ begin for i in 1..${count} loop perform pg_current_xact_id(); commit; end loop; end $$`),
  );
}

export interface Dump {
  tables: { name: string; columns: string; file: string }[];
}

/** Everything in a database, as it stood at one moment. */
export async function dumpOf(url: string, name: string): Promise<Dump> {
  const folder = join(runFolder(), `dump-${name}`);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o777);
  return withClient(url, async (client) => {
    await client.query('begin isolation level repeatable read');
    const { rows } = await client.query<{ name: string; columns: string }>(
      `select table_name as name, string_agg(quote_ident(column_name), ', ' order by ordinal_position) as columns
         from information_schema.columns join information_schema.tables using (table_schema, table_name)
        where table_schema = 'public' and table_type = 'BASE TABLE' group by table_name`,
    );
    const tables = rows.map((table) => ({ ...table, file: join(folder, table.name) }));
    for (const { name: table, columns, file } of tables) {
      await client.query(`copy ${table} (${columns}) to '${file}'`);
    }
    await client.query('commit');
    return { tables };
  });
}

/** Into an empty database. */
export async function restore(dump: Dump, url: string): Promise<void> {
  await runMigrations(url);
  await withClient(url, async (client) => {
    await client.query(`set session_replication_role = replica`);
    await client.query(`truncate ${dump.tables.map(({ name }) => name).join(', ')}`);
    for (const { name, columns, file } of dump.tables) await client.query(`copy ${name} (${columns}) from '${file}'`);
    const { rows } = await client.query<{ table: string; column: string }>(
      `select table_name as "table", column_name as "column" from information_schema.columns
        where table_schema = 'public' and is_identity = 'YES'`,
    );
    for (const { table, column } of rows) {
      await client.query(
        `select setval(pg_get_serial_sequence('${table}', '${column}'), coalesce(max(${column}), 0) + 1) from ${table}`,
      );
    }
  });
}
