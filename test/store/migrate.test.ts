import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createDataSource } from '../../src/store/data-source.js';
import { migrationStatus, revertLastMigration, runMigrations } from '../../src/store/migrate.js';
import { emptyTestDatabase, type TestDatabase } from '../support/database.js';

describe('migrations', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await emptyTestDatabase();
  });
  afterEach(() => database.drop());

  async function query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }
  const tables = async () =>
    (
      await query<{ name: string }>(
        `select table_name as name from information_schema.tables where table_schema = 'public'`,
      )
    )
      .map(({ name }) => name)
      .filter((name) => name !== 'migration');

  it('go up, say where they are, and go down to nothing', async () => {
    const before = await migrationStatus(database.url);
    expect(before.map(({ applied }) => applied)).toEqual(before.map(() => false));
    expect(await runMigrations(database.url)).toEqual(before.map(({ name }) => name));
    expect((await migrationStatus(database.url)).every(({ applied }) => applied)).toBe(true);
    expect(await tables()).toContain('work_order');
    for (const { name } of before.toReversed()) expect(await revertLastMigration(database.url)).toBe(name);
    expect(await revertLastMigration(database.url)).toBeNull();
    expect(await tables()).toEqual([]);
    // And up again: down left nothing that stands in the way.
    expect(await runMigrations(database.url)).toHaveLength(before.length);
  });

  it('are applied once when there is nothing left to apply', async () => {
    await runMigrations(database.url);
    expect(await runMigrations(database.url)).toEqual([]);
  });

  it('are applied by one of five starters, and the others wait and find them done', async () => {
    const applied = await Promise.all(Array.from({ length: 5 }, () => runMigrations(database.url)));
    const known = (await migrationStatus(database.url)).map(({ name }) => name);
    expect(applied.flat().toSorted()).toEqual(known.toSorted());
    expect(await query('select name from migration')).toHaveLength(known.length);
    // The lock went with its connection: nobody who comes later waits for it.
    expect(await query(`select from pg_locks where locktype = 'advisory'`)).toEqual([]);
  });

  it('make the schema that the entities describe', async () => {
    await runMigrations(database.url);
    const dataSource = createDataSource(database.url);
    await dataSource.initialize();
    try {
      const columns = await dataSource.query<
        { table_name: string; column_name: string; type: string; nullable: boolean; key: boolean }[]
      >(
        `select c.table_name, c.column_name, c.is_nullable = 'YES' as nullable,
                case when c.data_type = 'integer' then 'int' when c.data_type = 'timestamp with time zone' then 'timestamptz'
                     else c.data_type end as type,
                exists (select from information_schema.key_column_usage k
                         join information_schema.table_constraints t using (constraint_name, table_schema, table_name)
                         where t.constraint_type = 'PRIMARY KEY' and k.table_name = c.table_name
                           and k.column_name = c.column_name) as key
           from information_schema.columns c where c.table_schema = 'public'`,
      );
      const real = new Map(columns.map((one) => [`${one.table_name}.${one.column_name}`, one]));
      const mapped = dataSource.entityMetadatas.flatMap((entity) =>
        entity.columns.map((column) => ({
          name: `${entity.tableName}.${column.databaseName}`,
          type: String(column.type),
          nullable: column.isNullable,
          key: column.isPrimary,
        })),
      );
      expect(mapped.length).toBeGreaterThan(50);
      const found = mapped.map(({ name }) => {
        const { type, nullable, key } = real.get(name) ?? {};
        return { name, type, nullable, key };
      });
      expect(found).toEqual(mapped);
    } finally {
      await dataSource.destroy();
    }
  });
});
