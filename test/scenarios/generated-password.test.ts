import { afterEach, expect, it } from '@jest/globals';
import { CloudSite, order86 } from '../support/cloud-site.js';
import { until } from '../support/scenario-wait.js';

let site: CloudSite;
afterEach(() => site.stop());

it('a root password that Nova made is kept as soon as Nova has said it, long before the VM is there', async () => {
  site = await CloudSite.start({ cloud: 'openstack', latencyMs: { min: 400, max: 500 } });
  const without = order86.replace(/\\"rootPassword\\": ?\\"[^"\\]*\\"/, '\\"rootPassword\\": null');
  expect(without).not.toBe(order86);
  await site.submit(without);
  const operation = async () => (await site.query(`select state from cloud_operation where name = 'vm.create'`))[0];
  await until(
    'Nova has answered',
    async () => ({ done: (await operation())?.['state'] === 'inFlight', seen: String((await operation())?.['state']) }),
    20_000,
  );
  expect(await site.query('select field, origin from sealed_secret')).toEqual([
    { field: 'rootPassword', origin: 'cloud' },
  ]);
  await site.until('completed', ({ status }) => status === 'completed');
  expect(await site.query('select field, origin from sealed_secret')).toEqual([
    { field: 'rootPassword', origin: 'cloud' },
  ]);
});
