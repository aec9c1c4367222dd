import { afterEach } from '@jest/globals';
import { type OperationName, preparationOperations } from '../../../src/planner/plan.js';
import type { Facts, ResolveRequest } from '../../../src/provisioners/provisioner.js';
import { carryOut, type Task } from '../../conformance/small-engine.js';
import { anOrder } from '../an-order.js';
import { simulated, type Simulated, type SimulatedOptions } from './simulated.js';

const clouds: Simulated[] = [];
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.close();
});

/** A simulated cloud that is closed after the test. */
export async function aCloud(options: SimulatedOptions = {}): Promise<Simulated> {
  const cloud = await simulated(options);
  clouds.push(cloud);
  return cloud;
}

/** A simulated cloud, the tenant's network in it, and the tasks of an order. */
export async function building(options: SimulatedOptions = {}, request: ResolveRequest = anOrder()) {
  const cloud = await aCloud(options);
  const { provisioner } = cloud;
  const resolution = await provisioner.resolve(request);
  if (resolution.state === 'held') throw new Error(JSON.stringify(resolution.holds));
  const inputs: Record<string, string> = {};
  for (const { kind, settings } of resolution.preparations) {
    const { found } = await carryOut(provisioner, { operation: preparationOperations[kind], settings, inputs });
    Object.assign(inputs, found.facts);
  }
  const settingsOf = (operation: OperationName) => {
    const type = { vm: 'VM', ebs: 'EBS', network: 'NETWORK' }[operation.split('.')[0] ?? ''];
    return resolution.parts.find(({ key }) => key.startsWith(type ?? '?'))?.settings ?? {};
  };
  const task = (operation: OperationName, more: Facts = {}): Task => ({
    operation,
    settings: settingsOf(operation),
    inputs: { ...inputs, ...more },
    rootPassword: 'a-Password-1',
  });
  return { cloud, provisioner, resolution, task };
}
