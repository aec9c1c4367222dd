import { expect, test } from '@jest/globals';
import { simulators } from '../../src/cli/simulators.js';

const options = { release: '4.22', latency: { min: 1, max: 2 } };

test.each(Object.keys(simulators))(
  'simulate %s starts a cloud whose service and control side share an origin',
  async (name) => {
    const start = simulators[name];
    if (start === undefined) throw new Error(`no ${name}`);
    const simulator = await start(options, {});
    try {
      expect(new URL(simulator.serviceUrl).origin).toBe(simulator.url);
      expect(await (await fetch(`${simulator.url}/_sim/resources`)).json()).toEqual({ resources: [] });
    } finally {
      await simulator.close();
    }
  },
);

test('simulate openstack takes the password of its administrator from the environment', async () => {
  const simulator = await simulators['openstack']?.(options, { ORDERWRIGHT_SIMULATOR_ADMIN_PASSWORD: 'from-outside' });
  if (simulator === undefined) throw new Error('no openstack');
  const login = async (password: string) => {
    const user = { name: 'admin', domain: { name: 'Default' }, password };
    const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } } } });
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${simulator.serviceUrl}/auth/tokens`, { method: 'POST', body, headers })).status;
  };
  try {
    expect([await login('from-outside'), await login('something else')]).toEqual([201, 401]);
  } finally {
    await simulator.close();
  }
});
