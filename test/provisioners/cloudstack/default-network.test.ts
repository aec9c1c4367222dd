import { describe, expect, it } from '@jest/globals';
import { carryOut, handlerOf, newMarker, requestFor, type Task } from '../../conformance/small-engine.js';
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
