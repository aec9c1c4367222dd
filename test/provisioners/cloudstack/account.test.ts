import { describe, expect, it } from '@jest/globals';
import { carryOut, handlerOf, newMarker, pause, requestFor } from '../../conformance/small-engine.js';
import { building } from './building.js';

describe('a session at a real login', () => {
  it('that the server drops in the middle of an order costs one more login, and nothing else', async () => {
    const { cloud, provisioner, task } = await building({
      credentials: { username: 'admin', password: 'password', domain: '/' },
    });
    await cloud.fault('deployVirtualMachine', 'expire-session');
    const marker = newMarker();
    const { lost } = await carryOut(provisioner, task('vm.create'), marker);
    expect(lost).toBe(0);
    expect((await cloud.calls())['login']).toBe(2);
    expect(await cloud.alive(marker)).toHaveLength(1);
  });
});

describe('polling hundreds of jobs', () => {
  it.each([
    ['4.9, whose list shows the finished ones too', '4.9', 1],
    ['4.22, which is asked for each finished one', '4.22', 41],
  ])('costs a CloudStack of %s few calls', async (_name, version, most) => {
    const { cloud, provisioner, task } = await building({ version });
    const handler = handlerOf(provisioner, 'ebs.create');
    const jobs = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const sent = await handler.send(requestFor(task('ebs.create')));
        if (sent.state !== 'pending') throw new Error(sent.state);
        return { jobId: sent.jobId, operation: 'ebs.create' as const, submittedAt: new Date().toISOString() };
      }),
    );
    await pause(100);
    const before = await cloud.calls();
    const reports = await provisioner.pollJobs(jobs);
    const after = await cloud.calls();
    expect([...reports.values()].every(({ state }) => state === 'succeeded')).toBe(true);
    const spent = ['listAsyncJobs', 'queryAsyncJobResult'].map((name) => (after[name] ?? 0) - (before[name] ?? 0));
    expect(spent[0]).toBe(1);
    expect((spent[0] ?? 0) + (spent[1] ?? 0)).toBeLessThanOrEqual(most);
  });
});

describe('many orders at once on a bad line', () => {
  it.each(['4.9', '4.22'])('make everything once, CloudStack %s', async (version) => {
    const { cloud, provisioner, task } = await building({ version });
    const addressesBefore = (await cloud.resources()).filter(({ kind }) => kind === 'address').length;
    for (const operation of [
      'deployVirtualMachine',
      'create*',
      'associateIpAddress',
      'attachVolume',
      'enableStaticNat',
    ]) {
      await cloud.fault(operation, 'lose-answer', { times: undefined, probability: 0.3 });
    }
    const orders = 15;
    let lost = 0;
    const markers: string[] = [];
    const build = async (...given: Parameters<typeof task>) => {
      const marker = newMarker();
      if (!given[0].endsWith('attach') && !given[0].endsWith('bind')) markers.push(marker);
      const outcome = await carryOut(provisioner, task(...given), marker);
      lost += outcome.lost;
      return outcome.found;
    };
    await Promise.all(
      Array.from({ length: orders }, async () => {
        const [vm, disk, address] = await Promise.all([
          build('vm.create'),
          build('ebs.create'),
          build('network.reserve'),
        ]);
        await build('ebs.attach', { ...disk.facts, vmId: vm.resourceId });
        await build('network.bind', { ...address.facts, vmId: vm.resourceId });
      }),
    );
    expect(lost).toBeGreaterThan(10);
    for (const marker of markers) expect(await cloud.alive(marker)).toHaveLength(1);
    const addresses = (await cloud.resources()).filter(({ kind }) => kind === 'address').length;
    expect(addresses).toBe(addressesBefore + orders);
  });
});
