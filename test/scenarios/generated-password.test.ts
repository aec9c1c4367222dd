import { afterEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.js';
import { CloudSite, order86 } from '../support/cloud-site.js';
import { changeItems } from '../support/scenario-orders.js';
import { until } from '../support/scenario-wait.js';

let site: CloudSite;
afterEach(() => site.stop());

it('a VM ordered with neither a password nor a key has one that is kept before anything is sent, whatever answer is lost', async () => {
  site = await CloudSite.start({ cloud: 'openstack' });
  await site.misbehave({ on: 'create a VM', kind: 'lose-answer', times: 1 });
  await site.submit(withVm({ rootPassword: null }));
  const kept = async () => site.query('select sealed, field, origin from sealed_secret');
  await until(
    'it is planned',
    async () => ({ done: (await site.order()).status !== 'received', seen: (await site.order()).status }),
    20_000,
  );
  const before = await kept();
  expect(before).toMatchObject([{ field: 'rootPassword#1', origin: 'cloud' }]);
  await site.until('completed', ({ status }) => status === 'completed');
  expect(await kept()).toEqual(before);
});

describe.each([
  { cloud: 'cloudstack', made: /^\w{6}$/ }, // by the template, in the job's result
  { cloud: 'openstack', made: /^Ow1-/ }, // by us, when it is planned
])('three VMs ordered as one item without a password on $cloud', ({ cloud, made }) => {
  it('have a password each, and whoever collects them is told which machine each one opens', async () => {
    site = await CloudSite.start({ cloud });
    const orderId = await site.submit(withVm({ vmNumber: 3, rootPassword: null }));
    await site.until('completed', ({ status }) => status === 'completed');
    const passwords = await site.collectSecrets(orderId);
    expect(passwords.map(({ name, piece }) => ({ name, piece }))).toEqual(
      [1, 2, 3].map((piece) => ({ name: 'rootPassword', piece })),
    );
    expect(new Set(passwords.map(({ value }) => value)).size).toBe(3);
    for (const { value } of passwords) expect(value).toMatch(made);
    const vms = (await site.resources()).filter(({ kind }) => kind === 'vm').map(({ id }) => id);
    expect(passwords.map(({ cloudResourceId }) => cloudResourceId).toSorted()).toEqual(vms.toSorted());
  });
});

it('a password that was ordered is that of every VM of the item', async () => {
  site = await CloudSite.start();
  const orderId = await site.submit(withVm({ vmNumber: 2, rootPassword: 'Ordered-1' }));
  await site.until('completed', ({ status }) => status === 'completed');
  const passwords = await site.collectSecrets(orderId);
  expect(passwords.map(({ value }) => value)).toEqual(['Ordered-1', 'Ordered-1']);
});

/** Order 86 with its VM changed. */
function withVm(change: JsonObject): string {
  const order = JSON.parse(order86) as JsonObject;
  changeItems(order, (config, resourceType) => void (resourceType === 'VM' && Object.assign(config, change)));
  return JSON.stringify(order);
}
