import { describe, expect, it } from '@jest/globals';
import { carryOut, finished, handlerOf, newMarker, pause, requestFor } from '../../conformance/small-engine.js';
import { building } from './building.js';

describe('a disk', () => {
  it('attached to another machine is left there, and a person is asked', async () => {
    const { provisioner, task, cloud } = await building();
    const [one, other] = [
      await carryOut(provisioner, task('vm.create')),
      await carryOut(provisioner, task('vm.create')),
    ];
    const { found } = await carryOut(provisioner, task('ebs.create'));
    const onto = (vmId: string) => task('ebs.attach', { volumeId: found.resourceId, vmId });
    await carryOut(provisioner, onto(one.found.resourceId));
    await expect(carryOut(provisioner, onto(other.found.resourceId))).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_CONTRADICTION',
    });
    const volume = (await cloud.resources()).find(({ id }) => id === found.resourceId);
    expect(volume?.attachedTo).toBe(one.found.resourceId);
  });

  it('is as large as it was ordered', async () => {
    const { provisioner, task } = await building();
    const { found } = await carryOut(provisioner, task('ebs.create'));
    expect(found.facts['sizeGib']).toBe('80');
  });

  it('made twice by a late request is found twice, oldest first', async () => {
    const { provisioner, task, cloud } = await building();
    const marker = newMarker();
    const handler = handlerOf(provisioner, 'ebs.create');
    const first = await handler.send(requestFor(task('ebs.create'), { marker }));
    await pause(1100);
    const second = await handler.send(requestFor(task('ebs.create'), { marker }));
    if (first.state !== 'pending' || second.state !== 'pending') throw new Error('not sent');
    await Promise.all([first, second].map(({ jobId }) => finished(provisioner, 'ebs.create', jobId)));
    const finding = await handler.find(requestFor(task('ebs.create'), { marker }));
    expect(finding).toEqual({ state: 'found', resourceId: first.resourceId, others: [second.resourceId] });
    expect(await cloud.alive(marker)).toHaveLength(2);
  });

  it('still attached is not deleted yet', async () => {
    const { provisioner, task } = await building();
    const vm = await carryOut(provisioner, task('vm.create'));
    const disk = await carryOut(provisioner, task('ebs.create'));
    const facts = { ...disk.found.facts, vmId: vm.found.resourceId };
    await carryOut(provisioner, task('ebs.attach', facts));
    await expect(carryOut(provisioner, task('ebs.delete', facts))).rejects.toMatchObject({
      disposition: 'retry',
      code: 'CLD_IN_USE',
    });
  });
});
