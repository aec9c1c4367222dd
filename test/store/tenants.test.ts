import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  claimTry,
  forgetMisses,
  readWaitMs,
  recordLogIn,
  recordLogOut,
  replacePassword,
} from '../../src/store/log-ins.js';
import {
  insertTenant,
  listTenants,
  readTenant,
  readTenantByName,
  readTenantByNumber,
  readTenants,
  removeTenant,
  setTenantState,
  type Tenant,
  type TenantContent,
  updateTenant,
} from '../../src/store/tenants.js';
import { openStore } from './support.js';

let store: Awaited<ReturnType<typeof openStore>>;
beforeAll(async () => {
  store = await openStore(10);
});
afterAll(() => store.close());

const content = (username: string, change: Partial<TenantContent> = {}): TenantContent => ({
  accountId: `account-of-${username}`,
  username,
  email: `${username}@example.org`,
  mobile: '+86 138 0000 0000',
  profile: { province: 'Hebei', userLevel: 3, postpaid: true },
  ...change,
});
async function added(userId: string, change: Partial<TenantContent> = {}): Promise<Tenant> {
  const tenant = await insertTenant(store.pool, userId, content(userId, change), `hash-of-${userId}`);
  if (!tenant) throw new Error('it was there');
  return tenant;
}
const slowing = { freeMisses: 3, firstWaitMs: 30_000, longestWaitMs: 900_000 };
const tryOnce = (userId: string) => claimTry(store.pool, userId, slowing);

describe('the table of users', () => {
  it('gives back what was put in, under a number of its own, and never the hash', async () => {
    const tenant = await added('whole');
    expect(tenant).toMatchObject({ userId: 'whole', ...content('whole'), state: 'active', removedAt: null });
    expect(JSON.stringify(tenant)).not.toContain('hash');
    expect(await readTenant(store.pool, 'whole')).toEqual(tenant);
    expect(await readTenantByNumber(store.pool, tenant.number)).toEqual(tenant);
    expect(await readTenantByName(store.pool, 'WHOLE')).toEqual(tenant);
    expect(await readTenantByName(store.pool, 'whole@Example.ORG')).toEqual(tenant);
    expect(await readTenants(store.pool, ['whole', 'nobody'])).toEqual([tenant]);
    expect((await added('other')).number).not.toBe(tenant.number);
  });

  it('leaves a user as it is that is there already, and lets no two have one name or one address', async () => {
    const first = await added('first');
    expect(await insertTenant(store.pool, 'first', content('another'), null)).toBeNull();
    expect(await readTenant(store.pool, 'first')).toEqual(first);
    await expect(added('second', { username: 'First' })).rejects.toMatchObject({ constraint: 'tenant_username' });
    await expect(added('third', { email: 'FIRST@example.org' })).rejects.toMatchObject({ constraint: 'tenant_email' });
    await added('no-address', { email: null });
    await added('no-address-either', { email: null });
  });

  it('says of every change that it came later than the one before, however fast they come', async () => {
    const { updatedAt } = await added('fast');
    const instants = [updatedAt.getTime()];
    for (let i = 0; i < 10; i++) {
      const tenant = await updateTenant(store.pool, 'fast', content('fast', { mobile: `1380${i}` }));
      instants.push(tenant?.updatedAt.getTime() ?? 0);
    }
    instants.push((await setTenantState(store.pool, 'fast', 'inactive'))?.updatedAt.getTime() ?? 0);
    expect(instants).toEqual([...new Set(instants)].toSorted((a, b) => a - b));
    expect(await readTenant(store.pool, 'fast')).toMatchObject({ mobile: '13809', state: 'inactive' });
  });

  it('keeps the row of a removed user, whom nothing finds but its id, and whose name is free again', async () => {
    const before = await added('gone', { username: 'name of the gone' });
    await tryOnce('gone');
    expect((await removeTenant(store.pool, 'gone'))?.removedAt).toBeInstanceOf(Date);
    expect(await removeTenant(store.pool, 'gone')).toBeNull();
    expect(await updateTenant(store.pool, 'gone', content('gone'))).toBeNull();
    expect(await setTenantState(store.pool, 'gone', 'active')).toBeNull();
    expect(await readTenantByNumber(store.pool, before.number)).toBeNull();
    expect(await readTenantByName(store.pool, 'name of the gone')).toBeNull();
    expect((await readTenant(store.pool, 'gone'))?.removedAt).toBeInstanceOf(Date);
    await added('heir', { username: 'name of the gone' });
    const back = await added('gone', { username: 'back' });
    expect(back).toMatchObject({ username: 'back', number: before.number, removedAt: null, state: 'active' });
    expect((await tryOnce('gone'))?.misses).toBe(1);
  });

  it('lists by page and by a part of the name, which it takes literally', async () => {
    for (const name of ['list 100%', 'list 100x', 'list_a', 'list-a', String.raw`list\a`, 'LIST z']) {
      await added(`id-of-${name}`, { username: name, email: null });
    }
    await setTenantState(store.pool, 'id-of-LIST z', 'inactive');
    const list = async (username: string | null, page = 1, pageSize = 50, state: 'active' | null = null) => {
      const found = await listTenants(store.pool, { username, state }, { page, pageSize });
      return [found.count, ...found.tenants.map((one) => one.username)];
    };
    expect(await list('100%')).toEqual([1, 'list 100%']);
    expect(await list('list_')).toEqual([1, 'list_a']);
    expect(await list('t\\')).toEqual([1, String.raw`list\a`]);
    expect(await list('LIST')).toEqual([6, 'list 100%', 'list 100x', 'list_a', 'list-a', String.raw`list\a`, 'LIST z']);
    expect(await list('list', 2, 4)).toEqual([6, String.raw`list\a`, 'LIST z']);
    expect(await list('list', 9)).toEqual([6]);
    expect(await list('z', 1, 50, 'active')).toEqual([0]);
    const [count] = await list(null);
    expect(count).toBeGreaterThan(6);
  });
});

describe('tries at a password', () => {
  it('count as misses until they are known to be right, and then wait longer and longer', async () => {
    await added('guessed');
    for (const misses of [1, 2, 3]) {
      expect(await tryOnce('guessed')).toEqual({ passwordHash: 'hash-of-guessed', misses });
    }
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      expect(await tryOnce('guessed')).toBeNull();
      waits.push(Math.round((await readWaitMs(store.pool, 'guessed')) / 1000));
      await store.pool.query(`update tenant set log_in_after = now() where user_id = 'guessed'`);
      expect(await tryOnce('guessed')).not.toBeNull();
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
    await store.pool.query(
      `update tenant set log_in_after = null, failed_log_ins = 1000000000 where user_id = 'guessed'`,
    );
    expect(await tryOnce('guessed')).toMatchObject({ misses: 1_000_000_001 });
    await forgetMisses(store.pool, 'guessed');
    expect(await readWaitMs(store.pool, 'guessed')).toBe(0);
    expect((await tryOnce('guessed'))?.misses).toBe(1);
  });

  it('of all workers at the same time are no more than of one', async () => {
    await added('flooded');
    const claims = await Promise.all(Array.from({ length: 30 }, () => tryOnce('flooded')));
    expect(claims.filter((one) => one !== null)).toHaveLength(3);
  });

  it('at nobody are none', async () => {
    expect(await tryOnce('nobody')).toBeNull();
    expect(await readWaitMs(store.pool, 'nobody')).toBe(0);
  });

  it('that were right are forgotten with the log-in, if nothing has changed since', async () => {
    const before = await added('logger');
    await tryOnce('logger');
    expect(await recordLogIn(store.pool, 'logger', 'another hash')).toBe(false);
    expect(await recordLogIn(store.pool, 'logger', 'hash-of-logger')).toBe(true);
    expect(await readTenant(store.pool, 'logger')).toMatchObject({
      loggedInAt: expect.any(Date),
      updatedAt: before.updatedAt,
    });
    expect((await tryOnce('logger'))?.misses).toBe(1);
    expect(await recordLogOut(store.pool, 'logger')).toBe(true);
    expect((await readTenant(store.pool, 'logger'))?.loggedOutAt).toBeInstanceOf(Date);
    await setTenantState(store.pool, 'logger', 'inactive');
    expect(await recordLogIn(store.pool, 'logger', 'hash-of-logger')).toBe(false);
    await setTenantState(store.pool, 'logger', 'active');
    await removeTenant(store.pool, 'logger');
    expect(await recordLogIn(store.pool, 'logger', 'hash-of-logger')).toBe(false);
    expect(await recordLogOut(store.pool, 'logger')).toBe(false);
  });

  it('do not keep a password from being replaced, but by one of those who replace it only', async () => {
    await added('changed');
    await tryOnce('changed');
    const both = await Promise.all(
      ['x', 'y'].map((hash) => replacePassword(store.pool, 'changed', 'hash-of-changed', hash)),
    );
    expect(both.toSorted()).toEqual([false, true]);
    expect(await replacePassword(store.pool, 'changed', null, 'z')).toBe(true);
    expect(await tryOnce('changed')).toEqual({ passwordHash: 'z', misses: 1 });
    expect(await replacePassword(store.pool, 'nobody', null, 'z')).toBe(false);
  });
});
