import { afterEach, expect, it } from '@jest/globals';
import { CloudSite, order86 } from '../support/cloud-site.js';
import { until } from '../support/scenario-wait.js';

let site: CloudSite;
afterEach(() => site.stop());

it('a VM ordered with neither a password nor a key has one that is kept before anything is sent, whatever answer is lost', async () => {
  site = await CloudSite.start({ cloud: 'openstack' });
  await site.misbehave({ on: 'create a VM', kind: 'lose-answer', times: 1 });
  const without = order86.replace(/\\"rootPassword\\": ?\\"[^"\\]*\\"/, '\\"rootPassword\\": null');
  expect(without).not.toBe(order86);
  await site.submit(without);
  const kept = async () => site.query('select sealed, field, origin from sealed_secret');
  await until(
    'it is planned',
    async () => ({ done: (await site.order()).status !== 'received', seen: (await site.order()).status }),
    20_000,
  );
  const before = await kept();
  expect(before).toMatchObject([{ field: 'rootPassword', origin: 'cloud' }]);
  await site.until('completed', ({ status }) => status === 'completed');
  expect(await kept()).toEqual(before);
});
