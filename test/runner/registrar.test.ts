import { afterEach, describe, expect, it } from '@jest/globals';
import type { Registration } from '../../src/runner/registrar.js';
import { bought, CloudSite, order86, sitePlatformId } from '../support/cloud-site.js';
import { until } from '../support/scenario-wait.js';

/** The user of order 86. */
const userId = (JSON.parse(order86) as { userId: string }).userId;
const him = { userIds: [userId], platformIds: [sitePlatformId] };
const ann = { actor: 'ann', reason: 'because' };
const registrar = { removalDelayMs: 50, lookEveryMs: 30 };
/** CloudStack keeps all users in one account unless it is told otherwise. */
const settings = { registerTenants: 'first-order' };

describe.each(['cloudstack', 'openstack'])("on %s, a user's registration", (cloud) => {
  let site: CloudSite;
  afterEach(() => site.stop());

  const start = async (more: object = {}) => {
    site = await CloudSite.start({ cloud, settings, registrar, ...more });
    return site.worker.registrar;
  };
  const untilIt = (what: string, isSo: (one: Registration) => boolean) =>
    until(
      what,
      async () => {
        const [one] = await site.worker.registrar.list(him);
        return { done: one !== undefined && isSo(one), seen: JSON.stringify(one) };
      },
      30_000,
    );
  const is =
    (state: Registration['state']) =>
    ({ state: now }: Registration) =>
      now === state;
  const kinds = async () => new Set((await site.resources()).map(({ kind }) => kind));

  it('is made without an order, once, and an order finds it', async () => {
    const registrations = await start();
    expect(await registrations.register(him, ann)).toMatchObject([{ userId, state: 'asked', wanted: 'registered' }]);
    await registrations.register(him, ann);
    await untilIt('is registered', is('registered'));
    const accounts = async () => (await site.resources()).filter(({ kind }) => kind === 'account').length;
    expect(await accounts()).toBe(1);
    await site.submit();
    await site.until('completed', ({ status }) => status === 'completed');
    expect(await accounts()).toBe(1);
    expect(await site.violations()).toEqual([]);
    expect(await site.query(`select action, actor, subject from audit`)).toEqual([
      { action: 'users.register', actor: 'ann', subject: userId },
      { action: 'users.register', actor: 'ann', subject: userId },
    ]);
  });

  it('brings his network with it when that is wanted', async () => {
    await (await start()).register(him, ann, { withNetwork: true });
    await untilIt('is registered', is('registered'));
    expect(await kinds()).toContain('network');
  });

  it('is taken back with his network, and a later order registers him anew', async () => {
    const registrations = await start();
    await registrations.register(him, ann, { withNetwork: true });
    await untilIt('is registered', is('registered'));
    await registrations.unregister(him, ann);
    await untilIt('is unregistered', is('unregistered'));
    const left = await kinds();
    for (const kind of ['account', 'user', 'network', 'vpc', 'router', 'subnet']) expect(left).not.toContain(kind);

    await site.worker.users.refresh();
    await site.submit();
    await site.until('completed', ({ status }) => status === 'completed');
    expect(bought((await site.outcome()).alive)).toEqual({ vm: 1, volume: 1, address: 1 });
    expect(await registrations.list(him)).toMatchObject([{ userId, state: 'registered', wanted: 'registered' }]);
    // And back again, once what he bought is gone; until then it waits and says why.
    await registrations.unregister(him, ann);
    await untilIt('waits', ({ state, detail }) => state === 'waiting' && /still h/.test(detail));
    expect(bought(await site.resources())).toEqual({ vm: 1, volume: 1, address: 1 });
  });

  it('is made and taken back whatever answers are lost, and leaves nothing', async () => {
    const registrations = await start();
    const lostAnswers = { on: '*', kind: 'lose-answer', probability: 0.4, times: 8 } as const;
    await site.misbehave(lostAnswers);
    await registrations.register(him, ann, { withNetwork: true });
    await untilIt('is registered', is('registered'));
    await site.misbehave(lostAnswers);
    await registrations.unregister(him, ann);
    await untilIt('is unregistered', is('unregistered'));
    await site.behave();
    const left = await kinds();
    for (const kind of ['account', 'user', 'network', 'vpc', 'router', 'subnet']) expect(left).not.toContain(kind);
    expect(await site.violations()).toEqual([]);
  });

  it('is not taken back while an order of his is open', async () => {
    const registrations = await start({ latencyMs: { min: 400, max: 500 } });
    await site.submit();
    await site.until('at work', ({ status }) => status === 'provisioning');
    await registrations.unregister(him, ann);
    await untilIt('waits', ({ state, detail }) => state === 'waiting' && detail.includes('orders are open'));
    await site.until('completed', ({ status }) => status === 'completed');
  });

  it('that never was is taken back at once', async () => {
    await (await start()).unregister(him, ann);
    await untilIt('is unregistered', is('unregistered'));
    expect(await kinds()).toEqual(new Set());
  });

  it('that an order made is listed like any other', async () => {
    const registrations = await start();
    await site.submit();
    await site.until('completed', ({ status }) => status === 'completed');
    const registered = [{ userId, platformId: sitePlatformId, state: 'registered', wanted: 'registered' }];
    expect(await registrations.list(him)).toMatchObject(registered);
    expect(await registrations.list({ userIds: null, platformIds: null })).toMatchObject(registered);
    expect(await registrations.list({ userIds: ['somebody-else'], platformIds: null })).toEqual([]);
  });

  it('of all users is asked for in one step', async () => {
    const registrations = await start();
    for (const id of ['u1', 'u2', 'u3']) {
      await site.query(`insert into tenant (user_id, account_id, username, state)
                        values ('${id}', 'a-${id}', 'name-${id}', '${id === 'u3' ? 'inactive' : 'active'}')`);
    }
    await registrations.register({ userIds: null, platformIds: null }, ann);
    await until(
      'both are registered',
      async () => {
        const all = await registrations.list({ userIds: null, platformIds: null });
        return { done: all.filter(is('registered')).length === 2, seen: JSON.stringify(all) };
      },
      30_000,
    );
    const accounts = (await site.resources()).filter(({ kind }) => kind === 'account').map(({ name }) => name);
    expect(accounts).toHaveLength(2);
  });
});
