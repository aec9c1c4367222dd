/**
 * reliability.md 6.10 and 6.12: a worker with no more rights than it needs takes an order to its end. Its database role
 * owns nothing, its process makes no code from texts, and the prototypes of the language are frozen.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { runFolder } from '../support/run-folder.js';
import { freshOrder, messageOf } from '../support/scenario-orders.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { untilQuiet } from '../support/scenario-wait.js';
import { type RunningWorker, World } from '../support/scenario-world.js';

/**
 * Nothing can be put on a prototype, and nothing there be changed. Plain `Object.freeze` would also forbid libraries to
 * give their own objects a `toString` by assignment (day.js does), so each property becomes an accessor that refuses
 * only the prototype itself.
 */
const freezing = `
for (const { prototype } of [Object, Array, Function, String, Number, Boolean, RegExp, Map, Set, Promise]) {
  for (const [key, { value, writable, configurable }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (!configurable || !writable) continue;
    Object.defineProperty(prototype, key, {
      configurable: false,
      get: () => value,
      set(replacement) {
        if (this === prototype) throw new TypeError('a prototype was to be changed: ' + key);
        Object.defineProperty(this, key, { value: replacement, writable: true, enumerable: true, configurable: true });
      },
    });
  }
  Object.preventExtensions(prototype);
}
`;

/**
 * No code is made from texts. Node's own --disallow-code-generation-from-strings does it, and stops Fastify at its start:
 * its router (find-my-way) writes a function for the parameters of each route, whose names are ours. That one may; anything
 * else that tries ends here.
 */
const noCodeFromTexts = `
const Real = Function;
const check = () => {
  if (!/node_modules.find-my-way.lib/.test(new Error().stack)) throw new EvalError('code was to be made from a text');
};
const guard = new Proxy(Real, {
  construct: (target, args, newTarget) => (check(), Reflect.construct(target, args, newTarget)),
  apply: (target, self, args) => (check(), Reflect.apply(target, self, args)),
});
globalThis.Function = guard;
globalThis.eval = () => check();
Object.defineProperty(Real.prototype, 'constructor', { value: guard });
for (const made of [async function () {}, function* () {}, async function* () {}]) {
  Object.defineProperty(Object.getPrototypeOf(made), 'constructor', { value: check });
}
`;

let world: World;
let worker: RunningWorker;
/** Roles belong to the whole server, which other tests use as well. */
const suffix = randomBytes(4).toString('hex');
const [runRole, readRole] = [`ow_run_${suffix}`, `ow_read_${suffix}`];
const urlFor = (role: string): string => {
  const url = new URL(world.databaseUrl);
  url.username = role;
  url.password = `pw-${role}`;
  return url.href;
};

beforeAll(async () => {
  world = await World.start('hardened');
  for (const role of [runRole, readRole]) await world.query(`create role ${role} login password 'pw-${role}'`);
  const [row] = await world.query<{ owner: string }>('select current_user as owner');
  const script = readFileSync(new URL('../../scripts/database-roles.sql', import.meta.url), 'utf8')
    .replaceAll('orderwright_run', runRole)
    .replaceAll('orderwright_read', readRole)
    .replaceAll('orderwright_owner', `"${row?.owner}"`);
  await world.query(script);
  const preload = join(runFolder(), `freeze-${suffix}.mjs`);
  writeFileSync(preload, noCodeFromTexts + freezing);
  worker = await world.startWorker({
    DATABASE_URL: urlFor(runRole),
    NODE_OPTIONS: `--import=${pathToFileURL(preload).href}`,
  });
}, 240_000);
afterAll(async () => {
  if (!world) return;
  await worker?.process.end('SIGTERM');
  for (const role of [runRole, readRole]) await world.query(`drop owned by ${role}; drop role ${role}`);
  await world.stop();
}, 60_000);

describe('a worker with the least of rights', () => {
  it('takes an order to its end, and answers for it', async () => {
    const { order, facts } = freshOrder(seededRandom(scenarioSeed('hardened')), 'order-60.json');
    await world.billing.send([messageOf(order)]);
    await untilQuiet(world, 1, 60_000);
    const answer = await world.api(worker, `/v1/work-orders/${facts.workOrderId}`);
    expect(await answer.json()).toMatchObject({ status: 'completed' });
    const added = await world.api(worker, '/v1/tokens', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name": "of-the-test", "role": "viewer"}',
    });
    expect(added.status).toBe(201);
    // It really was that role: a worker with another would pass just as well.
    expect(
      (
        await world.query<{ users: string }>(
          `select string_agg(distinct usename, ',') as users from pg_stat_activity
        where datname = current_database() and application_name like 'orderwright%'`,
        )
      )[0]?.users,
    ).toBe(runRole);
  });

  it('cannot change the tables, nor what was written into the audit', async () => {
    const pool = new pg.Pool({ connectionString: urlFor(runRole), max: 1 });
    try {
      for (const statement of [
        'create table mine (a int)',
        'drop table work_order',
        'alter table work_order add column b int',
        'truncate event',
        'delete from work_order',
        `update audit set actor = 'nobody'`,
        'delete from audit',
      ]) {
        await expect(pool.query(statement)).rejects.toMatchObject({ code: '42501' });
      }
    } finally {
      await pool.end();
    }
  });
});

describe('an error that nobody caught', () => {
  it('ends the process, with its place in the log and without its words', async () => {
    const preload = join(runFolder(), `reject-${suffix}.mjs`);
    writeFileSync(
      preload,
      `process.on('SIGUSR2', () => void Promise.reject(Object.assign(new RangeError('hunter2 in it'), { code: 'E_TEST' })));`,
    );
    const doomed = await world.startWorker({ NODE_OPTIONS: `--import=${pathToFileURL(preload).href}` });
    expect(await doomed.process.end('SIGUSR2')).toEqual({ code: 1, signal: null });
    const last = doomed.process.log().trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ level: 60, what: 'rejection', name: 'RangeError', code: 'E_TEST' });
    expect(doomed.process.log()).not.toContain('hunter2');
  });
});

describe('a reader', () => {
  it('sees every table but the tokens, and writes nothing', async () => {
    const pool = new pg.Pool({ connectionString: urlFor(readRole), max: 1 });
    try {
      const { rows } = await pool.query<{ count: string }>('select count(*) from work_order');
      expect(Number(rows[0]?.count)).toBeGreaterThan(0);
      for (const statement of [
        'select * from api_token',
        `insert into worker (worker_id, host, pid) values ('x', 'h', 1)`,
        `update work_order set status = 'completed'`,
        'delete from sealed_secret',
        'create table mine (a int)',
      ]) {
        await expect(pool.query(statement)).rejects.toMatchObject({ code: '42501' });
      }
    } finally {
      await pool.end();
    }
  });
});

describe('every connection', () => {
  it('gives up what takes too long: statements, locks, and transactions that nobody goes on with', async () => {
    const { createDataSource, createHotPool, poolOf } = await import('../../src/store/data-source.js');
    const dataSource = createDataSource(world.databaseUrl, { poolSize: 1 });
    await dataSource.initialize();
    const hot = createHotPool(world.databaseUrl, { applicationName: 'test', size: 1 });
    try {
      for (const pool of [poolOf(dataSource), hot]) {
        const { rows } = await pool.query<{ name: string; setting: string }>(
          `select name, setting from pg_settings where name = any($1) order by name`,
          [['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']],
        );
        expect(rows).toEqual([
          { name: 'idle_in_transaction_session_timeout', setting: '60000' },
          { name: 'lock_timeout', setting: '10000' },
          { name: 'statement_timeout', setting: '30000' },
        ]);
      }
    } finally {
      await hot.end();
      await dataSource.destroy();
    }
  });
});
