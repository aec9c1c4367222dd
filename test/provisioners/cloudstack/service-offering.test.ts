import { describe, expect, it } from '@jest/globals';
import { carryOut, type Task } from '../../conformance/small-engine.js';
import { aCloud } from './building.js';

describe('a service offering', () => {
  it('is made once for a shape, also when the answer is lost, and is found in the catalogue afterwards', async () => {
    const cloud = await aCloud();
    const resolution = await cloud.provisioner.resolve(cloud.request);
    if (resolution.state === 'held') throw new Error('held');
    const wanted = resolution.preparations.find(({ kind }) => kind === 'service-offering');
    const task: Task = { operation: 'service-offering.ensure', settings: wanted?.settings ?? {}, inputs: {} };
    await cloud.fault('createServiceOffering', 'lose-answer');
    const { found, lost } = await carryOut(cloud.provisioner, task);
    expect(lost).toBe(1);
    const again = await carryOut(cloud.provisioner, task);
    expect(again.found).toEqual(found);
    expect((await cloud.calls())['createServiceOffering']).toBe(1);
  });
});
