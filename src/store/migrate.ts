import type { DataSource } from 'typeorm';
import { createDataSource } from './data-source.js';

/** Any number, as long as it stays the same: the lock that lets one starter at a time migrate ("orderwri" in ASCII, cut to 63 bits). */
const migrationLock = '8030592459838190185';

export interface MigrationStatus {
  name: string;
  applied: boolean;
}

/**
 * Applies what is missing. Several starters may call this at once: TypeORM takes no lock of its own (typeorm #4588), so a
 * session lock on a connection of its own is held around it and let go with that connection, whatever happens.
 *
 * @returns the names of the migrations that this call applied
 */
export async function runMigrations(url: string): Promise<string[]> {
  return withLockedDataSource(url, async (dataSource) => {
    const applied = await dataSource.runMigrations({ transaction: 'each' });
    return applied.map((migration) => migration.name);
  });
}

/** Takes the newest applied migration back. Returns its name, or null when there was none. */
export async function revertLastMigration(url: string): Promise<string | null> {
  return withLockedDataSource(url, async (dataSource) => {
    const before = await appliedNames(dataSource);
    if (before.length === 0) return null;
    await dataSource.undoLastMigration({ transaction: 'each' });
    return before.at(-1) ?? null;
  });
}

/** Every migration this version knows, oldest first, and whether the database has it. */
export async function migrationStatus(url: string): Promise<MigrationStatus[]> {
  const dataSource = createDataSource(url, { applicationName: 'orderwright-migrate', poolSize: 2 });
  await dataSource.initialize();
  try {
    const applied = new Set(await appliedNames(dataSource));
    return dataSource.migrations.map(({ name }) => ({ name: name ?? '', applied: applied.has(name ?? '') }));
  } finally {
    await dataSource.destroy();
  }
}

async function appliedNames(dataSource: DataSource): Promise<string[]> {
  const [{ found }] = await dataSource.query(`select to_regclass('migration') is not null as found`);
  if (!found) return [];
  const rows: { name: string }[] = await dataSource.query('select name from migration order by timestamp');
  return rows.map((row) => row.name);
}

async function withLockedDataSource<T>(url: string, work: (dataSource: DataSource) => Promise<T>): Promise<T> {
  const dataSource = createDataSource(url, { applicationName: 'orderwright-migrate', poolSize: 3 });
  await dataSource.initialize();
  const holder = dataSource.createQueryRunner();
  try {
    await holder.connect();
    // Whoever migrates may take longer than any statement of a worker; the others wait for it here.
    await holder.query('set statement_timeout = 0; set lock_timeout = 0');
    await holder.query(`select pg_advisory_lock(${migrationLock})`);
    return await work(dataSource);
  } finally {
    // The lock lives in the holder's session: unlocking before the release keeps it out of the pool (reliability P7).
    await holder.query(`select pg_advisory_unlock(${migrationLock})`).catch(() => {});
    await holder.release();
    await dataSource.destroy();
  }
}
