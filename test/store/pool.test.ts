import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { inTransaction } from '../../src/store/accept.js';
import { createDataSource, createHotPool, poolOf } from '../../src/store/data-source.js';
import { testDatabase, type TestDatabase } from '../support/database.js';
import { until } from './support.js';

const pidOf = async (sql: Pick<pg.Pool, 'query'>): Promise<number> =>
  (await sql.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;

describe.each(['hot', 'TypeORM'])('the %s pool', (kind) => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let close: () => Promise<void>;
  let admin: pg.Client;

  beforeEach(async () => {
    database = await testDatabase();
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    await open(2);
  });
  afterEach(async () => {
    await close();
    await admin.end();
    await database.drop();
  });

  async function open(size: number, connectTimeoutMs?: number): Promise<void> {
    if (kind === 'hot') {
      pool = createHotPool(database.url, { applicationName: 'orderwright w1', size });
      close = () => pool.end();
    } else {
      const dataSource = createDataSource(database.url, { applicationName: 'orderwright w1', poolSize: size });
      await dataSource.initialize();
      pool = poolOf(dataSource);
      close = () => dataSource.destroy();
    }
    if (connectTimeoutMs !== undefined) pool.options.connectionTimeoutMillis = connectTimeoutMs;
  }

  const kill = (pid: number) => admin.query('select pg_terminate_backend($1)', [pid]);

  it('outlives the death of an idle connection', async () => {
    const pid = await pidOf(pool);
    const gone = once(pool, 'error');
    await kill(pid);
    await gone;
    expect(await pidOf(pool)).not.toBe(pid);
  });

  it('outlives the death of a connection between its being ready and its being taken', async () => {
    const client = await pool.connect();
    // As it comes when both stand in one packet: before whoever asked for it could listen.
    expect(() => client.emit('error', new Error('57P01'))).not.toThrow();
    client.release(true);
  });

  it('outlives the death of a connection in the middle of a transaction, and says so to whoever had it', async () => {
    let pid = 0;
    const work = inTransaction(pool, async (sql) => {
      pid = await pidOf(sql);
      await kill(pid);
      // Nothing is running on the connection while it dies: only its own listener hears of it.
      await until('the backend is gone', async () => {
        const { rowCount } = await admin.query('select from pg_stat_activity where pid = $1', [pid]);
        return rowCount === 0;
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await sql.query('select 1');
    });
    await expect(work).rejects.toThrow();
    expect(await pidOf(pool)).not.toBe(pid);
    expect(pool.waitingCount).toBe(0);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  it('outlives the death of a connection that is answering', async () => {
    const asleep = pool.query('select pg_sleep(60)');
    asleep.catch(() => {});
    await until('it sleeps', async () => {
      const { rowCount } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)' and datname = current_database()`,
      );
      return rowCount === 1;
    });
    await expect(asleep).rejects.toThrow();
    expect(await pidOf(pool)).toBeGreaterThan(0);
  });

  it('refuses after a while when all connections are taken, and goes on when one comes back', async () => {
    pool.options.connectionTimeoutMillis = 200;
    const held = await Promise.all([pool.connect(), pool.connect()]);
    await expect(pool.query('select 1')).rejects.toThrow(/timeout/i);
    held[0]?.release();
    expect((await pool.query('select 1')).rowCount).toBe(1);
    held[1]?.release();
  });

  it('waits for a free connection for a limited time unless told otherwise', () => {
    expect(pool.options.connectionTimeoutMillis).toBe(10_000);
  });

  it('says in PostgreSQL whose connections they are, and lets no statement run for ever', async () => {
    const { rows } = await pool.query<{ name: string; statement: string; idle: string }>(
      `select current_setting('application_name') as name, current_setting('statement_timeout') as statement,
              current_setting('idle_in_transaction_session_timeout') as idle`,
    );
    expect(rows).toEqual([{ name: 'orderwright w1', statement: '30s', idle: '1min' }]);
  });
});
