import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { EventWatch } from '../../src/runner/event-watch.js';
import { beginning, readEvents } from '../../src/store/events.js';
import { heldBack } from '../../src/store/held-back.js';
import { createDatabase, startCluster, withClient } from '../support/dump.js';
import { createHotPool } from '../../src/store/data-source.js';
import { runMigrations } from '../../src/store/migrate.js';
import { storedOrders, until } from './support.js';

/** On a server of its own: transactions of other tests would be in the way. */
describe('events that a transaction of somebody else holds back', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  let pool: ReturnType<typeof createHotPool>;
  beforeEach(async () => {
    cluster = await startCluster('held-back');
    const url = await createDatabase(cluster, `h${Date.now()}`);
    await runMigrations(url);
    pool = createHotPool(url, { applicationName: 'orderwright test', size: 3 });
  });
  afterEach(async () => {
    await pool.end();
    await cluster.stop();
  });

  it('are seen, with who it is, and are told once it ends', async () => {
    await storedOrders(pool, 1);
    expect(await heldBack(pool)).toBeNull();
    const url = new URL(cluster.url);
    url.searchParams.set('application_name', 'a forgotten report');
    const said: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) });
    const watch = new EventWatch({ sql: pool, log, afterSeconds: 0, everyMs: 20 });
    await withClient(url.href, async (client) => {
      await client.query('begin');
      await client.query('create table forgotten (x int)');
      await storedOrders(pool, 1);
      expect((await readEvents(pool, beginning, 10)).events).toHaveLength(1);
      const held = await heldBack(pool);
      expect(held?.by).toMatch(/^process \d+ of a forgotten report in the database orderwright$/);
      expect(held?.seconds).toBeGreaterThanOrEqual(0);
      watch.start();
      await until('it is said', () => said.some((line) => line.includes('told to nobody')));
      expect(said.join('')).toContain('a forgotten report');
      watch.stop();
      await client.query('rollback');
    });
    expect(await heldBack(pool)).toBeNull();
    expect((await readEvents(pool, beginning, 10)).events).toHaveLength(2);
  }, 60_000);
});
