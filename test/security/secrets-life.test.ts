/** reliability.md 6.4: how long secrets are kept, who collects them, and what a new key does to them. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { openBody, secretContext } from '../../src/consumers/intake.js';
import { rotateKeys } from '../../src/rotate-keys.js';
import { SecretJanitor } from '../../src/runner/erase-secrets.js';
import { createSealer, UnsealError } from '../../src/secrets.js';
import { insertPlatform } from '../../src/store/platforms.js';
import { readSecret } from '../../src/store/secrets.js';
import { fixture, startApi, textOf, token } from '../http/support.js';

let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi({ requireToken: true });
});
afterAll(() => api.stop());

const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };

/** Order 23 under another id, with whatever password. */
async function takeOrder(workOrderId: string, password = 'Pa55-of-the-order'): Promise<string> {
  const text = fixture('order-23.json')
    .toString()
    .replaceAll('WO20171208090758640274FMkh', workOrderId)
    .replace(/(rootPassword\\*": ?\\*")[^"\\]*/, `$1${password}`);
  const answer = await api.post('/v1/work-orders', text, headers);
  if (answer.status !== 202 && answer.status !== 200) throw new Error(answer.text);
  return textOf(answer.json['orderId']);
}
const secretsOf = async (orderId: string): Promise<string[]> => {
  const { rows } = await api.pool.query<{ field: string }>(
    'select field from sealed_secret where order_id = $1 order by field',
    [orderId],
  );
  return rows.map(({ field }) => field);
};
async function addCloudSecret(orderId: string, value: string): Promise<void> {
  await api.pool.query(
    `insert into sealed_secret (order_id, item_index, field, origin, sealed) values ($1, 0, 'vmPassword', 'cloud', $2)`,
    [orderId, Buffer.from(api.sealer.seal(value, secretContext(orderId, 0, 'vmPassword')))],
  );
}
const collect = (id: string) => api.post(`/v1/work-orders/${id}/secrets`, '{"reason": "for the customer"}', headers);
const end = (orderId: string, ago: string) =>
  api.pool.query(`update work_order set finished_at = now() - $2::interval where order_id = $1`, [orderId, ago]);
const age = (orderId: string, ago: string) =>
  api.pool.query(`update sealed_secret set created_at = now() - $2::interval where order_id = $1`, [orderId, ago]);

describe('the secrets of an order', () => {
  const sweep = () => new SecretJanitor({ sql: api.pool, log: pino({ level: 'silent' }) }).sweep();

  it('are kept while it is open, and erased when it has ended', async () => {
    const orderId = await takeOrder('WO-janitor-1');
    await addCloudSecret(orderId, 'made by a cloud');
    await sweep();
    expect(await secretsOf(orderId)).toEqual(['rootPassword', 'vmPassword']);
    await end(orderId, '1 second');
    await sweep();
    // What the cloud made waits for whoever collects it.
    expect(await secretsOf(orderId)).toEqual(['vmPassword']);
  });

  it('are erased after seven days, however open it is', async () => {
    const orderId = await takeOrder('WO-janitor-2');
    await addCloudSecret(orderId, 'never collected');
    await age(orderId, '6 days 23 hours');
    await sweep();
    expect(await secretsOf(orderId)).toHaveLength(2);
    await age(orderId, '7 days 1 minute');
    await sweep();
    expect(await secretsOf(orderId)).toEqual([]);
  });

  it('are gone from its original message a week after it ended; a repeat is known all the same', async () => {
    const orderId = await takeOrder('WO-janitor-3');
    const size = async () => {
      const { rows } = await api.pool.query<{ bytes: number }>(
        `select octet_length(sealed_body) as bytes from received_message where order_id = $1 order by received_at limit 1`,
        [orderId],
      );
      return rows[0]?.bytes;
    };
    await api.pool.query(`update received_message set received_at = now() - interval '9 days' where order_id = $1`, [
      orderId,
    ]);
    await end(orderId, '6 days');
    await sweep();
    expect(await size()).toBeGreaterThan(100);
    await end(orderId, '8 days');
    expect((await sweep()).bodies).toBe(1);
    expect(await size()).toBe(0);
    const text = fixture('order-23.json').toString().replaceAll('WO20171208090758640274FMkh', 'WO-janitor-3');
    const same = text.replace(/(rootPassword\\*": ?\\*")[^"\\]*/, '$1Pa55-of-the-order');
    expect((await api.post('/v1/work-orders', same, headers)).json).toMatchObject({ verdict: 'duplicate' });
    // That it differs is still seen; in what, nobody can tell any more.
    expect(await api.post('/v1/work-orders', text, headers)).toMatchObject({
      status: 409,
      json: { code: 'ORD_CONFLICT_BODY' },
    });
  });

  it('that a cloud made are collected, again within the hour, then gone; the audit says by whom', async () => {
    const orderId = await takeOrder('WO-collect');
    await addCloudSecret(orderId, 'Ge4erated');
    const first = await collect('WO-collect');
    expect(first.json['secrets']).toMatchObject([{ field: 'vmPassword', value: 'Ge4erated' }]);
    expect(first.text).not.toContain('Pa55-of-the-order');
    expect((await collect(orderId)).json['secrets']).toHaveLength(1);
    await api.pool.query(
      `update sealed_secret set collected_at = now() - interval '61 minutes' where order_id = $1 and origin = 'cloud'`,
      [orderId],
    );
    expect((await collect('WO-collect')).json['secrets']).toEqual([]);
    await sweep();
    expect(await secretsOf(orderId)).toEqual(['rootPassword']);
    const { rows } = await api.pool.query<{ text: string }>(
      `select actor || ' ' || action || ' ' || subject || ' ' || reason || ' ' || detail::text as text from audit
        where order_id = $1 order by audit_id`,
      [orderId],
    );
    expect(rows).toHaveLength(2);
    expect(rows[0]?.text).toMatch(/^tests secrets\.read WO-collect for the customer .*vmPassword/);
    expect(rows[0]?.text).not.toContain('Ge4erated');
  });
});

describe('a new key', () => {
  const oldKey = Buffer.alloc(32, 7); // the key of startApi
  const newKey = randomBytes(32);

  it('takes over everything the old one sealed, which is then not needed any more', async () => {
    const orderId = await takeOrder('WO-rotate', 'Rotate-me');
    await addCloudSecret(orderId, 'of a cloud');
    await insertPlatform(api.pool, {
      platformId: 'p-rotate',
      name: 'p',
      kind: 'cloudstack',
      serviceUrl: 'http://127.0.0.1:9',
      state: 'open',
      settings: {},
      sealedCredentials: api.sealer.seal('{"apiKey":"k"}', 'p-rotate'),
    });
    await api.post('/v1/work-orders', fixture('order-60-unescaped.txt'), headers);
    const audited = { pool: api.pool, actor: 'cli:test', reason: 'yearly', batch: 2 };
    const rotation = await rotateKeys({ ...audited, keys: [newKey, oldKey] });
    const onlyNew = createSealer(newKey);
    expect(rotation).toMatchObject({ keyId: onlyNew.keyId, unopened: {}, rewrapped: { platform: 2, proposal: 1 } });
    expect(rotation.rewrapped.secret).toBeGreaterThanOrEqual(2);
    expect(rotation.rewrapped.body).toBeGreaterThan(2);

    const sealed = await readSecret(api.pool, orderId, 0, 'rootPassword');
    expect(onlyNew.open(sealed ?? Buffer.of(), secretContext(orderId, 0, 'rootPassword'))).toBe('Rotate-me');
    const { rows } = await api.pool.query<{ sealed: Buffer }>(
      `select sealed_body as sealed from received_message where octet_length(sealed_body) > 0`,
    );
    for (const row of rows) expect(openBody(onlyNew, row.sealed).length).toBeGreaterThan(0);
    const platform = await api.pool.query<{ sealed: Buffer }>(
      `select sealed_credentials as sealed from platform where platform_id = 'p-rotate'`,
    );
    expect(onlyNew.open(platform.rows[0]?.sealed ?? Buffer.of(), 'p-rotate')).toBe('{"apiKey":"k"}');
    expect(() => createSealer(oldKey).open(sealed ?? Buffer.of(), '')).toThrow(UnsealError);

    // Again there is nothing to do, and without the old key nothing is missing.
    expect((await rotateKeys({ ...audited, keys: [newKey] })).rewrapped).toEqual({
      secret: 0,
      platform: 0,
      body: 0,
      proposal: 0,
    });
    const audit = await api.pool.query(`select actor, subject, reason from audit where action = 'keys.rotate'`);
    expect(audit.rows[0]).toEqual({ actor: 'cli:test', subject: onlyNew.keyId, reason: 'yearly' });
  });

  it('knows a repeated order, which has a password, without the old one', async () => {
    const again = await startApi({ secretKey: newKey, databaseUrl: api.databaseUrl });
    try {
      const text = fixture('order-23.json').toString().replaceAll('WO20171208090758640274FMkh', 'WO-rotate');
      const same = text.replace(/(rootPassword\\*": ?\\*")[^"\\]*/, '$1Rotate-me');
      const json = { 'content-type': 'application/json', host: 'localhost' };
      expect((await again.post('/v1/work-orders', same, json)).json).toMatchObject({ verdict: 'duplicate' });
      const other = text.replace(/(rootPassword\\*": ?\\*")[^"\\]*/, '$1Another');
      expect((await again.post('/v1/work-orders', other, json)).status).toBe(409);
    } finally {
      await again.stop();
    }
  });

  it('names what stays sealed under a key that is not there', async () => {
    const lost = createSealer(randomBytes(32));
    await api.pool.query(`update platform set sealed_credentials = $1 where platform_id = 'p-rotate'`, [
      Buffer.from(lost.seal('x', 'p-rotate')),
    ]);
    const { unopened } = await rotateKeys({ pool: api.pool, keys: [newKey], actor: 'cli:test', reason: '' });
    expect(unopened).toEqual({ [lost.keyId]: 1 });
  });
});
