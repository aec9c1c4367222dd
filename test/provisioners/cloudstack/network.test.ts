import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { carryOut, finished, handlerOf, newMarker, pause, requestFor } from '../../conformance/small-engine.js';
import { cloudStackClient } from '../../../src/provisioners/cloudstack/client.js';
import { JobAccepted } from '../../../src/provisioners/cloudstack/schema.js';
import { openHttp } from '../../../src/provisioners/http.js';
import { pace } from '../../../src/provisioners/pace.js';
import { building } from './building.js';
import type { Simulated } from './simulated.js';

/** Somebody else of the same tenant, with a client of his own, takes exactly this address. */
async function takeBySomebodyElse({ config }: Simulated, ipAddress: string, vpcId: string): Promise<string> {
  const client = cloudStackClient({
    serviceUrl: config.serviceUrl,
    credentials: config.credentials as { apiKey: string; secretKey: string },
    http: openHttp({ connections: 1, timeoutMs: 2_000, maxAnswerBytes: 64 * 1024 }),
    pace: pace({ perSecond: 100, burst: 100, atOnce: 1, maxWaiting: 10 }),
  });
  try {
    const { id } = await client.change('associateIpAddress', { vpcid: vpcId, ipaddress: ipAddress }, JobAccepted);
    return id ?? '';
  } finally {
    await client.close();
  }
}

describe('an address', () => {
  it('is tagged with its marker by a second job', async () => {
    const { provisioner, task, cloud } = await building();
    const marker = newMarker();
    const { found } = await carryOut(provisioner, task('network.reserve'), marker);
    expect(found.facts).toMatchObject({ addressId: found.resourceId, bandwidthMbps: '2', marker });
    expect((await cloud.calls())['createTags']).toBe(1);
  });

  it.each(['associateIpAddress', 'createTags'])('whose answer to %s is lost is not reserved twice', async (command) => {
    const { provisioner, task, cloud } = await building();
    const addresses = async () => (await cloud.resources()).filter(({ kind }) => kind === 'address').length;
    const before = await addresses();
    await cloud.fault(command, 'lose-answer');
    const { lost } = await carryOut(provisioner, task('network.reserve'));
    expect(lost).toBe(1);
    expect(await addresses()).toBe(before + 1);
  });

  it('bound to another machine is left there, and a person is asked', async () => {
    const { provisioner, task } = await building();
    const [one, other] = [
      await carryOut(provisioner, task('vm.create')),
      await carryOut(provisioner, task('vm.create')),
    ];
    const { found } = await carryOut(provisioner, task('network.reserve'));
    await carryOut(provisioner, task('network.bind', { ...found.facts, vmId: one.found.resourceId }));
    const wrong = task('network.bind', { ...found.facts, vmId: other.found.resourceId });
    await expect(carryOut(provisioner, wrong)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_CONTRADICTION',
    });
  });

  it('discarded before its tag is known by the job that made it', async () => {
    const { provisioner, task } = await building();
    const handler = handlerOf(provisioner, 'network.reserve');
    const request = requestFor(task('network.reserve'));
    const sent = await handler.send(request);
    if (sent.state !== 'pending') throw new Error(sent.state);
    await finished(provisioner, 'network.reserve', sent.jobId);
    const addressId = sent.resourceId ?? '';
    await expect(handler.discard({ ...request, requestId: randomUUID() }, addressId)).rejects.toMatchObject({
      disposition: 'ask-human',
    });
    for (let step = 0; (await handler.discard(request, addressId)) !== 'gone' && step < 100; step += 1) await pause(20);
    await expect(handler.inspect(request, addressId)).resolves.toEqual({ state: 'absent' });
  });

  it('of a job that says it failed is found by that job, and by the attempt after it', async () => {
    const { provisioner, task, cloud } = await building();
    const handler = handlerOf(provisioner, 'network.reserve');
    const request = requestFor(task('network.reserve'));
    await cloud.fault('associateIpAddress', 'job-lies-failed');
    const sent = await handler.send(request);
    if (sent.state !== 'pending') throw new Error(sent.state);
    await finished(provisioner, 'network.reserve', sent.jobId);
    const found = { state: 'found', resourceId: sent.resourceId, others: [] };
    await expect(handler.find(request)).resolves.toEqual(found);
    const next = { ...request, requestId: randomUUID(), earlierRequestIds: [request.requestId], attempt: 2 };
    await expect(handler.find(next)).resolves.toEqual(found);
  });

  it('that was released and given to somebody else, under the same id, is neither taken nor released again', async () => {
    const { provisioner, task, cloud } = await building();
    const handler = handlerOf(provisioner, 'network.reserve');
    const request = requestFor(task('network.reserve'));
    const sent = await handler.send(request);
    if (sent.state !== 'pending') throw new Error(sent.state);
    await finished(provisioner, 'network.reserve', sent.jobId);
    const addressId = sent.resourceId ?? '';
    const seen = await handler.inspect(request, addressId);
    const ipAddress = (await cloud.resources()).find(({ id }) => id === addressId)?.name ?? '';
    for (let step = 0; (await handler.discard(request, addressId)) !== 'gone' && step < 100; step += 1) await pause(20);
    // Servers print whole seconds.
    await pause(3_100);
    const vpcId = request.inputs['vpcId'] ?? '';
    expect(await takeBySomebodyElse(cloud, ipAddress, vpcId)).toBe(addressId);
    await pause(100);
    const memo = seen.state === 'next' ? seen.memo : {};
    const next = { ...request, requestId: randomUUID(), earlierRequestIds: [request.requestId], attempt: 2 };
    await expect(handler.find(next)).resolves.toEqual({ state: 'absent' });
    await expect(handler.discard({ ...request, memo }, addressId)).resolves.toBe('gone');
    const release = task('network.release', {
      addressId,
      marker: request.marker,
      allocatedAt: '2020-01-01T00:00:00.000Z',
    });
    await carryOut(provisioner, release, request.marker);
    expect((await cloud.resources()).map(({ id }) => id)).toContain(addressId);
  });

  it('of which there are none is refused in the words of the cloud, and nothing of it is there', async () => {
    // One for the router of the user's VPC.
    const { provisioner, task, cloud } = await building({ publicAddresses: 1 });
    const handler = handlerOf(provisioner, 'network.reserve');
    const request = requestFor(task('network.reserve'));
    await expect(handler.send(request)).rejects.toMatchObject({
      name: 'OutcomeUnknownError',
      how: 'failed',
      code: 'CLD_CAPACITY',
      message: expect.stringContaining('Failed to fetch any free public IP address'),
    });
    await expect(handler.find(request)).resolves.toEqual({ state: 'absent' });
    expect(await cloud.alive(request.marker)).toEqual([]);
  });

  it('on a server that takes no job ids is never reserved twice: a person is asked about what nobody claims', async () => {
    const { provisioner, task, cloud } = await building({ version: '4.4' });
    const handler = handlerOf(provisioner, 'network.reserve');
    const request = requestFor(task('network.reserve'));
    await expect(handler.find(request)).resolves.toEqual({ state: 'absent' });
    await cloud.fault('associateIpAddress', 'lose-answer');
    await expect(handler.send(request)).rejects.toMatchObject({ name: 'OutcomeUnknownError' });
    await expect(handler.find(request)).rejects.toMatchObject({
      disposition: 'ask-human',
      code: 'CLD_RESPONSE_UNKNOWN',
    });
  });
});
