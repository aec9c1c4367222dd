/** Databases for tests: each is a copy of one that the project's own migrations made, once per run. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.js';
import { runMigrations } from '../../src/store/migrate.js';
import { runFolder, sharedServer, type ServerRecord } from './run-folder.js';

const TEMPLATE = 'orderwright_template';

export interface TestDatabase {
  url: string;
  drop: () => Promise<void>;
}

interface DatabaseServer extends ServerRecord {
  url: string;
}

/** A fresh, migrated database of its own. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await testPostgres();
  await sharedServer('template', () => makeTemplate(server.url));
  const name = `t_${randomBytes(6).toString('hex')}`;
  await execute(server.url, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE} STRATEGY file_copy`);
  return {
    url: onDatabase(server.url, name),
    drop: () => execute(server.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** An empty database of its own, for tests of the migrations themselves. */
export async function emptyTestDatabase(): Promise<TestDatabase> {
  const server = await testPostgres();
  const name = `e_${randomBytes(6).toString('hex')}`;
  await execute(server.url, `CREATE DATABASE ${name} STRATEGY file_copy`);
  return {
    url: onDatabase(server.url, name),
    drop: () => execute(server.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** The run's server, and its superuser. `ORDERWRIGHT_TEST_DATABASE_URL` names another one to use. */
export async function testPostgres(): Promise<{ url: string }> {
  const given = process.env['ORDERWRIGHT_TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') return { url: given };
  return sharedServer<DatabaseServer>('postgres', async () => {
    const dataDir = join(runFolder(), 'postgres');
    const { url, pid } = await startEmbeddedPostgres({ dataDir, durable: false, auth: 'trust', detached: true });
    return { url, pid, signal: 'SIGINT' };
  });
}

async function makeTemplate(url: string): Promise<ServerRecord> {
  await execute(url, `DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`, `CREATE DATABASE ${TEMPLATE}`);
  await runMigrations(onDatabase(url, TEMPLATE));
  return {};
}

function onDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function execute(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined); // a cut connection also fails the statement, which is where it is reported
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
