import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  addPlatform,
  countOpenOrders,
  insertPlatform,
  listPlatforms,
  readPlatform,
  removePlatform,
  type StoredPlatform,
  updatePlatform,
} from '../../src/store/platforms.js';
import { openStore, storedOrders } from './support.js';

let store: Awaited<ReturnType<typeof openStore>>;
beforeAll(async () => {
  store = await openStore(3);
});
afterAll(() => store.close());

const platform = (platformId: string, change: Partial<StoredPlatform> = {}): StoredPlatform => ({
  platformId,
  name: platformId,
  kind: 'cloudstack',
  serviceUrl: 'http://a',
  state: 'open',
  settings: { createOfferings: true },
  sealedCredentials: Buffer.from([1, 2, 255]),
  loginName: 'root',
  fields: {
    shortName: 's',
    region: 'r',
    domain: 'd',
    project: 'p',
    externalNetwork: 'e',
    host: 'h',
    caCertificate: 'c',
    limits: { callsPerSecond: 2 },
    maps: { zones: { a: 'b' } },
    naming: { tenant: 'ct_{accountId}' },
  },
  ...change,
});

describe('the table of platforms', () => {
  it('gives back what was put in, under a number of its own', async () => {
    const given = platform('whole');
    const record = await addPlatform(store.pool, given);
    expect(record).toMatchObject({
      ...given,
      version: 1,
      removedAt: null,
      stateReason: '',
      number: expect.any(Number),
    });
    expect(await readPlatform(store.pool, 'whole')).toEqual(record);
    const other = await addPlatform(store.pool, platform('other', { fields: {} }));
    expect(other?.number).not.toBe(record?.number);
    expect(other?.fields).toMatchObject({ region: null, limits: {}, maps: {} });
  });

  it('says of every change that it came later than the one before, however fast they come', async () => {
    const record = await addPlatform(store.pool, platform('fast'));
    if (!record) throw new Error('it was there');
    const instants = [record.updatedAt.getTime()];
    for (let i = 0; i < 20; i++) {
      instants.push((await updatePlatform(store.pool, { ...record, stateReason: '' })).updatedAt.getTime());
    }
    expect(instants).toEqual([...new Set(instants)].toSorted((a, b) => a - b));
    expect((await readPlatform(store.pool, 'fast'))?.version).toBe(21);
  });

  it('says since when a state holds, which an edit of something else does not change', async () => {
    const record = await addPlatform(store.pool, platform('state'));
    if (!record) throw new Error('it was there');
    await store.pool.query(`update platform set state_since = now() - interval '1 hour' where platform_id = 'state'`);
    const open = await updatePlatform(store.pool, { ...record, name: 'renamed before' });
    const closed = await updatePlatform(store.pool, { ...record, state: 'disabled', stateReason: 'closed' });
    expect(closed.stateSince.getTime() - open.stateSince.getTime()).toBeGreaterThanOrEqual(3_600_000);
    const renamed = await updatePlatform(store.pool, { ...closed, name: 'renamed' });
    expect(renamed).toMatchObject({ stateSince: closed.stateSince, stateReason: 'closed', state: 'disabled' });
  });

  it('keeps the row of a removed platform, which no list has, and which a file at the start does not bring back', async () => {
    const record = await addPlatform(store.pool, platform('gone', { state: 'disabled' }));
    await removePlatform(store.pool, 'gone');
    expect((await listPlatforms(store.pool)).map(({ platformId }) => platformId)).not.toContain('gone');
    expect(await insertPlatform(store.pool, platform('gone'))).toBe(false);
    expect((await readPlatform(store.pool, 'gone'))?.removedAt).toBeInstanceOf(Date);
    const back = await addPlatform(store.pool, platform('gone', { name: 'back' }));
    expect(back).toMatchObject({ name: 'back', state: 'open', removedAt: null, number: record?.number, version: 3 });
    expect(await addPlatform(store.pool, platform('gone'))).toBeNull();
  });

  it('counts the orders that name a platform and have not ended', async () => {
    const [one, two] = await storedOrders(store.pool, 2);
    const platformId = one?.items[0]?.platformId ?? '';
    expect(await countOpenOrders(store.pool, platformId)).toBe(2);
    await store.pool.query('update work_order set finished_at = now() where order_id = $1', [two?.orderId]);
    expect(await countOpenOrders(store.pool, platformId)).toBe(1);
    expect(await countOpenOrders(store.pool, 'nobody')).toBe(0);
  });
});
