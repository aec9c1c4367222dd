import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createProvisioner } from '../../src/provisioners/registry.js';
import { PlatformRegistry } from '../../src/runner/platform-registry.js';
import { createSealer } from '../../src/secrets.js';
import { OneWorker } from '../support/one-worker.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { until as untilWithin } from '../store/support.js';
import { silent } from './support.js';

const platformId = 'dc';
const by = { actor: 'ann', reason: 'because' };
/** Two readings of the table, with room for a busy machine. */
const until = (what: string, look: () => Promise<boolean> | boolean) => untilWithin(what, look, 60_000);

describe('a running worker', () => {
  let site: OneWorker;
  let registry: PlatformRegistry;
  const random = seededRandom(scenarioSeed('platform-registry'));

  beforeEach(async () => {
    site = await OneWorker.start({ platformIds: [platformId], callsPerSecond: 300 });
    registry = new PlatformRegistry({
      pool: site.pool,
      // The key of OneWorker.
      sealer: createSealer(Buffer.from(Array.from({ length: 32 }, (_, i) => i + 1))),
      createProvisioner,
      kinds: ['cloudstack'],
      // Nobody tells it: it notices by itself.
      changed: () => Promise.resolve(),
      log: silent,
    });
  });
  afterEach(() => site.stop());

  const order = () => site.order(random, 'tenant', platformId);
  const statusOf = async (workOrderId: string) => {
    const [row] = await site.query<{ status: string; reason: { code: string; message: string } | null }>(
      `select status, machine -> 'context' -> 'reason' as reason from work_order where work_order_id = $1`,
      [workOrderId],
    );
    return row;
  };
  const reaches = (workOrderId: string, status: string) =>
    until(`${workOrderId} is ${status}`, async () => (await statusOf(workOrderId))?.status === status);

  it('takes up new credentials without a restart: what they kept waiting is built', async () => {
    await registry.edit(
      platformId,
      { credentials: { ...site.credentialsOf(platformId), secretKey: 'not-the-one' } },
      by,
    );
    await until('the worker has noticed', async () => {
      const at = (await registry.read(platformId))?.updatedAt.getTime();
      return site.worker.platforms.get(platformId)?.changedAt === at;
    });
    const waiting = await order();
    await until('the order says that the cloud does not take our credentials', async () =>
      /CLD_AUTH/.test((await statusOf(waiting))?.reason?.code ?? ''),
    );
    await registry.edit(platformId, { credentials: site.credentialsOf(platformId) }, by);
    await reaches(waiting, 'completed');
  }, 120_000);

  it('is not sent to another account while an order is open that was begun in this one', async () => {
    await site.cloud(platformId).fault({ operation: 'deployVirtualMachine', kind: 'job-never-ends', times: 1_000 });
    const underWay = await order();
    await until(
      'a machine is asked for',
      async () =>
        (await site.query(`select from cloud_operation where name = 'vm.create' and state = 'inFlight'`)).length > 0,
    );
    const credentials = site.credentialsOf(platformId);
    const elsewhere = [
      [{ serviceUrl: 'http://127.0.0.1:9/client/api' }, 'serviceUrl'],
      [{ credentials: { username: 'admin', password: 'x' } }, 'credentials.username'],
      [
        { settings: { ...(await registry.read(platformId))?.settings, registerTenants: 'first-order' } },
        'settings.registerTenants',
      ],
      [{ settings: { ...(await registry.read(platformId))?.settings, zoneId: 'other' } }, 'settings.zoneId'],
      [{ credentials: { ...credentials, apiKey: 'of-somebody-else' } }, 'credentials'],
    ] as const;
    for (const [change, path] of elsewhere) {
      await expect(registry.edit(platformId, change, by)).rejects.toMatchObject({
        code: 'OPS_PLATFORM_IN_USE',
        message: expect.stringMatching(/1 order that has not ended was begun.*a platform of its own/),
        problems: [{ path }],
      });
    }
    // What says nothing of the account may change, and so may the secret of the same key.
    await registry.edit(platformId, { name: 'other', credentials: { ...credentials, secretKey: 'new' } }, by);
    await registry.edit(platformId, { credentials }, by);
    // And everything may when nothing is under way any more.
    await site.query('update work_order set finished_at = now(), status = $2 where work_order_id = $1', [
      underWay,
      'failed',
    ]);
    await site.query(`update work_order set finished_at = now() where kind = 'preparation'`);
    await registry.edit(platformId, { serviceUrl: 'http://127.0.0.1:9/client/api' }, by);
  }, 120_000);

  it('lets new orders wait for the end of a maintenance, with the reason, and goes on with those under way', async () => {
    const underWay = await order();
    await until('something is built', async () => (await site.cloud(platformId).effects()).length > 0);
    await registry.setState(platformId, 'maintenance', { ...by, reason: 'new storage' });
    await until('the worker has noticed', () => site.worker.platforms.weatherOf(platformId).state === 'maintenance');
    const later = await order();
    await reaches(underWay, 'completed');
    const weather = () => site.worker.platforms.weatherOf(platformId);
    await until('the new one waits', () => weather().parked === 1);
    expect(weather().reason).toBe('new storage');
    expect((await statusOf(later))?.status).toBe('received');
    await registry.setState(platformId, 'open', by);
    await reaches(later, 'completed');
  }, 120_000);

  it('holds new orders for a platform that is disabled, or was removed', async () => {
    const state = () => site.worker.platforms.get(platformId)?.summary.state;
    await registry.setState(platformId, 'disabled', by);
    await until('the worker has noticed', () => state() === 'disabled');
    const first = await order();
    await reaches(first, 'held');
    expect((await statusOf(first))?.reason?.message).toContain('platform_disabled');
    await expect(registry.remove(platformId, by)).rejects.toMatchObject({ code: 'OPS_PLATFORM_IN_USE' });
    await site.query(`update work_order set finished_at = now() where work_order_id = $1`, [first]);
    await registry.remove(platformId, by);
    await until('the worker has noticed', () => state() === undefined);
    const second = await order();
    await reaches(second, 'held');
    expect((await statusOf(second))?.reason?.message).toContain('unknown_platform');
  }, 120_000);
});
