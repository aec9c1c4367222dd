import { describe, expect, it } from '@jest/globals';
import {
  createNetwork,
  deleteNetwork,
  listNetworks,
  readNetwork,
  restartNetwork,
  updateNetwork,
} from '../../../src/provisioners/cloudstack/guest-networks.js';
import { terminateVm } from '../../../src/provisioners/cloudstack/vm-actions.js';
import { createVpc } from '../../../src/provisioners/cloudstack/vpcs.js';
import { anOperator, aVm, newId, type Operator, tierOfferingId, vpcOfferingId } from './operator.js';
import { zoneId } from '../an-order.js';

async function aTier({ client, done }: Operator, more: object = {}) {
  const vpcId = await done(createVpc(client, { name: 'v', vpcOfferingId, zoneId, cidr: '10.10.0.0/16' }, newId()));
  const wanted = { name: 'tier', networkOfferingId: tierOfferingId, zoneId, vpcId, cidr: '10.10.16.0/20', ...more };
  return { wanted, network: await createNetwork(client, wanted) };
}

describe('a network', () => {
  it('is asked for by its range, which the server is told as gateway and netmask', async () => {
    const { network } = await aTier(await anOperator());
    expect(network).toMatchObject({ cidr: '10.10.16.0/20', gateway: '10.10.16.1', netmask: '255.255.240.0' });
  });

  it('may have a gateway of its own', async () => {
    const { network } = await aTier(await anOperator(), { gateway: '10.10.31.254' });
    expect(network).toMatchObject({ cidr: '10.10.16.0/20', gateway: '10.10.31.254' });
  });

  it('of a range that is none is never asked for, and one that crosses another tier is refused', async () => {
    const operator = await anOperator();
    const { wanted } = await aTier(operator);
    const before = (await operator.cloud.calls())['createNetwork'];
    await expect(createNetwork(operator.client, { ...wanted, cidr: '10.10.16.1/20' })).rejects.toMatchObject({
      disposition: 'reject',
      code: 'CLD_PARAMETER',
    });
    expect((await operator.cloud.calls())['createNetwork']).toBe(before);
    await expect(createNetwork(operator.client, { ...wanted, cidr: '10.10.17.0/24' })).rejects.toMatchObject({
      details: { cloudCode: '431/4350' },
    });
  });

  it.each(['4.9', '4.22'])(
    'is found by exactly its name, with or without the server’s filter (%s)',
    async (version) => {
      const operator = await anOperator({ version });
      const { wanted, network } = await aTier(operator);
      await createNetwork(operator.client, { ...wanted, name: 'tier-2', cidr: '10.10.32.0/20' });
      expect(await listNetworks(operator.client, { name: 'tier', vpcId: wanted.vpcId })).toMatchObject([
        { id: network.id },
      ]);
      expect(await readNetwork(operator.client, newId())).toBeNull();
    },
  );

  it('is renamed, restarted, and removed once no machine is in it', async () => {
    const operator = await anOperator();
    const { client, done, outcome } = operator;
    const { network } = await aTier(operator);
    await done(updateNetwork(client, { id: network.id, name: 'front', displayText: 'Front' }, newId()));
    expect(await readNetwork(client, network.id)).toMatchObject({ name: 'front', displaytext: 'Front' });
    const vmId = await aVm(operator, { networkids: network.id });
    await done(restartNetwork(client, { id: network.id, isCleanup: true }, newId()));
    expect(await outcome(deleteNetwork(client, network.id, newId()))).toMatchObject({
      state: 'failed',
      code: 'CLD_IN_USE',
    });
    await done(terminateVm(client, vmId, newId()));
    await done(deleteNetwork(client, network.id, newId()));
    expect(await readNetwork(client, network.id)).toBeNull();
  });
});
