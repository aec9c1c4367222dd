/** A PostgreSQL server that keeps what it answered as committed, and can be made to crash: not the run's shared one. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isAlive } from '../../../src/embedded/file-lock.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/embedded/postgres.js';
import { runMigrations } from '../../../src/store/migrate.js';
import type { TestDatabase } from '../../support/database.js';
import { runFolder } from '../../support/run-folder.js';

export class DurablePostgres {
  private constructor(private server: EmbeddedPostgres) {}

  static async start(): Promise<DurablePostgres> {
    return new DurablePostgres(await startServer());
  }

  /** A migrated database of its own. */
  async database(): Promise<TestDatabase> {
    const url = new URL(this.server.url);
    url.pathname = `/d_${randomBytes(6).toString('hex')}`;
    await this.execute(`CREATE DATABASE ${url.pathname.slice(1)}`);
    await runMigrations(url.href);
    return { url: url.href, drop: () => this.execute(`DROP DATABASE ${url.pathname.slice(1)} WITH (FORCE)`) };
  }

  /** What a lost machine does to its connections: every backend ends at once, without a word. Then it recovers. */
  async crash(): Promise<void> {
    process.kill(this.server.pid, 'SIGQUIT');
    while (isAlive(this.server.pid)) await sleep(10);
    this.server = await startServer(this.server.port);
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  private async execute(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.server.url });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }
}

async function startServer(port?: number): Promise<EmbeddedPostgres> {
  const dataDir = join(runFolder(), 'durable');
  const server = await startEmbeddedPostgres({ dataDir, durable: true, auth: 'trust', ...(port && { port }) });
  // The reaper ends it should this run be killed.
  const record = join(runFolder(), 'durable.server.json');
  await writeFile(record, JSON.stringify({ pid: server.pid, signal: 'SIGINT' }), { mode: 0o600 });
  if (port !== undefined && server.port !== port) throw new Error(`another program took port ${port}`);
  return server;
}
