import { afterAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { testDatabase } from '../support/database.js';

const drops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const drop of drops) await drop();
});

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('every test database is migrated and its own', async () => {
  const [one, two] = await Promise.all([testDatabase(), testDatabase()]);
  drops.push(one.drop, two.drop);
  expect(one.url).not.toBe(two.url);
  await query(one.url, 'CREATE TABLE only_here (n int)');
  const tables = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`;
  const inOne = (await query(one.url, tables)).map((row) => row['tablename']);
  const inTwo = (await query(two.url, tables)).map((row) => row['tablename']);
  expect(new Set(inOne)).toEqual(new Set([...inTwo, 'only_here']));
  expect(inTwo).toContain('migration');
  expect(await query(two.url, 'SHOW fsync')).toEqual([{ fsync: 'off' }]);
});
