import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { carryOut, finished, handlerOf, newMarker, requestFor, type Task } from '../../conformance/small-engine.js';
import { aCloud, building } from './building.js';

describe("a tenant's default network", () => {
  const commands = ['createVPC', 'createNetworkACLList', 'createNetworkACL', 'createNetwork'];

  it.each(['4.9', '4.22'])('of CloudStack %s is a VPC with a guarded tier', async (version) => {
    const { cloud, resolution, provisioner } = await building({ version });
    const calls = await cloud.calls();
    expect(commands.map((command) => calls[command])).toEqual([1, 1, 4, 1]);
    expect(resolution).toMatchObject({ preparations: [{ kind: 'default-network' }, { kind: 'service-offering' }] });
    const network = (await cloud.resources()).find(({ kind, name }) => kind === 'network' && name === 'u1-vpc-tier-1');
    expect(network?.marker).toMatch(/^ow-/);
    expect(await provisioner.resolve(cloud.request)).toMatchObject({ state: 'resolved' });
  });

  it.each(commands)('is made once although the answer to %s is lost', async (command) => {
    const cloud = await aCloud();
    const resolution = await cloud.provisioner.resolve(cloud.request);
    if (resolution.state === 'held') throw new Error('held');
    const [network] = resolution.preparations;
    const marker = newMarker();
    await cloud.fault(command, 'lose-answer');
    const task: Task = { operation: 'default-network.ensure', settings: network?.settings ?? {}, inputs: {} };
    const { lost, found } = await carryOut(cloud.provisioner, task, marker);
    expect(lost).toBe(1);
    expect(Object.keys(found.facts).toSorted((a, b) => a.localeCompare(b))).toEqual(['aclId', 'networkId', 'vpcId']);
    const ours = (await cloud.resources()).filter((one) => one.marker === marker);
    expect(new Set(ours.map(({ kind }) => kind)).size).toBe(ours.length);
    const again = await carryOut(cloud.provisioner, task, marker);
    expect(again.found.resourceId).toMatch(/./);
  });

  it('found by its marker is gone through again without making anything', async () => {
    const cloud = await aCloud();
    const resolution = await cloud.provisioner.resolve(cloud.request);
    if (resolution.state === 'held') throw new Error('held');
    const task: Task = {
      operation: 'default-network.ensure',
      settings: resolution.preparations[0]?.settings ?? {},
      inputs: {},
    };
    const marker = newMarker();
    const { found } = await carryOut(cloud.provisioner, task, marker);
    const handler = handlerOf(cloud.provisioner, 'default-network.ensure');
    let request = requestFor(task, { marker, attempt: 2 });
    let sent = await handler.send(request);
    while (sent.state === 'next') {
      request = requestFor(task, { marker, attempt: 2, stage: sent.stage, memo: sent.memo });
      sent = await handler.send(request);
    }
    expect(sent).toMatchObject({ state: 'done', found: { resourceId: found.resourceId } });
  });
});

describe('a VPC for which there is no public address', () => {
  it('is refused by its job in words, and nothing of it is left to be looked for', async () => {
    const cloud = await aCloud({ publicAddresses: 0 });
    const resolution = await cloud.provisioner.resolve(cloud.request);
    if (resolution.state === 'held') throw new Error('held');
    const settings = resolution.preparations[0]?.settings ?? {};
    const request = requestFor({ operation: 'default-network.ensure', settings, inputs: {} });
    const handler = handlerOf(cloud.provisioner, 'default-network.ensure');
    const sent = await handler.send(request);
    if (sent.state !== 'pending') throw new Error(sent.state);
    expect(await finished(cloud.provisioner, 'default-network.ensure', sent.jobId)).toMatchObject({
      state: 'failed',
      disposition: 'retry',
      message: expect.stringContaining('Failed to create VPC'),
    });
    await expect(handler.inspect(request, sent.resourceId ?? '')).resolves.toEqual({ state: 'absent' });
    await expect(handler.find(request)).resolves.toEqual({ state: 'absent' });
  });
});

describe('two VPCs of one marker, of which one job is still known', () => {
  it('are both named by a look-up', async () => {
    const cloud = await aCloud();
    const resolution = await cloud.provisioner.resolve(cloud.request);
    if (resolution.state === 'held') throw new Error('held');
    const task: Task = {
      operation: 'default-network.ensure',
      settings: resolution.preparations[0]?.settings ?? {},
      inputs: {},
    };
    const handler = handlerOf(cloud.provisioner, 'default-network.ensure');
    const first = requestFor(task);
    const second = { ...first, requestId: randomUUID() };
    // Two workers, of which neither knows of the other's request.
    const sent = await Promise.all([handler.send(first), handler.send(second)]);
    const made = sent.map((one) => (one.state === 'pending' ? one.resourceId : one.state));
    expect(new Set(made).size).toBe(2);
    const finding = await handler.find(second);
    if (finding.state !== 'found') throw new Error(finding.state);
    expect([finding.resourceId, ...finding.others].toSorted()).toEqual(made.toSorted());
  });
});
